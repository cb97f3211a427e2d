//! Faults of validation in the words and the shape of Helm's schema library (santhosh-tekuri/jsonschema v6).
//!
//! Goes in: an error of `boon`. Comes out: lines such as `- at '/service/port': minimum: got 80, want 1,024`.
//! The two libraries share their design, but their words and the shape of their errors differ: `boon` drops the `'allOf' failed`
//! level when only one branch failed, keeps it for `contains`, goes on after a failed `format` and divides in floating point. The
//! dropped levels are restored from the place of an error in the schema. Numbers are printed as golang.org/x/text does in English.

use super::formats;
use super::multiple::is_multiple;
use super::written::Written;
use crate::quote::quote as go_quote;
use crate::url::{path_escape, path_unescape};
use boon::{CompileError, ErrorKind, InstanceToken, Type, ValidationError};
use serde_json::Value;
use std::borrow::Cow;
use std::cell::Cell;

/// Most bytes of a report; what does not fit is left out.
pub(super) const REPORT_LIMIT: usize = 16 << 20;

/// The message for a schema that cannot be used.
pub(super) fn compile_text(schema: &Written, error: &CompileError) -> String {
    match error {
        CompileError::ParseUrlError { url, src } => format!("error in parsing {}: {src}", go_quote(url)),
        CompileError::LoadUrlError { url, src } => format!("failing loading {}: {src}", go_quote(url)),
        CompileError::UnsupportedUrlScheme { url } => format!("no URLLoader registered for {}", go_quote(url)),
        CompileError::InvalidMetaSchemaUrl { url, src } => format!("invalid $schema in {}: {src}", go_quote(url)),
        CompileError::UnsupportedDraft { url } => format!("draft {} is not supported", go_quote(url)),
        CompileError::MetaSchemaCycle { url } => format!("cycle in resolving $schema in {}", go_quote(url)),
        CompileError::ValidationError { url, src } => {
            let location = match &src.kind {
                ErrorKind::Schema { url } => url,
                _ => src.schema_url,
            };
            let url = if url.contains('#') { url.clone() } else { format!("{url}#") };
            format!(
                "{} is not valid against metaschema: jsonschema validation failed with {}\n{}",
                go_quote(&url),
                quote(location),
                validation_text(schema, src, REPORT_LIMIT)
            )
        }
        CompileError::ParseIdError { loc } => format!("error in parsing id at {}", go_quote(address(schema, loc))),
        CompileError::ParseAnchorError { loc } => format!("error in parsing anchor at {}", go_quote(address(schema, loc))),
        CompileError::DuplicateId { url, id, ptr1, ptr2 } => {
            let [first, second] = [ptr1, ptr2].map(|pointer| go_quote(schema.pointer(pointer)));
            format!("duplicate id {} in {} at {first} and {second}", go_quote(id), go_quote(url))
        }
        CompileError::DuplicateAnchor { anchor, url, ptr1, ptr2 } => {
            let [first, second] = [ptr1, ptr2].map(|pointer| go_quote(schema.pointer(pointer)));
            format!("duplicate anchor {} in {} at {first} and {second}", go_quote(anchor), go_quote(url))
        }
        CompileError::InvalidJsonPointer(url) => format!("invalid json-pointer {}", go_quote(address(schema, url))),
        CompileError::JsonPointerNotFound(url) => format!("json-pointer in {} not found", go_quote(address(schema, url))),
        CompileError::AnchorNotFound { url, reference } => {
            format!("anchor in {} not found in schema {}", go_quote(address(schema, reference)), go_quote(url))
        }
        CompileError::UnsupportedVocabulary { url, vocabulary } => {
            format!("unsupported vocabulary {} in {}", go_quote(vocabulary), go_quote(url))
        }
        CompileError::InvalidRegex { url, regex, src } => {
            // A key of `patternProperties`, which drafts before the sixth do not check themselves.
            match schema.fault(std::iter::empty(), regex) {
                Some((pattern, problem)) => format!("invalid regex {} at {}: {problem}", go_quote(pattern), go_quote(url)),
                None => format!("invalid regex {} at {}: {src}", go_quote(regex), go_quote(url)),
            }
        }
        other => other.to_string(),
    }
}

/// An address of the validator, its fragment as written and escaped as Helm's library does.
fn address(schema: &Written, url: &str) -> String {
    escaped(url, |step| match String::from_utf8(step) {
        Ok(step) => schema.pointer(&step).into_bytes(),
        Err(error) => error.into_bytes(),
    })
}

