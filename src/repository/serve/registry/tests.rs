//! How a registry handles published versions, from the request to the storage.

use super::digest::Digest;
use crate::repository::oci::chart::{CHART_TYPE, CONFIG_TYPE, MANIFEST_TYPE, PROVENANCE_TYPE};
use crate::repository::serve::catalog::tests::archive;
use crate::repository::serve::route::Depth;
use crate::repository::serve::trial::Trial;
use serde_json::{Value, json};

const CHART_FILE: &str = "apiVersion: v2\nname: app\nversion: 1.0.0+b\ndescription: <b> ä\nkeywords: [x]\nannotations: {k: '7'}\n";
const TAG: &str = "/v2/app/manifests/1.0.0_b";

fn chart() -> Vec<u8> {
    archive(CHART_FILE)
}

/// Chart.yaml as another client encodes it: the same fields in another order.
fn config() -> Vec<u8> {
    let fields = r#"{"name":"app","version":"1.0.0+b","description":"<b> ä","keywords":["x"],"annotations":{"k":"7"},"apiVersion":"v2"}"#;
    fields.as_bytes().to_vec()
}

impl Trial {
    /// Uploads a blob and returns its descriptor.
    fn blob(&self, kind: &str, bytes: &[u8]) -> Value {
        let digest = Digest::of(bytes);
        let path = format!("/v2/app/blobs/uploads/?digest={}", digest.as_str());
        assert_eq!(self.status("POST", &path, bytes.to_vec()), 201);
        json!({ "mediaType": kind, "digest": digest.as_str(), "size": bytes.len() })
    }

    /// The manifest of a chart with these parts, after uploading them.
    fn manifest(&self, config: &[u8], layers: &[(&str, &[u8])], created: &str) -> String {
        let layers: Vec<Value> = layers.iter().map(|(kind, bytes)| self.blob(kind, bytes)).collect();
        let annotations = json!({ "org.opencontainers.image.created": created });
        json!({ "schemaVersion": 2, "config": self.blob(CONFIG_TYPE, config), "layers": layers, "annotations": annotations }).to_string()
    }

    fn put(&self, path: &str, manifest: &str) -> (u16, String) {
        let (status, body) = self.ask("PUT", path, &[("content-type", MANIFEST_TYPE)], manifest.to_string());
        let said: Value = serde_json::from_slice(&body).unwrap_or_default();
        (status.as_u16(), said["errors"][0]["code"].as_str().unwrap_or_default().to_string())
    }

    /// Whether the version is complete over every API.
    fn has_version(&self, archive: &[u8]) -> bool {
        let index = String::from_utf8_lossy(&self.get("/index.yaml").1).contains("charts/app-1.0.0+b.tgz");
        let manifest: Value = serde_json::from_slice(&self.get(TAG).1).unwrap_or_default();
        let layers = manifest["layers"].as_array().cloned().unwrap_or_default();
        let layer = layers.iter().find(|layer| layer["mediaType"] == CHART_TYPE).map(|layer| layer["digest"].clone()).unwrap_or_default();
        let pulled = self.get(&format!("/v2/app/blobs/{}", layer.as_str().unwrap_or_default())).1 == archive;
        let fetched = self.get("/charts/app-1.0.0+b.tgz").1 == archive;
        assert!(index == pulled && pulled == fetched, "in the index: {index}, over OCI: {pulled}, over HTTP: {fetched}");
        index
    }
}

fn denied() -> (u16, String) {
    (409, "DENIED".to_string())
}

#[test]
fn deleting_another_tag_leaves_the_version() {
    let trial = Trial::new(|_| {});
    let chart = chart();
    let signed: &[(&str, &[u8])] = &[(CHART_TYPE, &chart), (PROVENANCE_TYPE, b"signed")];
    let manifest = trial.manifest(&config(), signed, "then");
    for tag in ["1.0.0_b", "latest"] {
        assert_eq!(trial.put(&format!("/v2/app/manifests/{tag}"), &manifest).0, 201);
    }
    assert_eq!(trial.status("DELETE", "/v2/app/manifests/latest", ""), 202);
    assert_eq!(trial.get("/v2/app/manifests/latest").0, 404);
    assert!(trial.has_version(&chart));
    assert_eq!(trial.get(TAG).1, manifest);
    assert!(trial.path("app-1.0.0+b.tgz.prov").exists());
    // Deleting the version's own tag, or its digest, deletes the version.
    assert_eq!(trial.status("DELETE", TAG, ""), 202);
    assert!(!trial.has_version(&chart) && !trial.path("app-1.0.0+b.tgz.prov").exists());
    for tag in ["1.0.0_b", "latest"] {
        let manifest = trial.manifest(&config(), signed, "then");
        assert_eq!(trial.put(&format!("/v2/app/manifests/{tag}"), &manifest).0, 201);
    }
    assert!(trial.has_version(&chart));
    let digest = Digest::of(manifest.as_bytes());
    assert_eq!(trial.status("DELETE", &format!("/v2/app/manifests/{}", digest.as_str()), ""), 202);
    assert!(!trial.has_version(&chart) && !trial.path("app-1.0.0+b.tgz.prov").exists());
    assert_eq!(trial.get("/v2/app/manifests/latest").0, 404);
}

