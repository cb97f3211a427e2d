//! JSONPath templates as kubectl and `helm show values --jsonpath` know them.
//!
//! Goes in: a template such as `{range .items[*]}{.name}{"\n"}{end}` and a tree. Comes out: text. Tables and lists
//! are printed as JSON, everything else as Go prints it; several results of one action are joined by spaces. Where
//! Go's order of map keys is random, ours is the order of the keys. Follows `k8s.io/client-go/util/jsonpath`.

mod parse;

use crate::data::Data;
use crate::error::{Error, ErrorKind, Result};
use crate::json;
use std::cmp::Ordering;

/// A parsed template.
#[derive(Debug, Clone)]
pub struct JsonPath {
    nodes: Vec<Node>,
}

/// One step; an action in braces is a list of steps, each applied to the results of the one before.
#[derive(Debug, Clone)]
enum Node {
    Text(String),
    List(Vec<Node>),
    Field(String),
    Slice([Bound; 3]),
    Filter {
        left: Vec<Node>,
        operator: String,
        right: Vec<Node>,
    },
    /// A number or a boolean.
    Literal(Data),
    Wildcard,
    Recursive,
    Union(Vec<Vec<Node>>),
    Mark(Mark),
    /// A word that means nothing, which is found out only where it is evaluated.
    Unknown,
}

/// The words that open and close a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    Range,
    End,
}

/// One of start, end and step of a slice.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Bound {
    value: i64,
    known: bool,
    /// Whether this is the end implied by a single index.
    derived: bool,
}

/// Why parsing a template failed.
type Fault = String;

/// Most results of all steps together, and most bytes of text: `..` gives each part once for every part that holds it.
const RESULT_LIMIT: usize = 10_000_000;
const TEXT_LIMIT: usize = 64 << 20;

/// Why evaluating a template failed.
enum Failure {
    /// It does not fit the data.
    Unfit,
    /// It has more results, or more text, than allowed.
    Limit(String),
}

/// What a step gives.
type Outcome<T> = std::result::Result<T, Failure>;

/// Counts results.
struct Results(usize);

impl Results {
    fn count(&mut self, more: usize) -> Outcome<()> {
        self.0 = self.0.saturating_add(more);
        if self.0 > RESULT_LIMIT {
            return Err(Failure::Limit(format!("jsonpath has more than {RESULT_LIMIT} results")));
        }
        Ok(())
    }

    fn add(&mut self, found: &mut Vec<Data>, result: &Data) -> Outcome<()> {
        self.count(1)?;
        found.push(result.clone());
        Ok(())
    }
}

impl JsonPath {
    /// Parses a template.
    pub fn parse(template: &str) -> Result<JsonPath> {
        parse::template(template, 0).map(|nodes| JsonPath { nodes }).map_err(|fault| Error::new(ErrorKind::Usage, fault))
    }

    /// Appends the result of the template for `data`; nothing if the template does not fit.
    ///
    /// # Errors
    /// More results, or a longer text, than any template needs.
    pub fn write(&self, data: &Data, out: &mut Vec<u8>) -> Result<()> {
        let limit = |text: String| Err(Error::new(ErrorKind::Limit, text));
        let mut results = Vec::new();
        match block(&self.nodes, data, false, &mut results, &mut Results(0)) {
            Ok(_) => {}
            Err(Failure::Unfit) => return Ok(()),
            Err(Failure::Limit(text)) => return limit(text),
        }
        let from = out.len();
        for results in results {
            for (at, result) in results.iter().enumerate() {
                if at > 0 {
                    out.push(b' ');
                }
                print(result, out);
                if out.len() - from > TEXT_LIMIT {
                    return limit(format!("jsonpath gives a text longer than {TEXT_LIMIT} bytes"));
                }
            }
        }
        Ok(())
    }
}

