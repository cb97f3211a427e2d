//! The shape of the code: the layers that the head of `src/lib.rs` lists (a module imports only from rows above its own), heads
//! of files, and their length.

use std::path::{Path, PathBuf};

/// Rows, from 1, whose modules are foundations of each other.
const SAME_ROW: [usize; 2] = [1, 2];

/// The modules of each row that `src/lib.rs` lists: `` //! 1. [`error`], … ``, and those further on, as in `` ; `jinja`: … ``.
fn rows() -> Vec<Vec<String>> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).expect("readable source");
    let listed =
        text.lines().filter_map(|line| line.strip_prefix("//! ")?.split_once(". ").filter(|(number, _)| number.parse::<u8>().is_ok()));
    let rows: Vec<Vec<String>> = listed
        .map(|(_, row)| row.split('`').skip(1).step_by(2).filter(|name| !name.starts_with('-')).map(str::to_string).collect())
        .collect();
    assert!(rows.len() > 10, "{rows:?}");
    rows
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

/// The part of a file before the unit tests at its end, which may use anything. A module of tests in a file of its own (`mod tests;`)
/// may be named at the top.
fn without_tests(text: &str) -> &str {
    const TESTS: &str = "#[cfg(test)]\nmod ";
    let is_inline = |at: &usize| text[at + TESTS.len()..].lines().next().is_some_and(|line| line.ends_with(" {"));
    let begin = text.match_indices(TESTS).map(|(at, _)| at).find(is_inline);
    begin.map_or(text, |begin| &text[..begin])
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

/// The modules that stand behind `crate::`: one, or those of a group on one line.
fn names(text: &str) -> Vec<String> {
    let name = |text: &str| text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect::<String>();
    let Some(group) = text.strip_prefix('{') else { return vec![name(text)] };
    let (mut depth, mut parts) = (0, vec![String::new()]);
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => parts.push(String::new()),
            _ => {}
        }
        if let (0, Some(part)) = (depth, parts.last_mut()) {
            part.push(c);
        }
    }
    parts.iter().map(|part| name(part.trim_start_matches([',', ' ']))).collect()
}

#[test]
fn groups_of_imports_are_read() {
    assert_eq!(names("chart::loader;"), ["chart"]);
    assert_eq!(names("{json, yaml};"), ["json", "yaml"]);
    assert_eq!(names("{chart::{File, loader}, error::Error, fs};"), ["chart", "error", "fs"]);
}

#[test]
fn only_tests_within_the_file_end_its_code() {
    let tests = "#[cfg(test)]\nmod tests {\n    use crate::cli;\n}\n";
    for code in ["mod a;\n", "#[cfg(test)]\nmod trial;\n\nuse crate::cli;\n", "#[cfg(test)]\nmod tests;\nmod a {\n}\n"] {
        assert_eq!(without_tests(&format!("{code}{tests}")), code);
        assert_eq!(without_tests(code), code);
    }
}

#[test]
fn no_group_of_modules_spreads_over_lines() {
    let spread = |text: &str| text.lines().any(|line| line.trim_start().starts_with("use crate::{") && !line.contains("};"));
    let found: Vec<_> = sources().into_iter().filter(|(_, text)| spread(text)).map(|(path, _)| path).collect();
    assert!(found.is_empty(), "the test of layers reads one line: {found:?}");
}

#[test]
fn a_module_imports_only_from_rows_above() {
    let rows = rows();
    let row_of = |module: &str| rows.iter().position(|row| row.iter().any(|name| name == module)).map(|at| at + 1);
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
            for used in line.split("crate::").skip(1).flat_map(names) {
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
