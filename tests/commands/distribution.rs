//! The OCI distribution API of `rutter serve` for content that is no chart: what the distribution-spec's conformance suite
//! asks for pull, push, content discovery and content management, and what it does not ask.

use super::folder;
use super::serve::{Server, archive, client};
use reqwest::blocking::Response;
use sha2::{Digest as _, Sha256, Sha512};

fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", data_encoding::HEXLOWER.encode(&Sha256::digest(bytes)))
}

fn sha512(bytes: &[u8]) -> String {
    format!("sha512:{}", data_encoding::HEXLOWER.encode(&Sha512::digest(bytes)))
}

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

/// A registry and the few requests that the tests send to it.
struct Registry {
    server: Server,
    http: reqwest::blocking::Client,
}

impl Registry {
    fn get(&self, path: &str) -> Response {
        self.http.get(self.server.at(path)).send().expect("an answer")
    }

    fn json(&self, path: &str) -> serde_json::Value {
        serde_json::from_slice(&self.get(path).bytes().expect("bytes")).expect("JSON")
    }

    fn post(&self, path: &str, body: &[u8]) -> Response {
        self.http.post(self.server.at(path)).body(body.to_vec()).send().expect("an answer")
    }

    fn delete(&self, path: &str) -> u16 {
        self.http.delete(self.server.at(path)).send().expect("an answer").status().as_u16()
    }

    fn put(&self, path: &str, kind: &str, body: &[u8]) -> Response {
        self.http.put(self.server.at(path)).header("content-type", kind).body(body.to_vec()).send().expect("an answer")
    }

    fn blob(&self, name: &str, bytes: &[u8]) -> String {
        let digest = sha256(bytes);
        assert_eq!(self.post(&format!("/v2/{name}/blobs/uploads/?digest={digest}"), bytes).status(), 201);
        digest
    }

    /// Pushes an image manifest under `reference` and gives its bytes.
    fn image(&self, name: &str, reference: &str, more: serde_json::Value) -> String {
        let config = self.blob(name, b"{}");
        let mut manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": IMAGE, "layers": [],
            "config": { "mediaType": "application/vnd.example+json", "digest": config, "size": 2 },
        });
        manifest.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let text = manifest.to_string();
        let put = self.put(&format!("/v2/{name}/manifests/{reference}"), IMAGE, text.as_bytes());
        assert_eq!(put.status(), 201, "{}", put.text().unwrap_or_default());
        text
    }
}

fn start(home: &std::path::Path, arguments: &[&str]) -> Registry {
    Registry { server: Server::start(home, &[&["--depth-dynamic"], arguments].concat()), http: client() }
}

fn code(answer: Response) -> (u16, String) {
    let status = answer.status().as_u16();
    let body: serde_json::Value = serde_json::from_slice(&answer.bytes().expect("bytes")).expect("JSON");
    (status, body["errors"][0]["code"].as_str().unwrap_or_default().to_string())
}

