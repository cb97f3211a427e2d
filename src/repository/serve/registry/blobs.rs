//! Blobs of the registry: reading, deleting, and the distribution spec's ways to upload them.
//!
//! Goes in: a repository name, a digest or an upload session, a request. Comes out: the spec's responses. The
//! archives, signatures and configs of the tenant's charts are blobs here without being stored twice. Upload
//! sessions are in the storage, one object per part, so that different servers can receive the parts of one upload.

use super::digest::Digest;
use super::repositories;
use super::{DIGEST_HEADER, blob_unknown, chart_of, charts, digest_invalid, empty, fault, kept, known, tag, unsupported};
use crate::error::Result;
use crate::repository::oci::reference::valid_repository;
use crate::repository::serve::storage::Storage;
use crate::repository::serve::{Answer, Asked, Server, content};
use axum::body::Bytes;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, header};

/// The folder of the sessions of unfinished uploads.
const SESSIONS: &str = ".oci/_uploads";
/// The age in milliseconds at which an inactive session is deleted: a day.
const SESSION_AGE: i64 = 86_400_000;

/// Answers a request for one blob.
pub async fn handle(server: &Server, name: &str, digest: &str, asked: &Asked) -> Result<Answer> {
    let Some(digest) = Digest::parse(digest) else { return Ok(digest_invalid("not a sha256 or sha512 digest")) };
    match asked.method {
        Method::GET | Method::HEAD => match blob(server, name, &digest).await? {
            Some(bytes) => Ok(known(asked, &digest).unwrap_or_else(|| part_of(asked, bytes, &digest))),
            None => Ok(blob_unknown()),
        },
        Method::DELETE if server.options.disable_delete => Ok(unsupported("GET, HEAD")),
        Method::DELETE => match server.storage.delete(&kept(name, "_blobs", &digest.key())).await? {
            true => Ok(empty(StatusCode::ACCEPTED, &[])),
            false => Ok(blob_unknown()),
        },
        _ => Ok(unsupported("GET, HEAD, DELETE")),
    }
}

/// Whether the blob exists.
pub async fn exists(server: &Server, name: &str, digest: &Digest) -> Result<bool> {
    // The archives of charts are known without a look at the storage.
    if let (Some((catalog, chart)), Some(hex)) = (chart_of(server, name), digest.sha256())
        && catalog.versions(chart).await?.iter().any(|entry| entry.digest == hex)
    {
        return Ok(true);
    }
    let stored = server.storage.look(&kept(name, "_blobs", &digest.key())).await?.is_some();
    Ok(stored || blob_of_chart(server, name, digest).await?.is_some())
}

/// The content of a blob: an uploaded one, or a part of one of the tenant's charts.
pub async fn blob(server: &Server, name: &str, digest: &Digest) -> Result<Option<Bytes>> {
    match server.storage.get(&kept(name, "_blobs", &digest.key())).await? {
        Some(bytes) => Ok(Some(bytes)),
        None => blob_of_chart(server, name, digest).await,
    }
}

async fn blob_of_chart(server: &Server, name: &str, digest: &Digest) -> Result<Option<Bytes>> {
    match chart_of(server, name) {
        Some((catalog, chart)) => charts::blob(&catalog, chart, digest).await,
        None => Ok(None),
    }
}

/// The blob, or the requested range of it, so that an interrupted download can be resumed.
fn part_of(asked: &Asked, bytes: Bytes, digest: &Digest) -> Answer {
    let total = bytes.len();
    let tag = tag(digest);
    let headers = [(DIGEST_HEADER, digest.as_str()), (header::ACCEPT_RANGES, "bytes"), (header::ETAG, &tag)];
    // With another `If-Range`, the client holds a part of other content, so it gets the whole blob.
    let same = asked.header(header::IF_RANGE).is_none_or(|given| given.trim() == tag);
    let Some(asked_range) = asked.header(header::RANGE).filter(|_| same).and_then(|text| range(text, total)) else {
        return content(asked, "application/octet-stream", bytes, &headers);
    };
    let Some((first, last)) = asked_range else {
        return empty(StatusCode::RANGE_NOT_SATISFIABLE, &[(header::CONTENT_RANGE, &format!("bytes */{total}"))]);
    };
    let mut answer = content(asked, "application/octet-stream", bytes.slice(first..=last), &headers);
    *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
    if let Ok(value) = HeaderValue::from_str(&format!("bytes {first}-{last}/{total}")) {
        answer.headers_mut().insert(header::CONTENT_RANGE, value);
    }
    answer
}

