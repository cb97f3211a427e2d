//! The table of all functions, sorted by name at compile time.
//!
//! Goes in: the rows of every topic, in Helm's order of precedence (Helm's own over Sprig over Go's builtins). Comes out:
//! [`lookup`] for the parser, which resolves names once per template, and [`all`] for the function reference. A name that occurs
//! in several topics belongs to the first (Sprig's `slice` replaces Go's).

use super::{
    Function, builtins, crypto, data, dates, defaults, dicts, encoding, engine, lists, math, network, paths, random, regex, semver,
    strings, strings_case, strings_wrap, types, url,
};

/// The functions by topic, in order of precedence.
pub(super) const TOPICS: &[&[Function]] = &[
    engine::FUNCTIONS,
    data::FUNCTIONS,
    crypto::FUNCTIONS,
    dates::FUNCTIONS,
    defaults::FUNCTIONS,
    dicts::FUNCTIONS,
    encoding::FUNCTIONS,
    lists::FUNCTIONS,
    math::FUNCTIONS,
    network::FUNCTIONS,
    paths::FUNCTIONS,
    random::FUNCTIONS,
    regex::FUNCTIONS,
    semver::FUNCTIONS,
    strings::FUNCTIONS,
    strings_case::FUNCTIONS,
    strings_wrap::FUNCTIONS,
    types::FUNCTIONS,
    url::FUNCTIONS,
    builtins::FUNCTIONS,
];

const COUNT: usize = {
    let mut count = 0;
    let mut topic = 0;
    while topic < TOPICS.len() {
        count += TOPICS[topic].len();
        topic += 1;
    }
    count
};

/// All rows by name; among equal names, the one that takes precedence comes first.
static TABLE: [&Function; COUNT] = sorted();

/// The number of [`PLACES`]: a power of two, well above the number of functions, so that few names collide.
const PLACES_COUNT: usize = (COUNT * 4).next_power_of_two();

/// A hash table of indices into [`TABLE`], counted from 1; a name whose place is taken moves to the next.
static PLACES: [u16; PLACES_COUNT] = places();

/// The function of this name.
pub fn lookup(name: &[u8]) -> Option<&'static Function> {
    let mut place = hash(name);
    loop {
        let at = PLACES[place % PLACES_COUNT];
        let function = *TABLE.get(usize::from(at).checked_sub(1)?)?;
        if function.name.as_bytes() == name {
            return Some(function);
        }
        place += 1;
    }
}

/// FNV-1a; the parser looks up every name in a template.
const fn hash(name: &[u8]) -> usize {
    let mut hash: u32 = 0x811c_9dc5;
    let mut at = 0;
    while at < name.len() {
        hash = (hash ^ name[at] as u32).wrapping_mul(0x0100_0193);
        at += 1;
    }
    (hash ^ (hash >> 15)) as usize
}

const fn places() -> [u16; PLACES_COUNT] {
    let table = sorted();
    let mut places = [0; PLACES_COUNT];
    let mut at = 0;
    while at < COUNT {
        // Among equal names, the first is found first.
        let mut place = hash(table[at].name.as_bytes());
        while places[place % PLACES_COUNT] != 0 {
            place += 1;
        }
        places[place % PLACES_COUNT] = at as u16 + 1;
        at += 1;
    }
    places
}

/// All functions by name, without those replaced by another one.
pub fn all() -> impl Iterator<Item = &'static Function> {
    let mut last = "";
    TABLE.iter().copied().filter(move |function| std::mem::replace(&mut last, function.name) != function.name)
}

const fn sorted() -> [&'static Function; COUNT] {
    const NONE: &Function = &super::row("", &[], |_| Err(super::Fault::new("")), "");
    let mut table = [NONE; COUNT];
    let mut filled = 0;
    let mut topic = 0;
    while topic < TOPICS.len() {
        let rows = TOPICS[topic];
        let mut row = 0;
        while row < rows.len() {
            let mut at = filled;
            while at > 0 && comes_before(rows[row].name, table[at - 1].name) {
                table[at] = table[at - 1];
                at -= 1;
            }
            table[at] = &rows[row];
            filled += 1;
            row += 1;
        }
        topic += 1;
    }
    table
}

/// `left < right` in byte order, usable at compile time.
const fn comes_before(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    let mut at = 0;
    while at < left.len() && at < right.len() {
        if left[at] != right[at] {
            return left[at] < right[at];
        }
        at += 1;
    }
    left.len() < right.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_every_name_is_found() {
        assert!(TABLE.windows(2).all(|pair| pair[0].name <= pair[1].name));
        for function in all() {
            assert!(std::ptr::eq(lookup(function.name.as_bytes()).unwrap(), function), "{}", function.name);
        }
        assert!(lookup(b"nosuchfunction").is_none());
    }
}
