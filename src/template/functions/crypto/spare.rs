//! Generates the next RSA key in advance.
//!
//! Goes in: the start of making an authority, or a second certificate. Comes out: the key of the next certificate. Generating a key
//! takes a twelfth of a second, longer than most charts need for everything else. An authority is usually made to sign a
//! certificate at once, who makes two certificates often makes more, and other cores are idle while a key is generated. A key is
//! used once, and an unused one is lost with the process.

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

    /// Takes the spare key, if there is one, and starts another one, if there is a core for it.
    fn begin(&self, has_core: bool) -> Option<Making> {
        self.is_asked.store(true, Ordering::Relaxed);
        let make = || RsaKeyPair::generate(SIZE).ok();
        let next = has_core.then(|| thread::Builder::new().name("key".to_string()).spawn(make).ok()).flatten().map(Making);
        std::mem::replace(&mut *self.lock(), next)
    }

    /// Takes the spare key, if there is one, and starts another one unless this is the first that is asked for.
    fn next(&self, has_core: impl FnOnce() -> bool) -> Option<Making> {
        let is_first = !self.is_asked.load(Ordering::Relaxed);
        self.begin(!is_first && has_core())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Making>> {
        self.making.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// For the key of an authority: takes the spare key, if there is one, and starts another one, if there is a core for it.
pub(super) fn begin() -> Option<Making> {
    SPARE.begin(parallel::cores() > 1)
}

/// For the key of a certificate: as [`begin`], but the first key of all starts no other.
pub(super) fn next() -> Option<Making> {
    SPARE.next(|| parallel::cores() > 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::KeyPair;

    #[test]
    fn a_key_is_given_away_once() {
        let spare = Spare::new();
        assert!(spare.begin(true).is_none(), "there was none");
        let made = [spare.begin(true), spare.begin(false)].map(|making| making.and_then(Making::key).expect("a key"));
        assert_ne!(made[0].public_key().as_ref(), made[1].public_key().as_ref());
        assert!(spare.next(|| false).is_none(), "without a core none is begun");
        assert!(spare.begin(true).is_none() && spare.next(|| false).is_some() && spare.next(|| false).is_none());
    }

    #[test]
    fn one_certificate_alone_starts_no_other_key() {
        let spare = Spare::new();
        assert!(spare.next(|| true).is_none() && spare.lock().is_none());
        assert!(spare.next(|| true).is_none() && spare.lock().is_some(), "the second one does");
        assert!(spare.next(|| true).is_some() && spare.lock().is_some(), "and so on");
    }
}