/// An address whose fragment is escaped as Helm's library does, after `change` of each of its steps.
pub(super) fn escaped(url: &str, change: impl Fn(Vec<u8>) -> Vec<u8>) -> String {
    let Some((document, fragment)) = url.split_once('#') else { return url.to_string() };
    let steps = fragment.split('/').map(|step| {
        let step = path_unescape(step.as_bytes()).unwrap_or_else(|_| step.as_bytes().to_vec());
        String::from_utf8_lossy(&path_escape(&change(step))).into_owned()
    });
    format!("{document}#{}", steps.collect::<Vec<_>>().join("/"))
}

/// The lines below the headline, without a final line end; empty when no error counts. Ends with [`cut_line`] if the lines take
/// more than `room` bytes.
pub(super) fn validation_text(schema: &Written, error: &ValidationError, room: usize) -> String {
    let report = Report { schema, room: Cell::new(room) };
    let mut out = String::new();
    let mut is_whole = true;
    for fault in list(&report, &error.causes, error.schema_url, &[], Parent::Splitting) {
        is_whole = is_whole && fault.write(0, room, &mut out);
    }
    if !is_whole || report.is_full() {
        out.push_str(if out.is_empty() { "" } else { "\n" });
        out.push_str(&cut_line());
    }
    out
}

/// The last line of a report that is too long.
pub(super) fn cut_line() -> String {
    format!("- more faults are left out: the report is longer than {REPORT_LIMIT} bytes")
}

/// A report in the making.
struct Report<'a> {
    schema: &'a Written,
    /// The bytes that are left for texts and locations.
    room: Cell<usize>,
}

impl Report<'_> {
    fn is_full(&self) -> bool {
        self.room.get() == 0
    }

    fn fault(&self, location: String, text: String, reference: bool, causes: Vec<Fault>) -> Fault {
        self.room.set(self.room.get().saturating_sub(location.len() + text.len()));
        Fault { location, text, reference, causes }
    }
}

/// One level of the report.
struct Fault {
    location: String,
    text: String,
    /// A `$ref`, which is not shown when it has exactly one cause.
    reference: bool,
    causes: Vec<Fault>,
}

impl Fault {
    /// Appends its lines; whether they fit.
    fn write(&self, indent: usize, room: usize, out: &mut String) -> bool {
        if out.len() > room {
            return false;
        }
        let shown = !(self.reference && self.causes.len() == 1);
        if shown {
            if !out.is_empty() {
                out.push('\n');
            }
            for _ in 0..indent {
                out.push_str("  ");
            }
            out.push_str("- at ");
            out.push_str(&quote(&self.location));
            out.push_str(": ");
            out.push_str(&self.text);
        }
        self.causes.iter().all(|cause| cause.write(indent + usize::from(shown), room, out))
    }
}

/// The owner of a list of causes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parent {
    /// A root or `$ref`: replaces the group of its causes, which may come from deeper parts.
    Splitting,
    /// A group: the causes come from one schema.
    Group,
    /// `allOf`, `anyOf`, `oneOf` or `contains`: the first step to each cause is the parent itself.
    Applicator,
}

/// One step down a schema.
struct Step {
    /// Its name, if it is `allOf`, `anyOf` or `oneOf`.
    applicator: Option<&'static str>,
    /// The key of `properties`, if it is that.
    property: Option<String>,
    /// How many parts of the instance location it consumes.
    instance: usize,
    /// Its end in the address.
    end: usize,
}

/// Whether Helm's library, which divides exactly, reports the error too.
fn counts(error: &ValidationError) -> bool {
    match &error.kind {
        ErrorKind::MultipleOf { got, want } => !is_multiple(got, want),
        ErrorKind::AnyOf => error.causes.iter().all(counts),
        ErrorKind::OneOf(None) => error.causes.iter().filter(|cause| !counts(cause)).count() != 1,
        _ => error.causes.is_empty() || error.causes.iter().any(counts),
    }
}