#[test]
fn blobs_of_both_digests_are_kept_in_parts_too() {
    let (_guard, home) = folder();
    let registry = start(&home, &[]);
    let content = b"some content of a blob";
    let digest = sha512(content);
    let begun = registry.post("/v2/org/thing/blobs/uploads/", b"");
    let place = begun.headers()["location"].to_str().expect("a location").to_string();
    let patch = |from: usize, to: usize| {
        let request = registry.http.patch(registry.server.at(&place)).header("content-range", format!("{from}-{}", to - 1));
        request.body(content[from..to].to_vec()).send().expect("an answer")
    };
    assert_eq!(patch(4, 9).status(), 416, "not where the upload is");
    assert_eq!(patch(0, 9).headers()["range"], "0-8");
    assert_eq!(patch(9, 12).headers()["range"], "0-11");
    assert_eq!(registry.get(&place).headers()["range"], "0-11");
    let put = registry.put(&format!("{place}?digest={}", digest.replace(':', "%3A")), "application/octet-stream", &content[12..]);
    assert_eq!(put.status(), 201);
    assert_eq!(put.headers()["docker-content-digest"].to_str().expect("text"), digest);
    assert_eq!(registry.get(&place).status(), 404, "the session ended");

    let path = format!("/v2/org/thing/blobs/{digest}");
    assert_eq!(registry.get(&path).bytes().expect("bytes").as_ref(), content);
    let part = registry.http.get(registry.server.at(&path)).header("range", "bytes=5-11").send().expect("an answer");
    assert_eq!((part.status().as_u16(), part.headers()["content-range"].to_str().expect("text")), (206, "bytes 5-11/22"));
    assert_eq!(part.bytes().expect("bytes").as_ref(), b"content");
    let outside = registry.http.get(registry.server.at(&path)).header("range", "bytes=22-").send().expect("an answer");
    assert_eq!(outside.status(), 416);

    let mount = registry.post(&format!("/v2/org/other/blobs/uploads/?mount={digest}&from=org/thing"), b"");
    assert_eq!(mount.status(), 201);
    assert_eq!(registry.delete(&path), 202);
    assert_eq!(code(registry.get(&path)), (404, "BLOB_UNKNOWN".into()));
    assert_eq!(registry.get(&format!("/v2/org/other/blobs/{digest}")).status(), 200);
    let unknown = registry.post(&format!("/v2/org/other/blobs/uploads/?mount={}&from=org/thing", sha256(b"none")), b"");
    assert_eq!(unknown.status(), 202, "an upload begins instead");
}

#[test]
fn manifests_list_what_refers_to_them() {
    let (_guard, home) = folder();
    let registry = start(&home, &[]);
    let image = registry.image("org/thing", "v1", serde_json::json!({}));
    let subject = serde_json::json!({ "mediaType": IMAGE, "digest": sha256(image.as_bytes()), "size": image.len() });
    let path = format!("/v2/org/thing/referrers/{}", sha256(image.as_bytes()));
    assert_eq!(registry.json(&path)["manifests"], serde_json::json!([]));
    let more = serde_json::json!({ "subject": subject, "artifactType": "application/vnd.sbom+json", "annotations": { "a": "b" } });
    let sbom = registry.image("org/thing", "sbom", more);
    registry.image("org/thing", "signed", serde_json::json!({ "subject": subject }));
    let listed = registry.json(&path);
    assert_eq!((&listed["mediaType"], listed["manifests"].as_array().map(Vec::len)), (&INDEX.into(), Some(2)), "{listed}");
    let filtered = registry.get(&format!("{path}?artifactType=application%2Fvnd.sbom%2Bjson"));
    assert_eq!(filtered.headers()["oci-filters-applied"], "artifactType");
    assert_eq!(filtered.headers()["content-type"], INDEX);
    let filtered: serde_json::Value = serde_json::from_slice(&filtered.bytes().expect("bytes")).expect("JSON");
    let wanted = serde_json::json!([{
        "mediaType": IMAGE, "digest": sha256(sbom.as_bytes()), "size": sbom.len(),
        "artifactType": "application/vnd.sbom+json", "annotations": { "a": "b" },
    }]);
    assert_eq!(filtered["manifests"], wanted);
    assert_eq!(registry.delete(&format!("/v2/org/thing/manifests/{}", sha256(sbom.as_bytes()))), 202);
    assert_eq!(registry.json(&path)["manifests"].as_array().map(Vec::len), Some(1));
    assert_eq!(code(registry.get("/v2/org/thing/manifests/sbom")), (404, "MANIFEST_UNKNOWN".into()), "its tag went with it");
}

