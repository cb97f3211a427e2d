//! values.schema.json: validates the values of a chart and its subcharts against the schema of each.
//!
//! Goes in: a chart tree and its coalesced values. Comes out: nothing, or one error that lists every fault of every chart in the
//! words of Helm's schema library. The validator is `boon`, by the author of that library; `fault` converts its errors to the
//! library's shape. Values that a simple schema certainly admits skip the validator (`plain`). Nothing is fetched unless the
//! caller provides a [`Fetch`]; files are never read. The validator runs on a thread with a deep stack and a deadline, since a
//! schema may refer to itself.
//! Follows Helm's `pkg/chart/common/util/jsonschema.go`.

mod bounds;
mod drafts;
mod fault;
mod formats;
mod multiple;
mod patterns;
mod plain;
mod written;

use crate::chart::Chart;
use crate::data::{Data, Map};
use crate::diagnostic::{Level, Notices};
use crate::error::{Cause, Error, ErrorKind, Result};
use crate::json;
use crate::stack;
use crate::url::unescape_leniently;
use boon::{Compiler, Schemas, UrlLoader};
use plain::Plain;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use written::Written;

/// Fetches the target of a `$ref` to `http:` or `https:`.
pub type Fetch = Arc<dyn Fn(&str) -> Result<Vec<u8>> + Send + Sync>;

/// How to validate.
#[derive(Clone)]
pub struct Options {
    /// How to get remote schemas; without it a remote `$ref` is a fault.
    pub fetch: Option<Fetch>,
    /// How long all charts together may take. The check that is running at the deadline cannot be interrupted: its thread finishes
    /// that one schema in the background.
    pub time_limit: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options { fetch: None, time_limit: Duration::from_secs(60) }
    }
}

/// The address that Helm gives to the schema; relative `$ref`s start there.
const SCHEMA_URL: &str = "file:///values.schema.json";
/// Up to this value, every whole number is a float64.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Checks the coalesced values of `chart` and of every subchart that has values.
///
/// # Errors
/// `values don't meet the specifications of the schema(s) in the following chart(s):` and all faults chart by chart.
pub fn validate(chart: &Chart, values: &Arc<Map>, options: &Options, notices: &mut Notices) -> Result<()> {
    let mut jobs = Vec::new();
    collect(chart, values, &mut jobs, notices);
    let text = run_apart(jobs, options, notices)?;
    if text.is_empty() {
        return Ok(());
    }
    let message = format!("values don't meet the specifications of the schema(s) in the following chart(s):\n{text}");
    Err(Error::new(ErrorKind::Values, message).with_cause(Cause::SchemaFaults))
}

/// Checks values against one schema, independent of a chart.
///
/// # Errors
/// All faults, a line each (Helm's `ValidateAgainstSingleSchema`).
pub fn validate_one(schema: &[u8], values: &Arc<Map>, options: &Options, notices: &mut Notices) -> Result<()> {
    tell_schema(schema, notices);
    let job = Job::Check { chart: String::new(), schema: Arc::from(schema), values: values.clone() };
    let text = run_apart(vec![job], options, notices)?;
    // The report begins with the chart's name, which is empty here.
    match text.strip_prefix(":\n") {
        Some(faults) => Err(Error::new(ErrorKind::Values, faults)),
        None => Ok(()),
    }
}

/// Logs a schema that is valid JSON for `--debug`.
fn tell_schema(schema: &[u8], notices: &mut Notices) {
    if notices.keeps(Level::Debug) && json::parse_exact(schema).is_ok() {
        notices.push_with(Level::Debug, "unmarshalled JSON schema", &[("schema", &String::from_utf8_lossy(schema))]);
    }
}

/// Runs the jobs on their own thread and returns the report, empty when there are no faults.
fn run_apart(jobs: Vec<Job>, options: &Options, notices: &mut Notices) -> Result<String> {
    let jobs = in_doubt(jobs);
    if jobs.is_empty() {
        return Ok(String::new());
    }
    let (sender, receiver) = mpsc::channel();
    let fetch = options.fetch.clone();
    let is_given_up = Arc::new(AtomicBool::new(false));
    let is_over = is_given_up.clone();
    // Schemas and values nest as deep as YAML and JSON may. The thread is not waited for: the validator cannot be stopped, and a
    // schema that takes it longer than the deadline keeps it busy until the process ends.
    let spawned = stack::spawn_detached("schema", move || {
        // Sending fails only after the deadline has passed.
        let _ = sender.send(run(jobs, fetch, &is_over));
    });
    let thread = spawned.ok_or_else(|| Error::new(ErrorKind::Limit, "no thread to validate values on could be started"))?;
    let outcome = match receiver.recv_timeout(options.time_limit) {
        Ok(outcome) => outcome,
        Err(ended) => {
            // A thread that ends without an answer has panicked; the panic is passed on.
            if ended == RecvTimeoutError::Disconnected {
                thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            }
            is_given_up.store(true, Ordering::Relaxed);
            let message = format!("validating values against their schemas did not end within {:?}", options.time_limit);
            return Err(Error::new(ErrorKind::Limit, message));
        }
    };
    for urn in outcome.unresolved_urns {
        notices.push_with(Level::Warn, "unresolved URN reference ignored; using permissive schema", &[("urn", urn.as_str())]);
    }
    Ok(outcome.text)
}

