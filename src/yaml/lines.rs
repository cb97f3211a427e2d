//! A document, read line by line.
//!
//! Goes in: a checked [`Source`], and a [`Listener`] for its content. Comes out: whether every line was of one of the few kinds
//! that nearly all manifests and values files consist of: a key, a dash, a value on its line, a list or map on its line, a text of
//! several lines. Anything else is not a fault, but must be read with the full scanner: flow collections of several lines,
//! anchors, tags, tabs, odd keys. Most bytes that charts contain and render are read here, in a fraction of the time.

use super::reader::Source;
use super::resolve::{Resolved, resolve};
use super::scanner::{Place, Scanner};
use std::borrow::Cow;

/// Deeper documents are read with the scanner, which has the limits.
const MAX_DEPTH: usize = 1000;

/// Longer keys are read with the scanner, which has the limit.
const MAX_KEY: usize = 1000;

/// How deep lists and maps on one line may nest.
const MAX_FLOW_DEPTH: usize = 20;

/// A receiver of the content of a document, in order. When it returns `false`, it does not support the content, and reading ends.
/// Lines are counted from 0.
pub(super) trait Listener<'a> {
    /// A collection begins, with `around` open collections around it.
    fn open(&mut self, is_map: bool, around: usize, line: usize) -> bool;

    /// The innermost collection ended; `open` others are still open.
    fn close(&mut self, open: usize);

    /// A key in the innermost of `open` open collections.
    fn key(&mut self, key: &'a str, is_plain: bool, open: usize, line: usize) -> bool;

    /// Whether it needs the next scalar. If not, the scalar may be skipped.
    fn wants_scalar(&self) -> bool;

    /// A value or an item; a missing one is an empty text without quotes.
    fn scalar(&mut self, text: Cow<'a, str>, is_plain: bool, line: usize) -> bool;
}

/// A collection that is open, with its column.
#[derive(Clone, Copy)]
struct Open {
    column: usize,
    is_map: bool,
    /// The line of its last key or dash, if that has no value yet.
    waits: Option<usize>,
}

/// The document is not supported by this reader.
struct Unknown;

type Step<T> = Result<T, Unknown>;

/// Reads the document; on `false`, it must be read in another way, and what the listener got so far is void.
pub(super) fn read<'a>(source: &'a Source<'_>, listener: &mut impl Listener<'a>) -> bool {
    // Line breaks other than LF, and characters that end the text, need the scanner.
    if source.broken.is_some() || !source.plain_breaks || source.text.starts_with('\u{FEFF}') {
        return false;
    }
    let start = Place { at: 0, line: 0, line_start: 0 };
    let mut reader = Reader { source, text: &source.text, here: start, next: start, end: 0, has_start: false, open: Vec::new(), listener };
    reader.run().is_ok()
}

struct Reader<'r, 'a, L> {
    source: &'a Source<'a>,
    text: &'a str,
    /// The start of the current line, its end, and the start of the next one.
    here: Place,
    end: usize,
    next: Place,
    /// Whether `---` was read.
    has_start: bool,
    open: Vec<Open>,
    listener: &'r mut L,
}

impl<'a, L: Listener<'a>> Reader<'_, 'a, L> {
    fn run(&mut self) -> Step<()> {
        while let Some((column, line)) = self.next_line()? {
            self.entry(column, line)?;
        }
        let holds_something = !self.open.is_empty();
        while !self.open.is_empty() {
            self.close()?;
        }
        known(holds_something)
    }

    /// The line at `place`, and the place of the next one; `None` at the end.
    fn line_at(&self, place: Place) -> Option<(&'a str, Place)> {
        let rest = self.text.get(place.line_start..).filter(|rest| !rest.is_empty())?;
        let length = memchr::memchr(b'\n', rest.as_bytes()).unwrap_or(rest.len());
        let behind = self.text.len().min(place.line_start + length + 1);
        Some((&rest[..length], Place { at: behind, line: place.line + 1, line_start: behind }))
    }

