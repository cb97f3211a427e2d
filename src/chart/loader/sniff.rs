//! The likely type of a file that is no archive, for the message that refuses it.
//!
//! Goes in: the first bytes of the file. Comes out: a media type. Matches Go's `http.DetectContentType`, which Helm calls after
//! padding short files to 512 bytes with zeros.

/// How many bytes are examined.
pub(super) const WINDOW: usize = 512;

const HTML: &[&str] = &[
    "<!DOCTYPE HTML",
    "<HTML",
    "<HEAD",
    "<SCRIPT",
    "<IFRAME",
    "<H1",
    "<DIV",
    "<FONT",
    "<TABLE",
    "<A",
    "<STYLE",
    "<TITLE",
    "<B",
    "<BODY",
    "<BR",
    "<P",
    "<!--",
];

/// Beginnings; a `.` in the second column marks a byte that is not compared.
const STARTS: &[(&[u8], &[u8], &str)] = &[
    (b"%PDF-", b"", "application/pdf"),
    (b"%!PS-Adobe-", b"", "application/postscript"),
    (b"\xFE\xFF", b"", "text/plain; charset=utf-16be"),
    (b"\xFF\xFE", b"", "text/plain; charset=utf-16le"),
    (b"\xEF\xBB\xBF", b"", "text/plain; charset=utf-8"),
    (b"\x00\x00\x01\x00", b"", "image/x-icon"),
    (b"\x00\x00\x02\x00", b"", "image/x-icon"),
    (b"BM", b"", "image/bmp"),
    (b"GIF87a", b"", "image/gif"),
    (b"GIF89a", b"", "image/gif"),
    (b"RIFF....WEBPVP", b"xxxx....xxxxxx", "image/webp"),
    (b"\x89PNG\r\n\x1A\n", b"", "image/png"),
    (b"\xFF\xD8\xFF", b"", "image/jpeg"),
    (b"FORM....AIFF", b"xxxx....xxxx", "audio/aiff"),
    (b"ID3", b"", "audio/mpeg"),
    (b"OggS\x00", b"", "application/ogg"),
    (b"MThd\x00\x00\x00\x06", b"", "audio/midi"),
    (b"RIFF....AVI ", b"xxxx....xxxx", "video/avi"),
    (b"RIFF....WAVE", b"xxxx....xxxx", "audio/wave"),
];

/// Beginnings that are tried after MP4.
const LATE_STARTS: &[(&[u8], &[u8], &str)] = &[
    (b"\x1A\x45\xDF\xA3", b"", "video/webm"),
    (b"..................................LP", b"..................................xx", "application/vnd.ms-fontobject"),
    (b"\x00\x01\x00\x00", b"", "font/ttf"),
    (b"OTTO", b"", "font/otf"),
    (b"ttcf", b"", "font/collection"),
    (b"wOFF", b"", "font/woff"),
    (b"wOF2", b"", "font/woff2"),
    (b"\x1F\x8B\x08", b"", "application/x-gzip"),
    (b"PK\x03\x04", b"", "application/zip"),
    (b"Rar!\x1A\x07\x00", b"", "application/x-rar-compressed"),
    (b"Rar!\x1A\x07\x01\x00", b"", "application/x-rar-compressed"),
    (b"\x00asm", b"", "application/wasm"),
];

/// The media type of a file that starts with these bytes.
pub(super) fn content_type(start: &[u8]) -> &'static str {
    let text = start.trim_ascii_start();
    if HTML.iter().any(|tag| starts_with_tag(text, tag.as_bytes())) {
        return "text/html; charset=utf-8";
    }
    if text.starts_with(b"<?xml") {
        return "text/xml; charset=utf-8";
    }
    let found =
        |starts: &[(&[u8], &[u8], &'static str)]| starts.iter().find(|(bytes, mask, _)| fits(start, bytes, mask)).map(|found| found.2);
    if let Some(kind) = found(STARTS) {
        return kind;
    }
    if is_mp4(start) {
        return "video/mp4";
    }
    if let Some(kind) = found(LATE_STARTS) {
        return kind;
    }
    let binary = |byte: &u8| matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f);
    if text.iter().any(binary) { "application/octet-stream" } else { "text/plain; charset=utf-8" }
}

fn fits(start: &[u8], bytes: &[u8], mask: &[u8]) -> bool {
    start.len() >= bytes.len() && bytes.iter().zip(start).enumerate().all(|(at, (want, got))| mask.get(at) == Some(&b'.') || want == got)
}

fn starts_with_tag(text: &[u8], tag: &[u8]) -> bool {
    text.get(..tag.len()).is_some_and(|start| start.eq_ignore_ascii_case(tag)) && matches!(text.get(tag.len()), Some(b' ' | b'>'))
}

fn is_mp4(start: &[u8]) -> bool {
    let [a, b, c, d, b'f', b't', b'y', b'p', ..] = start else { return false };
    let size = u32::from_be_bytes([*a, *b, *c, *d]) as usize;
    size <= start.len() && size.is_multiple_of(4) && (8..size).step_by(4).any(|at| at != 12 && start.get(at..at + 3) == Some(b"mp4"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_go_s() {
        let padded = |start: &[u8]| {
            let mut bytes = start.to_vec();
            bytes.resize(WINDOW, 0);
            content_type(&bytes)
        };
        assert_eq!(padded(b"plain text"), "application/octet-stream");
        assert_eq!(padded(b"\x1f\x8b\x08"), "application/x-gzip");
        assert_eq!(padded(b"PK\x03\x04"), "application/zip");
        assert_eq!(padded(b"  <html>"), "text/html; charset=utf-8");
        assert_eq!(padded(b"RIFF1234WAVE"), "audio/wave");
        assert_eq!(padded(b"\0\0\0\x18ftypmp42"), "video/mp4");
        assert_eq!(content_type(&[b'a'; WINDOW]), "text/plain; charset=utf-8");
    }
}