/// The faults of causes whose owner is about the instance at `at`.
fn list(report: &Report, causes: &[ValidationError], base: &str, at: &[InstanceToken], parent: Parent) -> Vec<Fault> {
    let causes: Vec<&ValidationError> = causes.iter().filter(|cause| counts(cause)).collect();
    let formats: Vec<&ValidationError> = causes.iter().copied().filter(|cause| matches!(cause.kind, ErrorKind::Format { .. })).collect();
    // A failed format hides all other faults of its schema.
    let hides = |format: &ValidationError, cause: &ValidationError| {
        !std::ptr::eq(format, cause)
            && is_below(cause.schema_url, format.schema_url)
            && is_below(&pointer(&cause.instance_location.tokens), &pointer(&format.instance_location.tokens))
    };
    let shown: Vec<&ValidationError> = causes.into_iter().filter(|cause| !formats.iter().any(|format| hides(format, cause))).collect();
    grouped_list(report, &shown, base, at, parent)
}

/// Whether `pointer` is `other` or leads below it.
fn is_below(pointer: &str, other: &str) -> bool {
    pointer.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn grouped_list(report: &Report, causes: &[&ValidationError], base: &str, at: &[InstanceToken], parent: Parent) -> Vec<Fault> {
    if parent == Parent::Splitting
        && causes.len() > 1
        && let Some(fault) = lost_group(report, causes, base, at)
    {
        return vec![fault];
    }
    let causes = in_order(causes, base).into_iter().take_while(|_| !report.is_full());
    causes.map(|cause| wrapped(report, cause, base, at, parent == Parent::Applicator)).collect()
}

/// The causes in their order, except that those of `unevaluatedProperties` and `unevaluatedItems`, which come in random order, are
/// sorted.
fn in_order<'a, 's, 'v>(causes: &[&'a ValidationError<'s, 'v>], base: &str) -> Vec<&'a ValidationError<'s, 'v>> {
    let mut causes = causes.to_vec();
    let random = |cause: &&ValidationError| cause.schema_url.strip_prefix(base).is_some_and(|rest| rest.starts_with("/unevaluated"));
    if let Some(from) = causes.iter().position(random) {
        let length = causes.iter().skip(from).take_while(|cause| random(cause)).count();
        if let Some(run) = causes.get_mut(from..from + length) {
            run.sort_by_cached_key(|cause| pointer(&cause.instance_location.tokens));
        }
    }
    causes
}

/// The group that `boon` split up although an `allOf` or the like is between it and the parent.
fn lost_group(report: &Report, causes: &[&ValidationError], base: &str, at: &[InstanceToken]) -> Option<Fault> {
    // The fault of a property's name does not include the place of its object.
    let placed = |cause: &ValidationError| !matches!(cause.kind, ErrorKind::PropertyName { .. });
    let first = causes.iter().find(|cause| placed(cause)).or(causes.first())?;
    let mut common = steps(first.schema_url, base);
    for cause in causes {
        let others = steps(cause.schema_url, base);
        let mut same = 0;
        let mut instance = at.len();
        for (a, b) in common.iter().zip(&others) {
            instance += a.instance;
            let prefix_same = a.end == b.end && first.schema_url.get(..a.end) == cause.schema_url.get(..b.end);
            let (left, right) = (&first.instance_location.tokens, &cause.instance_location.tokens);
            let instance_same = !placed(cause)
                || match (left.get(..instance), right.get(..instance)) {
                    (Some(left), Some(right)) => pointer(left) == pointer(right),
                    _ => false,
                };
            if !prefix_same || !instance_same {
                break;
            }
            same += 1;
        }
        common.truncate(same);
    }
    if common.iter().all(|step| step.applicator.is_none()) {
        return None;
    }
    let end = common.last()?.end;
    let tokens = instance_of(first, &steps(first.schema_url, base), at);
    let inner = tokens.get(..at.len() + common.iter().map(|step| step.instance).sum::<usize>())?;
    let causes = grouped_list(report, causes, first.schema_url.get(..end)?, inner, Parent::Group);
    let group = report.fault(place(report.schema, inner), "validation failed".to_string(), false, causes);
    Some(wrap(report, group, &common, &tokens, at.len(), false))
}

/// The place of the instance of a cause that these steps lead to from the instance at `at`. The fault of a property's name does not
/// tell it; it is known where all steps are keys of `properties`.
fn instance_of<'a>(cause: &'a ValidationError, steps: &[Step], at: &[InstanceToken]) -> Cow<'a, [InstanceToken<'a>]> {
    let told = cause.instance_location.tokens.as_slice();
    let is_certain = steps.iter().all(|step| step.instance == 0 || step.property.is_some());
    if !matches!(cause.kind, ErrorKind::PropertyName { .. }) || !is_certain || steps.iter().all(|step| step.applicator.is_none()) {
        return Cow::Borrowed(told);
    }
    let own = |token: &InstanceToken| match token {
        InstanceToken::Prop(name) => InstanceToken::Prop(Cow::Owned(name.to_string())),
        InstanceToken::Item(index) => InstanceToken::Item(*index),
    };
    let keys = steps.iter().filter_map(|step| step.property.clone()).map(|key| InstanceToken::Prop(Cow::Owned(key)));
    Cow::Owned(at.iter().map(own).chain(keys).collect())
}

