//! The index of a tenant: its contents and order, and what this server does while it lists the storage.

use super::*;

/// An entry whose fields use all of YAML's styles.
pub fn entry(name: &str, version: &str) -> StoredVersion {
    let words = "long ".repeat(40);
    let yaml = format!(
        "apiVersion: v2\nname: {name}\nversion: {version}\ndescription: \"{words}: with # marks\\nand\\n\\n  lines\\n\"\nkeywords: [a, 'yes', \"7\"]\nannotations: {{k: \"a\\n- b\\n\"}}\nmaintainers: [{{name: Ada}}]\n"
    );
    let metadata = Metadata::parse(yaml.as_bytes()).expect("metadata");
    let seen = Listed { name: format!("{name}-{version}.tgz"), size: 1, modified: 1_700_000_000_000, tag: None };
    StoredVersion::of_chart(&metadata, "00".repeat(32), seen, "").expect("rendered").expect("an entry")
}

/// The archive of a chart that consists only of this Chart.yaml.
pub fn archive(chart_file: &str) -> Vec<u8> {
    let file = crate::chart::File { name: "Chart.yaml".into(), data: chart_file.as_bytes().into(), modified: Some(0) };
    let chart = loader::from_files(vec![file], &mut Notices::new()).expect("a chart");
    crate::package::archive::to_bytes(&chart, None).expect("an archive")
}

/// The catalog of a folder, which is listed again for every request.
pub fn catalog(folder: &std::path::Path) -> Arc<Catalog> {
    let storage = Storage::open(&folder.to_string_lossy(), &[]).expect("storage");
    Arc::new(Catalog::new(storage, "", "", &crate::repository::serve::trial::options(folder)))
}

/// How many objects the catalog has read from its storage.
pub fn reads(catalog: &Catalog) -> usize {
    catalog.storage.reads.load(std::sync::atomic::Ordering::Relaxed)
}

pub fn wait<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().expect("a runtime");
    runtime.block_on(future)
}

#[test]
fn who_waits_for_a_listing_takes_part_in_it() {
    let top = tempfile::tempdir().expect("a folder");
    let catalog = catalog(top.path());
    let listings = || catalog.storage.listings.load(std::sync::atomic::Ordering::Relaxed);
    wait(async {
        let busy = catalog.listing.lock().await;
        let mut all = std::pin::pin!(futures_util::future::join_all((0..8).map(|_| catalog.refresh())));
        // All eight are waiting before the first one can list.
        assert!(futures_util::poll!(&mut all).is_pending(), "nobody can list yet");
        drop(busy);
        assert!(all.await.iter().all(Result::is_ok));
        assert_eq!(listings(), 1);
        // A later caller needs a new listing.
        catalog.refresh().await.expect("listed");
        assert_eq!(listings(), 2);
    });
}

#[test]
fn names_that_no_route_takes_are_not_listed() {
    let top = tempfile::tempdir().expect("a folder");
    for file in ["a-1.0.0.tgz", "we ird-1.0.0.tgz", "p%2e-1.0.0.tgz"] {
        std::fs::write(top.path().join(file), archive("apiVersion: v2\nname: a\nversion: 1.0.0\n")).expect("a file");
    }
    let log = Arc::new(crate::repository::Recorded::default());
    let options = Options { log: log.clone(), ..crate::repository::serve::trial::options(top.path()) };
    let catalog = Catalog::new(Storage::open(&options.storage, &[]).expect("storage"), "", "", &options);
    for _ in 0..2 {
        let versions = wait(catalog.versions("a")).expect("versions");
        assert_eq!(versions.iter().map(|version| version.file.as_str()).collect::<Vec<_>>(), ["a-1.0.0.tgz"]);
    }
    let told: Vec<String> = log.notices().into_iter().map(|notice| notice.message).collect();
    assert!(told.len() == 2 && told[0].starts_with("\"p%2e-1.0.0.tgz\" is not served"), "{told:?}");
}

