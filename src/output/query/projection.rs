//! The parts of a document that an expression can read. Only these are converted to values of jaq.

use std::collections::BTreeMap;

/// Selected parts of a document. A selected list or object contains only its selected elements and fields; any other
/// value is selected as a whole.
#[derive(Debug)]
pub(super) struct Projection {
    /// Values on the paths from the document, which is the first.
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, Default)]
struct Node {
    /// The value is selected with all its content.
    is_fully_selected: bool,
    fields: BTreeMap<String, NodeId>,
    /// The node for every element of a list and every field of an object.
    each: Option<NodeId>,
}

/// A value in a document, identified by its path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NodeId(usize);

/// More nodes cost more than they save.
const MAX_NODES: usize = 1000;

impl Projection {
    /// Selects only the type of the document.
    pub(super) fn new() -> Self {
        Self {
            nodes: vec![Node::default()],
        }
    }

    /// Selects the whole document.
    pub(super) fn whole() -> Self {
        let mut projection = Self::new();
        projection.take(projection.document());
        projection
    }

    /// Returns the document.
    pub(super) fn document(&self) -> NodeId {
        NodeId(0)
    }

    /// Selects a value with all its content.
    pub(super) fn take(&mut self, id: NodeId) {
        self.nodes[id.0].is_fully_selected = true;
    }

    /// Selects the field of an object; its content is selected by the returned place.
    pub(super) fn field(&mut self, id: NodeId, name: &str) -> NodeId {
        let next = NodeId(self.nodes.len());
        let fields = &mut self.nodes[id.0].fields;
        match fields.get(name) {
            Some(known) => *known,
            None => {
                fields.insert(name.to_owned(), next);
                self.add(next)
            }
        }
    }

    /// Selects all elements of a list and all fields of an object; their content is selected by the returned place.
    pub(super) fn each(&mut self, id: NodeId) -> NodeId {
        let next = NodeId(self.nodes.len());
        match self.nodes[id.0].each {
            Some(known) => known,
            None => {
                self.nodes[id.0].each = Some(next);
                self.add(next)
            }
        }
    }

    fn add(&mut self, id: NodeId) -> NodeId {
        if self.is_too_large() {
            self.nodes[0].is_fully_selected = true;
            return self.document();
        }
        self.nodes.push(Node::default());
        id
    }

    /// Returns `true` if the whole document is selected because there are too many places.
    pub(super) fn is_too_large(&self) -> bool {
        self.nodes.len() >= MAX_NODES
    }

    /// Returns the selected part of the document.
    pub(super) fn part(&self) -> Part<'_> {
        self.part_at(self.document())
    }

    fn part_at(&self, id: NodeId) -> Part<'_> {
        let node = &self.nodes[id.0];
        // A field that is selected both by name and as one of all would have two places.
        let is_ambiguous = node.each.is_some() && !node.fields.is_empty();
        match node.is_fully_selected || is_ambiguous {
            true => Part::Whole,
            false => Part::Of(self, id),
        }
    }
}

/// The selected part of a value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'a> {
    Whole,
    Of(&'a Projection, NodeId),
}

impl<'a> Part<'a> {
    /// Returns the part of each element of a list; `None` if elements are not selected.
    pub(super) fn each(self) -> Option<Self> {
        match self {
            Self::Whole => Some(self),
            Self::Of(projection, id) => {
                let each = projection.nodes[id.0].each;
                each.map(|each| projection.part_at(each))
            }
        }
    }

    /// Returns the part of a field of an object; `None` if the field is not selected.
    pub(super) fn field(self, name: &str) -> Option<Part<'a>> {
        match self {
            Self::Whole => Some(self),
            Self::Of(projection, id) => {
                let node = &projection.nodes[id.0];
                let id = node.fields.get(name).copied().or(node.each);
                id.map(|id| projection.part_at(id))
            }
        }
    }
}
