//! Writes lines for the emitter: indentation, indicators and comments.
//!
//! Goes in: an emitter and the next part of its line. Comes out: its text, with line breaks where indentation or a comment needs
//! them. Must match the writers of `emitterc.go` of go-yaml v3 (`write_indent`, `write_indicator`, `write_comment`). It is
//! separate from the emitter since it does not depend on the nodes.

use super::emitter::Emitter;
use crate::yaml::characters::is_break;

impl Emitter {
    pub(super) fn write_head(&mut self) {
        if !self.comments.tail.is_empty() {
            self.write_indent();
            let tail = std::mem::take(&mut self.comments.tail);
            self.write_comment(&tail);
            self.foot_indent = self.indent.max(0);
        }
        if !self.comments.head.is_empty() {
            self.write_indent();
            let head = std::mem::take(&mut self.comments.head);
            self.write_comment(&head);
        }
    }

    /// Writes the comment behind a node; whether there was one.
    pub(super) fn write_line_comment(&mut self) -> bool {
        if self.comments.line.is_empty() {
            return false;
        }
        if !self.whitespace {
            self.put(' ');
        }
        let line = std::mem::take(&mut self.comments.line);
        self.write_comment(&line);
        true
    }

    pub(super) fn write_foot(&mut self) {
        if self.comments.foot.is_empty() {
            return;
        }
        self.write_indent();
        let foot = std::mem::take(&mut self.comments.foot);
        self.write_comment(&foot);
        self.foot_indent = self.indent.max(0);
    }

    fn write_comment(&mut self, comment: &str) {
        let mut breaks = false;
        let mut pound = false;
        for character in comment.chars() {
            if is_break(character) {
                self.write_break(character);
                breaks = true;
                pound = false;
                continue;
            }
            if breaks {
                self.write_indent();
            }
            if !pound {
                if character != '#' {
                    self.put('#');
                    self.put(' ');
                }
                pound = true;
            }
            self.put(character);
            self.indention = false;
            breaks = false;
        }
        if !breaks {
            self.put_break();
        }
        self.whitespace = true;
    }

    pub(super) fn put(&mut self, character: char) {
        self.out.push(character);
        self.column += 1;
    }

    pub(super) fn write_all(&mut self, text: &str) {
        text.chars().for_each(|character| self.put(character));
    }

    pub(super) fn put_break(&mut self) {
        self.write_break('\n');
    }

    pub(super) fn write_break(&mut self, character: char) {
        self.out.push(character);
        self.column = 0;
        self.indention = true;
    }

    /// Starts a new line, unless this one can be used, and indents it.
    pub(super) fn write_indent(&mut self) {
        let indent = self.indent.max(0);
        if !self.indention || self.column > indent || self.column == indent && !self.whitespace {
            self.put_break();
        }
        if self.foot_indent == indent {
            self.put_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.foot_indent = -1;
    }

    pub(super) fn write_indicator(&mut self, indicator: &str, need_whitespace: bool, is_whitespace: bool, is_indention: bool) {
        if need_whitespace && !self.whitespace {
            self.put(' ');
        }
        self.write_all(indicator);
        self.whitespace = is_whitespace;
        self.indention = self.indention && is_indention;
    }
}
