//! Coalescing: the values that each chart of a tree sees, from the user's values and the charts' defaults.
//!
//! Goes in: a chart tree and the user's values. Comes out: one map for the root chart, with the values of each subchart under its
//! name, and `global` in each of them. Higher charts override lower ones. Tables merge, other values replace; nulls delete in one
//! mode and stay in the other. Follows Helm's `pkg/chart/common/util/coalesce.go`, oddities included, but shares what Helm copies:
//! only changes cost something, and globals that no subchart adds to cost nothing.
//!
//! Which tables are one to templates: Helm copies `global`, and the tables directly in it, for each subchart. Deeper tables (and
//! every list) are the same Go map in the parent, the subchart and all siblings, so `set` on one shows in all of them. In the
//! result, such a map or list is the same `Arc` in the subchart's `global` as at the same place in its parent's; any other shared
//! `Arc` represents separate Go maps.

use super::table::{Node, Table};
use super::{GLOBAL_KEY, go_text};
use crate::chart::Chart;
use crate::data::{Data, Map};
use crate::diagnostic::{Level, Notices};
use crate::error::{Error, ErrorKind, Result};
use crate::quote::quote;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

/// Imports can make tables that hold another twice, which holds another twice, so the pairs of tables that are merged are counted.
/// So many are always allowed; umbrella charts merge hundreds.
const MERGED_ALWAYS: u64 = 1_000_000;
/// For a chart tree as many are allowed as if every chart had every table (globals can come to that), but no more than this.
const MERGED_LIMIT: u64 = 30_000_000;

/// Values for rendering: nulls delete the charts' defaults (`CoalesceValues`).
///
/// # Errors
/// `type mismatch on NAME: …` when the values of a subchart are not a table.
pub fn coalesce_values(chart: &Chart, values: &Arc<Map>, notices: &mut Notices) -> Result<Arc<Map>> {
    Coalescer::new(false, true, notices).run(chart, values)?.freeze()
}

/// Values for further processing: nulls stay (`MergeValues`).
///
/// # Errors
/// `type mismatch on NAME: …` when the values of a subchart are not a table.
pub fn merge_values(chart: &Chart, values: &Arc<Map>, notices: &mut Notices) -> Result<Arc<Map>> {
    Coalescer::new(true, true, notices).run(chart, values)?.freeze()
}

/// As [`merge_values`], but as tables that subcharts do not share.
pub(crate) fn merge_to_table(chart: &Chart, values: &Arc<Map>, notices: &mut Notices) -> Result<Table> {
    Coalescer::new(true, false, notices).run(chart, values)
}

/// Merges `source` under `destination` and keeps nulls (`MergeTables`). `source` may be used again: what `destination` takes from
/// it stays shared with it, and `source` gets the nulls of `destination`, as in Helm.
pub(crate) fn merge_tables(destination: &Table, source: &Table, notices: &mut Notices) -> Result<()> {
    Coalescer::new(true, false, notices).tables(destination, source, Path::ROOT, true, Source::Kept)
}

/// The place in the tree that a message names: `root.sub.key`.
#[derive(Clone, Copy)]
struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    name: &'a str,
}

impl<'a> Path<'a> {
    const ROOT: Path<'static> = Path { parent: None, name: "" };

    fn join(&'a self, name: &'a str) -> Path<'a> {
        Path { parent: Some(self), name }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = Vec::new();
        let mut at = Some(self);
        while let Some(path) = at {
            names.push(path.name);
            at = path.parent;
        }
        let mut written = false;
        for name in names.into_iter().rev() {
            // As in Helm, no dot follows an empty prefix.
            if written {
                f.write_str(".")?;
            }
            f.write_str(name)?;
            written |= !name.is_empty();
        }
        Ok(())
    }
}

/// Whether the merged-in table is used again later.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    Dropped,
    Kept,
}

struct Coalescer<'a> {
    merge: bool,
    /// Whether subcharts with the same values may share one table, because nothing changes it afterwards.
    share: bool,
    notices: &'a mut Notices,
    /// How many pairs of tables were merged, and how many may be.
    merged: u64,
    allowed: u64,
    /// What is coalesced, to allow for more if it is large.
    whole: Option<(&'a Chart, &'a Arc<Map>)>,
    /// Cleaned copies of larger maps, by address (the chart tree keeps the maps alive): a subchart used a hundred times is
    /// searched for nulls once.
    cleaned: HashMap<*const Map, Option<Arc<Map>>, ahash::RandomState>,
}

/// The coalesced values of the subcharts of one chart, by their inputs: a chart with a hundred aliases is coalesced once.
/// Subcharts that caused notices are left out, since a notice names the alias.
struct Twins<'a> {
    possible: bool,
    /// Each with its given values, `None` when it got none.
    known: Vec<(&'a Chart, Option<Arc<Map>>, Table)>,
}

