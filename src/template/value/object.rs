//! Structs, pointers and named types that templates meet: times, versions, certificates, capabilities, files.
//!
//! Goes in: the types themselves, which implement [`Object`] where they live. Comes out: fields and methods by name, and
//! the forms they take in print, JSON and comparisons.

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

    /// Why text/template does not call the method of this name, if the type has one that it refuses.
    fn method_refusal(&self, name: &str) -> Option<&'static str> {
        let _ = name;
        None
    }

    /// Go's `String()` if the type has one: what `%v`, `%s` and plain output print.
    fn to_text(&self) -> Option<String> {
        None
    }

    /// Go's `GoString()` if the type has one: what `%#v` prints.
    fn to_go_syntax(&self) -> Option<String> {
        None
    }

    /// The number or string that a named type such as `time.Month` is underneath.
    fn underlying(&self) -> Option<Value> {
        None
    }

    /// The `String()` that only a pointer to the value has: an action prints a struct's field with it, nothing else does.
    fn pointer_text(&self) -> Option<String> {
        None
    }

    /// What becomes of a struct's field when it is given to a function as `interface {}`, if that is not the same: a copy
    /// that the pointer's methods do not reach.
    fn boxed(&self) -> Option<Value> {
        None
    }

    /// The fields in declaration order, for `%v`, `%+v`, JSON and YAML; those with a lower-case name included, which only
    /// printing shows.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// What `deepCopy` makes of it, if that is not the same: mitchellh/copystructure leaves out what is not exported.
    fn deep_copied(&self) -> Option<Value> {
        None
    }

    /// What `MarshalJSON` or `MarshalText` makes of it, if the type has one; else JSON shows [`Object::json_fields`].
    fn to_json(&self) -> Option<Value> {
        None
    }

    /// The exported fields in declaration order under their names in JSON (json tags).
    fn json_fields(&self) -> Vec<(&'static str, Value)> {
        self.exported_fields()
    }

    /// The fields that other packages see: those with an upper-case name.
    fn exported_fields(&self) -> Vec<(&'static str, Value)> {
        self.fields().into_iter().filter(|(name, _)| name.starts_with(|first: char| first.is_ascii_uppercase())).collect()
    }

    /// Go's truth: structs and pointers are true, maps by length.
    fn truth(&self) -> bool {
        true
    }

    /// For `eq` and deep equality; types that are not comparable say no.
    fn equals(&self, other: &dyn Object) -> bool {
        let _ = other;
        false
    }

    /// Keys and values in order if it can be ranged over or indexed as a map (`.Files`).
    fn entries(&self) -> Option<Vec<(Str, Value)>> {
        None
    }

    /// The same for who may never look at the bytes that the entries are, if they are bytes and some are still to be fetched.
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
    /// About how many they are, and what fetches them.
    Late(usize, Rc<dyn Fn() -> Arc<[u8]>>),
}

impl LateBytes {
    /// About how many they are.
    pub fn length(&self) -> usize {
        match self {
            LateBytes::Here(bytes) => bytes.len(),
            LateBytes::Late(length, _) => *length,
        }
    }

    /// The bytes themselves.
    pub fn fetch(&self) -> Arc<[u8]> {
        match self {
            LateBytes::Here(bytes) => bytes.clone(),
            LateBytes::Late(_, fetch) => fetch(),
        }
    }
}

/// A method of an [`Object`]: its parameters and what it does. The receiver is in the closure.
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