    /// The next line with more than space and comments, without its indentation, and its column.
    fn next_line(&mut self) -> Step<Option<(usize, &'a str)>> {
        while let Some((line, next)) = self.line_at(self.next) {
            (self.here, self.next) = (self.next, next);
            self.end = self.here.line_start + line.len();
            let column = spaces(line.as_bytes());
            match line.as_bytes().get(column) {
                None | Some(b'#') => {}
                Some(b'\t') => return Err(Unknown),
                Some(b'-') if column == 0 && line.starts_with("---") => {
                    known(self.open.is_empty() && !self.has_start)?;
                    ends(&line[3..])?;
                    self.has_start = true;
                }
                Some(b'.') if column == 0 && line.starts_with("...") => return Err(Unknown),
                Some(_) => return Ok(Some((column, &line[column..]))),
            }
        }
        Ok(None)
    }

    /// Reads the content of a line, which begins at this column.
    fn entry(&mut self, column: usize, line: &'a str) -> Step<()> {
        let is_dash = behind_dash(line).is_some();
        while self.open.last().is_some_and(|open| open.column > column) {
            self.close()?;
        }
        // A list may be at the column of its key; the next key ends it.
        if let [.., below, top] = &*self.open
            && top.column == column
            && below.column == column
            && !is_dash
        {
            self.close()?;
        }
        let mut column = column;
        let mut line = line;
        while let Some(after) = behind_dash(line) {
            match self.open.last().copied() {
                Some(top) if top.column == column && !top.is_map => self.no_value()?,
                Some(top) if top.waits.is_some() && (top.column < column || top.is_map && top.column == column) => {
                    self.push(column, false)?;
                }
                _ => return Err(Unknown),
            }
            self.wait();
            let spaces = spaces(after.as_bytes());
            column += 1 + spaces;
            line = &after[spaces..];
            if line.is_empty() || (line.starts_with('#') && spaces > 0) {
                return Ok(());
            }
        }
        let Some((key, after, is_plain)) = key(line)? else {
            // A value behind a dash, or on the line below its key or dash.
            let has_place = is_dash || self.open.last().is_some_and(|top| top.waits.is_some() && top.column < column);
            return if has_place { self.value(line) } else { Err(Unknown) };
        };
        match self.open.last().copied() {
            Some(top) if top.column == column && top.is_map => self.no_value()?,
            Some(top) if top.waits.is_some() && top.column < column => self.push(column, true)?,
            None if column == 0 => self.push(column, true)?,
            _ => return Err(Unknown),
        }
        known(self.listener.key(key, is_plain, self.open.len(), self.here.line))?;
        self.value(after)
    }

    /// Opens a collection as the pending value.
    fn push(&mut self, column: usize, is_map: bool) -> Step<()> {
        self.stop_waiting();
        let around = self.open.len();
        known(around < MAX_DEPTH && self.listener.open(is_map, around, self.here.line))?;
        self.open.push(Open { column, is_map, waits: None });
        Ok(())
    }

    fn close(&mut self) -> Step<()> {
        self.no_value()?;
        self.open.pop();
        self.listener.close(self.open.len());
        Ok(())
    }

    /// Marks the key or dash of this line as pending: its value may be on the lines below.
    fn wait(&mut self) {
        let line = self.here.line;
        if let Some(top) = self.open.last_mut() {
            top.waits = Some(line);
        }
    }

    fn stop_waiting(&mut self) -> Option<usize> {
        self.open.last_mut().and_then(|top| top.waits.take())
    }

    /// If the last key or dash of the innermost collection is still pending, it has no value.
    fn no_value(&mut self) -> Step<()> {
        match self.stop_waiting() {
            Some(line) => known(self.listener.scalar(Cow::Borrowed(""), true, line)),
            None => Ok(()),
        }
    }

