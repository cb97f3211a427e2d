//! Flags that commands share, as clap types, and the readers of their values.
//!
//! Goes in: words of the command line. Comes out: typed flag groups to `#[command(flatten)]` into a command's own.
//! Values are read as pflag reads them: booleans in Go's spellings, comma lists as CSV. Follows Helm's `pkg/cmd/flags.go`.

use super::environment::Color;
use super::printer::ErrorFormat;
use crate::error::Error;
use crate::repository::ChartOptions;
use clap::Args;

/// The flags that every command takes.
#[derive(Debug, Clone, Default, Args)]
pub struct GlobalArguments {
    /// client-side default throttling limit
    #[arg(long, value_name = "int", help = "client-side default throttling limit (default 100)")]
    pub burst_limit: Option<i64>,
    /// use colored output (never, auto, always)
    #[arg(long, alias = "colour", value_name = "string", value_parser = color)]
    pub color: Option<Color>,
    /// path to the directory containing cached content (e.g. charts)
    #[arg(long, value_name = "string")]
    pub content_cache: Option<String>,
    /// enable verbose output
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = boolean, value_name = "")]
    pub debug: Option<bool>,
    /// how errors are shown: `human`, `helm` or `json` (default: human on a terminal, else helm)
    #[arg(long, value_name = "string", value_parser = error_format)]
    pub error_format: Option<ErrorFormat>,
    /// the address and the port for the Kubernetes API server
    #[arg(long, value_name = "string")]
    pub kube_apiserver: Option<String>,
    /// group to impersonate for the operation, this flag can be repeated to specify multiple groups.
    #[arg(
        help = "group to impersonate for the operation, this flag can be repeated to specify multiple groups.",
        long,
        value_name = "stringArray"
    )]
    pub kube_as_group: Vec<String>,
    /// username to impersonate for the operation
    #[arg(long, value_name = "string")]
    pub kube_as_user: Option<String>,
    /// the certificate authority file for the Kubernetes API server connection
    #[arg(long, value_name = "string")]
    pub kube_ca_file: Option<String>,
    /// name of the kubeconfig context to use
    #[arg(long, value_name = "string")]
    pub kube_context: Option<String>,
    /// if true, the Kubernetes API server's certificate will not be checked for validity. This will make your HTTPS connections insecure
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = boolean, value_name = "")]
    pub kube_insecure_skip_tls_verify: Option<bool>,
    /// server name to use for Kubernetes API server certificate validation. If it is not provided, the hostname used to contact the server is used
    #[arg(long, value_name = "string")]
    pub kube_tls_server_name: Option<String>,
    /// bearer token used for authentication
    #[arg(long, value_name = "string")]
    pub kube_token: Option<String>,
    /// path to the kubeconfig file
    #[arg(long, value_name = "string")]
    pub kubeconfig: Option<String>,
    /// namespace scope for this request
    #[arg(short, long, value_name = "string")]
    pub namespace: Option<String>,
    /// queries per second used when communicating with the Kubernetes API, not including bursting
    #[arg(long, value_name = "float32")]
    pub qps: Option<f32>,
    /// path to the registry config file
    #[arg(long, value_name = "string")]
    pub registry_config: Option<String>,
    /// path to the directory containing cached repository indexes
    #[arg(long, value_name = "string")]
    pub repository_cache: Option<String>,
    /// path to the file containing repository names and URLs
    #[arg(long, value_name = "string")]
    pub repository_config: Option<String>,
}

/// `-f` and the `--set` family.
#[derive(Debug, Clone, Default, Args)]
pub struct ValueArguments {
    /// set values on the command line (can specify multiple or separate values with commas: key1=val1,key2=val2)
    #[arg(long, value_name = "stringArray")]
    pub set: Vec<String>,
    /// set values from respective files specified via the command line (can specify multiple or separate values with commas: key1=path1,key2=path2)
    #[arg(long, value_name = "stringArray")]
    pub set_file: Vec<String>,
    /// set JSON values on the command line (can specify multiple or separate values with commas: key1=jsonval1,key2=jsonval2 or using json format: {"key1": jsonval1, "key2": "jsonval2"})
    #[arg(long, value_name = "stringArray")]
    pub set_json: Vec<String>,
    /// set a literal STRING value on the command line
    #[arg(long, value_name = "stringArray")]
    pub set_literal: Vec<String>,
    /// set STRING values on the command line (can specify multiple or separate values with commas: key1=val1,key2=val2)
    #[arg(long, value_name = "stringArray")]
    pub set_string: Vec<String>,
    /// specify values in a YAML file or a URL (can specify multiple)
    #[arg(short = 'f', long = "values", value_name = "strings", value_parser = comma_list)]
    pub values: Vec<CommaList>,
}

