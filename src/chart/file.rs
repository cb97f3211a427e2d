//! One file of a chart: its name from the chart's top, its bytes, its time.

use std::sync::Arc;

/// A file of a chart. Cloning shares the bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// From the chart's top, with `/`.
    pub name: Arc<str>,
    /// The content, without a leading byte order mark.
    pub data: Arc<[u8]>,
    /// Modification time, seconds since 1970, rounded to the nearest; `None` when unknown.
    pub modified: Option<i64>,
}
