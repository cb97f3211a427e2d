//! The catalogs of all tenants that were requested.
//!
//! Goes in: a tenant's name and how to create its catalog. Comes out: the only catalog of that tenant. Any
//! request creates its tenant, so a scan of names must not fill the memory; but a catalog in use, or one that
//! knows of charts, claims or deletions, is never dropped: its knowledge would become wrong or be lost.

use super::catalog::Catalog;
use std::collections::HashMap;
use std::sync::Arc;

/// How many catalogs there may be before empty ones are dropped.
const MANY: usize = 10_000;

#[derive(Debug)]
pub struct Catalogs {
    by_tenant: HashMap<String, Arc<Catalog>>,
    many: usize,
    /// The number of catalogs at which empty ones are dropped next: twice as many as were kept, so that not every new name does it.
    bound: usize,
}

impl Default for Catalogs {
    fn default() -> Catalogs {
        Catalogs::with_room(MANY)
    }
}

impl Catalogs {
    fn with_room(many: usize) -> Catalogs {
        Catalogs { by_tenant: HashMap::new(), many, bound: many }
    }

    pub fn get(&self, tenant: &str) -> Option<Arc<Catalog>> {
        self.by_tenant.get(tenant).cloned()
    }

    /// All existing catalogs.
    pub fn all(&self) -> Vec<Arc<Catalog>> {
        self.by_tenant.values().cloned().collect()
    }

    /// The tenant's catalog, created unless another task has done so meanwhile.
    pub fn add(&mut self, tenant: &str, make: impl FnOnce() -> Catalog) -> Arc<Catalog> {
        if let Some(found) = self.by_tenant.get(tenant) {
            return found.clone();
        }
        if self.by_tenant.len() >= self.bound {
            // Catalogs are handed out only here, so while this runs no other task can start to use one.
            self.by_tenant.retain(|_, catalog| Arc::strong_count(catalog) > 1 || !catalog.is_empty());
            self.bound = self.many.max(2 * self.by_tenant.len());
        }
        let made = Arc::new(make());
        self.by_tenant.insert(tenant.to_string(), made.clone());
        made
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::serve::catalog::tests::{archive, catalog, wait};
    use crate::repository::serve::storage::Storage;

    #[test]
    fn only_catalogs_without_content_are_forgotten() {
        let top = tempfile::tempdir().expect("a folder");
        let storage = Storage::open(&top.path().to_string_lossy(), &[]).expect("storage");
        let options = crate::repository::serve::trial::options(top.path());
        let make = || Catalog::new(storage.clone(), "none", "", &options);
        let mut catalogs = Catalogs::with_room(4);
        let held = catalogs.add("held", make);
        drop(catalogs.add("busy", make));
        drop(catalogs.get("busy").expect("a catalog").claims.of("a-1.0.0.tgz"));
        catalogs.add("deleted", make).removed("a-1.0.0.tgz").expect("noted");
        std::fs::write(top.path().join("a-1.0.0.tgz"), archive("apiVersion: v2\nname: a\nversion: 1.0.0\n")).expect("a file");
        let full = Arc::try_unwrap(catalog(top.path())).expect("the only one");
        wait(full.refresh()).expect("listed");
        drop(catalogs.add("full", || full));
        for number in 0..100 {
            drop(catalogs.add(&format!("scan{number}"), make));
            assert!(catalogs.by_tenant.len() <= 8, "{}", catalogs.by_tenant.len());
        }
        for tenant in ["held", "busy", "deleted", "full"] {
            assert!(catalogs.get(tenant).is_some(), "{tenant}");
        }
        assert!(Arc::ptr_eq(&held, &catalogs.add("held", make)));
        assert!(catalogs.get("scan0").is_none());
    }
}
