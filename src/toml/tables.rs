//! Decides which table a key goes to, and which table may be reopened.
//!
//! Goes in: the names of tables and keys as they are read. Comes out: entries in the parser's tree, or the fault that a name is
//! taken. A table that was only implied by a longer name may still be defined once. It is separate from the parser because these
//! rules are the Go library's bookkeeping, not grammar.

use super::lexer::{Fault, Step};
use super::parse::{Key, MAX_DEPTH, Parser, Table, Toml, dotted};

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

impl Parser<'_> {
    /// Counts so many copies of a name: a short text may have a long name for each of its many keys.
    fn count_names(&mut self, name: &[String], copies: usize) -> Step<()> {
        self.names += copies * name.iter().map(|part| part.len() + 1).sum::<usize>();
        if self.names > self.names_limit {
            return Err(self.fault(format!("names of tables take more than {} bytes", self.names_limit)));
        }
        Ok(())
    }

    /// Makes the table `key` the current one, implying those above it.
    pub(super) fn add_context(&mut self, key: &[String], array: bool) -> Step<()> {
        let Some((last, parents)) = key.split_last() else { return Ok(()) };
        if key.len() > MAX_DEPTH {
            return Err(self.fault(format!("exceeded max depth of {MAX_DEPTH}")));
        }
        // Each of the tables above may be noted by its whole name.
        self.count_names(key, key.len())?;
        let mut table = &mut self.root;
        let mut name = Key::new();
        for part in parents {
            name.push(part.clone());
            if !table.contains_key(part) {
                self.implicit.insert(dotted(&name));
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
        let context = std::mem::take(&mut self.context);
        let counted = self.count_names(&context, 1);
        self.context = context;
        counted?;
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
