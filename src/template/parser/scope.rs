//! Names of variables in the order of their declaration.
//!
//! Goes in: names as they are declared, and how many of them a block keeps. Comes out: the last place of a name. Blocks hide and
//! restore names, so this is a stack. It is searched from its end while it is short, as it nearly always is, and by name once it
//! is long: a template may declare a hundred thousand variables.

use std::collections::HashMap;

/// Up to this many names, searching is faster than hashing.
const SHORT: usize = 32;

/// A stack of names.
#[derive(Default)]
pub(super) struct Scope<'a> {
    names: Vec<&'a [u8]>,
    /// The places of each name in ascending order, once there are many names.
    places: Option<HashMap<&'a [u8], Vec<usize>, ahash::RandomState>>,
}

impl<'a> Scope<'a> {
    /// How many names there are.
    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Declares a name and returns its place.
    pub(super) fn push(&mut self, name: &'a [u8]) -> usize {
        let place = self.names.len();
        self.names.push(name);
        match &mut self.places {
            Some(places) => places.entry(name).or_default().push(place),
            None if place >= SHORT => {
                let mut places: HashMap<_, Vec<usize>, _> = HashMap::default();
                for (place, name) in self.names.iter().enumerate() {
                    places.entry(*name).or_default().push(place);
                }
                self.places = Some(places);
            }
            None => {}
        }
        place
    }

    /// The place of the last declaration of a name.
    pub(super) fn find(&self, name: &[u8]) -> Option<usize> {
        match &self.places {
            Some(places) => places.get(name)?.last().copied(),
            None => self.names.iter().rposition(|declared| *declared == name),
        }
    }

    /// Keeps the first `length` names.
    pub(super) fn truncate(&mut self, length: usize) {
        let Some(places) = &mut self.places else { return self.names.truncate(length) };
        while self.names.len() > length {
            if let Some(of_name) = self.names.pop().and_then(|name| places.get_mut(name)) {
                of_name.pop();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_declaration_that_is_left_is_found() {
        let names: Vec<String> = (0..10 * SHORT).map(|number| format!("${}", number % 50)).collect();
        for length in [3, SHORT, SHORT + 1, names.len()] {
            let mut scope = Scope::default();
            for (place, name) in names.iter().take(length).enumerate() {
                assert_eq!(scope.push(name.as_bytes()), place);
            }
            while scope.len() > 0 {
                let left = &names[..scope.len()];
                for name in ["$0", "$7", "$49", "$x"] {
                    assert_eq!(scope.find(name.as_bytes()), left.iter().rposition(|declared| declared == name), "{name} of {}", left.len());
                }
                scope.truncate(scope.len().saturating_sub(7));
            }
        }
    }
}