/// First and last byte of a `Range` header; `None` for forms that are ignored (several ranges, other units),
/// `Some(None)` for a range outside the content.
fn range(text: &str, total: usize) -> Option<Option<(usize, usize)>> {
    let (first, last) = text.trim().strip_prefix("bytes=")?.split_once('-')?;
    let (first, last) = match (first.trim(), last.trim()) {
        ("", "") => return None,
        ("", length) => (total.saturating_sub(length.parse().ok()?), total.checked_sub(1)),
        (first, "") => (first.parse().ok()?, total.checked_sub(1)),
        (first, last) => (first.parse().ok()?, Some(last.parse().ok()?)),
    };
    let last = last.map(|last: usize| last.min(total.saturating_sub(1)));
    Some(last.filter(|last| first <= *last && first < total).map(|last| (first, last)))
}

/// First and last byte of a chunk according to its `Content-Range`, which the spec writes without a unit.
fn chunk(text: &str) -> Option<(usize, usize)> {
    let text = text.trim();
    let text = text.strip_prefix("bytes").unwrap_or(text).trim_start();
    let (first, last) = text.split('/').next()?.split_once('-')?;
    Some((first.trim().parse().ok()?, last.trim().parse().ok()?))
}

/// The folder of a session. It depends on the repository, so the session does not exist in any other one.
fn session_folder(name: &str, session: &str) -> String {
    let owner = Digest::of(name.as_bytes());
    format!("{SESSIONS}/{session}-{}", owner.as_str().get(7..23).unwrap_or_default())
}

/// Deletes the sessions that clients abandoned.
pub async fn forget_abandoned(storage: &Storage, now: i64) -> Result<()> {
    let before = now.saturating_sub(SESSION_AGE);
    repositories::forget_unnamed(storage, before).await?;
    storage.delete_older(SESSIONS, before).await?;
    for folder in storage.folders(SESSIONS).await? {
        storage.discard_folder(&format!("{SESSIONS}/{folder}"));
    }
    Ok(())
}

/// Starts an upload, or stores a whole blob at once, or mounts it from another repository.
pub async fn start(server: &Server, name: &str, asked: &Asked) -> Result<Answer> {
    if let Some(digest) = asked.query("digest") {
        return finish(server, name, digest, asked.body.clone()).await;
    }
    if let (Some(digest), Some(from)) = (asked.query("mount"), asked.query("from"))
        && let Some(wanted) = Digest::parse(digest)
        && valid_repository(from)
        && let Some(bytes) = blob(server, from, &wanted).await?
    {
        return finish(server, name, digest, bytes).await;
    }
    let mut random = [0; 16];
    (server.options.random)(&mut random);
    let session = data_encoding::HEXLOWER.encode(&random);
    server.storage.replace(&format!("{}/start", session_folder(name, &session)), Bytes::new()).await?;
    let place = format!("/v2/{name}/blobs/uploads/{session}");
    Ok(empty(
        StatusCode::ACCEPTED,
        &[(header::LOCATION, &place), (header::RANGE, "0-0"), (HeaderName::from_static("docker-upload-uuid"), &session)],
    ))
}

