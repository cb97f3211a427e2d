//! The only function that may access the network, and only if the host allows it.
//!
//! Goes in: a host name. Comes out: one of its addresses, or an empty text unless DNS was allowed (`--enable-dns`). Follows
//! sprig/network.go and Helm's pkg/engine.

use super::Parameter::Str as Text;
use super::{Call, Fault, Function, Outcome, row};
use crate::template::value::Value;

/// The rows of this topic.
pub const FUNCTIONS: &[Function] = &[row("getHostByName", &[Text], host_address, "an address of a host, if DNS is allowed")];

fn host_address(call: &mut Call) -> Outcome {
    match call.host.resolve_host(&call.text(0)) {
        None => Ok(Value::str("")),
        Some(addresses) => {
            let address = addresses.into_iter().next();
            address.map(Value::str).ok_or_else(|| Fault::new("invalid argument to Intn"))
        }
    }
}