    /// Reads the text behind a key or a dash on its line.
    fn value(&mut self, text: &'a str) -> Step<()> {
        let spaces = spaces(text.as_bytes());
        let text = &text[spaces..];
        match text.as_bytes() {
            [] => {
                self.wait();
                return Ok(());
            }
            [b'#', ..] if spaces > 0 => {
                self.wait();
                return Ok(());
            }
            _ => self.stop_waiting(),
        };
        match text.as_bytes() {
            [b'|' | b'>', header @ ..] => return if self.listener.wants_scalar() { self.scanned(text) } else { self.block(header) },
            [b'[' | b'{', ..] => {
                let length = self.flow(text, 0)?;
                return ends(&text[length..]);
            }
            [quote @ (b'"' | b'\''), ..] => return self.quoted_value(text, *quote),
            _ => {}
        }
        known(begins_plain(text.as_bytes()))?;
        let (line, has_comment) = plain(text)?;
        if matches!(line.as_bytes(), [b'.', ..] | [b'+' | b'-', b'.', ..])
            && matches!(resolve(line), Resolved::Float(number) if !number.is_finite())
        {
            return Err(Unknown);
        }
        let further = if has_comment { None } else { self.further_line()? };
        match further {
            None => known(self.listener.scalar(Cow::Borrowed(line), true, self.here.line)),
            Some(_) if self.listener.wants_scalar() => self.scanned(text),
            Some(place) => self.skip_plain(place),
        }
    }

    fn quoted_value(&mut self, text: &'a str, quote: u8) -> Step<()> {
        match closing_quote(text.as_bytes(), 1, quote)? {
            Some((closing, false)) => {
                ends(&text[closing + 1..])?;
                known(self.listener.scalar(Cow::Borrowed(&text[1..closing]), false, self.here.line))
            }
            _ if self.listener.wants_scalar() => self.scanned(text),
            Some((closing, true)) => ends(&text[closing + 1..]),
            None => self.skip_quoted(quote),
        }
    }

    // ---- scalars that need the scanner

    /// Reads the scalar at the end of the current line with the scanner.
    fn scanned(&mut self, text: &'a str) -> Step<()> {
        let place = self.scan(text)?;
        // After a scalar without an end mark, the scanner is at the next content.
        let before = self.text.get(place.line_start..place.at).ok_or(Unknown)?;
        if spaces(before.as_bytes()) == before.len() {
            self.next = Place { at: place.line_start, ..place };
            return Ok(());
        }
        let (line, next) = self.line_at(place).ok_or(Unknown)?;
        self.next = next;
        let after = line.get(before.len()..).ok_or(Unknown)?;
        if after.starts_with('#') && before.ends_with(' ') { Ok(()) } else { ends(after) }
    }

    /// The same for a scalar that other text may follow on its line. Returns the place behind it.
    fn scan(&mut self, text: &'a str) -> Step<Place> {
        let at = self.end - text.len();
        let parent = self.open.last().map_or(0, |open| open.column);
        let mut scanner = Scanner::at(self.source, Place { at, ..self.here }, parent);
        let (value, is_plain) = scanner.scan_scalar().map_err(|_| Unknown)?;
        known(self.listener.scalar(value, is_plain, self.here.line))?;
        Ok(scanner.place())
    }

    // ---- scalars of several lines that the listener does not need

    /// The next line of a scalar without quotes, if it continues: a line indented deeper than the enclosing collection.
    fn further_line(&self) -> Step<Option<Place>> {
        let parent = self.open.last().map_or(0, |open| open.column);
        let mut place = self.next;
        while let Some((line, next)) = self.line_at(place) {
            let column = spaces(line.as_bytes());
            match line.as_bytes().get(column) {
                None => place = next,
                Some(b'\t') => return Err(Unknown),
                Some(b'#') => return Ok(None),
                Some(_) => return Ok((column > parent).then_some(place)),
            }
        }
        Ok(None)
    }

    /// Skips the further lines of a scalar without quotes, of which the first is at `place`.
    fn skip_plain(&mut self, place: Place) -> Step<()> {
        let mut further = Some(place);
        while let Some((line, next)) = further.and_then(|place| self.line_at(place)) {
            self.next = next;
            if plain(&line[spaces(line.as_bytes())..])?.1 {
                break;
            }
            further = self.further_line()?;
        }
        Ok(())
    }

