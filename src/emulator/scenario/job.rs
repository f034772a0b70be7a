use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::spans::{ScenarioParser, Text, contents};
use crate::emulator::state::{EmulatedJob, LogLine, StateChange, Warning};
use crate::error::Problem;
use crate::kind::Kind;
use crate::model::State;
use crate::reference::{self, DEFAULT_PROFILE, Reference, Target};
use crate::sort::SortExt as _;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JobTable {
    #[serde(rename = "ref")]
    pub reference: Text,
    name: Option<String>,
    user: Option<String>,
    queue: Option<String>,
    workspace: Option<String>,
    age: Option<Text>,
    appears: Option<Text>,
    vanishes: Option<Text>,
    parts: Option<Spanned<usize>>,
    #[serde(default)]
    states: Vec<StateTable>,
    #[serde(default)]
    warnings: Vec<WarningTable>,
    #[serde(default)]
    log: Vec<LogTable>,
    #[serde(default)]
    restarts: Vec<Text>,
    document: Option<Text>,
    document_file: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StateTable {
    after: Text,
    state: Text,
    #[serde(default)]
    unrecognized: bool,
    exit_code: Option<i64>,
    reason: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WarningTable {
    after: Text,
    reason: String,
    message: String,
    count: Option<u64>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogTable {
    after: Text,
    line: String,
    every: Option<Text>,
    times: Option<Spanned<u32>>,
    stream: Option<Text>,
}

const MAX_PARTS: usize = 10_000;

/// Maximum number of times that a log line is repeated.
const MAX_REPEATS: u32 = 100_000;

impl ScenarioParser<'_> {
    pub fn jobs(&self, job: &JobTable) -> Result<Vec<EmulatedJob>, Problem> {
        let references = self.references(&job.reference)?;
        let document = self.document(job)?;
        let kind = references.first().map(|reference| reference.kind);
        if job.states.is_empty() && document.is_none() && kind.is_none_or(|k| k.has_states()) {
            return Err(self.error_at_text(&job.reference, "needs states or a document"));
        }
        let parts = job.parts.as_ref().map_or(1, |parts| *parts.get_ref());
        if let Some(at) = job.parts.as_ref().filter(|_| parts > MAX_PARTS) {
            let message = format!("parts must be at most {MAX_PARTS}");
            return Err(self.error_at_offset(at.span().start, &message));
        }
        let age = self.duration_or_zero(job.age.as_ref())?;
        let (appears_after, vanishes_after) =
            self.span(job.appears.as_ref(), job.vanishes.as_ref())?;
        let steps = self.steps(job, kind)?;
        let warnings = job
            .warnings
            .iter()
            .map(|warning| self.warning(warning))
            .collect::<Result<Vec<_>, _>>()?;
        let log = self.log(&job.log)?;
        let restarts = job.restarts.iter().map(|after| self.duration(after));
        let restarts = restarts.collect::<Result<Vec<_>, _>>()?;
        let job = |reference: Reference| EmulatedJob {
            kind: reference.kind.to_string(),
            segments: reference.segments,
            name: job.name.clone(),
            user: job.user.clone(),
            queue: job.queue.clone(),
            workspace: job.workspace.clone(),
            age,
            appears_after,
            vanishes_after,
            steps: steps.clone(),
            parts,
            warnings: warnings.clone(),
            log: log.clone(),
            restarts: restarts.clone(),
            document: document.clone(),
        };
        Ok(references.into_iter().map(job).collect())
    }

    fn references(&self, text: &Text) -> Result<Vec<Reference>, Problem> {
        let parser = reference::ReferenceParser {
            kinds: self.kinds,
            default_profile: DEFAULT_PROFILE,
            setting: &|_, _, _| Ok(None),
        };
        match parser.parse(text.get_ref()) {
            Ok(Target::Jobs(jobs)) => Ok(jobs),
            Ok(_) => Err(self.error_at_text(text, "does not name a single job")),
            Err(problem) => {
                let message = format!("is not a valid reference: {}", problem.message);
                let mut framed = self.error_at_text(text, &message);
                framed.hint = problem.hint;
                Err(framed)
            }
        }
    }

    fn steps(&self, job: &JobTable, kind: Option<&Kind>) -> Result<Vec<StateChange>, Problem> {
        let table = kind.and_then(|kind| kind.states.first());
        let states = table.map_or(&[][..], |table| table.map);
        let mut steps: Vec<StateChange> = Vec::new();
        for state in &job.states {
            let after = self.duration(&state.after)?;
            let word = state.state.get_ref();
            let is_known = |(known, _): &(&str, State)| known.eq_ignore_ascii_case(word);
            if !state.unrecognized && !states.iter().any(is_known) {
                let states: Vec<&str> = states.iter().map(|(word, _)| *word).collect();
                let known = match states.is_empty() {
                    true => "the kind has no states".to_owned(),
                    false => format!("states: {}", states.join(", ")),
                };
                let hint = format!("{known}; unrecognized = true allows another");
                let message = "is not a known state";
                return Err(self.error_at_text(&state.state, message).with_hint(hint));
            }
            match steps.last() {
                None if after > Duration::ZERO => {
                    return Err(self.error_at_text(&state.after, "must be 0s for the first state"));
                }
                Some(last) if after <= last.after => {
                    let message = "must be later than the state before it";
                    return Err(self.error_at_text(&state.after, message));
                }
                _ => steps.push(StateChange {
                    after,
                    state: word.clone(),
                    exit_code: state.exit_code,
                    reason: state.reason.clone(),
                    message: state.message.clone(),
                }),
            }
        }
        Ok(steps)
    }

    fn warning(&self, warning: &WarningTable) -> Result<Warning, Problem> {
        Ok(Warning {
            after: self.duration(&warning.after)?,
            reason: warning.reason.clone(),
            message: warning.message.clone(),
            count: warning.count.unwrap_or(1),
        })
    }

    /// Returns the lines of a log, including repetitions.
    fn log(&self, lines: &[LogTable]) -> Result<Vec<LogLine>, Problem> {
        let mut log = Vec::new();
        for line in lines {
            let after = self.duration(&line.after)?;
            let every = self.duration_or_zero(line.every.as_ref())?;
            let times = line.times.as_ref().map_or(1, |times| *times.get_ref());
            if let Some(at) = line.times.as_ref().filter(|_| times > MAX_REPEATS) {
                let message = format!("times must be at most {MAX_REPEATS}");
                return Err(self.error_at_offset(at.span().start, &message));
            }
            let is_stderr = match line.stream.as_ref() {
                None => false,
                Some(stream) => match stream.get_ref().as_str() {
                    "stdout" => false,
                    "stderr" => true,
                    _ => return Err(self.error_at_text(stream, "must be stdout or stderr")),
                },
            };
            log.extend((1..=times).map(|number| LogLine {
                after: after + every * (number - 1),
                is_stderr,
                text: line.line.replace("{n}", &number.to_string()),
            }));
        }
        log.order_by_key(|line| line.after);
        Ok(log)
    }

    fn document(&self, job: &JobTable) -> Result<Option<String>, Problem> {
        match (&job.document, &job.document_file) {
            (Some(_), Some(file)) => {
                Err(self.error_at_text(file, "and document are mutually exclusive"))
            }
            (Some(document), None) => Ok(Some(document.get_ref().clone())),
            (None, Some(file)) => {
                let folder = self.path.parent().unwrap_or(Path::new(""));
                contents(&folder.join(file.get_ref()))
                    .map(Some)
                    .map_err(|message| self.error_at_text(file, &message))
            }
            (None, None) => Ok(None),
        }
    }
}
