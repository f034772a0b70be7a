use std::io::{self, Write};

use serde::Serialize;

use super::why::why;
use super::{escape, json};
use crate::error::Problem;
use crate::model::{Job, Occurrence, Report, Scope, State, Time};

/// Writes a change of state as one line of fields with blanks between them:
/// time, reference, state, the state before (`-` at first sight), and why.
///
/// A line begins with the time, so that no cloud's text can begin one.
///
/// # Errors
/// Those of the writer.
pub fn write_transition(
    out: &mut dyn Write,
    at: Time,
    job: &Job,
    previous: Option<State>,
) -> io::Result<()> {
    let line = format!(
        "{}  {}  {:<9}  {:<9}  {}",
        at.rfc3339(),
        escape(&job.reference),
        job.state,
        previous.map_or("-", State::word),
        escape(&why(job).unwrap_or_default()),
    );
    writeln!(out, "{}", line.trim_end())
}

/// Writes the records of a stream, one a line, and numbers them from 1 without gaps.
#[derive(Debug, Default)]
pub struct Records {
    last: u64,
}

/// What a stream came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Things that were read at least once, places among them.
    pub jobs: u64,
    /// Things that could not be read at the end.
    pub errors: u64,
    /// Calls that were sent, every attempt counted.
    pub calls: u64,
}

/// What every record begins with.
#[derive(Serialize)]
struct Record<T> {
    #[serde(rename = "type")]
    kind: &'static str,
    seq: u64,
    at: Time,
    #[serde(flatten)]
    rest: T,
}

#[derive(Serialize)]
struct Transition<'a> {
    #[serde(rename = "ref")]
    reference: &'a str,
    previous: Option<State>,
    state: State,
    state_raw: Option<&'a str>,
    reason: Option<&'a str>,
}

impl Records {
    /// A job is in another state than before, or was read for the first time.
    ///
    /// # Errors
    /// Those of the writer.
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
        self.write(out, "transition", at, rest)
    }

    /// A thing cannot be read.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn error(&mut self, out: &mut dyn Write, at: Time, problem: &Problem) -> io::Result<()> {
        self.write(out, "error", at, problem)
    }

    /// A thing was found.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn job(&mut self, out: &mut dyn Write, at: Time, job: &Job) -> io::Result<()> {
        self.write(out, "job", at, job)
    }

    /// Something happened.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn event(&mut self, out: &mut dyn Write, at: Time, one: &Occurrence) -> io::Result<()> {
        self.write(out, "event", at, one)
    }

    /// A place was found.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn scope(&mut self, out: &mut dyn Write, at: Time, scope: &Scope) -> io::Result<()> {
        self.write(out, "scope", at, scope)
    }

    /// An answer with so many things and places ends: what failed, and the summary.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn end(
        &mut self,
        out: &mut dyn Write,
        at: Time,
        report: &Report,
        found: u64,
    ) -> io::Result<()> {
        for problem in &report.errors {
            self.error(out, at, problem)?;
        }
        let summary = Summary {
            jobs: found,
            errors: report.errors.len() as u64,
            calls: report.calls,
        };
        self.summary(out, at, summary)
    }

    /// The stream ends.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn summary(&mut self, out: &mut dyn Write, at: Time, summary: Summary) -> io::Result<()> {
        self.write(out, "summary", at, summary)
    }

    fn write(
        &mut self,
        out: &mut dyn Write,
        kind: &'static str,
        at: Time,
        rest: impl Serialize,
    ) -> io::Result<()> {
        self.last += 1;
        let seq = self.last;
        json::write_line(
            out,
            &Record {
                kind,
                seq,
                at,
                rest,
            },
        )
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::is_dangerous;
    use super::*;
    use crate::error::Category;
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
    fn a_line_tells_when_what_from_where_and_why() {
        let mut out = Vec::new();
        write_transition(&mut out, at(), &job("OOM\n::error::"), Some(State::Running)).unwrap();
        let mut running = job("x");
        running.state = State::Running;
        write_transition(&mut out, at(), &running, None).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "2023-11-14T22:13:20Z  aliyun/job/c/5  failed     running    OOM\\n::error::\n\
             2023-11-14T22:13:20Z  aliyun/job/c/5  running    -\n"
        );
    }

    #[test]
    fn records_are_numbered_without_gaps_and_hold_every_key() {
        let (mut out, mut records) = (Vec::new(), Records::default());
        records
            .transition(&mut out, at(), &job("OOM"), None)
            .unwrap();
        let problem = Problem::new(Category::Network, "no answer");
        records.error(&mut out, at(), &problem).unwrap();
        let summary = Summary {
            jobs: 1,
            errors: 0,
            calls: 7,
        };
        records.summary(&mut out, at(), summary).unwrap();
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
            json!({"type": "summary", "seq": 3, "at": now, "jobs": 1, "errors": 0, "calls": 7})
        );
    }

    proptest! {
        #[test]
        fn no_answer_can_break_a_line_or_move_a_cursor(reason in any::<String>()) {
            let (mut line, mut record) = (Vec::new(), Vec::new());
            write_transition(&mut line, at(), &job(&reason), None).unwrap();
            Records::default().transition(&mut record, at(), &job(&reason), None).unwrap();
            for out in [line, record] {
                let text = String::from_utf8(out).unwrap();
                prop_assert!(!text.strip_suffix('\n').unwrap().contains(is_dangerous));
            }
        }
    }
}
