//! Indexes as both readers read them: the fast one for Helm's own form, and the general one for all forms.

use super::*;
use crate::repository::Recorded;

/// Indexes in the forms that tools write, each with a description.
const TEXTS: [&str; 9] = [
    // Helm's own form.
    "apiVersion: v1\nentries:\n  a:\n  - apiVersion: v2\n    appVersion: \"1.10\"\n    description: one line\n    keywords:\n    - web\n    - \"yes\"\n    name: a\n    urls:\n    - a-1.0.0.tgz\n    version: 1.0.0\n  - apiVersion: v2\n    description: folded over\n      two lines\n    name: a\n    version: 1.10.0\n  b:\n  - name: b\n    version: 0.1.0\ngenerated: \"2026-01-01T00:00:00Z\"\n",
    // Lists indented, CRLF, comments, annotations with block scalars that look like entries.
    "# top\r\napiVersion: v1\r\nentries:\r\n    a:\r\n        - name: a\r\n          version: 1.0.0\r\n          annotations:\r\n            x: |\r\n              - name: evil\r\n                version: 9.9.9\r\n          description: 'it''s'\r\n",
    // Quotes over lines, dependencies, maintainers.
    "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n    description: \"long \\\n      text: with colon\"\n    maintainers:\n    - name: ada\n      email: a@x\n    dependencies:\n    - name: d\n      version: ^1\n      repository: https://x\n      alias: d2\n",
    // Flow style.
    "apiVersion: v1\nentries:\n  a:\n    - {name: a, version: 1.0.0, urls: [x.tgz]}\n",
    // JSON.
    "{\"apiVersion\":\"v1\",\"entries\":{\"a\":[{\"name\":\"a\",\"version\":\"1.0.0\",\"urls\":[\"u\"]}]}}",
    // Numbers and words that become strings.
    "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: \"1.2\"\n    digest: 7\n    urls: [on, 7]\n",
    // Empty lists and nulls.
    "apiVersion: v1\nentries:\n  a: []\n  b:\n  - name: b\n    version: 1.0.0\n",
    "apiVersion: v1\nentries:\n  a:\n  b:\n  - name: b\n    version: 1.0.0\n",
    "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n  b: null\n",
];

#[test]
fn both_passes_read_the_same() {
    for text in TEXTS {
        let reporter = Recorded::default();
        let whole = Index::parse(text.as_bytes(), "x", &reporter).expect(text);
        for chart in ["a", "b", "c"] {
            let found = versions_of(text.as_bytes(), chart, "x", &reporter).expect(text);
            assert_eq!(format!("{found:?}"), format!("{:?}", whole.entries.get(chart)), "{chart} of {text}");
        }
        let names = check(text.as_bytes(), "x", &reporter).expect(text);
        assert_eq!(names, whole.entries.keys().cloned().collect::<Vec<_>>(), "{text}");
    }
}

#[test]
fn merging_takes_what_no_version_here_would_be_found_for() {
    let versions = ["1.0.0+a", "v2.0.0", "3.0.0-rc.1", "1.5", "5.0.0"].map(|version| ("a", version));
    let further = ["1.0.0", "1.0.0+b", "2.0.0", "v2.0.0", "3.0.0", "3.0.0-rc.1", "3.0.0-rc.2", "1", "1.5.0", "4.0.0", "4.0.0", "04.0.1"];
    let index = |versions: &[(&str, &str)]| {
        let entry = |(name, version): &(&str, &str)| format!("  - {{name: {name}, version: \"{version}\", urls: [x]}}\n");
        let text = format!("apiVersion: v1\nentries:\n  a:\n{}", versions.iter().map(entry).collect::<String>());
        general(text.as_bytes(), "x", &Recorded::default()).expect("an index")
    };
    let listed = |index: &Index| index.entries["a"].iter().map(|version| version.metadata.version.clone()).collect::<Vec<_>>();
    let mut merged = index(&versions);
    let other = index(&further.map(|version| ("a", version)));
    // As in Helm: each version is compared with all present so far.
    let mut one_by_one = index(&versions);
    for version in other.entries["a"].clone() {
        if !one_by_one.has("a", &version.metadata.version) {
            one_by_one.entries.entry("a".to_string()).or_default().push(version);
        }
    }
    merged.merge(other);
    assert_eq!(listed(&merged), listed(&one_by_one));
    let many: Vec<String> = (0..20_000).map(|number| format!("1.0.{number}")).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|version| ("a", version.as_str())).collect();
    merged.merge(index(&many));
    assert!(listed(&merged).len() > 20_000);
}

