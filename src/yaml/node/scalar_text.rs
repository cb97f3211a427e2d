//! Scalars as text: chooses a possible style, and writes it.
//!
//! Goes in: the value of a scalar and its requested style. Comes out: its text in the emitter's stream. Must match `emitterc.go`
//! of go-yaml v3 (`analyze_scalar`, `select_scalar_style`, the writers of the five styles), where lines are never wrapped. It is
//! separate from the emitter since it does not depend on collections.

use super::emitter::Emitter;
use super::style::Style;
use crate::yaml::characters::{escape, is_break, is_printable};

/// The styles that a value allows.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Analysis {
    pub multiline: bool,
    flow_plain: bool,
    block_plain: bool,
    single_quoted: bool,
    block: bool,
}

fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t')
}

/// The findings about a value, while it is analysed.
#[derive(Default)]
struct Found {
    block_indicators: bool,
    flow_indicators: bool,
    line_breaks: bool,
    special: bool,
    tabs: bool,
    edge_space: bool,
    edge_break: bool,
    trailing_space: bool,
    break_space: bool,
    space_break: bool,
}

impl Found {
    fn indicator(&mut self, character: char, first: bool, after_blank: bool, before_blank: bool) {
        let (flow, block) = match character {
            '#' if !first => (after_blank, after_blank),
            ',' | '[' | ']' | '{' | '}' => (true, first),
            '#' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => (first, first),
            '?' => (true, first && before_blank),
            ':' => (true, before_blank),
            '-' => (first && before_blank, first && before_blank),
            _ => (false, false),
        };
        self.flow_indicators |= flow;
        self.block_indicators |= block;
    }
}

impl Analysis {
    pub(super) fn of(value: &str) -> Analysis {
        if value.is_empty() {
            return Analysis { block_plain: true, single_quoted: true, ..Analysis::default() };
        }
        let mut found = Found::default();
        if value.starts_with("---") || value.starts_with("...") {
            found.block_indicators = true;
            found.flow_indicators = true;
        }
        let (mut previous_space, mut previous_break, mut after_blank) = (false, false, true);
        let mut characters = value.char_indices().peekable();
        while let Some((at, character)) = characters.next() {
            let next = characters.peek().map(|next| next.1);
            let (first, last) = (at == 0, next.is_none());
            found.indicator(character, first, after_blank, next.is_none_or(is_blank));
            if character == '\t' {
                found.tabs = true;
            } else if !is_printable(character) {
                found.special = true;
            }
            let space = character == ' ';
            let line_break = is_break(character);
            found.edge_space |= space && (first || last);
            found.trailing_space |= space && last;
            found.break_space |= space && previous_break;
            found.line_breaks |= line_break;
            found.edge_break |= line_break && (first || last);
            found.space_break |= line_break && previous_space;
            previous_space = space;
            previous_break = line_break;
            after_blank = is_blank(character) || line_break || character == '\0';
        }
        let plain = !(found.edge_space || found.edge_break || found.break_space || found.space_break || found.tabs)
            && !(found.special || found.line_breaks);
        Analysis {
            multiline: found.line_breaks,
            flow_plain: plain && !found.flow_indicators,
            block_plain: plain && !found.block_indicators,
            single_quoted: !(found.break_space || found.space_break || found.tabs || found.special),
            block: !(found.trailing_space || found.space_break || found.special),
        }
    }
}

impl Emitter {
    /// The requested style, or the next one that the value allows.
    pub(super) fn choose_style(&self, value: &str, asked: Style, analysis: &Analysis) -> Style {
        let in_flow = self.flow_level > 0;
        let mut style = if self.simple_key && analysis.multiline { Style::DOUBLE_QUOTED } else { asked };
        if style == Style::PLAIN {
            let allowed = if in_flow { analysis.flow_plain } else { analysis.block_plain };
            if !allowed || value.is_empty() && (in_flow || self.simple_key) {
                style = Style::SINGLE_QUOTED;
            }
        }
        if style == Style::SINGLE_QUOTED && !analysis.single_quoted {
            style = Style::DOUBLE_QUOTED;
        }
        let block = style == Style::LITERAL || style == Style::FOLDED;
        if block && (!analysis.block || in_flow || self.simple_key) {
            style = Style::DOUBLE_QUOTED;
        }
        style
    }

