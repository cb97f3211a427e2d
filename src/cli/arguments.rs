//! Flags that commands share, as clap types, and the readers of their values.
//!
//! Goes in: words of the command line. Comes out: typed flag groups to `#[command(flatten)]` into a command's own.
//! Values are read as pflag reads them: booleans in Go's spellings, comma lists as CSV. Follows Helm's `pkg/cmd/flags.go`.

use super::environment::Color;
use super::printer::ErrorFormat;
use crate::error::Error;
use crate::number::{self, NumberFault};
use crate::quote::quote;
use crate::repository::ChartOptions;
use crate::repository::access::TlsOptions;
use clap::Args;

/// The flags that every command takes.
#[derive(Debug, Clone, Default, Args)]
pub struct GlobalArguments {
    /// client-side default throttling limit
    #[arg(long, value_name = "int", value_parser = integer, help = "client-side default throttling limit (default 100)")]
    pub burst_limit: Option<i64>,
    /// use colored output (never, auto, always)
    #[arg(long, visible_alias = "colour", value_name = "string")]
    pub color: Option<String>,
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
    #[arg(long, value_name = "float32", value_parser = float32)]
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
    #[command(flatten)]
    pub logging: LoggingArguments,
}

/// Helm's hidden flags for the log of Kubernetes' libraries, which scripts may give. There is no such log here: they are read, so that a
/// wrong value is an error as in Helm, and do nothing.
#[derive(Debug, Clone, Default, Args)]
pub struct LoggingArguments {
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = go_flag_boolean)]
    add_dir_header: Option<bool>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = go_flag_boolean)]
    alsologtostderr: Option<bool>,
    #[arg(long, hide = true, value_parser = severity)]
    alsologtostderrthreshold: Option<i64>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = go_flag_boolean)]
    legacy_stderr_threshold_behavior: Option<bool>,
    #[arg(long, hide = true)]
    log_backtrace_at: Option<String>,
    #[arg(long, hide = true)]
    log_dir: Option<String>,
    #[arg(long, hide = true)]
    log_file: Option<String>,
    #[arg(long, hide = true, value_parser = go_flag_unsigned)]
    log_file_max_size: Option<u64>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = go_flag_boolean)]
    logtostderr: Option<bool>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = go_flag_boolean)]
    one_output: Option<bool>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = go_flag_boolean)]
    skip_headers: Option<bool>,
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true", value_parser = go_flag_boolean)]
    skip_log_headers: Option<bool>,
    #[arg(long, hide = true, value_parser = severity)]
    stderrthreshold: Option<i64>,
    #[arg(short, long, hide = true, value_parser = log_level)]
    v: Option<i64>,
    #[arg(long, hide = true)]
    vmodule: Option<String>,
}

/// The long global flags that take no value from the next word.
pub const GLOBAL_SWITCHES: [&str; 9] = [
    "debug",
    "kube-insecure-skip-tls-verify",
    "add-dir-header",
    "alsologtostderr",
    "legacy-stderr-threshold-behavior",
    "logtostderr",
    "one-output",
    "skip-headers",
    "skip-log-headers",
];

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
    /// The values files in the order given, with comma lists split.
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
            tls: TlsOptions {
                cert_file: text(&self.cert_file),
                key_file: text(&self.key_file),
                ca_file: text(&self.ca_file),
                insecure_skip_tls_verify: self.insecure_skip_tls_verify,
            },
            plain_http: self.plain_http,
            ..ChartOptions::default()
        };
        let options = without_plain_http_over_tls(options);
        options.check_tls_files().map(|()| options)
    }
}

/// The options without `--plain-http` if another flag is about TLS: Helm's `newRegistryClient` ignores it then.
pub fn without_plain_http_over_tls(options: ChartOptions) -> ChartOptions {
    ChartOptions { plain_http: options.plain_http && !options.tls.is_asked_for(), ..options }
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

/// The items of one comma list; a separate type because clap would flatten a plain `Vec`.
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
        _ => Err(format!("strconv.ParseBool: parsing {}: invalid syntax", quote(text))),
    }
}

/// Reads an integer as Go's `strconv.ParseInt` with base 0, as pflag does.
pub fn integer(text: &str) -> Result<i64, String> {
    number::parse_int(text.as_bytes(), 0).map_err(|fault| number_fault("ParseInt", text, fault.reason()))
}

/// Reads an unsigned integer as Go's `strconv.ParseUint` with base 0.
pub fn unsigned(text: &str) -> Result<usize, String> {
    let fault = |reason: &str| number_fault("ParseUint", text, reason);
    let value = number::parse_uint(text.as_bytes(), 0).map_err(|error| fault(error.reason()))?;
    usize::try_from(value).map_err(|_| fault("value out of range"))
}

