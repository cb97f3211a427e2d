//! docs/functions.md, generated from the registry and the recorded cases.
//!
//! Goes in: every row of every topic, and `testdata/functions`. Comes out: a table for each topic with the parameters, the effect
//! of the function, and its shortest case recorded from Helm. It is only a test: it fails when the file differs, and `BLESS=1`
//! rewrites it. Functions of the evaluator (`include`, `tpl` and others) have no row and are explained here.

use super::registry::TOPICS;
use super::{
    Function, builtins, crypto, data, dates, defaults, dicts, encoding, engine, lists, math, network, paths, random, regex, semver,
    strings, strings_case, strings_wrap, types, url,
};
use crate::template::ast::Intrinsic;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Title and origin of each topic, in the registry's order.
const TITLES: [(&str, &[Function]); 20] = [
    ("Helm: required, fail, lookup", engine::FUNCTIONS),
    ("YAML, JSON and TOML (Helm and Sprig)", data::FUNCTIONS),
    ("Keys, certificates, digests (Sprig)", crypto::FUNCTIONS),
    ("Dates (Sprig)", dates::FUNCTIONS),
    ("Defaults and emptiness (Sprig)", defaults::FUNCTIONS),
    ("Dicts (Sprig)", dicts::FUNCTIONS),
    ("Base64 and base32 (Sprig)", encoding::FUNCTIONS),
    ("Lists (Sprig)", lists::FUNCTIONS),
    ("Numbers (Sprig)", math::FUNCTIONS),
    ("Network (Sprig)", network::FUNCTIONS),
    ("Paths (Sprig)", paths::FUNCTIONS),
    ("Random texts (Sprig)", random::FUNCTIONS),
    ("Regular expressions (Sprig)", regex::FUNCTIONS),
    ("Versions (Sprig)", semver::FUNCTIONS),
    ("Texts (Sprig)", strings::FUNCTIONS),
    ("Case of texts (Sprig)", strings_case::FUNCTIONS),
    ("Width of texts (Sprig)", strings_wrap::FUNCTIONS),
    ("Types and equality (Sprig)", types::FUNCTIONS),
    ("URLs (Sprig)", url::FUNCTIONS),
    ("Go's builtins", builtins::FUNCTIONS),
];

/// Functions of the evaluator: parameters and result.
fn explained(function: Intrinsic) -> (&'static str, &'static str) {
    match function {
        Intrinsic::Include => ("name, data", "the output of the named template with this data, as text"),
        Intrinsic::Tpl => ("text, data", "the output of this text as a template with this data"),
        Intrinsic::And => ("value…", "the first argument that is empty, else the last; later ones are not evaluated"),
        Intrinsic::Or => ("value…", "the first argument that is not empty, else the last; later ones are not evaluated"),
        Intrinsic::Call => ("function, value…", "what a function value gives"),
        Intrinsic::Len => ("value", "how many bytes, items or keys there are"),
    }
}

/// The longest case that is shown.
const LONGEST: usize = 72;

/// The shortest recorded case that calls each function, by name: template and result.
fn examples() -> BTreeMap<String, (String, String)> {
    let mut shortest: BTreeMap<String, (String, String)> = BTreeMap::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/functions");
    let mut files: Vec<_> = std::fs::read_dir(folder).expect("the cases").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "cases")) {
        for line in std::fs::read_to_string(file).expect("cases").lines() {
            let Some((template, result)) = line.split_once(" => ") else { continue };
            let plain = |text: &str| text.is_ascii() && !text.contains('`') && !text.contains(".Values") && !text.contains("1i");
            if line.len() > LONGEST || !plain(line) || !result.starts_with('"') || template.matches("{{").count() != 1 {
                continue;
            }
            let Some(name) = template.strip_prefix("{{ ").and_then(|rest| rest.split(' ').next()) else { continue };
            let case = (template.to_string(), result.to_string());
            let rank = |case: &(String, String)| {
                // A case with an empty result or without arguments shows little.
                let little = case.1 == "\"\"" || case.0.matches(' ').count() < 3;
                (little, case.0.len() + case.1.len(), case.clone())
            };
            match shortest.get(name) {
                Some(best) if rank(best) <= rank(&case) => {}
                _ => {
                    shortest.insert(name.to_string(), case);
                }
            }
        }
    }
    shortest
}

/// The line without a final period and with a capital, as in the other cells.
fn sentence(doc: &str) -> String {
    let mut letters = doc.trim_end_matches('.').chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn table(rows: impl Iterator<Item = (String, String, String)>, examples: &BTreeMap<String, (String, String)>) -> String {
    let escape = |text: &str| text.replace('|', "\\|");
    let mut text = "| Function | Parameters | What it gives | For example |\n|---|---|---|---|\n".to_string();
    for (name, parameters, doc) in rows {
        let example = examples.get(&name).map(|(template, result)| format!("`{template}` gives `{result}`")).unwrap_or_default();
        text.push_str(&format!("| `{name}` | {parameters} | {} | {} |\n", escape(&doc), escape(&example)));
    }
    text
}

fn reference() -> String {
    let examples = examples();
    let count = super::all().count() + Intrinsic::ALL.len();
    let mut text = format!(
        "# Functions of templates\n\nAll {count} functions of Helm v4.2.4. This file is made from the registry in \
         `src/template/functions`: `BLESS=1 cargo test --lib reference` rewrites it. The examples are cases recorded from Helm.\n\n\
         ## In the evaluator (Go and Helm)\n\n"
    );
    let evaluated = Intrinsic::ALL.into_iter().map(|function| {
        let (parameters, doc) = explained(function);
        (function.name().to_string(), parameters.to_string(), sentence(doc))
    });
    text.push_str(&table(evaluated, &examples));
    let is_titled = TITLES.iter().map(|topic| topic.1.as_ptr()).eq(TOPICS.iter().map(|topic| topic.as_ptr()));
    assert!(is_titled, "the titles are not those of the registry's topics");
    // A name that occurs in several topics belongs to the first.
    let mut seen = BTreeSet::new();
    for (title, topic) in TITLES {
        let mut rows: Vec<&Function> = topic.iter().filter(|row| seen.insert(row.name)).collect();
        rows.sort_by_key(|row| row.name);
        let rows = rows.into_iter().map(|row| (row.name.to_string(), row.parameters_in_words(), sentence(row.doc)));
        text.push_str(&format!("\n## {title}\n\n{}", table(rows, &examples)));
    }
    text
}

#[test]
fn the_function_reference_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/functions.md");
    let wanted = reference();
    if std::env::var_os("BLESS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
        std::fs::write(&path, &wanted).expect("the file is written");
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "docs/functions.md is out of date: `BLESS=1 cargo test --lib reference` rewrites it");
}

#[test]
fn every_function_has_a_line_of_docs() {
    for function in super::all() {
        assert!(!function.doc.is_empty() && !function.doc.contains('\n'), "{} has no line of docs", function.name);
    }
}
