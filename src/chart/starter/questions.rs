//! The questions of a Jinja starter: its `starter.yaml`.
//!
//! Goes in: the text of `starter.yaml`, answers as texts or trees. Comes out: [`Questionnaire`], and answers of the type that each
//! question wants, or a fault that names the question. Nothing is asked here; [`super::jinja`] uses the answers.
//! Helm has no such file.
//!
//! ```yaml
//! description: a web service
//! questions:
//! - name: port                # as templates name it
//!   prompt: Port of the service
//!   type: int                 # string (if left out), int, bool or list
//!   default: 8080             # without one, an answer is required; texts may be templates of earlier answers
//!   choices: [8080, 9090]
//!   when: ingress             # an expression of earlier answers; where it does not hold, nothing is asked
//! delimiters: {variable: ["<%=", "%>"], block: ["<%", "%>"], comment: ["<%#", "%>"]}
//! ```

use crate::data::{Data, Map};
use crate::diagnostic::nearest;
use crate::error::{Error, ErrorKind, Result};
use crate::jinja::Delimiters;
use crate::yaml;

/// The name under which templates see the chart's name; no question may have it.
pub const CHART_NAME: &str = "name";
/// Most questions of a starter.
const QUESTIONS_LIMIT: usize = 1000;

/// The type of the answer to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Int,
    Bool,
    /// Strings; when given as one text, they are separated by commas.
    List,
}

impl Kind {
    const ALL: [Kind; 4] = [Kind::Text, Kind::Int, Kind::Bool, Kind::List];

    /// Its name in `type`.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Text => "string",
            Kind::Int => "int",
            Kind::Bool => "bool",
            Kind::List => "list",
        }
    }

    /// What the message for a wrong answer says is wanted.
    fn wanted(self) -> &'static str {
        match self {
            Kind::Text => "a text",
            Kind::Int => "a whole number",
            Kind::Bool => "true or false",
            Kind::List => "texts parted by commas",
        }
    }
}

/// One question.
#[derive(Debug, Clone)]
pub struct Question {
    pub name: String,
    /// The prompt on a terminal; the name when empty.
    pub prompt: String,
    pub kind: Kind,
    /// The answer when none is given; without a default, an answer is required.
    pub default: Option<Data>,
    /// The allowed answers; any when empty.
    pub choices: Vec<Data>,
    /// An expression of earlier answers; the question is not asked where it is false.
    pub when: String,
}

/// The content of `starter.yaml`.
#[derive(Debug, Clone)]
pub struct Questionnaire {
    /// What the starter makes, in one line.
    pub description: String,
    pub questions: Vec<Question>,
    pub delimiters: Delimiters,
}

impl Questionnaire {
    /// Reads `starter.yaml`, strictly: an unknown key is a fault.
    pub fn parse(text: &[u8]) -> Result<Questionnaire> {
        let read = || {
            let data = yaml::parse(text)?;
            match &data {
                Data::Null => Questionnaire::of(&Map::new()),
                _ => Questionnaire::of(map_of(&data, "a map")?),
            }
        };
        read().map_err(|error| error.context("starter.yaml").with_kind(ErrorKind::Chart))
    }

    fn of(map: &Map) -> Result<Questionnaire> {
        check_keys(map, &["description", "questions", "delimiters"])?;
        let mut questions: Vec<Question> = Vec::new();
        let items = list(map, "questions")?;
        if items.len() > QUESTIONS_LIMIT {
            return Err(fault(format!("more than {QUESTIONS_LIMIT} questions")));
        }
        for (at, item) in items.iter().enumerate() {
            let question = Question::of(item).map_err(|error| error.context(format_args!("question {}", at + 1)))?;
            if questions.iter().any(|other| other.name == question.name) {
                return Err(fault(format!("`{}` is asked twice", question.name)));
            }
            questions.push(question);
        }
        Ok(Questionnaire { description: text(map, "description")?, questions, delimiters: delimiters(map)? })
    }

