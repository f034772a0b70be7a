use std::io::{self, Write};

use super::references::references;
use super::test_case::{CaseOutcome, TestCase, cases, verdict};
use super::text::{escape, escape_lines, truncate_chars};
use super::{human, markdown};
use crate::gate::Verdict;
use crate::model::NoticeCode;
use crate::output::document::Envelope;

/// GitHub shows this many annotations of a level per step and drops the rest.
const MAX_ANNOTATIONS: usize = 10;
/// Maximum number of characters in the title of an annotation.
const MAX_TITLE_CHARS: usize = 200;
/// Maximum number of characters in the message of an annotation.
const MAX_MESSAGE_CHARS: usize = 4000;
/// Maximum number of characters in a cell of the table.
const MAX_CELL_CHARS: usize = 300;
/// Maximum number of bytes in the lists of references; all outputs of a job can take 1 MiB in UTF-16.
const MAX_REFERENCE_BYTES: usize = 200_000;

/// Title and message of an annotation.
type Note = (String, String);

/// Writes workflow commands that GitHub shows as annotations: one for the verdict, one for each reference that keeps
/// it from passing, and one for each notice.
///
/// Escaping and limits follow actions/runner (`ActionCommand.cs`): ten annotations per level and step.
///
/// # Errors
/// Returns errors of the writer.
pub fn annotations(err: &mut dyn Write, envelope: &Envelope) -> io::Result<()> {
    let (mut errors, mut warnings, mut notices) = (Vec::new(), Vec::new(), Vec::new());
    let verdict = verdict(envelope);
    if envelope.gate.is_some() {
        let note = (headline(envelope), status_text(envelope));
        match verdict {
            Verdict::Passed => notices.push(note),
            Verdict::Failed | Verdict::Undecided => errors.push(note),
        }
    }
    let gate_reason = envelope
        .gate
        .as_ref()
        .and_then(|gate| gate.reason.as_deref());
    for case in cases(envelope) {
        let explanation = case.explanation(envelope);
        if !case.is_listed && gate_reason == Some(explanation.as_str()) {
            // The annotation of the verdict contains it.
            continue;
        }
        let level = match (&case.outcome, verdict) {
            (CaseOutcome::Passed | CaseOutcome::NotNeeded, _) => continue,
            (CaseOutcome::Failed, Verdict::Passed) => &mut warnings,
            (CaseOutcome::ReadError(_), Verdict::Passed | Verdict::Failed) => &mut warnings,
            (CaseOutcome::Failed | CaseOutcome::ReadError(_) | CaseOutcome::StillRunning, _) => {
                &mut errors
            }
        };
        level.push((case.reference.to_owned(), explanation));
    }
    for notice in &envelope.notices {
        notices.push((format!("joblens: {}", notice.code), notice.message.clone()));
    }
    let mut text = String::new();
    for (level, notes) in [
        ("error", errors),
        ("warning", warnings),
        ("notice", notices),
    ] {
        for (title, message) in limited(notes) {
            let title = property(&truncate_chars(&escape(&title), MAX_TITLE_CHARS));
            let message = data(&truncate_chars(
                &escape_lines(message.trim()),
                MAX_MESSAGE_CHARS,
            ));
            text += &format!("::{level} title={title}::{message}\n");
        }
    }
    err.write_all(text.as_bytes())?;
    err.flush()
}

/// Writes the text for the file of `GITHUB_STEP_SUMMARY`: a heading and a Markdown table with a row for each
/// reference, in at most `max_bytes`. GitHub does not show a summary larger than 1 MiB.
///
/// # Errors
/// Returns errors of the writer.
pub fn summary(out: &mut dyn Write, envelope: &Envelope, max_bytes: usize) -> io::Result<()> {
    let notices = envelope.notices.iter();
    let mut from_lists = notices.filter(|notice| notice.code == NoticeCode::FromLists);
    let from_lists = from_lists
        .next()
        .map(|notice| cell(&notice.message) + "\n\n");
    let mut text = format!(
        "### {}\n\n{}\n\n{}| Reference | Name | State | Verdict | Ran | Why |\n|---|---|---|---|---|---|\n",
        cell(&headline(envelope)),
        cell(&status_text(envelope)),
        from_lists.unwrap_or_default()
    );
    let cases = cases(envelope);
    let end = |left: usize| format!("\n{left} more are not shown.\n");
    for (number, case) in cases.iter().enumerate() {
        let row = row(case, envelope);
        let left = cases.len() - number;
        if text.len() + row.len() + end(left).len() > max_bytes {
            text += &end(left);
            break;
        }
        text += &row;
    }
    match text.len() > max_bytes {
        true => Ok(()),
        false => out.write_all(text.as_bytes()),
    }
}

