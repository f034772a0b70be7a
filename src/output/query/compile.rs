//! Compiles an expression to a filter.

use std::ops::Range;

use jaq_core::load::lex::Token;
use jaq_core::load::parse::Def;
use jaq_core::load::{self, Arena, File, Lexer, Loader, Parser};
use jaq_core::{Compiler, Filter};

use super::alternatives::Alternatives;
use super::functions::{self, Data};
use super::projection::Projection;
use super::reads::reads;
use super::rewrite::Rewriter;
use crate::compressed::decompress;

/// Parsing is recursive; the maximum length limits its depth.
const MAX_LEN: usize = 1 << 14;

/// Definitions in jq that expressions can use, compressed.
const PRELUDE: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/prelude.jq.gz"));

/// The reason why an expression is invalid, and the invalid part.
pub(super) struct SyntaxError {
    pub(super) message: String,
    pub(super) span: Range<usize>,
}

/// Compiles an expression that can use variables, whose names begin with `$`, and
/// determines which parts of its input it reads.
///
/// # Errors
/// Returns the first invalid part.
pub(super) fn compile(
    expression: &str,
    variables: &[String],
) -> Result<(Filter<Data>, Projection), SyntaxError> {
    let syntax_error = |part: &str, message: String| SyntaxError {
        message,
        span: span(expression, part),
    };
    if expression.len() > MAX_LEN {
        let message = format!("expression is longer than {} KiB", MAX_LEN >> 10);
        return Err(syntax_error(&expression[expression.len()..], message));
    }
    let prelude = decompress(PRELUDE);
    let arena = Arena::default();
    let mut tokens = Lexer::new(expression).lex().map_err(|errors| {
        let (expected, part) = errors.into_iter().next().expect("an error has a place");
        syntax_error(part, format!("expected {}", expected.as_str()))
    })?;
    let mut alternatives = Alternatives::default();
    alternatives
        .extract(&mut tokens, &arena)
        .map_err(|part| syntax_error(part, "invalid alternative pattern".to_owned()))?;
    let main = Parser::new(&tokens).parse(|parser| parser.term());
    let main = main.map_err(|errors| {
        let (expected, found) = errors.into_iter().next().expect("an error has a place");
        let part = Token::opt_as_str(found, expression);
        syntax_error(part, format!("expected {}", expected.as_str()))
    })?;
    let projection = match alternatives.is_empty() {
        true => reads(&main),
        false => Projection::whole(),
    };
    let prelude = load::parse(&prelude, |parser| parser.defs());
    let main = Def {
        name: "_main",
        args: Vec::new(),
        body: main,
    };
    let prelude = prelude.expect("the prelude is valid");
    let rewriter = Rewriter::new(&arena, expression, alternatives);
    let definitions = prelude
        .into_iter()
        .map(|definition| rewriter.definition(definition));
    let definitions: Vec<_> = definitions.chain([rewriter.definition(main)]).collect();
    let file = File {
        code: "_main",
        path: (),
    };
    let modules = Loader::new(definitions).load(&arena, file);
    let modules = modules.unwrap_or_else(|_| unreachable!("a single call is valid"));
    let compiler = Compiler::default()
        .with_funs(functions::all())
        .with_global_vars(variables.iter().map(String::as_str));
    let filter = compiler.compile(modules).map_err(|errors| {
        let mut errors = errors.into_iter().flat_map(|(_, errors)| errors);
        let (name, kind) = errors.next().expect("an error has a place");
        syntax_error(name, format!("unknown {} '{name}'", kind.as_str()))
    })?;
    Ok((filter, projection))
}

/// Returns the range of a part in the expression; the whole range for a part that is not in it.
fn span(expression: &str, part: &str) -> Range<usize> {
    let within = expression.as_bytes().as_ptr_range();
    match (within.start..=within.end).contains(&part.as_ptr()) {
        true => load::span(expression, part),
        false => 0..expression.len(),
    }
}
