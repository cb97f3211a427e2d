//! PEM blocks as Go's encoding/pem reads and writes them.
//!
//! Goes in: bytes and a type. Comes out: text with lines of 64 characters; or the first block of a text. As in Go, reading skips
//! anything that is not a block and blocks with broken base64.

use crate::base64;

const BEGIN: &[u8] = b"-----BEGIN ";
const END: &[u8] = b"\n-----END ";
const DASHES: &[u8] = b"-----";

/// The first block of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// As in `-----BEGIN kind-----`.
    pub kind: String,
    pub bytes: Vec<u8>,
}

/// A block as text.
pub(super) fn encode(kind: &str, bytes: &[u8]) -> String {
    let body = base64::encode(bytes);
    let mut out = format!("-----BEGIN {kind}-----\n");
    let mut rest = body.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        out.push_str(line);
        out.push('\n');
        rest = after;
    }
    out.push_str(&format!("-----END {kind}-----\n"));
    out
}

/// The first block of a text, if there is one.
pub(super) fn decode(text: &[u8]) -> Option<Block> {
    let mut rest = text;
    loop {
        let end = memchr::memmem::find(rest, END)?;
        // If several BEGIN lines precede an END line, the last one counts.
        let begin = memchr::memmem::rfind(&rest[..end], BEGIN).filter(|at| *at == 0 || rest[at - 1] == b'\n');
        if let Some(block) = begin.and_then(|begin| read_block(&rest[begin + BEGIN.len()..end + 1], &rest[end + END.len()..])) {
            return Some(block);
        }
        rest = &rest[end + END.len()..];
    }
}

/// The block with `inside` between `BEGIN ` and the END line, and `after` behind `END `.
fn read_block(inside: &[u8], after: &[u8]) -> Option<Block> {
    let (first, mut body) = split_line(inside);
    let kind = first.strip_suffix(DASHES)?;
    let tail = after.strip_prefix(kind)?.strip_prefix(DASHES)?;
    if !split_line(tail).0.is_empty() {
        return None;
    }
    // Header lines contain a colon, base64 does not.
    while !body.is_empty() {
        let (line, rest) = split_line(body);
        if !line.contains(&b':') {
            break;
        }
        body = rest;
    }
    let digits: Vec<u8> = body.iter().copied().filter(|byte| !matches!(byte, b' ' | b'\t')).collect();
    let bytes = base64::decode(&digits).ok()?;
    Some(Block { kind: String::from_utf8_lossy(kind).into_owned(), bytes })
}

/// The first line without its end and trailing white space, and the rest.
fn split_line(text: &[u8]) -> (&[u8], &[u8]) {
    let (line, rest) = match memchr::memchr(b'\n', text) {
        Some(at) => (&text[..at], &text[at + 1..]),
        None => (text, &text[text.len()..]),
    };
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let length = line.iter().rposition(|byte| !matches!(byte, b' ' | b'\t')).map_or(0, |at| at + 1);
    (&line[..length], rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = encode("CERTIFICATE", &[9; 100]);
        assert!(text.lines().all(|line| line.len() <= 64));
        let found = decode(format!("# comment\n{text}").as_bytes());
        assert_eq!(found, Some(Block { kind: "CERTIFICATE".to_string(), bytes: vec![9; 100] }));
    }

    #[test]
    fn broken_blocks_are_skipped() {
        let good = encode("B", &[1, 2]);
        let text = format!("-----BEGIN A-----\n!!\n-----END A-----\n-----BEGIN A-----\nAQ==\n-----END X-----\n{good}");
        assert_eq!(decode(text.as_bytes()).map(|block| block.kind), Some("B".to_string()));
        assert_eq!(decode(b"nothing"), None);
    }
}