#[test]
fn versions_stand_from_the_highest() {
    let found = versions_of(TEXTS[0].as_bytes(), "a", "x", &Recorded::default()).expect("an index").expect("a chart");
    let versions: Vec<&str> = found.iter().map(|version| version.metadata.version.as_str()).collect();
    assert_eq!(versions, ["1.10.0", "1.0.0"]);
    assert_eq!(found[0].metadata.description, "folded over two lines");
    assert_eq!(found[1].metadata.app_version, "1.10");
    assert_eq!(found[1].metadata.keywords, ["web", "yes"]);
}

#[test]
fn what_helm_refuses_is_refused() {
    for (text, expected) in [
        ("", "empty index.yaml file"),
        ("entries: {}\n", "no API version specified"),
        ("apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n    wrong: x\n", "unknown field"),
        ("apiVersion: v1\nentries:\n  a:\n  - name: a\n    name: b\n    version: 1.0.0\n", "already set"),
        ("apiVersion: v1\nentries: [\n", "yaml"),
        ("apiVersion: v1\nentries:\n  a: []\n  b: []\n  a: []\n", "key \"a\" already set in map"),
        ("apiVersion: v1\ngenerated: x\nentries: {}\n", "parsing time \"x\""),
        (
            "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n    created: \"2026-01-01T00:00:60Z\"\n",
            "parsing time \"2026-01-01T00:00:60Z\": second out of range",
        ),
        ("apiVersion: v1\ngenerated: \"2026-01-01T00:00:00Zx\"\nentries: {}\n", ": extra text: \"x\""),
        (
            "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n    appVersion: 1.10\n",
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal number into Go struct field \
             ChartVersion.entries.Metadata.appVersion of type string",
        ),
        (
            "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n    keywords:\n    - 7\n",
            "number into Go struct field ChartVersion.entries.Metadata.keywords of type string",
        ),
        (
            "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n    annotations:\n      a: true\n",
            "bool into Go struct field ChartVersion.entries.Metadata.annotations of type string",
        ),
        (
            "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n    dependencies:\n    - name: d\n      version: 1\n",
            "number into Go struct field Dependency.entries.Metadata.dependencies.version of type string",
        ),
        (
            "{\"apiVersion\":\"v1\",\"entries\":{\"a\":[{\"name\":\"a\",\"version\":\"1.0.0\",\"digest\":7}]}}",
            "json: cannot unmarshal number into Go struct field ChartVersion.entries.digest of type string",
        ),
        ("- a\n", "json: cannot unmarshal array into Go value of type repo.IndexFile"),
        ("apiVersion: v1\nentries: []\n", "array into Go struct field IndexFile.entries of type map[string]repo.ChartVersions"),
        ("apiVersion: v1\nentries: {a: {}}\n", "object into Go struct field IndexFile.entries of type repo.ChartVersions"),
    ] {
        let error = check(text.as_bytes(), "x", &Recorded::default()).expect_err(text).to_string();
        assert!(error.contains(expected), "{text}: {error}");
    }
}

