//! Counts the work of a render, which limits its time and the memory of everything it makes.
//!
//! Goes in: numbers of steps, from the evaluator and from functions at any depth. Comes out: a fault beyond the limit. Helm has no
//! such limit: it goes on until memory or patience runs out. One thread renders a file from start to end, so the count belongs to
//! the thread, as the marks of [`super::value::trace`] do. A step takes at most about a microsecond, so that the limit is reached
//! within minutes; what takes longer counts as several.

use super::functions::Fault;
use super::value::{Value, held};
use std::cell::Cell;

/// Most steps of one render, unless more are allowed. The largest public charts take a fiftieth of this.
pub(crate) const LIMIT: u64 = 100_000_000;

/// How many bytes that are kept are made in one step: they take the memory of one entry of a dict.
pub(crate) const BYTES_MADE: usize = 16;

/// How many bytes of a text are made in one step; what texts hold is limited by [`HELD_LIMIT`].
const TEXT_MADE: usize = 256;

/// How many items of a list are copied in one step; what lists hold is limited by [`HELD_LIMIT`].
const ITEMS_COPIED: usize = 16;

/// Most bytes that texts and lists hold at once, for each thread that renders.
pub(crate) const HELD_LIMIT: usize = 1 << 30;

/// How many bytes of a text, or items of a list or dict, a function reads in one step.
const READ: usize = 128;

/// The steps of a password hash (bcrypt).
pub(crate) const HASH: u64 = 50_000;

/// The steps of deriving a password (scrypt).
pub(crate) const DERIVATION: u64 = 150_000;

/// The steps of generating an RSA key of 2048 bits.
pub(crate) const KEY: u64 = 40_000;

/// The steps of generating a key of 4096 bits, or the parameters of DSA.
pub(crate) const LONG_KEY: u64 = 500_000;

/// The steps of a signature.
pub(crate) const SIGNATURE: u64 = 4_000;

/// How the message of a render that does too much begins.
pub(crate) const EXCEEDED: &str = "templates do more than ";

thread_local! {
    static DONE: Cell<u64> = const { Cell::new(0) };
    static ONCE: Cell<u64> = const { Cell::new(0) };
    static ALLOWED: Cell<u64> = const { Cell::new(LIMIT) };
}

/// Allows so many steps to the renders of this thread.
pub(crate) fn allow(steps: u64) {
    ALLOWED.set(steps);
}

/// How many steps are allowed.
pub(crate) fn allowed() -> u64 {
    ALLOWED.get()
}

/// How many steps were counted.
pub(crate) fn done() -> u64 {
    DONE.get()
}

/// Continues counting from here.
pub(crate) fn resume(done: u64) {
    DONE.set(done);
}

/// Counts steps.
pub(crate) fn charge(steps: u64) -> Result<(), Fault> {
    let done = DONE.get().saturating_add(steps);
    DONE.set(done);
    if done > ALLOWED.get() { Err(exceeded()) } else { Ok(()) }
}

/// Refuses what may take more steps than a whole render.
pub(crate) fn check(steps: u64) -> Result<(), Fault> {
    if steps > ALLOWED.get() { Err(exceeded()) } else { Ok(()) }
}

/// Counts steps of what is kept and not done again.
pub(crate) fn charge_once(steps: u64) -> Result<(), Fault> {
    ONCE.set(ONCE.get().saturating_add(steps));
    charge(steps)
}

/// How many of all steps so far, in any render, were of the kind that is not done again.
pub(crate) fn once() -> u64 {
    ONCE.get()
}

/// Counts the steps of reading so many bytes or items.
pub(crate) fn charge_read(size: usize) -> Result<(), Fault> {
    charge(reading(size))
}

/// The steps of reading so many bytes or items.
pub(crate) fn reading(size: usize) -> u64 {
    (size / READ) as u64
}

/// The steps of passing so many nodes or arguments, whose own work counts besides.
pub(crate) fn passing(count: usize) -> u64 {
    (count / 8) as u64
}

/// The steps of making a text of so many bytes.
pub(crate) fn making(bytes: usize) -> u64 {
    (bytes / if bytes < held::LEAST { BYTES_MADE } else { TEXT_MADE }) as u64
}

/// The steps of making a list of so many items.
pub(crate) fn copying(items: usize) -> u64 {
    (items / if items * size_of::<Value>() < held::LEAST { 1 } else { ITEMS_COPIED }) as u64
}

/// Counts the steps of making so many bytes that are kept.
pub(crate) fn charge_made(bytes: usize) -> Result<(), Fault> {
    charge((bytes / BYTES_MADE) as u64)
}

#[cold]
fn exceeded() -> Fault {
    Fault::limit(format!("{EXCEEDED}{} steps", ALLOWED.get()))
}