// After a fault of the storage only what was not read before it is read again.
#[test]
fn what_was_read_before_a_fault_is_known() {
    let seen = |name: &str| Listed { name: name.to_string(), size: 1, modified: 1, tag: None };
    let listing = Listing { archives: ["a-1.0.0.tgz", "b-1.0.0.tgz", "c.tgz", "d.tgz"].map(seen).into(), ..Listing::default() };
    let mut a = entry("a", "1.0.0");
    a.seen = seen("a-1.0.0.tgz");
    let mut state = State::default();
    state
        .take_in(&listing, vec![Content::Chart(Box::new(a)), Content::NoChart(seen("c.tgz")), Content::Unread], Instant::now(), |_| false)
        .expect("taken in");
    let unknown: Vec<String> = state.unknown(&listing).into_iter().map(|object| object.name).collect();
    assert_eq!(unknown, ["b-1.0.0.tgz", "d.tgz"]);
    // What changed since is read again.
    let later = Listing {
        archives: vec![Listed { modified: 2, ..seen("a-1.0.0.tgz") }, Listed { size: 2, ..seen("c.tgz") }],
        ..Listing::default()
    };
    assert_eq!(state.unknown(&later), later.archives);
}

#[test]
fn what_is_no_chart_is_read_once() {
    let top = tempfile::tempdir().expect("a folder");
    let write = |file: &str, bytes: &[u8]| std::fs::write(top.path().join(file), bytes).expect("a file");
    let catalog = catalog(top.path());
    let look = || {
        let before = reads(&catalog);
        let charts = wait(catalog.charts()).expect("charts").len();
        (charts, reads(&catalog) - before)
    };
    // The first one also reads the snapshot.
    assert_eq!(look(), (0, 1));
    write("backup.tgz", b"no chart");
    std::fs::File::create(top.path().join("huge.tgz")).expect("a file").set_len(ARCHIVE_LIMIT + 1).expect("its length");
    assert_eq!((look(), look()), ((0, 1), (0, 0)));
    write("backup.tgz", &archive("apiVersion: v2\nname: a\nversion: 1.0.0\n"));
    assert_eq!((look(), look()), ((1, 1), (1, 0)));
    write("backup.tgz", b"no chart any more");
    assert_eq!((look(), look()), ((0, 1), (0, 0)));
}

/// Whether `work` is passed to the blocking threads, and its result.
pub fn handed_on<T>(work: impl Future<Output = T>) -> (bool, T) {
    handed_on_during(work, || ())
}

/// The same; `meanwhile` runs once this is known, before any of those threads starts.
fn handed_on_during<T>(work: impl Future<Output = T>, meanwhile: impl FnOnce()) -> (bool, T) {
    let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().expect("a runtime");
    runtime.block_on(async {
        // All of them are kept busy until then.
        let (release, held) = std::sync::mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || held.recv());
        let mut work = std::pin::pin!(work);
        let at_once = std::future::poll_fn(|context| std::task::Poll::Ready(work.as_mut().poll(context))).await;
        meanwhile();
        drop(release);
        match at_once {
            std::task::Poll::Ready(found) => (false, found),
            std::task::Poll::Pending => (true, work.await),
        }
    })
}

