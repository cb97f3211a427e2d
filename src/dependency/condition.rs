//! Tags and conditions: which dependencies are enabled.
//!
//! Goes in: the entries of `dependencies` (all enabled so far) and the coalesced values. Comes out: `enabled` set on each.
//! Conditions override tags; the first path of a condition that holds a bool decides. A value that is not a bool gives a
//! notice. Follows `processDependencyTags` and `processDependencyConditions` of Helm's `pkg/chart/v2/util/dependencies.go`.

use crate::chart::Dependency;
use crate::data::{Data, Map};
use crate::diagnostic::{Level, Notices};
use crate::values::lookup;
use std::sync::Arc;

/// Disables dependencies that have a false tag and no true one.
pub fn apply_tags(dependencies: &mut [Dependency], values: &Arc<Map>, notices: &mut Notices) {
    let Ok(tags) = lookup::table(values, "tags") else { return };
    for dependency in dependencies {
        let mut any_true = false;
        let mut any_false = false;
        for tag in &dependency.tags {
            match tags.get(tag) {
                None => {}
                Some(Data::Bool(true)) => any_true = true,
                Some(Data::Bool(false)) => any_false = true,
                Some(_) => {
                    notices.push_with(Level::Warn, "returned non-bool value", &[("tag", tag.as_str()), ("chart", dependency.name.as_str())])
                }
            }
        }
        dependency.enabled = any_true || !any_false;
    }
}

/// Applies the conditions. `path` is the prefix of each: the path from the root to the chart, with a final dot.
pub fn apply_conditions(dependencies: &mut [Dependency], values: &Arc<Map>, path: &str, notices: &mut Notices) {
    for dependency in dependencies {
        for condition in dependency.condition.trim().split(',').filter(|condition| !condition.is_empty()) {
            match lookup::value(values, &format!("{path}{condition}")) {
                None => {}
                Some(Data::Bool(truth)) => {
                    dependency.enabled = *truth;
                    break;
                }
                Some(_) => {
                    notices.push_with(Level::Warn, "returned non-bool value", &[("path", condition), ("chart", dependency.name.as_str())])
                }
            }
        }
    }
}