/// The keys of the value that a line of the report is about, from the top of its chart's values; no keys for the values as a
/// whole.
pub fn place_in_line(line: &str) -> Option<Vec<String>> {
    let (pointer, _) = line.split_once("- at '")?.1.split_once("': ")?;
    Some(pointer.split('/').skip(1).map(|key| key.replace("~1", "/").replace("~0", "~")).collect())
}

/// A message or a check, in the order of Helm's report.
enum Job {
    Check { chart: String, schema: Arc<[u8]>, values: Arc<Map> },
    Say(String),
}

fn collect(chart: &Chart, values: &Arc<Map>, jobs: &mut Vec<Job>, notices: &mut Notices) {
    if let Some(schema) = &chart.content.schema {
        notices.push_with(Level::Debug, "chart name", &[("chart-name", chart.name())]);
        tell_schema(&schema.data, notices);
        jobs.push(Job::Check { chart: chart.name().to_string(), schema: schema.data.shared().clone(), values: values.clone() });
    }
    let count = chart.dependencies.len().to_string();
    notices.push_with(Level::Debug, "number of dependencies in the chart", &[("chart", chart.name()), ("dependencies", &count)]);
    for subchart in &chart.dependencies {
        match values.get(subchart.name()) {
            None | Some(Data::Null) => {}
            Some(Data::Map(values)) => collect(subchart, values, jobs, notices),
            Some(other) => {
                let found = super::go_text::type_name(other);
                jobs.push(Job::Say(format!("{}:\ninvalid type for values: expected object (map), got {found}\n", subchart.name())));
            }
        }
    }
}

/// The jobs without the checks that certainly find no fault.
fn in_doubt(jobs: Vec<Job>) -> Vec<Job> {
    // Each schema is parsed once, since aliases of one chart share its bytes; the jobs keep them alive.
    let mut parsed: HashMap<*const u8, Option<Data>> = HashMap::new();
    for job in &jobs {
        if let Job::Check { schema, .. } = job {
            parsed.entry(schema.as_ptr()).or_insert_with(|| json::parse_exact(schema).ok());
        }
    }
    let plain: HashMap<*const u8, Plain<'_>> =
        parsed.iter().filter_map(|(place, schema)| Some((*place, Plain::of(schema.as_ref()?)?))).collect();
    let is_in_doubt = |job: &Job| match job {
        Job::Check { schema, values, .. } => !plain.get(&schema.as_ptr()).is_some_and(|plain| plain.admits(values)),
        Job::Say(_) => true,
    };
    let (left, done): (Vec<Job>, Vec<Job>) = jobs.into_iter().partition(is_in_doubt);
    #[cfg(test)]
    confirm(done);
    #[cfg(not(test))]
    drop(done);
    drop(plain);
    left
}

/// Checks with the validator what was admitted without it.
#[cfg(test)]
fn confirm(jobs: Vec<Job>) {
    if let Some(text) = stack::with_large_stack(move || run(jobs, None, &AtomicBool::new(false)).text) {
        assert_eq!(text, "", "was admitted");
    }
}

struct Outcome {
    text: String,
    unresolved_urns: Vec<String>,
}

fn run(jobs: Vec<Job>, fetch: Option<Fetch>, is_over: &AtomicBool) -> Outcome {
    let loader = Loader { fetch, unresolved_urns: Arc::default(), loads: Arc::default() };
    let unresolved_urns = loader.unresolved_urns.clone();
    let mut compiled: HashMap<*const u8, Compiled> = HashMap::new();
    let mut text = String::new();
    for job in jobs.iter().take_while(|_| !is_over.load(Ordering::Relaxed)) {
        let Some(room) = fault::REPORT_LIMIT.checked_sub(text.len()).filter(|room| *room > 0) else {
            if !text.ends_with(&(fault::cut_line() + "\n")) {
                text.push_str(&(fault::cut_line() + "\n"));
            }
            break;
        };
        match job {
            Job::Say(line) => text.push_str(line),
            Job::Check { chart, schema, values } => {
                // Aliases of one chart share the bytes of its schema; the jobs keep them alive.
                let compiled = compiled.entry(schema.as_ptr()).or_insert_with(|| compile(schema, &loader));
                if let Some(fault) = check(compiled, values, room) {
                    text.push_str(chart);
                    text.push_str(":\n");
                    text.push_str(&fault);
                }
            }
        }
    }
    let unresolved_urns = std::mem::take(&mut *unresolved_urns.lock().unwrap_or_else(PoisonError::into_inner));
    Outcome { text, unresolved_urns }
}

