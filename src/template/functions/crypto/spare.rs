//! Generates the next RSA key in advance.
//!
//! Goes in: the start of making an authority. Comes out: the key of the certificate that it will sign. Generating a key takes a
//! twelfth of a second, longer than most charts need for everything else. An authority is usually made to sign a certificate at
//! once, and other cores are idle while its own key is generated. A key is used once, and an unused one is lost with the process.

use crate::parallel;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::RsaKeyPair;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// The size of the keys of all certificates (Sprig's `genCA` and its like).
pub(super) const SIZE: KeySize = KeySize::Rsa2048;

static SPARE: Spare = Spare(Mutex::new(None));

/// The key generated in advance.
struct Spare(Mutex<Option<Making>>);

/// A key that another thread generates.
pub(super) struct Making(JoinHandle<Option<RsaKeyPair>>);

impl Making {
    /// Waits for the key.
    pub(super) fn key(self) -> Option<RsaKeyPair> {
        self.0.join().ok().flatten()
    }
}

impl Spare {
    /// Takes the spare key, if there is one, and starts another one, if there is a core for it.
    fn begin(&self, has_core: bool) -> Option<Making> {
        let make = || RsaKeyPair::generate(SIZE).ok();
        let next = has_core.then(|| thread::Builder::new().name("key".to_string()).spawn(make).ok()).flatten().map(Making);
        std::mem::replace(&mut *self.lock(), next)
    }

    fn take(&self) -> Option<Making> {
        self.lock().take()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Making>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Takes the spare key, if there is one, and starts another one, if there is a core for it.
pub(super) fn begin() -> Option<Making> {
    SPARE.begin(parallel::cores() > 1)
}

/// Takes the spare key.
pub(super) fn take() -> Option<Making> {
    SPARE.take()
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::KeyPair;

    #[test]
    fn a_key_is_given_away_once() {
        let spare = Spare(Mutex::new(None));
        assert!(spare.begin(true).is_none(), "there was none");
        let made = [spare.begin(true), spare.begin(false)].map(|making| making.and_then(Making::key).expect("a key"));
        assert_ne!(made[0].public_key().as_ref(), made[1].public_key().as_ref());
        assert!(spare.take().is_none(), "without a core none is begun");
        assert!(spare.begin(true).is_none() && spare.take().is_some() && spare.take().is_none());
    }
}
