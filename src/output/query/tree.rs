//! Creates parts of the syntax tree of jaq.

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::ops::Math;
use jaq_core::path::{Opt, Part, Path};

/// A term whose names are parts of the expression or of the program.
pub(super) type Tree<'s> = Term<&'s str>;

/// Calls without arguments that have exactly one output.
const SINGLE: &[&str] = &[
    "null", "true", "false", "length", "type", "tostring", "tojson", "tonumber", "not", "keys",
    "add", "floor", "sort", "unique", "min", "max",
];

pub(super) fn call<'s>(name: &'s str, arguments: impl Into<Vec<Tree<'s>>>) -> Tree<'s> {
    Term::Call(name, arguments.into())
}

pub(super) fn text(text: &str) -> Tree<'_> {
    Term::Str(None, vec![StrPart::Str(text)])
}

pub(super) fn binary<'s>(left: Tree<'s>, op: BinaryOp<&'s str>, right: Tree<'s>) -> Tree<'s> {
    Term::BinOp(Box::new(left), op, Box::new(right))
}

pub(super) fn pipe<'s>(left: Tree<'s>, right: Tree<'s>) -> Tree<'s> {
    binary(left, BinaryOp::Pipe(None), right)
}

/// Returns a binary operation. A product can be a repeated string, whose length is
/// limited; a division by zero is an error.
pub(super) fn calculation<'s>(left: Tree<'s>, op: BinaryOp<&'s str>, right: Tree<'s>) -> Tree<'s> {
    match op {
        BinaryOp::Math(Math::Mul) => call("_multiply", [left, right]),
        BinaryOp::Math(Math::Div) => call("_divide", [left, right]),
        BinaryOp::Math(Math::Rem) => call("_modulo", [left, right]),
        op => binary(left, op, right),
    }
}

/// Returns `value as $name | body`.
pub(super) fn bind<'s>(value: Tree<'s>, pattern: Pattern<&'s str>, body: Tree<'s>) -> Tree<'s> {
    binary(value, BinaryOp::Pipe(Some(pattern)), body)
}

/// Checks a value for a pattern: jaq would read elements of an object as null.
pub(super) fn checked<'s>(value: Tree<'s>, pattern: &Pattern<&'s str>) -> Tree<'s> {
    match pattern {
        Pattern::Arr(_) => pipe(value, call("_array", [])),
        Pattern::Var(_) | Pattern::Obj(_) => value,
    }
}

/// Returns `if _guard then body end`: an error if the recursion is too deep.
pub(super) fn guard<'s>(body: Tree<'s>) -> Tree<'s> {
    Term::IfThenElse(vec![(call("_guard", []), body)], None)
}

/// Returns a path with the parts so far.
pub(super) fn with_parts<'s>(head: Tree<'s>, parts: &mut Vec<(Part<Tree<'s>>, Opt)>) -> Tree<'s> {
    match parts.is_empty() {
        true => head,
        false => Term::Path(Box::new(head), Path(std::mem::take(parts))),
    }
}

pub(super) fn variables_of<'s>(pattern: &Pattern<&'s str>, found: &mut Vec<&'s str>) {
    match pattern {
        Pattern::Var(name) => found.push(name),
        Pattern::Arr(inner) => inner.iter().for_each(|one| variables_of(one, found)),
        Pattern::Obj(entries) => {
            for (key, one) in entries {
                if let Term::Var(name) = key {
                    found.push(name);
                }
                variables_of(one, found);
            }
        }
    }
}

/// Returns `true` if a term certainly has at most one output.
pub(super) fn is_single(term: &Tree<'_>) -> bool {
    match term {
        Term::Id | Term::Num(_) | Term::Var(_) | Term::Arr(_) => true,
        Term::Str(_, parts) => parts.iter().all(|part| match part {
            StrPart::Term(inner) => is_single(inner),
            _ => true,
        }),
        Term::Obj(entries) => entries
            .iter()
            .all(|(key, value)| is_single(key) && value.as_ref().is_none_or(is_single)),
        Term::Neg(inner) => is_single(inner),
        Term::BinOp(left, op, right) => {
            let is_plain = !matches!(op, BinaryOp::Comma | BinaryOp::Alt);
            is_plain && is_single(left) && is_single(right)
        }
        Term::Path(head, path) => {
            is_single(head)
                && path.0.iter().all(|(part, _)| match part {
                    Part::Index(index) => is_single(index),
                    Part::Range(..) => false,
                })
        }
        Term::IfThenElse(branches, otherwise) => {
            let mut all = branches.iter();
            all.all(|(condition, then)| is_single(condition) && is_single(then))
                && otherwise
                    .as_ref()
                    .is_none_or(|otherwise| is_single(otherwise))
        }
        Term::Call(name, arguments) => match *name {
            "_index" | "_multiply" | "_divide" | "_modulo" | "_assign" | "_modify" => {
                arguments.iter().all(is_single)
            }
            name => arguments.is_empty() && SINGLE.contains(&name),
        },
        _ => false,
    }
}