    pub(super) fn write_scalar(&mut self, value: &str, style: Style) {
        match style {
            Style::DOUBLE_QUOTED => self.write_double(value),
            Style::SINGLE_QUOTED => {
                self.write_indicator("'", true, false, false);
                self.write_folding(value, true);
                self.write_indicator("'", false, false, false);
            }
            Style::LITERAL => self.write_literal(value),
            Style::FOLDED => self.write_folded(value),
            _ => {
                if !value.is_empty() && !self.whitespace {
                    self.put(' ');
                }
                self.write_folding(value, false);
                if !value.is_empty() {
                    self.whitespace = false;
                }
                self.indention = false;
            }
        }
        if style == Style::DOUBLE_QUOTED || style == Style::SINGLE_QUOTED {
            self.whitespace = false;
            self.indention = false;
        }
    }

    /// Writes plain and single quoted scalars: one line break more than the value has.
    fn write_folding(&mut self, value: &str, quoted: bool) {
        let mut breaks = false;
        for character in value.chars() {
            if character == ' ' {
                self.put(' ');
            } else if is_break(character) {
                if !breaks && character == '\n' {
                    self.put_break();
                }
                self.write_break(character);
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                if quoted && character == '\'' {
                    self.put('\'');
                }
                self.put(character);
                self.indention = false;
                breaks = false;
            }
        }
    }

    fn write_double(&mut self, value: &str) {
        self.write_indicator("\"", true, false, false);
        // go-yaml checks for the mark at the start of the value, whatever the current character is.
        let marked = value.starts_with('\u{FEFF}');
        for character in value.chars() {
            if marked || !is_printable(character) || is_break(character) || matches!(character, '"' | '\\') {
                self.write_all(&escape(character));
            } else {
                self.put(character);
            }
        }
        self.write_indicator("\"", false, false, false);
    }

    /// Writes `|` or `>` with the hints needed to read the value back, and the comment behind them.
    fn write_block_header(&mut self, indicator: &str, value: &str) {
        self.write_indicator(indicator, true, false, false);
        if value.starts_with(' ') || value.starts_with(is_break) {
            self.write_indicator("2", false, false, false);
        }
        let mut backwards = value.chars().rev();
        let ends_with_break = backwards.next().is_some_and(is_break);
        let hint = match backwards.next() {
            _ if !ends_with_break => "-",
            None => "+",
            Some(before) if is_break(before) => "+",
            Some(_) => "",
        };
        if !hint.is_empty() {
            self.write_indicator(hint, false, false, false);
        }
        if !self.write_line_comment() {
            self.put_break();
        }
        self.whitespace = true;
    }

    fn write_literal(&mut self, value: &str) {
        self.write_block_header("|", value);
        let mut breaks = true;
        for character in value.chars() {
            if is_break(character) {
                self.write_break(character);
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                self.put(character);
                self.indention = false;
                breaks = false;
            }
        }
    }

    fn write_folded(&mut self, value: &str) {
        self.write_block_header(">", value);
        let mut breaks = true;
        let mut leading_spaces = true;
        // go-yaml checks the start of the value for the text that follows each break.
        let starts_with_text = value.trim_start_matches(is_break).starts_with(|first| !is_blank(first) && first != '\0');
        for character in value.chars() {
            if is_break(character) {
                if !breaks && !leading_spaces && character == '\n' && starts_with_text {
                    self.put_break();
                }
                self.write_break(character);
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                    leading_spaces = is_blank(character);
                }
                self.put(character);
                self.indention = false;
                breaks = false;
            }
        }
    }
}