#[test]
fn manifests_name_what_is_there_or_lies_elsewhere_on_purpose() {
    let (_guard, home) = folder();
    let registry = start(&home, &[]);
    let layer = |kind: &str| serde_json::json!({ "layers": [{ "mediaType": kind, "digest": sha256(b"none"), "size": 4 }] });
    registry.image("org/thing", "elsewhere", layer("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"));
    let missing = serde_json::json!({
        "schemaVersion": 2, "config": { "mediaType": "a/b", "digest": registry.blob("org/thing", b"{}"), "size": 2 },
        "layers": layer("application/vnd.oci.image.layer.v1.tar")["layers"],
    })
    .to_string();
    let put = |reference: &str, body: &str| code(registry.put(&format!("/v2/org/thing/manifests/{reference}"), IMAGE, body.as_bytes()));
    assert_eq!(put("v1", &missing), (404, "MANIFEST_BLOB_UNKNOWN".into()));
    assert_eq!(put("v1", "[]"), (400, "MANIFEST_INVALID".into()));
    assert_eq!(put("v1", "{}"), (400, "MANIFEST_INVALID".into()));
    let index = serde_json::json!({ "schemaVersion": 2, "manifests": [{ "mediaType": IMAGE, "digest": sha256(b"none"), "size": 4 }] });
    let sent = registry.put("/v2/org/thing/manifests/v1", INDEX, index.to_string().as_bytes());
    assert_eq!(code(sent), (404, "MANIFEST_BLOB_UNKNOWN".into()), "an index of what is not there");
    let image = registry.image("org/thing", "image", serde_json::json!({}));
    let as_index = registry.put("/v2/org/thing/manifests/v1", INDEX, image.as_bytes());
    assert_eq!(code(as_index), (400, "MANIFEST_INVALID".into()));
    let index = serde_json::json!({ "schemaVersion": 2, "manifests": [{ "digest": sha256(image.as_bytes()) }] });
    assert_eq!(registry.put("/v2/org/thing/manifests/index", INDEX, index.to_string().as_bytes()).status(), 201);
    assert_eq!(registry.get("/v2/org/thing/manifests/index").headers()["content-type"], INDEX);
    assert_eq!(put(&sha256(b"other"), &image), (400, "DIGEST_INVALID".into()));
    assert_eq!(put("sha256:short", &image), (400, "DIGEST_INVALID".into()));
    let digest = sha512(image.as_bytes());
    let by_digest = registry.put(&format!("/v2/org/thing/manifests/{digest}"), IMAGE, image.as_bytes());
    assert_eq!(by_digest.headers()["docker-content-digest"].to_str().expect("text"), digest);
    assert_eq!(registry.get(&format!("/v2/org/thing/manifests/{digest}")).status(), 200);
    let tagged = registry.put(&format!("/v2/org/thing/manifests/{digest}?tag=one&tag=two"), IMAGE, image.as_bytes());
    assert_eq!(tagged.headers().get_all("oci-tag").iter().collect::<Vec<_>>(), ["one", "two"]);
    let by_tag = registry.get("/v2/org/thing/manifests/two");
    assert_eq!(by_tag.headers()["docker-content-digest"].to_str().expect("text"), digest);
    assert_eq!(put(&format!("{digest}?tag=../x"), &image), (400, "MANIFEST_INVALID".into()));
    assert_eq!(registry.json("/v2/org/thing/tags/list")["tags"], serde_json::json!(["elsewhere", "image", "index", "one", "two"]));
}

#[test]
fn what_a_client_has_is_not_sent_again() {
    let (_guard, home) = folder();
    let registry = start(&home, &[]);
    assert_eq!(registry.post("/api/charts", &archive(&home, "app", "1.0.0")).status(), 201);
    let digest = sha256(&registry.get("/v2/app/manifests/1.0.0").bytes().expect("bytes"));
    let layer = registry.json("/v2/app/manifests/1.0.0")["layers"][0]["digest"].as_str().expect("a digest").to_string();
    let places = [("/v2/app/manifests/1.0.0".to_string(), digest), (format!("/v2/app/blobs/{layer}"), layer)];
    for (path, digest) in places {
        let tag = format!("\"{digest}\"");
        for method in [reqwest::Method::GET, reqwest::Method::HEAD] {
            let ask = |given: &str| {
                let request = registry.http.request(method.clone(), registry.server.at(&path)).header("if-none-match", given);
                request.send().expect("an answer")
            };
            let first = ask("\"other\"");
            assert_eq!((first.status().as_u16(), first.headers()["etag"].to_str().expect("text")), (200, tag.as_str()), "{path}");
            let again = ask(&format!("\"other\", {tag}"));
            assert_eq!((again.status().as_u16(), again.headers()["etag"].to_str().expect("text")), (304, tag.as_str()), "{path}");
            assert_eq!(again.headers()["docker-content-digest"].to_str().expect("text"), digest);
            assert_eq!(ask("*").status(), 304, "{path}");
        }
    }
    let part = |tag: &str| {
        let layer = registry.json("/v2/app/manifests/1.0.0")["layers"][0]["digest"].as_str().expect("a digest").to_string();
        let request = registry.http.get(registry.server.at(&format!("/v2/app/blobs/{layer}"))).header("range", "bytes=0-3");
        request.header("if-range", tag.replace('~', &layer)).send().expect("an answer").status()
    };
    assert_eq!((part("\"~\"").as_u16(), part("\"other\"").as_u16()), (206, 200));
}

