//! Comments between tokens.
//!
//! Goes in: a scanner at a comment. Comes out: the comment in the scanner's list, as head (of the following node), line (of the
//! node before it on its line) or foot (of the node above it), with the position from which on a token takes it. Must match
//! `yaml_parser_scan_line_comment` and `yaml_parser_scan_comments` of go-yaml v3, including their look-ahead of 512 bytes. It is
//! separate from the scanner since tokens do not depend on it, except that blank lines and comments are skipped here.

use super::cursor::Mark;
use super::scanner::{Kind, Scanner};
use crate::yaml::fault::Step;

#[derive(Debug, Clone, Default)]
pub(super) struct Comment {
    /// Where the search for comments began.
    pub scan_mark: Mark,
    /// Tokens from this position on take the comment.
    pub token_mark: Mark,
    /// The position of its `#`.
    pub start_mark: Mark,
    pub end_mark: Mark,
    pub head: Vec<u8>,
    pub line: Vec<u8>,
    pub foot: Vec<u8>,
}

/// How far ahead go-yaml looks.
const LOOK_AHEAD: usize = 512;

impl Scanner<'_> {
    /// Skips blanks, line breaks and comments.
    pub(super) fn scan_to_next_token(&mut self) -> Step<()> {
        let scan_mark = self.cursor.mark;
        loop {
            self.cursor.need(1)?;
            if self.cursor.mark.column == 0 && self.cursor.has_byte_order_mark() {
                self.cursor.skip();
            }
            self.cursor.need(1)?;
            let tabs = self.flow_level > 0 || !self.simple_key_allowed;
            while self.cursor.byte(0) == b' ' || tabs && self.cursor.byte(0) == b'\t' {
                self.cursor.skip();
                self.cursor.need(1)?;
            }
            self.lift_comment_of_entry();
            if self.cursor.byte(0) == b'#' {
                self.scan_comments(scan_mark)?;
            }
            if !self.cursor.is_break(0) {
                return Ok(());
            }
            self.cursor.need(2)?;
            self.cursor.skip_line();
            if self.flow_level == 0 {
                self.simple_key_allowed = true;
            }
        }
    }

    /// Makes a comment behind the `-` that begins a list the head of the following node.
    fn lift_comment_of_entry(&mut self) {
        if self.cursor.is_break(0) {
            return;
        }
        let [.., before, last] = self.tokens.as_slice() else { return };
        if before.kind != Kind::BlockSequenceStart || last.kind != Kind::BlockEntry {
            return;
        }
        let mark = self.cursor.mark;
        let Some(comment) = self.comments.last_mut().filter(|comment| !comment.line.is_empty()) else { return };
        comment.head = std::mem::take(&mut comment.line);
        if comment.start_mark.line == mark.line - 1 {
            comment.token_mark = mark;
        }
    }

    /// Takes the rest of the line if it has only a comment.
    pub(super) fn scan_line_comment(&mut self, token_mark: Mark) -> Step<()> {
        if self.cursor.newlines > 0 {
            return Ok(());
        }
        let mut start_mark = Mark::default();
        let mut line = Vec::new();
        for peek in 0..LOOK_AHEAD {
            if self.cursor.need(peek + 1).is_err() {
                break;
            }
            if self.cursor.is_blank(peek) {
                continue;
            }
            if self.cursor.byte(peek) == b'#' {
                self.take_comment(peek, &mut line, Some(&mut start_mark))?;
            }
            break;
        }
        if !line.is_empty() {
            self.comments.push(Comment { token_mark, start_mark, line, ..Comment::default() });
        }
        Ok(())
    }

    /// Skips `ahead` characters and takes the text from there to the end of its line.
    fn take_comment(&mut self, ahead: usize, text: &mut Vec<u8>, mut start: Option<&mut Mark>) -> Step<()> {
        let seen = self.cursor.mark.index + ahead.cast_signed();
        loop {
            self.cursor.need(1)?;
            if self.cursor.is_break_or_end(0) {
                if self.cursor.mark.index >= seen || self.cursor.is_end(0) {
                    return Ok(());
                }
                self.cursor.need(2)?;
                self.cursor.skip_line();
            } else if self.cursor.mark.index >= seen {
                if text.is_empty()
                    && let Some(start) = start.as_deref_mut()
                {
                    *start = self.cursor.mark;
                }
                self.cursor.read(text);
            } else {
                self.cursor.skip();
            }
        }
    }

    fn scan_comments(&mut self, scan_mark: Mark) -> Step<()> {
        let (kind, token_mark) = match self.tokens.as_slice() {
            [.., before, last] if last.kind == Kind::FlowEntry => (before.kind, before.start),
            [.., last] => (last.kind, last.start),
            [] => (Kind::StreamStart, Mark::default()),
        };
        let mut gathering = Gathering { scan_mark, token_mark, start_mark: Mark::default(), text: Vec::new() };
        let mut next_indent = self.indent.max(0);
        let mut recent_empty = false;
        let mut first_empty = self.cursor.newlines <= 1;
        let Mark { mut line, mut column, .. } = self.cursor.mark;
        // A comment that starts on this line is still a foot of the node above it.
        let mut foot_line = -1;
        if scan_mark.line > 0 {
            foot_line = self.cursor.mark.line - self.cursor.newlines + 1;
            if self.cursor.newlines == 0 && self.cursor.mark.column > 1 {
                foot_line += 1;
            }
        }
        let mut peek = 0;
        while peek < LOOK_AHEAD {
            if self.cursor.need(peek + 1).is_err() {
                break;
            }
            column += 1;
            if self.cursor.is_blank(peek) {
                peek += 1;
                continue;
            }
            let here = Mark { index: self.cursor.mark.index + peek.cast_signed(), line, column };
            let close_flow = self.flow_level > 0 && matches!(self.cursor.byte(peek), b']' | b'}');
            if close_flow || self.cursor.is_break_or_end(peek) {
                if close_flow || !recent_empty {
                    let start = gathering.start_mark;
                    let dedented = start.column - 1 < next_indent;
                    if close_flow || first_empty && (start.line == foot_line && kind != Kind::Value || dedented) {
                        // The first blank line ends the foot of the node above; so does the end of a flow.
                        if !gathering.text.is_empty() {
                            if dedented {
                                gathering.token_mark = start;
                            }
                            self.push_foot(&mut gathering, here);
                        }
                    } else if !gathering.text.is_empty() && !self.cursor.is_end(peek) {
                        gathering.text.push(b'\n');
                    }
                }
                if !self.cursor.is_break(peek) {
                    break;
                }
                first_empty = false;
                recent_empty = true;
                column = 0;
                line += 1;
                peek += 1;
                continue;
            }
            if !gathering.text.is_empty() && column - 1 < next_indent && column != gathering.start_mark.column {
                // A comment with a different indentation belongs to the node above.
                self.push_foot(&mut gathering, here);
            }
            if self.cursor.byte(peek) != b'#' {
                break;
            }
            if gathering.text.is_empty() {
                gathering.start_mark = here;
            } else {
                gathering.text.push(b'\n');
            }
            recent_empty = false;
            self.take_comment(peek, &mut gathering.text, None)?;
            // The search continues behind the line break.
            peek = 1;
            column = 0;
            line = self.cursor.mark.line;
            next_indent = self.indent.max(0);
        }
        if !gathering.text.is_empty() {
            let end = Mark { index: self.cursor.mark.index + peek.cast_signed() - 1, line, column };
            self.comments.push(Comment {
                scan_mark: gathering.scan_mark,
                token_mark: gathering.start_mark,
                start_mark: gathering.start_mark,
                end_mark: end,
                head: gathering.text,
                ..Comment::default()
            });
        }
        Ok(())
    }

    fn push_foot(&mut self, gathering: &mut Gathering, end: Mark) {
        self.comments.push(Comment {
            scan_mark: gathering.scan_mark,
            token_mark: gathering.token_mark,
            start_mark: gathering.start_mark,
            end_mark: end,
            foot: std::mem::take(&mut gathering.text),
            ..Comment::default()
        });
        gathering.scan_mark = end;
        gathering.token_mark = end;
    }
}

/// A comment of several lines, while it is being read.
struct Gathering {
    scan_mark: Mark,
    token_mark: Mark,
    start_mark: Mark,
    text: Vec<u8>,
}
