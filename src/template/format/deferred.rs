//! A printed text whose long parts are written only on demand.
//!
//! Goes in: a value. Comes out: its `%v` text, with the bytes of files not yet written. Charts by mistake make a whole context the
//! key of a `dict` (`dict "value" .Values.a .Values.b "context" $`), which prints every file as a list of numbers: megabytes that
//! are rarely read.

use super::printer::{Printer, write_byte_list};
use crate::template::functions::Fault;
use crate::template::value::{LateBytes, Str, Value};

/// A text that may have unwritten parts.
pub struct Deferred {
    /// All short parts.
    text: Vec<u8>,
    /// Byte lists, each with its place in `text`.
    lists: Vec<(usize, LateBytes)>,
}

impl Deferred {
    /// The `%v` text of this value.
    pub fn print(value: &Value) -> Result<Deferred, Fault> {
        let mut text = Vec::new();
        let mut printer = Printer::deferring(&mut text);
        printer.print_argument(value, 'v')?;
        let lists = printer.into_lists();
        Ok(Deferred { text, lists })
    }

    /// Whether the text is complete.
    pub fn is_written(&self) -> bool {
        self.lists.is_empty()
    }

    /// The part of the text before the first unwritten list.
    fn head(&self) -> &[u8] {
        self.text.get(..self.lists.first().map_or(self.text.len(), |(at, _)| *at)).unwrap_or_default()
    }

    /// Whether the text may equal `other`; false is certain.
    pub fn may_be(&self, other: &[u8]) -> bool {
        match self.is_written() {
            true => self.text == other,
            false => other.len() > self.text.len() && other.starts_with(self.head()),
        }
    }

    /// The whole text.
    pub fn to_text(&self) -> Str {
        let mut out = Vec::new();
        let mut from = 0;
        for (at, bytes) in &self.lists {
            out.extend_from_slice(self.text.get(from..*at).unwrap_or_default());
            write_byte_list(&mut out, &bytes.fetch());
            from = *at;
        }
        out.extend_from_slice(self.text.get(from..).unwrap_or_default());
        Str::from(out)
    }
}

#[cfg(test)]
mod tests {
    use super::super::print_plain;
    use super::*;
    use crate::template::value::Object;
    use std::sync::Arc;

    #[test]
    fn the_whole_text_is_what_is_printed_at_once() {
        let bytes: Vec<u8> = (0..=255).cycle().take(3000).collect();
        let value = Value::map([
            (Str::from("a"), Value::int(1)),
            (Str::from("b"), Value::Bytes(Arc::from(&*bytes))),
            (Str::from("c"), Value::list(vec![Value::Bytes(Arc::from(&*bytes)), Value::Bytes(Arc::from(&b"ab"[..]))])),
        ]);
        let mut out = Vec::new();
        print_plain(&value, &mut out).unwrap();
        let deferred = Deferred::print(&value).unwrap();
        assert!(!deferred.is_written());
        assert_eq!(deferred.to_text().as_bytes(), out);
        assert!(deferred.may_be(&out));
        assert!(!deferred.may_be(b"map[a:1 c"));
        assert!(!deferred.may_be(b"map[a:1 b:"));
        let short = Deferred::print(&Value::int(1)).unwrap();
        assert!(short.is_written() && short.may_be(b"1") && !short.may_be(b"12"));
    }

    /// Files of which one is still to be fetched.
    struct Files(std::rc::Rc<std::cell::Cell<usize>>, Arc<[u8]>);

    impl Object for Files {
        fn type_name(&self) -> &'static str {
            "engine.files"
        }

        fn kind_name(&self) -> &'static str {
            "map"
        }

        fn entries(&self) -> Option<Vec<(Str, Value)>> {
            let bytes = |bytes: &[u8]| Value::Bytes(bytes.into());
            Some(vec![(Str::from("large"), bytes(&self.1)), (Str::from("small"), bytes(b"ab"))])
        }

        fn late_entries(&self) -> Option<Vec<(Str, LateBytes)>> {
            let late = |bytes: Arc<[u8]>| {
                let count = self.0.clone();
                let length = bytes.len();
                LateBytes::Late(
                    length,
                    std::rc::Rc::new(move || {
                        count.set(count.get() + 1);
                        bytes.clone()
                    }),
                )
            };
            Some(vec![(Str::from("large"), late(self.1.clone())), (Str::from("small"), late(Arc::from(&b"ab"[..])))])
        }

        fn as_any(&self) -> &dyn std::any::Any {
            self
        }
    }

    #[test]
    fn large_files_are_fetched_when_the_text_is_wanted() {
        let count = std::rc::Rc::new(std::cell::Cell::new(0));
        let value = Value::map([(Str::from("Files"), Value::Object(std::rc::Rc::new(Files(count.clone(), vec![7; 5000].into()))))]);
        let mut out = Vec::new();
        print_plain(&value, &mut out).unwrap();
        let deferred = Deferred::print(&value).unwrap();
        assert!(!deferred.may_be(b"map[Chart:1]"));
        assert_eq!(count.get(), 1, "only the small one");
        assert_eq!(deferred.to_text().as_bytes(), out);
        assert_eq!(count.get(), 2);
    }
}