    /// The question of this name; if there is none, a fault with the nearest name.
    pub fn find(&self, name: &str) -> Result<&Question> {
        if let Some(question) = self.questions.iter().find(|question| question.name == name) {
            return Ok(question);
        }
        let names = || self.questions.iter().map(|question| question.name.as_str());
        let advice = match nearest(name, names()) {
            Some(meant) => format!("; did you mean `{meant}`?"),
            None if self.questions.is_empty() => "; it asks nothing".to_string(),
            None => format!("; it asks for {}", enumerate(names())),
        };
        Err(Error::new(ErrorKind::Usage, format!("the starter has no question `{name}`{advice}")))
    }
}

impl Question {
    fn of(data: &Data) -> Result<Question> {
        let map = map_of(data, "a map with a name")?;
        check_keys(map, &["name", "prompt", "description", "type", "default", "choices", "when"])?;
        let name = text(map, "name")?;
        let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !name.starts_with(|c: char| c.is_ascii_digit());
        if name.is_empty() || !plain {
            return Err(fault(format!("`{name}` is no name: letters, digits and `_` are")));
        }
        if name == CHART_NAME {
            return Err(fault(format!("`{CHART_NAME}` is always the chart's name and cannot be asked")));
        }
        let wanted = text(map, "type")?;
        let kind = match Kind::ALL.into_iter().find(|kind| kind.name() == wanted) {
            Some(kind) => kind,
            None if wanted.is_empty() => Kind::Text,
            None => return Err(fault(format!("type `{wanted}` of `{name}` is none of {}", enumerate(Kind::ALL.map(Kind::name))))),
        };
        let prompt = match text(map, "prompt")? {
            prompt if prompt.is_empty() => text(map, "description")?,
            prompt => prompt,
        };
        let mut question = Question { name, prompt, kind, default: None, choices: Vec::new(), when: expression(map)? };
        question.choices = list(map, "choices")?.iter().map(|choice| question.convert_one(choice)).collect::<Result<_>>()?;
        question.default = match map.get("default") {
            // A text may be a template, and is checked when it is rendered.
            Some(Data::Str(text)) => Some(Data::Str(text.clone())),
            Some(Data::Null) | None => None,
            Some(default) => Some(question.answer(default)?),
        };
        Ok(question)
    }

    /// Converts a given value to the answer.
    ///
    /// # Errors
    /// `answer to NAME must be …` when it has the wrong type or is none of the choices.
    pub fn answer(&self, given: &Data) -> Result<Data> {
        let answer = match (self.kind, given) {
            (Kind::List, Data::List(items)) => Data::list(items.iter().map(|item| self.convert_one(item)).collect::<Result<Vec<Data>>>()?),
            (Kind::List, Data::Str(text)) => {
                Data::list(text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(Data::str).collect())
            }
            (_, given) => self.convert_one(given)?,
        };
        let allowed = |item: &Data| self.choices.is_empty() || self.choices.iter().any(|choice| print(choice) == print(item));
        let refused = match &answer {
            Data::List(items) => items.iter().find(|item| !allowed(item)),
            item => Some(item).filter(|item| !allowed(item)),
        };
        match refused {
            Some(item) => {
                let choices: Vec<String> = self.choices.iter().map(print).collect();
                let message = format!("answer to `{}` must be one of {}, not `{}`", self.name, enumerate(&choices), print(item));
                Err(Error::new(ErrorKind::Usage, message))
            }
            None => Ok(answer),
        }
    }

