//! Go's nil `[]byte`.
//!
//! An absent file of `.Files` is one. It is empty like others, but JSON writes `null` for it, and it equals nil. It is recognised
//! by its address, so that bytes stay one pointer.

use std::sync::{Arc, LazyLock};

static NIL: LazyLock<Arc<[u8]>> = LazyLock::new(|| Arc::from([]));

/// The nil `[]byte`.
pub fn nil() -> Arc<[u8]> {
    NIL.clone()
}

/// Whether these bytes are nil, not merely empty.
pub fn is_nil(bytes: &Arc<[u8]>) -> bool {
    bytes.is_empty() && Arc::ptr_eq(bytes, &NIL)
}
