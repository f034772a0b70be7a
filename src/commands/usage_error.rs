//! Invalid command lines: reported in clap's layout, or in the requested document format.

use std::ffi::OsString;
use std::io::{self, Write as _};

use chrono::Utc;
use clap::ValueEnum as _;
use clap::error::ContextValue;

use super::print::closed;
use super::{global, suggestions};
use crate::error::Problem;
use crate::model::Time;
use crate::output::document::Envelope;
use crate::output::{self, Format, OutputOptions, RenderContext, Zone};

/// Shows help, version or a wrong option; the latter with the word people bring from elsewhere.
/// Returns the exit code.
pub(super) fn print(mut error: clap::Error, arguments: &[OsString]) -> u8 {
    if !error.use_stderr() {
        return match error.print() {
            Ok(()) => 0,
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => closed(),
            Err(error) => {
                let _ = writeln!(io::stderr(), "error: cannot write the output: {error}");
                5
            }
        };
    }
    escape_values(&mut error);
    let text = error.render().to_string();
    let escaped = output::escape_lines(&text);
    // A stderr that is gone hides no document.
    let _ = match text.trim_end() == escaped.trim_end() {
        true => error.print(),
        false => writeln!(io::stderr(), "{escaped}"),
    };
    if let Some(advice) = suggestions::flag_hint(&error) {
        let _ = writeln!(io::stderr(), "\n  try    {advice}");
    }
    let texts: Vec<&str> = arguments.iter().filter_map(|text| text.to_str()).collect();
    let report = Envelope::new(
        command(&texts),
        Vec::new(),
        vec![problem(&error)],
        Vec::new(),
    );
    let Some(format) = document(&texts) else {
        return report.exit.code;
    };
    let form = OutputOptions {
        format,
        columns: None,
        headers: true,
        query: None,
    };
    let screen = RenderContext {
        width: None,
        colour: false,
        zone: Zone::Utc,
        now: Time::new(Utc::now()).expect("the current year is before 10000"),
    };
    match output::write(&mut io::stdout().lock(), &report, &form, &screen) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => closed(),
        _ => report.exit.code,
    }
}

/// Escapes what a message repeats of the command line.
fn escape_values(error: &mut clap::Error) {
    let escape = |text: &String| output::escape(text).into_owned();
    let escaped = error.context().filter_map(|(kind, value)| {
        let value = match value {
            ContextValue::String(text) => ContextValue::String(escape(text)),
            ContextValue::Strings(texts) => {
                ContextValue::Strings(texts.iter().map(escape).collect())
            }
            _ => return None,
        };
        Some((kind, value))
    });
    for (kind, value) in escaped.collect::<Vec<_>>() {
        error.insert(kind, value);
    }
}

/// What clap found, as a problem.
fn problem(error: &clap::Error) -> Problem {
    let text = error.render().to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let told = text.split("\n\n").next().unwrap_or_default();
    let told: Vec<&str> = told.lines().map(str::trim).collect();
    let mut tips = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("tip: "));
    let tip = tips.find(|tip| tip.contains("similar"));
    let hint = suggestions::flag_hint(error).or(tip);
    let hint = hint.unwrap_or("see joblens --help");
    Problem::usage(told.join(" ")).with_hint(hint)
}

/// The command that was meant: the first word that is one.
fn command(arguments: &[&str]) -> &'static str {
    let words = arguments.iter().skip(1);
    words
        .filter_map(|word| {
            suggestions::COMMANDS
                .into_iter()
                .find(|command| command == word)
        })
        .next()
        .unwrap_or("get")
}

/// The form of a document or stream that the arguments ask for, as far as they can be read.
fn document(arguments: &[&str]) -> Option<Format> {
    let mut found = None;
    let mut arguments = arguments.iter().skip(1);
    while let Some(argument) = arguments.next() {
        let value = match *argument {
            "--" => break,
            "-o" | "--output" => arguments.next().copied(),
            joined => ["--output=", "-o=", "-o"]
                .iter()
                .find_map(|option| joined.strip_prefix(option)),
        };
        let format = value.and_then(|value| global::Format::from_str(value, false).ok());
        found = format.map(Format::from).or(found);
    }
    found.filter(|format| matches!(format, Format::Json | Format::Jsonl | Format::Yaml))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_last_document_that_was_asked_for() {
        let found = |line: &str| document(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(found("joblens get -o json --bogus"), Some(Format::Json));
        assert_eq!(found("joblens --output=json/1 --bogus"), Some(Format::Json));
        assert_eq!(found("joblens get -oyaml -ojsonl"), Some(Format::Jsonl));
        assert_eq!(found("joblens get -o json -o table"), None);
        assert_eq!(found("joblens get -o"), None);
        assert_eq!(found("joblens get -- -o json"), None);
    }

    #[test]
    fn finds_the_command_that_was_meant() {
        assert_eq!(command(&["joblens", "-v", "wait", "--bogus"]), "wait");
        assert_eq!(command(&["wait", "aliyun/job/c/5", "--bogus"]), "get");
    }
}