/// The same charts in the same order as in `repo index` of the same folder.
#[test]
fn an_index_has_what_repo_index_has() {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |file: &str, bytes: &[u8]| std::fs::write(folder.path().join(file), bytes).expect("a file");
    for version in ["1.0.0", "1.0.0+a", "1.0.0+b", "1.0.0-rc.1", "2.0.0", "0.9.0"] {
        write(&format!("m-{version}.tgz"), &archive(&format!("apiVersion: v2\nname: m\nversion: {version}\n")));
    }
    write("another-name.tgz", &archive("apiVersion: v2\nname: m\nversion: 1.0.0\n"));
    write("v3-1.0.0.tgz", &archive("apiVersion: v3\nname: v3\nversion: 1.0.0\n"));
    write("none-1.0.0.tgz", &archive("name: none\nversion: 1.0.0\n"));
    write("junk-1.0.0.tgz", b"no chart");
    let memory = crate::repository::folder_index::Memory::default();
    let mut index = memory.index(folder.path(), "").expect("an index").to_index("2026-01-02T03:04:05Z").expect("an index");
    index.sort();
    let expected: Vec<(String, String, String)> = index
        .entries
        .values()
        .flatten()
        .map(|entry| (entry.urls[0].clone(), entry.metadata.api_version.clone(), entry.digest.clone()))
        .collect();
    let charts = wait(async { catalog(folder.path()).charts().await }).expect("charts");
    let version = |entry: &Arc<StoredVersion>| {
        let fields = entry.fields();
        let text = fields.get("apiVersion").and_then(Data::as_str).unwrap_or_default().to_string();
        (entry.file.clone(), text, entry.digest.clone())
    };
    let found: Vec<_> = charts.iter().flat_map(|chart| chart.versions.iter().map(version)).collect();
    assert_eq!(found, expected);
    assert_eq!(found.len(), 9);
}

#[test]
fn what_another_server_uploads_after_a_deletion_is_seen_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let (own, other) = (catalog(folder.path()), catalog(folder.path()));
    let place = folder.path().join("a-1.0.0.tgz");
    let upload = || std::fs::write(&place, archive("apiVersion: v2\nname: a\nversion: 1.0.0\n")).expect("a file");
    let count = async |catalog: &Catalog| catalog.versions("a").await.expect("versions").len();
    upload();
    wait(async {
        assert_eq!((count(&own).await, count(&other).await), (1, 1));
        assert!(own.storage.delete("a-1.0.0.tgz").await.expect("deleted"));
        own.removed("a-1.0.0.tgz").expect("noted");
        upload();
        assert_eq!((count(&own).await, count(&other).await), (1, 1));
    });
}

#[test]
fn an_index_is_rendered_by_a_thread_that_may_take_its_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let catalog = catalog(folder.path());
    catalog.state.write().expect("the state").insert(entry("a", "1.0.0")).expect("inserted");
    let (is_handed_on, rendered) = handed_on(catalog.rendered());
    assert!(is_handed_on);
    let (is_handed_on, again) = handed_on(catalog.rendered());
    assert!(!is_handed_on && Arc::ptr_eq(&rendered.expect("rendered"), &again.expect("rendered")), "what is there is given at once");
}

fn files(state: &State) -> Vec<String> {
    state.charts.values().flat_map(|chart| chart.versions.iter().map(|entry| entry.file.clone())).collect()
}

#[test]
fn entries_stand_newest_first_however_they_come() {
    let mut state = State::default();
    state.insert(entry("b", "1.0.0")).expect("inserted");
    state.insert_all(vec![entry("a", "1.0.0"), entry("a", "1.10.0"), entry("a", "1.9.0")]).expect("inserted");
    state.insert(entry("a", "1.9.5")).expect("inserted");
    state.insert(entry("a", "1.9.5")).expect("replaced");
    let sorted = ["a-1.10.0.tgz", "a-1.9.5.tgz", "a-1.9.0.tgz", "a-1.0.0.tgz", "b-1.0.0.tgz"];
    assert_eq!(files(&state), sorted);
    state.remove("b-1.0.0.tgz").expect("removed");
    state.remove("a-1.9.5.tgz").expect("removed");
    assert_eq!(files(&state), ["a-1.10.0.tgz", "a-1.9.0.tgz", "a-1.0.0.tgz"]);
    assert_eq!(state.charts.len(), 1);
}

