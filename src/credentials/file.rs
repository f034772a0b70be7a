//! The two forms of files in which the clouds' tools keep credentials: JSON and INI.

use serde::de::DeserializeOwned;

use serde_json::Value;

pub use super::ini::{Ini, Keys};
use super::tool_files::{FoundCredential, SourceFile, SourceResult};
use crate::error::Problem;
use crate::lenient;
use crate::model::Time;
use crate::secret::{Secret, quotable};

/// Reads JSON; no text of the file gets into the problem.
pub fn json<T: DeserializeOwned>(page: &SourceFile, hint: &str) -> Result<T, Problem> {
    lenient::decode(page.text.as_bytes())
        .map_err(|expected| page.problem(&format!("is invalid: expected {expected}"), hint))
}

/// Reads one of the profiles of a JSON file. What the others hold does not matter to it.
///
/// # Errors
/// `missing_credentials`: it does not have the form of `T`; no text of the file gets into the problem.
pub fn json_profile<T: DeserializeOwned>(
    page: &SourceFile,
    name: &str,
    profile: &Value,
    hint: &str,
) -> Result<T, Problem> {
    lenient::decode(profile.to_string().as_bytes()).map_err(|expected| {
        // Lines and columns are those of the profile alone.
        let expected = expected.split(", line ").next().unwrap_or_default();
        let expected = expected.split(" at line ").next().unwrap_or_default();
        let name = quotable(name);
        let what = format!("is invalid: expected {expected} in profile '{name}'");
        page.problem(&what, hint)
    })
}

/// The name of a profile that stands in a list of them.
pub fn name_of(profile: &Value) -> Option<&str> {
    profile.get("name")?.as_str().map(str::trim)
}

/// A value that is there and not empty.
pub fn non_empty<'a>(keys: &'a Keys, key: &str) -> Option<&'a str> {
    let text = keys.get(key)?.trim();
    (!text.is_empty()).then_some(text)
}

/// The profile that a tool does not have, among those that it has.
pub fn no_such_profile<'a>(
    page: &SourceFile,
    name: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> String {
    let names: Vec<_> = names.into_iter().map(quotable).collect();
    let known = match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    };
    format!(
        "{} has no profile '{}'; available: {known}",
        page.path.display(),
        quotable(name)
    )
}

/// What a file holds, as far as it is there; `profile` is the tool's own, where it has some.
pub fn found_values(
    page: &SourceFile,
    profile: Option<&str>,
    values: &[(&'static str, Option<&str>)],
    expires_at: Option<Time>,
) -> SourceResult {
    SourceResult::Found(found(page, profile, present_values(values), expires_at))
}

/// The values that are there.
pub fn present_values(values: &[(&'static str, Option<&str>)]) -> Vec<(&'static str, Secret)> {
    let filled = values.iter();
    let filled = filled.filter_map(|(key, value)| Some((*key, Secret::new((*value)?))));
    filled.collect()
}

/// What a file holds.
pub fn found(
    page: &SourceFile,
    profile: Option<&str>,
    values: Vec<(&'static str, Secret)>,
    expires_at: Option<Time>,
) -> FoundCredential {
    FoundCredential {
        profile: profile.map(str::to_owned),
        path: page.path.clone(),
        values,
        expires_at,
        notices: page.notices(),
    }
}