/// Writes the text for the file of `GITHUB_OUTPUT`: `verdict`, `exit`, `reason`, and the references that `failed`,
/// are `pending` or `passed`, separated by spaces; `failed_omitted` and so on count those that do not fit. Without a
/// gate, the reason is the first error.
///
/// # Errors
/// Returns errors of the writer.
pub fn outputs(out: &mut dyn Write, envelope: &Envelope) -> io::Result<()> {
    let reason = match &envelope.gate {
        Some(gate) => gate.reason.as_deref(),
        None => envelope.errors.first().map(|error| error.message.as_str()),
    };
    let mut text = output("verdict", verdict(envelope).as_str());
    text += &output("exit", &envelope.exit.code.to_string());
    text += &output("reason", &escape(reason.unwrap_or_default()));
    for (key, list) in references(envelope, ' ', MAX_REFERENCE_BYTES) {
        text += &output(key, &list.text);
        if list.omitted > 0 {
            text += &output(&format!("{key}_omitted"), &list.omitted.to_string());
        }
    }
    out.write_all(text.as_bytes())
}

/// Keeps at most as many annotations as GitHub shows; the last one counts the omitted ones.
fn limited(mut notes: Vec<Note>) -> Vec<Note> {
    if notes.len() > MAX_ANNOTATIONS {
        let left = notes.len() - (MAX_ANNOTATIONS - 1);
        notes.truncate(MAX_ANNOTATIONS - 1);
        notes.push((
            "joblens".to_owned(),
            format!("{left} more are in the summary and in the log"),
        ));
    }
    notes
}

fn headline(envelope: &Envelope) -> String {
    match verdict(envelope) {
        Verdict::Undecided => format!("joblens: undecided ({})", envelope.exit.word),
        verdict => format!("joblens: {}", verdict.as_str()),
    }
}

fn status_text(envelope: &Envelope) -> String {
    let Some(gate) = &envelope.gate else {
        return String::new();
    };
    let elapsed = i64::try_from(gate.elapsed_seconds).unwrap_or(i64::MAX);
    let reason = gate.reason.as_deref().map(str::trim).unwrap_or_default();
    let counts = format!(
        "{} met, {} unmet, {} pending after {}, exit code {}",
        gate.met,
        gate.unmet,
        gate.pending,
        human::duration(elapsed),
        envelope.exit.code
    );
    match reason.is_empty() {
        true => counts,
        false => format!("{reason} ({counts})"),
    }
}

fn row(case: &TestCase<'_>, envelope: &Envelope) -> String {
    let verdict = match case.outcome {
        CaseOutcome::Passed => "met",
        CaseOutcome::Failed => "unmet",
        CaseOutcome::ReadError(_) | CaseOutcome::StillRunning => "pending",
        CaseOutcome::NotNeeded => "skipped",
    };
    let ran = case.job.and_then(|job| job.duration_seconds);
    let cells = [
        case.reference.to_owned(),
        case.name(),
        case.job.map_or("-", |job| job.state.as_str()).to_owned(),
        verdict.to_owned(),
        ran.map_or_else(|| "-".to_owned(), human::duration),
        case.explanation(envelope),
    ];
    let mut row = String::from("|");
    for text in cells {
        row += " ";
        row += &cell(&text);
        row += " |";
    }
    row.push('\n');
    row
}

/// Formats a text as a cell of the table, truncated to a reasonable length.
fn cell(text: &str) -> String {
    markdown::cell(&truncate_chars(text.trim(), MAX_CELL_CHARS))
}

/// Escapes the message of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// Escapes the value of a property of a workflow command.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Formats one output; a value with line breaks is put between delimiters that it does not contain.
fn output(key: &str, value: &str) -> String {
    if !value.contains(['\n', '\r']) {
        return format!("{key}={value}\n");
    }
    let mut mark = "END_OF_JOBLENS".to_owned();
    while value.contains(&mark) {
        mark.push('_');
    }
    format!("{key}<<{mark}\n{value}\n{mark}\n")
}

#[cfg(test)]
mod tests;
