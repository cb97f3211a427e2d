//! Kubernetes resources as kyaml reads, annotates and writes them.
//!
//! Goes in: a stream of documents. Comes out: resources with annotations set or cleared, and a stream again. Must match kyaml
//! v0.21.1: `kio.ParseAll` and `kio.StringAll` (`byteio_reader.go`, `byteio_writer.go`, `kioutil.go`) with their faults, and
//! `SetAnnotation` and `ClearAnnotation` (`fns.go`, `kfns.go`). Reading numbers the documents in annotations, and writing removes
//! these again; this is visible, since it creates and drops empty maps. It is separate from `marked`, which handles only files.

use crate::yaml::node::{Kind, Node, Style, Tree, Writer};

/// One document, or one item of a list.
#[derive(Debug, Clone)]
pub(super) struct Resource {
    tree: Tree,
    /// Items of lists are written without the comments of a document.
    is_item: bool,
}

const INDEX: &str = "internal.config.kubernetes.io/index";
const OLD_INDEX: &str = "config.kubernetes.io/index";
const LIST_INDENT: &str = "internal.config.kubernetes.io/seqindent";
/// A document with only the list in this field represents the list.
const WRAPPED_LIST: &str = "bareSeqNodeWrappingKey";

/// Old and current names of annotations; a resource with one of them gets the other.
const RENAMED: [(&str, &str); 3] = [
    ("config.kubernetes.io/path", "internal.config.kubernetes.io/path"),
    (OLD_INDEX, INDEX),
    ("config.k8s.io/id", "internal.config.kubernetes.io/id"),
];

/// Reads a stream. If its only document is a `List`, it returns the items.
pub(super) fn read_all(text: &[u8]) -> Result<Vec<Resource>, String> {
    let text = without_carriage_returns(text);
    let documents = split(&text)?;
    let mut resources = Vec::new();
    let mut index = 0;
    for (at, document) in documents.iter().enumerate() {
        // The line break before a separator counts, since a literal may end with it.
        let ended;
        let document = if at + 1 == documents.len() {
            document
        } else {
            ended = [document, b"\n".as_slice()].concat();
            ended.as_slice()
        };
        let tree = Tree::read(document).map_err(|error| format!("MalformedYAMLError: {error}"))?;
        let Some(tree) = tree.filter(|tree| tree.node(tree.root()).is_some_and(|root| !root.is_null())) else { continue };
        let mut resource = Resource { tree, is_item: false };
        resource.number(index)?;
        match resource.items().filter(|_| documents.len() == 1) {
            Some(items) => resources.extend(items),
            None => {
                resources.push(resource);
                index += 1;
            }
        }
    }
    Ok(resources)
}

/// Writes resources as one stream.
pub(super) fn write_all(mut resources: Vec<Resource>) -> Result<String, String> {
    let deeper: Vec<bool> = resources.iter().map(|resource| resource.list_indentation() == Some("wide")).collect();
    for resource in &mut resources {
        for annotation in [INDEX, OLD_INDEX, LIST_INDENT] {
            resource.clear_annotation(annotation)?;
        }
        resource.clear_empty_annotations()?;
    }
    let mut writer = Writer::default();
    for (resource, deeper) in resources.iter().zip(deeper) {
        writer.indent_lists(deeper);
        let tree = &resource.tree;
        match resource.find(tree.root(), WRAPPED_LIST).filter(|list| !resource.is_empty(*list)) {
            Some(list) => writer.node(tree, list),
            None if resource.is_item => writer.node(tree, tree.root()),
            None => writer.document(tree),
        }
    }
    Ok(writer.finish())
}

fn without_carriage_returns(text: &[u8]) -> Vec<u8> {
    let mut kept = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        if byte != b'\r' || bytes.peek() != Some(&b'\n') {
            kept.push(byte);
        }
    }
    kept
}