// CVE-2020-15185 and similar: entries with fields that could lead to another place are skipped.
#[test]
fn invalid_entries_are_left_out_with_a_warning() {
    let text = "apiVersion: v1\nentries:\n  a:\n  - name: a/../b\n    version: 1.0.0\n  - name: a\n    version: x\n  - name: a\n    version: 1.0.0\n    dependencies:\n    - name: d\n      alias: ../x\n  - name: a\n    version: 2.0.0\n";
    let reporter = Recorded::default();
    let found = versions_of(text.as_bytes(), "a", "x", &reporter).expect("an index").expect("a chart");
    assert_eq!(found.len(), 1);
    assert_eq!(reporter.notices().len(), 3);
    check(text.as_bytes(), "x", &reporter).expect("an index");
    assert_eq!(reporter.notices().len(), 6);
    // If the fast reader gives up, the general one reports the faults, and each is reported once.
    let odd = format!("{text}  - {{name: a, version: 3.0.0}}\n");
    let reporter = Recorded::default();
    assert_eq!(versions_of(odd.as_bytes(), "a", "x", &reporter).expect("an index").expect("a chart").len(), 2);
    assert_eq!(reporter.notices().len(), 3, "{:?}", reporter.notices());
}

#[test]
fn what_is_written_back_has_no_invalid_entries() {
    let whole = "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n";
    let parse = |text: &str| {
        let (index, lost) = Index::parse_to_write(text.as_bytes(), "x").expect("an index");
        assert_eq!(index.entries["a"].len(), 1);
        lost.map(|lost| lost.to_string()).unwrap_or_default()
    };
    assert_eq!(parse(whole), "");
    let broken = format!("{whole}  -\n  b:\n  - name: b\n    version: x\n");
    let error = parse(&broken);
    let start = "x has invalid entries, which would be lost: \"a\": empty entry; \"b\" \"x\": validation: ";
    assert!(error.starts_with(start), "{error}");
    let many = format!("{whole}{}", "  - name: a\n    version: x\n".repeat(9));
    let error = parse(&many);
    assert!(error.ends_with("; and 4 more") && error.matches("\"a\" \"x\"").count() == 5, "{error}");
    assert!(Index::parse_to_write(b"", "x").is_err() && Index::parse_to_write(b"entries: {}\n", "x").is_err());
}

#[test]
fn deep_and_aliased_indexes_are_bounded() {
    let deep = format!("apiVersion: v1\nentries: {}", "[".repeat(100_000));
    assert!(check(deep.as_bytes(), "x", &Recorded::default()).is_err());
    let mut bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n".to_string();
    for (from, to) in ["ab", "bc", "cd", "de", "ef", "fg", "gh", "hi"].iter().filter_map(|pair| pair.split_at_checked(1)) {
        bomb.push_str(&format!("{to}: &{to} [*{from},*{from},*{from},*{from},*{from},*{from},*{from},*{from},*{from}]\n"));
    }
    assert!(check(bomb.as_bytes(), "x", &Recorded::default()).is_err());
}

#[test]
fn the_context_path_is_found() {
    assert_eq!(context_path(b"apiVersion: v1\nentries: {}\nserverInfo:\n  contextPath: /x\n").as_deref(), Some("/x"));
    assert_eq!(context_path(b"apiVersion: v1\nserverInfo: {}\n"), None);
}

const HEAD: &str = "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n";

