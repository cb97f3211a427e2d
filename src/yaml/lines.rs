//! The head of a manifest, read line by line.
//!
//! Goes in: a checked [`Source`]. Comes out: its head if every line is one of the few kinds that nearly all manifests are made
//! of: a key, a dash, a value on its line, a block of text. Anything else is no fault here but a reason to let
//! [`super::head`] read the document with the whole scanner: flow collections that are not short lists, values of several lines,
//! anchors, tags, tabs, odd keys. Most of the bytes that charts render pass here, at a fraction of the time.

use super::head::{Builder, Slot};
use super::reader::Source;
use super::resolve::{Resolved, resolve};

/// Deeper documents go the long way, which has the limits.
const MAX_DEPTH: usize = 1000;

/// Longer keys go the long way, which has the limit.
const MAX_KEY: usize = 1000;

/// A collection that is open at this column.
#[derive(Clone, Copy)]
struct Open {
    column: usize,
    is_map: bool,
    /// Its last key or dash has no value yet.
    waits: bool,
}

/// Not a document for this reader.
struct Unknown;

type Step<T> = Result<T, Unknown>;

/// Reads the head; `false` if the document is to be read in another way.
pub(super) fn read(source: &Source<'_>, head: &mut Builder) -> bool {
    // Another line break than LF, or a character that ends the text, is for the scanner.
    if source.broken.is_some() || !source.plain_breaks || source.text.starts_with('\u{FEFF}') {
        return false;
    }
    let mut reader = Reader { rest: source.text.as_bytes(), open: Vec::new(), slot: Slot::Other, head };
    reader.run().is_ok() && !reader.open.is_empty()
}

struct Reader<'a> {
    rest: &'a [u8],
    open: Vec<Open>,
    /// What the value that is waited for is.
    slot: Slot,
    head: &'a mut Builder,
}

impl<'a> Reader<'a> {
    fn run(&mut self) -> Step<()> {
        while let Some((column, line)) = self.next_line()? {
            self.line(column, line)?;
        }
        Ok(())
    }

    /// The next line that holds something besides space and comments, without its indentation.
    fn next_line(&mut self) -> Step<Option<(usize, &'a [u8])>> {
        while !self.rest.is_empty() {
            let end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
            let line = &self.rest[..end];
            self.rest = self.rest.get(end + 1..).unwrap_or_default();
            let column = spaces(line);
            match line.get(column) {
                None | Some(b'#') => {}
                Some(b'\t') => return Err(Unknown),
                Some(b'-' | b'.') if column == 0 && (line.starts_with(b"---") || line.starts_with(b"...")) => return Err(Unknown),
                Some(_) => return Ok(Some((column, &line[column..]))),
            }
        }
        Ok(None)
    }

    fn line(&mut self, column: usize, line: &'a [u8]) -> Step<()> {
        let is_dash = matches!(line, [b'-'] | [b'-', b' ', ..]);
        while self.open.last().is_some_and(|open| open.column > column) {
            self.close();
        }
        // A list may stand at the column of the key it belongs to; the next key ends it.
        if let [.., below, top] = &*self.open
            && top.column == column
            && below.column == column
            && !is_dash
        {
            self.close();
        }
        let mut column = column;
        let mut line = line;
        while let [b'-', after @ ..] = line
            && matches!(after, [] | [b' ', ..])
        {
            match self.open.last_mut() {
                Some(top) if top.column == column && !top.is_map => {}
                Some(top) if top.waits && (top.column < column || top.is_map && top.column == column) => {
                    top.waits = false;
                    self.push(column, false)?;
                }
                _ => return Err(Unknown),
            }
            let spaces = spaces(after);
            column += 1 + spaces;
            line = after.get(spaces..).unwrap_or_default();
            if line.is_empty() || (line.starts_with(b"#") && spaces > 0) {
                self.wait(true);
                return Ok(());
            }
            self.wait(true);
        }
        let Some((key, after, is_plain)) = key(line)? else {
            // A value behind a dash, or on the line below its key or dash.
            let has_place = is_dash || self.open.last().is_some_and(|top| top.waits && top.column < column);
            return if has_place { self.value(line) } else { Err(Unknown) };
        };
        match self.open.last_mut() {
            Some(top) if top.column == column && top.is_map => {}
            Some(top) if top.waits && top.column < column => {
                top.waits = false;
                self.push(column, true)?;
            }
            None if column == 0 => self.push(column, true)?,
            _ => return Err(Unknown),
        }
        self.slot = self.head.slot_of(key, is_plain, self.open.len()).ok_or(Unknown)?;
        self.value(after)
    }

