//! Charts, values and flags that mean harm, given to the binary: each ends with exit code 1 and one clear error (or with what
//! Helm prints), soon, in little memory, without a panic and without half a file. Archives have a test of their own.

use super::{folder, rutter};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Deeper than anything goes.
const DEEP: usize = 100_000;
/// What no run may need; the machine may be busy and the binary unoptimised.
const PATIENCE: Duration = Duration::from_secs(60);
/// Most address space a run gets, in KiB: its stacks take two GiB of it, of which little is ever touched.
const MEMORY: usize = 4 << 20;

/// How a run ended.
struct Ended {
    code: i32,
    out: String,
    error: String,
}

/// A chart in a folder of its own.
struct Hostile {
    _guard: tempfile::TempDir,
    home: PathBuf,
    arguments: Vec<std::ffi::OsString>,
}

impl Hostile {
    /// With one template.
    fn template(text: impl AsRef<[u8]>) -> Hostile {
        let (guard, home) = folder();
        let hostile = Hostile { _guard: guard, home, arguments: Vec::new() };
        hostile.file("Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\n").file("templates/t.yaml", text)
    }

    /// With this values.yaml and nothing to render.
    fn values(text: impl AsRef<[u8]>) -> Hostile {
        Hostile::template("").file("values.yaml", text)
    }

    fn chart(&self) -> PathBuf {
        self.home.join("app")
    }

    fn file(self, name: impl AsRef<Path>, data: impl AsRef<[u8]>) -> Hostile {
        let path = self.chart().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(&path, data).expect("a file");
        self
    }

    fn with(mut self, arguments: &[impl AsRef<std::ffi::OsStr>]) -> Hostile {
        self.arguments.extend(arguments.iter().map(|argument| argument.as_ref().to_os_string()));
        self
    }

    fn run(&self) -> Ended {
        run(&self.home, &self.chart(), &self.arguments)
    }

    /// Runs and wants one error that says this.
    fn fails(&self, wanted: &str) {
        let ended = self.run();
        assert_eq!(ended.code, 1, "{}", cut(&ended.error));
        assert!(ended.error.contains(wanted), "no {wanted:?} in {}", cut(&ended.error));
        assert_eq!(ended.error.matches("Error: ").count(), 1, "{}", cut(&ended.error));
        assert_eq!(cut(&ended.out), "");
    }

    /// Runs and wants it to succeed.
    fn succeeds(&self) -> String {
        let ended = self.run();
        assert_eq!(ended.code, 0, "{}", cut(&ended.error));
        ended.out
    }
}

fn cut(text: &str) -> String {
    text.chars().take(600).collect()
}

/// Renders within bounds of time and memory.
fn run(home: &Path, chart: &Path, arguments: &[std::ffi::OsString]) -> Ended {
    let mut line: Vec<std::ffi::OsString> = ["template".into(), "rel".into(), chart.into()].into();
    line.extend(arguments.iter().cloned());
    run_line(home, &line, &[])
}

/// Runs a command line within bounds of time and memory. Never a signal, never a panic.
fn run_line(home: &Path, line: &[std::ffi::OsString], variables: &[(&str, &str)]) -> Ended {
    let binary = rutter(home);
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -v {MEMORY}; exec \"$0\" \"$@\"")]).arg(binary.get_program());
    command.args(line).args(["--error-format", "helm"]);
    command.env_clear().envs(variables.iter().copied()).env("HOME", home).env("PATH", std::env::var_os("PATH").unwrap_or_default());
    let (out, error) = (home.join("out.txt"), home.join("error.txt"));
    let create = |path: &Path| Stdio::from(std::fs::File::create(path).expect("a file"));
    let mut child = command.stdin(Stdio::null()).stdout(create(&out)).stderr(create(&error)).spawn().expect("the binary runs");
    let start = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().expect("a status") {
            break status;
        }
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            panic!("still running after {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(5));
    };
    let text = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).expect("a file")).into_owned();
    let ended = Ended { code: status.code().unwrap_or(-1), out: text(&out), error: text(&error) };
    assert!(status.code().is_some(), "ended by a signal, {status}: {}", cut(&ended.error));
    assert!(!ended.error.contains("panicked") && !ended.error.contains("RUST_BACKTRACE"), "{}", cut(&ended.error));
    ended
}