impl<'a> Twins<'a> {
    fn among(subcharts: &[Chart], share: bool) -> Twins<'a> {
        Twins { possible: share && subcharts.len() > 1, known: Vec::new() }
    }

    /// The table of an earlier twin of this subchart; `parent` has the values of both.
    fn find(&self, subchart: &Chart, given: Option<&Node>, parent: &Table) -> Option<Table> {
        if self.known.is_empty() {
            return None;
        }
        let given = self.key(subchart, given)?;
        // Deeper tables in globals are shared by parent and subcharts: what the first twin merged into them is already there when
        // the next one is coalesced.
        let is_flat = |node: Node| node.is_table() && !node.has_tables_in_tables();
        let known = self.known.iter().find(|(twin, with, _)| {
            let same = match (with, &given) {
                (Some(with), Some(given)) => Arc::ptr_eq(with, given),
                (None, None) => true,
                _ => false,
            };
            same && twin.is_twin_of(subchart)
        });
        known.filter(|_| parent.get(GLOBAL_KEY).is_none_or(is_flat)).map(|(_, _, table)| table.clone())
    }

    fn add(&mut self, subchart: &'a Chart, given: Option<&Node>, table: &Table) {
        if let Some(given) = self.key(subchart, given) {
            self.known.push((subchart, given, table.clone()));
        }
    }

    /// The identity of the given values; `None` when they cannot be compared.
    fn key(&self, subchart: &Chart, given: Option<&Node>) -> Option<Option<Arc<Map>>> {
        if !self.possible || subchart.name() == GLOBAL_KEY {
            return None;
        }
        given.map(|node| node.untouched()).map_or(Some(None), |map| map.map(Some))
    }
}