    /// Opens a collection as the value that is waited for.
    fn push(&mut self, column: usize, is_map: bool) -> Step<()> {
        let slot = std::mem::take(&mut self.slot);
        if self.open.len() >= MAX_DEPTH || !self.head.open(&slot, is_map, self.open.len()) {
            return Err(Unknown);
        }
        self.open.push(Open { column, is_map, waits: false });
        Ok(())
    }

    fn close(&mut self) {
        self.open.pop();
        self.slot = Slot::Other;
        self.head.closed(self.open.len());
    }

    fn wait(&mut self, waits: bool) {
        if let Some(top) = self.open.last_mut() {
            top.waits = waits;
        }
    }

    /// What stands behind a key or a dash on its line.
    fn value(&mut self, text: &'a [u8]) -> Step<()> {
        self.wait(false);
        let spaces = spaces(text);
        let text = text.get(spaces..).unwrap_or_default();
        match text {
            [] => return self.nothing(),
            [b'#', ..] if spaces > 0 => return self.nothing(),
            [b'|' | b'>', header @ ..] => return self.block(header),
            [b'[', ..] | [b'{', ..] => {
                let length = flow(text, 0)?;
                if !matches!(self.slot, Slot::Other) {
                    return Err(Unknown);
                }
                return ends(&text[length..]);
            }
            [quote @ (b'"' | b'\''), ..] => {
                let Some((inner, length)) = quoted(text, *quote)? else { return self.long_quoted(text, *quote) };
                ends(&text[length..])?;
                return self.scalar(inner, false);
            }
            _ => {}
        }
        if !begins_plain(text) {
            return Err(Unknown);
        }
        let (text, has_comment) = plain(text)?;
        if matches!(text, [b'.', ..] | [b'+' | b'-', b'.', ..])
            && std::str::from_utf8(text).is_ok_and(|text| matches!(resolve(text), Resolved::Float(number) if !number.is_finite()))
        {
            return Err(Unknown);
        }
        if !has_comment && self.goes_on()? {
            // The text of several lines is put together by those who know how.
            return if matches!(self.slot, Slot::Other) { Ok(()) } else { Err(Unknown) };
        }
        self.scalar(text, true)
    }

    /// Steps over the lines that go on with a scalar without quotes: those deeper than the collection it stands in.
    fn goes_on(&mut self) -> Step<bool> {
        let parent = self.open.last().map_or(0, |open| open.column);
        let mut rest = self.rest;
        let mut found = false;
        loop {
            let column = spaces(rest);
            match rest.get(column) {
                None => break,
                Some(b'\n') => {
                    rest = &rest[column + 1..];
                    continue;
                }
                Some(b'\t') => return Err(Unknown),
                Some(b'#') => break,
                Some(_) if column <= parent => break,
                Some(_) => {}
            }
            let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
            let (_, has_comment) = plain(&rest[column..end])?;
            rest = rest.get(end + 1..).unwrap_or_default();
            self.rest = rest;
            found = true;
            if has_comment {
                break;
            }
        }
        Ok(found)
    }

    /// A scalar in quotes that ends on a later line; its text is of no interest.
    fn long_quoted(&mut self, text: &[u8], quote: u8) -> Step<()> {
        if !matches!(self.slot, Slot::Other) {
            return Err(Unknown);
        }
        closing_quote(text, 1, quote)?;
        while !self.rest.is_empty() {
            let end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
            let line = &self.rest[..end];
            self.rest = self.rest.get(end + 1..).unwrap_or_default();
            // It might be the end of the document.
            if !matches!(line, [] | [b' ', ..]) {
                return Err(Unknown);
            }
            if let Some((closing, _)) = closing_quote(line, 0, quote)? {
                return ends(&line[closing + 1..]);
            }
        }
        Err(Unknown)
    }

    /// A key or dash whose value, if it has one, is on the lines below.
    fn nothing(&mut self) -> Step<()> {
        self.head.scalar(&self.slot, "", true).ok_or(Unknown)?;
        self.wait(true);
        Ok(())
    }