fn nested(open: &str, inner: &str, close: &str, levels: usize) -> String {
    format!("{}{inner}{}", open.repeat(levels), close.repeat(levels))
}

/// Ten times ten times ten …
fn alias_bomb() -> String {
    let mut text = "a: &a [x,x,x,x,x,x,x,x,x,x]\n".to_string();
    for (name, last) in ('b'..='l').zip('a'..) {
        text += &format!("{name}: &{name} [{}]\n", vec![format!("*{last}"); 10].join(","));
    }
    text
}

/// A long text that is meant ten thousand times.
fn long_alias_bomb(first: &str, list: &str) -> String {
    format!("{first}: &a {}\n{list}: [{}]\n", "x".repeat(1 << 20), vec!["*a"; 10_000].join(","))
}

/// `$s` holds the value before it twice, 60 times over: 2⁶⁰ nodes in 60.
fn shared_bomb(start: &str, step: &str, then: &str) -> Hostile {
    Hostile::template(format!("{{{{ $s := {start} }}}}{{{{ range until 60 }}}}{{{{ $s = {step} }}}}{{{{ end }}}}{{{{ {then} }}}}"))
}

#[test]
fn alias_bombs_are_refused() {
    Hostile::values(alias_bomb()).fails("document contains excessive aliasing");
    let bomb = Hostile::template("").file("bomb.yaml", alias_bomb());
    let path = bomb.chart().join("bomb.yaml");
    bomb.with(&[Path::new("-f"), &path]).fails("document contains excessive aliasing");
    let read = Hostile::template("{{ .Files.Get \"bomb.yaml\" | fromYaml | toYaml }}").file("bomb.yaml", alias_bomb());
    assert!(read.succeeds().contains("Error: "));
    Hostile::template(alias_bomb()).fails("YAML parse error on app/templates/t.yaml");
    Hostile::values(long_alias_bomb("a", "b")).fails("document contains excessive aliasing");
    let metadata = "apiVersion: v2\nname: app\nversion: 1.0.0\n".to_string() + &long_alias_bomb("description", "keywords");
    Hostile::values("").file("Chart.yaml", metadata).fails("document contains excessive aliasing");
}

#[test]
fn values_of_100000_levels_are_refused() {
    Hostile::values(format!("a: {}", nested("[", "", "]", DEEP))).fails("exceeded max depth of 10000");
    Hostile::values(format!("a: {}", nested("{a: ", "1", "}", DEEP))).fails("exceeded max depth of 10000");
    Hostile::values(format!("a:\n{}x\n", "- ".repeat(DEEP))).fails("exceeded max depth of 10000");
    Hostile::values("").file("Chart.yaml", format!("name: {}", "[".repeat(DEEP))).fails("exceeded max depth of 10000");
}

#[test]
fn values_of_9000_levels_go_through_every_encoder() {
    let deep = |template: &str| Hostile::template(template).file("values.yaml", format!("a: {}", nested("{a: ", "1", "}", 9000)));
    for function in ["toYaml", "toJson", "toYamlPretty", "toToml", "toString"] {
        deep(&format!("{{{{ {function} .Values | len }}}}")).run();
    }
    deep("{{ $x := deepCopy .Values }}{{ deepEqual $x .Values }}{{ merge $x .Values | len }}").run();
}

#[test]
fn endless_includes_end() {
    let nested = "rendering template has a nested reference name: ";
    Hostile::template("{{ define \"a\" }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}").fails(nested);
    Hostile::template(
        "{{ define \"a\" }}{{ include \"b\" . }}{{ end }}{{ define \"b\" }}{{ template \"a\" . }}{{ end }}{{ include \"a\" . }}",
    )
    .fails(nested);
    Hostile::template("{{ define \"a\" }}x{{ include \"a\" . }}{{ include \"a\" . }}{{ end }}{{ include \"a\" . }}").fails(nested);
    Hostile::template("{{ define \"a\" }}{{ template \"a\" . }}{{ end }}{{ template \"a\" . }}")
        .fails("exceeded maximum template depth (100000)");
}

