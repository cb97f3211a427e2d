//! Generates the next RSA key in advance.
//!
//! Goes in: the start of making an authority, or a second certificate. Comes out: the key of the next certificate. Generating a key
//! takes a twelfth of a second, longer than most charts need for everything else. An authority is usually made to sign a
//! certificate at once, who makes two certificates often makes more, and other cores are idle while a key is generated. A key is
//! used once, and an unused one is lost with the process, where that may be.

use crate::parallel;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::RsaKeyPair;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// The size of the keys of all certificates (Sprig's `genCA` and its like).
pub(super) const SIZE: KeySize = KeySize::Rsa2048;

static SPARE: Spare = Spare::new();

/// The key generated in advance.
struct Spare {
    making: Mutex<Option<Making>>,
    /// Whether any key was asked for.
    is_asked: AtomicBool,
}

/// A key that another thread generates.
pub(super) struct Making(JoinHandle<Option<RsaKeyPair>>);

impl Making {
    /// Waits for the key.
    pub(super) fn key(self) -> Option<RsaKeyPair> {
        self.0.join().ok().flatten()
    }
}

impl Spare {
    const fn new() -> Spare {
        Spare { making: Mutex::new(None), is_asked: AtomicBool::new(false) }
    }

    /// Takes the spare key. If there is none, another one is started beside the one that the caller generates, if there is a core.
    fn begin(&self, has_core: impl FnOnce() -> bool) -> Option<Making> {
        self.is_asked.store(true, Ordering::Relaxed);
        let mut making = self.lock();
        let spare = making.take();
        if spare.is_none() && has_core() {
            let make = || RsaKeyPair::generate(SIZE).ok();
            *making = thread::Builder::new().name("key".to_string()).spawn(make).ok().map(Making);
        }
        spare
    }

    /// Takes the spare key. If there is none, another one is started unless this is the first that is asked for.
    fn next(&self, has_core: impl FnOnce() -> bool) -> Option<Making> {
        let is_first = !self.is_asked.load(Ordering::Relaxed);
        self.begin(|| !is_first && has_core())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Making>> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For the key of an authority: takes the spare key, or starts one.
pub(super) fn begin() -> Option<Making> {
    SPARE.begin(has_core)
}

/// For the key of a certificate: as [`begin`], but the first key of all starts no other.
pub(super) fn next() -> Option<Making> {
    SPARE.next(has_core)
}

/// Whether a key may be generated that nobody may ask for.
fn has_core() -> bool {
    parallel::may_be_unfinished() && parallel::cores() > 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::KeyPair;

    #[test]
    fn a_key_is_given_away_once() {
        let spare = Spare::new();
        assert!(spare.begin(|| false).is_none() && spare.lock().is_none(), "without a core none is begun");
        assert!(spare.begin(|| true).is_none(), "there was none");
        let first = spare.begin(|| panic!("who takes one begins none")).and_then(Making::key).expect("a key");
        assert!(spare.begin(|| true).is_none());
        let second = spare.begin(|| true).and_then(Making::key).expect("a key");
        assert_ne!(first.public_key().as_ref(), second.public_key().as_ref());
    }

    #[test]
    fn one_certificate_alone_starts_no_other_key() {
        let spare = Spare::new();
        assert!(spare.next(|| true).is_none() && spare.lock().is_none());
        assert!(spare.next(|| true).is_none() && spare.lock().is_some(), "the second one does");
        assert!(spare.next(|| true).is_some() && spare.lock().is_none(), "the third one takes it");
        assert!(spare.next(|| true).is_none() && spare.lock().is_some(), "and so on");
    }

    #[test]
    fn a_process_that_waits_for_its_threads_makes_no_key_in_vain() {
        // No test says that threads may be left behind.
        assert!(begin().is_none() && begin().is_none() && SPARE.lock().is_none());
    }
}