    fn scalar(&mut self, text: &'a [u8], is_plain: bool) -> Step<()> {
        let slot = std::mem::take(&mut self.slot);
        if !matches!(slot, Slot::Other) {
            let text = std::str::from_utf8(text).map_err(|_| Unknown)?;
            self.head.scalar(&slot, text, is_plain).ok_or(Unknown)?;
        }
        Ok(())
    }

    /// A block of text: all lines that are deeper than the collection it stands in.
    fn block(&mut self, header: &[u8]) -> Step<()> {
        let header = header.strip_prefix(b"-").or_else(|| header.strip_prefix(b"+")).unwrap_or(header);
        ends(header)?;
        if !matches!(self.slot, Slot::Other) {
            return Err(Unknown);
        }
        let parent = self.open.last().map_or(0, |open| open.column);
        let mut indent = None;
        let mut longest_blank = 0;
        while !self.rest.is_empty() {
            let end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
            let line = &self.rest[..end];
            let column = spaces(line);
            if column < line.len() {
                let wanted = match indent {
                    Some(indent) => indent,
                    None if column > parent => {
                        // Blank lines deeper than the first line of text, and tabs, are for those who know.
                        if longest_blank > column || line[column] == b'\t' {
                            return Err(Unknown);
                        }
                        *indent.insert(column)
                    }
                    None if line[column] == b'\t' => return Err(Unknown),
                    None => return Ok(()),
                };
                if column < wanted {
                    // Only what belongs to the collections around may follow, or a comment.
                    return if column > parent || line[column] == b'\t' { Err(Unknown) } else { Ok(()) };
                }
            } else if indent.is_none() {
                longest_blank = longest_blank.max(column);
            }
            self.rest = self.rest.get(end + 1..).unwrap_or_default();
        }
        Ok(())
    }
}

/// What may follow a value on its line: space and a comment.
fn ends(text: &[u8]) -> Step<()> {
    let spaces = spaces(text);
    match text.get(spaces..).unwrap_or_default() {
        [] => Ok(()),
        [b'#', ..] if spaces > 0 => Ok(()),
        _ => Err(Unknown),
    }
}

/// A key at the start of the text, what follows its colon, and whether it has no quotes. `None` if there is no key, which is
/// certain only of what [`plain`] and [`quoted`] accept afterwards.
fn key(text: &[u8]) -> Step<Option<(&[u8], &[u8], bool)>> {
    let (key, length, is_plain) = match text {
        [quote @ (b'"' | b'\''), ..] => {
            let (inner, length) = quoted(text, *quote)?.ok_or(Unknown)?;
            (inner, length, false)
        }
        _ => {
            let length = key_bytes(text);
            (&text[..length], length, true)
        }
    };
    let after = match text.get(length..).unwrap_or_default() {
        [b':'] => &[][..],
        [b':', after @ ..] if after.starts_with(b" ") => after,
        _ => return Ok(None),
    };
    if length == 0 || length > MAX_KEY || (is_plain && matches!(key, [b'-' | b'.' | b'<' | b'~', ..])) {
        return Err(Unknown);
    }
    if key == ESCAPED {
        return Err(Unknown);
    }
    if is_plain
        && matches!(key, [b'n' | b'N' | b'0'..=b'9', ..])
        && std::str::from_utf8(key).is_ok_and(|key| matches!(resolve(key), Resolved::Null | Resolved::Uint(_)))
    {
        return Err(Unknown);
    }
    Ok(Some((key, after, is_plain)))
}

/// How many bytes at the start of the text mean nothing anywhere in a key.
fn key_bytes(text: &[u8]) -> usize {
    text.iter().position(|byte| !IS_KEY_BYTE[usize::from(*byte)]).unwrap_or(text.len())
}

static IS_KEY_BYTE: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte: u8 = 0;
    while byte < 128 {
        table[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b'/' | b'$');
        byte += 1;
    }
    table
};

/// How many spaces the text starts with.
fn spaces(text: &[u8]) -> usize {
    let mut count = 0;
    // Eight at a time: what differs from a space leaves a bit.
    while let Some(block) = text.get(count..).and_then(|rest| rest.first_chunk()) {
        let odd = u64::from_le_bytes(*block) ^ u64::from_le_bytes([b' '; 8]);
        if odd != 0 {
            return count + odd.trailing_zeros() as usize / 8;
        }
        count += 8;
    }
    count + text.get(count..).unwrap_or_default().iter().take_while(|byte| **byte == b' ').count()
}

