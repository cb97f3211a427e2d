//! `rutter create`: makes a new chart from the built-in scaffold or from a starter, plain or Jinja.
//! Follows Helm's `pkg/cmd/create.go`.

use super::{Arity, Row, Run};
use crate::action::create;
use crate::chart::starter::jinja::{self, Answers};
use crate::chart::starter::questions::{self, Question};
use crate::cli::secret;
use crate::cli::session::Session;
use crate::cli::watch::Watch;
use crate::data::Data;
use crate::error::{Error, ErrorKind, Result};
use crate::fs;
use crate::quote::quote;
use crate::yaml;
use clap::Args;
use std::io::IsTerminal;
use std::path::Path;

/// The row of the table.
pub const COMMAND: Row = Row::leaf::<Arguments>("create", "NAME", Arity::Exactly(1), "create a new chart with the given name", LONG);

const LONG: &str = "\
Make a folder with the files of a new chart:

    NAME/
    ├── .helmignore   # what stays out of the packed chart
    ├── Chart.yaml    # about the chart
    ├── values.yaml   # the default values of the templates
    ├── charts/       # charts that this chart depends on
    └── templates/    # the templates
        └── tests/    # tests of a release

NAME may be a path. Files that are there are overwritten, others are left alone.

With --starter the files come from a chart in $HELM_DATA_HOME/starters or at an absolute path; in its templates and
values <CHARTNAME> is replaced by the name.

A starter with a starter.yaml is a Jinja starter (rutter's own; the chart it makes is a plain one):

    # starter.yaml
    questions:
    - name: port
      prompt: Port of the service
      type: int              # string, int, bool or list
      default: 8080          # without one, an answer is required

    # values.yaml.jinja
    service:
      port: <%= port %>

Files that end in .jinja are rendered, with <%= %>, <% %> and <%# %> beside Go's {{ }}; file names may hold {{ }}.
Answers come from --answer and --answers, then from the terminal if there is one, else the defaults are taken:

    $ rutter create shop --starter web --answer port=9090";

/// The flags of `create`.
#[derive(Debug, Clone, Default, Args)]
pub struct Arguments {
    /// answer a question of a Jinja starter (can be given several times)
    #[arg(long, value_name = "NAME=VALUE")]
    answer: Vec<String>,
    /// a YAML file with answers to a Jinja starter's questions
    #[arg(long, value_name = "FILE")]
    answers: Vec<String>,
    /// chart API version to use (v2)
    #[arg(long, value_name = "string", hide = true)]
    chart_api_version: Option<String>,
    /// take the defaults of a Jinja starter's questions and ask nothing
    #[arg(long)]
    defaults: bool,
    /// the name or absolute path to Helm starter scaffold
    #[arg(short = 'p', long, value_name = "string")]
    starter: Option<String>,
}

impl Run for Arguments {
    fn run(self, arguments: Vec<String>, session: &mut Session) -> Result<()> {
        let Some(path) = arguments.first().map(Path::new) else { return Ok(()) };
        let starter = self.starter.as_deref().filter(|starter| !starter.is_empty());
        // `join` replaces the folder if the starter is an absolute path.
        let source = starter.map(|starter| fs::clean(&Path::new(&session.settings.data_home).join("starters").join(starter)));
        let asks = source.as_deref().is_some_and(jinja::is_jinja);
        if !asks && (!self.answer.is_empty() || !self.answers.is_empty()) {
            let place = source.as_deref().map(|source| format!(", which {} has not", source.display())).unwrap_or_default();
            let message = format!("--answer and --answers need --starter with a starter that has a {}{place}", jinja::QUESTIONS_FILE);
            return Err(Error::new(ErrorKind::Usage, message));
        }
        session.print(format!("Creating {}\n", path.display()))?;
        check_version(self.chart_api_version.as_deref().unwrap_or_default(), session)?;
        match source {
            Some(source) if asks => {
                let given = self.given()?;
                let terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
                let mut ask = |question: &Question, default: Option<&Data>| match terminal && !self.defaults {
                    true => ask(question, default, session),
                    false => Ok(None),
                };
                let what = source.display().to_string();
                Watch::new(session)?.rendering(&what, || create::from_jinja_starter(path, &source, given, &mut ask))?;
            }
            Some(source) => {
                create::from_starter(path, &source, &mut session.notices)?;
            }
            None => {
                for file in create::scaffold(path)?.overwritten {
                    let file = quote(file.to_string_lossy().as_bytes());
                    session.print(format!("WARNING: File {file} already exists. Overwriting.\n"))?;
                }
            }
        }
        Ok(())
    }
}

/// Refuses an apiVersion that no chart is made of; `v3` is an experiment of Helm that its charts do not leave (`pkg/gates`).
fn check_version(version: &str, session: &Session) -> Result<()> {
    const GATE: &str = "HELM_EXPERIMENTAL_CHART_V3";
    let message = match version {
        "v2" | "" => return Ok(()),
        "v3" if session.environment.get_filled(GATE).is_some() => "charts of the experimental API version v3 are not made here".to_string(),
        "v3" => format!(
            "this feature has been marked as experimental and is not enabled by default. Please set {GATE}=1 in your environment to use this feature"
        ),
        _ => format!("unsupported chart API version: {version} (supported: v2, v3)"),
    };
    Err(Error::new(ErrorKind::Usage, message))
}

impl Arguments {
    /// The answers from the files, then those of the command line, so that the latter win.
    fn given(&self) -> Result<Answers> {
        let mut given = Answers::new();
        for file in &self.answers {
            let data = yaml::parse(&fs::read_limited(Path::new(file), 1 << 20)?).map_err(|error| error.context(file))?;
            match data.as_map() {
                Some(map) => given.extend(map.iter().map(|(name, value)| (name.to_string(), value.clone()))),
                None if data.is_null() => {}
                None => return Err(Error::new(ErrorKind::Usage, format!("{file}: answers must be a map of names to values"))),
            }
        }
        for answer in &self.answer {
            let Some((name, value)) = answer.split_once('=') else {
                return Err(Error::new(ErrorKind::Usage, format!("--answer must be NAME=VALUE, not `{answer}`")));
            };
            given.push((name.trim().to_string(), Data::str(value)));
        }
        Ok(given)
    }
}

/// Asks until the answer is valid; an empty line takes the default. The end of input ends the command: a
/// question that was not answered must not get a made-up answer.
fn ask(question: &Question, default: Option<&Data>, session: &Session) -> Result<Option<Data>> {
    let mut text = if question.prompt.is_empty() { question.name.clone() } else { question.prompt.clone() };
    if !question.choices.is_empty() {
        let choices: Vec<String> = question.choices.iter().map(questions::print).collect();
        text.push_str(&format!(" ({})", choices.join(", ")));
    }
    if let Some(default) = default {
        text.push_str(&format!(" [{}]", questions::print(default)));
    }
    text.push_str(": ");
    loop {
        let Some(line) = secret::ask_line(&text, session)? else {
            session.print("\n")?;
            return Err(Error::new(ErrorKind::Usage, format!("EOF: no answer to `{}`, so nothing was made", question.name)));
        };
        if line.is_empty() {
            if default.is_some() {
                return Ok(None);
            }
            session.tell(&format!("`{}` has no default: an answer is required", question.name));
            continue;
        }
        match question.answer(&Data::str(line)) {
            Ok(answer) => return Ok(Some(answer)),
            Err(error) => session.tell(error.message()),
        }
    }
}
