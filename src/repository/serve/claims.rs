//! Claims on files: what this process does to one version does not interleave.
//!
//! Goes in: a file's name and work on it. Comes out: what the work gives, done while nobody else here works on that file. Claims of
//! other servers on the storage are not seen here; what is written into it keeps those apart.

use super::catalog::poisoned;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// Which files somebody works on.
#[derive(Debug, Default)]
pub struct Claims(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl Claims {
    /// Does `work` on a file while nobody else works on it.
    pub async fn alone<T>(&self, file: &str, work: impl Future<Output = T>) -> T {
        let claim = self.of(file);
        let guard = claim.lock().await;
        let outcome = work.await;
        drop(guard);
        let mut claims = self.0.lock().unwrap_or_else(poisoned);
        // The map and this function hold one each; more means that somebody waits.
        if Arc::strong_count(&claim) <= 2 {
            claims.remove(file);
        }
        outcome
    }

    /// The claim on a file, whoever has it.
    pub fn of(&self, file: &str) -> Arc<tokio::sync::Mutex<()>> {
        self.0.lock().unwrap_or_else(poisoned).entry(file.to_string()).or_default().clone()
    }

    /// Whether somebody works on a file, or waits to.
    pub fn has(&self, file: &str) -> bool {
        self.0.lock().unwrap_or_else(poisoned).contains_key(file)
    }

    /// Whether nobody works on anything.
    pub fn is_empty(&self) -> bool {
        self.0.lock().unwrap_or_else(poisoned).is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::serve::catalog::tests::wait;

    #[test]
    fn one_works_on_a_file_at_a_time_and_no_claim_stays() {
        let (claims, at_it) = (Claims::default(), Mutex::new(()));
        let work = || {
            claims.alone("a", async {
                let alone = at_it.try_lock().is_ok();
                let _held = at_it.try_lock();
                tokio::task::yield_now().await;
                alone && claims.has("a") && !claims.has("b")
            })
        };
        wait(async {
            let (first, second, third) = tokio::join!(work(), work(), work());
            assert!(first && second && third);
        });
        assert!(claims.is_empty());
    }
}