/// Reads a number as Go's `strconv.ParseFloat` does for 32 bits.
pub fn float32(text: &str) -> Result<f32, String> {
    let fault = |reason: &str| number_fault("ParseFloat", text, reason);
    let value = number::parse_float(text.as_bytes()).map_err(|error| fault(error.reason()))?;
    let narrow = value as f32;
    if narrow.is_infinite() && value.is_finite() { Err(fault("value out of range")) } else { Ok(narrow) }
}

fn number_fault(function: &str, text: &str, reason: &str) -> String {
    format!("strconv.{function}: parsing {}: {reason}", quote(text))
}

/// Reads a boolean as Go's `flag` package does; its error gives no reason.
fn go_flag_boolean(text: &str) -> Result<bool, String> {
    boolean(text).map_err(|_| "parse error".to_string())
}

/// Reads an unsigned number as Go's `flag` package does.
fn go_flag_unsigned(text: &str) -> Result<u64, String> {
    number::parse_uint(text.as_bytes(), 0).map_err(|fault| match fault {
        NumberFault::Syntax => "parse error".to_string(),
        NumberFault::Range(_) => fault.reason().to_string(),
    })
}

/// Reads a log level: a decimal integer of 32 bits.
fn log_level(text: &str) -> Result<i64, String> {
    let fault = |reason: &str| number_fault("ParseInt", text, reason);
    let level = number::parse_int(text.as_bytes(), 10).map_err(|error| fault(error.reason()))?;
    i32::try_from(level).map(i64::from).map_err(|_| fault("value out of range"))
}