/// A cause with the dropped levels between it and its parent.
fn wrapped(report: &Report, cause: &ValidationError, base: &str, at: &[InstanceToken], represented: bool) -> Fault {
    let steps = steps(cause.schema_url, base);
    let tokens = instance_of(cause, &steps, at);
    wrap(report, fault(report, cause), &steps, &tokens, at.len(), represented)
}

fn wrap(report: &Report, mut inner: Fault, steps: &[Step], tokens: &[InstanceToken], depth: usize, represented: bool) -> Fault {
    let first = steps.iter().position(|step| step.applicator.is_some());
    for (at, step) in steps.iter().enumerate().rev() {
        let Some(text) = step.applicator else { continue };
        if represented && first == Some(at) && at == 0 {
            continue;
        }
        let length = depth + steps.iter().take(at).map(|step| step.instance).sum::<usize>();
        let location = place(report.schema, tokens.get(..length).unwrap_or(tokens));
        inner = report.fault(location, text.to_string(), false, vec![inner]);
    }
    inner
}

/// The steps from the schema at `base` down to the one at `url`.
fn steps(url: &str, base: &str) -> Vec<Step> {
    let mut steps = Vec::new();
    let Some(rest) = url.strip_prefix(base) else { return steps };
    let mut end = base.len();
    let mut tokens = rest.split('/').skip(1).peekable();
    while let Some(token) = tokens.next() {
        end += 1 + token.len();
        let mut step = Step { applicator: None, property: None, instance: 0, end };
        let argument = match token {
            "allOf" | "anyOf" | "oneOf" => {
                step.applicator = Some(match token {
                    "allOf" => "'allOf' failed",
                    "anyOf" => "'anyOf' failed",
                    _ => "'oneOf' failed, none matched",
                });
                true
            }
            "properties" | "patternProperties" | "prefixItems" => {
                step.instance = 1;
                true
            }
            "additionalProperties" | "unevaluatedProperties" | "additionalItems" | "unevaluatedItems" | "contains" => {
                step.instance = 1;
                false
            }
            "items" => {
                step.instance = 1;
                tokens.peek().is_some_and(|next| next.bytes().all(|byte| byte.is_ascii_digit()))
            }
            "dependentSchemas" | "dependencies" => true,
            "then" | "else" => false,
            _ => break,
        };
        if argument && let Some(argument) = tokens.next() {
            end += 1 + argument.len();
            step.end = end;
            step.property = (token == "properties").then(|| super::unescaped(argument));
        }
        steps.push(step);
    }
    steps
}

fn fault(report: &Report, error: &ValidationError) -> Fault {
    let at = error.instance_location.tokens.as_slice();
    let causes = match &error.kind {
        ErrorKind::Reference { url, .. } | ErrorKind::Schema { url } => list(report, &error.causes, url, at, Parent::Splitting),
        ErrorKind::PropertyName { .. } => {
            list(report, &error.causes, &format!("{}/propertyNames", error.schema_url), &[], Parent::Splitting)
        }
        ErrorKind::Group => list(report, &error.causes, error.schema_url, at, Parent::Group),
        _ => list(report, &error.causes, error.schema_url, at, Parent::Applicator),
    };
    let location = place(report.schema, &error.instance_location.tokens);
    let text = pattern_text(report.schema, error).unwrap_or_else(|| text(&error.kind));
    report.fault(location, text, matches!(error.kind, ErrorKind::Reference { .. }), causes)
}

