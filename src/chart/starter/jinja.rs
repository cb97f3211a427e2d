//! The files of a new chart made from a Jinja starter.
//!
//! Goes in: the starter's folder, the chart's name, answers, and a callback for missing ones. Comes out: names and bytes of a
//! plain Helm chart that has been loaded once to prove it; nothing is written here. A file whose name ends in `.jinja` is a
//! template and loses the ending. Names may be templates too, in Jinja's own delimiters; an entry whose name renders to nothing is
//! left out. `<CHARTNAME>` is replaced as in plain starters. Helm has no such starters.

use super::questions::{CHART_NAME, Question, Questionnaire, enumerate};
use super::{NewFile, fill, metadata};
use crate::chart::File;
use crate::chart::loader::{self, ENTRIES_LIMIT, FILE_LIMIT};
use crate::data::{Data, Map};
use crate::diagnostic::{Diagnostic, Notices};
use crate::error::{Error, ErrorKind, Result};
use crate::fs::{self, Kind};
use crate::jinja::{Delimiters, Engine, Layout};
use std::collections::BTreeMap;
use std::path::Path;

/// The file that marks a folder as a Jinja starter.
pub const QUESTIONS_FILE: &str = "starter.yaml";
/// The ending that marks a file as a template.
const ENDING: &str = ".jinja";
/// Most bytes of all files together, as in Helm's limit for an unpacked chart.
const TOTAL_LIMIT: usize = 100 << 20;
/// How deep folders may nest.
const DEPTH_LIMIT: usize = 64;

/// Answers by the names of their questions, in the order in which they were given.
pub type Answers = Vec<(String, Data)>;

/// A callback for missing answers: it gets the question and its default and returns the answer, or `None` to take the default.
pub type Ask<'a> = &'a mut dyn FnMut(&Question, Option<&Data>) -> Result<Option<Data>>;

/// Whether the starter at `source` is a Jinja starter.
pub fn is_jinja(source: &Path) -> bool {
    fs::stat(&source.join(QUESTIONS_FILE)).is_ok_and(|entry| entry.kind == Kind::File)
}

/// The files of a new chart of this name made from the Jinja starter in `source`.
///
/// # Errors
/// An [`ErrorKind::Usage`] fault for answers that are unknown, wrong or missing; it names all missing ones at once.
pub fn from_jinja_starter(source: &Path, name: &str, given: Answers, ask: Ask<'_>) -> Result<Vec<NewFile>> {
    let questionnaire = Questionnaire::parse(&fs::read_limited(&source.join(QUESTIONS_FILE), FILE_LIMIT)?)?;
    let contents =
        Engine::new(&questionnaire.delimiters, Layout::Lines).map_err(|error| error.context(QUESTIONS_FILE).with_kind(ErrorKind::Chart))?;
    let context = answer(&questionnaire, &contents, name, given, ask)?;
    let mut making = Making {
        context,
        names: Engine::new(&Delimiters::jinja(), Layout::Plain)?,
        contents,
        files: BTreeMap::new(),
        bytes: 0,
        entries: 0,
    };
    making.folder(source, "", "", 0)?;
    finish(making.files, name)
}

/// Every answer in its type, and the chart's name.
fn answer(questionnaire: &Questionnaire, engine: &Engine, name: &str, given: Answers, ask: Ask<'_>) -> Result<Map> {
    let mut answers = BTreeMap::new();
    for (name, value) in given {
        answers.insert(questionnaire.find(&name)?.name.as_str(), value);
    }
    let mut context = Map::new();
    context.insert(CHART_NAME, Data::str(name));
    let mut missing: Vec<&Question> = Vec::new();
    for question in &questionnaire.questions {
        let answer = match answers.remove(question.name.as_str()) {
            Some(value) => question.answer(&value).map(Some),
            None => unanswered(question, engine, &context, ask),
        };
        match answer {
            Ok(Some(answer)) => {
                context.insert(question.name.as_str(), answer);
            }
            Ok(None) => missing.push(question),
            // Questions that depend on a missing answer cannot be evaluated; the fault below names the cause.
            Err(error) if error.kind() == ErrorKind::Values && !missing.is_empty() => {}
            Err(error) => return Err(error),
        }
    }
    if missing.is_empty() { Ok(context) } else { Err(unanswered_fault(&missing)) }
}

