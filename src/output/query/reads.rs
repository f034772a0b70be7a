//! Determines what an expression reads of its input, without evaluating it.
//!
//! Each term has an input, and outputs that are values of the document or created by
//! the expression. Of a value that is only passed on, at most the type is read. If it
//! is unknown what a term does with its input, it reads the whole input.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::path::{Part, Path};

use super::projection::{NodeId, Projection};
use super::tree::Tree;
use crate::sort::SortExt as _;

/// Values of the document that an output can be; empty for a value created by the expression.
type NodeIds = Vec<NodeId>;

/// Returns what a parsed tree reads of its input. The tree must not contain patterns with alternatives.
pub(super) fn reads(tree: &Tree<'_>) -> Projection {
    let mut reads = ProjectionBuilder {
        projection: Projection::new(),
        variables: Vec::new(),
    };
    let document = vec![reads.projection.document()];
    let outputs = reads.term(tree, &document);
    reads.take(&outputs);
    reads.projection
}

struct ProjectionBuilder<'s> {
    projection: Projection,
    /// Variables that are bound at a term; the last one with a name is valid.
    variables: Vec<(&'s str, NodeIds)>,
}

impl<'s> ProjectionBuilder<'s> {
    fn take(&mut self, places: &[NodeId]) {
        for place in places {
            self.projection.take(*place);
        }
    }

    fn each(&mut self, places: &[NodeId]) -> NodeIds {
        let places = places.iter();
        places.map(|place| self.projection.each(*place)).collect()
    }

    fn field(&mut self, places: &[NodeId], name: &str) -> NodeIds {
        let places = places.iter();
        let fields = places.map(|place| self.projection.field(*place, name));
        fields.collect()
    }

    /// Returns the outputs of a term for an input.
    fn term(&mut self, term: &Tree<'s>, input: &[NodeId]) -> NodeIds {
        if self.projection.is_too_large() {
            return NodeIds::new();
        }
        match term {
            Term::Id => input.to_vec(),
            Term::Num(_) | Term::Break(_) | Term::Arr(None) => NodeIds::new(),
            Term::Var(name) => self.variable(name),
            Term::Str(None, parts) => self.string(parts, input),
            Term::Arr(Some(inner)) | Term::Neg(inner) => self.made(inner, input),
            Term::Obj(entries) => self.object(entries, input),
            Term::BinOp(left, op, right) => self.operation(left, op, right, input),
            Term::Label(_, inner) | Term::TryCatch(inner, None) => self.term(inner, input),
            Term::Fold(_, source, Pattern::Var(name), arguments) => {
                self.fold(source, name, arguments, input)
            }
            Term::IfThenElse(branches, otherwise) => {
                let mut outputs = NodeIds::new();
                for (condition, then) in branches {
                    self.term(condition, input);
                    outputs.extend(self.term(then, input));
                }
                match otherwise {
                    Some(otherwise) => outputs.extend(self.term(otherwise, input)),
                    None => outputs.extend(input),
                }
                distinct(outputs)
            }
            Term::Call(name, arguments) => self.call(name, arguments, input),
            Term::Path(head, path) => self.path(head, path, input),
            Term::Recurse
            | Term::Str(Some(_), _)
            | Term::Fold(..)
            | Term::TryCatch(_, Some(_))
            | Term::Def(..) => self.unknown(input),
        }
    }

    /// Selects the outputs of a term from which the expression creates another value.
    fn made(&mut self, term: &Tree<'s>, input: &[NodeId]) -> NodeIds {
        let outputs = self.term(term, input);
        self.take(&outputs);
        NodeIds::new()
    }

    fn variable(&self, name: &str) -> NodeIds {
        let mut variables = self.variables.iter().rev();
        let found = variables.find(|(known, _)| *known == name);
        found.map(|(_, places)| places.clone()).unwrap_or_default()
    }

    fn string(&mut self, parts: &[StrPart<&'s str, Tree<'s>>], input: &[NodeId]) -> NodeIds {
        for part in parts {
            if let StrPart::Term(term) = part {
                self.made(term, input);
            }
        }
        NodeIds::new()
    }

    fn object(&mut self, entries: &[(Tree<'s>, Option<Tree<'s>>)], input: &[NodeId]) -> NodeIds {
        for (key, value) in entries {
            match (literal(key), value) {
                (Some(name), None) => {
                    let field = self.field(input, &name);
                    self.take(&field);
                }
                (None, None) if !matches!(key, Term::Var(_)) => {
                    self.unknown(input);
                }
                (_, value) => {
                    self.made(key, input);
                    if let Some(value) = value {
                        self.made(value, input);
                    }
                }
            }
        }
        NodeIds::new()
    }

    fn operation(
        &mut self,
        left: &Tree<'s>,
        op: &BinaryOp<&'s str>,
        right: &Tree<'s>,
        input: &[NodeId],
    ) -> NodeIds {
        match op {
            BinaryOp::Pipe(None) => {
                let outputs = self.term(left, input);
                self.term(right, &outputs)
            }
            BinaryOp::Pipe(Some(pattern)) => {
                let value = self.term(left, input);
                self.bound(pattern, value, input, |reads| reads.term(right, input))
            }
            BinaryOp::Comma | BinaryOp::Alt => {
                let mut outputs = self.term(left, input);
                outputs.extend(self.term(right, input));
                distinct(outputs)
            }
            // The type shows whether a value is null or false.
            BinaryOp::Or | BinaryOp::And => {
                self.term(left, input);
                self.term(right, input);
                NodeIds::new()
            }
            BinaryOp::Math(_) | BinaryOp::Cmp(_) => {
                self.made(left, input);
                self.made(right, input)
            }
            BinaryOp::Assign | BinaryOp::Update | BinaryOp::UpdateMath(_) | BinaryOp::UpdateAlt => {
                self.unknown(input)
            }
        }
    }