/// The message about a pattern or reference, or a text that must be one: quoted as written in the schema, in Go's words.
fn pattern_text(schema: &Written, error: &ValidationError) -> Option<String> {
    match &error.kind {
        ErrorKind::Pattern { got, .. } => {
            let written = schema.pattern(error.schema_url)?;
            Some(format!("{} does not match pattern {}", quote(got), quote(written)))
        }
        ErrorKind::Format { want, got, .. } if *want == "regex" => {
            let steps = error.instance_location.tokens.iter().map(|token| match token {
                InstanceToken::Prop(name) => name.to_string(),
                InstanceToken::Item(index) => index.to_string(),
            });
            let (written, fault) = schema.fault(steps, got.as_str()?)?;
            Some(format!("{} is not valid regex: {fault}", quote(written)))
        }
        // In metaschemas the validator uses its own rules, which refuse more; further faults keep its words.
        ErrorKind::Format { want: "uri-reference", got, .. } => {
            let fault = formats::reference(got.as_str()?).err()?;
            Some(format!("{} is not valid uri-reference: {fault}", display(got)))
        }
        ErrorKind::PropertyName { prop } => Some(format!("invalid propertyName {}", quote(schema.key(prop)))),
        _ => None,
    }
}

/// A JSON pointer.
fn pointer(tokens: &[InstanceToken]) -> String {
    joined(tokens, |name| name)
}

/// As [`pointer()`], for display. It may point into the schema, whose keys are shown as written.
fn place(schema: &Written, tokens: &[InstanceToken]) -> String {
    joined(tokens, |name| schema.key(name))
}

fn joined<'a>(tokens: &'a [InstanceToken], shown: impl Fn(&'a str) -> &'a str) -> String {
    let mut out = String::new();
    for token in tokens {
        out.push('/');
        match token {
            InstanceToken::Prop(name) => out.push_str(&shown(name).replace('~', "~0").replace('/', "~1")),
            InstanceToken::Item(index) => out.push_str(&index.to_string()),
        }
    }
    out
}

fn text(kind: &ErrorKind) -> String {
    let counts = |name: &str, got: &usize, want: &usize| format!("{name}: got {}, want {}", grouped(*got), grouped(*want));
    match kind {
        ErrorKind::Group | ErrorKind::Reference { .. } => "validation failed".to_string(),
        ErrorKind::Schema { url } => format!("jsonschema validation failed with {}", quote(url)),
        ErrorKind::ContentSchema => "'contentSchema' failed".to_string(),
        ErrorKind::PropertyName { prop } => format!("invalid propertyName {}", quote(prop)),
        ErrorKind::RefCycle { url, kw_loc1, kw_loc2 } => {
            format!("both {kw_loc1} and {kw_loc2} resolve to {} causing reference cycle", go_quote(url))
        }
        ErrorKind::FalseSchema => "false schema".to_string(),
        ErrorKind::Type { got, want } => {
            let want: Vec<String> = want.iter().map(|kind: Type| kind.to_string()).collect();
            format!("got {got}, want {}", want.join(" or "))
        }
        ErrorKind::Enum { want } if want.iter().any(|value| value.is_array() || value.is_object()) => "'enum' failed".to_string(),
        ErrorKind::Enum { want } => match want.as_slice() {
            [only] => format!("value must be {}", display(only)),
            several => format!("value must be one of {}", several.iter().map(display).collect::<Vec<_>>().join(", ")),
        },
        ErrorKind::Const { want } if want.is_array() || want.is_object() => "'const' failed".to_string(),
        ErrorKind::Const { want } => format!("value must be {}", display(want)),
        ErrorKind::Format { got, want, err } => {
            let want = if *want == formats::REGEX { "regex" } else { want };
            format!("{} is not valid {want}: {err}", display(got))
        }
        ErrorKind::MinProperties { got, want } => counts("minProperties", got, want),
        ErrorKind::MaxProperties { got, want } => counts("maxProperties", got, want),
        ErrorKind::AdditionalProperties { got } => format!("additional properties {} not allowed", quoted(got)),
        ErrorKind::Required { want } => match want.as_slice() {
            [only] => format!("missing property {}", quote(only)),
            several => format!("missing properties {}", quoted(several)),
        },
        ErrorKind::Dependency { prop, missing } | ErrorKind::DependentRequired { prop, missing } => {
            format!("properties {} required, if {} exists", quoted(missing), quote(prop))
        }
        ErrorKind::MinItems { got, want } => counts("minItems", got, want),
        ErrorKind::MaxItems { got, want } => counts("maxItems", got, want),
        ErrorKind::Contains => "no items match contains schema".to_string(),
        ErrorKind::MinContains { got, want } if got.is_empty() => {
            format!("min {} items required to match contains schema, but none matched", grouped(*want))
        }
        ErrorKind::MinContains { got, want } => matched("min", got, *want),
        ErrorKind::MaxContains { got, want } => matched("max", got, *want),
        ErrorKind::UniqueItems { got: [first, second] } => {
            format!("items at {} and {} are equal", grouped(*first), grouped(*second))
        }
        ErrorKind::AdditionalItems { got } => format!("last {} additionalItem(s) not allowed", grouped(*got)),
        ErrorKind::MinLength { got, want } => counts("minLength", got, want),
        ErrorKind::MaxLength { got, want } => counts("maxLength", got, want),
        ErrorKind::Pattern { got, want } => format!("{} does not match pattern {}", quote(got), quote(want)),
        ErrorKind::ContentEncoding { want, err } => format!("value is not {} encoded: {err}", quote(want)),
        ErrorKind::ContentMediaType { want, err, .. } => format!("value if not of mediatype {}: {err}", quote(want)),
        ErrorKind::Minimum { got, want } => bounds("minimum", got, want),
        ErrorKind::Maximum { got, want } => bounds("maximum", got, want),
        ErrorKind::ExclusiveMinimum { got, want } => bounds("exclusiveMinimum", got, want),
        ErrorKind::ExclusiveMaximum { got, want } => bounds("exclusiveMaximum", got, want),
        ErrorKind::MultipleOf { got, want } => bounds("multipleOf", got, want),
        ErrorKind::Not => "'not' failed".to_string(),
        ErrorKind::AllOf => "'allOf' failed".to_string(),
        ErrorKind::AnyOf => "'anyOf' failed".to_string(),
        ErrorKind::OneOf(None) => "'oneOf' failed, none matched".to_string(),
        ErrorKind::OneOf(Some((first, second))) => {
            format!("'oneOf' failed, subschemas {}, {} matched", grouped(*first), grouped(*second))
        }
    }
}

