//! What counts as work, see [`work`].

use super::*;
use crate::template::functions::NoHost;
use crate::template::parser;
use crate::template::value::{Map, trace};
use std::sync::Arc;

/// The steps of rendering this template, or the fault.
fn steps(template: &str) -> Result<u64, String> {
    let parsed = parser::parse(Arc::from(template.as_bytes())).map_err(|error| error.text("t"))?;
    let set = TemplateSet::new(&[(Arc::from("t"), Arc::new(parsed))]);
    let mut host = NoHost;
    let mut evaluator = Evaluator::new(&set, &mut host, false);
    let result = evaluator.render(b"t", Value::Nil, &mut Vec::new());
    result.map(|()| work::done()).map_err(|failure| failure.text())
}

#[track_caller]
fn takes(range: std::ops::Range<u64>, template: &str) {
    let steps = steps(template).unwrap();
    assert!(range.contains(&steps), "{steps} steps: {template}");
}

#[test]
fn nodes_rounds_and_operands_are_counted() {
    takes(1..20, "text {{ print 1 }}");
    takes(1000..5000, "{{ range 1000 }}{{ end }}");
    takes(500..1000, &"{{ $x := 1 }}".repeat(500));
    takes(500..3000, &format!("{{{{ $x := and {} }}}}", "1 ".repeat(500)));
    takes(500..1_500, &format!("{{{{ $d := dict }}}}{{{{ $_ := set $d `a` $d }}}}{{{{ $x := $d{} }}}}", ".a".repeat(4000)));
}

/// Functions read their arguments and make their results.
#[test]
fn sizes_are_counted() {
    takes(50_000..60_000, "{{ $s := repeat 64000 `a` }}{{ range 100 }}{{ $_ := contains `b` $s }}{{ end }}");
    takes(50_000..60_000, "{{ $s := repeat 64000 `a` }}{{ range 100 }}{{ $_ := sha256sum $s }}{{ end }}");
    takes(50_000..60_000, "{{ define `a` }}{{ . }}{{ end }}{{ $s := repeat 64000 `a` }}{{ range 100 }}{{ $_ := include `a` $s }}{{ end }}");
    takes(6_000..8_000, "{{ $_ := randAlphaNum 100000 }}");
    takes(20_000..25_000, "{{ $_ := shuffle (repeat 10000 `a`) }}");
    takes(60_000..70_000, "{{ $_ := toStrings (list (list (repeat 1000000 `a`))) }}");
    takes(12_500..30_000, "{{ $_ := fromYaml (repeat 10000 `a: 1,    \n`) }}");
    takes(250_000..400_000, "{{ $s := print (repeat 64000 ` `) `{{ 1 }}` }}{{ range 50 }}{{ $_ := tpl $s . }}{{ end }}");
    takes(50_000..60_000, "{{ $s := repeat 64000 `a` }}{{ range 50 }}{{ $_ := tpl $s . }}{{ end }}");
}

/// Building a dict, or looking entries up, costs little whatever its size.
#[test]
fn dicts_are_cheap_to_build() {
    takes(4_000..10_000, "{{ $d := dict }}{{ range $i := until 1000 }}{{ $_ := set $d (toString $i) $i }}{{ end }}");
}

#[test]
fn walks_over_values_are_counted() {
    let values = "{{ $d := dict }}{{ $l := list }}{{ range $i := until 200 }}{{ $_ := set $d (toString $i) $i }}\
        {{ $l = append $l (dict `a` $i) }}{{ end }}";
    let base = steps(values).unwrap();
    let more = |template: &str| steps(&format!("{values}{template}")).unwrap() - base;
    assert!((2_000..8_000).contains(&more("{{ range 10 }}{{ $_ := merge (dict) $d }}{{ end }}")));
    assert!((20_000..80_000).contains(&more("{{ $_ := uniq $l }}")));
    assert!((200..800).contains(&more("{{ $_ := has (dict) $l }}")));
    assert!((400..1_600).contains(&more("{{ $_ := deepCopy $l }}")));
}

#[test]
fn keys_and_derivations_are_counted_as_long_as_they_take() {
    takes(work::HASH..work::HASH + 100, "{{ $_ := htpasswd `a` `b` }}");
    takes(work::DERIVATION..work::DERIVATION + 100, "{{ $_ := derivePassword 1 `long` `a` `b` `c` }}");
    takes(work::KEY..work::KEY + 10_000, "{{ $_ := genSelfSignedCert `a` nil nil 1 }}");
    takes(0..10_000, "{{ $_ := genPrivateKey `ecdsa` }}");
    // Large charts make a hundred certificates, with as many authorities.
    let certificate = work::KEY + 4 * work::SIGNATURE;
    assert!(200 * certificate < work::LIMIT / 8);
}

#[test]
fn work_is_limited_within_functions_too() {
    let limit = "templates do more than 100000000 steps";
    let fault = steps("{{ $s := repeat 60000000 `a` }}{{ range 100000 }}{{ $_ := hasPrefix `b` $s }}{{ end }}").unwrap_err();
    assert!(fault.ends_with(limit), "{fault}");
    let fault = steps("{{ $s := repeat 60000000 `a` }}{{ range 100000 }}{{ $_ := toStrings (list (list $s)) }}{{ end }}").unwrap_err();
    assert!(fault.contains("error calling toStrings: ") && fault.ends_with(limit), "{fault}");
}

/// What is kept counts once, although the text that used it is remembered and used again.
#[test]
fn what_was_done_once_counts_once() {
    let many =
        steps("{{ define `a` }}{{ $_ := regexMatch `\\pL{50}` `é` }}{{ end }}{{ range 1000 }}{{ $_ := include `a` 1 }}{{ end }}").unwrap();
    assert!((50_000..350_000).contains(&many), "{many}");
}

/// A text made of the context of one file is remembered for the next, although work is counted by the sizes of arguments.
#[test]
fn counting_a_context_is_no_read_of_its_file() {
    trace::make_contexts();
    let root = Map::root([(Str::from("Values"), Value::str("x")), (Str::from("Template"), Value::Nil)]);
    trace::contexts_are_made();
    let reads_file = |template: &str| {
        let parsed = parser::parse(Arc::from(template.as_bytes())).unwrap_or_else(|error| panic!("{}", error.text("t")));
        let set = TemplateSet::new(&[(Arc::from("t"), Arc::new(parsed))]);
        let mut host = NoHost;
        root.begin_file(Value::Nil);
        let watch = trace::watch();
        Evaluator::new(&set, &mut host, false)
            .render(b"t", Value::Map(root.clone()), &mut Vec::new())
            .unwrap_or_else(|failure| panic!("{}", failure.text()));
        watch.end().read_file
    };
    assert!(!reads_file("{{ define `a` }}{{ .Values }}{{ end }}{{ include `a` . }}{{ $_ := default 1 . }}{{ template `a` . }}"));
    assert!(reads_file("{{ len . }}"));
    assert!(reads_file("{{ .Template }}"));
}