/// Evaluates the nodes up to the end of the block or of the template. Returns how many nodes there are up to the last end that was
/// met, none if there was none: there client-go goes on behind a range, even behind one that was never closed.
fn block(nodes: &[Node], data: &Data, in_range: bool, found: &mut Vec<Vec<Data>>, results: &mut Results) -> Outcome<usize> {
    let input = vec![data.clone()];
    let (mut at, mut last_end) = (0, 0);
    while let Some(node) = nodes.get(at) {
        at += 1;
        results.count(1)?;
        match node {
            Node::List(steps) if has(steps, Mark::End) => {
                return if in_range { Ok(at) } else { Err(Failure::Unfit) };
            }
            Node::List(steps) if has(steps, Mark::Range) => {
                let items = list(steps, input.clone(), results)?;
                let body = &nodes[at..];
                let mut taken = 0;
                for item in &items {
                    taken = Some(block(body, item, true, found, results)?).filter(|taken| *taken > 0).unwrap_or(taken);
                }
                if items.is_empty() {
                    // Nothing is printed, but the nodes must fit, and the end of the range must be found.
                    taken = block(body, &Data::Null, true, &mut Vec::new(), results)?;
                }
                at += taken;
                last_end = if taken > 0 { at } else { last_end };
            }
            _ => found.push(walk(node, input.clone(), results)?),
        }
    }
    Ok(last_end)
}

/// Whether one of the steps is this mark.
fn has(steps: &[Node], mark: Mark) -> bool {
    steps.iter().any(|step| matches!(step, Node::Mark(found) if *found == mark))
}

fn list(steps: &[Node], input: Vec<Data>, results: &mut Results) -> Outcome<Vec<Data>> {
    steps.iter().try_fold(input, |values, step| walk(step, values, results))
}

fn walk(node: &Node, input: Vec<Data>, results: &mut Results) -> Outcome<Vec<Data>> {
    match node {
        Node::Text(text) => Ok(vec![Data::str(text.as_str())]),
        Node::List(steps) => list(steps, input, results),
        Node::Literal(number) => {
            results.count(input.len())?;
            Ok(vec![number.clone(); input.len()])
        }
        Node::Field(name) => field(name, &input, results),
        Node::Slice(bounds) => slice(bounds, &input, results),
        Node::Wildcard => {
            let mut found = Vec::new();
            for value in &input {
                found.extend(children(value, results)?);
            }
            Ok(found)
        }
        Node::Recursive => {
            let mut found = Vec::new();
            for value in &input {
                descend(value, &mut found, results)?;
            }
            Ok(found)
        }
        Node::Union(lists) => {
            let mut found = Vec::new();
            for steps in lists {
                results.count(input.len())?;
                found.extend(list(steps, input.clone(), results)?);
            }
            Ok(found)
        }
        Node::Filter { left, operator, right } => filter(left, operator, right, &input, results),
        Node::Mark(Mark::Range) => Ok(input),
        Node::Mark(Mark::End) => Ok(Vec::new()),
        Node::Unknown => Err(Failure::Unfit),
    }
}

fn field(name: &str, input: &[Data], results: &mut Results) -> Outcome<Vec<Data>> {
    if input.is_empty() {
        return Ok(Vec::new());
    }
    let found: Vec<Data> = input.iter().filter_map(Data::as_map).filter_map(|map| map.get(name)).cloned().collect();
    results.count(found.len())?;
    if found.is_empty() { Err(Failure::Unfit) } else { Ok(found) }
}

fn slice(bounds: &[Bound; 3], input: &[Data], results: &mut Results) -> Outcome<Vec<Data>> {
    let mut found = Vec::new();
    for value in input.iter().filter(|value| !value.is_null()) {
        let Some(items) = value.as_list() else { return Err(Failure::Unfit) };
        let length = i64::try_from(items.len()).unwrap_or(i64::MAX);
        let [start, end, step] = bounds;
        let mut from = if start.known { start.value } else { 0 };
        if from < 0 {
            from = from.saturating_add(length);
        }
        let mut to = if end.known { end.value } else { length };
        if to < 0 || (to == 0 && end.derived) {
            to = to.saturating_add(length);
        }
        if from == to {
            return Ok(found);
        }
        let is_within = (0..length).contains(&from) && (from..=length).contains(&to);
        if !is_within || (step.known && step.value <= 0) {
            return Err(Failure::Unfit);
        }
        let stride = if step.known { usize::try_from(step.value).unwrap_or(usize::MAX) } else { 1 };
        let range = usize::try_from(from).unwrap_or(0)..usize::try_from(to).unwrap_or(0);
        for item in items.get(range).unwrap_or_default().iter().step_by(stride) {
            results.add(&mut found, item)?;
        }
    }
    Ok(found)
}

fn children(value: &Data, results: &mut Results) -> Outcome<Vec<Data>> {
    results.count(match value {
        Data::Map(map) => map.len(),
        Data::List(items) => items.len(),
        Data::Str(text) => text.len(),
        _ => 0,
    })?;
    Ok(match value {
        Data::Map(map) => map.iter().map(|(_, value)| value.clone()).collect(),
        Data::List(items) => items.to_vec(),
        // Go sees the bytes of a string here.
        Data::Str(text) => text.bytes().map(|byte| Data::Int(i64::from(byte))).collect(),
        _ => Vec::new(),
    })
}

