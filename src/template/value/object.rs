//! Structs, pointers and named types in templates: times, versions, certificates, capabilities, files.
//!
//! Goes in: the types themselves, which implement [`Object`] in their own modules. Comes out: fields and methods by name, and the
//! forms for printing, JSON and comparisons.

use super::{Str, Value};
use crate::template::functions::{Fault, Parameter, Parameters};
use std::any::Any;
use std::rc::Rc;
use std::sync::Arc;

/// A Go struct, pointer or named type with fields and methods.
pub trait Object: Any {
    /// Go's name of the type, as `typeOf` prints it (`time.Time`, `*semver.Version`).
    fn type_name(&self) -> &'static str;

    /// Go's kind: `struct`, `ptr`, `map`, `int64`, …
    fn kind_name(&self) -> &'static str;

    /// The exported field of this name.
    fn field(&self, name: &str) -> Option<Value> {
        let _ = name;
        None
    }

    /// Whether the type has a field of this name that templates may not read.
    fn hidden_field(&self, name: &str) -> bool {
        let _ = name;
        false
    }

    /// The method of this name, with the receiver bound.
    fn method(&self, name: &str) -> Option<Method> {
        let _ = name;
        None
    }

    /// text/template's reason for not calling the method of this name, if the type has one that it refuses.
    fn method_refusal(&self, name: &str) -> Option<&'static str> {
        let _ = name;
        None
    }

    /// Go's `String()` if the type has one, printed by `%v`, `%s` and plain output.
    fn to_text(&self) -> Option<String> {
        None
    }

    /// Go's `GoString()` if the type has one, printed by `%#v`.
    fn to_go_syntax(&self) -> Option<String> {
        None
    }

    /// The underlying number or string of a named type such as `time.Month`.
    fn underlying(&self) -> Option<Value> {
        None
    }

    /// The `String()` of the pointer type only: an action prints a struct's field with it, nothing else does.
    fn pointer_text(&self) -> Option<String> {
        None
    }

    /// The form of a struct's field when it is passed to a function as `interface {}`, if it differs: a copy without the pointer's
    /// methods.
    fn boxed(&self) -> Option<Value> {
        None
    }

    /// The fields in declaration order, for `%v`, `%+v`, JSON and YAML; including those with a lower-case name, which only
    /// printing shows.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// The result of `deepCopy`, if it differs: mitchellh/copystructure leaves out unexported fields.
    fn deep_copied(&self) -> Option<Value> {
        None
    }

    /// The result of `MarshalJSON` or `MarshalText`, if the type has one; otherwise JSON shows [`Object::json_fields`].
    fn to_json(&self) -> Option<Value> {
        None
    }

    /// The exported fields in declaration order, under their names in JSON (json tags).
    fn json_fields(&self) -> Vec<(&'static str, Value)> {
        self.exported_fields()
    }

    /// The fields visible to other packages: those with an upper-case name.
    fn exported_fields(&self) -> Vec<(&'static str, Value)> {
        self.fields().into_iter().filter(|(name, _)| name.starts_with(|first: char| first.is_ascii_uppercase())).collect()
    }

    /// Go's truth: structs and pointers are true, maps by length.
    fn truth(&self) -> bool {
        true
    }

    /// Whether both are equal, for `eq` and deep equality; false for types that are not comparable.
    fn equals(&self, other: &dyn Object) -> bool {
        let _ = other;
        false
    }

    /// Keys and values in order if it can be ranged over or indexed like a map (`.Files`).
    fn entries(&self) -> Option<Vec<(Str, Value)>> {
        None
    }

    /// As [`Object::entries`], for callers that may not need the bytes; only if the values are bytes and some are still to be
    /// fetched.
    fn late_entries(&self) -> Option<Vec<(Str, LateBytes)>> {
        None
    }

    /// For downcasts.
    fn as_any(&self) -> &dyn Any;
}

/// Bytes that may still have to be fetched.
#[derive(Clone)]
pub enum LateBytes {
    Here(Arc<[u8]>),
    /// The approximate number of bytes, and the function that fetches them.
    Late(usize, Rc<dyn Fn() -> Arc<[u8]>>),
}

impl LateBytes {
    /// The approximate number of bytes.
    pub fn length(&self) -> usize {
        match self {
            LateBytes::Here(bytes) => bytes.len(),
            LateBytes::Late(length, _) => *length,
        }
    }

    /// The bytes, fetched if needed.
    pub fn fetch(&self) -> Arc<[u8]> {
        match self {
            LateBytes::Here(bytes) => bytes.clone(),
            LateBytes::Late(_, fetch) => fetch(),
        }
    }
}

/// A method of an [`Object`]: its parameters and its implementation. The receiver is in the closure.
pub struct Method {
    pub parameters: Parameters,
    pub call: Box<dyn Fn(&[Value]) -> Result<Value, Fault>>,
}

impl Method {
    /// A method with fixed parameters.
    pub fn new(list: &'static [Parameter], call: impl Fn(&[Value]) -> Result<Value, Fault> + 'static) -> Method {
        Method { parameters: Parameters { list, variadic: false }, call: Box::new(call) }
    }
}
