//! The engine against the `regex` crate, and what compiling and searching count.

use super::engine::{Pattern, Searches, Subject};
use super::*;
use crate::regexp;
use crate::template::work;

/// Random patterns match the same in ASCII texts, whether compiled for bytes or for any text.
#[test]
fn ascii_texts_are_searched_as_all_others() {
    let mut state = 7u32;
    let mut next = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 16) as usize % below
    };
    let atoms = [
        "a",
        "k",
        "S",
        "_",
        "-",
        " ",
        "0",
        ".",
        r"\w",
        r"\W",
        r"\d",
        r"\D",
        r"\s",
        r"\S",
        r"\b",
        r"\B",
        "^",
        "$",
        "[a-k]",
        "[^a-k]",
        "[[:upper:]]",
        "[[:^alpha:]]",
        r"[^\W]",
        "(?i:k)",
        "(?i:[^ks])",
        "(?i:s)",
        "(?s:.)",
        "(a|b)",
        "(k*)",
        "(?:S|)",
        r"\x41",
        r"\.",
        r"\pL",
        "é",
        "[^é]",
        r"\x{17f}",
        "(?m:^)",
        "(?m:$)",
        "aé",
        r"\p{Lu}",
        r"[\pL_]",
        r"[^\pN]",
        r"(?i:\p{Ll})",
        r"\PL",
    ];
    let repeats = ["", "", "", "*", "+", "?", "*?", "{2}"];
    let letters = ["a", "k", "K", "s", "S", "_", "-", " ", "0", "\n", ".", "A", "\u{7f}", "\0"];
    for _ in 0..4000 {
        let source: String = (0..=next(4)).map(|_| format!("{}{}", atoms[next(atoms.len())], repeats[next(repeats.len())])).collect();
        let Ok(translated) = regexp::translate(source.as_bytes()) else { continue };
        let Ok(reference) = regex::Regex::new(&translated.pattern) else { continue };
        let [wide, narrow] = [false, true].map(|is_ascii| Pattern::new(source.as_bytes(), is_ascii).ok().expect("a pattern"));
        for _ in 0..8 {
            let text: String = (0..next(9)).map(|_| letters[next(letters.len())]).collect();
            let subject = Subject::new(text.as_bytes());
            let mut groups = reference.capture_locations();
            for pattern in [&wide, &narrow] {
                let mut searches = Searches::new(pattern, &subject);
                assert_eq!(searches.is_match().unwrap(), reference.is_match(&text), "{source} on {text:?}");
                let mut locations = searches.locations();
                for at in 0..=text.len() {
                    let wanted = reference.captures_read_at(&mut groups, &text, at).map(|found| (found.start(), found.end()));
                    assert_eq!(searches.find_at(at).unwrap(), wanted, "{source} on {text:?} from {at}");
                    assert_eq!(searches.captures_at(&mut locations, at).unwrap(), wanted, "{source} on {text:?} from {at}");
                    if wanted.is_some() {
                        let same = (0..6).all(|group| locations.get(group) == groups.get(group));
                        assert!(same, "groups of {source} on {text:?} from {at}");
                    }
                }
            }
        }
    }
}

/// The steps of something.
fn steps<T>(run: impl FnOnce() -> T) -> u64 {
    work::resume(0);
    run();
    work::done()
}

fn call(name: &str, arguments: &[Value]) -> Result<Value, String> {
    let function = FUNCTIONS.iter().find(|function| function.name == name).unwrap();
    (function.call)(&mut Call { arguments, host: &mut super::super::NoHost }).map_err(|fault| fault.message)
}