    /// Reads a term with the variables of a pattern. A value that the pattern takes apart is selected as a whole.
    fn bound(
        &mut self,
        pattern: &Pattern<&'s str>,
        value: NodeIds,
        input: &[NodeId],
        body: impl FnOnce(&mut Self) -> NodeIds,
    ) -> NodeIds {
        let outer = self.variables.len();
        match pattern {
            Pattern::Var(name) => self.variables.push((name, value)),
            pattern => {
                self.take(&value);
                if has_terms(pattern) {
                    self.unknown(input);
                }
            }
        }
        let outputs = body(self);
        self.variables.truncate(outer);
        outputs
    }

    /// Reads `reduce` or `foreach`; the initial value of the accumulator is selected as a whole.
    fn fold(
        &mut self,
        source: &Tree<'s>,
        name: &'s str,
        arguments: &[Tree<'s>],
        input: &[NodeId],
    ) -> NodeIds {
        let value = self.term(source, input);
        let Some((first, rest)) = arguments.split_first() else {
            return NodeIds::new();
        };
        self.made(first, input);
        self.bound(&Pattern::Var(name), value, input, |reads| {
            for argument in rest {
                reads.made(argument, &[]);
            }
            NodeIds::new()
        })
    }

    fn path(&mut self, head: &Tree<'s>, path: &Path<Tree<'s>>, input: &[NodeId]) -> NodeIds {
        let mut places = self.term(head, input);
        for (part, _) in &path.0 {
            places = match part {
                Part::Range(None, None) | Part::Index(Term::Num(_)) => self.each(&places),
                Part::Index(index) => match literal(index) {
                    Some(name) => self.field(&places, &name),
                    None => {
                        self.take(&places);
                        self.made(index, input)
                    }
                },
                Part::Range(from, upto) => {
                    self.take(&places);
                    for bound in [from, upto].into_iter().flatten() {
                        self.made(bound, input);
                    }
                    NodeIds::new()
                }
            };
        }
        places
    }

    /// Returns the outputs of a call of a jq function.
    fn call(&mut self, name: &str, arguments: &[Tree<'s>], input: &[NodeId]) -> NodeIds {
        match (name, arguments) {
            ("empty" | "null" | "true" | "false" | "not" | "type" | "env" | "now", []) => {
                NodeIds::new()
            }
            (
                "values" | "nulls" | "booleans" | "numbers" | "strings" | "arrays" | "objects"
                | "iterables" | "scalars" | "reverse",
                [],
            ) => input.to_vec(),
            ("length" | "keys" | "keys_unsorted" | "any" | "all", []) => {
                self.each(input);
                NodeIds::new()
            }
            ("first" | "last", []) => self.each(input),
            ("select", [condition]) => {
                self.term(condition, input);
                input.to_vec()
            }
            ("map", [inner]) => {
                let each = self.each(input);
                self.made(inner, &each)
            }
            ("any" | "all", [condition]) => {
                let each = self.each(input);
                self.term(condition, &each);
                NodeIds::new()
            }
            ("any" | "all", [values, condition]) => {
                let values = self.term(values, input);
                self.term(condition, &values);
                NodeIds::new()
            }
            ("first" | "last", [values]) => self.term(values, input),
            ("limit" | "skip", [count, values]) => {
                self.made(count, input);
                self.term(values, input)
            }
            ("sort_by" | "unique_by", [key]) => {
                let each = self.each(input);
                self.made(key, &each);
                input.to_vec()
            }
            ("min_by" | "max_by", [key]) => {
                let each = self.each(input);
                self.made(key, &each);
                each
            }
            ("has", [key]) => {
                self.each(input);
                self.made(key, input)
            }
            _ => {
                self.take(input);
                for argument in arguments {
                    self.argument(argument);
                }
                NodeIds::new()
            }
        }
    }

    /// Selects the variables that the argument of an unknown function could read. Its
    /// input is part of the input of the function.
    fn argument(&mut self, argument: &Tree<'s>) {
        match argument {
            Term::Id | Term::Num(_) => {}
            Term::Var(name) => {
                let places = self.variable(name);
                self.take(&places);
            }
            argument if literal(argument).is_some() => {}
            Term::BinOp(left, BinaryOp::Comma, right) => {
                self.argument(left);
                self.argument(right);
            }
            _ => {
                self.unknown(&[]);
            }
        }
    }

    /// Selects everything that a term could read.
    fn unknown(&mut self, input: &[NodeId]) -> NodeIds {
        self.take(input);
        for (_, places) in std::mem::take(&mut self.variables) {
            self.take(&places);
        }
        NodeIds::new()
    }
}

fn distinct(mut places: NodeIds) -> NodeIds {
    places.order();
    places.dedup();
    places
}

/// Returns the text of a string without interpolation.
fn literal(term: &Tree<'_>) -> Option<String> {
    let Term::Str(None, parts) = term else {
        return None;
    };
    let mut text = String::new();
    for part in parts {
        match part {
            StrPart::Str(part) => text.push_str(part),
            StrPart::Char(c) => text.push(*c),
            StrPart::Term(_) => return None,
        }
    }
    Some(text)
}

/// Returns `true` if a pattern contains terms that are evaluated for its keys.
fn has_terms(pattern: &Pattern<&str>) -> bool {
    match pattern {
        Pattern::Var(_) => false,
        Pattern::Arr(inner) => inner.iter().any(has_terms),
        Pattern::Obj(entries) => entries.iter().any(|(key, inner)| {
            let is_name = matches!(key, Term::Var(_)) || literal(key).is_some();
            !is_name || has_terms(inner)
        }),
    }
}

#[cfg(test)]
mod tests;