fn descend(value: &Data, found: &mut Vec<Data>, results: &mut Results) -> Outcome<()> {
    if let Data::Str(text) = value {
        // Its bytes have no parts.
        return if text.is_empty() { Ok(()) } else { results.add(found, value) };
    }
    let children = children(value, results)?;
    if !children.is_empty() {
        results.add(found, value)?;
        for child in &children {
            descend(child, found, results)?;
        }
    }
    Ok(())
}

fn filter(left: &[Node], operator: &str, right: &[Node], input: &[Data], results: &mut Results) -> Outcome<Vec<Data>> {
    let mut found = Vec::new();
    for value in input {
        let Some(items) = value.as_list() else { return Err(Failure::Unfit) };
        for item in items.iter() {
            results.count(1)?;
            let lefts = list(left, vec![item.clone()], results);
            if operator == "exists" {
                match lefts {
                    Ok(lefts) if !lefts.is_empty() => found.push(item.clone()),
                    Err(Failure::Limit(text)) => return Err(Failure::Limit(text)),
                    _ => {}
                }
                continue;
            }
            let lefts = lefts?;
            let Some(a) = lefts.first() else { continue };
            let rights = if lefts.len() == 1 { list(right, vec![item.clone()], results)? } else { Vec::new() };
            if lefts.len() > 1 || rights.len() > 1 {
                return Err(Failure::Unfit);
            }
            let Some(b) = rights.first() else { continue };
            if passes(a, operator, b)? {
                found.push(item.clone());
            }
        }
    }
    Ok(found)
}

/// Whether `a operator b` holds; values of different kinds cannot be compared. Numbers in values are floats, and `1` is none.
fn passes(a: &Data, operator: &str, b: &Data) -> Outcome<bool> {
    let order = match (a, b) {
        (Data::Bool(a), Data::Bool(b)) if matches!(operator, "==" | "!=") => Some(a.cmp(b)),
        (Data::Int(a), Data::Int(b)) => Some(a.cmp(b)),
        (Data::Float(a), Data::Float(b)) => a.partial_cmp(b),
        (Data::Str(a), Data::Str(b)) => Some(a.cmp(b)),
        _ => return Err(Failure::Unfit),
    };
    Ok(match operator {
        "==" => order == Some(Ordering::Equal),
        "!=" => order != Some(Ordering::Equal),
        "<" => order == Some(Ordering::Less),
        "<=" => matches!(order, Some(Ordering::Less | Ordering::Equal)),
        ">" => order == Some(Ordering::Greater),
        ">=" => matches!(order, Some(Ordering::Greater | Ordering::Equal)),
        _ => return Err(Failure::Unfit),
    })
}