#[test]
fn endless_tpl_ends() {
    let nested = "rendering template has a nested reference name: ";
    let tpl = |template: &str, text: &str| Hostile::template(template).file("values.yaml", format!("t: '{text}'\n"));
    tpl("{{ tpl .Values.t . }}", "{{ tpl .Values.t . }}").fails(nested);
    tpl("{{ define \"a\" }}{{ tpl .Values.t . }}{{ end }}{{ tpl .Values.t . }}", "{{ include \"a\" . }}").fails(nested);
    tpl("{{ tpl .Values.t . }}", "{{ $_ := set .Values \"t\" (print .Values.t .Values.t) }}{{ tpl .Values.t . }}").fails("Error: ");
}

#[test]
fn a_long_text_that_gives_itself_to_tpl_ends() {
    let text = format!("x: \"{{{{ tpl .Values.x . }}}}{}\"\n", "-".repeat(1 << 20));
    let endless = Hostile::template("{{ tpl .Values.x . }}").file("values.yaml", text);
    let ended = endless.run();
    assert_eq!(ended.code, 1, "{}", cut(&ended.error));
    assert!(ended.error.len() < 10 << 20, "{} bytes of error", ended.error.len());
    assert!(ended.error.contains("rendering template has a nested reference name: "), "{}", cut(&ended.error));
}

#[test]
fn lists_are_compared_within_limits() {
    Hostile::template("a: {{ until 1000000 | uniq | len }}").succeeds();
    let texts = "{{ $l := splitList \",\" (repeat 300000 \"a,b,c,\") }}";
    Hostile::template(format!("{texts}a: {{{{ without $l \"a\" | uniq | len }}}}")).succeeds();
    Hostile::template("{{ $l := list }}{{ range chunk 2 (until 20000) }}{{ $l = append $l . }}{{ end }}{{ uniq $l | len }}")
        .fails("more than 20000000 pairs of values to compare");
}

#[test]
fn maps_that_merge_themselves_end() {
    let merged = "apiVersion: v2\nname: app\n---\n<<: &a\n  <<: [*a, *a, *a, *a]\n";
    Hostile::values("").file("Chart.yaml", merged).fails("chart.metadata.version is required");
    let same = "apiVersion: v2\nname: app\nmaintainers: 1\nx: &a\n  <<: &b {<<: [*b, *b]}\n";
    Hostile::values("").file("Chart.yaml", same).fails("Error: ");
}

/// Each key holds the one before it twice; so deep that none of them is decoded before it is printed.
#[test]
fn keys_that_hold_keys_twice_are_printed_within_limits() {
    let mut key = "a".to_string();
    for level in 0..30 {
        key = format!("{{? &a{level} {key} : x, ? *a{level} : y}}");
    }
    let bomb = format!("{}{key}\n", "? ".repeat(52));
    Hostile::values(&bomb).fails("invalid map key");
    Hostile::template("a: {{ .Files.Get \"bomb.yaml\" | fromYaml | toYaml | len }}").file("bomb.yaml", &bomb).succeeds();
}

#[test]
fn a_tree_of_includes_ends() {
    let template = "{{ define \"a\" }}{{ if gt . 0 }}{{ include \"a\" (sub . 1) }}{{ include \"a\" (sub . 1) }}{{ end }}{{ end }}\
        {{ range 1000000000 }}{{ end }}";
    Hostile::template(template).fails("range over 1000000000 is longer than 100000000 rounds");
}

#[test]
fn long_lists_are_refused() {
    for list in ["until 1000000000", "until -1000000000", "untilStep 0 1000000000 1"] {
        Hostile::template(format!("{{{{ {list} | len }}}}")).fails("exceeds the limit of 5000000 items");
    }
    shared_bomb("list 1", "concat $s $s", "len $s").fails("exceeds the limit of 5000000 items");
}

