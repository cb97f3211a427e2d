//! Runs the command as people do, on the cases below `testdata/commands`: flags, streams, exit codes, files.
//!
//! A case is a file: a line that says what it shows, then sections that begin with `=== `:
//! `file PATH`, `bytes PATH` (a file in hexadecimal digits), `program PATH` (an executable file), `env NAME=VALUE`, `called NAME` (the name the program is called by from here on), `input` (standard input of the next run), `run WORDS`,
//! and after a run `exit CODE` (0 unless given), `output` (all of standard output), `output has`, `output lacks`, `error has`,
//! `error lacks` (each line by itself; who lacks a line must have or be something too), `written PATH` (a file and all of its
//! content), `absent PATH`. `{dir}` stands for the case's own folder.
//! `output` and `written` were recorded from Helm 4.2.4: `RECORD=path/to/helm cargo test --test commands cases` records them anew.
//! Cases under `own/` are rutter's and were never Helm's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// One section: its heading split at the first blank, and its lines.
struct Section {
    heading: String,
    subject: String,
    body: String,
}

fn sections(text: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    for line in text.split_inclusive('\n') {
        match line.strip_prefix("=== ") {
            Some(heading) => {
                let (heading, subject) = heading.trim_end().split_once(' ').unwrap_or((heading.trim_end(), ""));
                sections.push(Section { heading: heading.to_string(), subject: subject.to_string(), body: String::new() });
            }
            None => {
                if let Some(section) = sections.last_mut() {
                    section.body.push_str(line);
                }
            }
        }
    }
    sections
}

fn from_hex(digits: &str) -> Vec<u8> {
    digits.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).expect("two digits")).collect()
}

