//! Values: from command line and files to what every chart of a tree sees.
//!
//! Goes in: `--set` texts, values files, a chart tree with its defaults. Comes out: one coalesced [`crate::data::Map`]
//! whose untouched subtrees are shared with where they came from. Order of work: [`merge`] (files, then [`set`] items),
//! `dependency::process`, [`coalesce`], [`schema`]; [`origin`] tells where a value came from when somebody asks.
//! Follows Helm's `pkg/cli/values`, `pkg/strvals` and `pkg/chart/common/util`.

pub mod coalesce;
pub(crate) mod go_text;
pub mod lookup;
pub mod merge;
pub mod set;
pub(crate) mod table;

/// The key of the values that every chart below sees too (Helm's `common.GlobalKey`).
pub const GLOBAL_KEY: &str = "global";
