//! Which functions a text may call: templates of charts all that Helm adds, other texts of the command line fewer.
//!
//! Goes in: the name of a function. Comes out: its row, if texts of this kind know it. `--name-template` is given sprig's
//! functions and nothing of Helm's, `version --template` only those of Go's `text/template`.

use super::{Function, builtins, data, engine, lookup, variables};

/// The kinds of texts by what they may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vocabulary {
    /// Templates of charts: the whole registry.
    Chart,
    /// Sprig over Go's own, with what Helm takes from charts.
    Sprig,
    /// Go's own.
    Go,
}

/// What sprig shares with Helm's table of data formats.
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