impl<'a> Coalescer<'a> {
    fn new(merge: bool, share: bool, notices: &'a mut Notices) -> Coalescer<'a> {
        Coalescer { merge, share, notices, merged: 0, allowed: MERGED_ALWAYS, whole: None, cleaned: HashMap::default() }
    }

    fn run(&mut self, chart: &'a Chart, values: &'a Arc<Map>) -> Result<Table> {
        self.whole = Some((chart, values));
        let destination = Table::of(values.clone());
        self.chart(chart, &destination, Path::ROOT)?;
        Ok(destination)
    }

    fn chart(&mut self, chart: &Chart, destination: &Table, prefix: Path) -> Result<()> {
        let own = prefix.join(chart.name());
        self.defaults(chart, destination, own)?;
        let mut twins = Twins::among(&chart.dependencies, self.share);
        for subchart in &chart.dependencies {
            let name = subchart.name();
            let given = destination.get(name);
            if let Some(table) = twins.find(subchart, given.as_ref(), destination) {
                destination.set(Arc::from(name), Node::Table(table));
                continue;
            }
            match &given {
                None => destination.set(Arc::from(name), Node::Table(Table::empty())),
                Some(node) if node.is_table() => {}
                Some(node) => {
                    let text = go_text::print_truth(&node.freeze()?);
                    return Err(Error::new(ErrorKind::Values, format!("type mismatch on {name}: {text}")));
                }
            }
            let Some(below) = destination.child(name) else { continue };
            let told = self.notices.list.len();
            self.globals(&below, destination, own)?;
            self.chart(subchart, &below, own)?;
            if self.notices.list.len() == told {
                twins.add(subchart, given.as_ref(), &below);
            }
        }
        Ok(())
    }

    /// Merges the chart's own defaults under `values`.
    fn defaults(&mut self, chart: &Chart, values: &Table, own: Path) -> Result<()> {
        if values.is_empty() {
            let defaults = if self.merge { chart.values.clone() } else { self.without_nulls(&chart.values) };
            values.adopt(defaults);
            return Ok(());
        }
        let mut removed = Vec::new();
        let mut added = Vec::new();
        for (key, default) in chart.values.iter() {
            match values.get(key) {
                Some(value) if value.is_null() && !self.merge => removed.push(key.clone()),
                Some(value) if value.is_table() => match default {
                    Data::Map(default) => self.default_table(chart, values, key, &value, default, own)?,
                    Data::Null => {}
                    _ => self.notice(format!("warning: skipped value for {}: Not a table.", own.join(key))),
                },
                Some(_) => {}
                None => match default {
                    Data::Null if !self.merge => {}
                    Data::Map(default) if !self.merge => {
                        added.push((key.clone(), Node::Data(Data::Map(self.without_nulls(default)))));
                    }
                    other => added.push((key.clone(), Node::Data(other.clone()))),
                },
            }
        }
        values.apply(&removed, added);
        Ok(())
    }

    fn default_table(&mut self, chart: &Chart, values: &Table, key: &Arc<str>, value: &Node, default: &Arc<Map>, own: Path) -> Result<()> {
        // Merging a table under itself changes nothing.
        if value.untouched().is_some_and(|value| Arc::ptr_eq(&value, default)) {
            return Ok(());
        }
        // If the key names a subchart, its defaults follow later: a null must stay to delete them.
        let merge = self.merge || chart.dependencies.iter().any(|subchart| subchart.name() == key.as_ref());
        let default = if merge { default.clone() } else { self.without_nulls(default) };
        if default.is_empty() {
            return Ok(());
        }
        let Some(destination) = values.child(key) else { return Ok(()) };
        self.tables(&destination, &Table::of(default), own.join(key), merge, Source::Dropped)
    }

    /// Merges the globals of a chart (`source`) over those in its subchart's values (`destination`).
    fn globals(&mut self, destination: &Table, source: &Table, own: Path) -> Result<()> {
        let below = destination.get(GLOBAL_KEY);
        if below.as_ref().is_some_and(|below| !below.is_table()) {
            self.notice("warning: skipping globals because destination global is not a table.".to_string());
            return Ok(());
        }
        let above = match source.get(GLOBAL_KEY) {
            None => {
                if below.is_none() {
                    destination.set(Arc::from(GLOBAL_KEY), Node::Data(Data::map(Map::new())));
                }
                return Ok(());
            }
            Some(above) if !above.is_table() => {
                self.notice("warning: skipping globals because source global is not a table.".to_string());
                return Ok(());
            }
            Some(above) => above,
        };
        // For a subchart named `global`, its own values are the globals of its parent.
        let own_values = matches!(&above, Node::Table(above) if above.same(destination));
        let adds_nothing = match &below {
            _ if own_values => false,
            None => true,
            Some(below) => {
                let below = below.untouched();
                let above = above.untouched();
                below.as_ref().is_some_and(|below| below.is_empty() || above.is_some_and(|above| Arc::ptr_eq(below, &above)))
            }
        };
        if adds_nothing {
            // The copy is deferred until the subchart changes something.
            if let Some(shared) = source.sealed_outer(GLOBAL_KEY) {
                destination.set(Arc::from(GLOBAL_KEY), Node::Table(shared));
            }
            return Ok(());
        }
        let below = destination.child(GLOBAL_KEY).unwrap_or_else(Table::empty);
        let Some(above) = source.shared_child(GLOBAL_KEY) else { return Ok(()) };
        self.global_entries(&below, &above, own_values, own)?;
        destination.set(Arc::from(GLOBAL_KEY), Node::Table(below));
        Ok(())
    }

    fn global_entries(&mut self, below: &Table, above: &Table, copied_now: bool, own: Path) -> Result<()> {
        let (mut replaced, mut added) = (Vec::new(), Vec::new());
        for (key, value) in above.snapshot() {
            let present = below.get(&key);
            if !value.is_table() {
                match present {
                    Some(present) if present.is_table() => self.notice(format!("key {key} is table. Skipping")),
                    Some(_) => below.set(key, value),
                    None => added.push((key, value)),
                }
                continue;
            }
            // Where the table was put there by an earlier pass, merging it changes nothing.
            let is_put_there = |present: &Node| matches!((present.untouched(), value.untouched()), (Some(present), Some(value)) if Arc::ptr_eq(&present, &value));
            let is_new = present.as_ref().is_none_or(is_put_there);
            match present {
                _ if is_new => {
                    let shared = match copied_now {
                        true => above.shared_child(&key).map(|table| table.copy()),
                        false => above.sealed_inner(&key),
                    };
                    if let Some(shared) = shared {
                        replaced.extend(present.is_some().then(|| key.clone()));
                        added.push((key, Node::Table(shared)));
                    }
                }
                None => {}
                Some(present) if present.is_table() => {
                    let (Some(over), Some(under)) = (above.shared_child(&key), below.child(&key)) else { continue };
                    let copy = over.copy();
                    // Nulls stay here, because the defaults of the subchart follow later.
                    self.tables(&copy, &under, own.join(&key), true, Source::Dropped)?;
                    below.set(key, Node::Table(copy));
                }
                Some(_) => {
                    self.notice(format!("Conflict: cannot merge map onto non-map for {}. Skipping.", quote(key.as_bytes())));
                }
            }
        }
        below.apply(&replaced, added);
        Ok(())
    }

    /// Merges `source` under `destination` (`coalesceTablesFullKey`).
    fn tables(&mut self, destination: &Table, source: &Table, path: Path, merge: bool, kind: Source) -> Result<()> {
        self.merged += 1;
        if self.merged > self.allowed {
            // Most trees never come here, so it is counted only now.
            if let Some((chart, values)) = self.whole.take() {
                self.allowed = most_pairs(chart, values).clamp(MERGED_ALWAYS, MERGED_LIMIT);
            }
            if self.merged > self.allowed {
                let message = format!("values have more than {} tables to merge, the last one at {path}", self.allowed);
                return Err(Error::new(ErrorKind::Limit, message));
            }
        }
        if destination.same(source) || (kind == Source::Dropped && source.is_empty()) {
            return Ok(());
        }
        if kind == Source::Kept {
            source.share_children();
        }
        let nulls = destination.null_keys();
        let mut removed = Vec::new();
        let mut added = Vec::new();
        for (key, value) in source.snapshot() {
            let Some(over) = destination.get(&key) else {
                added.push((key, value));
                continue;
            };
            if over.is_null() {
                // The user's null deletes a default; a null that overrides nothing, or a null, stays.
                if !value.is_null() && !merge {
                    removed.push(key);
                }
            } else if value.is_table() && over.is_table() {
                self.table_pair(destination, &key, (&over, &value), path, merge, kind)?;
            } else if self.notices.is_full() {
                // The messages would be made in vain.
            } else if value.is_table() {
                let text = go_text::print(&value.freeze()?);
                self.notice(format!("warning: cannot overwrite table with non table for {} ({text})", path.join(&key)));
            } else if over.is_table() && !value.is_null() {
                let text = go_text::print(&value.freeze()?);
                self.notice(format!("warning: destination for {} is a table. Ignoring non-table value ({text})", path.join(&key)));
            }
        }
        if kind == Source::Kept {
            for key in nulls {
                source.set(key, Node::Data(Data::Null));
            }
        }
        destination.apply(&removed, added);
        Ok(())
    }

    fn table_pair(
        &mut self,
        destination: &Table,
        key: &Arc<str>,
        (over, value): (&Node, &Node),
        path: Path,
        merge: bool,
        kind: Source,
    ) -> Result<()> {
        if kind == Source::Dropped {
            let same = match (over.untouched(), value.untouched()) {
                (Some(over), Some(value)) => Arc::ptr_eq(&over, &value) || value.is_empty(),
                _ => false,
            };
            if same {
                return Ok(());
            }
        }
        let Some(over) = destination.child(key) else { return Ok(()) };
        let value = match value {
            Node::Table(table) => table.clone(),
            Node::Data(Data::Map(map)) => Table::of(map.clone()),
            Node::Data(_) => return Ok(()),
        };
        self.tables(&over, &value, path.join(key), merge, kind)
    }

    /// The map without null entries in it and its nested tables (`cleanNilValues`); lists are unchanged.
    fn without_nulls(&mut self, map: &Arc<Map>) -> Arc<Map> {
        self.cleaned(map).unwrap_or_else(|| map.clone())
    }

    /// `None` when there is nothing to clean.
    fn cleaned(&mut self, map: &Arc<Map>) -> Option<Arc<Map>> {
        // Scanning a small map is faster than looking it up, unless maps that hold it twice are held twice.
        let remember = map.len() >= 8 || Arc::strong_count(map) > 1 && map.iter().any(|(_, value)| matches!(value, Data::Map(_)));
        if remember && let Some(known) = self.cleaned.get(&Arc::as_ptr(map)) {
            return known.clone();
        }
        let mut changed: Option<Vec<(Arc<str>, Data)>> = None;
        for (at, (key, value)) in map.iter().enumerate() {
            let clean = match value {
                Data::Null => None,
                Data::Map(inner) => Some(self.cleaned(inner).map(Data::Map)),
                _ => Some(None),
            };
            if changed.is_none() && !matches!(clean, Some(None)) {
                changed = Some(map.iter().take(at).map(|(key, value)| (key.clone(), value.clone())).collect());
            }
            if let (Some(kept), Some(clean)) = (&mut changed, clean) {
                kept.push((key.clone(), clean.unwrap_or_else(|| value.clone())));
            }
        }
        let result = changed.map(|entries| Arc::new(Map::from_entries(entries)));
        if remember {
            self.cleaned.insert(Arc::as_ptr(map), result.clone());
        }
        result
    }

    fn notice(&mut self, message: String) {
        self.notices.push(Level::Info, message);
    }
}

/// How many pairs there are of a chart of the tree and a table of its values or the user's. A table that several hold is one.
fn most_pairs(chart: &Chart, values: &Arc<Map>) -> u64 {
    let mut tables: HashSet<*const Map, ahash::RandomState> = HashSet::default();
    let mut maps = vec![values];
    let (mut charts, mut count) = (vec![chart], 0u64);
    while let Some(chart) = charts.pop() {
        count += 1;
        charts.extend(&chart.dependencies);
        maps.push(&chart.values);
        while let Some(map) = maps.pop() {
            if tables.insert(Arc::as_ptr(map)) {
                maps.extend(map.iter().filter_map(|(_, value)| value.as_map()));
            }
        }
    }
    count.saturating_mul(tables.len() as u64)
}

#[cfg(test)]
mod tests;