    /// Skips the further lines of a quoted scalar.
    fn skip_quoted(&mut self, quote: u8) -> Step<()> {
        while let Some((line, next)) = self.line_at(self.next) {
            self.next = next;
            // A line without indentation might end the document.
            known(line.is_empty() || line.starts_with(' '))?;
            if let Some((closing, _)) = closing_quote(line.as_bytes(), 0, quote)? {
                return ends(&line[closing + 1..]);
            }
        }
        Err(Unknown)
    }

    /// Skips a block scalar: all lines indented deeper than the enclosing collection.
    fn block(&mut self, header: &[u8]) -> Step<()> {
        let header = header.strip_prefix(b"-").or_else(|| header.strip_prefix(b"+")).unwrap_or(header);
        ends_here(header)?;
        let parent = self.open.last().map_or(0, |open| open.column);
        let mut indent = None;
        let mut longest_blank = 0;
        while let Some((line, next)) = self.line_at(self.next) {
            let line = line.as_bytes();
            let column = spaces(line);
            if column < line.len() {
                let wanted = match indent {
                    Some(indent) => indent,
                    None if column > parent => {
                        // Blank lines deeper than the first line of text, and tabs, need the scanner.
                        if longest_blank > column || line[column] == b'\t' {
                            return Err(Unknown);
                        }
                        *indent.insert(column)
                    }
                    None if line[column] == b'\t' => return Err(Unknown),
                    None => return Ok(()),
                };
                if column < wanted {
                    // Only content of the enclosing collections may follow, or a comment.
                    return if column > parent || line[column] == b'\t' { Err(Unknown) } else { Ok(()) };
                }
            } else if indent.is_none() {
                longest_blank = longest_blank.max(column);
            }
            self.next = next;
        }
        Ok(())
    }

    // ---- collections on one line

    /// A list or map of simple scalars at the start of the text; returns its length.
    fn flow(&mut self, text: &'a str, depth: usize) -> Step<usize> {
        let bytes = text.as_bytes();
        let is_list = bytes.first() == Some(&b'[');
        let close = if is_list { b']' } else { b'}' };
        let around = self.open.len() + depth;
        known(depth <= MAX_FLOW_DEPTH && self.listener.open(!is_list, around, self.here.line))?;
        let mut at = 1;
        let mut wants_entry = true;
        loop {
            at += spaces(bytes.get(at..).unwrap_or_default());
            match bytes.get(at) {
                Some(byte) if *byte == close => {
                    self.listener.close(around);
                    return Ok(at + 1);
                }
                Some(b',') if !wants_entry => {
                    at += 1;
                    wants_entry = true;
                    continue;
                }
                Some(_) if wants_entry => {}
                _ => return Err(Unknown),
            }
            if !is_list {
                let Some((key, after, is_plain)) = key(&text[at..])? else { return Err(Unknown) };
                known(self.listener.key(key, is_plain, around + 1, self.here.line))?;
                at = text.len() - after.len();
                at += spaces(after.as_bytes());
            }
            at += self.flow_value(&text[at..], depth)?;
            wants_entry = false;
            known(matches!(bytes.get(at), Some(b' ' | b',' | b']' | b'}')))?;
        }
    }

    /// A value within a flow collection; returns its length.
    fn flow_value(&mut self, text: &'a str, depth: usize) -> Step<usize> {
        let (value, is_plain, length) = match text.as_bytes() {
            [b'[' | b'{', ..] => return self.flow(text, depth + 1),
            [quote @ (b'"' | b'\''), ..] => match closing_quote(text.as_bytes(), 1, *quote)?.ok_or(Unknown)? {
                (closing, true) if self.listener.wants_scalar() => {
                    self.scan(text)?;
                    return Ok(closing + 1);
                }
                (closing, _) => (&text[1..closing], false, closing + 1),
            },
            [first, ..] if first.is_ascii_alphanumeric() || matches!(first, b'/' | b'_') => {
                let length = key_bytes(text.as_bytes());
                (&text[..length], true, length)
            }
            _ => return Err(Unknown),
        };
        known(self.listener.scalar(Cow::Borrowed(value), is_plain, self.here.line))?;
        Ok(length)
    }
}