#[test]
fn many_entries_go_at_once_and_move_between_charts() {
    let mut state = State::default();
    let all = (0..3000).map(|number| entry("a", &format!("1.{number}.0"))).chain([entry("b", "1.0.0"), entry("c", "1.0.0")]);
    state.insert_all(all.collect()).expect("inserted");
    let (generation, before) = (state.generation, state.charts["c"].clone());
    let gone: Vec<String> = (1..3000).map(|number| format!("a-1.{number}.0.tgz")).chain(["b-1.0.0.tgz".into()]).collect();
    state.remove_all(gone.iter().map(String::as_str)).expect("removed");
    assert_eq!(files(&state), ["a-1.0.0.tgz", "c-1.0.0.tgz"]);
    // Each changed chart once, and the others not at all.
    assert_eq!(state.generation, generation + 2);
    assert!(Arc::ptr_eq(&before, &state.charts["c"]));
    state.remove_all(["none.tgz"]).expect("nothing");
    assert_eq!(state.generation, generation + 2);
    // The two charts exchange their files.
    let (mut first, mut second) = (entry("c", "2.0.0"), entry("a", "2.0.0"));
    first.file = "a-1.0.0.tgz".into();
    second.file = "c-1.0.0.tgz".into();
    state.insert_all(vec![first, second]).expect("inserted");
    assert_eq!(files(&state), ["c-1.0.0.tgz", "a-1.0.0.tgz"]);
    assert_eq!((state.entries.len(), state.charts.len()), (2, 2));
}

#[test]
fn latest_is_the_newest_stable_one() {
    let versions = ["1.0.0", "2.0.0-rc.1", "1.5.0"].map(|version| Arc::new(entry("a", version)));
    let chart = Chart::new("a", versions.to_vec()).expect("a chart");
    assert_eq!(chart.latest().expect("one").version, "1.5.0");
    let only = Chart::new("a", vec![Arc::new(entry("a", "2.0.0-rc.1"))]).expect("a chart");
    assert_eq!(only.latest().expect("one").version, "2.0.0-rc.1");
}

#[test]
fn fields_come_back_from_their_short_form() {
    let entry = entry("a", "1.0.0");
    let data = entry.to_data("https://charts.example/");
    let text = |key: &str| data.as_map().and_then(|map| map.get(key)).and_then(Data::as_str).map(str::to_string);
    assert_eq!(text("version").as_deref(), Some("1.0.0"));
    assert_eq!(text("created").as_deref(), Some("2023-11-14T22:13:20Z"));
    let urls = data.as_map().and_then(|map| map.get("urls")).and_then(Data::as_list).and_then(|urls| urls.first());
    assert_eq!(urls.and_then(Data::as_str), Some("https://charts.example/charts/a-1.0.0.tgz"));
    assert_eq!(entry.fields().get("keywords").and_then(Data::as_list).map(|items| items.len()), Some(3));
}

/// Lists the storage again; `meanwhile` runs after the listing started and before it reads anything.
fn list_during(catalog: &Catalog, meanwhile: impl FnOnce()) {
    let (is_listed, listed) = handed_on_during(catalog.refresh(), meanwhile);
    listed.expect("a listing");
    assert!(is_listed, "nothing was listed");
}

/// The versions known without another listing, each with the digest of its archive.
fn known(catalog: &Catalog) -> Vec<(String, String)> {
    let state = catalog.state.read().expect("the state");
    let mut entries: Vec<_> = state.entries.values().map(|entry| (entry.file.clone(), entry.digest.clone())).collect();
    assert_eq!(files(&state).len(), entries.len());
    entries.sort();
    entries
}

fn version(number: &str) -> (Package, Vec<u8>) {
    let bytes = archive(&format!("apiVersion: v2\nname: a\nversion: {number}\n"));
    (read_package(&bytes).expect("a chart"), bytes)
}

fn seen(package: &Package) -> Listed {
    Listed { name: package.file.clone(), size: 1, modified: 1_700_000_000_000, tag: None }
}

