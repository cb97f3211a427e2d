//! Whatever the bytes, no reader panics, and what is read and written again is the same. One property for each reader that
//! takes text from outside: templates, YAML, `--set`, archives, `.helmignore`, versions, indexes. (Formats, layouts, JSON and
//! TOML have theirs beside the code.) `PROPTEST_CASES` scales the number of cases.
//!
//! Run so far without a fault, unoptimised: templates, versions with constraints and `--set` 1,300,000 cases each; YAML read, YAML
//! read back, `--set-string` back, `.helmignore` and indexes 300,000 each; archives 20,000.

mod support;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use rutter::chart::ignore::Rules;
use rutter::chart::loader;
use rutter::data::{Data, Map};
use rutter::diagnostic::Notices;
use rutter::repository::Recorded;
use rutter::repository::index::Index;
use rutter::version::{Constraint, Version};
use rutter::{template, values, yaml};
use std::sync::Arc;
use support::{member, pack};

/// Texts made of these pieces, which reach deeper into a grammar than random bytes do.
fn pieces(pieces: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(select(pieces), 0..most).prop_map(|pieces| pieces.concat().into_bytes())
}

/// A text with some bytes replaced.
fn damaged(text: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    vec((0..text.len(), any::<u8>()), 1..6).prop_map(move |changes| {
        let mut bytes = text.to_vec();
        for (at, byte) in changes {
            bytes[at] = byte;
        }
        bytes
    })
}

const TEMPLATE: &[&str] = &[
    "{{", "}}", "{{-", "-}}", " ", "\n", "if", "else", "end", "range", "with", "define", "block", "template", "break", "continue", "\"a\"",
    "`b`", "'c'", ".", ".a", "$", "$x", ":=", "=", "|", "(", ")", ",", "1", "0x_1", "1e9", "1i", "-", "print", "include", "/*", "*/",
    "nil", "true", "é", "\\", "\"", "text",
];

const YAML: &[&str] = &[
    "a",
    "b: ",
    ": ",
    ":",
    "- ",
    "-",
    "? ",
    "\n",
    "\n  ",
    "\n    ",
    " ",
    "\t",
    "{",
    "}",
    "[",
    "]",
    ",",
    "&x ",
    "*x",
    "!!str ",
    "!t ",
    "|",
    ">",
    "|-",
    ">+2",
    "\"",
    "'",
    "\\",
    "\\x41",
    "#",
    " #c",
    "---",
    "...",
    "%YAML 1.1\n",
    "<<: ",
    "1",
    "0x1f",
    "1e3",
    "~",
    "null",
    "true",
    "y",
    "é",
    "\u{feff}",
    "2001-01-01",
    "=",
    "@",
];

const SET: &[&str] =
    &["a", "b", ".", "=", ",", "[", "]", "{", "}", "0", "1", "65536", "-", "\\", "\"", "null", "true", " ", "é", "[0]", "a.b=", "1e3"];

const VERSION: &[&str] = &[
    "1",
    "0",
    ".",
    "2.3",
    "-",
    "+",
    "rc",
    "x",
    "*",
    "v",
    "=",
    ">",
    "<",
    "!",
    "~",
    "^",
    "||",
    ",",
    " ",
    " - ",
    "99999999999999999999",
    "é",
    "01",
];

const IGNORE: &[&str] = &["a", "b", "/", "*", "**", "?", "[", "]", "-", "^", "!", "\\", "\n", "#", " ", ".", "é", "a-z"];

const INDEX: &[u8] = b"apiVersion: v1\nentries:\n  app:\n  - name: app\n    version: 1.0.0\n    created: \"2024-01-01T00:00:00Z\"\n    \
    digest: abc\n    urls: [a.tgz]\n  - {name: app, version: 2.0.0, urls: []}\ngenerated: \"2024-01-01T00:00:00Z\"\n";

fn scalar() -> impl Strategy<Value = Data> {
    let texts = prop_oneof![
        pieces(YAML, 6).prop_map(|text| String::from_utf8_lossy(&text).into_owned()),
        // What YAML cannot hold is not asked back.
        vec(prop_oneof![0x20u8..0x7f, Just(b'\n')], 0..20).prop_map(|text| String::from_utf8_lossy(&text).into_owned()),
    ];
    prop_oneof![
        Just(Data::Null),
        any::<bool>().prop_map(Data::Bool),
        any::<i32>().prop_map(|number| Data::Int(number.into())),
        texts.prop_map(Data::str),
    ]
}

fn tree() -> impl Strategy<Value = Data> {
    scalar().prop_recursive(4, 24, 4, |inner| {
        let key = pieces(YAML, 3).prop_map(|text| Arc::<str>::from(String::from_utf8_lossy(&text).as_ref()));
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Data::list),
            vec((key, inner), 0..4).prop_map(|entries| Data::map(entries.into_iter().collect::<Map>())),
        ]
    })
}

