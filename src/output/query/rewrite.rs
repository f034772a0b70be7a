//! Rewrites the syntax tree of jaq so that it evaluates like jq.
//!
//! There are three groups of rewrites: order and number of outputs (`(1,2)+(10,20)`,
//! `reduce`), paths (assignments and slices become calls of the prelude, which creates
//! missing values below null), and guards that turn deep recursion into an error.

use std::cell::RefCell;

use jaq_core::load::Arena;
use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::path::{Opt, Part, Path};

use super::alternatives::Alternatives;
use super::tree::{
    Tree, binary, bind, calculation, call, checked, guard, is_single, pipe, text, variables_of,
    with_parts,
};

/// Rewrites the trees of one expression.
pub(super) struct Rewriter<'s> {
    arena: &'s Arena,
    expression: &'s str,
    alternatives: Alternatives<'s>,
    /// The definitions that enclose the current term, and whether each is called in it.
    open: RefCell<Vec<(&'s str, bool)>>,
}

impl<'s> Rewriter<'s> {
    pub(super) fn new(
        arena: &'s Arena,
        expression: &'s str,
        alternatives: Alternatives<'s>,
    ) -> Self {
        Self {
            arena,
            expression,
            alternatives,
            open: RefCell::default(),
        }
    }

    /// Rewrites a definition and adds a guard if it calls itself.
    pub(super) fn definition(&self, definition: Def<&'s str>) -> Def<&'s str> {
        self.open.borrow_mut().push((definition.name, false));
        let body = self.term(definition.body);
        let is_recursive = self
            .open
            .borrow_mut()
            .pop()
            .is_some_and(|(_, called)| called);
        Def {
            body: if is_recursive { guard(body) } else { body },
            ..definition
        }
    }

    fn boxed(&self, term: Tree<'s>) -> Box<Tree<'s>> {
        Box::new(self.term(term))
    }

    fn terms(&self, terms: Vec<Tree<'s>>) -> Vec<Tree<'s>> {
        terms.into_iter().map(|term| self.term(term)).collect()
    }

    fn name(&self, name: String) -> &'s str {
        self.arena.alloc(name)
    }

    pub(super) fn term(&self, term: Tree<'s>) -> Tree<'s> {
        match term {
            Term::Id | Term::Recurse | Term::Num(_) | Term::Break(_) | Term::Arr(None) => term,
            Term::Var(name) if name == "$__loc__" => self.location(name),
            Term::Var(_) => term,
            Term::Str(format, parts) => self.string(format, parts),
            Term::Arr(Some(inner)) => {
                let counted = pipe(self.term(*inner), call("_counted", []));
                Term::Arr(Some(Box::new(counted)))
            }
            Term::Obj(entries) => self.object(entries),
            Term::Neg(inner) => Term::Neg(self.boxed(*inner)),
            Term::BinOp(left, op, right) => self.operation(*left, op, *right),
            Term::Label(name, inner) => Term::Label(name, self.boxed(*inner)),
            Term::Fold(name, source, pattern, arguments) => {
                self.fold(name, *source, pattern, arguments)
            }
            Term::TryCatch(inner, handler) => Term::TryCatch(
                self.boxed(*inner),
                handler.map(|handler| self.boxed(*handler)),
            ),
            Term::IfThenElse(branches, otherwise) => Term::IfThenElse(
                branches
                    .into_iter()
                    .map(|(condition, then)| (self.term(condition), self.term(then)))
                    .collect(),
                otherwise.map(|otherwise| self.boxed(*otherwise)),
            ),
            Term::Def(definitions, inner) => {
                let definitions = definitions.into_iter();
                let definitions = definitions.map(|one| self.definition(one)).collect();
                Term::Def(definitions, self.boxed(*inner))
            }
            Term::Call(name, arguments) => self.call(name, arguments),
            Term::Path(head, path) => self.path(*head, path),
        }
    }

    /// Returns `{file, line}` for `$__loc__`.
    fn location(&self, name: &'s str) -> Tree<'s> {
        let before = jaq_core::load::span(self.expression, name).start;
        let line = self.expression[..before].matches('\n').count() + 1;
        let line = Term::Num(self.name(line.to_string()));
        Term::Obj(vec![
            (text("file"), Some(text("<top-level>"))),
            (text("line"), Some(line)),
        ])
    }

    fn object(&self, entries: Vec<(Tree<'s>, Option<Tree<'s>>)>) -> Tree<'s> {
        let entries = entries.into_iter().map(|(key, value)| match (key, value) {
            (Term::Var(name), None) if name == "$__loc__" => {
                (text("__loc__"), Some(self.location(name)))
            }
            (key @ Term::Var(_), None) => (key, None),
            (key @ Term::Str(..), value) => (self.term(key), value.map(|value| self.term(value))),
            (key, value) => {
                let key = pipe(self.term(key), call("_key", []));
                (key, value.map(|value| self.term(value)))
            }
        });
        Term::Obj(entries.collect())
    }

    /// Rewrites a string: if parts have several outputs, the first part varies fastest.
    fn string(&self, format: Option<&'s str>, parts: Vec<StrPart<&'s str, Tree<'s>>>) -> Tree<'s> {
        let mut bindings = Vec::new();
        let parts = parts.into_iter().enumerate().map(|(at, part)| match part {
            StrPart::Term(inner) => {
                let mut inner = self.term(inner);
                if format.is_none() {
                    inner = pipe(inner, call("tostring", []));
                }
                if is_single(&inner) {
                    return StrPart::Term(inner);
                }
                let name = self.name(format!("$__part{at}"));
                bindings.push((inner, name));
                StrPart::Term(Term::Var(name))
            }
            part => part,
        });
        let parts = parts.collect();
        let string = Term::Str(format, parts);
        bindings.into_iter().fold(string, |body, (value, name)| {
            bind(value, Pattern::Var(name), body)
        })
    }

    fn operation(&self, left: Tree<'s>, op: BinaryOp<&'s str>, right: Tree<'s>) -> Tree<'s> {
        let old = "$__value";
        let update = |paths, value, new| {
            let update = call("_modify", [paths, new]);
            bind(value, Pattern::Var(old), update)
        };
        if let BinaryOp::Pipe(Some(pattern)) = op {
            return self.binding(left, pattern, right);
        }
        let (left, right) = (self.term(left), self.term(right));
        match op {
            BinaryOp::Assign => call("_assign", [left, right]),
            BinaryOp::Update => call("_modify", [left, right]),
            BinaryOp::UpdateMath(op) => {
                let new = calculation(Term::Id, BinaryOp::Math(op), Term::Var(old));
                update(left, right, new)
            }
            BinaryOp::UpdateAlt => {
                let new = binary(Term::Id, BinaryOp::Alt, Term::Var(old));
                update(left, right, new)
            }
            // The left side varies fastest.
            BinaryOp::Math(_) | BinaryOp::Cmp(_) if !is_single(&left) && !is_single(&right) => {
                let calculation = calculation(left, op, Term::Var(old));
                bind(right, Pattern::Var(old), calculation)
            }
            op => calculation(left, op, right),
        }
    }

    fn pattern(&self, pattern: Pattern<&'s str>) -> Pattern<&'s str> {
        match pattern {
            Pattern::Var(name) => Pattern::Var(name),
            Pattern::Arr(inner) => {
                Pattern::Arr(inner.into_iter().map(|one| self.pattern(one)).collect())
            }
            Pattern::Obj(entries) => {
                let entries = entries.into_iter();
                let entries = entries.map(|(key, one)| {
                    let key = match key {
                        Term::Var(_) => key,
                        key => pipe(self.term(key), call("_key", [])),
                    };
                    (key, self.pattern(one))
                });
                Pattern::Obj(entries.collect())
            }
        }
    }

    fn binding(&self, value: Tree<'s>, pattern: Pattern<&'s str>, body: Tree<'s>) -> Tree<'s> {
        let value = self.term(value);
        let body = self.term(body);
        match self.alternatives.of(&pattern) {
            Some((name, patterns)) => bind(
                value,
                Pattern::Var(name),
                self.destructure(name, patterns, body),
            ),
            None => {
                let value = checked(value, &pattern);
                bind(value, self.pattern(pattern), body)
            }
        }
    }

    /// Rewrites `$name as PATTERN ?// PATTERN | body`: if the body fails, the next pattern is used.
    fn destructure(
        &self,
        name: &'s str,
        patterns: &[Pattern<&'s str>],
        body: Tree<'s>,
    ) -> Tree<'s> {
        let mut variables = Vec::new();
        patterns
            .iter()
            .for_each(|one| variables_of(one, &mut variables));
        let input = "$__input";
        let attempts = patterns.iter().map(|pattern| {
            let value = checked(Term::Var(name), pattern);
            let one = bind(value, self.pattern(pattern.clone()), body.clone());
            variables.iter().fold(one, |body, variable| {
                bind(call("null", []), Pattern::Var(variable), body)
            })
        });
        let tried = attempts.rev().reduce(|next, attempt| {
            let next = pipe(Term::Var(input), next);
            Term::TryCatch(Box::new(attempt), Some(Box::new(next)))
        });
        bind(Term::Id, Pattern::Var(input), tried.unwrap_or_default())
    }

    /// Rewrites `reduce` or `foreach`. Of several outputs of an update, `reduce` keeps the last.
    fn fold(
        &self,
        name: &'s str,
        source: Tree<'s>,
        pattern: Pattern<&'s str>,
        arguments: Vec<Tree<'s>>,
    ) -> Tree<'s> {
        let mut arguments = self.terms(arguments);
        let alternatives = self.alternatives.of(&pattern);
        if let Some((variable, patterns)) = alternatives {
            for argument in arguments.iter_mut().skip(1) {
                *argument = self.destructure(variable, patterns, std::mem::take(argument));
            }
        }
        if let Some(update) = arguments.get_mut(1) {
            let mut new = std::mem::take(update);
            if name == "reduce" && !is_single(&new) {
                let null = call("null", []);
                new = call("last", [binary(null, BinaryOp::Comma, new)]);
            }
            *update = pipe(new, guard(Term::Id));
        }
        let pattern = match alternatives {
            Some((variable, _)) => Pattern::Var(variable),
            None => self.pattern(pattern),
        };
        Term::Fold(name, Box::new(self.term(source)), pattern, arguments)
    }

    /// Rewrites a call. Arguments of a recursive call can be evaluated at any depth, so they get a guard.
    fn call(&self, name: &'s str, arguments: Vec<Tree<'s>>) -> Tree<'s> {
        let mut is_recursive = false;
        for (open, called) in self.open.borrow_mut().iter_mut() {
            *called |= *open == name;
            is_recursive |= *open == name;
        }
        let arguments = arguments.into_iter().map(|argument| {
            let argument = self.term(argument);
            match is_recursive && !matches!(argument, Term::Id | Term::Var(_) | Term::Num(_)) {
                true => guard(argument),
                false => argument,
            }
        });
        Term::Call(name, arguments.collect())
    }

    /// Rewrites slices and indices that are not names to calls, because jaq cannot
    /// slice null. Their input is that of the whole path.
    fn path(&self, head: Tree<'s>, path: Path<Tree<'s>>) -> Tree<'s> {
        let mut bindings = Vec::new();
        let mut bound = |bound: Tree<'s>| match bound {
            Term::Num(_) | Term::Var(_) => bound,
            bound => {
                let name = self.name(format!("$__index{}", bindings.len()));
                bindings.push((bound, name));
                Term::Var(name)
            }
        };
        let (mut head, mut parts) = (self.term(head), Vec::new());
        for (part, opt) in path.0 {
            let index = match part {
                Part::Range(None, None) => {
                    parts.push((Part::Range(None, None), opt));
                    continue;
                }
                Part::Index(index @ Term::Str(..)) => {
                    parts.push((Part::Index(self.term(index)), opt));
                    continue;
                }
                Part::Index(index) => bound(self.term(index)),
                Part::Range(from, upto) => {
                    let mut end = |end: Option<Tree<'s>>| {
                        Some(end.map_or(call("null", []), |end| bound(self.term(end))))
                    };
                    Term::Obj(vec![(text("start"), end(from)), (text("end"), end(upto))])
                }
            };
            let mut step = call("_index", [index]);
            if let Opt::Optional = opt {
                step = Term::TryCatch(Box::new(step), None);
            }
            head = pipe(with_parts(head, &mut parts), step);
        }
        let full_path = with_parts(head, &mut parts);
        bindings.into_iter().fold(full_path, |body, (value, name)| {
            bind(value, Pattern::Var(name), body)
        })
    }
}
