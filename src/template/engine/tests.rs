//! Whole renders: `testdata/language/cases.jsonl`, recorded from Helm 4.2.4, contexts of subcharts, and the limits.

use super::*;
use crate::chart::{Content, File, Metadata};
use crate::data::Data;
use crate::{json, yaml};

/// A world that never changes.
pub(crate) struct Still;

impl Environment for Still {
    fn now(&self) -> i128 {
        0
    }

    fn random(&mut self, bytes: &mut [u8]) {
        bytes.fill(7);
    }

    fn resolve_host(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn again(&self) -> Option<Box<dyn Environment>> {
        Some(Box::new(Still))
    }
}

fn file(name: &str, text: &str) -> File {
    File { name: name.into(), data: text.as_bytes().into(), modified: None }
}

fn chart(name: &str, templates: &[(&str, &str)], files: &[(&str, &str)], dependencies: Vec<Chart>) -> Chart {
    let content = Content {
        templates: templates.iter().map(|(name, text)| file(&format!("templates/{name}"), text)).collect(),
        files: files.iter().map(|(name, text)| file(name, text)).collect(),
        ..Content::default()
    };
    Chart {
        metadata: Arc::new(Metadata { name: name.into(), version: "0.1.0".into(), app_version: "1.2.3".into(), ..Metadata::default() }),
        content: Arc::new(content),
        values: Arc::default(),
        dependencies,
        found_in: None,
    }
}

fn render_with(chart: &Chart, values: &str, options: &Options) -> Result<Rendered> {
    render_noting(chart, values, options, &mut Notices::new())
}

fn render_noting(chart: &Chart, values: &str, options: &Options, notices: &mut Notices) -> Result<Rendered> {
    let values = match yaml::parse(values.as_bytes())? {
        Data::Map(map) => map,
        _ => Arc::default(),
    };
    let release = Release { name: "rel".into(), namespace: "ns".into(), revision: 1, is_install: true, is_upgrade: false };
    let context = RenderContext { chart, values, release, capabilities: &Capabilities::default() };
    render_telling(&context, options, &mut Still, notices)
}

/// The text of the last file, or the error.
fn outcome(chart: &Chart, values: &str) -> std::result::Result<String, String> {
    match render_with(chart, values, &Options::default()) {
        Ok(rendered) => Ok(rendered.files.last().map(|file| String::from_utf8_lossy(&file.data).into_owned()).unwrap_or_default()),
        Err(error) => Err(error.to_string()),
    }
}

fn one(template: &str) -> std::result::Result<String, String> {
    outcome(&chart("case", &[("a.yaml", template)], &[], Vec::new()), "")
}

#[test]
fn the_language_is_that_of_helm() {
    let values = include_str!("../../../testdata/language/values.yaml");
    let helpers = include_str!("../../../testdata/language/helpers.tpl");
    // As recorded: the template's result for an include, in base64 since a manifest must be YAML.
    const OUT: &str = "out: {{ include (print $.Template.BasePath \"/_case.txt\") . | b64enc }}\n";
    let mut faults = Vec::new();
    let cases = include_str!("../../../testdata/language/cases.jsonl");
    assert!(cases.lines().count() > 100, "the cases are there");
    for line in cases.lines() {
        let case = json::parse(line.as_bytes()).unwrap();
        let text = |key: &str| case.as_map().unwrap().get(key).and_then(Data::as_str);
        let template = text("template").unwrap();
        let chart = chart("case", &[("_helpers.tpl", helpers), ("_case.txt", template), ("out.yaml", OUT)], &[], Vec::new());
        let found = outcome(&chart, values);
        let as_expected = match (&found, text("want"), text("error")) {
            (Ok(out), Some(want), _) => {
                let wanted = data_encoding::BASE64.encode(want.as_bytes());
                *out == format!("out: {wanted}\n")
            }
            (Err(error), _, Some(want)) => error == want,
            _ => false,
        };
        if !as_expected {
            faults.push(format!("{template}\n  want {:?}\n  got  {found:?}", text("want").or(text("error"))));
        }
    }
    assert!(faults.is_empty(), "{} cases:\n{}", faults.len(), faults.join("\n"));
}

/// `testdata/language/again.jsonl`, recorded from Helm 4.2.4: reused results, and several threads, give the same as one thread
/// that renders everything each time.
#[test]
fn what_was_rendered_before_is_used_only_where_nobody_can_tell() {
    let mut faults = Vec::new();
    let cases = include_str!("../../../testdata/language/again.jsonl");
    assert!(cases.lines().count() > 10, "the cases are there");
    for line in cases.lines() {
        let case = json::parse(line.as_bytes()).unwrap();
        let case = case.as_map().unwrap();
        let pairs = |key: &str| -> Option<Vec<(&str, &str)>> {
            let map = case.get(key).and_then(Data::as_map)?;
            Some(map.iter().map(|(name, text)| (&**name, text.as_str().unwrap())).collect())
        };
        let chart = chart("c", &pairs("files").unwrap(), &[], Vec::new());
        for threads in [1, 2, 3, 7] {
            let options = Options { threads: Some(threads), threads_from: 0, ..Options::default() };
            let found = render_with(&chart, case.get("values").and_then(Data::as_str).unwrap(), &options);
            let found = found.map(|rendered| {
                let mut files: Vec<(String, String)> = rendered
                    .files
                    .iter()
                    .map(|file| (file.name.replace("c/templates/", ""), String::from_utf8_lossy(&file.data).trim().to_string()))
                    .collect();
                files.sort();
                files
            });
            let as_expected = match (&found, pairs("want")) {
                (Ok(found), Some(want)) => found.iter().map(|(name, text)| (name.as_str(), text.as_str())).eq(want),
                (Err(error), _) => case.get("error").and_then(Data::as_str) == Some(&error.to_string()),
                _ => false,
            };
            if !as_expected {
                let about = case.get("about").and_then(Data::as_str).unwrap();
                faults.push(format!("{about}, on {threads} threads\n  want {:?}\n  got  {found:?}", pairs("want")));
            }
        }
    }
    assert!(faults.is_empty(), "{} cases:\n{}", faults.len(), faults.join("\n"));
}

/// A chart that gives a `dict` one argument too many makes its files a key: Helm 4.2.4's text, which is not written unless needed.
#[test]
fn files_may_be_the_key_of_a_dict() {
    let template = r#"{{- $d := dict "a" 1 .Files "b" "map[a.txt:[48" "c" -}}
v: "{{ len $d }} {{ $d.a }} {{ hasKey $d "x" }} {{ hasKey $d "map[a.txt:[48" }} {{ get $d "map[a" }}|{{ keys $d | sortAlpha | last | len }}|{{ range $k, $v := $d }}{{ sha256sum $k | trunc 8 }}={{ $v }};{{ end }} {{ get $d (toString .Files) }} {{ hasKey (dict .Files 1) (printf "%v" .Files) }} {{ len (dict .Files 1 .Files 2) }} {{ index (values (dict .Files 1 .Files 2)) 0 }} {{ $e := dict .Files 1 }}{{ $_ := set $e (toString .Files) 3 }}{{ len $e }} {{ first (values $e) }} {{ dict .Files 1 | toJson | sha256sum | trunc 8 }} {{ include "n" (dict "x" 1 .Files "y") }} {{ include "n" (dict "x" 2 .Files "y") }} {{ deepCopy (dict .Files "z") | values | first }}"
{{ define "n" }}{{ .x }}{{ len . }}{{ end }}
"#;
    let files = [("a.txt", &*"0123456789abcdef\n".repeat(100))];
    let found = outcome(&chart("c", &[("a.yaml", template)], &files, Vec::new()), "").map(|text| text.trim().to_string());
    let expected = "v: \"3 1 false true |5412|ca978112=1;e4eb2029=c;d450a5c3=b; b true 1 2 1 3 06433787 12 22 z\"";
    assert_eq!(found.as_deref(), Ok(expected));
}

/// Counts the requests, so that no two answers are the same.
struct Counting(u8);

impl Environment for Counting {
    fn now(&self) -> i128 {
        0
    }

    fn random(&mut self, bytes: &mut [u8]) {
        self.0 += 1;
        bytes.fill(self.0);
    }

    fn resolve_host(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
}

#[test]
fn what_asks_for_chance_is_asked_each_time() {
    let text = "{{ define \"n\" }}{{ uuidv4 }}{{ end }}{{ include \"n\" . }} {{ include \"n\" . }} {{ tpl \"{{ uuidv4 }}\" . }} {{ tpl \"{{ uuidv4 }}\" . }}";
    let chart = chart("c", &[("a.yaml", text)], &[], Vec::new());
    let release = Release { name: "rel".into(), namespace: "ns".into(), revision: 1, is_install: true, is_upgrade: false };
    let context = RenderContext { chart: &chart, values: Arc::default(), release, capabilities: &Capabilities::default() };
    let rendered = render(&context, &Options::default(), &mut Counting(0)).unwrap();
    let text = String::from_utf8_lossy(&rendered.files[0].data).into_owned();
    let mut found: Vec<&str> = text.split(' ').collect();
    assert_eq!(found.len(), 4);
    found.dedup();
    assert_eq!(found.len(), 4, "{text}");
}

#[test]
fn a_subchart_sees_its_part_of_the_values_and_shares_it() {
    let child = chart(
        "child",
        &[("c.yaml", "{{ .Values.a }} {{ .Values.global.g }} {{ .Template.Name }} {{ .Chart.IsRoot }}{{ $_ := set .Values \"seen\" 1 }}")],
        &[],
        Vec::new(),
    );
    let parent = chart(
        "parent",
        &[(
            "p.yaml",
            "{{ .Values.child.seen }} {{ .Subcharts.child.Values.a }} {{ .Subcharts.child.Template.Name }} {{ typeOf .Subcharts.child.Values }}",
        )],
        &[],
        vec![child],
    );
    let values = "child: {a: 1, global: {g: x}}\nglobal: {g: x}\n";
    for threads in [1, 2, 5] {
        let options = Options { threads: Some(threads), threads_from: 0, ..Options::default() };
        let rendered = render_with(&parent, values, &options).unwrap();
        let found: Vec<(&str, String)> =
            rendered.files.iter().map(|file| (file.name.as_str(), String::from_utf8_lossy(&file.data).into_owned())).collect();
        assert_eq!(
            found,
            [
                ("parent/charts/child/templates/c.yaml", "1 x parent/charts/child/templates/c.yaml false".to_string()),
                ("parent/templates/p.yaml", "1 1 parent/charts/child/templates/c.yaml common.Values".to_string()),
            ]
        );
    }
}

/// No value is changed here, yet the parent shows the last file of the child.
#[test]
fn the_file_of_another_chart_is_the_one_rendered_last() {
    let files: Vec<(String, &str)> = (0..9).map(|number| (format!("c{number}.yaml"), "{{ .Template.Name }}")).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    let child = chart("child", &files, &[], Vec::new());
    let show = "{{ .Subcharts.child.Template.Name }} {{ len .Subcharts.child }} {{ hasKey .Subcharts.child \"Template\" }}";
    let parent = chart("parent", &[("a.yaml", show), ("b.yaml", show), ("c.yaml", "c"), ("d.yaml", "d")], &[], vec![child]);
    for threads in [1, 2, 3, 8] {
        let options = Options { threads: Some(threads), threads_from: 0, ..Options::default() };
        let rendered = render_with(&parent, "", &options).unwrap();
        let shown: Vec<&[u8]> =
            rendered.files.iter().filter(|file| file.data.len() > 60 || file.data.ends_with(b"true")).map(|file| &*file.data).collect();
        assert_eq!(shown, [b"parent/charts/child/templates/c0.yaml 7 true"; 2], "on {threads} threads");
    }
}

#[test]
fn the_shallowest_and_first_definition_wins() {
    let child = chart("child", &[("_h.tpl", "{{ define \"n\" }}child{{ end }}{{ define \"only\" }}child{{ end }}")], &[], Vec::new());
    let templates = [
        ("Z.tpl", "{{ define \"n\" }}Z{{ end }}"),
        ("_h.tpl", "{{ define \"n\" }}_h{{ end }}{{ define \"only\" }} {{ end }}"),
        ("a.yaml", "{{ include \"n\" . }} {{ include \"only\" . }}"),
    ];
    let rendered = render_with(&chart("p", &templates, &[], vec![child]), "", &Options::default()).unwrap();
    let file = rendered.files.iter().find(|file| file.name == "p/templates/a.yaml").unwrap();
    assert_eq!(file.data, b"Z child");
}

#[test]
fn a_library_chart_gives_only_partials() {
    let mut library = chart("lib", &[("_h.tpl", "{{ define \"n\" }}lib{{ end }}"), ("x.yaml", "{{ fail \"no\" }}")], &[], Vec::new());
    library.metadata = Arc::new(Metadata { kind: "Library".into(), ..(*library.metadata).clone() });
    assert_eq!(outcome(&chart("p", &[("a.yaml", "{{ include \"n\" . }}")], &[], vec![library]), ""), Ok("lib".into()));
}

#[test]
fn files_have_their_methods() {
    let files = [("a.txt", "one\ntwo\n"), ("conf/b.txt", "B"), ("conf/c.json", "{}")];
    let found = |template: &str| outcome(&chart("p", &[("a.yaml", template)], &files, Vec::new()), "");
    for (template, expected) in [
        ("{{ .Files.Get \"conf/b.txt\" }}{{ .Files.Get \"none\" }}", "B"),
        ("{{ .Files.Lines \"a.txt\" }}", "[one two]"),
        ("{{ range $name, $_ := .Files.Glob \"conf/*\" }}{{ $name }};{{ end }}", "conf/b.txt;conf/c.json;"),
        ("{{ len .Files }} {{ typeOf .Files }} {{ .Files.none }}", "3 engine.files []"),
        ("{{ (.Files.Glob \"**.txt\").AsConfig }}", "a.txt: |\n  one\n  two\nb.txt: B"),
        ("{{ (.Files.Glob \"conf/b*\").AsSecrets }}", "b.txt: Qg=="),
    ] {
        assert_eq!(found(template), Ok(expected.to_string()), "{template}");
    }
}

#[test]
fn what_has_no_value_vanishes_once() {
    assert_eq!(one("a{{ .Values.x }}b<no <no value>value>"), Ok("ab<no value>".into()));
}

#[test]
fn endless_recursion_is_a_fault() {
    let nested = "rendering template has a nested reference name: x: unable to execute template";
    let error = one("{{ define \"x\" }}{{ include \"x\" . }}{{ end }}{{ include \"x\" . }}").unwrap_err();
    assert!(error.ends_with(nested), "{}", &error[error.len() - 200..]);
    let error = one("{{ define \"x\" }}{{ template \"x\" . }}{{ end }}{{ template \"x\" . }}").unwrap_err();
    assert!(error.ends_with("exceeded maximum template depth (100000)"), "{}", &error[error.len() - 200..]);
    let error = outcome(&chart("c", &[("a.yaml", "{{ tpl .Values.t . }}")], &[], Vec::new()), "t: '{{ tpl .Values.t . }}'").unwrap_err();
    assert!(error.ends_with("unable to execute template"), "{}", &error[error.len() - 200..]);
}

#[test]
fn too_long_a_text_is_a_fault() {
    let chart = chart("c", &[("a.yaml", "{{ range 1000000 }}0123456789{{ end }}")], &[], Vec::new());
    let options = Options { size_limit: 1 << 20, ..Options::default() };
    let error = render_with(&chart, "", &options).unwrap_err();
    assert!(error.to_string().ends_with("rendered text is longer than 1048576 bytes"), "{error}");
}

#[test]
fn strict_and_lint_modes() {
    let with = |template: &str, options: Options| {
        let chart = chart("c", &[("a.yaml", template)], &[], Vec::new());
        render_with(&chart, "", &options)
    };
    let strict = Options { strict: true, ..Options::default() };
    let error = with("{{ .Values.x }}", strict.clone()).unwrap_err();
    assert!(error.to_string().ends_with("map has no entry for key \"x\""), "{error}");
    let error = with("{{ tpl \"{{ .Values.x }}\" . }}", strict).unwrap_err();
    assert!(error.to_string().ends_with("map has no entry for key \"x\""), "{error}");
    let lint = Options { lint: true, ..Options::default() };
    let passed = "{{ required \"r\" .Values.x }}{{ fail \"f\" }}";
    for (template, fits) in [(passed.to_string(), true), (format!("{passed}{{{{ .Values.x.y }}}}"), false)] {
        let mut notices = Notices::new();
        let rendered = render_noting(&chart("c", &[("a.yaml", &template)], &[], Vec::new()), "", &lint, &mut notices);
        assert_eq!(rendered.is_ok_and(|rendered| rendered.files[0].data.is_empty()), fits);
        assert_eq!(notices.list.len(), 2);
    }
}

#[test]
fn all_faults_are_collected_on_demand() {
    let templates = [("a.yaml", "{{ fail \"one\" }}"), ("b.yaml", "{{ nope }}"), ("c.yaml", "fine"), ("d.yaml", "{{ .Values.a.b }}")];
    let options = Options { all_faults: true, ..Options::default() };
    let rendered = render_with(&chart("c", &templates, &[], Vec::new()), "", &options).unwrap();
    let faults: Vec<String> = rendered.faults.iter().map(ToString::to_string).collect();
    assert_eq!(rendered.files.len(), 1);
    assert_eq!(faults.len(), 3);
    assert_eq!(faults[0], "parse error at (c/templates/b.yaml:1): function \"nope\" not defined");
    assert_eq!(faults[2], "execution error at (c/templates/a.yaml:1:3): one");
}

#[test]
fn a_diagnostic_tells_the_place_and_the_way() {
    let helpers = "{{ define \"n\" }}\n  {{ .a.b.c }}{{ end }}";
    let error = outcome_error(&[("_h.tpl", helpers), ("a.yaml", "x: {{ include \"n\" .Values }}")]);
    let diagnostic = &error.diagnostics()[0];
    let location = diagnostic.location.as_ref().unwrap();
    assert_eq!((location.file.as_str(), location.line, location.column), ("c/templates/_h.tpl", 2, Some(7)));
    assert_eq!(diagnostic.source_line.as_deref(), Some("  {{ .a.b.c }}{{ end }}"));
    assert_eq!(diagnostic.frames.len(), 1);
    assert_eq!(diagnostic.frames[0].node, "include \"n\" .Values");
    assert_eq!(diagnostic.headline, "nil pointer evaluating interface {}.b");
}

#[test]
fn hints_tell_what_was_probably_meant() {
    for (template, expected) in [
        ("{{ .Release.Nmae.x }}", "did you mean `.Release.Name`?"),
        ("{{ .Release.Nmae.x }}", "where it may be missing, write `(.Release.Nmae).x`, which gives no value instead of a fault"),
        ("{{ toYml . }}", "did you mean `toYaml`?"),
        ("{{ env \"HOME\" }}", "charts cannot read the environment: pass it as a value, with `--set`"),
        ("{{ define \"c.labels\" }}{{ end }}{{ include \"c.label\" . }}", "did you mean `c.labels`?"),
        ("{{ upper .Values.x }}", "give it a default, as in `.Values.x | default \"\"`"),
        ("{{ eq 1 1.0 }}", "numbers from values files are float64: compare `int .Values.x` with an int, or write the constant as `1.0`"),
        ("{{ $x = 1 }}", "`=` sets a variable that is there: `$x := …` declares it, for the block that it stands in"),
        ("{{ eq .Release.Name 'x' }}", "`'x'` is the number of a character, texts stand in double quotes: `\"x\"`"),
        ("{{ upper 'x' }}", "`'x'` is the number of a character, texts stand in double quotes: `\"x\"`"),
        ("{{ eq \"1\" 1.5 }}", "a text and a number do not compare: `toString .Values.x` makes a text of it, `int .Values.x` a number"),
        ("{{ eq \"true\" true }}", "a text and a truth value do not compare: `toString .Values.x` makes a text of it"),
        (
            "{{ lt .Values.x 1 }}",
            "only numbers and texts have an order: one that may be missing needs a default, as in `.Values.x | default 0`",
        ),
        ("{{ .Release.Revision -1 }}", "`a - b` is `sub a b`"),
        (
            "{{ $s := lookup \"v1\" \"Secret\" \"a\" \"b\" }}{{ $s.data.x }}",
            "do it only if something was found, as in `with lookup …` or `if $found`",
        ),
        ("{{ (lookup \"v1\" \"Secret\" \"a\" \"b\").data.x }}", "do it only if something was found, as in `with lookup …` or `if $found`"),
        ("{{ (fromYaml \"a: b: c\").x.y }}", "`fromYaml` and `fromJson` give a table with `Error` where the text cannot be read"),
    ] {
        let error = outcome_error(&[("a.yaml", template)]);
        let hints = &error.diagnostics()[0].hints;
        assert!(hints.iter().any(|hint| hint == expected), "{template}: {hints:?}");
    }
    let error = outcome_error(&[("a.yaml", "{{ .Release.Name.x }}")]);
    assert_eq!(error.diagnostics()[0].notes, ["`.Release.Name` is of type string"]);
}

/// Helm's text keeps the place of the node that Go evaluated last.
#[test]
fn people_see_what_is_at_fault_marked() {
    for (template, place, column, node, note) in [
        ("{{ $x = 1 }}", "a.yaml:1:8", 3, "$x", ""),
        ("{{ .Release.Revision | trunc 63 }}", "a.yaml:1:29", 3, ".Release.Revision", ""),
        ("{{ $y := 3 |  trunc 63 }}", "a.yaml:1:20", 9, "3", ""),
        ("{{ 3 | add 4 | trunc 63 }}", "a.yaml:1:21", 3, "3 | add 4", "`3 | add 4` gives `7`"),
        ("{{ (3 | trunc 63) | upper }}", "a.yaml:1:14", 4, "3", ""),
        ("{{ (dict \"a\" 1).a.b }}", "a.yaml:1:13", 15, ".a.b", ""),
    ] {
        let error = outcome_error(&[("a.yaml", template)]);
        assert!(error.message().contains(place), "{template}: {}", error.message());
        let diagnostic = &error.diagnostics()[0];
        assert_eq!((diagnostic.location.as_ref().unwrap().column, diagnostic.node.as_str()), (Some(column), node), "{template}");
        assert!(note.is_empty() || diagnostic.notes.iter().any(|known| known == note), "{template}: {:?}", diagnostic.notes);
    }
}

fn outcome_error(templates: &[(&str, &str)]) -> Error {
    render_with(&chart("c", templates, &[], Vec::new()), "", &Options::default()).unwrap_err()
}
