//! Checks pushed manifests: image manifests or indexes, OCI's or Docker's.
//!
//! Goes in: the body of the request and its `Content-Type`. Comes out: a [`Manifest`] with the digests of everything it names,
//! or why it is invalid. Separate because it is pure, and because a manifest that could be read in two ways (CVE-2021-41190),
//! or whose parts cannot be fetched, must not be stored at all. The rules are the image spec's, as docker-registry checks them.

use super::digest::Digest;
use crate::quote::quote;
use crate::repository::oci::chart::{
    DOCKER_INDEX_TYPE as DOCKER_INDEX, DOCKER_TYPE as DOCKER_MANIFEST, INDEX_TYPE as INDEX, MANIFEST_TYPE as MANIFEST,
};
use serde_json::{Map, Value};

/// A valid manifest, which may be stored if its parts exist.
#[derive(Debug)]
pub struct Manifest {
    pub value: Value,
    /// The objects that must be in the registry: config and layers of an image, the manifests of an index.
    pub parts: Vec<Part>,
    /// The manifest it refers to, which may be pushed later.
    pub subject: Option<Digest>,
}

/// An object that a manifest names.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    pub digest: Digest,
    /// Whether it may be a manifest; otherwise it is a blob.
    pub in_index: bool,
}

/// Parses a manifest sent as `content_type`. The error is the reason why it is invalid.
pub fn read(body: &[u8], content_type: Option<&str>) -> Result<Manifest, String> {
    let value: Value = serde_json::from_slice(body).map_err(|_| "the manifest is not JSON")?;
    let Some(fields) = value.as_object() else { return Err("the manifest is not an object".into()) };
    let is_index = match kind(fields)? {
        MANIFEST | DOCKER_MANIFEST => false,
        INDEX | DOCKER_INDEX => true,
        kind => return Err(format!("manifests of the type {} are not known", quote(kind))),
    };
    let sent = content_type.and_then(|text| text.split(';').next()).map(str::trim).filter(|text| !text.is_empty());
    if sent.is_some_and(|sent| !kind(fields).is_ok_and(|kind| kind.eq_ignore_ascii_case(sent))) {
        return Err("the manifest is not what its content type says".into());
    }
    if fields.get("schemaVersion").and_then(Value::as_u64) != Some(2) {
        return Err("schemaVersion is not 2".into());
    }
    text(fields, "artifactType")?;
    annotations(fields)?;
    let foreign = if is_index { &["config", "layers"][..] } else { &["manifests"] };
    if let Some(name) = foreign.iter().find(|name| given(fields, name).is_some()) {
        return Err(format!("{name} does not belong into this kind of manifest"));
    }
    let mut parts = Vec::new();
    if !is_index {
        let config = given(fields, "config").ok_or("a manifest without config")?;
        parts.push(Part { digest: descriptor("config", config)?, in_index: false });
    }
    let list = if is_index { "manifests" } else { "layers" };
    let items = match given(fields, list) {
        Some(items) => items.as_array().ok_or_else(|| format!("{list} is not a list"))?.as_slice(),
        // Go writes an empty list as null.
        None => &[],
    };
    for item in items {
        let digest = descriptor(list, item)?;
        if !is_elsewhere(item) {
            parts.push(Part { digest, in_index: is_index });
        }
    }
    let subject = given(fields, "subject").map(|subject| descriptor("subject", subject)).transpose()?;
    Ok(Manifest { value, parts, subject })
}

/// The type that a manifest states, else the one that its fields imply.
fn kind(fields: &Map<String, Value>) -> Result<&str, String> {
    match text(fields, "mediaType")? {
        Some(kind) => Ok(kind),
        None if given(fields, "manifests").is_some() => Ok(INDEX),
        None if given(fields, "config").is_some() => Ok(MANIFEST),
        None => Err("neither mediaType nor config nor manifests".into()),
    }
}

/// A field that is present and not null.
fn given<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

/// A string that is not empty.
fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, String> {
    let Some(value) = given(fields, name) else { return Ok(None) };
    let text = value.as_str().ok_or_else(|| format!("{name} is not a text"))?;
    Ok(Some(text).filter(|text| !text.is_empty()))
}

fn annotations(fields: &Map<String, Value>) -> Result<(), String> {
    let Some(found) = given(fields, "annotations") else { return Ok(()) };
    match found.as_object().is_some_and(|found| found.values().all(Value::is_string)) {
        true => Ok(()),
        false => Err("annotations are not texts by name".into()),
    }
}

/// The digest of a valid descriptor.
fn descriptor(place: &str, value: &Value) -> Result<Digest, String> {
    let fields = value.as_object().ok_or_else(|| format!("{place} has something that is no descriptor"))?;
    text(fields, "mediaType").and(text(fields, "artifactType")).and(annotations(fields)).map_err(|fault| format!("{place}: {fault}"))?;
    if given(fields, "size").is_some_and(|size| !size.is_u64()) {
        return Err(format!("{place} has a descriptor whose size is no number of bytes"));
    }
    let digest = text(fields, "digest").ok().flatten().and_then(Digest::parse);
    digest.ok_or_else(|| format!("{place} has a descriptor without sha256 or sha512 digest"))
}