/// The answer to a question without one: from the callback, else the default; `None` when there is neither.
fn unanswered(question: &Question, engine: &Engine, context: &Map, ask: Ask<'_>) -> Result<Option<Data>> {
    let place = format!("{QUESTIONS_FILE}: {}", question.name);
    let default = match &question.default {
        Some(Data::Str(text)) => Some(question.answer(&Data::str(engine.render(&place, text.as_bytes(), context)?))?),
        other => other.clone(),
    };
    if !question.when.is_empty() && !engine.holds(&place, &question.when, context)? {
        // A question that does not apply still gets a value, so that templates can test it.
        return Ok(Some(default.unwrap_or(Data::Null)));
    }
    Ok(ask(question, default.as_ref())?.or(default))
}

/// The one fault for all answers that are missing.
fn unanswered_fault(missing: &[&Question]) -> Error {
    let noun = if missing.len() == 1 { "an answer" } else { "answers" };
    let headline = format!("the starter needs {noun} to {}", enumerate(missing.iter().map(|question| &question.name)));
    let examples: Vec<String> = missing.iter().map(|question| format!("--answer {}=…", question.name)).collect();
    let mut diagnostic = Diagnostic { headline: headline.clone(), ..Diagnostic::default() };
    let prompted = missing.iter().filter(|question| !question.prompt.is_empty());
    diagnostic.notes = prompted.map(|question| format!("`{}` ({}): {}", question.name, question.kind.name(), question.prompt)).collect();
    diagnostic.hints = vec![format!("give {}", examples.join(" "))];
    Error::new(ErrorKind::Usage, headline).with_diagnostic(diagnostic)
}

/// The files made so far.
struct Making {
    context: Map,
    names: Engine,
    contents: Engine,
    /// The made files, each with its source in the starter.
    files: BTreeMap<String, (Vec<u8>, String)>,
    bytes: usize,
    entries: usize,
}

impl Making {
    /// Adds the entries of a folder: `from` is its name in the starter, `to` in the chart, each with a final `/` or empty.
    fn folder(&mut self, path: &Path, from: &str, to: &str, depth: usize) -> Result<()> {
        if depth > DEPTH_LIMIT {
            return Err(Error::new(ErrorKind::Limit, format!("folders of the starter nest deeper than {DEPTH_LIMIT}")));
        }
        for entry in fs::names(path)? {
            let entry = entry.to_string_lossy();
            self.entries += 1;
            if self.entries > ENTRIES_LIMIT {
                return Err(Error::new(ErrorKind::Limit, format!("the starter has more than {ENTRIES_LIMIT} entries")));
            }
            if depth == 0 && matches!(&*entry, QUESTIONS_FILE | ".git") {
                continue;
            }
            let (path, from) = (path.join(&*entry), format!("{from}{entry}"));
            let kind = fs::lstat(&path)?.kind;
            if !matches!(kind, Kind::File | Kind::Folder) {
                return Err(Error::new(ErrorKind::Chart, format!("{from} of the starter is neither a file nor a folder")));
            }
            let template = entry.strip_suffix(ENDING).filter(|_| kind == Kind::File);
            let Some(name) = self.name(template.unwrap_or(&entry), &from)? else { continue };
            let to = format!("{to}{name}");
            if kind == Kind::Folder {
                self.folder(&path, &format!("{from}/"), &format!("{to}/"), depth + 1)?;
            } else {
                let data = fs::read_limited(&path, FILE_LIMIT)?;
                let data = if template.is_some() { self.contents.render(&from, &data, &self.context)?.into_bytes() } else { data };
                self.add(to, data, from)?;
            }
        }
        Ok(())
    }

