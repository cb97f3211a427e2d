//! Tells which objects of the storage belong to the server.
//!
//! Goes in: the path of an object and the layout. Comes out: whether a server of this layout could have written
//! it. A storage folder may also hold other files, which the server must not remove. Pure, and separate from
//! the storage, which knows how to write objects but not how they are named.

use super::catalog::SNAPSHOT;
use super::route::{Depth, is_safe_part};

/// The folder of all objects that are not charts.
const REGISTRY: &str = ".oci";

/// Whether the server writes into this folder or below it; `parts` is its path in the storage.
pub fn has_folder(parts: &[String], depth: Depth) -> bool {
    match parts.first() {
        Some(first) if first == REGISTRY => true,
        _ => parts.len() <= depth.most() && parts.iter().all(|part| is_safe_part(part)),
    }
}

/// Whether the server writes objects of this name into its folder `parts`.
pub fn has_object(parts: &[String], name: &str, depth: Depth) -> bool {
    match parts.first() {
        Some(first) if first == REGISTRY => !name.is_empty(),
        _ if !depth.fits(parts.len()) => false,
        _ => name == SNAPSHOT || (is_safe_part(name) && (name.ends_with(".tgz") || name.ends_with(".tgz.prov"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_the_server_gives_are_its_own() {
        let (top, fixed, any) = (Depth::None, Depth::Fixed(2), Depth::Dynamic);
        for (place, depth, wanted) in [
            ("a-1.0.0.tgz", top, true),
            ("a-1.0.0+b.tgz.prov", top, true),
            (".index-snapshot.json", top, true),
            (".oci/a/b/_tags/1.0.0", top, true),
            (".oci/_uploads/00-00/start", top, true),
            ("docs/Issue ", any, false),
            ("backup", any, false),
            ("index.yaml", any, false),
            ("a b.tgz", any, false),
            (".a.tgz", any, false),
            ("", any, false),
            (".oci/", any, false),
            ("docs/a-1.0.0.tgz", top, false),
            ("docs/a-1.0.0.tgz", any, true),
            ("docs/a-1.0.0.tgz", fixed, false),
            ("one/two/a-1.0.0.tgz", fixed, true),
            ("one/two/.index-snapshot.json", fixed, true),
            ("one/two/three/a-1.0.0.tgz", fixed, false),
            ("one/.git/a-1.0.0.tgz", any, false),
            ("one/.oci/a/_tags/1", any, false),
        ] {
            let mut parts: Vec<String> = place.split('/').map(str::to_string).collect();
            let name = parts.pop().expect("a name");
            let is_own = (1..=parts.len()).all(|end| has_folder(&parts[..end], depth)) && has_object(&parts, &name, depth);
            assert_eq!(is_own, wanted, "{place} with {depth:?}");
        }
    }
}