#[test]
fn deleting_another_manifest_of_the_archive_leaves_the_version() {
    let trial = Trial::new(|_| {});
    let chart = chart();
    let manifest = trial.manifest(&config(), &[(CHART_TYPE, &chart)], "then");
    let other = trial.manifest(&config(), &[(CHART_TYPE, &chart)], "later");
    assert_eq!(trial.put("/v2/app/manifests/latest", &other).0, 201);
    assert_eq!(trial.put(TAG, &manifest).0, 201);
    let digest = Digest::of(other.as_bytes());
    assert_eq!(trial.status("DELETE", &format!("/v2/app/manifests/{}", digest.as_str()), ""), 202);
    assert_eq!(trial.get("/v2/app/manifests/latest").0, 404);
    assert!(trial.has_version(&chart));
}

#[test]
fn a_published_version_is_given_no_other_manifest() {
    for over_http in [false, true] {
        let trial = Trial::new(|_| {});
        let (chart, config) = (chart(), config());
        let manifest = trial.manifest(&config, &[(CHART_TYPE, &chart), (PROVENANCE_TYPE, b"signed")], "then");
        if over_http {
            assert_eq!(trial.status("POST", "/api/charts", chart.clone()), 201);
            std::fs::write(trial.path("app-1.0.0+b.tgz.prov"), "signed").expect("a file");
        } else {
            assert_eq!(trial.put(TAG, &manifest), (201, String::new()));
        }
        let before = trial.get(TAG);
        let mut image: Value = serde_json::from_str(&manifest).expect("JSON");
        image["config"]["mediaType"] = "application/vnd.oci.image.config.v1+json".into();
        let index = json!({ "schemaVersion": 2, "manifests": [{ "mediaType": MANIFEST_TYPE, "digest": Digest::of(&before.1).as_str() }] });
        let other = archive(&CHART_FILE.replace("keywords: [x]\n", ""));
        let lie = br#"{"name":"app","version":"1.0.0+b","apiVersion":"v2"}"#;
        let whole: &[(&str, &[u8])] = &[(CHART_TYPE, &chart), (PROVENANCE_TYPE, b"signed")];
        for (what, given) in [
            ("an image", image.to_string()),
            ("another archive", trial.manifest(&config, &[(CHART_TYPE, &other)], "then")),
            ("another config", trial.manifest(lie, whole, "then")),
            ("a config that is no JSON", trial.manifest(b"{", whole, "then")),
            ("another signature", trial.manifest(&config, &[(CHART_TYPE, &chart), (PROVENANCE_TYPE, b"other")], "then")),
            ("a second signature", trial.manifest(&config, &[whole, &[(PROVENANCE_TYPE, b"other")]].concat(), "then")),
            ("no signature", trial.manifest(&config, &[(CHART_TYPE, &chart)], "then")),
            ("a second archive", trial.manifest(&config, &[whole, &[(CHART_TYPE, &other)]].concat(), "then")),
            ("another archive before it", trial.manifest(&config, &[&[(CHART_TYPE, &other[..])], whole].concat(), "then")),
        ] {
            assert_eq!(trial.put(TAG, &given), denied(), "{what}");
            let digest = Digest::of(given.as_bytes());
            let place = format!("/v2/app/manifests/{}", digest.as_str());
            assert_eq!(trial.put(&format!("{place}?tag=more&tag=1.0.0_b"), &given), denied(), "{what} by its digest");
            assert_eq!((trial.get(&place).0, trial.get("/v2/app/manifests/more").0), (404, 404), "{what}: nothing is written");
            assert_eq!(trial.get(TAG), before, "{what}");
        }
        let (status, _) = trial.ask("PUT", TAG, &[("content-type", "application/vnd.oci.image.index.v1+json")], index.to_string());
        assert_eq!((status.as_u16(), trial.get(TAG)), (409, before));
        assert!(trial.has_version(&chart));
        // Other tags may name anything.
        assert_eq!(trial.put("/v2/app/manifests/image", &image.to_string()), (201, String::new()));
        assert_eq!(trial.put("/v2/app/manifests/2.0.0", &image.to_string()), (201, String::new()));
    }
}