#[test]
fn long_texts_are_refused() {
    let limit = "exceeds the limit of 67108864 bytes";
    for call in [
        "repeat 5000000000 \"x\"",
        "nindent 2000000000 \"x\"",
        "indent 1000000 (repeat 100000 \"\\n\")",
        "repeat 500000000 \"xxxxxxxxxx\" | len",
    ] {
        Hostile::template(format!("{{{{ {call} }}}}")).fails(limit);
    }
    for step in ["print $s $s", "cat $s $s", "squote $s $s", "join \"\" (list $s $s)"] {
        shared_bomb("\"x\"", step, "len $s").fails("67108864 bytes");
    }
    Hostile::template("{{ define \"a\" }}{{ . }}{{ . }}{{ end }}{{ $s := \"x\" }}{{ range until 60 }}{{ $s = include \"a\" $s }}{{ end }}")
        .fails("67108864 bytes");
    Hostile::template("{{ range until 100000 }}{{ repeat 100000 \"x\" }}{{ end }}").fails("67108864 bytes");
}

#[test]
fn wide_numbers_print_as_go_prints_them() {
    assert!(Hostile::template("a: '{{ printf \"%1000000000d\" 1 }}'").succeeds().contains("%!(NOVERB)%!(EXTRA int=1)"));
    assert!(Hostile::template("a: '{{ printf \"%*d\" 1000000000 1 }}'").succeeds().contains("BADWIDTH"));
}

#[test]
fn values_that_hold_themselves_twice_are_not_unfolded() {
    let limit = "value unfolds to more than 5000000 nodes";
    for then in [
        "mustToJson $s",
        "mustToToml (dict \"a\" $s)",
        "deepCopy $s | len",
        // These pass over the faults that Helm knows, but not over this one.
        "toJson $s",
        "toRawJson $s",
        "toPrettyJson $s",
        "toToml (dict \"a\" $s)",
    ] {
        shared_bomb("list 1", "list $s $s", then).fails(limit);
    }
    // Indented so deep, these are too long before.
    for then in ["mustToYaml $s", "toYaml $s", "toYamlPretty $s"] {
        shared_bomb("list 1", "list $s $s", then).fails("result exceeds the limit of 67108864 bytes");
    }
    shared_bomb("dict \"x\" 1", "dict \"a\" $s \"b\" $s", "deepCopy $s | len").fails(limit);
    shared_bomb("list 1", "list $s $s", "print $s | len").fails(limit);
    let pair = |step: &str, then: &str| {
        let start = "{{ $s := dict \"x\" 1 }}{{ $t := dict \"x\" 1 }}{{ range until 60 }}";
        Hostile::template(format!("{start}{{{{ $s = {step} }}}}{{{{ $t = {} }}}}{{{{ end }}}}{{{{ {then} }}}}", step.replace("$s", "$t")))
    };
    pair("list $s $s", "deepEqual $s $t").fails(limit);
    pair("dict \"a\" $s \"b\" $s", "merge $s $t | len").fails(limit);
}

#[test]
fn a_dict_in_itself_ends() {
    let myself = |then: &str| Hostile::template(format!("{{{{ $d := dict }}}}{{{{ $_ := set $d \"a\" $d }}}}{{{{ {then} }}}}"));
    for then in ["$d", "deepCopy $d", "quote $d"] {
        myself(then).fails("Error: ");
    }
    for then in ["toYaml $d", "toJson $d", "toToml $d", "merge $d $d | len", "toYamlPretty $d"] {
        myself(then).run();
    }
}