#[test]
fn an_upload_is_one_repository_s_and_its_chunks_fit() {
    let (_guard, home) = folder();
    let registry = start(&home, &[]);
    let place = registry.post("/v2/org/one/blobs/uploads/", b"").headers()["location"].to_str().expect("a place").to_string();
    let elsewhere = place.replace("/org/one/", "/org/two/");
    assert_eq!(code(registry.get(&elsewhere)), (404, "BLOB_UPLOAD_UNKNOWN".into()));
    assert_eq!(registry.delete(&elsewhere), 404);
    let patch = |range: &str| {
        let request = registry.http.patch(registry.server.at(&place)).header("content-range", range).body("abc");
        request.send().expect("an answer")
    };
    assert_eq!(code(patch("0-9")), (400, "SIZE_INVALID".into()));
    for range in ["2-0", "junk", "1-3", "0-18446744073709551616"] {
        assert_eq!(patch(range).status(), 416, "{range}");
    }
    assert_eq!(patch("0-2").status(), 202);
    assert_eq!(registry.delete(&place), 204);
    assert_eq!(registry.delete(&place), 404, "it was cancelled");
}

#[test]
fn tags_come_in_pages() {
    let (_guard, home) = folder();
    let registry = start(&home, &[]);
    for tag in ["c", "a", "b", "latest", "Z"] {
        registry.image("thing", tag, serde_json::json!({}));
    }
    let first = registry.get("/v2/thing/tags/list?n=2");
    let link = first.headers()["link"].to_str().expect("a link").to_string();
    let next = link.trim_start_matches('<').split('>').next().expect("an address").to_string();
    assert_eq!(first.text().expect("text"), r#"{"name":"thing","tags":["Z","a"]}"#);
    assert_eq!(registry.json(&next)["tags"], serde_json::json!(["b", "c"]));
    assert_eq!(registry.json("/v2/thing/tags/list?last=b")["tags"], serde_json::json!(["c", "latest"]));
    assert_eq!(registry.json("/v2/thing/tags/list?n=0")["tags"], serde_json::json!([]));
    assert_eq!(code(registry.get("/v2/none/tags/list")), (404, "NAME_UNKNOWN".into()));
    assert_eq!(registry.delete("/v2/thing/manifests/latest"), 202);
    assert_eq!(registry.json("/v2/thing/tags/list")["tags"], serde_json::json!(["Z", "a", "b", "c"]));
}

/// The names are the same however their content came, and go with it.
#[test]
fn all_repositories_are_listed() {
    let (_guard, home) = folder();
    let registry = start(&home, &[]);
    assert_eq!(registry.get("/v2/_catalog").text().expect("text"), r#"{"repositories":[]}"#);
    registry.image("org/images/thing", "latest", serde_json::json!({}));
    registry.image("org/images", "latest", serde_json::json!({}));
    registry.blob("only/blobs", b"x");
    for (place, name) in [("/api/charts", "app"), ("/api/org/charts", "app"), ("/api/org/charts", "base")] {
        assert_eq!(registry.post(place, &archive(&home, name, "1.0.0")).status(), 201);
    }
    let manifest = registry.get("/v2/org/app/manifests/1.0.0").bytes().expect("bytes");
    assert_eq!(registry.put("/v2/org/app/manifests/latest", IMAGE, &manifest).status(), 201);
    let all = || registry.json("/v2/_catalog")["repositories"].clone();
    assert_eq!(all(), serde_json::json!(["app", "org/app", "org/base", "org/images", "org/images/thing"]));
    let first = registry.get("/v2/_catalog?n=3");
    assert_eq!(first.headers()["link"], "</v2/_catalog?n=3&last=org/base>; rel=\"next\"");
    assert_eq!(registry.json("/v2/_catalog?n=3&last=org/base")["repositories"], serde_json::json!(["org/images", "org/images/thing"]));
    assert!(!registry.get("/v2/_catalog?n=2&last=org/base").headers().contains_key("link"));
    assert_eq!(code(registry.get("/v2/_catalog?n=x")), (400, "UNSUPPORTED".into()));
    let deleted = registry.http.delete(registry.server.at("/api/org/charts/base/1.0.0")).send().expect("an answer");
    assert_eq!(deleted.status(), 200);
    assert_eq!(registry.delete("/v2/org/images/manifests/latest"), 202);
    let digest = sha256(&registry.get("/v2/org/images/thing/manifests/latest").bytes().expect("bytes"));
    assert_eq!(registry.delete(&format!("/v2/org/images/thing/manifests/{digest}")), 202);
    // A manifest without a tag is still there.
    assert_eq!(all(), serde_json::json!(["app", "org/app", "org/images"]));
    let put = registry.put("/v2/_catalog", "text/plain", b"");
    assert_eq!((put.status().as_u16(), put.headers()["allow"].to_str().expect("text")), (405, "GET, HEAD"));
}

#[test]
fn a_chart_may_have_other_tags_that_are_no_versions() {
    let (_guard, home) = folder();
    let registry = start(&home, &[]);
    let sent = registry.post("/api/charts", &archive(&home, "app", "1.0.0"));
    assert_eq!(sent.status(), 201);
    let manifest = registry.get("/v2/app/manifests/1.0.0").bytes().expect("bytes");
    assert_eq!(registry.put("/v2/app/manifests/latest", IMAGE, &manifest).status(), 201);
    assert_eq!(code(registry.put("/v2/app/manifests/2.0.0", IMAGE, &manifest)), (400, "MANIFEST_INVALID".into()));
    assert_eq!(registry.get("/v2/app/manifests/latest").bytes().expect("bytes"), manifest);
    assert_eq!(registry.json("/v2/app/tags/list")["tags"], serde_json::json!(["1.0.0", "latest"]));
}

#[test]
fn refusals_have_the_forms_of_the_spec() {
    let (_guard, home) = folder();
    let registry = start(&home, &["--max-upload-size", "1000", "--disable-delete"]);
    let digest = registry.blob("thing", b"x");
    assert_eq!(code(registry.post("/v2/thing/blobs/uploads/", &[0; 1001])), (413, "SIZE_INVALID".into()));
    assert_eq!(code(registry.get("/v2/thing/blobs/sha256:short")), (400, "DIGEST_INVALID".into()));
    assert_eq!(registry.delete(&format!("/v2/thing/blobs/{digest}")), 405);
    assert_eq!(code(registry.get("/v2/thing/blobs/uploads/none")), (404, "BLOB_UPLOAD_UNKNOWN".into()));
    for path in ["/v2/Not%20A%20Name/tags/list", "/v2/Upper/tags/list", "/v2/thing", "/v2/_other"] {
        assert_eq!(code(registry.get(path)), (404, "NAME_INVALID".into()), "{path}");
    }
    let put = registry.put("/v2/thing/tags/list", "text/plain", b"");
    assert_eq!((put.status().as_u16(), put.headers()["allow"].to_str().expect("text")), (405, "GET, HEAD"));
    assert_eq!(registry.get("/v2/").headers()["docker-distribution-api-version"], "registry/2.0");
    // An upload outlives an end with what is no digest at all, not one with the digest of something else.
    for (first, then) in [("sha256:short".to_string(), 201), (sha256(b"other"), 404)] {
        let session = registry.post("/v2/thing/blobs/uploads/", b"").headers()["location"].to_str().expect("a place").to_string();
        assert_eq!(code(registry.put(&format!("{session}?digest={first}"), "text/plain", b"y")), (400, "DIGEST_INVALID".into()));
        assert_eq!(registry.put(&format!("{session}?digest={}", sha256(b"y")), "text/plain", b"y").status(), then, "{first}");
    }
}