/// A ustar archive of one chart file and another member.
fn archive(name: &[u8], kind: u8, data: &[u8]) -> Vec<u8> {
    let mut tar = Vec::new();
    member(&mut tar, b"app/Chart.yaml", b'0', b"apiVersion: v2\nname: app\nversion: 1.0.0\n");
    member(&mut tar, name, kind, data);
    tar.resize(tar.len() + 1024, 0);
    tar
}

proptest! {
    // A case that failed once becomes a test of its own, not a file.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn templates_parse_or_fail(text in prop_oneof![pieces(TEMPLATE, 40), vec(any::<u8>(), 0..60)]) {
        if let Err(error) = template::parser::parse(text.into()) {
            prop_assert!(!error.text("t").is_empty());
        }
    }

    #[test]
    fn yaml_parses_or_fails(text in prop_oneof![pieces(YAML, 40), vec(any::<u8>(), 0..60)]) {
        let _ = yaml::head(&text);
        let _ = yaml::parse_value_documents(&text);
        if let Ok(data) = yaml::parse(&text) {
            let written = yaml::to_string(&data);
            prop_assert!(written.is_ok());
        }
    }

    #[test]
    fn yaml_reads_what_it_wrote(data in tree()) {
        let written = yaml::to_string(&data).expect("it can be written");
        let again = yaml::parse(written.as_bytes());
        prop_assert!(again.is_ok(), "{:?} in {written}", again.err());
        let rewritten = yaml::to_string(&again.expect("it was asked")).expect("it can be written");
        prop_assert_eq!(written, rewritten);
    }

    #[test]
    fn set_texts_apply_or_fail(text in pieces(SET, 30)) {
        let text = String::from_utf8_lossy(&text);
        for apply in [values::set::typed, values::set::string, values::set::json, values::set::literal] {
            let mut map = Map::new();
            let _ = apply(&text, &mut map);
        }
    }

    #[test]
    fn set_gives_back_what_was_set(key in "[a-z]{1,8}", text in "[a-zA-Z ]{0,12}") {
        let mut map = Map::new();
        values::set::string(&format!("{key}={text}"), &mut map).expect("a plain text");
        prop_assert_eq!(map.get(&key).and_then(Data::as_str), Some(text.as_str()));
    }

    #[test]
    fn archives_load_or_fail(
        name in prop_oneof![pieces(&["app", "/", "..", "charts", "templates", "a.yaml", "\\", "c:", ".", "Chart.yaml", "é"], 8), vec(any::<u8>(), 1..20)],
        kind in any::<u8>(),
        data in vec(any::<u8>(), 0..600),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        keep in any::<prop::sample::Index>(),
    ) {
        let mut tar = archive(&name, kind, &data);
        if let Ok(chart) = loader::load_archive(&pack(&tar), &mut Notices::new()) {
            let names: Vec<_> = chart.content.templates.iter().map(|file| file.name.to_string()).collect();
            prop_assert!(names.iter().all(|name| !name.starts_with('/') && !name.split('/').any(|part| part == "..")), "{names:?}");
        }
        for (at, byte) in changes {
            let at = at.index(tar.len());
            tar[at] = byte;
        }
        let _ = loader::load_archive(&pack(&tar), &mut Notices::new());
        let mut zipped = pack(&tar);
        zipped.truncate(keep.index(zipped.len()));
        let _ = loader::load_archive(&zipped, &mut Notices::new());
    }

    #[test]
    fn ignore_files_parse_or_fail(text in prop_oneof![pieces(IGNORE, 20), vec(any::<u8>(), 0..30)], path in "[ab/.-]{0,12}") {
        if let Ok(rules) = Rules::parse(&text) {
            let _ = (rules.ignores(&path, false), rules.ignores(&path, true));
        }
    }

    #[test]
    fn versions_parse_or_fail(version in pieces(VERSION, 10), constraint in pieces(VERSION, 20)) {
        let (version, constraint) = (String::from_utf8_lossy(&version), String::from_utf8_lossy(&constraint));
        let _ = Version::parse_strict(&version);
        let parsed = Version::parse(&version);
        if let Ok(parsed) = &parsed {
            let text = parsed.to_string();
            let again = Version::parse(&text);
            prop_assert_eq!(again.map(|again| again.to_string()).ok(), Some(text));
        }
        if let (Ok(version), Ok(constraint)) = (parsed, Constraint::parse(&constraint)) {
            let _ = constraint.check(&version);
        }
    }

    #[test]
    fn indexes_parse_or_fail(bytes in prop_oneof![damaged(INDEX), pieces(YAML, 30)]) {
        if let Ok(mut index) = Index::parse(&bytes, "index.yaml", &Recorded::default()) {
            index.sort();
            prop_assert!(index.to_yaml().is_ok());
        }
    }
}