#[test]
fn compiling_counts_by_the_size_of_the_pattern() {
    let compile = |source: &str, is_ascii: bool| steps(|| Pattern::new(source.as_bytes(), is_ascii).is_ok());
    assert!((50..100).contains(&compile("^[a-z]+$", true)));
    assert!(compile(r"\pL{50}", true) < 500, "within ASCII it is small");
    assert!(compile(r"\pL{50}", false) > 50_000);
    assert!(compile("(x{1000}){1000}", true) > 50, "refused");
    work::resume(work::LIMIT - 10);
    assert!(call("regexMatch", &[Value::str("not yet compiled"), Value::str("a")]).unwrap_err().contains("100000000 steps"));
}

#[test]
fn patterns_kept_take_little_memory() {
    for number in 0..40 {
        let pattern = format!(r"{number}\pL{{200}}");
        assert!(call("regexFind", &[Value::str(pattern), Value::str("é")]).is_ok());
        let kept = engine::kept_bytes();
        assert!(kept < 48 << 20, "{number}: {kept}");
    }
}

#[test]
fn searching_counts_how_far_it_looks() {
    let text = Value::str("a".repeat(20_000));
    let find = |pattern: &str| steps(|| call("regexFindAll", &[Value::str(pattern), text.clone(), Value::int(-1)]).unwrap());
    let plain = find("a|b");
    assert!((20_000..60_000).contains(&plain), "{plain}");
    // A class is as quick as a letter in ASCII, however many characters it has; beyond, its automaton may be too large to keep.
    let class = steps(|| call("regexFindAll", &[Value::str("[^\\pL\\pN_]|z"), text.clone(), Value::int(-1)]).unwrap());
    assert!(class < 20_000, "{class}");
    let other = Value::str("é".repeat(20_000));
    let class = steps(|| call("regexFindAll", &[Value::str("[^\\pL\\pN_]|z"), other, Value::int(-1)]).unwrap());
    assert!((5_000..40_000).contains(&class), "{class}");
    // Each match looks for a `b` up to the end.
    let text = Value::str("a".repeat(5_000));
    let ahead = steps(|| call("regexFindAll", &[Value::str("a+b|a"), text, Value::int(-1)]).unwrap());
    assert!(ahead > 600_000, "{ahead}");
}

/// What a search does is counted behind it, so one that may do too much alone is not begun.
#[test]
fn a_search_without_end_is_not_begun() {
    let text = Value::str("éλжa字".repeat(200_000));
    let began = work::done();
    let fault = call("regexMatch", &[Value::str(r"(\pL|é){900}\pN"), text.clone()]).unwrap_err();
    assert!(fault.contains("100000000 steps"), "{fault}");
    assert!(work::done() - began < work::LIMIT / 10);
    // One that can only match at the start is measured before.
    let (began, text_of_few) = (work::done(), Value::str("éλжa字".repeat(20_000)));
    work::allow(1_000_000);
    let fault = call("regexMatch", &[Value::str(r"^(?s:.*)(\pL|é){900}\pN"), text_of_few]).unwrap_err();
    work::allow(work::LIMIT);
    assert!(fault.contains("1000000 steps") && work::done() - began < 2_000_000, "{fault} {}", work::done() - began);
    // It ends where it does not match.
    let steps = steps(|| call("regexMatch", &[Value::str(r"^(\pL|é){100}\pN"), text]).unwrap());
    assert!(steps < work::LIMIT / 10, "{steps}");
}

/// Some searches keep and copy the positions of all groups for each state.
#[test]
fn groups_count() {
    let text = Value::str("a".repeat(500));
    let replace = |groups: usize| {
        let pattern = format!("^{}[ab]*$", "(a|b)?".repeat(groups));
        call("regexReplaceAll", &[Value::str(pattern), text.clone(), Value::str("${1}y")])
    };
    let few = steps(|| replace(30).unwrap());
    let many = steps(|| replace(300).unwrap());
    assert!(many > 30 * few, "{few} {many}");
    let fault = call("mustRegexReplaceAll", &[Value::str("(a)?".repeat(20_000)), text.clone(), Value::str("x")]).unwrap_err();
    assert!(fault.contains("expression too large"), "{}", &fault[..100]);
}
