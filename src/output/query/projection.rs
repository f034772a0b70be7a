//! The parts of a document that an expression can read: only these are made values of jaq.

use std::collections::BTreeMap;

/// Parts of a document. A list or an object that is among them has the elements and fields that are
/// among them, too; texts, numbers and all other values are whole.
#[derive(Debug)]
pub(super) struct Projection {
    /// Values on the way from the document, which is the first.
    nodes: Vec<Node>,
}

#[derive(Debug, Clone, Default)]
struct Node {
    /// The whole value with all that is in it.
    is_whole: bool,
    fields: BTreeMap<String, Place>,
    /// Each element of a list, and each field of an object.
    each: Option<Place>,
}

/// A value in a document, by the way to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place(usize);

/// More nodes cost more than they spare.
const MAX_NODES: usize = 1000;

impl Projection {
    /// Nothing but the kind of the document.
    pub(super) fn new() -> Self {
        Self {
            nodes: vec![Node::default()],
        }
    }

    /// The whole document.
    pub(super) fn whole() -> Self {
        let mut projection = Self::new();
        projection.take(projection.document());
        projection
    }

    /// The document.
    pub(super) fn document(&self) -> Place {
        Place(0)
    }

    /// Takes a value with all that is in it.
    pub(super) fn take(&mut self, place: Place) {
        self.nodes[place.0].is_whole = true;
    }

    /// Takes the field of an object; what is in it is taken by its place.
    pub(super) fn field(&mut self, place: Place, name: &str) -> Place {
        let next = Place(self.nodes.len());
        let fields = &mut self.nodes[place.0].fields;
        match fields.get(name) {
            Some(known) => *known,
            None => {
                fields.insert(name.to_owned(), next);
                self.add(next)
            }
        }
    }

    /// Takes each element of a list, and each field of an object; what is in them is taken by their place.
    pub(super) fn each(&mut self, place: Place) -> Place {
        let next = Place(self.nodes.len());
        match self.nodes[place.0].each {
            Some(known) => known,
            None => {
                self.nodes[place.0].each = Some(next);
                self.add(next)
            }
        }
    }

    fn add(&mut self, place: Place) -> Place {
        if self.is_too_large() {
            self.nodes[0].is_whole = true;
            return self.document();
        }
        self.nodes.push(Node::default());
        place
    }

    /// True when the whole document is taken, since there are too many places.
    pub(super) fn is_too_large(&self) -> bool {
        self.nodes.len() >= MAX_NODES
    }

    /// What is taken of the document.
    pub(super) fn part(&self) -> Part<'_> {
        self.part_at(self.document())
    }

    fn part_at(&self, place: Place) -> Part<'_> {
        let node = &self.nodes[place.0];
        // A field that is taken by its name and as one of all would have two places.
        let is_ambiguous = node.each.is_some() && !node.fields.is_empty();
        match node.is_whole || is_ambiguous {
            true => Part::Whole,
            false => Part::Of(self, place),
        }
    }
}

/// What is taken of one value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'a> {
    Whole,
    Of(&'a Projection, Place),
}

impl<'a> Part<'a> {
    /// The part of each element of a list; `None` where none is taken.
    pub(super) fn each(self) -> Option<Self> {
        match self {
            Self::Whole => Some(self),
            Self::Of(projection, place) => {
                let each = projection.nodes[place.0].each;
                each.map(|each| projection.part_at(each))
            }
        }
    }

    /// The part of a field of an object; `None` where the field is not taken.
    pub(super) fn field(self, name: &str) -> Option<Part<'a>> {
        match self {
            Self::Whole => Some(self),
            Self::Of(projection, place) => {
                let node = &projection.nodes[place.0];
                let place = node.fields.get(name).copied().or(node.each);
                place.map(|place| projection.part_at(place))
            }
        }
    }
}
