//! The cases of `testdata/functions`: templates with the results of Helm 4.2.4's engine.
//!
//! One case a line: `TEMPLATE => "RESULT"`, `=> hex RESULT` if it is not UTF-8, `=> error "MESSAGE"` with the part of Helm's
//! message behind the first `>: `. All are rendered with the values of `testdata/functions/values.yaml`.

use super::registry;
use crate::chart::{Chart, Content, File, Metadata};
use crate::data;
use crate::template::engine::{self, Capabilities, Environment, Options, Release, RenderContext};
use std::path::Path;
use std::sync::Arc;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/testdata/functions");

struct Still;

impl Environment for Still {
    fn now(&self) -> i128 {
        0
    }

    fn random(&mut self, bytes: &mut [u8]) {
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = at as u8;
        }
    }

    fn resolve_host(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
}

fn render(template: &str, values: &Arc<data::Map>, options: &Options) -> Result<Vec<u8>, String> {
    let metadata = Metadata { name: "c".to_string(), version: "0.1.0".to_string(), ..Metadata::default() };
    let file = File { name: "templates/t".into(), data: template.as_bytes().into(), modified: None };
    let content = Content { templates: vec![file], ..Content::default() };
    let chart = Chart {
        metadata: Arc::new(metadata),
        content: Arc::new(content),
        values: Arc::default(),
        dependencies: Vec::new(),
        found_in: None,
    };
    let release = Release { name: "r".into(), namespace: "n".into(), revision: 1, is_install: true, is_upgrade: false };
    let capabilities = Capabilities::default();
    let context = RenderContext { chart: &chart, values: values.clone(), release, capabilities: &capabilities };
    let rendered = engine::render(&context, options, &mut Still).map_err(|error| error.message().to_string())?;
    Ok(rendered.files.into_iter().next().map(|file| file.data).unwrap_or_default())
}

fn values() -> Arc<data::Map> {
    let text = std::fs::read(Path::new(FOLDER).join("values.yaml")).unwrap();
    crate::yaml::parse_map(&text).unwrap()
}

fn unquote(text: &str) -> Vec<u8> {
    if let Some(digits) = text.strip_prefix("hex ") {
        return (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect();
    }
    serde_json::from_str::<String>(text).unwrap_or_else(|error| panic!("{error}: {text}")).into_bytes()
}

#[test]
fn functions_give_what_helm_gives() {
    let values = values();
    let mut files: Vec<_> = std::fs::read_dir(FOLDER).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "cases"));
    files.sort();
    let (mut count, mut wrong) = (0, Vec::new());
    for path in files {
        let text = std::fs::read_to_string(&path).unwrap();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (template, wanted) = line.rsplit_once(" => ").unwrap_or_else(|| panic!("no result: {line}"));
            count += 1;
            let got = render(template, &values, &Options::default());
            let right = match (wanted.strip_prefix("error "), &got) {
                (Some(wanted), Err(message)) => {
                    let message = message.split_once(">: ").map_or(message.as_str(), |parts| parts.1);
                    // A message with bytes that are not UTF-8 shows them as U+FFFD.
                    String::from_utf8_lossy(&unquote(wanted)) == message
                }
                (None, Ok(data)) => unquote(wanted) == *data,
                _ => false,
            };
            if !right {
                let got = got.map(|data| String::from_utf8_lossy(&data).into_owned());
                wrong.push(format!("{template}\n  want {wanted}\n  got  {got:?}"));
            }
        }
    }
    assert!(count > 0);
    assert!(wrong.is_empty(), "{} of {count} cases differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn every_function_of_helm_is_there() {
    let text = std::fs::read_to_string(Path::new(FOLDER).join("names.txt")).unwrap();
    // Functions of the evaluator have no row.
    let evaluated = ["and", "or", "call", "include", "len", "tpl"];
    for name in text.lines().filter(|name| !evaluated.contains(name)) {
        assert!(registry::lookup(name.as_bytes()).is_some(), "{name}");
    }
    for function in registry::all() {
        assert!(text.lines().any(|name| name == function.name), "{} is not Helm's", function.name);
    }
}

/// A list that holds one text ten thousand times is small, and what is written of it is not: 20 GB here.
#[test]
fn texts_are_counted_while_they_are_written() {
    let (values, options) = (values(), Options { size_limit: 3 << 20, ..Options::default() });
    let list = r#"{{ $l := list (repeat 2000000 "x") }}{{ range until 13 }}{{ $l = concat $l $l }}{{ end }}"#;
    for call in ["toYaml $l", "toYamlPretty $l", "toJson $l", "toRawJson $l", "toToml (dict \"a\" $l)", "print $l", "quote $l", "cat $l"] {
        let message = render(&format!("{list}{{{{ {call} | len }}}}"), &values, &options).unwrap_err();
        assert!(["exceeds the limit", "longer than", "unfolds to"].iter().any(|words| message.contains(words)), "{call}: {message}");
    }
    let many = r#"{{ fromYamlArray (printf "[%s]" (repeat 1500000 "1,")) | len }}"#;
    let options = Options { item_limit: 1_000_000, ..options };
    assert!(render(many, &values, &options).unwrap_err().contains("may hold more than 1000000 items"));
}