/// Splits at lines that begin with `---`, followed by nothing but a comment. A separator includes the line breaks around it, so
/// the second of two in a row is part of a document.
fn split(text: &[u8]) -> Result<Vec<&[u8]>, String> {
    let mut documents = Vec::new();
    let mut rest = text;
    if rest.is_empty() {
        return Ok(documents);
    }
    while let Some(at) = memchr::memmem::find(rest, b"\n---") {
        let (document, separator) = rest.split_at(at);
        let Some(end) = memchr::memchr(b'\n', separator.get(4..).unwrap_or_default()).map(|end| end + 4) else { break };
        let (separator, following) = separator.split_at(end);
        let behind = super::split::trim_start(separator.get(4..).unwrap_or_default());
        if !behind.is_empty() && behind.first() != Some(&b'#') {
            let shown = super::split::trim_end(super::split::trim_start(separator));
            return Err(format!("invalid document separator: {}", String::from_utf8_lossy(shown)));
        }
        documents.push(document);
        rest = following.get(1..).unwrap_or_default();
    }
    documents.push(rest);
    Ok(documents)
}

impl Resource {
    /// The value of an annotation; empty when there is none.
    pub(super) fn annotation(&self, name: &str) -> &str {
        let annotations = self.meaningful(self.tree.root(), "metadata").and_then(|metadata| self.meaningful(metadata, "annotations"));
        let value = annotations.and_then(|annotations| self.field(annotations, name));
        value.and_then(|value| self.tree.node(value)).filter(|value| !value.is_null()).map_or("", |value| &value.value)
    }

    /// Checks that the resource is identifiable; fails in kyaml's words otherwise.
    pub(super) fn check_metadata(&self) -> Result<(), String> {
        let root = self.tree.root();
        let has = |at, name: &str| self.meaningful(at, name).is_some();
        let metadata = self.meaningful(root, "metadata");
        let known = self.tree.node(root).is_none_or(Node::is_null)
            || has(root, "apiVersion")
            || has(root, "kind")
            || metadata.is_some_and(|at| ["name", "namespace", "labels", "annotations"].into_iter().any(|name| has(at, name)));
        if known { Ok(()) } else { Err("missing Resource metadata".to_owned()) }
    }

    /// Sets an annotation; a new one is written in quotes, an existing one keeps its style.
    pub(super) fn set_annotation(&mut self, name: &str, value: &str) -> Result<(), String> {
        self.clear_empty_annotations()?;
        let Some(metadata) = self.find_or_make(self.tree.root(), "metadata")? else { return Ok(()) };
        let Some(annotations) = self.find_or_make(metadata, "annotations")? else { return Ok(()) };
        let mut node = Node { tag: "!!str".to_owned(), style: Style::SINGLE_QUOTED, ..Node::new(Kind::Scalar, value) };
        match self.lookup(annotations, name)?.and_then(|at| self.tree.node_mut(at)) {
            Some(there) => {
                node.style = there.style;
                *there = node;
            }
            None => {
                self.add_field(annotations, name, node);
            }
        }
        Ok(())
    }

    /// Removes an annotation.
    pub(super) fn clear_annotation(&mut self, name: &str) -> Result<(), String> {
        let Some(metadata) = self.lookup(self.tree.root(), "metadata")? else { return Ok(()) };
        match self.lookup(metadata, "annotations")? {
            Some(annotations) => self.clear_field(annotations, name, false),
            None => Ok(()),
        }
    }

    /// Removes the annotations if they are empty, and then the metadata.
    fn clear_empty_annotations(&mut self) -> Result<(), String> {
        let root = self.tree.root();
        if let Some(metadata) = self.lookup(root, "metadata")? {
            self.clear_field(metadata, "annotations", true)?;
        }
        self.clear_field(root, "metadata", true)
    }

    /// Sets the annotations that kyaml sets when it reads a stream.
    fn number(&mut self, index: usize) -> Result<(), String> {
        let found = RENAMED.map(|(old, new)| (self.annotation(old).to_owned(), self.annotation(new).to_owned()));
        for ((old, new), (old_value, new_value)) in RENAMED.into_iter().zip(found) {
            if new_value.is_empty() && !old_value.is_empty() {
                self.set_annotation(new, &old_value)?;
            } else if !new_value.is_empty() && old_value.is_empty() {
                self.set_annotation(old, &new_value)?;
            }
        }
        self.set_annotation(OLD_INDEX, &index.to_string())?;
        self.set_annotation(INDEX, &index.to_string())
    }

