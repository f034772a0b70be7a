//! Columns of `details`, which depend on the requested kinds.

use crate::commands::context::CommandContext;
use crate::commands::schema::DetailsSchema;
use crate::error::{Problem, closest_match};
use crate::kind::Kind;
use crate::output::{JobColumn, Sort};

/// Checks that the chosen columns exist in the kinds.
///
/// # Errors
/// Returns a usage error for a field of `details` that none of the kinds has, with the closest existing one.
pub(in crate::commands) fn check(
    context: &CommandContext,
    requested: impl Iterator<Item = &'static Kind>,
) -> Result<(), Problem> {
    let columns = context.output_options.columns.iter().flatten();
    let columns: Vec<&JobColumn> = columns
        .chain(context.sort.as_ref().map(Sort::column))
        .collect();
    let paths: Vec<Vec<&str>> = columns
        .into_iter()
        .filter_map(JobColumn::path_in_details)
        .collect();
    if paths.is_empty() {
        return Ok(());
    }
    let mut kinds: Vec<&Kind> = Vec::new();
    for kind in requested {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    if kinds.is_empty() {
        return Ok(());
    }
    let schema = DetailsSchema::read();
    for path in paths {
        if let Err(known) = schema.find_field(&kinds, &path) {
            return Err(unknown(&kinds, &path.join("."), &known));
        }
    }
    Ok(())
}

fn unknown(kinds: &[&Kind], path: &str, known: &[String]) -> Problem {
    let kinds: Vec<String> = kinds.iter().map(ToString::to_string).collect();
    let verb = if kinds.len() > 1 { "have" } else { "has" };
    let problem = Problem::usage(format!(
        "{} {verb} no column 'details.{path}'",
        kinds.join(", ")
    ));
    let all: Vec<String> = known.iter().map(|name| format!("details.{name}")).collect();
    // Compare without the common prefix, which would make any two names similar.
    fn last(name: &str) -> &str {
        name.rsplit('.').next().unwrap_or(name)
    }
    let closest = closest_match(known.iter().map(|name| last(name)), last(path));
    let closest = known.iter().find(|name| Some(last(name)) == closest);
    let closest = closest.map_or_else(String::new, |closest| {
        format!("did you mean 'details.{closest}'? ")
    });
    problem.with_hint(match all.is_empty() {
        true => "the details are null or have no such field; see -o json".to_owned(),
        false => format!("{closest}available: {}", all.join(" ")),
    })
}