/// The parts of a session so far, in order, and their total length; `None` if there is no such session.
async fn so_far(server: &Server, folder: &str) -> Result<Option<(Vec<String>, usize)>> {
    // Parts are named by their offsets and listed in byte order of their names.
    let parts = server.storage.list(folder).await?;
    if parts.is_empty() {
        return Ok(None);
    }
    let length = parts.iter().map(|part| usize::try_from(part.size).unwrap_or(usize::MAX)).fold(0, usize::saturating_add);
    Ok(Some((parts.into_iter().map(|part| part.name).filter(|name| name != "start").collect(), length)))
}

/// Answers a request to an upload session.
pub async fn upload(server: &Server, name: &str, session: &str, asked: &Asked) -> Result<Answer> {
    let folder = session_folder(name, session);
    let Some((parts, length)) = so_far(server, &folder).await? else {
        return Ok(fault(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry"));
    };
    let place = format!("/v2/{name}/blobs/uploads/{session}");
    let range = |length: usize| format!("0-{}", length.saturating_sub(1));
    if matches!(asked.method, Method::PATCH | Method::PUT) {
        let range_given = asked.header(header::CONTENT_RANGE);
        let given = range_given.and_then(chunk);
        if range_given.is_some() && given.is_none_or(|(first, last)| first != length || last < first) {
            return Ok(empty(StatusCode::RANGE_NOT_SATISFIABLE, &[(header::LOCATION, &place), (header::RANGE, &range(length))]));
        }
        // Without content there is nothing to check: some clients end an upload this way.
        if let (Some((first, last)), Some(longest)) = (given, asked.body.len().checked_sub(1))
            && last - first != longest
        {
            return Ok(fault(StatusCode::BAD_REQUEST, "SIZE_INVALID", "the content is not as long as its range"));
        }
        if length.saturating_add(asked.body.len()) > server.options.upload_limit {
            server.storage.delete_below(&folder).await?;
            return Ok(fault(StatusCode::PAYLOAD_TOO_LARGE, "SIZE_INVALID", "blob too large"));
        }
    }
    match asked.method {
        Method::GET | Method::HEAD => Ok(empty(StatusCode::NO_CONTENT, &[(header::LOCATION, &place), (header::RANGE, &range(length))])),
        Method::PATCH => {
            server.storage.replace(&format!("{folder}/{length:020}"), asked.body.clone()).await?;
            let range = range(length + asked.body.len());
            Ok(empty(StatusCode::ACCEPTED, &[(header::LOCATION, &place), (header::RANGE, &range)]))
        }
        Method::PUT => {
            let Some(digest) = asked.query("digest") else { return Ok(digest_invalid("no digest given")) };
            // A malformed digest does not discard what the client has sent.
            if Digest::parse(digest).is_none() {
                return Ok(digest_invalid("not a sha256 or sha512 digest"));
            }
            let mut bytes = Vec::with_capacity(length + asked.body.len());
            for part in &parts {
                bytes.extend_from_slice(&server.storage.get(&format!("{folder}/{part}")).await?.unwrap_or_default());
            }
            bytes.extend_from_slice(&asked.body);
            let answer = finish(server, name, digest, Bytes::from(bytes)).await?;
            server.storage.delete_below(&folder).await?;
            Ok(answer)
        }
        Method::DELETE => {
            server.storage.delete_below(&folder).await?;
            Ok(empty(StatusCode::NO_CONTENT, &[]))
        }
        _ => Ok(unsupported("GET, HEAD, PATCH, PUT, DELETE")),
    }
}

/// Stores a whole blob if it has the claimed digest.
async fn finish(server: &Server, name: &str, digest: &str, bytes: Bytes) -> Result<Answer> {
    let Some(digest) = Digest::parse(digest).filter(|digest| digest.fits(&bytes)) else {
        return Ok(digest_invalid("the content has another digest"));
    };
    server.storage.replace(&kept(name, "_blobs", &digest.key()), bytes).await?;
    let place = format!("/v2/{name}/blobs/{}", digest.as_str());
    Ok(empty(StatusCode::CREATED, &[(header::LOCATION, &place), (DIGEST_HEADER, digest.as_str())]))
}

#[cfg(test)]
mod tests {
    use super::{Digest, SESSION_AGE, Storage, chunk, forget_abandoned, range, session_folder};
    use crate::repository::serve::trial::Trial;

    /// The only session that a trial's server creates.
    const SESSION: &str = "/v2/a/blobs/uploads/07070707070707070707070707070707";

    impl Trial {
        /// Starts an upload to the repository `a`.
        fn begin(&self) {
            assert_eq!(self.status("POST", "/v2/a/blobs/uploads/", ""), 202);
        }

        /// The status of a request to the session, and the code of its error or else the range received so far.
        fn send(&self, method: &str, query: &str, range: &str, body: &str) -> (u16, String) {
            let given = [("content-range", range)];
            let headers = if range.is_empty() { &[][..] } else { &given };
            let (status, headers, said) = self.answer(method, &format!("{SESSION}{query}"), headers, body.to_string());
            let fault: serde_json::Value = serde_json::from_slice(&said).unwrap_or_default();
            let range = || headers.get("range").and_then(|range| range.to_str().ok()).unwrap_or_default();
            (status.as_u16(), fault["errors"][0]["code"].as_str().unwrap_or_else(range).to_string())
        }

        /// Ends the session with these last bytes.
        fn end(&self, body: &str, content: &str) -> (u16, String) {
            self.send("PUT", &format!("?digest={}", Digest::of(content.as_bytes()).as_str()), "", body)
        }

        fn has_blob(&self, content: &str) -> bool {
            let (status, body) = self.get(&format!("/v2/a/blobs/{}", Digest::of(content.as_bytes()).as_str()));
            assert!(status == 404 || body == content.as_bytes(), "{status}");
            status == 200
        }

        /// Whether any parts of sessions are left.
        fn has_parts(&self) -> bool {
            let folders = std::fs::read_dir(self.path(".oci/_uploads")).into_iter().flatten().flatten();
            folders.flat_map(|folder| std::fs::read_dir(folder.path()).into_iter().flatten()).next().is_some()
        }
    }

    fn said(status: u16, text: &str) -> (u16, String) {
        (status, text.to_string())
    }

    #[test]
    fn an_upload_is_all_that_was_sent_in_its_order() {
        for (parts, last) in [(&[][..], "whole"), (&["who", "le"], ""), (&["w", "", "ho"], "le"), (&["whole"], "")] {
            let trial = Trial::new(|_| {});
            trial.begin();
            for part in parts {
                assert_eq!(trial.send("PATCH", "", "", part).0, 202, "{parts:?}");
            }
            assert!(trial.has_parts() && !trial.has_blob("whole"), "{parts:?}");
            assert_eq!(trial.end(last, "whole").0, 201, "{parts:?}");
            assert!(trial.has_blob("whole") && !trial.has_parts(), "{parts:?}");
            assert_eq!(trial.send("GET", "", "", ""), said(404, "BLOB_UPLOAD_UNKNOWN"));
        }
    }

    #[test]
    fn content_under_the_digest_of_another_is_not_stored() {
        let trial = Trial::new(|_| {});
        let other = Digest::of(b"other");
        for parts in [&["con", "tent"][..], &[]] {
            trial.begin();
            for part in parts {
                assert_eq!(trial.send("PATCH", "", "", part).0, 202);
            }
            let last = if parts.is_empty() { "content" } else { "" };
            assert_eq!(trial.end(last, "other"), said(400, "DIGEST_INVALID"));
            assert!(!trial.has_blob("content") && !trial.has_blob("other") && !trial.has_parts());
        }
        assert_eq!(trial.status("POST", &format!("/v2/a/blobs/uploads/?digest={}", other.as_str()), "content"), 400);
        assert!(!trial.has_blob("content") && !trial.has_blob("other"));
    }

    #[test]
    fn a_digest_that_is_none_does_not_end_an_upload() {
        let trial = Trial::new(|_| {});
        trial.begin();
        assert_eq!(trial.send("PATCH", "", "", "content").0, 202);
        for query in ["", "?digest=", "?digest=content", "?digest=sha256:00", "?digest=md5:9a0364b9e99bb480dd25e1f0284c8555"] {
            assert_eq!(trial.send("PUT", query, "", ""), said(400, "DIGEST_INVALID"), "{query}");
        }
        assert_eq!(trial.end("", "content").0, 201);
        assert!(trial.has_blob("content"));
    }

    #[test]
    fn a_chunk_begins_where_the_last_one_ended_and_is_as_long_as_it_says() {
        for method in ["PATCH", "PUT"] {
            let trial = Trial::new(|_| {});
            trial.begin();
            assert_eq!(trial.send("PATCH", "", "1-5", "hello"), said(416, "0-0"));
            assert_eq!(trial.send("PATCH", "", "0-4", "hello"), said(202, "0-4"));
            let query = format!("?digest={}", Digest::of(b"helloworld").as_str());
            for (range, expected) in [
                ("0-4", said(416, "0-4")),
                ("4-8", said(416, "0-4")),
                ("6-10", said(416, "0-4")),
                ("5-4", said(416, "0-4")),
                ("5", said(416, "0-4")),
                ("5-8", said(400, "SIZE_INVALID")),
                ("5-10", said(400, "SIZE_INVALID")),
            ] {
                assert_eq!(trial.send(method, &query, range, "world"), expected, "{method} {range}");
                assert_eq!(trial.send("GET", "", "", ""), said(204, "0-4"), "{method} {range}");
            }
            assert_eq!(trial.send(method, &query, "5-9", "world").0, if method == "PUT" { 201 } else { 202 });
            assert_eq!(trial.has_blob("helloworld"), method == "PUT");
        }
    }

    #[test]
    fn the_parts_of_an_upload_are_together_no_longer_than_allowed() {
        for (parts, last) in [(&["123456", "78901"][..], ""), (&["123456", "7890"], "1"), (&["12345678901"], ""), (&[], "12345678901")] {
            let trial = Trial::new(|options| options.upload_limit = 10);
            trial.begin();
            let mut statuses: Vec<u16> = parts.iter().map(|part| trial.send("PATCH", "", "", part).0).collect();
            if !last.is_empty() {
                statuses.push(trial.end(last, "12345678901").0);
            }
            assert_eq!(statuses.pop(), Some(413), "{parts:?} {last}");
            assert!(statuses.iter().all(|status| *status == 202), "{statuses:?}");
            assert!(!trial.has_blob("12345678901"));
            assert!(parts.len() < 2 || !trial.has_parts(), "{parts:?} {last}");
        }
        let trial = Trial::new(|options| options.upload_limit = 10);
        trial.begin();
        assert_eq!((trial.send("PATCH", "", "", "123456").0, trial.end("7890", "1234567890").0), (202, 201));
    }

    #[test]
    fn an_upload_can_be_given_up_by_the_repository_that_began_it() {
        let trial = Trial::new(|_| {});
        trial.begin();
        let of_another = SESSION.replace("/a/", "/b/");
        for method in ["GET", "PATCH", "PUT", "DELETE"] {
            assert_eq!(trial.status(method, &of_another, "x"), 404, "{method}");
        }
        assert!(trial.has_parts());
        assert_eq!(trial.send("DELETE", "", "", "").0, 204);
        assert!(!trial.has_parts());
        assert_eq!(trial.send("PATCH", "", "", "x"), said(404, "BLOB_UPLOAD_UNKNOWN"));
    }

    #[test]
    fn sessions_that_nobody_ends_are_forgotten_after_a_day() {
        let top = tempfile::tempdir().expect("a folder");
        let storage = Storage::open(&top.path().to_string_lossy(), &[]).expect("storage");
        let now = std::time::SystemTime::now();
        for (session, hours) in [("old", 25), ("new", 23)] {
            let folder = top.path().join(".oci/_uploads").join(session);
            std::fs::create_dir_all(&folder).expect("a folder");
            let file = std::fs::File::create(folder.join("start")).expect("a file");
            file.set_modified(now - std::time::Duration::from_secs(hours * 3600)).expect("its time");
        }
        let millis = now.duration_since(std::time::UNIX_EPOCH).expect("a time after 1970").as_millis();
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(forget_abandoned(&storage, i64::try_from(millis).expect("a time"))).expect("forgotten");
        assert!(!top.path().join(".oci/_uploads/old/start").exists());
        assert!(top.path().join(".oci/_uploads/new/start").exists());
    }

    #[test]
    fn uploads_leave_no_folders() {
        let trial = Trial::new(|_| {});
        let sessions = || std::fs::read_dir(trial.path(".oci/_uploads")).map_or(0, Iterator::count);
        trial.begin();
        assert_eq!((sessions(), trial.end("content", "content").0, sessions()), (1, 201, 0));
        trial.begin();
        assert_eq!((trial.send("DELETE", "", "", "").0, sessions()), (204, 0));
        // What is left of a server that was killed.
        std::fs::create_dir_all(trial.path(".oci/_uploads/empty")).expect("a folder");
        crate::repository::serve::catalog::tests::wait(forget_abandoned(&trial.server.storage, 0)).expect("forgotten");
        assert_eq!(sessions(), 0);
    }

    #[test]
    fn old_blobs_are_forgotten_where_no_manifest_could_name_them() {
        let trial = Trial::new(|_| {});
        for name in [".oci/a/_blobs/x", ".oci/a/b/_blobs/x", ".oci/a/b/_manifests/m", ".oci/a/b/c/_blobs/x", ".oci/a/b/c/_tags/t"] {
            let path = trial.path(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
            std::fs::write(path, "").expect("a file");
        }
        let there = |name: &str| trial.path(name).exists();
        let forget =
            |now: i64| crate::repository::serve::catalog::tests::wait(forget_abandoned(&trial.server.storage, now)).expect("forgotten");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a time").as_millis() as i64;
        forget(now);
        assert!(there(".oci/a/_blobs/x") && there(".oci/a/b/c/_blobs/x"));
        forget(now + 2 * SESSION_AGE);
        assert_eq!([".oci/a/_blobs/x", ".oci/a/b/_blobs/x", ".oci/a/b/c/_blobs/x"].map(there), [false, true, false]);
        assert!(there(".oci/a/b/_manifests/m") && there(".oci/a/b/c/_tags/t"));
    }

    #[test]
    fn chunks_have_a_first_and_a_last_byte() {
        for (text, wanted) in [
            ("0-4", Some((0, 4))),
            ("bytes 5-9/*", Some((5, 9))),
            ("bytes=5-9", None),
            ("5", None),
            ("5-", None),
            ("-5", None),
            ("junk", None),
            ("99999999999999999999-1", None),
        ] {
            assert_eq!(chunk(text), wanted, "{text}");
        }
    }

    #[test]
    fn sessions_belong_to_one_repository() {
        assert_ne!(session_folder("a", "00"), session_folder("b", "00"));
        assert!(session_folder("a", "00").starts_with(".oci/_uploads/00-"));
    }

    #[test]
    fn ranges() {
        for (text, wanted) in [
            ("bytes=0-3", Some(Some((0, 3)))),
            ("bytes=4-", Some(Some((4, 9)))),
            ("bytes=-3", Some(Some((7, 9)))),
            ("bytes=-30", Some(Some((0, 9)))),
            ("bytes=8-100", Some(Some((8, 9)))),
            ("bytes=10-", Some(None)),
            ("bytes=5-4", Some(None)),
            ("bytes=-", None),
            ("bytes=0-1,3-4", None),
            ("lines=0-1", None),
        ] {
            assert_eq!(range(text, 10), wanted, "{text}");
        }
        assert_eq!(range("bytes=0-", 0), Some(None));
    }
}