#[test]
fn what_the_quick_reader_takes_it_reads_as_the_general_one() {
    let texts: Vec<String> = [
        "    description: \"long\n    removed: true\"\n".to_string(),
        "    urls: ['it''s.tgz', \"b\\x2Da\"]\n".to_string(),
        "    urls:\n    - 'it''s.tgz'\n    - \"b\\x2Da\"\n".to_string(),
    ].iter().map(|tail| format!("{HEAD}{tail}")).chain([
        "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: \"1.0.0\\x2Da\"\n".to_string(),
        "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0 # first\n".to_string(),
        "apiVersion: v1\nentries:\n  a:\n  - annotations: {x: v,\n    icon: z}\n    home: q\n    name: a\n    version: 1.0.0\n".to_string(),
        "apiVersion: v1\nentries:\n  on:\n  - name: a\n    version: 1.0.0\n".to_string(),
        "apiVersion: v1\nentries:\n  0123456:\n  - name: a\n    version: 1.0.0\n".to_string(),
        "{apiVersion: v1, entries: {a: [{name: a, version: 1.0.0}]}}\n".to_string(),
        "apiVersion: v1\nentries:\n  a:\n  - null\n  - name: a\n    version: 1.0.0\n".to_string(),
        "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n    dependencies:\n    - name: d\n      alias: x/y\n".to_string(),
        "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n    dependencies:\n    - name: d\n      version: 1.0.0\n    - name: d\n      version: 1.0.0\n".to_string(),
    ]).collect();
    for text in &texts {
        let seen = Recorded::default();
        let whole = Index::parse(text.as_bytes(), "x", &seen).unwrap_or_else(|error| panic!("{text}: {error}"));
        let by_check = Recorded::default();
        let names = check(text.as_bytes(), "x", &by_check).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(names, whole.entries.keys().cloned().collect::<Vec<_>>(), "{text}");
        let words = |from: &Recorded| from.notices().iter().map(|notice| notice.message.clone()).collect::<Vec<_>>();
        assert_eq!(words(&by_check), words(&seen), "{text}");
        for chart in ["a", "on", "true", "0123456", "42798"] {
            let found = versions_of(text.as_bytes(), chart, "x", &Recorded::default()).unwrap();
            assert_eq!(format!("{found:?}"), format!("{:?}", whole.entries.get(chart)), "{chart} of {text}");
        }
        for url in whole.entries.values().flatten().flat_map(|version| &version.urls) {
            assert!(lists(text.as_bytes(), |listed| listed == url), "{url} of {text}");
        }
    }
    // Helm looks at the entries of a chart from the last one to the first.
    let several = "apiVersion: v1\nentries:\n  a:\n  - name: a\n  - name: a\n    version: 1.0.0\n  - name: a\n    version: x.y\n  b:\n  - name: b\n    version: z\n";
    let skipped =
        |chart: &str, version: &str, why: &str| format!("skipping loading invalid entry for chart \"{chart}\" \"{version}\" from x: {why}");
    let expected = [
        skipped("a", "x.y", "validation: chart.metadata.version \"x.y\" is invalid"),
        skipped("a", "", "validation: chart.metadata.version is required"),
        skipped("b", "z", "validation: chart.metadata.version \"z\" is invalid"),
    ];
    assert_eq!(words_of(several), expected);
    let seen = Recorded::default();
    check(several.as_bytes(), "x", &seen).expect("an index");
    assert_eq!(seen.notices().iter().map(|notice| notice.message.clone()).collect::<Vec<_>>(), expected);
    let seen = Recorded::default();
    versions_of(several.as_bytes(), "a", "x", &seen).expect("an index");
    assert_eq!(seen.notices().iter().map(|notice| notice.message.clone()).collect::<Vec<_>>(), expected[..2]);
    assert_eq!(words_of(&texts[texts.len() - 3]), ["skipping loading invalid entry for chart \"a\" from x: empty entry"]);
    assert!(words_of(&texts[texts.len() - 1]).is_empty(), "two dependencies of one name are let be");
}

fn words_of(text: &str) -> Vec<String> {
    let seen = Recorded::default();
    check(text.as_bytes(), "x", &seen).unwrap();
    seen.notices().iter().map(|notice| notice.message.clone()).collect()
}