    /// The rendered name of an entry; `None` when it is empty. It must stay in its folder.
    fn name(&self, name: &str, from: &str) -> Result<Option<String>> {
        if !name.contains('{') {
            return Ok(Some(name.to_string()));
        }
        let rendered = self.names.render(&format!("the name of {from}"), name.as_bytes(), &self.context)?;
        if rendered.is_empty() {
            return Ok(None);
        }
        if matches!(rendered.as_str(), "." | "..") || rendered.contains(['/', '\\', '\0']) || rendered.chars().any(char::is_control) {
            let message = format!("the name of {from} comes to {}, which is no file name", crate::quote::quote(rendered.as_bytes()));
            return Err(Error::new(ErrorKind::Usage, message));
        }
        Ok(Some(rendered))
    }

    fn add(&mut self, to: String, data: Vec<u8>, from: String) -> Result<()> {
        self.bytes = self.bytes.saturating_add(data.len());
        if self.bytes > TOTAL_LIMIT {
            return Err(Error::new(ErrorKind::Limit, format!("the chart would have more than {TOTAL_LIMIT} bytes")));
        }
        if let Some((_, other)) = self.files.get(&to) {
            return Err(Error::new(ErrorKind::Chart, format!("{other} and {from} of the starter both make {to}")));
        }
        self.files.insert(to, (data, from));
        Ok(())
    }
}

