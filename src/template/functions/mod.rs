//! The functions that a template can call: each is one Rust function and one registry row with its parameters and docs.
//!
//! Goes in: arguments that the evaluator has already checked against the row's parameters (count and Go assignability). Comes out:
//! a value or a [`Fault`] with the text that the Go function returns or panics with; the evaluator adds `error calling NAME: `.
//! The order of precedence is Helm's: Helm's own over Sprig over Go's builtins.

pub mod builtins;
mod convert;
pub mod crypto;
pub mod data;
pub mod dates;
mod decimal;
pub mod defaults;
pub mod dicts;
pub mod encoding;
pub mod engine;
mod equality;
pub mod lists;
mod marshal;
pub mod math;
mod merge;
pub mod network;
pub mod paths;
pub mod random;
pub mod regex;
pub mod registry;
pub mod semver;
pub mod strings;
pub mod strings_case;
pub mod strings_wrap;
pub mod types;
pub mod url;
pub mod variables;
pub(crate) mod visits;
pub mod vocabulary;

pub use registry::{all, lookup};
pub use vocabulary::Vocabulary;

use super::value::{List, Map, Str, Value};
use crate::diagnostic::Level;
use crate::unicode;

/// The type of one parameter, as Go declares it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parameter {
    /// `interface {}`
    Any,
    /// `reflect.Value` of a builtin: any value, nil included.
    Reflect,
    /// `string`
    Str,
    /// `int`
    Int,
    /// `int64`
    Int64,
    /// `float64`
    Float,
    /// `bool`
    Bool,
    /// `map[string]interface {}`: `common.Values` is assignable, `map[string]string` is not.
    Map,
    /// `[]interface {}`
    List,
    /// `[]string`
    Strings,
    /// `[]byte`
    Bytes,
    /// `time.Time`
    Time,
    /// `time.Duration`
    Duration,
    /// `uint32`
    Uint32,
    /// `sprig.certificate`
    Certificate,
    /// `*semver.Version`
    Version,
}

/// The parameters of a function; the last one repeats if `variadic`.
#[derive(Debug, Clone, Copy)]
pub struct Parameters {
    pub list: &'static [Parameter],
    pub variadic: bool,
}

/// The error that a function returned or panicked with, without any prefix.
#[derive(Debug, Clone)]
pub struct Fault {
    pub message: String,
    /// Whether one of our limits was exceeded. Helm has no such fault, so a function that ignores other faults must not ignore
    /// this one.
    pub is_limit: bool,
}

impl Fault {
    /// A fault with this text.
    pub fn new(message: impl Into<String>) -> Fault {
        Fault { message: message.into(), is_limit: false }
    }

    /// A fault for exceeding a limit that Helm does not have.
    pub fn limit(message: impl Into<String>) -> Fault {
        Fault { message: message.into(), is_limit: true }
    }
}

/// The result of a function.
pub type Outcome = Result<Value, Fault>;

/// The surroundings of functions: the only access to the clock, the random source and the network.
pub trait Host {
    /// Nanoseconds since 1970.
    fn now(&self) -> i128;
    /// Fills `bytes` from the system's random source.
    fn random(&mut self, bytes: &mut [u8]);
    /// The addresses of a host name; `None` unless DNS was allowed.
    fn resolve_host(&self, name: &str) -> Option<Vec<String>>;
    /// The value of an environment variable; used only by `env` and `expandenv`, which charts cannot call.
    fn variable(&self, name: &str) -> Option<String> {
        let _ = name;
        None
    }
    /// Most bytes one string or output may have.
    fn size_limit(&self) -> usize;
    /// Most items one list may have.
    fn item_limit(&self) -> usize;
    /// The limit on the memory of the process, if it has more.
    fn exceeded_memory(&self) -> Option<u64> {
        None
    }
    /// Counts the calls above whose answers may vary, and faults passed over in lint mode: a function that leaves the count
    /// unchanged gives the same result each time.
    fn asked(&self) -> u64;
    /// In lint mode, records a deliberate fault as a notice; returns whether to continue.
    fn pass_over(&mut self, level: Level, title: &str, text: &str) -> bool {
        let _ = (level, title, text);
        false
    }
}

/// Forgets what functions kept of an earlier render on this thread.
pub(crate) fn begin_render() {
    regex::forget();
}

/// The host of functions that use no host.
pub(crate) struct NoHost;

impl Host for NoHost {
    fn now(&self) -> i128 {
        0
    }

    fn random(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
    }

    fn resolve_host(&self, _: &str) -> Option<Vec<String>> {
        None
    }

    fn size_limit(&self) -> usize {
        usize::MAX
    }

