use std::io::{self, Write};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;

use super::cause::explanation;
use super::{Zone, escape, json};
use crate::error::Problem;
use crate::model::{EXTENSIBLE, Job, Notice, ScopeSummary, State, Time};
use crate::output::document::{Envelope, Exit, Gate, TimelineEvent};

/// Writes a change of state as one line of fields separated by spaces: time, reference, state, previous state (`-`
/// for the first one), and the reason.
///
/// A line begins with the time, so that it never begins with a cloud's text.
///
/// # Errors
/// Returns errors of the writer.
pub fn write_transition(
    out: &mut dyn Write,
    at: Time,
    zone: Zone,
    job: &Job,
    previous: Option<State>,
) -> io::Result<()> {
    let line = format!(
        "{}  {}  {:<9}  {:<9}  {}",
        zone.rfc3339(at),
        escape(&job.reference),
        job.state,
        previous.map_or("-", State::as_str),
        escape(&explanation(job).unwrap_or_default()),
    );
    writeln!(out, "{}", line.trim_end())
}

/// Writes the records of a stream, one per line, numbered from 1 without gaps.
#[derive(Debug, Default)]
pub struct RecordWriter {
    last: u64,
}

/// The totals of a stream.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct Summary {
    /// Resources and scopes that were read at least once.
    pub jobs: u64,
    /// Resources that could not be read at the end.
    pub errors: u64,
    /// Requests that were sent, every attempt counted.
    pub requests: u64,
    /// True when all references were answered, and lists and events were read to their end.
    pub complete: bool,
    /// Additional notices about the records, such as why a list is incomplete.
    pub notices: Vec<Notice>,
    /// The gate; null without one.
    pub gate: Option<Gate>,
    /// The exit code of a gate; null without one.
    pub exit: Option<Exit>,
}

/// The fields at the beginning of every record.
#[derive(JsonSchema, Serialize)]
struct Record<A, T> {
    /// The type of the record.
    #[serde(rename = "type")]
    kind: &'static str,
    /// Number of the record, from 1 without gaps.
    seq: u64,
    /// When the record was created, or the line of the log was written.
    at: A,
    #[serde(flatten)]
    rest: T,
}

/// The content of a record, which determines its type.
pub trait RecordBody: JsonSchema + Serialize {
    /// The value of its `type`.
    const TYPE: &'static str;
}

impl RecordBody for &Job {
    const TYPE: &'static str = "job";
}

impl RecordBody for &ScopeSummary {
    const TYPE: &'static str = "scope";
}

impl RecordBody for &TimelineEvent {
    const TYPE: &'static str = "event";
}

impl RecordBody for Transition<'_> {
    const TYPE: &'static str = "transition";
}

impl RecordBody for LogRecord<'_> {
    const TYPE: &'static str = "log";
}

impl RecordBody for &Problem {
    const TYPE: &'static str = "error";
}

impl RecordBody for Summary {
    const TYPE: &'static str = "summary";
}

/// A job has a new state, or was read for the first time.
#[derive(JsonSchema, Serialize)]
struct Transition<'a> {
    /// Canonical reference.
    #[serde(rename = "ref")]
    reference: &'a str,
    /// The previous state; null when the job was read for the first time.
    previous: Option<State>,
    /// Normalised state.
    state: State,
    /// The cloud's value.
    state_raw: Option<&'a str>,
    /// The reason for the state.
    reason: Option<&'a str>,
}

/// A line of a log; `at` is the time of the line, null where the cloud reports none.
#[derive(JsonSchema, Serialize)]
pub struct LogRecord<'a> {
    /// Canonical reference.
    #[serde(rename = "ref")]
    pub reference: &'a str,
    /// Id of the task.
    pub task: Option<&'a str>,
    /// Name of the container or stream.
    pub container: Option<&'a str>,
    /// The line, without its end, or a part of a long line.
    pub line: &'a str,
    /// True if the text continues the line of the last record of this task and container. Lines of more than 64 KiB
    /// can be written in several records.
    pub continued: bool,
}

/// Returns the JSON Schema of one line of a stream: one record, identified by its
/// `type`. Programs should ignore unknown types.
pub fn record_schema(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "description": "A record, identified by its type; more types may be added.",
        "$comment": EXTENSIBLE,
        "oneOf": [
            record::<Time, &Job>(generator),
            record::<Time, &ScopeSummary>(generator),
            record::<Time, Transition>(generator),
            record::<Time, &TimelineEvent>(generator),
            record::<Option<Time>, LogRecord>(generator),
            record::<Time, &Problem>(generator),
            record::<Time, Summary>(generator),
        ],
    })
}

/// Defines `JobRecord` and so on, and returns a reference to it.
fn record<A: JsonSchema, T: RecordBody>(generator: &mut SchemaGenerator) -> Schema {
    let mut schema = Record::<A, T>::json_schema(generator);
    // The description of the content is more specific than that of the record.
    let content = T::json_schema(generator);
    let (first, rest) = T::TYPE.split_at(1);
    let name = format!("{}{rest}Record", first.to_ascii_uppercase());
    schema.remove("title");
    if let Some(reported) = content.get("description") {
        schema.insert("description".to_owned(), reported.clone());
    }
    let kind = schema.pointer_mut("/properties/type");
    if let Some(kind) = kind.and_then(|kind| kind.as_object_mut()) {
        kind.insert("const".to_owned(), T::TYPE.into());
    }
    let reference = json_schema!({ "$ref": format!("#/$defs/{name}") });
    generator.definitions_mut().insert(name, schema.into());
    reference
}

