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
        let pinned = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        let tests = named_tests(pinned);
        if tests.is_empty() {
            faults.push(format!("no test is named: {row}"));
        }
        for (file, test) in tests {
            seen += 1;
            let source = std::fs::read_to_string(top.join(&file)).unwrap_or_default();
            if !source.contains(&format!("fn {test}(")) {
                faults.push(format!("{file} has no test {test}"));
            }
        }
        for case in pinned.split('`').filter(|code| code.ends_with(".case")) {
            if !top.join("testdata/commands").join(case).exists() {
                faults.push(format!("there is no case {case}"));
            }
        }
    }
    assert!(faults.is_empty() && seen > 20, "{}", faults.join("\n"));
}