    fn item_limit(&self) -> usize {
        usize::MAX
    }

    fn asked(&self) -> u64 {
        0
    }
}

/// One call: checked arguments and the host.
pub struct Call<'a> {
    pub arguments: &'a [Value],
    pub host: &'a mut dyn Host,
}

impl Call<'_> {
    /// Fails if a result of `size` bytes is larger than the host allows.
    pub fn check_size(&self, size: usize) -> Result<(), Fault> {
        let limit = self.host.size_limit();
        if size > limit {
            return Err(Fault::limit(format!("result of {size} bytes exceeds the limit of {limit} bytes")));
        }
        Ok(())
    }

    /// Fails if a list of `length` items is longer than the host allows.
    pub fn check_length(&self, length: usize) -> Result<(), Fault> {
        let limit = self.host.item_limit();
        if length > limit {
            return Err(Fault::limit(format!("list of {length} items exceeds the limit of {limit} items")));
        }
        Ok(())
    }

    /// Argument `at`, nil when a variadic call has fewer.
    pub fn value(&self, at: usize) -> &Value {
        const NIL: &Value = &Value::Nil;
        self.arguments.get(at).unwrap_or(NIL)
    }

    /// The bytes of a `Str` parameter.
    pub fn bytes(&self, at: usize) -> &[u8] {
        match self.value(at) {
            Value::Str(text) => text.as_bytes(),
            Value::Bytes(bytes) => bytes,
            _ => &[],
        }
    }

    /// A `Str` parameter, shared.
    pub fn str(&self, at: usize) -> Str {
        match self.value(at) {
            Value::Str(text) => text.clone(),
            _ => Str::from(""),
        }
    }

    /// A `Str` parameter as text, U+FFFD where it is not UTF-8.
    pub fn text(&self, at: usize) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(self.bytes(at))
    }

    /// An `Int` or `Int64` parameter.
    pub fn int(&self, at: usize) -> i64 {
        match self.value(at) {
            Value::Int(_, number) => *number,
            _ => 0,
        }
    }

    /// A `Float` parameter.
    pub fn float(&self, at: usize) -> f64 {
        match self.value(at) {
            Value::Float(number) => *number,
            Value::Int(_, number) => *number as f64,
            _ => 0.0,
        }
    }

    /// A `Bool` parameter.
    pub fn bool(&self, at: usize) -> bool {
        matches!(self.value(at), Value::Bool(true))
    }

    /// A `Map` parameter; a literal nil is a nil map.
    pub fn map(&self, at: usize) -> Map {
        match self.value(at) {
            Value::Map(map) => map.clone(),
            _ => Map::nil(super::value::MapKind::Any),
        }
    }

    /// A `List` or `Strings` parameter; a literal nil is a nil list.
    pub fn list(&self, at: usize) -> List {
        match self.value(at) {
            Value::List(list) => list.clone(),
            _ => List::nil(super::value::ListKind::Any),
        }
    }
}

/// One function of the template language.
pub struct Function {
    pub name: &'static str,
    pub parameters: Parameters,
    pub call: fn(&mut Call) -> Outcome,
    /// One line for the function reference.
    pub doc: &'static str,
}

impl Function {
    /// Its parameters in words: `int, text` or `value…`.
    pub fn parameters_in_words(&self) -> String {
        let word = |parameter: &Parameter| match parameter {
            Parameter::Any | Parameter::Reflect => "value",
            Parameter::Str => "text",
            Parameter::Int | Parameter::Int64 | Parameter::Uint32 => "int",
            Parameter::Float => "float",
            Parameter::Bool => "bool",
            Parameter::Map => "dict",
            Parameter::List => "list",
            Parameter::Strings => "list of texts",
            Parameter::Bytes => "bytes",
            Parameter::Time => "time",
            Parameter::Duration => "duration",
            Parameter::Certificate => "certificate",
            Parameter::Version => "version",
        };
        let repeats = if self.parameters.variadic { "…" } else { "" };
        self.parameters.list.iter().map(word).collect::<Vec<_>>().join(", ") + repeats
    }
}

/// A registry row with a fixed number of parameters.
pub const fn row(name: &'static str, list: &'static [Parameter], call: fn(&mut Call) -> Outcome, doc: &'static str) -> Function {
    Function { name, parameters: Parameters { list, variadic: false }, call, doc }
}

/// A registry row whose last parameter repeats.
pub const fn variadic(name: &'static str, list: &'static [Parameter], call: fn(&mut Call) -> Outcome, doc: &'static str) -> Function {
    Function { name, parameters: Parameters { list, variadic: true }, call, doc }
}

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
