//! The templates of a render, by name.
//!
//! Goes in: parsed files in Helm's parsing order. Comes out: the body for each name: a later one that is not empty replaces an
//! earlier one, an empty one only fills a gap. Parsed trees are shared between the aliases of a chart; a [`Template`] adds the
//! name of the file, which only errors need. Follows `AddParseTree` of text/template.

use crate::template::ast::{Parsed, Tree};
use crate::template::value::Str;
use std::borrow::Borrow;
use std::collections::HashSet;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

/// A named body.
pub struct Template {
    pub name: Str,
    /// Its file, for errors.
    pub file: Arc<str>,
    pub tree: Arc<Tree>,
}

/// Templates by name; immutable once built.
#[derive(Default)]
pub struct TemplateSet {
    templates: HashSet<Named, ahash::RandomState>,
}

/// A template as an element of the set, identified by its name.
struct Named(Template);

impl Borrow<[u8]> for Named {
    fn borrow(&self) -> &[u8] {
        self.0.name.as_bytes()
    }
}

impl Hash for Named {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.name.as_bytes().hash(state);
    }
}

impl PartialEq for Named {
    fn eq(&self, other: &Named) -> bool {
        self.0.name == other.0.name
    }
}

impl Eq for Named {}

/// A template found by name.
pub(super) enum Found<'e> {
    /// One of the set.
    Set(&'e Template),
    /// The main template or a definition of a text given to `tpl`.
    Layer(Rc<Template>),
}

impl Deref for Found<'_> {
    type Target = Template;

    fn deref(&self) -> &Template {
        match self {
            Found::Set(template) => template,
            Found::Layer(template) => template,
        }
    }
}

impl fmt::Debug for TemplateSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.names()).finish()
    }
}

impl TemplateSet {
    /// The set of these files, given in the order in which Helm parses them.
    pub fn new(files: &[(Arc<str>, Arc<Parsed>)]) -> TemplateSet {
        let mut set = TemplateSet { templates: HashSet::with_capacity_and_hasher(files.len() * 2, ahash::RandomState::new()) };
        // From the last to the first, so that the winner comes first and a source that was seen already adds nothing.
        let mut seen: HashSet<*const Parsed> = HashSet::new();
        for (file, parsed) in files.iter().rev() {
            set.offer(Str::from(file.clone()), file, &parsed.main);
            if seen.insert(Arc::as_ptr(parsed)) {
                for (name, tree) in &parsed.defines {
                    set.offer(name.clone(), file, tree);
                }
            }
        }
        set
    }

    /// Adds a template that Helm parses before all those in the set.
    fn offer(&mut self, name: Str, file: &Arc<str>, tree: &Arc<Tree>) {
        let known = self.templates.get(name.as_bytes());
        if known.is_some_and(|known| !known.0.tree.empty) {
            return;
        }
        self.templates.replace(Named(Template { name, file: file.clone(), tree: tree.clone() }));
    }

    /// The template of this name.
    pub fn get(&self, name: &[u8]) -> Option<&Template> {
        self.templates.get(name).map(|found| &found.0)
    }

    /// The names of all templates, in byte order.
    pub fn names(&self) -> impl Iterator<Item = &Str> {
        let mut names: Vec<&Str> = self.templates.iter().map(|template| &template.0.name).collect();
        names.sort();
        names.into_iter()
    }
}