fn print(value: &Data, out: &mut Vec<u8>) {
    match value {
        Data::Null => out.extend_from_slice(b"null"),
        Data::Bool(truth) => out.extend_from_slice(truth.to_string().as_bytes()),
        Data::Int(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Data::Float(number) => out.extend_from_slice(crate::number::format_g(*number).as_bytes()),
        Data::Str(text) => out.extend_from_slice(text.as_bytes()),
        Data::Bytes(text) => out.extend_from_slice(text),
        // Writing fails only for numbers that JSON cannot represent, and values hold none.
        Data::List(_) | Data::Map(_) => out.extend_from_slice(&json::to_vec(value).unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Map;

    fn tree() -> Data {
        let map = |entries: Vec<(&str, Data)>| Data::map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect::<Map>());
        let item = |name: &str, count: f64| map(vec![("name", Data::str(name)), ("count", Data::Float(count))]);
        let nest = |subs: Vec<f64>| {
            let subs = subs.into_iter().map(Data::Float).collect();
            map(vec![("subs", Data::list(subs)), ("none", Data::list(Vec::new()))])
        };
        map(vec![
            ("items", Data::list(vec![item("a", 1.0), item("b", 2.5), item("c", 3.0)])),
            ("image", map(vec![("name", Data::str("nginx")), ("a.b", Data::Bool(true))])),
            ("none", Data::Null),
            ("nests", Data::list(vec![nest(vec![1.0, 2.0]), nest(vec![3.0])])),
        ])
    }

    fn text(template: &str) -> String {
        let mut out = Vec::new();
        JsonPath::parse(template).unwrap().write(&tree(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    /// Recorded from `helm show values --jsonpath` 4.2.4 on the same tree.
    #[test]
    fn templates_pick_as_kubectl_does() {
        let cases = [
            ("{.image.name}", "nginx"),
            ("x{.image.name}y", "xnginxy"),
            ("{.items[*].name}", "a b c"),
            ("{.items[0].name}{.items[-1].name}", "ac"),
            ("{.items[0:2].name}", "a b"),
            ("{.items[::2].name}", "a c"),
            ("{.items[0,2].name}", "a c"),
            ("{range .items[*]}{.name}={.count}{\"\\n\"}{end}!", "a=1\nb=2.5\nc=3\n!"),
            ("{.items[?(@.count > 2.0)].name}", "b c"),
            ("{.items[?(@.count > 2)].name}", ""),
            ("{.items[?(@.count == 1)].name}", ""),
            ("{.items[?(@.count == 1.0)].name}", "a"),
            ("{.items[?(@.count != 1)].name}", ""),
            ("{.items[?(1 == 1)].name}", "a b c"),
            ("{.items[?(1 < 2.5)].name}", ""),
            ("before {nope}", ""),
            ("{.items[?(@.name == \"b\")].count}", "2.5"),
            ("{.items[?(@.nope)].name}|", "|"),
            ("{.image['a\\.b']}", "true"),
            ("{.image}", "{\"a.b\":true,\"name\":\"nginx\"}"),
            ("{..name}", "nginx a b c"),
            ("{.image.*}", "true nginx"),
            ("{.none}", "null"),
            ("{.nope}", ""),
            ("before {.nope}", ""),
            ("{.items[7]}", ""),
            ("{@.image.name}{$.image.name}", "nginxnginx"),
            ("{range .items[*]}x", "xxxx"),
            ("{range .items[*]}x{\"y\"}", "xyxyxyxy"),
            ("{range .nests[0].none[*]}x", "x"),
            ("{range .nests[0].none[*]}x{end}y{range .items[*]}z", "yzzzz"),
            ("a{range .items[*]}b{end}c{range .items[*]}d", "abbbcdddd"),
            ("{range .nests[*]}{range .subs[*]}y{end}x", "yyxyxx"),
            ("{range .nests[*]}{range .none[*]}y{end}x", "xxx"),
            ("{range .nests[*]}{range .subs[*]}{@}{end}x{end}{\"z\"}{range .items[*]}w", "12x3xzwwww"),
            ("{range .nests[*]}a{range .subs[*]}b", ""),
            ("{range .nests[*]}{range .subs[*]}b{end}c", "bbcbcc"),
            ("{range .nests[0].none[*]}{.name}{end}x", ""),
            ("{range .nests[0].none[*]}{range .none[*]}y{end}{end}x", ""),
            ("{range .nests[0].none[*]}{\"y\"}{end}x", "x"),
            ("{range .nests[*].none[*]}{range $.items[*]}{.name}{end}{end}x", ""),
            ("{range .nests[0].none[*]}{@.*}{end}x", "x"),
            ("{range .nests[0].none[*]}{..name}{end}x", "x"),
            ("{range .nests[*]}{range .none[*]}{.a}{end}{end}x", ""),
        ];
        for (template, want) in cases {
            assert_eq!(text(template), want, "{template}");
        }
    }

    #[test]
    fn what_is_no_template_is_refused() {
        for template in ["{.a", "{.a[1}", "{.a[x]}", "{'x}", "{.a[?(@.b]}", "{^}", "{....}"] {
            assert!(JsonPath::parse(template).is_err(), "{template}");
        }
    }

    #[test]
    fn results_are_counted() {
        let deep = (0..60).fold(Data::str("x"), |inner, _| Data::map([("a".into(), inner)].into_iter().collect::<Map>()));
        let write = |template: &str| JsonPath::parse(template).unwrap().write(&deep, &mut Vec::new()).map_err(|error| error.to_string());
        assert_eq!(write("{..a..a}"), Ok(()));
        let limit = Err("jsonpath has more than 10000000 results".to_string());
        assert_eq!(write(&format!("{{{}}}", "..a".repeat(20))), limit);
        assert_eq!(write(&format!("{{.a[?(@{})]}}", "..a".repeat(20))), Ok(()), "a map is no list");
    }
}
