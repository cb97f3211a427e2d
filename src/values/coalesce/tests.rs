//! Coalescing, compared with Helm 4.2.4's result for the same charts.

use super::*;
use crate::chart::{Chart, Content, Metadata};
use crate::values::go_text::print;
use crate::values::sample::data;

fn chart(name: &str, values: &str, dependencies: Vec<Chart>) -> Chart {
    let Data::Map(values) = data(values) else { panic!("{values} is no map") };
    let metadata = Metadata { name: name.into(), version: "0.1.0".into(), ..Metadata::default() };
    Chart { metadata: Arc::new(metadata), content: Arc::new(Content::default()), values, dependencies, found_in: None }
}

fn coalesced(chart: &Chart, values: &str) -> (String, Vec<String>) {
    let Data::Map(values) = data(values) else { panic!("{values} is no map") };
    let mut notices = Notices::new();
    let text = match coalesce_values(chart, &values, &mut notices) {
        Ok(map) => print(&Data::Map(map)),
        Err(error) => error.to_string(),
    };
    (text, notices.list.into_iter().map(|notice| notice.message).collect())
}

#[test]
fn user_values_override_and_nulls_delete() {
    let root = chart("root", r#"{"a": {"x": 1, "y": 2, "n": null}, "b": "s", "c": 1, "n": null}"#, vec![]);
    assert_eq!(coalesced(&root, "{}").0, "map[a:map[x:1 y:2] b:s c:1]");
    assert_eq!(coalesced(&root, r#"{"a": {"x": null}, "b": null, "new": null}"#).0, "map[a:map[y:2] c:1 new:<nil>]");
}

#[test]
fn tables_and_scalars_do_not_mix() {
    let root = chart("root", r#"{"a": {"x": {"e": 2}}, "b": 1, "c": {"t": 1}}"#, vec![]);
    let (text, notices) = coalesced(&root, r#"{"a": {"x": 1}, "b": {"t": 2}, "c": {"t": {"u": 3}}}"#);
    assert_eq!(text, "map[a:map[x:1] b:map[t:2] c:map[t:map[u:3]]]");
    assert_eq!(
        notices,
        [
            "warning: cannot overwrite table with non table for root.a.x (map[e:2])",
            "warning: skipped value for root.b: Not a table.",
            "warning: destination for root.c.t is a table. Ignoring non-table value (1)",
        ]
    );
}

#[test]
fn a_subchart_needs_a_table() {
    let root = chart("root", r#"{"sub": 1}"#, vec![chart("sub", "{}", vec![])]);
    assert_eq!(coalesced(&root, "{}").0, "type mismatch on sub: %!t(float64=1)");
}

#[test]
fn globals_reach_every_chart() {
    let leaf = chart("leaf", r#"{"global": {"g": {"own": 1, "over": "leaf"}}}"#, vec![]);
    let root = chart("root", r#"{"global": {"g": {"over": "root"}, "s": 1}}"#, vec![chart("mid", "{}", vec![leaf])]);
    let global = "map[g:map[over:root] s:1]";
    let below = "map[g:map[over:root own:1] s:1]";
    assert_eq!(coalesced(&root, "{}").0, format!("map[global:{global} mid:map[global:{global} leaf:map[global:{below}]]]"));
}

#[test]
fn deeper_globals_are_one_for_all_charts() {
    // Helm copies only `global` and the tables in it: what the subchart adds deeper shows in its parent and its siblings.
    let adding = chart("adding", r#"{"global": {"a": {"b": {"x": 1}}}}"#, vec![]);
    let root =
        chart("root", r#"{"global": {"a": {"b": {"y": 2}}}}"#, vec![chart("before", "{}", vec![]), adding, chart("later", "{}", vec![])]);
    let global = "global:map[a:map[b:map[x:1 y:2]]]";
    let want = format!("map[adding:map[{global}] before:map[{global}] {global} later:map[{global}]]");
    assert_eq!(coalesced(&root, "{}").0, want);
}

#[test]
fn untouched_subtrees_are_shared() {
    let sub = chart("sub", r#"{"big": {"k": {"deep": 1}}}"#, vec![]);
    let root = chart("root", r#"{"global": {"g": {"t": {"x": 1}}}, "own": {"z": {"q": 1}}}"#, vec![sub.clone()]);
    let result = coalesce_values(&root, &Arc::new(Map::new()), &mut Notices::new()).unwrap();
    let table = |map: &Arc<Map>, key: &str| map.get(key).unwrap().as_map().unwrap().clone();
    assert!(Arc::ptr_eq(&table(&result, "own"), &table(&root.values, "own")));
    let below = table(&result, "sub");
    assert!(Arc::ptr_eq(&table(&below, "big"), &table(&sub.values, "big")));
    assert!(Arc::ptr_eq(&table(&below, "global"), &table(&root.values, "global")));
}

/// Aliases of one chart share their coalesced values, unless their own values or deeper tables in globals differ.
#[test]
fn aliases_of_one_chart_are_coalesced_once() {
    let child =
        chart("a", r#"{"global": {"g": {"deep": {"own": 1}}}, "x": {"y": 1, "n": null}}"#, vec![chart("leaf", r#"{"z": 1}"#, vec![])]);
    let alias = |name: &str| Chart { metadata: Arc::new(Metadata { name: name.into(), ..(*child.metadata).clone() }), ..child.clone() };
    let tree = |values: &str| chart("root", values, vec![alias("a"), alias("b"), alias("c")]);
    let shares = |root: &Chart, given: &str, one: &str, other: &str| {
        let Data::Map(given) = data(given) else { panic!("{given} is no map") };
        let values = coalesce_values(root, &given, &mut Notices::new()).unwrap();
        let map = |name| values.get(name).and_then(Data::as_map).unwrap().clone();
        Arc::ptr_eq(&map(one), &map(other))
    };
    let root = tree("{}");
    assert!(shares(&root, "{}", "a", "c"));
    assert!(shares(&root, r#"{"b": {"x": {"y": 2}}, "global": {"flat": {"s": 1}}}"#, "a", "c"));
    assert!(!shares(&root, r#"{"b": {"x": {"y": 2}}}"#, "a", "b"));
    // Here the null deletes the default for the first alias, and is gone when the second one is coalesced.
    for given in ["{}", r#"{"global": {"g": {"deep": {"own": null}}}}"#, r#"{"global": {"g": null}}"#, r#"{"b": {"global": {"g": 1}}}"#] {
        let Data::Map(values) = data(given) else { panic!("{given} is no map") };
        let alone = Coalescer::new(false, false, &mut Notices::new()).run(&root, &values).unwrap().freeze().unwrap();
        assert_eq!(coalesced(&root, given).0, print(&Data::Map(alone)), "{given}");
    }
}

/// Imports make such tables: each holds the next one twice.
#[test]
fn tables_that_hold_others_twice_are_not_unfolded_without_end() {
    let twice = |inner: Data| Data::map(["l", "r"].into_iter().map(|key| (key.into(), inner.clone())).collect::<Map>());
    let tree =
        |leaf: i64| (0..40).fold(Data::map([("leaf".into(), Data::Int(leaf))].into_iter().collect::<Map>()), |inner, _| twice(inner));
    let table = |leaf| Table::of(tree(leaf).as_map().cloned().unwrap());
    let fault = merge_tables(&table(1), &table(2), &mut Notices::default()).unwrap_err();
    assert!(fault.message().contains("more than 1000000 tables to merge"), "{fault}");
    // What looks for nulls goes through each of them once.
    let mut notices = Notices::default();
    let Data::Map(map) = tree(1) else { panic!("a map") };
    let cleaned = Coalescer::new(false, false, &mut notices).without_nulls(&map);
    assert!(Arc::ptr_eq(&cleaned, &map));
}

/// Five hundred charts that add to a thousand globals have more tables to merge than are allowed for small trees.
#[test]
fn more_tables_are_merged_where_there_are_more_charts_and_tables() {
    let sub = chart("sub", r#"{"a": {"b": {}}, "c": [{"no": {"table": 1}}]}"#, vec![]);
    let root = chart("root", r#"{"x": {}}"#, vec![sub.clone(), sub]);
    let Data::Map(values) = data(r#"{"y": {"z": {}}}"#) else { panic!("a map") };
    // Of three charts: the root's values and `x`; the subchart's, which both have, with `a` and `b`; the user's with `y` and `z`.
    assert_eq!(most_pairs(&root, &values), 3 * (2 + 3 + 3));
}

/// Values are coalesced several times, and the globals of the first time are found in each subchart the second time.
#[test]
fn globals_that_are_there_already_are_not_merged_again() {
    let adding = |name| chart(name, r#"{"global": {"own": {"x": 1}, "a": {"b": {"z": 3}}}}"#, vec![chart("leaf", "{}", vec![])]);
    let more: String = (0..100).map(|number| format!(r#", "k{number}": {{"t": {{"x": 1}}}}"#)).collect();
    let values = format!(r#"{{"global": {{"a": {{"b": {{"y": 2}}}}{more}}}}}"#);
    let root = chart("root", &values, vec![adding("one"), adding("two")]);
    let first = merge_values(&root, &Arc::new(Map::new()), &mut Notices::new()).unwrap();
    let mut notices = Notices::new();
    let mut coalescer = Coalescer::new(true, true, &mut notices);
    let second = coalescer.run(&root, &first).unwrap();
    // What the subcharts add is merged, and nothing else.
    assert!(coalescer.merged < 30, "{}", coalescer.merged);
    assert_eq!(print(&Data::Map(second.freeze().unwrap())), print(&Data::Map(first)));
}