/// Reads a log severity: its name or a level.
fn severity(text: &str) -> Result<i64, String> {
    match text.to_uppercase().as_str() {
        "INFO" => Ok(0),
        "WARNING" => Ok(1),
        "ERROR" => Ok(2),
        "FATAL" => Ok(3),
        _ => log_level(text),
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

/// Reads a duration as Go's `time.ParseDuration`: `2m0s`, `1.5h`, `300ms`; also a plain `0`. A negative
/// duration becomes zero, since both mean no limit to Helm's clients.
pub fn duration(text: &str) -> Result<std::time::Duration, String> {
    let duration = crate::time::Duration::parse(text.as_bytes())?;
    Ok(std::time::Duration::from_nanos(u64::try_from(duration.0).unwrap_or(0)))
}

/// Reads `--color`.
pub fn color(text: &str) -> Result<Color, String> {
    match text {
        "never" => Ok(Color::Never),
        "auto" => Ok(Color::Auto),
        "always" => Ok(Color::Always),
        _ => Err(format!("invalid color mode {}: must be one of: never, auto, always", crate::quote::quote(text.as_bytes()))),
    }
}

/// Reads `--error-format`.
pub fn error_format(text: &str) -> Result<ErrorFormat, String> {
    match text {
        "auto" => Ok(ErrorFormat::Auto),
        "human" => Ok(ErrorFormat::Human),
        "helm" => Ok(ErrorFormat::Helm),
        "json" => Ok(ErrorFormat::Json),
        _ => Err(format!("unknown error format {}: must be one of: human, helm, json", quote(text))),
    }
}

/// Reads the first CSV record as pflag's StringSlice does with Go's `encoding/csv`: an empty text has no items,
/// leading empty lines are skipped, and lines after the record are ignored.
pub fn comma_list(text: &str) -> Result<CommaList, String> {
    let mut items = Vec::new();
    if text.is_empty() {
        return Ok(CommaList(items));
    }
    let mut rest = text;
    while let Some(after) = rest.strip_prefix('\n').or_else(|| rest.strip_prefix("\r\n")) {
        rest = after;
    }
    if rest.is_empty() {
        return Err("EOF".to_string());
    }
    loop {
        let Some(quoted) = rest.strip_prefix('"') else {
            let (item, tail) = match rest.find([',', '\n']).map(|at| rest.split_at(at)) {
                Some((item, tail)) => (item, tail.strip_prefix(',')),
                None => (rest, None),
            };
            let item = if tail.is_none() { item.strip_suffix('\r').unwrap_or(item) } else { item };
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

/// The item up to its closing quote, with doubled quotes unescaped, and the rest, which must start with a comma or end the line.
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
            None if ["", "\r"].contains(&tail) || [",", "\n", "\r\n"].iter().any(|end| tail.starts_with(end)) => return Some((item, tail)),
            None => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // As in Helm's `newRegistryClient`, where half a certificate pair counts as none.
    #[test]
    fn a_flag_about_tls_takes_plain_http_away() {
        let text = |text: &str| Some(text.to_string());
        for (server, plain_http) in [
            (ServerArguments::default(), true),
            (ServerArguments { insecure_skip_tls_verify: true, ..ServerArguments::default() }, false),
            (ServerArguments { ca_file: text("testdata/tls/self-signed.pem"), ..ServerArguments::default() }, false),
        ] {
            let options = ServerArguments { plain_http: true, ..server.clone() }.options().expect("options");
            assert_eq!(options.plain_http, plain_http, "{server:?}");
        }
        for (cert_file, key_file, plain_http) in [("c.pem", "", true), ("", "k.pem", true), ("c.pem", "k.pem", false)] {
            let tls = TlsOptions { cert_file: cert_file.to_string(), key_file: key_file.to_string(), ..TlsOptions::default() };
            assert_eq!(
                without_plain_http_over_tls(ChartOptions { plain_http: true, tls, ..ChartOptions::default() }).plain_http,
                plain_http
            );
        }
    }

    #[test]
    fn comma_lists_are_csv() {
        let items = |text: &str| comma_list(text).map(|list| list.0);
        assert_eq!(items(""), Ok(vec![]));
        assert_eq!(items("a,b"), Ok(vec!["a".to_string(), "b".to_string()]));
        assert_eq!(items("a,"), Ok(vec!["a".to_string(), String::new()]));
        assert_eq!(items("\"a,b\",c"), Ok(vec!["a,b".to_string(), "c".to_string()]));
        assert_eq!(items("\"a\"\"b\""), Ok(vec!["a\"b".to_string()]));
        assert_eq!(items("a\nb"), Ok(vec!["a".to_string()]));
        assert_eq!(items("\n\r\na,\"b\"\r\nc"), Ok(vec!["a".to_string(), "b".to_string()]));
        assert_eq!(items("\n"), Err("EOF".to_string()));
        assert!(items("a\"b").is_err());
        assert!(items("\"a").is_err());
        assert!(items("\"a\"b").is_err());
    }

    #[test]
    fn durations_are_read_as_go_reads_them() {
        use std::time::Duration;
        let invalid = |text: &str| Err(format!("time: invalid duration {}", quote(text)));
        assert_eq!(duration("1h1m1.5s"), Ok(Duration::from_millis(3_661_500)));
        assert_eq!(duration(".5ms"), Ok(Duration::from_micros(500)));
        assert_eq!(duration("-1s"), Ok(Duration::ZERO));
        assert_eq!(duration("0"), Ok(Duration::ZERO));
        for wrong in ["", "-", "x", ".s", "9999999h", "--1s"] {
            assert_eq!(duration(wrong), invalid(wrong));
        }
        assert_eq!(duration("5"), Err("time: missing unit in duration \"5\"".into()));
        assert_eq!(duration("1.2.3s"), Err("time: missing unit in duration \"1.2.3s\"".into()));
        assert_eq!(duration("5x"), Err("time: unknown unit \"x\" in duration \"5x\"".into()));
    }

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        let syntax = |text: &str| Err(format!("strconv.ParseInt: parsing {}: invalid syntax", quote(text)));
        assert_eq!(integer("0x10"), Ok(16));
        assert_eq!(integer("-0b1_0"), Ok(-2));
        assert_eq!(integer("017"), Ok(15));
        assert_eq!(integer("0_7"), Ok(7));
        assert_eq!(integer("+9223372036854775807"), Ok(i64::MAX));
        assert_eq!(integer("-9223372036854775808"), Ok(i64::MIN));
        assert_eq!(integer("1_0"), Ok(10));
        for wrong in ["", "-", "+-1", "_1", "1_", "08", "0x", "0x_", "0x1__0", "1.0", "x"] {
            assert_eq!(integer(wrong), syntax(wrong));
        }
        assert_eq!(integer("9223372036854775808"), Err("strconv.ParseInt: parsing \"9223372036854775808\": value out of range".into()));
        assert_eq!(unsigned("0x50"), Ok(80));
        assert_eq!(unsigned("-1"), Err("strconv.ParseUint: parsing \"-1\": invalid syntax".into()));
        assert_eq!(float32("0x1.8p3"), Ok(12.0));
        assert_eq!(float32("-Inf"), Ok(f32::NEG_INFINITY));
        assert_eq!(float32("1_0.5"), Ok(10.5));
        assert_eq!(float32("1_"), Err("strconv.ParseFloat: parsing \"1_\": invalid syntax".into()));
        assert_eq!(float32("1e50"), Err("strconv.ParseFloat: parsing \"1e50\": value out of range".into()));
        assert_eq!(float32("--1"), Err("strconv.ParseFloat: parsing \"--1\": invalid syntax".into()));
    }

    #[test]
    fn booleans_are_spelled_as_in_go() {
        assert_eq!(boolean("T"), Ok(true));
        assert_eq!(boolean("0"), Ok(false));
        assert_eq!(boolean("yes"), Err("strconv.ParseBool: parsing \"yes\": invalid syntax".to_string()));
    }
}