/// Whether a layer's content is by its type not meant to be in the registry.
fn is_elsewhere(part: &Value) -> bool {
    let kind = part.get("mediaType").and_then(Value::as_str).unwrap_or_default();
    kind.starts_with("application/vnd.oci.image.layer.nondistributable.") || kind.contains(".rootfs.foreign.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn part(size: impl Into<Value>) -> Value {
        json!({ "mediaType": "a/b", "digest": Digest::of(b"x").as_str(), "size": size.into() })
    }

    /// A complete image manifest with these fields set, or removed if they are null.
    fn image(more: &Value) -> Value {
        let mut manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": part(1), "layers": [part(1)] });
        for (name, value) in more.as_object().expect("an object") {
            match value {
                Value::Null => drop(manifest.as_object_mut().expect("an object").remove(name)),
                value => manifest[name] = value.clone(),
            }
        }
        manifest
    }

    fn accepts(manifest: &Value, content_type: Option<&str>) -> usize {
        read(manifest.to_string().as_bytes(), content_type).unwrap_or_else(|fault| panic!("{manifest}: {fault}")).parts.len()
    }

    fn refuses(manifest: &Value, content_type: Option<&str>) -> String {
        read(manifest.to_string().as_bytes(), content_type).err().unwrap_or_else(|| panic!("{manifest} as {content_type:?}"))
    }

    #[test]
    fn images_and_indexes_are_manifests() {
        let oci = image(&json!({}));
        for sent in [None, Some(""), Some(MANIFEST), Some(&MANIFEST.to_uppercase()), Some(&format!("{MANIFEST}; charset=utf-8"))] {
            assert_eq!(accepts(&oci, sent), 2, "{sent:?}");
        }
        assert_eq!(accepts(&image(&json!({ "mediaType": DOCKER_MANIFEST })), Some(DOCKER_MANIFEST)), 2);
        for more in [json!({ "mediaType": null }), json!({ "mediaType": "" }), json!({ "layers": null }), json!({ "layers": [] })] {
            accepts(&image(&more), Some(MANIFEST));
        }
        assert_eq!(accepts(&json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": part(1), "layers": null }), None), 1);
        for manifests in [json!([]), json!(null)] {
            assert_eq!(accepts(&json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": manifests }), Some(INDEX)), 0);
        }
        assert_eq!(accepts(&json!({ "schemaVersion": 2, "manifests": [part(1), part(2)] }), Some(INDEX)), 2);
        assert_eq!(accepts(&json!({ "schemaVersion": 2, "mediaType": DOCKER_INDEX, "manifests": [part(1)] }), Some(DOCKER_INDEX)), 1);
        let subject = read(image(&json!({ "subject": part(1) })).to_string().as_bytes(), None).expect("a manifest").subject;
        assert_eq!(subject, Some(Digest::of(b"x")));
        let foreign = json!({ "mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar", "digest": part(1)["digest"] });
        assert_eq!(accepts(&image(&json!({ "layers": [foreign, part(1)] })), None), 2, "config and one layer");
    }

    #[test]
    fn what_is_no_manifest_is_refused() {
        for text in ["", "junk", "null", "[]", "\"x\"", "7", "{} x", "\u{feff}{}"] {
            assert!(read(text.as_bytes(), Some(MANIFEST)).is_err(), "{text}");
        }
        for manifest in [json!({}), json!({ "schemaVersion": 2 }), json!({ "schemaVersion": 2, "layers": [] })] {
            for sent in [None, Some(MANIFEST), Some(INDEX)] {
                refuses(&manifest, sent);
            }
        }
        refuses(&json!({ "schemaVersion": 2, "mediaType": MANIFEST }), Some(MANIFEST));
        for more in [
            json!({ "schemaVersion": null }),
            json!({ "schemaVersion": 1 }),
            json!({ "schemaVersion": 3 }),
            json!({ "schemaVersion": "2" }),
            json!({ "schemaVersion": 2.0 }),
            json!({ "mediaType": 1 }),
            json!({ "mediaType": "application/vnd.x+json" }),
            json!({ "config": null }),
            json!({ "config": {} }),
            json!({ "config": "x" }),
            json!({ "layers": {} }),
            json!({ "layers": [1] }),
            json!({ "layers": [null] }),
            json!({ "layers": [{ "mediaType": "a/b", "size": 1 }] }),
            json!({ "layers": [{ "digest": "sha256:../x", "size": 1 }] }),
            json!({ "layers": [{ "digest": "md5:d41d8cd98f00b204e9800998ecf8427e", "size": 1 }] }),
            json!({ "layers": [part("1")] }),
            json!({ "layers": [part(1.5)] }),
            json!({ "layers": [part(-1)] }),
            json!({ "manifests": [] }),
            json!({ "subject": "x" }),
            json!({ "subject": { "digest": "x" } }),
            json!({ "artifactType": 1 }),
            json!({ "annotations": { "a": 1 } }),
            json!({ "annotations": [] }),
        ] {
            refuses(&image(&more), Some(MANIFEST));
            refuses(&image(&more), None);
        }
        for more in [json!({ "manifests": {} }), json!({ "manifests": [1] }), json!({ "config": part(1) }), json!({ "layers": [] })] {
            let mut index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": [] });
            index.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
            refuses(&index, Some(INDEX));
        }
    }

    #[test]
    fn a_manifest_is_what_its_content_type_says() {
        for sent in [INDEX, DOCKER_MANIFEST, "application/json", "text/plain", "application/x-www-form-urlencoded"] {
            assert!(refuses(&image(&json!({})), Some(sent)).contains("content type"), "{sent}");
            assert!(refuses(&image(&json!({ "mediaType": null })), Some(sent)).contains("content type"), "{sent}");
        }
        refuses(&json!({ "schemaVersion": 2, "manifests": [] }), Some(MANIFEST));
        refuses(&json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": part(1) }), Some(INDEX));
    }
}