/// Fills placeholders, adds a Chart.yaml if there is none, and proves that Helm would load the chart.
fn finish(made: BTreeMap<String, (Vec<u8>, String)>, name: &str) -> Result<Vec<NewFile>> {
    let mut files: Vec<NewFile> = Vec::with_capacity(made.len() + 1);
    if !made.contains_key("Chart.yaml") {
        files.push(("Chart.yaml".to_string(), metadata(name).to_chart_yaml()?.into_bytes()));
    }
    for (file, (data, _)) in made {
        let filled = if file == "values.yaml" || file.starts_with("templates/") { fill(&data, name) } else { data };
        files.push((file, filled));
    }
    let refused = |error: Error| error.context("the starter does not make a chart that loads").with_kind(ErrorKind::Chart);
    let loaded = files.iter().map(|(file, data)| File { name: file.as_str().into(), data: data.as_slice().into(), modified: None });
    let chart = loader::from_files(loaded.collect(), &mut Notices::new()).map_err(refused)?;
    if chart.name() != name {
        let message = format!(
            "the starter's Chart.yaml names the chart `{}`, not `{name}`; it should take its name from `{CHART_NAME}`",
            chart.name()
        );
        return Err(Error::new(ErrorKind::Chart, message));
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a chart `web` from these files: the names and texts of the result, or the fault.
    fn made(files: &[(&str, &str)], given: &[(&str, &str)]) -> std::result::Result<Vec<(String, String)>, String> {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_folders(path.parent().expect("a parent")).expect("folders");
            fs::write(&path, text.as_bytes()).expect("a file");
        }
        let given = given.iter().map(|(name, value)| (name.to_string(), Data::str(*value))).collect();
        let files = from_jinja_starter(folder.path(), "web", given, &mut |_, _| Ok(None)).map_err(|error| error.to_string())?;
        Ok(files.into_iter().map(|(name, data)| (name, String::from_utf8_lossy(&data).into_owned())).collect())
    }

    #[test]
    fn answers_fill_names_and_contents() {
        let files = [
            (
                QUESTIONS_FILE,
                "questions: [{name: port, type: int, default: 80}, {name: host, default: '<%= name %>.local'}, {name: tls, type: bool, default: false}]",
            ),
            ("values.yaml.jinja", "port: <%= port %>\nhost: <%= host %>\n"),
            ("templates/{{ name }}.yaml.jinja", "a: {{ .Values.port }} <CHARTNAME>\n<% if tls %>\nb: 1\n<% endif %>\n"),
            ("templates/{% if tls %}tls.yaml{% endif %}", "c: {{ .Values.host }}\n"),
            ("{% if tls %}certs{% endif %}/a.pem", "x"),
            ("notes.jinja.jinja", "<%= 1 %>"),
        ];
        let text = |found: &[(String, String)], name: &str| found.iter().find(|file| file.0 == name).map(|file| file.1.clone());
        let found = made(&files, &[]).expect("a chart");
        assert_eq!(text(&found, "values.yaml").as_deref(), Some("port: 80\nhost: web.local\n"));
        assert_eq!(text(&found, "templates/web.yaml").as_deref(), Some("a: {{ .Values.port }} web\n"));
        assert_eq!(text(&found, "notes.jinja").as_deref(), Some("1"));
        assert!(text(&found, "Chart.yaml").is_some_and(|text| text.contains("name: web\n")));
        assert_eq!(found.len(), 4);
        let found = made(&files, &[("tls", "yes"), ("host", "h")]).expect("a chart");
        assert_eq!(text(&found, "templates/web.yaml").as_deref(), Some("a: {{ .Values.port }} web\nb: 1\n"));
        assert_eq!(text(&found, "certs/a.pem").as_deref(), Some("x"));
    }

    #[test]
    fn what_is_missing_is_named_at_once() {
        let ask = "questions: [{name: a}, {name: b, type: bool, default: false}, {name: c, when: b}, {name: d, when: a == 'x'}, {name: e}]";
        assert_eq!(made(&[(QUESTIONS_FILE, ask)], &[]).unwrap_err(), "the starter needs answers to `a` and `e`");
        assert_eq!(made(&[(QUESTIONS_FILE, ask)], &[("a", "x"), ("e", "")]).unwrap_err(), "the starter needs an answer to `d`");
        assert!(made(&[(QUESTIONS_FILE, ask)], &[("a", "y"), ("e", "")]).is_ok());
    }

    #[test]
    fn names_stay_in_the_chart() {
        let ask = (QUESTIONS_FILE, "questions: [{name: file}]");
        for bad in ["../x", "..", ".", "/etc/x", "a/b", "a\\b", "a\nb"] {
            let told = made(&[ask, ("{{ file }}", "x")], &[("file", bad)]).unwrap_err();
            assert!(told.starts_with("the name of {{ file }} comes to \"") && told.ends_with(", which is no file name"), "{told}");
        }
        let told = made(&[ask, ("{{ file }}", "x"), ("a", "y")], &[("file", "a")]).unwrap_err();
        assert_eq!(told, "a and {{ file }} of the starter both make a");
    }

    #[test]
    fn what_is_made_must_load() {
        let ask = (QUESTIONS_FILE, "questions: []");
        let told = made(&[ask, ("Chart.yaml", "apiVersion: v2\nname: other\nversion: 1.0.0\n")], &[]).unwrap_err();
        assert_eq!(told, "the starter's Chart.yaml names the chart `other`, not `web`; it should take its name from `name`");
        let told = made(&[ask, ("values.yaml", "a: [")], &[]).unwrap_err();
        assert!(told.starts_with("the starter does not make a chart that loads: "), "{told}");
        let told = made(&[ask, ("templates/a.yaml.jinja", "<%= port %>")], &[]).unwrap_err();
        assert_eq!(told, "failed to render templates/a.yaml.jinja: undefined value: `port` is undefined (line 1)");
    }

    #[cfg(unix)]
    #[test]
    fn links_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(&folder.path().join(QUESTIONS_FILE), b"").expect("a file");
        std::os::unix::fs::symlink("/etc/passwd", folder.path().join("a")).expect("a link");
        let told = from_jinja_starter(folder.path(), "web", Vec::new(), &mut |_, _| Ok(None)).unwrap_err().to_string();
        assert_eq!(told, "a of the starter is neither a file nor a folder");
    }
}