/// The inside and the length of a scalar in quotes that has no escapes but the simplest; `None` if it does not end on its line.
fn quoted(text: &[u8], quote: u8) -> Step<Option<(&[u8], usize)>> {
    // What an escape stands for is nobody's business here; a text that is asked for goes the long way.
    let inside = |(closing, escapes): (usize, bool)| (if escapes { ESCAPED } else { &text[1..closing] }, closing + 1);
    Ok(closing_quote(text, 1, quote)?.map(inside))
}

/// Where the scalar ends of which this line is a part, and whether the line has escapes before that.
fn closing_quote(line: &[u8], from: usize, quote: u8) -> Step<Option<(usize, bool)>> {
    let mut at = from;
    let mut escapes = false;
    while let Some(byte) = line.get(at) {
        match byte {
            b'\'' if quote == b'\'' && line.get(at + 1) == Some(&b'\'') => {
                escapes = true;
                at += 1;
            }
            byte if *byte == quote => return Ok(Some((at, escapes))),
            b'\\' if quote == b'"' => {
                if !matches!(line.get(at + 1), None | Some(b'"' | b'\\' | b'/' | b'n' | b't' | b'r')) {
                    return Err(Unknown);
                }
                escapes = true;
                at += 1;
            }
            _ => {}
        }
        at += 1;
    }
    Ok(None)
}

/// Stands for a text with escapes: no UTF-8, so that whoever wants it gives up.
const ESCAPED: &[u8] = b"\xFF";

/// Whether a scalar without quotes begins here, and nothing else can.
fn begins_plain(text: &[u8]) -> bool {
    match text {
        [b'-' | b':', next, ..] => !matches!(next, b' ' | b'\t'),
        [first, ..] => {
            first.is_ascii_alphanumeric() || matches!(first, b'/' | b'_' | b'$' | b'(' | b'<' | b'=' | b'~' | b'^' | b';' | b'.' | b'+')
        }
        [] => false,
    }
}

/// A line of a scalar without quotes, and whether a comment ends it.
fn plain(text: &[u8]) -> Step<(&[u8], bool)> {
    let mut end = text.len();
    let mut at = 0;
    let mut has_comment = false;
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr3(b':', b'#', b'\t', rest)) {
        at += found;
        match text[at] {
            b':' if matches!(text.get(at + 1), None | Some(b' ')) => return Err(Unknown),
            b'#' if at > 0 && text[at - 1] == b' ' => {
                end = at;
                has_comment = true;
                break;
            }
            b'\t' => return Err(Unknown),
            _ => at += 1,
        }
    }
    while end > 0 && text[end - 1] == b' ' {
        end -= 1;
    }
    Ok((&text[..end], has_comment))
}

/// Lists and maps within each other on one line.
const MAX_FLOW_DEPTH: usize = 20;

/// The length of a list or map of simple scalars on one line.
fn flow(text: &[u8], depth: usize) -> Step<usize> {
    let is_list = text.first() == Some(&b'[');
    let close = if is_list { b']' } else { b'}' };
    if depth > MAX_FLOW_DEPTH {
        return Err(Unknown);
    }
    let mut at = 1;
    let mut wants_entry = true;
    loop {
        at += spaces(text.get(at..).unwrap_or_default());
        match text.get(at) {
            Some(byte) if *byte == close => return Ok(at + 1),
            Some(b',') if !wants_entry => {
                at += 1;
                wants_entry = true;
                continue;
            }
            Some(_) if wants_entry => {}
            _ => return Err(Unknown),
        }
        if !is_list {
            let Some((_, after, _)) = key(&text[at..])? else { return Err(Unknown) };
            at = text.len() - after.len();
            at += spaces(after);
        }
        at += flow_value(&text[at..], depth)?;
        wants_entry = false;
        if !matches!(text.get(at), Some(b' ' | b',' | b']' | b'}')) {
            return Err(Unknown);
        }
    }
}

/// The length of a value within a flow collection.
fn flow_value(text: &[u8], depth: usize) -> Step<usize> {
    match text {
        [b'[' | b'{', ..] => flow(text, depth + 1),
        [quote @ (b'"' | b'\''), ..] => Ok(quoted(text, *quote)?.ok_or(Unknown)?.1),
        [first, ..] if first.is_ascii_alphanumeric() || matches!(first, b'/' | b'_') => Ok(key_bytes(text)),
        _ => Err(Unknown),
    }
}