    /// One scalar in the wanted type.
    fn convert_one(&self, given: &Data) -> Result<Data> {
        let converted = match (self.kind, given) {
            (Kind::Text | Kind::List, Data::Str(_) | Data::Int(_) | Data::Float(_) | Data::Bool(_)) => Some(Data::str(print(given))),
            (Kind::Int, Data::Int(_)) => Some(given.clone()),
            (Kind::Int, Data::Float(_) | Data::Str(_)) => print(given).trim().parse().ok().map(Data::Int),
            (Kind::Bool, Data::Bool(_)) => Some(given.clone()),
            (Kind::Bool, Data::Str(text)) => truth(text).map(Data::Bool),
            _ => None,
        };
        converted.ok_or_else(|| {
            let message = format!("answer to `{}` must be {}, not `{}`", self.name, self.kind.wanted(), print(given));
            Error::new(ErrorKind::Usage, message)
        })
    }
}

/// The ways to write yes and no.
fn truth(text: &str) -> Option<bool> {
    match text.trim().to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "on" | "1" => Some(true),
        "false" | "no" | "n" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// A value as people write it; lists are separated by commas.
pub fn print(data: &Data) -> String {
    match data {
        Data::Null => "null".to_string(),
        Data::Bool(truth) => truth.to_string(),
        Data::Int(number) => number.to_string(),
        #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
        Data::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => (*number as i64).to_string(),
        Data::Float(number) => number.to_string(),
        Data::Str(text) => text.to_string(),
        Data::Bytes(text) => String::from_utf8_lossy(text).into_owned(),
        Data::List(items) => items.iter().map(print).collect::<Vec<_>>().join(","),
        Data::Map(_) => "a map".to_string(),
    }
}

/// Names in backticks: `a`, `b` and `c`.
pub fn enumerate(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let quoted: Vec<String> = names.into_iter().map(|name| format!("`{}`", name.as_ref())).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

fn fault(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Chart, message)
}

fn map_of<'a>(data: &'a Data, wanted: &str) -> Result<&'a Map> {
    data.as_map().map(|map| &**map).ok_or_else(|| fault(format!("must be {wanted}")))
}

fn check_keys(map: &Map, known: &[&str]) -> Result<()> {
    match map.iter().find(|(key, _)| !known.contains(&&***key)) {
        Some((key, _)) => {
            let advice = nearest(key, known.iter().copied()).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
            Err(fault(format!("unknown key `{key}`{advice}")))
        }
        None => Ok(()),
    }
}

fn text(map: &Map, key: &str) -> Result<String> {
    match map.get(key) {
        None | Some(Data::Null) => Ok(String::new()),
        Some(Data::Str(text)) => Ok(text.to_string()),
        Some(_) => Err(fault(format!("`{key}` must be a text"))),
    }
}

fn list<'a>(map: &'a Map, key: &str) -> Result<&'a [Data]> {
    match map.get(key) {
        None | Some(Data::Null) => Ok(&[]),
        Some(Data::List(items)) => Ok(items),
        Some(_) => Err(fault(format!("`{key}` must be a list"))),
    }
}

/// `when`: an expression, or plain true and false.
fn expression(map: &Map) -> Result<String> {
    match map.get("when") {
        Some(Data::Bool(truth)) => Ok(truth.to_string()),
        _ => text(map, "when"),
    }
}

