//! Compiles the expression of `--jq` with its variables.

use crate::error::Problem;
use crate::output;
use crate::providers::CLOUDS;
use crate::settings::{self, Environment, SettingRole, SettingSpec};

/// Compiles a jq expression with the variables of `--arg` and `--argjson`: names and values in turn.
///
/// # Errors
/// Returns a usage error for an expression or a variable that is invalid.
pub(super) fn query(
    expression: &str,
    texts: &[impl AsRef<str>],
    documents: &[impl AsRef<str>],
    environment: &Environment,
) -> Result<output::Query, Problem> {
    let mut named = serde_json::Map::new();
    for pair in texts.chunks_exact(2) {
        let (name, text) = (pair[0].as_ref(), pair[1].as_ref());
        named.insert(variable_name("--arg", name)?, text.into());
    }
    for pair in documents.chunks_exact(2) {
        let name = variable_name("--argjson", pair[0].as_ref())?;
        let text = pair[1].as_ref();
        let value = serde_json::from_str(text).map_err(|error| {
            let option = format!("--argjson {name}");
            settings::invalid_value(&option, text, format_args!("invalid JSON ({error})"))
                .with_hint(format!("to pass a text: --arg {name} TEXT"))
        })?;
        named.insert(name, value);
    }
    let arguments = serde_json::json!({"positional": [], "named": named});
    let fixed = [
        ("ENV".to_owned(), environment.masked(is_key_id).collect()),
        ("ARGS".to_owned(), arguments),
    ];
    output::Query::parse(expression, fixed.into_iter().chain(named))
}

/// Returns `true` if a variable contains the id of a key.
fn is_key_id(name: &str) -> bool {
    CLOUDS.iter().any(|cloud| {
        let schema = cloud.schema;
        let is_named = |spec: &SettingSpec| {
            spec.variables.contains(&name) || schema.variable(spec.key) == name
        };
        schema
            .all()
            .any(|spec| spec.role == SettingRole::Id && is_named(spec))
    })
}

/// Parses the name of a jq variable, without a `$`.
fn variable_name(option: &str, name: &str) -> Result<String, Problem> {
    let is_word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if name.is_empty() || !is_word || name.starts_with(|c: char| c.is_ascii_digit()) {
        let problem = settings::invalid_value(option, name, "expected a variable name");
        return Err(problem.with_hint("use letters, digits and _, without $: --arg state failed"));
    }
    Ok(name.to_owned())
}