/// Words as a shell reads them: blanks part them, single and double quotes keep them together.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut open, mut begun) = (String::new(), None, false);
    for c in line.chars() {
        match (open, c) {
            (Some(quote), c) if c == quote => open = None,
            (None, '\'' | '"') => (open, begun) = (Some(c), true),
            (None, ' ') if begun => {
                words.push(std::mem::take(&mut word));
                begun = false;
            }
            (None, ' ') => {}
            (_, c) => {
                word.push(c);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

struct Case<'a> {
    folder: &'a Path,
    program: PathBuf,
    /// What the program is told that it is called, unless by its path.
    name: Option<String>,
    variables: BTreeMap<String, String>,
    input: String,
    last: Option<(String, Output)>,
    expected_exit: i32,
    /// Whether something is demanded of what the last run said, and whether something is forbidden.
    demands: bool,
    forbids: bool,
    faults: Vec<String>,
}

impl Case<'_> {
    fn run(&mut self, line: &str) {
        let line = line.replace("{dir}", &self.folder.to_string_lossy());
        let mut command = Command::new(&self.program);
        #[cfg(unix)]
        if let Some(name) = &self.name {
            std::os::unix::process::CommandExt::arg0(&mut command, name);
        }
        command.args(words(&line)).current_dir(self.folder).env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        for (variable, folder) in
            [("HOME", "home"), ("HELM_CACHE_HOME", "home/cache"), ("HELM_CONFIG_HOME", "home/config"), ("HELM_DATA_HOME", "home/data")]
        {
            command.env(variable, self.folder.join(folder));
        }
        command.envs(&self.variables).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let input = std::mem::take(&mut self.input);
        // The command may end before it has read all.
        let _ = std::io::Write::write_all(&mut child.stdin.take().expect("there is a pipe"), input.as_bytes());
        let output = child.wait_with_output().expect("the program ends");
        self.last = Some((line, output));
        (self.expected_exit, self.demands, self.forbids) = (0, false, false);
    }

    /// Whether the last run left with the code that was expected; asked when the next one begins. What forbids lines and demands none
    /// would pass whatever the run is.
    fn check_exit(&mut self) {
        if let Some((line, _)) = self.last.as_ref().filter(|_| self.forbids && !self.demands) {
            self.faults.push(format!("`{line}` must lack something, but need not say anything"));
        }
        if let Some((line, output)) = &self.last
            && output.status.code() != Some(self.expected_exit)
        {
            let error = String::from_utf8_lossy(&output.stderr);
            self.faults.push(format!("`{line}` left with {}, not {}: {error}", output.status, self.expected_exit));
        }
    }

    fn output(&self) -> String {
        let bytes = self.last.as_ref().map_or(&[][..], |(_, output)| &output.stdout);
        String::from_utf8_lossy(bytes).replace(&*self.folder.to_string_lossy(), "{dir}")
    }

    fn error(&self) -> String {
        let bytes = self.last.as_ref().map_or(&[][..], |(_, output)| &output.stderr);
        String::from_utf8_lossy(bytes).replace(&*self.folder.to_string_lossy(), "{dir}")
    }

    fn same(&mut self, what: &str, found: &str, wanted: &str) {
        if found != wanted {
            let line = self.last.as_ref().map_or("", |(line, _)| line);
            self.faults.push(format!("after `{line}` {what} is\n{found}\nand not\n{wanted}"));
        }
    }

    fn holds(&mut self, what: &str, found: &str, lines: &str, wanted: bool) {
        (self.demands, self.forbids) = (self.demands || wanted, self.forbids || !wanted);
        if lines.trim().is_empty() {
            self.faults.push(format!("nothing is said of what {what} has or lacks"));
        }
        for line in lines.lines().filter(|line| found.contains(line) != wanted) {
            let has = if wanted { "lacks" } else { "has" };
            self.faults.push(format!("{what} {has} `{line}`:\n{found}"));
        }
    }

    /// Does what a section says; with `record`, gives the body that it should have.
    fn section(&mut self, section: &Section, record: bool) -> Option<String> {
        let path = self.folder.join(&section.subject);
        match (section.heading.as_str(), section.subject.as_str()) {
            ("file" | "program" | "bytes", _) => {
                std::fs::create_dir_all(path.parent().expect("files lie in folders")).expect("folders can be made");
                let body = if section.heading == "bytes" { from_hex(&section.body) } else { section.body.clone().into_bytes() };
                std::fs::write(&path, body).expect("files can be written");
                #[cfg(unix)]
                if section.heading == "program" {
                    use std::os::unix::fs::PermissionsExt;
                    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("modes can be set");
                }
            }
            ("env", pair) => {
                let (name, value) = pair.split_once('=').expect("a variable has a value");
                self.variables.insert(name.to_string(), value.replace("{dir}", &self.folder.to_string_lossy()));
            }
            ("called", name) => self.name = Some(name.to_string()),
            ("input", _) => self.input = section.body.clone(),
            ("run", line) => {
                self.check_exit();
                self.run(line);
            }
            ("exit", code) => self.expected_exit = code.parse().expect("codes are numbers"),
            ("output", "") if record => {
                self.demands = true;
                return Some(self.output());
            }
            ("output", "") => {
                self.demands = true;
                self.same("the output", &self.output(), &section.body);
            }
            ("output", "has") => self.holds("the output", &self.output(), &section.body, true),
            ("output", "lacks") => self.holds("the output", &self.output(), &section.body, false),
            ("error", "has") => self.holds("the error", &self.error(), &section.body, true),
            ("error", "lacks") => self.holds("the error", &self.error(), &section.body, false),
            ("written", _) => {
                let found = std::fs::read_to_string(&path).unwrap_or_else(|error| error.to_string());
                if record {
                    return Some(found);
                }
                self.same(&section.subject, &found, &section.body);
            }
            ("absent", _) if path.exists() => self.faults.push(format!("{} is there", section.subject)),
            ("absent", _) => {}
            (heading, subject) => panic!("no such section: {heading} {subject}"),
        }
        None
    }
}

/// Runs one file, or records its outputs; gives what is wrong.
fn check(file: &Path, program: &Path, record: bool) -> Vec<String> {
    let text = std::fs::read_to_string(file).expect("cases can be read");
    let folder = tempfile::tempdir().expect("a folder can be made");
    let folder = folder.path().canonicalize().expect("the folder is there");
    let (variables, input) = (BTreeMap::new(), String::new());
    let mut case = Case {
        folder: &folder,
        program: program.to_path_buf(),
        name: None,
        variables,
        input,
        last: None,
        expected_exit: 0,
        demands: false,
        forbids: false,
        faults: Vec::new(),
    };
    let head: String = text.split_inclusive('\n').take_while(|line| !line.starts_with("=== ")).collect();
    let mut recorded = head;
    for section in sections(&text) {
        let space = if section.subject.is_empty() { "" } else { " " };
        recorded.push_str(&format!("=== {}{space}{}\n", section.heading, section.subject));
        recorded.push_str(&case.section(&section, record).unwrap_or(section.body));
    }
    case.check_exit();
    if record {
        std::fs::write(file, recorded).expect("cases can be written");
    }
    case.faults
}

fn cases(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the folder is there") {
        let path = entry.expect("entries can be read").path();
        if path.is_dir() {
            cases(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "case") {
            found.push(path);
        }
    }
    found.sort();
}

#[test]
fn commands_do_what_their_cases_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/commands");
    let mut files = Vec::new();
    cases(&folder, &mut files);
    assert!(files.len() > 10, "the cases are missing");
    let recorder = std::env::var_os("RECORD").map(PathBuf::from);
    let mut faults = Vec::new();
    for file in files {
        let own = file.parent().is_some_and(|parent| parent.ends_with("own"));
        let (program, record) = match &recorder {
            Some(_) if own => continue,
            Some(helm) => (helm.as_path(), true),
            None => (Path::new(env!("CARGO_BIN_EXE_rutter")), false),
        };
        faults.extend(check(&file, program, record).into_iter().map(|fault| format!("{}: {fault}", file.display())));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n\n"));
}