/// What is made and dropped again may be more than is held at once.
#[test]
fn what_templates_hold_is_limited() {
    let (values, options) = (values(), Options::default());
    let kept = r#"{{ $l := list }}{{ range until 100 }}{{ $l = append $l (printf "%s%d" (repeat 50000000 "x") .) }}{{ end }}"#;
    let message = render(kept, &values, &options).unwrap_err();
    assert!(message.contains("templates hold more than 1073741824 bytes of texts and lists at once"), "{message}");
    // Nested lists are held too.
    let lists = r#"{{ $d := dict }}{{ range until 100000 }}{{ $_ := set $d (printf "%d" .) (until 100000) }}{{ end }}"#;
    let message = render(lists, &values, &options).unwrap_err();
    assert!(message.contains("templates hold more than"), "{message}");
    // What includes make counts too.
    let included = r#"{{ define "a" }}{{ range until 600 }}{{ repeat 100000 "x" }}{{ end }}{{ end }}{{ $d := dict }}{{ range until 30 }}{{ $_ := set $d (toString .) (include "a" .) }}{{ end }}"#;
    let message = render(included, &values, &options).unwrap_err();
    assert!(message.contains("templates hold more than"), "{message}");
    // A shared map or list that is used is copied.
    let shared = r#"{{ $j := printf "[%s]" (repeat 300000 "1," | trimSuffix ",") }}{{ $m := dict "l" (fromJsonArray $j) }}"#;
    for used in ["first (deepCopy $m).l", "range (deepCopy $m).l }}{{ break }}{{ end"] {
        let endless = format!("{shared}{{{{ range until 1000000 }}}}{{{{ {used} }}}}{{{{ end }}}}");
        let options = Options { step_limit: 10_000_000, ..Options::default() };
        let message = render(&endless, &values, &options).unwrap_err();
        assert!(message.contains("10000000 steps"), "{message}");
    }
    for (growing, wanted) in [
        (r#"{{ $t := "" }}{{ range until 3000 }}{{ $t = printf "%s, item-%0900d" $t . }}{{ end }}{{ len $t }}"#, "2721000"),
        (r#"{{ $l := list }}{{ range until 20000 }}{{ $l = append $l . }}{{ end }}{{ len $l }}"#, "20000"),
        (r#"{{ $l := list }}{{ range until 11000 }}{{ $l = append $l (printf "x%d" .) }}{{ end }}{{ len $l }}"#, "11000"),
        (r#"{{ $l := list }}{{ range until 11000 }}{{ $l = prepend $l (printf "x%d" .) }}{{ end }}{{ len $l }}"#, "11000"),
        (r#"{{ $l := list }}{{ range until 8000 }}{{ if not (has . $l) }}{{ $l = append $l . }}{{ end }}{{ end }}{{ len $l }}"#, "8000"),
        (r#"{{ $l := until 100000 }}{{ range until 20000 }}{{ $x := $l | default list }}{{ end }}{{ len $l }}"#, "100000"),
    ] {
        assert_eq!(render(growing, &values, &options), Ok(wanted.as_bytes().to_vec()), "{growing}");
    }
}

#[test]
fn results_larger_than_allowed_are_refused() {
    let values = values();
    let options = Options { size_limit: 1000, item_limit: 100, ..Options::default() };
    for template in [
        r#"{{ repeat 1001 "a" }}"#,
        r#"{{ indent 1000 "a" }}"#,
        r#"{{ replace "" (repeat 500 "a") "abc" }}"#,
        r#"{{ until 101 }}"#,
        r#"{{ seq 101 }}"#,
        r#"{{ untilStep 0 9223372036854775807 1 }}"#,
        r#"{{ splitList "" (repeat 101 "a") }}"#,
        r#"{{ wrapWith 1 (repeat 600 "a") "abcd" }}"#,
        r#"{{ regexReplaceAll "" "abc" (repeat 600 "a") }}"#,
        r#"{{ toYaml (list (repeat 600 "a") (repeat 600 "a")) }}"#,
        r#"{{ toJson (dict "a" (repeat 600 "a") "b" (repeat 600 "a")) }}"#,
        r#"{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ deepCopy $d }}"#,
        r#"{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ $e := dict }}{{ $_ := set $e "d" $e }}{{ deepEqual $d $e }}"#,
        r#"{{ $d := dict }}{{ $_ := set $d "d" $d }}{{ $e := dict }}{{ $_ := set $e "d" $e }}{{ merge $d $e }}"#,
    ] {
        let message = render(template, &values, &options).unwrap_err();
        assert!(message.contains("exceeds the limit") || message.contains("too deeply"), "{template}: {message}");
    }
}