#[test]
fn a_published_version_can_be_pushed_again() {
    for over_http in [false, true] {
        let trial = Trial::new(|_| {});
        let (chart, config) = (chart(), config());
        let push = |layers: &[(&str, &[u8])], created: &str| {
            let manifest = trial.manifest(&config, layers, created);
            assert_eq!(trial.put(TAG, &manifest), (201, String::new()), "{created}");
            assert_eq!(trial.get(TAG).1, manifest, "{created}");
            assert!(trial.has_version(&chart));
        };
        if over_http {
            assert_eq!(trial.status("POST", "/api/charts", chart.clone()), 201);
        }
        push(&[(CHART_TYPE, &chart)], "then");
        push(&[(CHART_TYPE, &chart)], "then");
        // As if the archive was fetched again in between.
        push(&[(CHART_TYPE, &chart)], "later");
        // Signed later.
        push(&[(PROVENANCE_TYPE, b"signed"), (CHART_TYPE, &chart)], "later");
        push(&[(CHART_TYPE, &chart), (PROVENANCE_TYPE, b"signed")], "much later");
    }
}

#[test]
fn of_two_that_push_a_new_version_at_once_one_gives_it_its_manifest() {
    for round in 0..20 {
        let trial = Trial::new(|_| {});
        let chart = chart();
        let configs = [config(), br#"{"name":"app","version":"1.0.0+b","apiVersion":"v2"}"#.to_vec()];
        let manifests = configs.map(|config| trial.manifest(&config, &[(CHART_TYPE, &chart)], "then"));
        let statuses = std::thread::scope(|scope| {
            let pushes = manifests.each_ref().map(|manifest| scope.spawn(|| trial.put(TAG, manifest).0));
            pushes.map(|push| push.join().expect("an answer"))
        });
        let winner = statuses.iter().position(|status| *status == 201).expect("a winner");
        assert_eq!(statuses[1 - winner], 409, "round {round}: {statuses:?}");
        assert_eq!(trial.get(TAG).1, manifests[winner], "round {round}");
        assert!(trial.has_version(&chart));
    }
}

#[test]
fn whoever_may_overwrite_gives_a_version_another_manifest() {
    let trial = Trial::new(|options| options.allow_overwrite = true);
    let chart = chart();
    let manifest = trial.manifest(&config(), &[(CHART_TYPE, &chart), (PROVENANCE_TYPE, b"signed")], "then");
    assert_eq!(trial.put(TAG, &manifest).0, 201);
    let other = archive(&CHART_FILE.replace("keywords: [x]\n", ""));
    let manifest = trial.manifest(br#"{"name":"app"}"#, &[(CHART_TYPE, &other)], "then");
    assert_eq!((trial.put(TAG, &manifest).0, &trial.get(TAG).1[..]), (201, manifest.as_bytes()));
    assert!(trial.has_version(&other));
}

#[test]
fn a_version_that_is_replaced_over_http_is_pulled_as_it_is() {
    let trial = Trial::new(|_| {});
    let chart = chart();
    let manifest = trial.manifest(&config(), &[(CHART_TYPE, &chart)], "then");
    assert_eq!(trial.put(TAG, &manifest).0, 201);
    let other = archive(&CHART_FILE.replace("keywords: [x]\n", ""));
    assert_eq!(trial.status("POST", "/api/charts?force", other.clone()), 201);
    assert!(trial.has_version(&other));
}

/// Whether everything that the tag's manifest names can be pulled; `None` without such a tag.
fn is_whole(trial: &Trial, tag: &str) -> Option<bool> {
    let (status, body) = trial.get(&format!("/v2/app/manifests/{tag}"));
    let manifest: Value = (status == 200).then(|| serde_json::from_slice(&body).expect("JSON"))?;
    let mut parts = manifest["layers"].as_array().cloned().unwrap_or_default();
    parts.push(manifest["config"].clone());
    Some(parts.iter().all(|part| trial.get(&format!("/v2/app/blobs/{}", part["digest"].as_str().unwrap_or_default())).0 == 200))
}

#[test]
fn other_tags_stand_on_their_own_when_a_version_goes() {
    let other = archive(&CHART_FILE.replace("keywords: [x]\n", ""));
    for pushed_over_http in [false, true] {
        let trial = || {
            let trial = Trial::new(|options| options.allow_overwrite = true);
            let chart = chart();
            if pushed_over_http {
                assert_eq!(trial.status("POST", "/api/charts", chart), 201);
                // As a client copies a tag: blobs that the registry has are not sent again.
                let manifest = trial.get(TAG).1;
                assert_eq!(trial.put("/v2/app/manifests/latest", &String::from_utf8_lossy(&manifest)).0, 201);
            } else {
                let manifest = trial.manifest(&config(), &[(CHART_TYPE, &chart), (PROVENANCE_TYPE, b"signed")], "then");
                for tag in ["1.0.0_b", "latest"] {
                    assert_eq!(trial.put(&format!("/v2/app/manifests/{tag}"), &manifest).0, 201);
                }
            }
            assert_eq!(is_whole(&trial, "latest"), Some(true));
            trial
        };
        let deleted = trial();
        assert_eq!(deleted.status("DELETE", TAG, ""), 202);
        assert_eq!((is_whole(&deleted, "1.0.0_b"), is_whole(&deleted, "latest")), (None, Some(true)));
        let replaced = trial();
        assert_eq!(replaced.status("POST", "/api/charts", other.clone()), 201);
        assert_eq!((is_whole(&replaced, "1.0.0_b"), is_whole(&replaced, "latest")), (Some(true), Some(true)));
        assert!(replaced.has_version(&other));
        let replaced = trial();
        let manifest = replaced.manifest(&config(), &[(CHART_TYPE, &other)], "then");
        assert_eq!(replaced.put(TAG, &manifest).0, 201);
        assert_eq!((is_whole(&replaced, "1.0.0_b"), is_whole(&replaced, "latest")), (Some(true), Some(true)));
        // Deleting a version over HTTP deletes all its tags.
        let deleted = trial();
        assert_eq!(deleted.status("DELETE", "/api/charts/app/1.0.0+b", ""), 200);
        assert_eq!((is_whole(&deleted, "1.0.0_b"), is_whole(&deleted, "latest")), (None, None));
    }
}

#[test]
fn versions_are_what_the_archive_says_however_they_are_written() {
    for version in ["v1.14.0", "7", "1.2", "v2"] {
        let trial = Trial::new(|_| {});
        let chart = archive(&format!("apiVersion: v2\nname: app\nversion: {version}\n"));
        let other = archive(&format!("apiVersion: v2\nname: app\nversion: {version}\ndescription: other\n"));
        let tag = format!("/v2/app/manifests/{version}");
        assert_eq!(trial.put(&tag, &trial.manifest(b"{}", &[(CHART_TYPE, &chart)], "then")).0, 201);
        assert_eq!(trial.get(&format!("/charts/app-{version}.tgz")), (200, chart.clone().into()));
        assert_eq!(trial.put(&tag, &trial.manifest(b"{}", &[(CHART_TYPE, &other)], "then")), denied());
        assert_eq!(trial.status("POST", "/api/charts", other), 409);
        assert!(String::from_utf8_lossy(&trial.get("/index.yaml").1).contains(&format!("app-{version}.tgz")));
    }
}

// What one server has listed may be older than what another has published.
#[test]
fn servers_on_one_storage_keep_each_other_s_tags() {
    let slow = |options: &mut crate::repository::serve::Options| {
        (options.freshness, options.allow_overwrite) = (std::time::Duration::from_secs(3600), true);
    };
    let (other, third) =
        (archive(&CHART_FILE.replace("keywords: [x]\n", "")), archive(&CHART_FILE.replace("keywords: [x]", "keywords: [y]")));
    let a = Trial::new(|options| options.allow_overwrite = true);
    let b = a.another(slow);
    assert!(!b.has_version(&chart()));
    let manifest = a.manifest(&config(), &[(CHART_TYPE, &chart())], "then");
    for tag in ["1.0.0_b", "rc"] {
        assert_eq!(a.put(&format!("/v2/app/manifests/{tag}"), &manifest).0, 201);
    }
    // It is there for the other server too, which leaves it alone when another tag goes.
    assert_eq!(b.get(TAG).1, manifest);
    let b = a.another(slow);
    b.get("/index.yaml");
    let manifest = a.manifest(&config(), &[(CHART_TYPE, &other)], "then");
    for tag in ["1.0.0_b", "rc"] {
        assert_eq!(a.put(&format!("/v2/app/manifests/{tag}"), &manifest).0, 201);
    }
    assert_eq!(b.status("DELETE", "/v2/app/manifests/rc", ""), 202);
    assert_eq!(a.get(TAG).1, manifest);
    // What a tag names is kept, whatever the other server took the version for.
    assert_eq!(a.put("/v2/app/manifests/rc", &manifest).0, 201);
    assert_eq!(b.status("POST", "/api/charts?force", third.clone()), 201);
    assert_eq!(is_whole(&a, "rc"), Some(true));
    assert!(a.has_version(&third));
}

#[test]
fn a_deletion_leaves_manifests_that_are_not_the_version_s() {
    let trial = Trial::new(|options| options.allow_overwrite = true);
    let image =
        trial.manifest(b"{}", &[("application/x", b"layer")], "then").replace(CONFIG_TYPE, "application/vnd.oci.image.config.v1+json");
    for tag in ["1.0.0_b", "img"] {
        assert_eq!(trial.put(&format!("/v2/app/manifests/{tag}"), &image).0, 201);
    }
    assert_eq!(trial.status("POST", "/api/charts", chart()), 201);
    assert_eq!(trial.status("DELETE", "/api/charts/app/1.0.0+b", ""), 200);
    assert_eq!((trial.get("/v2/app/manifests/img").1, is_whole(&trial, "img")), (image.into(), Some(true)));
}

#[test]
fn tags_whose_archives_are_gone_are_not_listed() {
    let trial = Trial::new(|_| {});
    for version in ["1.0.1", "1.0.9"] {
        let chart = archive(&format!("apiVersion: v2\nname: app\nversion: {version}\n"));
        let manifest = trial.manifest(b"{}", &[(CHART_TYPE, &chart)], "then");
        assert_eq!(trial.put(&format!("/v2/app/manifests/{version}"), &manifest).0, 201);
    }
    std::fs::remove_file(trial.path("app-1.0.9.tgz")).expect("removed");
    assert_eq!(trial.get("/v2/app/tags/list").1, r#"{"name":"app","tags":["1.0.1"]}"#);
}

// By anybody who may read, on storage that may be a bucket of thousands of objects.
#[test]
fn one_request_lists_the_charts_once_however_many_are_gone() {
    let trial = Trial::new(|options| options.freshness = std::time::Duration::from_secs(3600));
    for version in 0..12 {
        let chart = archive(&format!("apiVersion: v2\nname: app\nversion: 1.0.{version}\n"));
        let manifest = trial.manifest(b"{}", &[(CHART_TYPE, &chart)], "then");
        assert_eq!(trial.put(&format!("/v2/app/manifests/1.0.{version}"), &manifest).0, 201);
    }
    (1..12).for_each(|version| std::fs::remove_file(trial.path(&format!("app-1.0.{version}.tgz"))).expect("removed"));
    // Another server, so that what is gone is not among its charts.
    let other = trial.another(|options| options.freshness = std::time::Duration::from_secs(3600));
    other.get("/index.yaml");
    let listings = || other.server.storage.listings.load(std::sync::atomic::Ordering::Relaxed);
    let before = listings();
    assert_eq!(other.get("/v2/app/tags/list").1, r#"{"name":"app","tags":["1.0.0"]}"#);
    assert_eq!(listings() - before, 2, "the tags, and the charts");
}

#[test]
fn a_push_with_a_wrong_tag_publishes_nothing() {
    let trial = Trial::new(|_| {});
    let manifest = trial.manifest(&config(), &[(CHART_TYPE, &chart())], "then");
    let place = format!("/v2/app/manifests/{}?tag=1.0.0_b&tag=2.0.0", Digest::of(manifest.as_bytes()).as_str());
    assert_eq!(trial.put(&place, &manifest), (400, "MANIFEST_INVALID".to_string()));
    assert!(!trial.has_version(&chart()));
}

// Deleting or replacing one of many versions does not read the manifests of all others.
#[test]
fn tags_of_other_versions_are_not_read() {
    let trial = Trial::new(|options| options.allow_overwrite = true);
    let reads = || trial.server.storage.reads.load(std::sync::atomic::Ordering::Relaxed);
    let cost = |path: &str, method: &str, body: Vec<u8>| {
        let before = reads();
        assert!(trial.status(method, path, body) < 300, "{method} {path}");
        reads() - before
    };
    let push = |version: usize| {
        let chart = archive(&format!("apiVersion: v2\nname: app\nversion: 1.{version}.0\n"));
        let manifest = trial.manifest(b"{}", &[(CHART_TYPE, &chart)], "then");
        assert_eq!(trial.put(&format!("/v2/app/manifests/1.{version}.0"), &manifest).0, 201);
    };
    (0..50).for_each(push);
    let other = archive("apiVersion: v2\nname: app\nversion: 1.1.0\ndescription: other\n");
    assert!(cost("/api/charts", "POST", other) < 10);
    assert!(cost("/api/charts/app/1.2.0", "DELETE", Vec::new()) < 10);
    assert!(cost("/v2/app/manifests/1.3.0", "DELETE", Vec::new()) < 10);
}

// A push that finds its manifest sends nothing else, as oras has it.
#[test]
fn a_deleted_version_can_be_pushed_again() {
    for (path, status) in [("/api/charts/app/1.0.0+b", 200), (TAG, 202)] {
        let trial = Trial::new(|_| {});
        let chart = chart();
        let whole: &[(&str, &[u8])] = &[(CHART_TYPE, &chart), (PROVENANCE_TYPE, b"signed")];
        let manifest = trial.manifest(&config(), whole, "then");
        let by_digest = format!("/v2/app/manifests/{}", Digest::of(manifest.as_bytes()).as_str());
        assert_eq!((trial.put(TAG, &manifest).0, trial.get(&by_digest).0), (201, 200));
        assert_eq!(trial.status("DELETE", path, ""), status);
        assert_eq!((trial.get(&by_digest).0, trial.get("/v2/app/tags/list").0), (404, 404), "{path}");
        assert_eq!(trial.get("/v2/_catalog").1, r#"{"repositories":[]}"#);
        assert_eq!(trial.put(TAG, &manifest), (404, "MANIFEST_BLOB_UNKNOWN".to_string()));
        trial.manifest(&config(), whole, "then");
        assert_eq!((trial.put(TAG, &manifest).0, trial.get(&by_digest).0), (201, 200));
        assert!(trial.has_version(&chart));
    }
    // However the archive went.
    let trial = Trial::new(|_| {});
    let manifest = trial.manifest(&config(), &[(CHART_TYPE, &chart())], "then");
    assert_eq!(trial.put(TAG, &manifest).0, 201);
    std::fs::remove_file(trial.path("app-1.0.0+b.tgz")).expect("removed");
    let digest = Digest::of(manifest.as_bytes());
    let by_digest = format!("/v2/app/manifests/{}", digest.as_str());
    assert_eq!((trial.get(TAG).0, trial.get(&by_digest).0), (404, 404));
    assert_eq!((trial.status("DELETE", &by_digest, ""), trial.status("DELETE", &by_digest, "")), (202, 404));
}

#[test]
fn charts_are_pushed_where_the_server_has_charts_only() {
    let push = |depth: Depth, name: &str| {
        let trial = Trial::new(|options| options.layout.depth = depth);
        let upload = |bytes: &[u8]| {
            let path = format!("/v2/{name}/blobs/uploads/?digest={}", Digest::of(bytes).as_str());
            assert_eq!(trial.status("POST", &path, bytes.to_vec()), 201);
        };
        upload(&chart());
        upload(&config());
        let manifest = trial.manifest(&config(), &[(CHART_TYPE, &chart())], "then");
        let image = manifest.replace(CONFIG_TYPE, "application/vnd.oci.image.config.v1+json");
        let whatever = trial.put(&format!("/v2/{name}/manifests/any"), &image).0;
        let tagged = trial.put(&format!("/v2/{name}/manifests/1.0.0_b"), &manifest);
        assert_eq!(trial.get(&format!("/v2/{name}/manifests/1.0.0_b")).0 == 200, tagged.0 == 201);
        (whatever, tagged)
    };
    let refused = (403, "DENIED".to_string());
    for (depth, name, wanted) in [
        (Depth::None, "app", (201, String::new())),
        (Depth::None, "charts/app", refused.clone()),
        (Depth::Fixed(1), "app", refused.clone()),
        (Depth::Fixed(1), "charts/app", (201, String::new())),
        (Depth::Fixed(1), "more/charts/app", refused),
        (Depth::Dynamic, "more/charts/app", (201, String::new())),
    ] {
        assert_eq!(push(depth, name), (201, wanted), "{depth:?} {name}");
    }
}

#[test]
fn a_signature_that_comes_later_is_seen_by_all() {
    let chart = chart();
    let trial = Trial::new(|_| {});
    let unsigned = trial.manifest(&config(), &[(CHART_TYPE, &chart)], "then");
    let signed = trial.manifest(&config(), &[(CHART_TYPE, &chart), (PROVENANCE_TYPE, b"signed")], "then");
    assert_eq!((trial.put(TAG, &unsigned).0, trial.get("/charts/app-1.0.0+b.tgz.prov").0), (201, 404));
    assert_eq!((trial.put(TAG, &signed).0, trial.get("/charts/app-1.0.0+b.tgz.prov")), (201, (200, "signed".into())));
    assert_eq!(trial.put(TAG, &unsigned), denied());
    let trial = Trial::new(|_| {});
    let unsigned = trial.manifest(&config(), &[(CHART_TYPE, &chart)], "then");
    assert_eq!(trial.put(TAG, &unsigned).0, 201);
    let text = "-----BEGIN PGP SIGNED MESSAGE-----\nname: app\nversion: 1.0.0+b\n\nfiles:\n  app-1.0.0+b.tgz: sha256:0\n";
    assert_eq!(trial.status("POST", "/api/prov", text), 201);
    let manifest: Value = serde_json::from_slice(&trial.get(TAG).1).expect("JSON");
    assert_eq!(manifest["layers"][1]["digest"], Digest::of(text.as_bytes()).as_str());
    assert_eq!(is_whole(&trial, "1.0.0_b"), Some(true));
    // The pushed manifest is still available by its digest.
    assert_eq!(trial.get(&format!("/v2/app/manifests/{}", Digest::of(unsigned.as_bytes()).as_str())).0, 200);
}

#[test]
fn repositories_of_any_depth_are_listed() {
    let trial = Trial::new(|_| {});
    let folders = |count: usize| vec!["t"; count].join("/");
    let mut names = Vec::new();
    for count in [0, 16] {
        let tenant = folders(count);
        assert_eq!(trial.status("POST", format!("/api/{tenant}/charts").replace("//", "/").as_str(), chart()), 201);
        names.push(format!("{tenant}/app").trim_start_matches('/').to_string());
    }
    // Deeper than any tenant: no chart is published there, but it is a repository all the same.
    let deep = format!("{}/app", folders(17));
    let digest = Digest::of(b"{}");
    assert_eq!(trial.status("POST", &format!("/v2/{deep}/blobs/uploads/?digest={}", digest.as_str()), "{}"), 201);
    let layer = Digest::of(&chart());
    assert_eq!(trial.status("POST", &format!("/v2/{deep}/blobs/uploads/?digest={}", layer.as_str()), chart()), 201);
    let manifest = json!({
        "schemaVersion": 2, "config": { "mediaType": "application/vnd.example+json", "digest": digest.as_str() },
        "layers": [{ "mediaType": CHART_TYPE, "digest": layer.as_str() }],
    });
    assert_eq!(trial.put(&format!("/v2/{deep}/manifests/1.0.0_b"), &manifest.to_string()).0, 201);
    assert_eq!(trial.get(&format!("/v2/{deep}/manifests/1.0.0_b")).1, manifest.to_string());
    assert_eq!(trial.get(&format!("/v2/{deep}/blobs/{}", layer.as_str())).1, chart());
    assert!(!trial.path(&folders(17)).exists(), "no folder that no route leads to");
    names.push(deep);
    names.sort();
    let listed: Value = serde_json::from_slice(&trial.get("/v2/_catalog").1).expect("JSON");
    assert_eq!(listed["repositories"], json!(names));
}

/// The status of a response and the code of its error.
fn code((status, body): (axum::http::StatusCode, axum::body::Bytes)) -> (u16, String) {
    let said: Value = serde_json::from_slice(&body).unwrap_or_default();
    (status.as_u16(), said["errors"][0]["code"].as_str().unwrap_or_default().to_string())
}

#[test]
fn a_manifest_is_stored_under_its_own_digest_only() {
    let trial = Trial::new(|_| {});
    let manifest = trial.manifest(&config(), &[(CHART_TYPE, &chart())], "then");
    let (own, foreign) = (Digest::of(manifest.as_bytes()), Digest::of(b"another"));
    for reference in [foreign.as_str(), "sha256:00", "md5:9a0364b9e99bb480dd25e1f0284c8555"] {
        let place = format!("/v2/app/manifests/{reference}");
        assert_eq!(trial.put(&place, &manifest), (400, "DIGEST_INVALID".to_string()), "{reference}");
        assert_eq!(trial.get(&place).0, 404, "{reference}");
    }
    let place = format!("/v2/app/manifests/{}", own.as_str());
    assert_eq!(trial.get(&place).0, 404);
    assert_eq!(trial.put(&place, &manifest).0, 201);
    assert_eq!(trial.get(&place).1, manifest);
}

#[test]
fn a_manifest_is_not_stored_before_its_parts() {
    let trial = Trial::new(|_| {});
    let whole: Value = serde_json::from_str(&trial.manifest(&config(), &[(CHART_TYPE, &chart())], "then")).expect("JSON");
    let missing = Digest::of(b"nobody has this");
    for place in ["/config/digest", "/layers/0/digest"] {
        let mut manifest = whole.clone();
        *manifest.pointer_mut(place).expect("a digest") = missing.as_str().into();
        for reference in ["1.0.0_b", "latest", Digest::of(manifest.to_string().as_bytes()).as_str()] {
            let path = format!("/v2/app/manifests/{reference}");
            assert_eq!(trial.put(&path, &manifest.to_string()), (404, "MANIFEST_BLOB_UNKNOWN".to_string()), "{place} {reference}");
            assert_eq!(trial.get(&path).0, 404, "{place} {reference}");
        }
    }
    // Blobs of another repository are not in this one.
    assert_eq!(trial.put("/v2/other/manifests/latest", &whole.to_string()), (404, "MANIFEST_BLOB_UNKNOWN".to_string()));
    assert!(!trial.has_version(&chart()));
}

#[test]
fn a_version_is_published_only_as_what_its_archive_is() {
    let trial = Trial::new(|_| {});
    let named = |name: &str, version: &str| archive(&format!("apiVersion: v2\nname: {name}\nversion: {version}\n"));
    let (other_name, other_version) = (named("other", "1.0.0+b"), named("app", "1.0.1"));
    for (layers, reason) in [
        (&[(CHART_TYPE, &other_name[..])][..], "the archive is other 1.0.0+b, not app 1.0.0_b"),
        (&[(CHART_TYPE, &other_version)], "the archive is app 1.0.1, not app 1.0.0_b"),
        (&[(CHART_TYPE, b"no archive")], ""),
        (&[(PROVENANCE_TYPE, b"signed")], "a chart manifest without chart layer"),
    ] {
        let manifest = trial.manifest(&config(), layers, "then");
        let (status, body) = trial.ask("PUT", TAG, &[("content-type", MANIFEST_TYPE)], manifest);
        let said: Value = serde_json::from_slice(&body).unwrap_or_default();
        assert_eq!((status.as_u16(), &said["errors"][0]["code"]), (400, &json!("MANIFEST_INVALID")), "{reason}");
        assert!(reason.is_empty() || said["errors"][0]["message"] == reason, "{said}");
        assert_eq!(trial.get(TAG).0, 404, "{reason}");
        for file in ["app-1.0.0+b.tgz", "other-1.0.0+b.tgz", "app-1.0.1.tgz"] {
            assert!(!trial.path(file).exists(), "{reason}: {file}");
        }
    }
}

#[test]
fn where_deletions_are_off_everything_stays() {
    let trial = Trial::new(|options| options.disable_delete = true);
    let (chart, config) = (chart(), config());
    let manifest = trial.manifest(&config, &[(CHART_TYPE, &chart)], "then");
    for tag in ["1.0.0_b", "latest"] {
        assert_eq!(trial.put(&format!("/v2/app/manifests/{tag}"), &manifest).0, 201);
    }
    let (own, blob) = (Digest::of(manifest.as_bytes()), Digest::of(&config));
    for path in
        [TAG, "/v2/app/manifests/latest", &format!("/v2/app/manifests/{}", own.as_str()), &format!("/v2/app/blobs/{}", blob.as_str())]
    {
        assert_eq!(code(trial.ask("DELETE", path, &[], "")), (405, "UNSUPPORTED".to_string()), "{path}");
        assert_eq!(trial.get(path).0, 200, "{path}");
    }
    assert_eq!(trial.status("DELETE", "/api/charts/app/1.0.0+b", ""), 404);
    assert!(trial.has_version(&chart));
}

#[test]
fn where_the_api_is_off_charts_are_only_read() {
    let trial = Trial::new(|options| options.disable_api = true);
    let chart = chart();
    std::fs::write(trial.path("app-1.0.0+b.tgz"), &chart).expect("a file");
    let manifest = trial.get(TAG).1;
    let digest = Digest::of(b"{}");
    for (method, path, body) in [
        ("POST", "/v2/app/blobs/uploads/", &b""[..]),
        ("POST", &format!("/v2/app/blobs/uploads/?digest={}", digest.as_str()), b"{}"),
        ("PATCH", "/v2/app/blobs/uploads/07", b"x"),
        ("PUT", "/v2/app/manifests/latest", &manifest),
        ("DELETE", TAG, b""),
        ("DELETE", &format!("/v2/app/blobs/{}", digest.as_str()), b""),
    ] {
        let refused = code(trial.ask(method, path, &[], body.to_vec()));
        assert_eq!(refused, (405, "UNSUPPORTED".to_string()), "{method} {path}");
    }
    for (method, path) in [("POST", "/api/charts"), ("DELETE", "/api/charts/app/1.0.0+b"), ("GET", "/api/charts")] {
        assert_eq!(trial.status(method, path, ""), 404, "{method} {path}");
    }
    assert!(!trial.path(".oci").exists());
    assert!(trial.has_version(&chart));
}