#[test]
fn what_this_server_uploads_during_a_listing_is_not_lost_by_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let catalog = catalog(folder.path());
    let ((first, bytes), (second, _)) = (version("1.0.0"), version("2.0.0"));
    std::fs::write(folder.path().join(&first.file), bytes).expect("a file");
    wait(catalog.refresh()).expect("a listing");
    let known_of =
        |packages: &[&Package]| packages.iter().map(|package| (package.file.clone(), package.digest.clone())).collect::<Vec<_>>();
    assert_eq!(known(&catalog), known_of(&[&first]));
    // The upload during the listing is not in the listing.
    list_during(&catalog, || catalog.added(&second, seen(&second)).expect("noted"));
    assert_eq!(known(&catalog), known_of(&[&first, &second]));
    // Neither is it in a later one: another server has deleted it.
    list_during(&catalog, || ());
    assert_eq!(known(&catalog), known_of(&[&first]));
    // The listing shows the old archive.
    let replaced = Package { digest: "00".repeat(32), ..first.clone() };
    list_during(&catalog, || catalog.added(&replaced, seen(&replaced)).expect("noted"));
    assert_eq!(known(&catalog), known_of(&[&replaced]));
    list_during(&catalog, || ());
    assert_eq!(known(&catalog), known_of(&[&first]));
}

#[test]
fn what_this_server_deletes_during_a_listing_does_not_come_back_by_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let catalog = catalog(folder.path());
    let ((package, bytes), (unknown, others)) = (version("1.0.0"), version("2.0.0"));
    std::fs::write(folder.path().join(&package.file), bytes).expect("a file");
    wait(catalog.refresh()).expect("a listing");
    assert_eq!(known(&catalog).len(), 1);
    // The listing still shows both files.
    list_during(&catalog, || {
        std::fs::write(folder.path().join(&unknown.file), others).expect("a file");
        catalog.removed(&package.file).expect("noted");
        catalog.removed(&unknown.file).expect("noted");
    });
    assert_eq!(known(&catalog), []);
    // A later one shows what other servers have uploaded since.
    list_during(&catalog, || ());
    assert_eq!(known(&catalog).len(), 2);
    // A file that was deleted and uploaded again exists.
    list_during(&catalog, || {
        catalog.removed(&package.file).expect("noted");
        catalog.added(&package, seen(&package)).expect("noted");
    });
    assert_eq!(known(&catalog).len(), 2);
    // Once a listing no longer shows a deleted file, the deletion is forgotten.
    for file in [&package.file, &unknown.file] {
        std::fs::remove_file(folder.path().join(file)).expect("removed");
    }
    list_during(&catalog, || catalog.removed(&package.file).expect("noted"));
    assert!(known(&catalog).is_empty() && !catalog.is_empty());
    list_during(&catalog, || ());
    assert!(catalog.is_empty());
}

#[test]
fn what_somebody_here_is_at_stays_whatever_a_listing_shows() {
    let folder = tempfile::tempdir().expect("a folder");
    let catalog = catalog(folder.path());
    let (package, _) = version("1.0.0");
    catalog.added(&package, seen(&package)).expect("noted");
    let claim = catalog.claims.of(&package.file);
    wait(catalog.refresh()).expect("a listing");
    assert_eq!(known(&catalog).len(), 1);
    wait(catalog.claims.alone(&package.file, async { drop(claim) }));
    wait(catalog.refresh()).expect("a listing");
    assert_eq!(known(&catalog), []);
}

#[test]
fn a_provenance_file_that_changes_during_a_listing_is_asked_for_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let catalog = catalog(folder.path());
    let (package, bytes) = version("1.0.0");
    std::fs::write(folder.path().join(&package.file), bytes).expect("a file");
    std::fs::write(folder.path().join("a-1.0.0.tgz.prov"), "signed").expect("a file");
    wait(catalog.refresh()).expect("a listing");
    let beside = || {
        let versions: Vec<_> = catalog.state.read().expect("the state").entries.values().cloned().collect();
        catalog.beside(&versions).remove(0).1
    };
    assert!(matches!(beside(), Beside::Listed(seen) if seen.size == 6));
    list_during(&catalog, || catalog.provenance_changed(&package.file));
    assert_eq!(beside(), Beside::Changed);
    list_during(&catalog, || std::fs::remove_file(folder.path().join("a-1.0.0.tgz.prov")).expect("removed"));
    assert_eq!(beside(), Beside::Nothing);
}