fn known(is_known: bool) -> Step<()> {
    if is_known { Ok(()) } else { Err(Unknown) }
}

/// The text behind the dash of an item, if there is one.
fn behind_dash(line: &str) -> Option<&str> {
    line.strip_prefix('-').filter(|after| after.is_empty() || after.starts_with(' '))
}

/// Checks that only space and a comment follow a value on its line.
fn ends(text: &str) -> Step<()> {
    ends_here(text.as_bytes())
}

fn ends_here(text: &[u8]) -> Step<()> {
    let spaces = spaces(text);
    match text.get(spaces..).unwrap_or_default() {
        [] => Ok(()),
        [b'#', ..] if spaces > 0 => Ok(()),
        _ => Err(Unknown),
    }
}

/// A key at the start of the text, the text behind its colon, and whether it has no quotes. `None` if there is no key; this is
/// certain only if [`plain`] and [`closing_quote`] accept the text afterwards.
fn key(text: &str) -> Step<Option<(&str, &str, bool)>> {
    let (key, length, is_plain) = match text.as_bytes() {
        [quote @ (b'"' | b'\''), ..] => {
            let (closing, escapes) = closing_quote(text.as_bytes(), 1, *quote)?.ok_or(Unknown)?;
            // Escapes need the scanner, if this is a key at all.
            if escapes && text.as_bytes().get(closing + 1) == Some(&b':') {
                return Err(Unknown);
            }
            (&text[1..closing], closing + 1, false)
        }
        _ => {
            let length = key_bytes(text.as_bytes());
            (&text[..length], length, true)
        }
    };
    let after = match text.as_bytes().get(length..).unwrap_or_default() {
        [b':'] | [b':', b' ', ..] => &text[length + 1..],
        _ => return Ok(None),
    };
    if length == 0 || length > MAX_KEY || (is_plain && key.starts_with(['-', '.', '<', '~'])) {
        return Err(Unknown);
    }
    if is_plain && matches!(key.as_bytes(), [b'n' | b'N' | b'0'..=b'9', ..]) && matches!(resolve(key), Resolved::Null | Resolved::Uint(_)) {
        return Err(Unknown);
    }
    Ok(Some((key, after, is_plain)))
}

/// How many bytes at the start of the text have no special meaning anywhere in a key.
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
    // Eight at a time: a byte other than a space leaves a non-zero bit.
    while let Some(block) = text.get(count..).and_then(|rest| rest.first_chunk()) {
        let odd = u64::from_le_bytes(*block) ^ u64::from_le_bytes([b' '; 8]);
        if odd != 0 {
            return count + odd.trailing_zeros() as usize / 8;
        }
        count += 8;
    }
    count + text.get(count..).unwrap_or_default().iter().take_while(|byte| **byte == b' ').count()
}

/// The end of the quoted scalar in this line, if it ends here, and whether escapes precede it.
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
                if !matches!(line.get(at + 1), None | Some(b'"' | b'\\' | b'n' | b't' | b'r')) {
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

/// Whether a scalar without quotes, and nothing else, begins here.
fn begins_plain(text: &[u8]) -> bool {
    match text {
        [b'-' | b':', next, ..] => !matches!(next, b' ' | b'\t'),
        [first, ..] => {
            first.is_ascii_alphanumeric() || matches!(first, b'/' | b'_' | b'$' | b'(' | b'<' | b'=' | b'~' | b'^' | b';' | b'.' | b'+')
        }
        [] => false,
    }
}

/// A line of a scalar without quotes, and whether it ends with a comment.
fn plain(line: &str) -> Step<(&str, bool)> {
    let text = line.as_bytes();
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
    Ok((&line[..end], has_comment))
}

#[cfg(test)]
pub(super) mod tests;