impl ValueArguments {
    /// The values files in the order given, comma lists taken apart.
    pub fn files(&self) -> Vec<String> {
        flatten(&self.values)
    }
}

/// How to reach the server that has a chart.
#[derive(Debug, Clone, Default, Args)]
pub struct ServerArguments {
    /// verify certificates of HTTPS-enabled servers using this CA bundle
    #[arg(long, value_name = "string")]
    pub ca_file: Option<String>,
    /// identify HTTPS client using this SSL certificate file
    #[arg(long, value_name = "string")]
    pub cert_file: Option<String>,
    /// skip tls certificate checks for the chart download
    #[arg(long)]
    pub insecure_skip_tls_verify: bool,
    /// identify HTTPS client using this SSL key file
    #[arg(long, value_name = "string")]
    pub key_file: Option<String>,
    /// chart repository password where to locate the requested chart
    #[arg(long, value_name = "string")]
    pub password: Option<String>,
    /// use insecure HTTP connections for the chart download
    #[arg(long)]
    pub plain_http: bool,
    /// chart repository username where to locate the requested chart
    #[arg(long, value_name = "string")]
    pub username: Option<String>,
}

impl ServerArguments {
    /// The options with only these set.
    pub fn options(&self) -> Result<ChartOptions, Error> {
        let text = |flag: &Option<String>| flag.clone().unwrap_or_default();
        let options = ChartOptions {
            username: text(&self.username),
            password: text(&self.password),
            cert_file: text(&self.cert_file),
            key_file: text(&self.key_file),
            ca_file: text(&self.ca_file),
            insecure_skip_tls_verify: self.insecure_skip_tls_verify,
            plain_http: self.plain_http,
            ..ChartOptions::default()
        };
        options.check_tls_files().map(|()| options)
    }
}

/// Where a chart comes from and how to reach it.
#[derive(Debug, Clone, Default, Args)]
pub struct ChartSourceArguments {
    #[command(flatten)]
    pub server: ServerArguments,
    /// location of public keys used for verification
    #[arg(long, value_name = "string")]
    pub keyring: Option<String>,
    /// fetch nothing: what is not cached is an error (not in Helm)
    #[arg(long)]
    pub offline: bool,
    /// pass credentials to all domains
    #[arg(long)]
    pub pass_credentials: bool,
    /// chart repository url where to locate the requested chart
    #[arg(long, value_name = "string")]
    pub repo: Option<String>,
    /// verify the package before using it
    #[arg(long)]
    pub verify: bool,
    /// specify a version constraint for the chart version to use. This constraint can be a specific tag (e.g. 1.1.1) or it may reference a valid range (e.g. ^2.0.0). If this is not specified, the latest version is used
    #[arg(long, value_name = "string")]
    pub version: Option<String>,
}

/// The items of one comma list; a type of its own because clap would take a plain `Vec` apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommaList(pub Vec<String>);

/// All items of repeated comma lists, in order.
pub fn flatten(lists: &[CommaList]) -> Vec<String> {
    lists.iter().flat_map(|list| list.0.iter().cloned()).collect()
}

/// Reads a boolean in the spellings of Go's `strconv.ParseBool`.
pub fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err(format!("strconv.ParseBool: parsing {text:?}: invalid syntax")),
    }
}

/// How a list is printed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum OutputFormat {
    #[default]
    Table,
    Json,
    Yaml,
}

/// Reads `--output`.
pub fn output_format(text: &str) -> Result<OutputFormat, String> {
    match text {
        "table" => Ok(OutputFormat::Table),
        "json" => Ok(OutputFormat::Json),
        "yaml" => Ok(OutputFormat::Yaml),
        _ => Err("invalid format type".to_string()),
    }
}