    /// The items, if it is a list of resources.
    fn items(&self) -> Option<Vec<Resource>> {
        let root = self.tree.root();
        let kind = self.meaningful(root, "kind").and_then(|kind| self.tree.node(kind))?;
        if !matches!(kind.value.as_str(), "List" | "ResourceList") {
            return None;
        }
        let Some(items) = self.field(root, "items") else {
            return self.field(root, "functionConfig").map(|_| Vec::new());
        };
        let children = &self.tree.node(items)?.children;
        Some(children.iter().map(|at| Resource { tree: self.tree.cut_out(*at), is_item: true }).collect())
    }

    fn list_indentation(&self) -> Option<&str> {
        let metadata = self.meaningful(self.tree.root(), "metadata")?;
        let annotations = self.tree.node(self.field(metadata, "annotations")?)?;
        let mut pairs = annotations.children.chunks_exact(2).rev();
        pairs.find_map(|pair| match pair {
            &[key, value] if self.tree.node(key)?.value == LIST_INDENT => Some(self.tree.node(value)?.value.as_str()),
            _ => None,
        })
    }

    /// The first value of this key among a node's children, whatever the kind of the node.
    fn find(&self, at: usize, name: &str) -> Option<usize> {
        let pairs = self.tree.node(at)?.children.chunks_exact(2);
        pairs.into_iter().find_map(|pair| match pair {
            &[key, value] if self.tree.node(key)?.value == name => Some(value),
            _ => None,
        })
    }

    /// The value of this key if the node is a mapping.
    fn field(&self, at: usize, name: &str) -> Option<usize> {
        self.find(at, name).filter(|_| self.tree.node(at).is_some_and(|node| node.kind == Kind::Mapping))
    }

    /// The value of this key if it exists and is neither null nor an empty collection.
    fn meaningful(&self, at: usize, name: &str) -> Option<usize> {
        self.field(at, name).filter(|value| !self.is_empty(*value))
    }

    fn is_empty(&self, at: usize) -> bool {
        let Some(node) = self.tree.node(at) else { return true };
        node.is_null() || matches!(node.kind, Kind::Mapping | Kind::Sequence) && node.children.is_empty()
    }

    /// Fails unless the node is a mapping or null.
    fn check_mapping(&self, at: usize) -> Result<&Node, String> {
        let Some(node) = self.tree.node(at) else { return Err("node is missing".to_owned()) };
        if node.is_null() || node.kind == Kind::Mapping {
            return Ok(node);
        }
        let mut writer = Writer::default();
        writer.node(&self.tree, at);
        let contents = writer.finish();
        Err(format!("wrong node kind: expected MappingNode but got {:?}Node: node contents:\n{contents}", node.kind))
    }

    /// The value of this key; `None` if the node is null.
    fn lookup(&self, at: usize, name: &str) -> Result<Option<usize>, String> {
        let node = self.check_mapping(at)?;
        Ok(if node.is_null() { None } else { self.find(at, name) })
    }

    /// The value of this key, created as a mapping if it is missing; `None` if the node is null.
    fn find_or_make(&mut self, at: usize, name: &str) -> Result<Option<usize>, String> {
        let found = self.lookup(at, name)?;
        if found.is_some() || self.tree.node(at).is_none_or(Node::is_null) {
            return Ok(found);
        }
        Ok(Some(self.add_field(at, name, Node::new(Kind::Mapping, ""))))
    }

    fn add_field(&mut self, at: usize, name: &str, value: Node) -> usize {
        let key = self.tree.add(Node::new(Kind::Scalar, name));
        let value = self.tree.add(value);
        if let Some(node) = self.tree.node_mut(at) {
            node.children.extend([key, value]);
        }
        value
    }

    /// Removes the first field of this name; with `if_empty`, the first with an empty value.
    fn clear_field(&mut self, at: usize, name: &str, if_empty: bool) -> Result<(), String> {
        let node = self.check_mapping(at)?;
        let matches = |key: usize, value: usize| {
            self.tree.node(key).is_some_and(|key| key.value == name)
                && !(if_empty && self.tree.node(value).is_some_and(|value| !value.children.is_empty()))
        };
        let found = node.children.chunks_exact(2).position(|pair| matches!(pair, &[key, value] if matches(key, value)));
        if let (Some(pair), Some(node)) = (found, self.tree.node_mut(at)) {
            node.children.drain(2 * pair..2 * pair + 2);
        }
        Ok(())
    }
}
