//! The RSA key that is wanted next.
//!
//! Goes in: that an authority is being made. Comes out: the key of the certificate that it will sign. To make one takes a twelfth of
//! a second, more than most charts take for all the rest. What an authority is made for is to sign with it at once, and while its
//! own key is made other cores are idle. A key is given away once, and one that nobody takes is lost with the process.

use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::RsaKeyPair;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

/// The size of the keys of all certificates (Sprig's `genCA` and its like).
pub(super) const SIZE: KeySize = KeySize::Rsa2048;

static SPARE: Mutex<Option<Making>> = Mutex::new(None);

/// A key that another thread makes.
pub(super) struct Making(JoinHandle<Option<RsaKeyPair>>);

impl Making {
    /// The key, as soon as it is made.
    pub(super) fn key(self) -> Option<RsaKeyPair> {
        self.0.join().ok().flatten()
    }
}

/// Takes the spare key, if there is one, and begins another one, if there is a core for it.
pub(super) fn begin() -> Option<Making> {
    let has_core = thread::available_parallelism().is_ok_and(|cores| cores.get() > 1);
    let make = || RsaKeyPair::generate(SIZE).ok();
    let next = has_core.then(|| thread::Builder::new().name("key".to_string()).spawn(make).ok()).flatten().map(Making);
    std::mem::replace(&mut *spare(), next)
}

/// Takes the spare key.
pub(super) fn take() -> Option<Making> {
    spare().take()
}

fn spare() -> MutexGuard<'static, Option<Making>> {
    SPARE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::signature::KeyPair;

    #[test]
    fn a_key_is_given_away_once() {
        // Other tests begin and take keys as well.
        let made = (0..4).filter_map(|_| begin()).chain(take()).filter_map(Making::key);
        let mut keys: Vec<Vec<u8>> = made.map(|key| key.public_key().as_ref().to_vec()).collect();
        let count = keys.len();
        assert_eq!(count > 0, thread::available_parallelism().is_ok_and(|cores| cores.get() > 1));
        keys.sort();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }
}