/// Reads a duration as Go writes them: `2m0s`, `1.5h`, `300ms`; a plain `0` too.
pub fn duration(text: &str) -> Result<std::time::Duration, String> {
    let invalid = || format!("time: invalid duration {text:?}");
    if text == "0" {
        return Ok(std::time::Duration::ZERO);
    }
    let mut seconds = 0.0;
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest.is_empty() {
        return Err(invalid());
    }
    while !rest.is_empty() {
        if !rest.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return Err(invalid());
        }
        let digits =
            rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(|| format!("time: missing unit in duration {text:?}"))?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let scale = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return Err(format!("time: unknown unit {unit:?} in duration {text:?}")),
        };
        seconds += number.parse::<f64>().map_err(|_| invalid())? * scale;
        rest = tail;
    }
    std::time::Duration::try_from_secs_f64(seconds).map_err(|_| invalid())
}

/// Reads `--color`.
pub fn color(text: &str) -> Result<Color, String> {
    match text {
        "never" => Ok(Color::Never),
        "auto" => Ok(Color::Auto),
        "always" => Ok(Color::Always),
        _ => Err(format!("invalid color mode {text:?}: must be one of: never, auto, always")),
    }
}

/// Reads `--error-format`.
pub fn error_format(text: &str) -> Result<ErrorFormat, String> {
    match text {
        "auto" => Ok(ErrorFormat::Auto),
        "human" => Ok(ErrorFormat::Human),
        "helm" => Ok(ErrorFormat::Helm),
        "json" => Ok(ErrorFormat::Json),
        _ => Err(format!("unknown error format {text:?}: must be one of: human, helm, json")),
    }
}

/// Reads one line of CSV as pflag's StringSlice does with Go's `encoding/csv`: an empty text is no item.
pub fn comma_list(text: &str) -> Result<CommaList, String> {
    let mut items = Vec::new();
    if text.is_empty() {
        return Ok(CommaList(items));
    }
    let mut rest = text;
    loop {
        let Some(quoted) = rest.strip_prefix('"') else {
            let (item, tail) = rest.split_once(',').map_or((rest, None), |(item, tail)| (item, Some(tail)));
            if let Some(at) = item.find('"') {
                let column = text.len() - rest.len() + at + 1;
                return Err(format!("parse error on line 1, column {column}: bare \" in non-quoted-field"));
            }
            items.push(item.to_string());
            match tail {
                Some(tail) => rest = tail,
                None => return Ok(CommaList(items)),
            }
            continue;
        };
        let (item, tail) = quoted_item(quoted).ok_or_else(|| {
            let column = text.len() + 1;
            format!("parse error on line 1, column {column}: extraneous or missing \" in quoted-field")
        })?;
        items.push(item);
        match tail.strip_prefix(',') {
            Some(tail) => rest = tail,
            None => return Ok(CommaList(items)),
        }
    }
}

/// The item up to its closing quote, two quotes standing for one, and what follows, which must be a comma or the end.
fn quoted_item(mut rest: &str) -> Option<(String, &str)> {
    let mut item = String::new();
    loop {
        let (part, tail) = rest.split_once('"')?;
        item.push_str(part);
        match tail.strip_prefix('"') {
            Some(tail) => {
                item.push('"');
                rest = tail;
            }
            None if tail.is_empty() || tail.starts_with(',') => return Some((item, tail)),
            None => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comma_lists_are_csv() {
        let items = |text: &str| comma_list(text).map(|list| list.0);
        assert_eq!(items(""), Ok(vec![]));
        assert_eq!(items("a,b"), Ok(vec!["a".to_string(), "b".to_string()]));
        assert_eq!(items("a,"), Ok(vec!["a".to_string(), String::new()]));
        assert_eq!(items("\"a,b\",c"), Ok(vec!["a,b".to_string(), "c".to_string()]));
        assert_eq!(items("\"a\"\"b\""), Ok(vec!["a\"b".to_string()]));
        assert!(items("a\"b").is_err());
        assert!(items("\"a").is_err());
        assert!(items("\"a\"b").is_err());
    }

    #[test]
    fn booleans_are_spelled_as_in_go() {
        assert_eq!(boolean("T"), Ok(true));
        assert_eq!(boolean("0"), Ok(false));
        assert_eq!(boolean("yes"), Err("strconv.ParseBool: parsing \"yes\": invalid syntax".to_string()));
    }
}