fn delimiters(map: &Map) -> Result<Delimiters> {
    let mut delimiters = Delimiters::beside_go_templates();
    let Some(given) = map.get("delimiters").filter(|given| !given.is_null()) else { return Ok(delimiters) };
    let given = map_of(given, "`delimiters`: a map of pairs")?;
    check_keys(given, &["variable", "block", "comment"])?;
    for (key, pair) in [("variable", &mut delimiters.variable), ("block", &mut delimiters.block), ("comment", &mut delimiters.comment)] {
        match (given.get(key), list(given, key)?) {
            (None, _) => {}
            (_, [Data::Str(start), Data::Str(end)]) => *pair = (start.to_string(), end.to_string()),
            _ => return Err(fault(format!("`{key}` of `delimiters` must be a list of two texts"))),
        }
    }
    Ok(delimiters)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> std::result::Result<Questionnaire, String> {
        Questionnaire::parse(text.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn faults_of_the_file_are_told() {
        let cases = [
            ("[]", "starter.yaml: must be a map"),
            ("qestions: []", "starter.yaml: unknown key `qestions`; did you mean `questions`?"),
            ("questions: {}", "starter.yaml: `questions` must be a list"),
            ("questions: [{}]", "starter.yaml: question 1: `` is no name: letters, digits and `_` are"),
            ("questions: [{name: a b}]", "starter.yaml: question 1: `a b` is no name: letters, digits and `_` are"),
            ("questions: [{name: name}]", "starter.yaml: question 1: `name` is always the chart's name and cannot be asked"),
            ("questions: [{name: a}, {name: a}]", "starter.yaml: `a` is asked twice"),
            (
                "questions: [{name: a, type: text}]",
                "starter.yaml: question 1: type `text` of `a` is none of `string`, `int`, `bool` and `list`",
            ),
            (
                "questions: [{name: a, type: int, default: true}]",
                "starter.yaml: question 1: answer to `a` must be a whole number, not `true`",
            ),
            ("questions: [{name: a, choices: [x, y], default: [z]}]", "starter.yaml: question 1: answer to `a` must be a text, not `z`"),
            ("delimiters: {block: [a]}", "starter.yaml: `block` of `delimiters` must be a list of two texts"),
        ];
        for (text, message) in cases {
            assert_eq!(parsed(text).expect_err(text), message, "{text}");
        }
        assert!(parsed("").is_ok_and(|questionnaire| questionnaire.questions.is_empty()));
    }

    #[test]
    fn too_many_questions_are_not_compared() {
        // Comparing the questions would find two of one name.
        let of = |count: usize| parsed(&format!("questions:\n{}", "- name: q\n".repeat(count))).expect_err("a fault").to_string();
        assert!(of(QUESTIONS_LIMIT).contains("is asked twice"));
        assert!(of(QUESTIONS_LIMIT + 1).contains("more than 1000 questions"));
    }

    #[test]
    fn answers_have_the_type_of_their_question() {
        let text =
            "questions: [{name: t}, {name: i, type: int}, {name: b, type: bool}, {name: l, type: list}, {name: c, choices: [1.5, x]}]";
        let questionnaire = parsed(text).expect("a questionnaire");
        let cases = [
            ("t", Data::str("a"), Ok("a")),
            ("t", Data::Float(1.0), Ok("1")),
            ("t", Data::Null, Err("answer to `t` must be a text, not `null`")),
            ("i", Data::str("-7"), Ok("-7")),
            ("i", Data::Float(8.0), Ok("8")),
            ("i", Data::Float(8.5), Err("answer to `i` must be a whole number, not `8.5`")),
            ("b", Data::str("Yes"), Ok("true")),
            ("b", Data::str("perhaps"), Err("answer to `b` must be true or false, not `perhaps`")),
            ("l", Data::str("a, b,,"), Ok("a,b")),
            ("l", Data::list(vec![Data::str("a,b"), Data::Int(1)]), Ok("a,b,1")),
            ("c", Data::str("1.5"), Ok("1.5")),
            ("c", Data::str("y"), Err("answer to `c` must be one of `1.5` and `x`, not `y`")),
        ];
        for (name, given, expected) in cases {
            let answer = questionnaire.find(name).and_then(|question| question.answer(&given));
            let answer = answer.map(|answer| print(&answer)).map_err(|error| error.to_string());
            assert_eq!(answer, expected.map(str::to_string).map_err(str::to_string), "{name} {given:?}");
        }
    }

    #[test]
    fn unknown_names_are_told_with_the_nearest() {
        let questionnaire = parsed("questions: [{name: port}, {name: team}]").expect("a questionnaire");
        let told = |name: &str| questionnaire.find(name).expect_err("unknown").to_string();
        assert_eq!(told("prot"), "the starter has no question `prot`; did you mean `port`?");
        assert_eq!(told("elephant"), "the starter has no question `elephant`; it asks for `port` and `team`");
    }
}