/// A schema ready for use, or its fault.
type Compiled = std::result::Result<(Schemas, boon::SchemaIndex, Data, Written), String>;

fn compile(schema: &[u8], loader: &Loader) -> Compiled {
    let schema = json::parse_only(schema).map_err(|error| error.message().to_string())?;
    if let Some(fault) = bounds::fault_of(&schema).or_else(|| drafts::fault_of(&schema, loader)) {
        return Err(fault);
    }
    let mut compiler = Compiler::new();
    compiler.use_loader(Box::new(loader.clone()));
    formats::register(&mut compiler);
    let (written, translated) = Written::translate(schema.clone());
    compiler.add_resource(SCHEMA_URL, to_json(&translated)).map_err(|error| fault::compile_text(&written, &error))?;
    let mut schemas = Schemas::new();
    let index = compiler.compile(SCHEMA_URL, &mut schemas).map_err(|error| fault::compile_text(&written, &error))?;
    Ok((schemas, index, schema, written))
}

/// The fault of values, in about `room` bytes at most.
fn check(compiled: &Compiled, values: &Arc<Map>, room: usize) -> Option<String> {
    match compiled {
        Err(text) => Some(text.clone()),
        Ok((schemas, index, schema, written)) => {
            if let Some(fault) = bounds::excess(schema, values, stack::size()) {
                return Some(format!("{fault}\n"));
            }
            let instance = to_json(&Data::Map(values.clone()));
            let fault = schemas.validate(&instance, *index).err()?;
            let text = fault::validation_text(written, &fault, room);
            (!text.is_empty()).then(|| text + "\n")
        }
    }
}

/// A step of a JSON pointer in an address, unescaped.
fn unescaped(step: &str) -> String {
    String::from_utf8_lossy(&unescape_leniently(step.as_bytes())).replace("~1", "/").replace("~0", "~")
}

/// The tree in the form that the validator wants. Whole numbers become integers, which it compares exactly.
fn to_json(data: &Data) -> serde_json::Value {
    use serde_json::Value;
    match data {
        Data::Null => Value::Null,
        Data::Bool(truth) => Value::Bool(*truth),
        Data::Int(number) => Value::from(*number),
        #[expect(clippy::cast_possible_truncation, reason = "whole and in range")]
        Data::Float(number) if number.fract() == 0.0 && number.abs() <= EXACT => Value::from(*number as i64),
        Data::Float(number) => Value::from(*number),
        Data::Str(text) => Value::String(text.to_string()),
        Data::Bytes(text) => Value::String(json::valid_text(text).into_owned()),
        Data::List(items) => Value::Array(items.iter().map(to_json).collect()),
        Data::Map(map) => Value::Object(map.iter().map(|(key, value)| (key.to_string(), to_json(value))).collect()),
    }
}

/// Loads referenced schemas for the compiler. Clones share their records.
#[derive(Clone)]
struct Loader {
    fetch: Option<Fetch>,
    unresolved_urns: Arc<Mutex<Vec<String>>>,
    loads: Arc<AtomicUsize>,
}

/// How many schemas one run fetches at most, however long their references lead on.
const MAXIMUM_LOADS: usize = 1_000;

impl UrlLoader for Loader {
    fn load(&self, url: &str) -> std::result::Result<serde_json::Value, Box<dyn std::error::Error>> {
        if url.starts_with("urn:") {
            let mut unresolved = self.unresolved_urns.lock().unwrap_or_else(PoisonError::into_inner);
            if !unresolved.iter().any(|known| known == url) {
                unresolved.push(url.to_string());
            }
            return Ok(serde_json::Value::Bool(true));
        }
        if !url.starts_with("http://") && !url.starts_with("https://") {
            return Err("schemas are not read from files".into());
        }
        let Some(fetch) = &self.fetch else { return Err("schemas are not fetched".into()) };
        if self.loads.fetch_add(1, Ordering::Relaxed) >= MAXIMUM_LOADS {
            return Err("too many schemas to fetch".into());
        }
        let bytes = fetch(url)?;
        // Go decodes this one as a stream.
        let schema = json::parse_exact(&bytes).map_err(|error| match error.message() {
            "unexpected end of JSON input" => Error::new(ErrorKind::Syntax, "unexpected EOF"),
            _ => error,
        })?;
        Ok(to_json(&Written::translate(schema).1))
    }
}

#[cfg(test)]
mod tests;
