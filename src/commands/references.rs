use std::collections::HashSet;
use std::io::{self, BufRead, Read as _};

use crate::error::Problem;
use crate::providers::{self, RESERVED_KINDS};
use crate::reference::{Reader, Reference, Scope, Target};
use crate::settings::Settings;

use super::look_up::cloud_keys;

/// What a command line names.
#[derive(Debug, Default)]
pub(super) struct Named {
    /// Things, in order, each once.
    pub references: Vec<Reference>,
    /// Scopes, in order, each once; empty unless they are allowed.
    pub scopes: Vec<Scope>,
}

/// Reads everything that was typed or stands on standard input.
///
/// # Errors
/// Wrong use: all references that are wrong, so that they can be mended at once. A scope is wrong
/// where only things are allowed.
pub(super) fn read(
    typed: &[String],
    settings: &Settings,
    default_profile: &str,
    with_scopes: bool,
) -> Result<Named, Vec<Problem>> {
    let inputs = with_standard_input(typed).map_err(|problem| vec![problem])?;
    let templates: Vec<_> = providers::kinds().map(|kind| &kind.template).collect();
    let setting = |cloud: &str, profile: &str, key: &str| {
        let keys = cloud_keys(cloud)?;
        let profile = settings.profile(&keys, profile).ok()?;
        profile.get(key).map(str::to_owned)
    };
    let reader = Reader {
        templates: &templates,
        reserved: &RESERVED_KINDS,
        default_profile,
        setting: &setting,
    };
    let mut named = Named::default();
    let mut problems = Vec::new();
    let mut seen = HashSet::new();
    for input in &inputs {
        let target = match with_scopes {
            true => reader.read_any(input),
            false => reader.read(input).map(Target::Things),
        };
        match target {
            Ok(Target::Things(things)) => named.references.extend(
                things
                    .into_iter()
                    .filter(|reference| seen.insert(reference.to_string())),
            ),
            Ok(Target::Scope(scope)) => {
                if seen.insert(scope.to_string()) {
                    named.scopes.push(scope);
                }
            }
            Err(problem) => problems.push(problem),
        }
    }
    match problems.is_empty() {
        true => Ok(named),
        false => Err(problems),
    }
}

/// The typed references, with the lines of standard input in the place of `-`.
fn with_standard_input(typed: &[String]) -> Result<Vec<String>, Problem> {
    let mut inputs = Vec::new();
    let mut taken = false;
    for input in typed {
        match input.as_str() {
            "-" if taken => {}
            "-" => {
                taken = true;
                inputs.extend(lines(&mut io::stdin().lock())?);
            }
            other => inputs.push(other.to_owned()),
        }
    }
    Ok(inputs)
}

/// One reference a line; blank lines and comments are skipped, a byte order mark and white space
/// around a line as well.
fn lines(input: &mut dyn BufRead) -> Result<Vec<String>, Problem> {
    /// Far above every list that a person or a program would pipe.
    const MOST_BYTES: u64 = 16 << 20;
    let mut text = String::new();
    input
        .take(MOST_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|error| Problem::usage(format!("standard input cannot be read ({error})")))?;
    if text.len() as u64 > MOST_BYTES {
        // A part of the list would look like all of it.
        return Err(Problem::usage(format!(
            "standard input holds more than {} MiB of references",
            MOST_BYTES >> 20
        )));
    }
    let mut references = Vec::new();
    for line in text.trim_start_matches('\u{feff}').lines().map(str::trim) {
        if let Some(reason) = line.strip_prefix("#!incomplete:") {
            return Err(Problem::usage(format!(
                "the list on standard input was cut short: {}",
                reason.trim()
            ))
            .hint("repeat the command that wrote the list"));
        }
        if !line.is_empty() && !line.starts_with('#') {
            references.push(line.to_owned());
        }
    }
    Ok(references)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn skips_blank_lines_comments_byte_order_marks_and_carriage_returns() {
        let text = "\u{feff}a/b/c\r\n\r\n# comment\n  d/e/f \n";
        assert_eq!(lines(&mut text.as_bytes()).unwrap(), ["a/b/c", "d/e/f"]);
    }

    #[test]
    fn refuses_a_list_that_is_too_long_to_be_read_to_its_end() {
        let text = "a/b/c\n".repeat((16 << 20) / 6 + 1);
        let problem = lines(&mut text.as_bytes()).unwrap_err();
        assert!(problem.message.contains("16 MiB"), "{}", problem.message);
    }

    #[test]
    fn refuses_a_list_that_says_it_was_cut_short() {
        let problem = lines(&mut "a/b/c\n#!incomplete: HTTP 502\n".as_bytes()).unwrap_err();
        assert!(problem.message.ends_with("cut short: HTTP 502"));
    }
}