#[test]
fn what_the_general_reader_refuses_the_quick_one_refuses() {
    let more = |tail: &str| format!("{HEAD}{tail}");
    for text in [
        "apiVersion: v1\nentries: {}\napiVersion: v2\n".to_string(),
        "apiVersion: \"\"\nentries: {}\n".to_string(),
        "apiVersion: v1\nentries:\n    a:\n    - name: a\n      version: 1.0.0\n  b:\n  - name: b\n    version: 1.0.0\n".to_string(),
        more("  b:\n  - name: b\n    version: 1.0.0\n  a:\n  - name: a\n    version: 2.0.0\n"),
        "apiVersion: v1\nentries:\n  a: x\n  - name: a\n    version: 1.0.0\n".to_string(),
        "apiVersion: v1\nentries:\n  a:\n  - name:a\n    version: 1.0.0\n".to_string(),
        "apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.5e-3\n".to_string(),
        more("    description: see:\n"),
        more("    description: \"a\" b\n"),
        more("    description: false\n"),
        more("    deprecated: maybe\n"),
        more("    annotations:\n      x: |\n        t\n      y: true\n"),
        more("    annotations:\n      x:\n        y: z\n"),
        more("    maintainers: ada\n"),
        more("    dependencies:\n    - name: d\n      versoin: 1.0.0\n"),
        more("    dependencies:\n    - name: d\n      tags: x\n"),
    ] {
        let whole = Index::parse(text.as_bytes(), "x", &Recorded::default());
        let found = check(text.as_bytes(), "x", &Recorded::default());
        let whole = whole.err().unwrap_or_else(|| panic!("{text} is let through by the parser")).to_string();
        let found = found.err().unwrap_or_else(|| panic!("{text} is let through: {whole}")).to_string();
        assert_eq!(found, whole, "{text}");
    }
    let latin = [HEAD.as_bytes(), b"    description: \xe9\n"].concat();
    assert!(check(&latin, "x", &Recorded::default()).is_err());
}

#[test]
fn an_index_lists_what_stands_in_it() {
    let listed = b"apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0\n    urls:\n    - on\n";
    assert!(!lists(listed, |url| url == "on"));
    let two = b"apiVersion: v1\nentries:\n  a:\n  - name: a\n    urls:\n    - first.tgz\n    version: 2.0.0\n  - name: a\n    urls:\n    - second.tgz\n    version: 1.0.0\n";
    assert!(lists(two, |url| url == "first.tgz"));
}

#[test]
fn the_version_that_was_asked_for_is_picked() {
    let text = b"apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: 1.0.0+a\n  - name: a\n    version: 1.0.0+b\n";
    let found = versions_of(text, "a", "x", &Recorded::default()).unwrap().unwrap();
    assert_eq!(pick(&found, "a", "1.0.0+b", None).unwrap().unwrap().metadata.version, "1.0.0+b");
    let told = |version: &str| {
        let seen = Recorded::default();
        pick(&found, "a", version, Some(&seen)).unwrap().unwrap();
        seen.notices().iter().map(|notice| notice.message.clone()).collect::<Vec<_>>()
    };
    assert_eq!(told("1.0.0"), ["unable to find exact version requested; falling back to closest available version"]);
    assert_eq!(told("1.x"), ["selected version matching constraint"]);
}

#[test]
fn versions_that_are_none_come_last_and_merging_adds_no_equal_one() {
    let index = |version: &str| {
        Index::parse(
            format!("apiVersion: v1\nentries:\n  a:\n  - name: a\n    version: \"{version}\"\n").as_bytes(),
            "x",
            &Recorded::default(),
        )
        .unwrap()
    };
    let mut known = index("1.7.2");
    known.merge(index("1.7"));
    assert_eq!(known.entries["a"].len(), 1);
    let first = Version::parse("1.0.0").unwrap();
    assert_eq!(compare_versions(None, Some(&first)), std::cmp::Ordering::Greater);
    assert!(Index::default().to_yaml().unwrap().contains("generated: \"0001-01-01T00:00:00Z\""));
}

/// Every value takes a hundred times the memory of its letter.
#[test]
fn an_index_of_more_values_than_any_has_is_not_parsed() {
    let text = format!("apiVersion: v1\nentries:\n  app: [{}]\n", "a,".repeat(NODES_LIMIT));
    let error = general(text.as_bytes(), "index.yaml", &Recorded::default()).unwrap_err();
    assert!(error.message().contains("may hold more than 20000000 values"), "{error}");
}