#[test]
fn regular_expressions_do_not_explode() {
    let found = |call: &str| Hostile::template(format!("a: {{{{ {call} }}}}\n")).succeeds();
    assert!(found("regexMatch \"(a*)*b\" (repeat 1000000 \"a\")").contains("a: false"));
    assert!(found("regexMatch \"^(a+)+$\" (print (repeat 100000 \"a\") \"b\")").contains("a: false"));
    let refused = |call: &str, wanted: &str| Hostile::template(format!("{{{{ {call} }}}}")).fails(wanted);
    refused("mustRegexMatch \"(x{1000}){1000}\" \"x\"", "error parsing regexp: ");
    refused("mustRegexMatch (repeat 1000000 \"a?\") \"x\"", "is too large");
    refused("mustRegexMatch (print (repeat 100000 \"(\") (repeat 100000 \")\")) \"x\"", "error parsing regexp: ");
}

#[test]
fn bytes_that_are_not_utf8_do_no_harm() {
    Hostile::template(b"a: \xff\xfe\n").fails("YAML parse error on app/templates/t.yaml");
    Hostile::template(b"a: {{ \xff\xfe }}\n").fails("parse error at (app/templates/t.yaml:1)");
    Hostile::values(b"a: \xff\xfe\n").fails("cannot load values.yaml");
    Hostile::values("").file("Chart.yaml", b"apiVersion: v2\nname: \xff\nversion: 1.0.0\n").fails("cannot load Chart.yaml");
    Hostile::values("").file(std::ffi::OsStr::from_bytes(b"\xff.txt"), "x").run();
    Hostile::values("").file(std::ffi::OsStr::from_bytes(b"templates/\xff.yaml"), "a: 1\n").run();
    Hostile::values("").with(&[std::ffi::OsStr::new("--set"), std::ffi::OsStr::from_bytes(b"a=\xff")]).run();
}

