//! Names of objects as Kubernetes accepts them, by kind.
//!
//! Goes in: a manifest's kind and name. Comes out: the messages of the API server's validation. Matches Helm's
//! `validateMetadataName` on top of apimachinery's `pkg/util/validation`.

use crate::quote::quote;

/// The most bytes of a name of dot-separated labels, and of one label.
const SUBDOMAIN_LIMIT: usize = 253;
const LABEL_LIMIT: usize = 63;

/// The fault of an object's name for this kind, in the words of Helm's warning.
pub(super) fn fault(kind: &str, name: &str) -> Option<String> {
    let messages = match kind.to_lowercase().as_str() {
        "service" => label_1035(name),
        "namespace" => label_1123(name),
        "certificatesigningrequest" => Vec::new(),
        "role" | "clusterrole" | "rolebinding" | "clusterrolebinding" => path_segment(name),
        _ => subdomain(name),
    };
    let shown = quote(name.as_bytes());
    let mut faults: Vec<String> = messages.into_iter().map(|message| format!("metadata.name: Invalid value: {shown}: {message}")).collect();
    let joined = match faults.len() {
        0 => return None,
        1 => faults.remove(0),
        _ => format!("[{}]", faults.join(", ")),
    };
    Some(format!("object name does not conform to Kubernetes naming requirements: {shown}: {joined}"))
}

fn is_small(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// Lower case letters, digits and inner dashes.
fn is_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(|first| is_small(*first))
        && bytes.last().is_some_and(|last| is_small(*last))
        && bytes.iter().all(|byte| is_small(*byte) || *byte == b'-')
}

/// Labels joined by dots (`IsDNS1123Subdomain` without its limit on the length).
pub(crate) fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

fn too_long(name: &str, limit: usize) -> Option<String> {
    (name.len() > limit).then(|| format!("must be no more than {limit} characters"))
}

fn subdomain(name: &str) -> Vec<String> {
    let shape = (!is_subdomain(name)).then(|| {
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and \
         end with an alphanumeric character (e.g. 'example.com', regex used for validation is \
         '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
            .to_string()
    });
    too_long(name, SUBDOMAIN_LIMIT).into_iter().chain(shape).collect()
}

fn label_1123(name: &str) -> Vec<String> {
    if name.contains('.') && is_subdomain(name) {
        return too_long(name, LABEL_LIMIT).into_iter().chain(Some("must not contain dots".to_string())).collect();
    }
    let shape = (!is_label(name)).then(|| {
        "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with \
         an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is \
         '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
            .to_string()
    });
    too_long(name, LABEL_LIMIT).into_iter().chain(shape).collect()
}

fn label_1035(name: &str) -> Vec<String> {
    let fits = is_label(name) && name.starts_with(|first: char| first.is_ascii_lowercase());
    let shape = (!fits).then(|| {
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, \
         and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is \
         '[a-z]([-a-z0-9]*[a-z0-9])?')"
            .to_string()
    });
    too_long(name, LABEL_LIMIT).into_iter().chain(shape).collect()
}

/// A name that is safe in the path of a URL; it may be empty.
fn path_segment(name: &str) -> Vec<String> {
    if matches!(name, "." | "..") {
        return vec![format!("may not be '{name}'")];
    }
    ["/", "%"].iter().filter(|part| name.contains(**part)).map(|part| format!("may not contain '{part}'")).collect()
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn names_follow_their_kind() {
        for (kind, name, fits) in [
            ("ConfigMap", "a.b-c", true),
            ("ConfigMap", "", false),
            ("ConfigMap", "a..b", false),
            ("Service", "1a", false),
            ("Service", "a.b", false),
            ("Namespace", "1a", true),
            ("Namespace", "a.b", false),
            ("Role", "system:x", true),
            ("Role", "", true),
            ("ClusterRole", "a/b", false),
            ("CertificateSigningRequest", "Anything At All", true),
        ] {
            assert_eq!(fault(kind, name).is_none(), fits, "{kind} {name}");
        }
    }

    #[test]
    fn several_faults_are_listed() {
        let message = fault("Role", "a/%").unwrap();
        assert_eq!(
            message,
            "object name does not conform to Kubernetes naming requirements: \"a/%\": [metadata.name: Invalid value: \"a/%\": \
             may not contain '/', metadata.name: Invalid value: \"a/%\": may not contain '%']"
        );
    }
}
