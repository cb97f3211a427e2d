//! Decides which table a key goes to, and which table may be reopened.
//!
//! Goes in: the names of tables and keys as they are read. Comes out: entries in the parser's tree, or the fault that a name is
//! taken. A table that was only implied by a longer name may still be defined once. It is separate from the parser because these
//! rules are the Go library's bookkeeping, not grammar.

use super::lexer::{Fault, Step};
use super::parse::{Key, MAX_DEPTH, Parser, Table, Toml, dotted};

/// A copy of a name that is not kept counts as this part of it: it takes time, but no memory.
const COPIES_OF_ONE: usize = 8;

/// The table of a key: the map itself, or the last map of a list, which may be empty. `None` if the value is not a table.
fn table_in(node: Option<&mut Toml>) -> Option<Option<&mut Table>> {
    match node {
        Some(Toml::Map(inner)) => Some(Some(inner)),
        Some(Toml::Tables(tables)) => match tables.last_mut() {
            Some(Toml::Map(inner)) => Some(Some(inner)),
            _ => Some(None),
        },
        _ => None,
    }
}

/// How many bytes a copy of this name counts.
fn copied(name: &[String]) -> usize {
    name.iter().map(|part| part.len() + 1).sum::<usize>() / COPIES_OF_ONE
}

impl Parser<'_> {
    /// Counts bytes of names: a short text may have a long name for each of its many keys.
    fn count_names(&mut self, bytes: usize) -> Step<()> {
        self.names = self.names.saturating_add(bytes);
        if self.names > self.names_limit {
            self.has_too_many_names = true;
            return Err(self.fault(format!("names of tables take more than {} bytes", self.names_limit)));
        }
        Ok(())
    }

    /// Counts a name that is copied for a moment.
    fn count_copy(&mut self, name: &[String]) -> Step<()> {
        self.count_names(copied(name))
    }

    /// Counts a name that is kept to the end.
    pub(super) fn keep_name(&mut self, name: &str) -> Step<()> {
        self.count_names(name.len())
    }

    /// A dotted name as it would be written, counted as a copy.
    pub(super) fn counted_name(&mut self, name: &[String]) -> Step<String> {
        self.count_copy(name)?;
        Ok(dotted(name))
    }

    /// Notes that a table of this name is only implied so far.
    pub(super) fn imply(&mut self, name: &[String]) -> Step<()> {
        let name = self.counted_name(name)?;
        if !self.implicit.contains(&name) {
            self.keep_name(&name)?;
            self.implicit.insert(name);
        }
        Ok(())
    }

    /// Makes the table `key` the current one, implying those above it.
    pub(super) fn add_context(&mut self, key: &[String], array: bool) -> Step<()> {
        let Some((last, parents)) = key.split_last() else { return Ok(()) };
        if key.len() > MAX_DEPTH {
            return Err(self.fault(format!("exceeded max depth of {MAX_DEPTH}")));
        }
        self.count_copy(key)?;
        let mut table = &mut self.root;
        let mut name = Key::new();
        let mut kept = 0;
        for part in parents {
            name.push(part.clone());
            if !table.contains_key(part) {
                let implied = dotted(&name);
                kept += implied.len();
                if self.names.saturating_add(kept) > self.names_limit {
                    // Too many of them.
                    return self.count_names(kept);
                }
                self.implicit.insert(implied);
                table.insert(part.clone(), Toml::Map(Table::new()));
            }
            table = match table_in(table.get_mut(part)) {
                Some(Some(inner)) => inner,
                Some(None) => return Ok(()),
                None => {
                    let message = format!("Key '{}' was already created as a hash.", dotted(&name));
                    return Err(Fault { message, line: self.line });
                }
            };
        }
        self.names += kept;
        if array {
            let entry = table.entry(last.clone()).or_insert_with(|| Toml::Tables(Vec::new()));
            let Toml::Tables(tables) = entry else {
                self.context = name;
                return Err(self.fault(format!("Key '{}' was already created and cannot be used as an array.", dotted(key))));
            };
            tables.push(Toml::Map(Table::new()));
            self.context = name;
        } else {
            self.context = name;
            self.set_value(last, Toml::Map(Table::new()))?;
        }
        self.context.push(last.clone());
        Ok(())
    }

    /// Sets a key of the current table, unless it exists and was not only implied.
    pub(super) fn set_value(&mut self, key: &str, value: Toml) -> Step<()> {
        self.count_names(copied(&self.context))?;
        let mut table = &mut self.root;
        let mut name = Key::new();
        for part in &self.context {
            name.push(part.clone());
            table = match table_in(table.get_mut(part)) {
                Some(Some(inner)) => inner,
                Some(None) => return Ok(()),
                None => {
                    let message = format!("Key '{}' has already been defined.", dotted(&name));
                    return Err(Fault { message, line: self.line });
                }
            };
        }
        name.push(key.to_owned());
        if !table.contains_key(key) {
            table.insert(key.to_owned(), value);
            return Ok(());
        }
        let name = dotted(&name);
        if !self.implicit.remove(&name) {
            return Err(self.fault(format!("Key '{name}' has already been defined.")));
        }
        // An implied value stays, but a list replaces what its items left behind.
        if self.arrays.contains(&name) {
            table.insert(key.to_owned(), value);
        }
        Ok(())
    }
}