#[test]
fn schemas_that_refer_to_themselves_end() {
    let schema = |text: &str| Hostile::values("a: 1\n").file("values.schema.json", text);
    schema(r##"{"$ref":"#"}"##).fails("values don't meet the specifications of the schema(s)");
    schema(r##"{"allOf":[{"$ref":"#"}]}"##).fails("values don't meet the specifications of the schema(s)");
    schema(r##"{"$defs":{"a":{"$ref":"#/$defs/b"},"b":{"$ref":"#/$defs/a"}},"$ref":"#/$defs/a"}"##).fails("values don't meet");
    schema(r##"{"properties":{"a":{"type":"number"}},"additionalProperties":{"$ref":"#"}}"##).succeeds();
    let doubled: Vec<_> = (0..40)
        .map(|at| format!(r##""d{at}":{{"allOf":[{{"$ref":"#/$defs/d{next}"}},{{"$ref":"#/$defs/d{next}"}}]}}"##, next = at + 1))
        .collect();
    schema(&format!(r##"{{"$defs":{{{},"d40":{{"type":"string"}}}},"$ref":"#/$defs/d0"}}"##, doubled.join(",")))
        .fails("applies its parts too often");
    schema(&nested("{\"not\":", "{}", "}", DEEP)).fails("exceeded max depth");
    schema(&nested("{\"not\":", "{}", "}", 9000)).fails("schema is nested deeper than 1000 levels");
    schema(r#"{"properties":{"a":{"pattern":"((x{1000}){1000}){1000}"}}}"#).fails("expression is too large");
    // A thousand references for each of a thousand levels, which no stack holds.
    let chain: String = (0..1000).map(|at| format!(r##""d{at}":{{"$ref":"#/$defs/d{}"}},"##, at + 1)).collect();
    Hostile::values(nested("{a: ", "1", "}", 1000) + "\n")
        .file(
            "values.schema.json",
            format!(r##"{{"$defs":{{{chain}"d1000":{{"additionalProperties":{{"$ref":"#/$defs/d0"}}}}}},"$ref":"#/$defs/d0"}}"##),
        )
        .fails("schema applies its parts too deep within each other");
}

#[test]
fn texts_of_100000_levels_are_refused_by_every_parser() {
    for (function, open, inner, close) in [
        ("fromJson", "{\\\"a\\\":", "1", "}"),
        ("fromJsonArray", "[", "", "]"),
        ("fromYaml", "{a: ", "1", "}"),
        ("fromYamlArray", "[", "", "]"),
        ("fromToml", "a.", "a=1", ""),
        ("fromYaml", "- ", "1", ""),
        ("fromYaml", "? ", "1", ""),
    ] {
        let text = format!("(print (repeat {DEEP} \"{open}\") \"{inner}\" (repeat {DEEP} \"{close}\"))");
        Hostile::template(format!("a: {{{{ {function} {text} | toString | len }}}}\n")).succeeds();
    }
    Hostile::template(format!("a: {{{{ fromToml (print \"a=\" (repeat {DEEP} \"[\") (repeat {DEEP} \"]\")) | toString | len }}}}"))
        .succeeds();
}

#[test]
fn deep_and_wide_set_texts_are_refused() {
    let set = |text: String| Hostile::values("").with(&["--set".to_string(), text]);
    set(format!("{}=1", vec!["a"; 50_000].join("."))).fails("nested level is greater than maximum supported nested level of 30");
    set(format!("a{}=1", "[0]".repeat(30_000))).fails("value name has more than");
    set("a[1000000000]=1".into()).fails("index of 1000000000 is greater than maximum supported index of 65536");
    set("a[99999999999999999999]=1".into()).fails("error parsing index");
    let many: Vec<_> = (0..2000).map(|at| format!("a[{at}][65536]=1")).collect();
    set(many.join(",")).fails("lists grow to more than 4000000 items");
    Hostile::values("")
        .with(&["--set-json".to_string(), format!("a={}", nested("[", "", "]", 60_000))])
        .fails("failed parsing --set-json data");
}

#[test]
fn templates_of_100000_levels_end() {
    Hostile::template(format!("{{{{ {} }}}}", nested("(", "1", ")", DEEP))).fails("Error: ");
    Hostile::template(format!("a: {{{{ 1{} }}}}\n", " | print".repeat(DEEP))).succeeds();
    Hostile::template(nested("{{ if 1 }}", "", "{{ end }}", DEEP)).run();
    Hostile::template(nested("{{ with . }}", "", "{{ end }}", DEEP)).run();
    Hostile::template(format!("{{{{ if 0 }}}}{}{{{{ end }}}}", "{{ else if 0 }}".repeat(DEEP))).run();
    Hostile::template("{{ if 1 }}".repeat(DEEP)).fails("unexpected EOF");
    Hostile::template("{{ define \"a\" }}".repeat(DEEP)).fails("Error: ");
    Hostile::template(format!("{{{{ {}", "a ".repeat(1_000_000))).fails("function \"a\" not defined");
    assert!(Hostile::template(format!("a: {{{{ len \"{}\" }}}}\n", "a".repeat(3_000_000))).succeeds().contains("a: 3000000"));
}

#[test]
fn deep_output_is_refused() {
    let deep = format!("a: {{{{ repeat {DEEP} \"[\" }}}}{{{{ repeat {DEEP} \"]\" }}}}");
    Hostile::template(deep).fails("exceeded max depth of 10000");
}

#[test]
fn archives_cut_short_or_full_of_zeros_are_refused() {
    let (_guard, home) = folder();
    let pack = |name: &str, zeros: usize, keep: usize| {
        use std::io::Write as _;
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        let block = vec![0; 1 << 20];
        encoder.write_all(b"app/Chart.yaml").expect("bytes");
        for _ in 0..zeros {
            encoder.write_all(&block).expect("bytes");
        }
        let bytes = encoder.finish().expect("an archive");
        let path = home.join(name);
        std::fs::write(&path, &bytes[..bytes.len().min(keep)]).expect("a file");
        path
    };
    for archive in [pack("zeros.tgz", 300, usize::MAX), pack("short.tgz", 1, 600), pack("empty.tgz", 0, 0)] {
        let ended = run(&home, &archive, &[]);
        assert_eq!((ended.code, ended.out.as_str()), (1, ""), "{}", cut(&ended.error));
        assert!(ended.error.starts_with("Error: "), "{}", cut(&ended.error));
    }
}

#[test]
fn no_file_is_left_half_written() {
    let hostile = Hostile::template("a: 1\n").file("templates/z.yaml", "b: {{ fail \"no\" }}\n");
    let out = hostile.home.join("out");
    let hostile = hostile.with(&[std::ffi::OsStr::new("--output-dir"), out.as_os_str()]);
    hostile.fails("no");
    assert!(!out.exists(), "a failed render writes nothing");

    let blocked = Hostile::template("a: 1\n");
    let out = blocked.home.join("out");
    std::fs::create_dir_all(out.join("app/templates/t.yaml/inner")).expect("a folder where the file should be");
    let blocked = blocked.with(&[std::ffi::OsStr::new("--output-dir"), out.as_os_str()]);
    let ended = blocked.run();
    assert_eq!(ended.code, 1, "{}", cut(&ended.error));
    let left: Vec<_> =
        std::fs::read_dir(out.join("app/templates")).expect("the folder").map(|entry| entry.expect("an entry").file_name()).collect();
    assert_eq!(left, ["t.yaml"], "nothing beside the folder");
}

#[test]
fn values_without_an_end_are_refused() {
    let limit = "/dev/zero is larger than 104857600 bytes";
    Hostile::values("").with(&["-f", "/dev/zero"]).fails(limit);
    Hostile::values("").with(&["--set-file", "a=/dev/zero"]).fails(limit);

    let hostile = Hostile::values("");
    let mut command = rutter(&hostile.home);
    command.arg("template").arg(hostile.chart()).args(["-f", "-"]);
    let zeros = std::fs::File::open("/dev/zero").expect("the device");
    let output = command.stdin(zeros).output().expect("the binary runs");
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("file /dev/stdin is larger than 104857600 bytes"));
}

/// Values as deep as YAML allows, in a chart and in its subchart: on any thread.
#[test]
fn deep_values_do_not_end_lint() {
    let deep = |leaf: &str| nested("{a: ", leaf, "}", 9_000);
    let hostile = Hostile::values(format!("sub: {}\n", deep("{b: 1}")))
        .file("Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: sub, version: 1.0.0}]\n")
        .file("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n")
        .file("charts/sub/values.yaml", deep("{c: 1}"));
    let chart = hostile.chart();
    let lines: [&[&Path]; 2] = [&[Path::new("--with-subcharts"), &chart], &[&chart, &chart, &chart, &chart]];
    for line in lines {
        let line: Vec<_> = [Path::new("lint")].iter().chain(line).map(|argument| argument.as_os_str().to_owned()).collect();
        let ended = run_line(&hostile.home, &line, &[]);
        assert_eq!(ended.code, 0, "{}", cut(&ended.error));
        assert!(ended.error.is_empty() && ended.out.contains("0 chart(s) failed"), "{} {}", cut(&ended.out), cut(&ended.error));
    }
    hostile.succeeds();
}

/// Each of a hundred thousand values that meet a table is told of with its path.
#[test]
fn messages_with_long_paths_end() {
    let keys = |value: &str| (0..20_000).map(|at| format!("k{at}: {value},")).collect::<String>();
    let key = "x".repeat(100_000);
    let hostile = Hostile::values(format!("sub: {{? {key} : {{{}}}}}\n", keys("1")))
        .file("Chart.yaml", "apiVersion: v2\nname: app\nversion: 1.0.0\ndependencies: [{name: sub, version: 1.0.0}]\n")
        .file("charts/sub/Chart.yaml", "apiVersion: v2\nname: sub\nversion: 1.0.0\n")
        .file("charts/sub/values.yaml", format!("? {key}\n: {{{}}}\n", keys("{}")));
    let ended = hostile.run();
    assert_eq!(ended.code, 0, "{}", cut(&ended.error));
    assert!(ended.error.len() < 40 << 20 && ended.error.contains("further messages are left out"), "{}", ended.error.len());
    let line: Vec<_> = ["values".into(), hostile.chart().into(), "--origin".into()].into();
    let ended = run_line(&hostile.home, &line, &[]);
    assert_eq!(ended.code, 1, "{}", cut(&ended.error));
    assert!(ended.error.contains("values and their origins take more than 268435456 bytes"), "{}", cut(&ended.error));
}

#[test]
fn texts_that_repeat_long_paths_are_refused() {
    let many = "{{ $in := dict }}{{ range $i := until 10000 }}{{ $_ := set $in (print $i) (dict \"x\" 1) }}{{ end }}";
    let toml = format!("{many}{{{{ toToml (dict (repeat 1000000 \"a\") $in) }}}}");
    Hostile::template(toml).fails("result exceeds the limit of 67108864 bytes");
    let table = "(repeat 200 (print (repeat 4000 \"a\") \".\") | trimSuffix \".\")";
    let names = format!("a: {{{{ printf \"[%s]\\n%s\" {table} (repeat 100000 \"k = 1\\n\") | fromToml | toJson | trunc -60 | quote }}}}");
    Hostile::template(names).fails("error calling fromToml: toml: line 1: names of tables take more than ");
    let print = format!("{{{{ $s := repeat 60000000 \"a\" }}}}{{{{ $_ := print {} }}}}", "$s ".repeat(200));
    Hostile::template(print).fails("printed text is longer than 67108864 bytes");
}

/// Small values that are all kept.
#[test]
fn memory_is_limited() {
    if !cfg!(target_os = "linux") {
        return;
    }
    let template = "{{ $d := dict }}{{ range $i := until 4000 }}{{ range $j := until 4000 }}        {{ $_ := set $d (printf \"%d-%d\" $i $j) (dict \"a\" 1 \"b\" (list 1 2 3)) }}{{ end }}{{ end }}";
    let hostile = Hostile::template(template);
    for command in ["template", "lint"] {
        let line = [command.into(), hostile.chart().into()];
        let ended = run_line(&hostile.home, &line, &[("RUTTER_MEMORY_LIMIT", "300000000")]);
        assert_eq!(ended.code, 1, "{}", cut(&ended.error));
        let text = ended.out + &ended.error;
        assert!(text.contains("templates take more than 300000000 bytes of memory"), "{}", cut(&text));
        let ended = run_line(&hostile.home, &line, &[("RUTTER_MEMORY_LIMIT", "much")]);
        assert!(ended.error.contains("RUTTER_MEMORY_LIMIT must be a number of bytes, not \"much\""), "{}", cut(&ended.error));
    }
    // A text that is joined to itself, in a values file that is a Jinja template.
    let hostile =
        hostile.file("v.yaml.j2", "{% set s = namespace(a='xxxx') %}{% for i in range(60) %}{% set s.a = s.a ~ s.a %}{% endfor %}");
    let line = ["template".into(), hostile.chart().into(), "-f".into(), hostile.chart().join("v.yaml.j2").into()];
    let ended = run_line(&hostile.home, &line, &[("RUTTER_MEMORY_LIMIT", "300000000")]);
    assert_eq!((ended.code, ended.out.as_str()), (1, ""), "{}", cut(&ended.error));
    assert!(ended.error.ends_with("v.yaml.j2: the process takes more than 300000000 bytes of memory\n"), "{}", cut(&ended.error));
    // Files that print what they have and call nothing.
    let mut hostile = Hostile::values(format!("big: {}\nlist: [{}]\n", "x".repeat(1 << 20), "1,".repeat(60)));
    for at in 0..40 {
        hostile = hostile.file(format!("templates/{at}.yaml"), "a: {{ range .Values.list }}{{ $.Values.big }}{{ end }}");
    }
    let line = ["template".into(), hostile.chart().into()];
    let ended = run_line(&hostile.home, &line, &[("RUTTER_MEMORY_LIMIT", "300000000")]);
    assert!(ended.code == 1 && ended.error.contains("templates take more than 300000000 bytes of memory"), "{}", cut(&ended.error));
}

#[test]
fn long_work_within_functions_ends() {
    let template = "{{ $s := repeat 60000000 \"a\" }}{{ range until 100000 }}{{ $_ := contains \"b\" $s }}{{ end }}";
    Hostile::template(template).fails("templates do more than 100000000 steps");
}
