//! Claims on files: serializes this process's work on one version.
//!
//! Goes in: a file's name and work on it. Comes out: the result of the work, done while no other task of this process works
//! on that file. Claims of other servers on the storage are not visible here; conditional writes to the storage handle those.

use super::catalog::poisoned;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// The files that tasks are working on.
#[derive(Debug, Default)]
pub struct Claims(Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>);

impl Claims {
    /// Runs `work` on a file while no other task works on it.
    pub async fn alone<T>(&self, file: &str, work: impl Future<Output = T>) -> T {
        let claim = self.of(file);
        let guard = claim.lock().await;
        let outcome = work.await;
        drop(guard);
        let mut claims = self.0.lock().unwrap_or_else(poisoned);
        // The map and this function hold one reference each; more means that another task waits.
        if Arc::strong_count(&claim) <= 2 {
            claims.remove(file);
        }
        outcome
    }

    /// The claim on a file, whether or not it is held.
    pub fn of(&self, file: &str) -> Arc<tokio::sync::Mutex<()>> {
        self.0.lock().unwrap_or_else(poisoned).entry(file.to_string()).or_default().clone()
    }

    /// Whether a task works on a file, or waits to.
    pub fn has(&self, file: &str) -> bool {
        self.0.lock().unwrap_or_else(poisoned).contains_key(file)
    }

    /// Whether no task works on any file.
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