fn matched(bound: &str, got: &[usize], want: usize) -> String {
    let places: Vec<String> = got.iter().map(usize::to_string).collect();
    format!(
        "{bound} {} items required to match contains schema, but matched {} items at {}",
        grouped(want),
        grouped(got.len()),
        places.join(" ")
    )
}

fn bounds(name: &str, got: &serde_json::Number, want: &serde_json::Number) -> String {
    let number = |number: &serde_json::Number| english(number.as_f64().unwrap_or(f64::INFINITY));
    format!("{name}: got {}, want {}", number(got), number(want))
}

fn quoted<S: AsRef<str>>(names: &[S]) -> String {
    names.iter().map(|name| quote(name.as_ref())).collect::<Vec<_>>().join(", ")
}

/// A text in single quotes, escaped as in Go.
fn quote(text: &str) -> String {
    let double = go_quote(text).replace("\\\"", "\"").replace('\'', "\\'");
    let inner = double.get(1..double.len() - 1).unwrap_or_default();
    format!("'{inner}'")
}

fn display(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_string(),
        Value::String(text) => quote(text),
        Value::Array(_) | Value::Object(_) => "value".to_string(),
        other => other.to_string(),
    }
}

/// A count with commas between thousands.
fn grouped(number: usize) -> String {
    separated(&number.to_string())
}

fn separated(digits: &str) -> String {
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A float64 in English: `1,024`, `0.5`, `1.5×10⁰⁷`.
fn english(number: f64) -> String {
    let plain = crate::number::format_g(number);
    let (sign, plain) = match plain.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", plain.as_str()),
    };
    if let Some((digits, exponent)) = plain.split_once('e') {
        let raised: String = exponent
            .chars()
            .filter_map(|character| match character {
                '-' => Some('⁻'),
                '+' => None,
                digit => digit.to_digit(10).and_then(|at| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(usize::try_from(at).ok()?)),
            })
            .collect();
        return format!("{sign}{digits}×10{raised}");
    }
    match plain.split_once('.') {
        Some((whole, fraction)) => format!("{sign}{}.{fraction}", separated(whole)),
        None => format!("{sign}{}", separated(plain)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_english() {
        for (number, want) in [
            (80.0, "80"),
            (1024.0, "1,024"),
            (999_999.0, "999,999"),
            (1e6, "1×10⁰⁶"),
            (12_345_678.0, "1.2345678×10⁰⁷"),
            (-12_345.678, "-12,345.678"),
            (0.000_01, "1×10⁻⁰⁵"),
            (1e300, "1×10³⁰⁰"),
        ] {
            assert_eq!(english(number), want);
        }
    }

    #[test]
    fn quotes_turn_round() {
        assert_eq!(quote("a'b\"c\n"), "'a\\'b\"c\\n'");
    }
}
