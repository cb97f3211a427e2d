//! The functions that a text may call: all for charts' templates, fewer for other texts of the command line.
//!
//! Goes in: the name of a function. Comes out: its row, if texts of this kind may call it. `--name-template` gets sprig's
//! functions and none of Helm's, `version --template` only those of Go's `text/template`.

use super::{Function, builtins, data, engine, lookup, variables};

/// The kinds of texts, by the functions that they may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vocabulary {
    /// Templates of charts: the whole registry.
    Chart,
    /// Sprig over Go's own, including the functions that Helm removes for charts.
    Sprig,
    /// Go's own.
    Go,
}

/// The functions of Helm's table of data formats that are sprig's too.
const JSON_OF_SPRIG: [&[u8]; 7] =
    [b"mustFromJson", b"mustToJson", b"mustToPrettyJson", b"mustToRawJson", b"toJson", b"toPrettyJson", b"toRawJson"];

impl Vocabulary {
    /// The function of this name.
    pub fn lookup(self, name: &[u8]) -> Option<&'static Function> {
        let among = |functions: &'static [Function]| functions.iter().find(|function| function.name.as_bytes() == name);
        match self {
            Vocabulary::Chart => lookup(name),
            Vocabulary::Go => among(builtins::FUNCTIONS),
            Vocabulary::Sprig => among(variables::FUNCTIONS).or_else(|| {
                let is_helm_s = among(engine::FUNCTIONS).or_else(|| among(data::FUNCTIONS)).is_some();
                lookup(name).filter(|_| !is_helm_s || JSON_OF_SPRIG.contains(&name))
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Vocabulary;

    #[test]
    fn texts_know_what_helm_lets_them_call() {
        let knows = |vocabulary: Vocabulary, name: &str| vocabulary.lookup(name.as_bytes()).is_some();
        for (name, sprig, go) in [
            ("upper", true, false),
            ("toJson", true, false),
            ("fromJson", true, false),
            ("fail", true, false),
            ("printf", true, true),
            ("toYaml", false, false),
            ("fromJsonArray", false, false),
            ("required", false, false),
            ("lookup", false, false),
        ] {
            assert!(knows(Vocabulary::Chart, name), "{name}");
            assert_eq!(knows(Vocabulary::Sprig, name), sprig, "{name}");
            assert_eq!(knows(Vocabulary::Go, name), go, "{name}");
        }
        assert!(knows(Vocabulary::Sprig, "env") && !knows(Vocabulary::Chart, "env"));
    }
}
