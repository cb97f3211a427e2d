//! The style of a node, as a set of flags.
//!
//! Goes in and comes out: go-yaml v3's `Style` (`yaml.go`): the quotes of a scalar, `|` and `>`, the brackets of a collection, and
//! whether the tag was explicit. It is a set, since kyaml gives a new value the flags of the node that it replaces.

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

    /// Whether it has any of the other's flags.
    pub fn has(self, other: Style) -> bool {
        self.0 & other.0 != 0
    }

    /// The flags of both.
    pub fn with(self, other: Style) -> Style {
        Style(self.0 | other.0)
    }

    /// Whether a scalar in this style can only be a string.
    pub fn is_string(self) -> bool {
        self.has(Style::DOUBLE_QUOTED.with(Style::SINGLE_QUOTED).with(Style::LITERAL).with(Style::FOLDED))
    }
}