impl RecordWriter {
    /// Writes the transition of a job to a new state, or its first state.
    ///
    /// # Errors
    /// Returns errors of the writer.
    pub fn transition(
        &mut self,
        out: &mut dyn Write,
        at: Time,
        job: &Job,
        previous: Option<State>,
    ) -> io::Result<()> {
        let rest = Transition {
            reference: &job.reference,
            previous,
            state: job.state,
            state_raw: job.state_raw.as_deref(),
            reason: job.reason.as_deref().or(job.message.as_deref()),
        };
        self.write(out, at, rest)
    }

    /// Writes the end of output with this many resources and scopes: errors and the summary.
    ///
    /// # Errors
    /// Returns errors of the writer.
    pub fn end<T>(
        &mut self,
        out: &mut dyn Write,
        at: Time,
        envelope: &Envelope<T>,
        found: u64,
    ) -> io::Result<()> {
        for problem in &envelope.errors {
            self.write(out, at, problem)?;
        }
        let summary = Summary {
            jobs: found,
            errors: envelope.errors.len() as u64,
            requests: envelope.requests,
            complete: envelope.coverage.complete,
            notices: envelope.notices.clone(),
            gate: envelope.gate.clone(),
            exit: envelope.gate.as_ref().map(|_| envelope.exit),
        };
        self.write(out, at, summary)
    }

    /// Writes a line of a log, with its time if the cloud reports it.
    ///
    /// # Errors
    /// Returns errors of the writer.
    pub fn line(
        &mut self,
        out: &mut dyn Write,
        at: Option<Time>,
        line: LogRecord<'_>,
    ) -> io::Result<()> {
        self.write_at(out, at, line)
    }

    /// Writes a record: `&Job`, `&ScopeSummary`, `&TimelineEvent`, `&Problem` or [`Summary`].
    ///
    /// # Errors
    /// Returns errors of the writer.
    pub fn write<T: RecordBody>(
        &mut self,
        out: &mut dyn Write,
        at: Time,
        rest: T,
    ) -> io::Result<()> {
        self.write_at(out, at, rest)
    }

    fn write_at<A: Serialize, T: RecordBody>(
        &mut self,
        out: &mut dyn Write,
        at: A,
        rest: T,
    ) -> io::Result<()> {
        self.last += 1;
        let record = Record {
            kind: T::TYPE,
            seq: self.last,
            at,
            rest,
        };
        json::write_line(out, &record)
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::needs_escape;
    use super::*;
    use crate::error::Category;
    use crate::model::NoticeCode;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn at() -> Time {
        Time::from_unix(1_700_000_000).unwrap()
    }

    fn job(reason: &str) -> Job {
        Job {
            reference: "aliyun/job/c/5".into(),
            state: State::Failed,
            state_raw: Some("Failed".into()),
            reason: Some(reason.into()),
            ..Job::default()
        }
    }

    #[test]
    fn a_line_has_time_reference_states_and_reason() {
        let mut out = Vec::new();
        write_transition(
            &mut out,
            at(),
            Zone::Utc,
            &job("OOM\n::error::"),
            Some(State::Running),
        )
        .unwrap();
        let mut running = job("x");
        running.state = State::Running;
        write_transition(&mut out, at(), Zone::Utc, &running, None).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "2023-11-14T22:13:20Z  aliyun/job/c/5  failed     running    OOM\\n::error::\n\
             2023-11-14T22:13:20Z  aliyun/job/c/5  running    -\n"
        );
    }

    #[test]
    fn records_are_numbered_without_gaps_and_contain_every_key() {
        let (mut out, mut records) = (Vec::new(), RecordWriter::default());
        records
            .transition(&mut out, at(), &job("OOM"), None)
            .unwrap();
        let problem = Problem::new(Category::Network, "no answer");
        records.write(&mut out, at(), &problem).unwrap();
        let summary = Summary {
            jobs: 1,
            errors: 0,
            requests: 7,
            complete: true,
            notices: vec![Notice::new(NoticeCode::ListIncomplete, "cut")],
            gate: None,
            exit: None,
        };
        records.write(&mut out, at(), summary).unwrap();
        let lines: Vec<Value> = String::from_utf8(out)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        let now = "2023-11-14T22:13:20Z";
        assert_eq!(
            lines[0],
            json!({"type": "transition", "seq": 1, "at": now, "ref": "aliyun/job/c/5",
                "previous": null, "state": "failed", "state_raw": "Failed", "reason": "OOM"})
        );
        assert_eq!(
            (&lines[1]["type"], &lines[1]["seq"]),
            (&json!("error"), &json!(2))
        );
        assert_eq!(lines[1]["category"], "network");
        assert!(lines[1].as_object().unwrap().contains_key("ref"));
        assert_eq!(
            lines[2],
            json!({"type": "summary", "seq": 3, "at": now, "jobs": 1, "errors": 0, "requests": 7, "complete": true,
                "notices": [{"code": "list_incomplete", "message": "cut"}], "gate": null, "exit": null})
        );
    }

    proptest! {
        #[test]
        fn no_text_breaks_a_line_or_emits_a_control_character(reason in any::<String>()) {
            let (mut line, mut record) = (Vec::new(), Vec::new());
            write_transition(&mut line, at(), Zone::Utc, &job(&reason), None).unwrap();
            RecordWriter::default().transition(&mut record, at(), &job(&reason), None).unwrap();
            for out in [line, record] {
                let text = String::from_utf8(out).unwrap();
                prop_assert!(!text.strip_suffix('\n').unwrap().contains(needs_escape));
            }
        }
    }
}
