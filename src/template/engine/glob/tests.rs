//! Cases of path patterns, as Helm 4.2.4 matches them.

use super::*;
use crate::template::work;

fn is_match(pattern: &str, name: &str) -> bool {
    Glob::new(pattern).unwrap_or_else(|fault| panic!("{pattern}: {}", fault.message)).matches(name).unwrap()
}

#[test]
fn patterns_match_as_in_gobwas() {
    for (pattern, name, expected) in [
        ("*.txt", "a.txt", true),
        ("*.txt", "a/b.txt", false),
        ("**.txt", "a/b.txt", true),
        ("conf/**", "conf/a/b", true),
        ("conf/*", "conf/.hidden", true),
        ("?.txt", "/.txt", false),
        ("[!a].txt", "b.txt", true),
        ("[!a].txt", "a.txt", false),
        ("[^a].txt", "^.txt", true),
        ("[a-c]x", "bx", true),
        ("{a,b*}.txt", "bcd.txt", true),
        ("{a,b*}.txt", "c.txt", false),
        ("a\\*", "a*", true),
        ("[", "anything/at all", true),
        ("[]a]", "anything", true),
        ("", "", true),
        ("", "a", false),
        ("a/b.txt", "a/b.txt", true),
        ("a/b.txt", "a/b.txt2", false),
        ("ab*ba", "abba", true),
        ("a*b?c", "axbyc", true),
        ("a*b?c", "axb/c", false),
    ] {
        assert_eq!(is_match(pattern, name), expected, "{pattern} {name}");
    }
}

/// Recorded from `.Files.Glob` of Helm 4.2.4: many of them look like faults of the library.
#[test]
fn alternatives_match_what_they_do_in_helm() {
    let names = ["a.txt", "aba", "abba", "abc.txt", "ab", "aé", "b.txt", "conf/a.txt", "conf/b.cfg", "conf/sub/c.txt", "other/x", "éaé"];
    for (pattern, found) in [
        ("ab*ba", "abba"),
        ("é*é", "éaé"),
        ("conf/{sub/*,a.txt}", "conf/a.txt"),
        ("conf/{a.txt,sub/*}", "conf/a.txt conf/sub/c.txt"),
        ("{a*c,b}.txt", "b.txt"),
        ("{b,a*c}.txt", "abc.txt b.txt"),
        ("conf/{**/,}*.txt", ""),
        ("{**/,}a.txt", ""),
        ("{conf/s*,other}/**", "other/x"),
        ("{conf,other}/**", "conf/a.txt conf/b.cfg conf/sub/c.txt other/x"),
        ("[!a][!b]*", "b.txt éaé"),
        ("[!/][!/]*", "a.txt ab aba abba abc.txt aé b.txt éaé"),
        ("?{b,é}", "ab"),
        ("??", "ab aé"),
        ("{a,b}{b,é}", "ab"),
        ("*{b,c}*", "ab aba abba abc.txt b.txt"),
        ("conf/{*.txt,*.cfg}", "conf/a.txt conf/b.cfg"),
        ("{conf/a.txt,conf/b.cfg}", "conf/a.txt conf/b.cfg"),
        ("{a,ab}.txt", "a.txt"),
        ("{a,a,ab}*", "a.txt ab aba abba abc.txt aé"),
        ("?b*", "ab aba abba abc.txt"),
        ("**?", "a.txt ab aba abba abc.txt aé b.txt conf/a.txt conf/b.cfg conf/sub/c.txt other/x éaé"),
        ("*/{a,sub/c}.txt", "conf/a.txt conf/sub/c.txt"),
    ] {
        let mut wanted: Vec<&str> = found.split_whitespace().collect();
        wanted.sort_unstable();
        let mut chosen: Vec<&str> = names.into_iter().filter(|name| is_match(pattern, name)).collect();
        chosen.sort_unstable();
        assert_eq!(chosen, wanted, "{pattern}");
    }
}

/// As in Helm, whose library looks behind the end.
#[test]
fn a_part_of_no_length_at_the_end_is_a_fault() {
    let fault = Glob::new("{a,b}{,}").unwrap().matches("a").unwrap_err();
    assert_eq!(fault.message, "runtime error: slice bounds out of range [:2] with length 1");
}

#[test]
fn hard_patterns_end() {
    let hard = "*a".repeat(200);
    let name = "a".repeat(2000).replace("aa", "ab");
    assert!(Glob::new(&"{".repeat(100_000)).unwrap().matches("x").unwrap(), "it is faulty");
    work::resume(0);
    work::allow(1_000_000);
    let found = Glob::new(&hard).and_then(|pattern| pattern.matches(&name));
    let long = Glob::new(&"?*".repeat(50_000)).and_then(|pattern| pattern.matches("x"));
    work::resume(0);
    work::allow(work::LIMIT);
    assert!(found.unwrap_err().is_limit && long.unwrap_err().is_limit);
}
