//! Supports `?//`, which binds one of several patterns and which jaq's parser lacks.

use jaq_core::load::lex::{StrPart, Tok, Token};
use jaq_core::load::parse::{BinaryOp, Pattern, Term};
use jaq_core::load::{Arena, parse};

/// Each alternative doubles the work in the worst case.
const MAX_ALTERNATIVES: usize = 12;

/// The patterns that were removed from an expression, by the variable that replaces them.
#[derive(Default)]
pub(super) struct Alternatives<'s>(Vec<(&'s str, Vec<Pattern<&'s str>>)>);

impl<'s> Alternatives<'s> {
    /// Replaces each `PATTERN ?// PATTERN` by a variable.
    ///
    /// # Errors
    /// Returns the part that is not a pattern, or exceeds the maximum.
    pub(super) fn extract(
        &mut self,
        tokens: &mut Vec<Token<&'s str>>,
        arena: &'s Arena,
    ) -> Result<(), &'s str> {
        let mut rest = std::mem::take(tokens).into_iter();
        while let Some(Token(text, mut token)) = rest.next() {
            match &mut token {
                Tok::Block(inner) => self.extract(inner, arena)?,
                Tok::Str(parts) => {
                    for part in parts {
                        if let StrPart::Term(Token(_, Tok::Block(inner))) = part {
                            self.extract(inner, arena)?;
                        }
                    }
                }
                _ => {}
            }
            let is_binding = text == "as" && matches!(token, Tok::Word);
            tokens.push(Token(text, token));
            let [Token(first, _), Token("?", _), Token("//", _), ..] = rest.as_slice() else {
                continue;
            };
            if is_binding {
                let mut patterns = vec![pattern(first, arena).ok_or(*first)?];
                rest.next();
                while let [Token("?", _), Token("//", _), Token(next, _), ..] = rest.as_slice() {
                    patterns.push(pattern(next, arena).ok_or(*next)?);
                    rest.nth(2);
                }
                tokens.push(self.replace(patterns, arena).ok_or(text)?);
            }
        }
        Ok(())
    }

    fn replace(
        &mut self,
        patterns: Vec<Pattern<&'s str>>,
        arena: &'s Arena,
    ) -> Option<Token<&'s str>> {
        let count: usize = self.0.iter().map(|(_, patterns)| patterns.len()).sum();
        if count + patterns.len() > MAX_ALTERNATIVES {
            return None;
        }
        let name = arena.alloc(format!("$__alternatives{}", self.0.len()));
        self.0.push((name, patterns));
        Some(Token(name, Tok::Var))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the patterns that a variable replaces.
    pub(super) fn of(&self, pattern: &Pattern<&'s str>) -> Option<(&'s str, &[Pattern<&'s str>])> {
        let Pattern::Var(name) = pattern else {
            return None;
        };
        let found = self.0.iter().find(|(known, _)| known == name);
        found.map(|(name, patterns)| (*name, patterns.as_slice()))
    }
}

/// Parses a pattern.
fn pattern<'s>(text: &str, arena: &'s Arena) -> Option<Pattern<&'s str>> {
    let code = arena.alloc(format!(". as {text} | ."));
    match parse(code, |parser| parser.term())? {
        Term::BinOp(_, BinaryOp::Pipe(Some(pattern)), _) => Some(pattern),
        _ => None,
    }
}
