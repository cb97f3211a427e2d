//! How a node is written, as a set of marks.
//!
//! Goes in and comes out: what go-yaml v3 calls `Style` (`yaml.go`): the quotes of a scalar, `|` and `>`, the brackets of a
//! collection, and that the tag was given. A set, since kyaml gives a new value the marks of the node that it takes the place of.

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Style(u8);

impl Style {
    pub const PLAIN: Style = Style(0);
    pub const TAGGED: Style = Style(1);
    pub const DOUBLE_QUOTED: Style = Style(2);
    pub const SINGLE_QUOTED: Style = Style(4);
    pub const LITERAL: Style = Style(8);
    pub const FOLDED: Style = Style(16);
    pub const FLOW: Style = Style(32);

    /// Whether it has one of the marks of the other.
    pub fn has(self, other: Style) -> bool {
        self.0 & other.0 != 0
    }

    /// The marks of both.
    pub fn with(self, other: Style) -> Style {
        Style(self.0 | other.0)
    }

    /// Whether a scalar of it can only be a string.
    pub fn is_string(self) -> bool {
        self.has(Style::DOUBLE_QUOTED.with(Style::SINGLE_QUOTED).with(Style::LITERAL).with(Style::FOLDED))
    }
}
