//! What the documents say of the tree is true: the tests that they name are there.

use std::path::Path;

/// The pairs of a file and a test in it that a text names, as `` `path.rs`: `one`, `another` ``.
fn named_tests(text: &str) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    let mut file = String::new();
    let mut parts = text.split('`');
    // What stands outside of backticks, and then within.
    while let (Some(before), Some(code)) = (parts.next(), parts.next()) {
        if code.ends_with(".rs") && code.contains('/') {
            file = code.to_string();
        } else if !file.is_empty() && matches!(before.trim(), ":" | ",") {
            pairs.push((file.clone(), code.to_string()));
        } else {
            file.clear();
        }
    }
    pairs
}

#[test]
fn the_tests_that_pin_differences_are_there() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(top.join("COMPATIBILITY.md")).expect("the document");
    let mut faults = Vec::new();
    let mut seen = 0;
    for row in text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| What |")) {
        if named_tests(row.trim_end_matches('|').rsplit('|').next().unwrap_or_default()).is_empty() {
            faults.push(format!("no test is named: {row}"));
        }
    }
    // Those of the tables, and those in what is written around them.
    for (file, test) in named_tests(&text) {
        seen += 1;
        let source = std::fs::read_to_string(top.join(&file)).unwrap_or_default();
        if !source.contains(&format!("fn {test}(")) {
            faults.push(format!("{file} has no test {test}"));
        }
    }
    for code in text.split('`').skip(1).step_by(2) {
        let is_missing = |folder: &str| !top.join(folder).join(code).exists();
        if code.ends_with(".case") && is_missing("testdata/commands") || code.ends_with(".rs") && code.contains('/') && is_missing("") {
            faults.push(format!("there is no {code}"));
        }
    }
    assert!(faults.is_empty() && seen > 20, "{}", faults.join("\n"));
}

/// Appends the text of every Rust file below `folder`.
fn read_all(folder: &Path, code: &mut String) {
    for entry in std::fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            read_all(&path, code);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            code.push_str(&std::fs::read_to_string(&path).expect("readable source"));
        }
    }
}

#[test]
fn the_tests_that_security_names_exist() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(top.join("SECURITY.md")).expect("SECURITY.md");
    let mut code = String::new();
    read_all(&top.join("src"), &mut code);
    read_all(&top.join("tests"), &mut code);
    let rows = text.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| Hole |"));
    let bare: Vec<_> = rows.filter(|row| !row.trim_end_matches('|').rsplit('|').next().is_some_and(|tests| tests.contains('`'))).collect();
    assert!(bare.is_empty(), "rows of SECURITY.md without a test: {bare:?}");
    let is_test = |name: &&str| name.matches('_').count() >= 2 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let named: Vec<&str> = text.split('`').skip(1).step_by(2).filter(is_test).collect();
    assert!(named.len() > 40, "{named:?}");
    let mut missing: Vec<_> = named.into_iter().filter(|name| !code.contains(&format!("fn {name}("))).collect();
    let cases = text.split('`').filter(|name| name.ends_with(".case"));
    missing.extend(cases.filter(|case| !top.join("testdata/commands").join(case).exists()));
    assert!(missing.is_empty(), "SECURITY.md names tests that do not exist: {missing:?}");
}
