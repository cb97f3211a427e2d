//! One file of a chart: its name from the chart's top, its bytes, its time (Helm's `common.File`).
//!
//! Goes in: what a folder or an archive held. Comes out: a [`File`] whose bytes all clones share. Those of archives may stay
//! packed until somebody looks at them: many files of a chart never matter to a run.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

/// A file of a chart. Cloning shares the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// From the chart's top, with `/`.
    pub name: Arc<str>,
    /// The content, without a leading byte order mark.
    pub data: Bytes,
    /// Modification time, seconds since 1970, rounded to the nearest; `None` when unknown.
    pub modified: Option<i64>,
}

/// What a file holds: bytes that clones share. Those of an archive that hardly anybody looks at may still be packed; looking at
/// them unpacks them.
#[derive(Clone)]
pub struct Bytes(Place);

#[derive(Clone)]
enum Place {
    Here(Arc<[u8]>),
    /// The file of this number in what is packed.
    Packed(Arc<dyn Packed>, usize),
}

/// Files that are unpacked when they are looked at.
pub(super) trait Packed: Send + Sync {
    /// The bytes of the file of this number.
    fn unpacked(&self, number: usize) -> &Arc<[u8]>;
}

impl Bytes {
    /// The bytes of file `number` in `packed`.
    pub(super) fn packed(packed: Arc<dyn Packed>, number: usize) -> Bytes {
        Bytes(Place::Packed(packed, number))
    }

    /// The bytes, shared.
    pub fn shared(&self) -> &Arc<[u8]> {
        match &self.0 {
            Place::Here(bytes) => bytes,
            Place::Packed(packed, number) => packed.unpacked(*number),
        }
    }

    /// How many they are, if that can be said without unpacking them.
    pub(super) fn known_length(&self) -> Option<usize> {
        match &self.0 {
            Place::Here(bytes) => Some(bytes.len()),
            Place::Packed(..) => None,
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.shared()
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl<B: Into<Arc<[u8]>>> From<B> for Bytes {
    fn from(bytes: B) -> Bytes {
        Bytes(Place::Here(bytes.into()))
    }
}

impl PartialEq for Bytes {
    fn eq(&self, other: &Bytes) -> bool {
        match (&self.0, &other.0) {
            (Place::Packed(one, number), Place::Packed(other, at)) if Arc::ptr_eq(one, other) && number == at => true,
            _ => **self == **other,
        }
    }
}

impl Eq for Bytes {}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.known_length() {
            Some(length) => write!(f, "{length} bytes"),
            None => f.write_str("packed bytes"),
        }
    }
}
