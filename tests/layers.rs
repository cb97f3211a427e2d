//! What the documents say of the code: the layers of `src/lib.rs` (a module imports only from rows above its own, and only
//! some may touch the outside), and the tests that SECURITY.md names.

use std::path::{Path, PathBuf};

/// The rows of the design, top to bottom; a module may use its own row's modules only where listed in `SAME_ROW`.
const ROWS: &[&[&str]] = &[
    &["error", "diagnostic", "data", "number", "quote", "regexp", "url", "fs", "time", "version"],
    &["yaml", "json", "toml", "jinja"],
    &["chart"],
    &["values"],
    &["dependency"],
    &["template"],
    &["manifest"],
    &["lint", "package"],
    &["repository"],
    &["release", "kube"],
    &["action"],
    &["renderer"],
    &["cli"],
];

/// Rows whose modules are foundations of each other.
const SAME_ROW: &[usize] = &[0, 1, 7];

fn row_of(module: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&module))
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder).expect("a readable folder").map(|entry| entry.expect("an entry").path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The part of a file before its unit tests, which may use anything.
fn without_tests(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod ").next().unwrap_or(text)
}

fn sources() -> Vec<(PathBuf, String)> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    rust_files(&top, &mut files);
    files
        .into_iter()
        .map(|path| {
            let text = std::fs::read_to_string(&path).expect("readable source");
            (path.strip_prefix(&top).expect("below src").to_path_buf(), text)
        })
        .collect()
}

#[test]
fn a_module_imports_only_from_rows_above() {
    let mut faults = Vec::new();
    for (path, text) in sources() {
        let first = path.components().next().expect("a name").as_os_str().to_string_lossy().into_owned();
        let module = first.trim_end_matches(".rs");
        if module == "lib" || module == "main" {
            continue;
        }
        let Some(own) = row_of(module) else {
            faults.push(format!("{}: module `{module}` is in no row", path.display()));
            continue;
        };
        for (number, line) in without_tests(&text).lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            for part in line.split("crate::").skip(1) {
                let used: String = part.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
                if used == module {
                    continue;
                }
                let Some(row) = row_of(&used) else { continue };
                if row > own || (row == own && !SAME_ROW.contains(&own)) {
                    faults.push(format!("src/{}:{}: `{module}` uses `{used}`, which is not above it", path.display(), number + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn every_module_says_what_it_is_for() {
    let bare: Vec<_> = sources().into_iter().filter(|(_, text)| !text.starts_with("//!")).map(|(path, _)| path).collect();
    assert!(bare.is_empty(), "without a `//!` head: {bare:?}");
}

#[test]
fn files_over_800_lines_give_their_reason() {
    let silent: Vec<_> = sources()
        .into_iter()
        .filter(|(_, text)| text.lines().count() > 800)
        .filter(|(_, text)| !text.lines().take_while(|line| line.starts_with("//!")).any(|line| line.contains("long because")))
        .map(|(path, text)| format!("{} ({} lines)", path.display(), text.lines().count()))
        .collect();
    assert!(silent.is_empty(), "over 800 lines without `long because` in the head: {silent:?}");
}

#[test]
fn the_tests_that_security_names_exist() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(top.join("SECURITY.md")).expect("SECURITY.md");
    let mut files = Vec::new();
    rust_files(&top.join("src"), &mut files);
    rust_files(&top.join("tests"), &mut files);
    let code: String = files.iter().map(|path| std::fs::read_to_string(path).expect("readable source")).collect();
    let is_test = |name: &&str| name.matches('_').count() >= 2 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let named: Vec<&str> = text.split('`').skip(1).step_by(2).filter(is_test).collect();
    assert!(named.len() > 40, "{named:?}");
    let missing: Vec<_> = named.into_iter().filter(|name| !code.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "SECURITY.md names tests that do not exist: {missing:?}");
}
