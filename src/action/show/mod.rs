//! Shows parts of a chart: what `helm show` does.
//!
//! Goes in: a loaded chart and which part to show. Comes out: the text. Files are shown as read; Chart.yaml is
//! written anew, with sorted keys and without unknown ones. Follows Helm's `pkg/action/show.go`.

pub mod json_path;

use crate::chart::{Chart, File};
use crate::data::Data;
use crate::error::Result;
use json_path::JsonPath;

/// The part of a chart to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    All,
    /// Chart.yaml.
    Definition,
    /// values.yaml, or what a JSONPath template picks from it.
    Values(Option<String>),
    Readme,
    Crds,
}

/// The text of this part of the chart.
///
/// # Errors
/// `error parsing jsonpath TEMPLATE: …`. A template that does not fit the values prints nothing and is not an error, as in Helm.
pub fn run(chart: &Chart, part: &Part) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let all = *part == Part::All;
    if all || *part == Part::Definition {
        out.extend_from_slice(chart.metadata.to_yaml()?.as_bytes());
        out.push(b'\n');
    }
    if let Some(file) = chart.raw("values.yaml") {
        match part {
            Part::Values(Some(template)) => {
                let path = JsonPath::parse(template).map_err(|error| error.context(format!("error parsing jsonpath {template}")))?;
                path.write(&Data::Map(chart.values.clone()), &mut out)?;
            }
            Part::All | Part::Values(None) => {
                // An archive may hold several files of this name.
                let files = chart.content.raw.iter().filter(|other| other.name == file.name);
                files.enumerate().for_each(|(at, file)| line(all && at == 0, &file.data, &mut out));
            }
            _ => {}
        }
    }
    if (all || *part == Part::Readme)
        && let Some(readme) = readme(&chart.content.files)
    {
        line(all, &readme.data, &mut out);
    }
    if all || *part == Part::Crds {
        crds(chart, &mut out);
    }
    Ok(out)
}

/// Appends a file's text and a newline, after a document mark if `marked`.
fn line(marked: bool, text: &[u8], out: &mut Vec<u8>) {
    if marked {
        out.extend_from_slice(b"---\n");
    }
    out.extend_from_slice(text);
    out.push(b'\n');
}

/// The readme at the chart's top, whatever the case of its name.
fn readme(files: &[File]) -> Option<&File> {
    files.iter().find(|file| ["readme.md", "readme.txt", "readme"].iter().any(|name| name.eq_ignore_ascii_case(&file.name)))
}

/// Appends the CRDs of the chart and its subcharts, each after a document mark.
fn crds(chart: &Chart, out: &mut Vec<u8>) {
    for crd in chart.crds() {
        line(!crd.file.data.starts_with(b"---"), &crd.file.data, out);
    }
}
