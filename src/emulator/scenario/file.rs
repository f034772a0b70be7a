use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use serde::Deserialize;
use toml::Spanned;

use super::Scenario;
use crate::emulator::clock::Clock;
use crate::emulator::faults::{Effect, Fault};
use crate::error::Problem;
use crate::providers::serve::{Step, Thing, Warning};
use crate::providers::{Kind, RESERVED_KINDS};
use crate::reference::{self, DEFAULT_PROFILE, Reference};
use crate::settings;

/// A text and where it stands, so that an error can name the line.
type Text = Spanned<String>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    latency: Option<Text>,
    speed: Option<Spanned<f64>>,
    clock_offset: Option<Text>,
    #[serde(default)]
    gzip: bool,
    #[serde(default, rename = "job")]
    jobs: Vec<JobTable>,
    #[serde(default, rename = "fault")]
    faults: Vec<FaultTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JobTable {
    #[serde(rename = "ref")]
    reference: Text,
    name: Option<String>,
    user: Option<String>,
    queue: Option<String>,
    age: Option<Text>,
    parts: Option<Spanned<usize>>,
    #[serde(default)]
    states: Vec<StateTable>,
    #[serde(default)]
    warnings: Vec<WarningTable>,
    document: Option<Text>,
    document_file: Option<Text>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StateTable {
    after: Text,
    state: String,
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
struct FaultTable {
    operation: Text,
    cloud: Option<Text>,
    kind: Text,
    times: Option<u64>,
    skip: Option<u64>,
    status: Option<Spanned<u16>>,
    delay: Option<Text>,
    location: Option<Text>,
    retry_after: Option<Text>,
}

/// Longer times than ten years only serve to leave the calendar.
const LONGEST: Duration = Duration::from_secs(3650 * 86_400);
const MOST_PARTS: usize = 10_000;
const SPEEDS: std::ops::RangeInclusive<f64> = 0.001..=1_000_000.0;
const FAULT_KINDS: &str = "throttle, status, html, truncate, reset, slow, drip, empty and redirect";

/// The text of a file, or what is wrong with it.
pub(super) fn contents(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| match error.kind() {
        ErrorKind::InvalidData => "is not UTF-8 text".to_owned(),
        kind => format!("cannot be read ({kind})"),
    })
}

pub(super) struct Reader<'a> {
    pub text: &'a str,
    pub path: &'a Path,
    pub kinds: &'a [&'static Kind],
}

impl Reader<'_> {
    pub fn read(&self) -> Result<Scenario, Problem> {
        let file: File = toml::from_str(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            self.wrong(at, error.message())
        })?;
        let mut things: Vec<Thing> = Vec::new();
        let mut taken = HashSet::new();
        for job in &file.jobs {
            for thing in self.things(job)? {
                if !taken.insert((thing.kind.clone(), thing.segments.clone())) {
                    return Err(self.wrong_at(&job.reference, "is given twice"));
                }
                things.push(thing);
            }
        }
        let faults = file
            .faults
            .iter()
            .map(|fault| self.fault(fault))
            .collect::<Result<_, _>>()?;
        Ok(Scenario {
            things,
            faults,
            latency: self.duration_or_zero(file.latency.as_ref())?,
            speed: self.speed(file.speed)?,
            clock: self.clock(file.clock_offset.as_ref())?,
            gzip: file.gzip,
        })
    }

    fn speed(&self, speed: Option<Spanned<f64>>) -> Result<f64, Problem> {
        let Some(speed) = speed else { return Ok(1.0) };
        if !SPEEDS.contains(speed.get_ref()) {
            let what = "speed must be a number from 0.001 to 1000000";
            return Err(self.wrong(speed.span().start, what));
        }
        Ok(speed.into_inner())
    }

    fn clock(&self, offset: Option<&Text>) -> Result<Clock, Problem> {
        let Some(text) = offset else {
            return Ok(Clock::default());
        };
        let (ahead, size) = match text.get_ref().trim().split_at_checked(1) {
            Some(("-", size)) => (false, size),
            Some(("+", size)) => (true, size),
            _ => (true, text.get_ref().as_str()),
        };
        let offset = self.duration_of(text, size)?;
        let offset = TimeDelta::from_std(offset).expect("ten years fit into a TimeDelta");
        Ok(Clock {
            offset: if ahead { offset } else { -offset },
        })
    }

    fn things(&self, job: &JobTable) -> Result<Vec<Thing>, Problem> {
        let references = self.references(&job.reference)?;
        let document = self.document(job)?;
        let kind = self.kind_of(&references);
        if job.states.is_empty() && document.is_none() && !kind.is_some_and(|k| k.states.is_empty())
        {
            return Err(self.wrong_at(&job.reference, "needs states or a document"));
        }
        let parts = job.parts.as_ref().map_or(1, |parts| *parts.get_ref());
        if let Some(at) = job.parts.as_ref().filter(|_| parts > MOST_PARTS) {
            let what = format!("parts must be at most {MOST_PARTS}");
            return Err(self.wrong(at.span().start, &what));
        }
        let age = self.duration_or_zero(job.age.as_ref())?;
        let steps = self.steps(job)?;
        let warnings = job
            .warnings
            .iter()
            .map(|warning| self.warning(warning))
            .collect::<Result<Vec<_>, _>>()?;
        let thing = |reference: Reference| Thing {
            kind: format!("{}/{}", reference.template.cloud, reference.template.kind),
            segments: reference.segments,
            name: job.name.clone(),
            user: job.user.clone(),
            queue: job.queue.clone(),
            age,
            steps: steps.clone(),
            parts,
            warnings: warnings.clone(),
            document: document.clone(),
        };
        Ok(references.into_iter().map(thing).collect())
    }

    fn references(&self, text: &Text) -> Result<Vec<Reference>, Problem> {
        let templates: Vec<_> = self.kinds.iter().map(|kind| &kind.template).collect();
        let reader = reference::Reader {
            templates: &templates,
            reserved: &RESERVED_KINDS,
            default_profile: DEFAULT_PROFILE,
            setting: &|_, _, _| None,
        };
        reader.read(text.get_ref()).map_err(|problem| {
            let mut framed = self.wrong_at(text, &format!("is no reference: {}", problem.message));
            framed.hint = problem.hint;
            framed
        })
    }

    fn kind_of(&self, references: &[Reference]) -> Option<&'static Kind> {
        let template = references.first()?.template;
        self.kinds
            .iter()
            .find(|kind| &kind.template == template)
            .copied()
    }

    fn steps(&self, job: &JobTable) -> Result<Vec<Step>, Problem> {
        let mut steps: Vec<Step> = Vec::new();
        for state in &job.states {
            let after = self.duration(&state.after)?;
            match steps.last() {
                None if after > Duration::ZERO => {
                    return Err(self.wrong_at(&state.after, "must be 0s for the first state"));
                }
                Some(last) if after <= last.after => {
                    let what = "must be later than the state before it";
                    return Err(self.wrong_at(&state.after, what));
                }
                _ => steps.push(Step {
                    after,
                    state: state.state.clone(),
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

    fn document(&self, job: &JobTable) -> Result<Option<String>, Problem> {
        match (&job.document, &job.document_file) {
            (Some(_), Some(file)) => {
                Err(self.wrong_at(file, "stands beside a document; give one of them"))
            }
            (Some(document), None) => Ok(Some(document.get_ref().clone())),
            (None, Some(file)) => {
                let folder = self.path.parent().unwrap_or(Path::new(""));
                contents(&folder.join(file.get_ref()))
                    .map(Some)
                    .map_err(|what| self.wrong_at(file, &what))
            }
            (None, None) => Ok(None),
        }
    }

    fn fault(&self, fault: &FaultTable) -> Result<Fault, Problem> {
        let cloud = fault
            .cloud
            .as_ref()
            .map(|text| self.cloud(text))
            .transpose()?;
        let operation = Some(fault.operation.get_ref().clone()).filter(|name| name != "*");
        let effect = self.effect(fault)?;
        let retry_after = match &fault.retry_after {
            Some(text) if !matches!(effect, Effect::Throttle | Effect::Status(_)) => {
                let what = "is for the kinds throttle and status only";
                return Err(self.wrong_at(text, what));
            }
            Some(text) => Some(self.duration(text)?),
            None => None,
        };
        Ok(Fault {
            cloud,
            operation,
            effect,
            skip: fault.skip.unwrap_or(0),
            times: fault.times,
            retry_after,
        })
    }

    fn cloud(&self, text: &Text) -> Result<&'static str, Problem> {
        self.kinds
            .iter()
            .map(|kind| kind.template.cloud)
            .find(|cloud| cloud == text.get_ref())
            .ok_or_else(|| self.wrong_at(text, "is no cloud"))
    }

    fn effect(&self, fault: &FaultTable) -> Result<Effect, Problem> {
        let kind = fault.kind.get_ref().as_str();
        let only = |at: usize, key: &str, kinds: &str| {
            Err(self.wrong(at, &format!("{key} is for faults of the kind {kinds} only")))
        };
        if let Some(status) = &fault.status
            && !["status", "html"].contains(&kind)
        {
            return only(status.span().start, "status", "status or html");
        }
        if let Some(delay) = fault.delay.as_ref().filter(|_| kind != "slow") {
            return only(delay.span().start, "delay", "slow");
        }
        if let Some(location) = fault.location.as_ref().filter(|_| kind != "redirect") {
            return only(location.span().start, "location", "redirect");
        }
        let missing = |key: &str| self.wrong_at(&fault.kind, &format!("needs {key}"));
        Ok(match kind {
            "throttle" => Effect::Throttle,
            "status" => Effect::Status(self.status(fault, 503, 500)?),
            "html" => Effect::Html(self.status(fault, 502, 200)?),
            "truncate" => Effect::Truncate,
            "reset" => Effect::Reset,
            "slow" => {
                let delay = fault.delay.as_ref().ok_or_else(|| missing("delay"))?;
                Effect::Slow(self.duration(delay)?)
            }
            "drip" => Effect::Drip,
            "empty" => Effect::Empty,
            "redirect" => {
                let location = fault.location.as_ref().ok_or_else(|| missing("location"))?;
                let text = location.get_ref();
                if text.is_empty() || !text.bytes().all(|b| b.is_ascii_graphic()) {
                    return Err(self.wrong_at(location, "is no URL"));
                }
                Effect::Redirect(text.clone())
            }
            _ => {
                let what = format!("is no kind of fault; known are {FAULT_KINDS}");
                return Err(self.wrong_at(&fault.kind, &what));
            }
        })
    }

    fn status(&self, fault: &FaultTable, default: u16, lowest: u16) -> Result<u16, Problem> {
        match &fault.status {
            None => Ok(default),
            Some(status) if (lowest..=599).contains(status.get_ref()) => Ok(*status.get_ref()),
            Some(status) => {
                let kind = fault.kind.get_ref();
                let what = format!("status must be from {lowest} to 599 for the kind {kind}");
                Err(self.wrong(status.span().start, &what))
            }
        }
    }

    fn duration_or_zero(&self, text: Option<&Text>) -> Result<Duration, Problem> {
        text.map_or(Ok(Duration::ZERO), |text| self.duration(text))
    }

    fn duration(&self, text: &Text) -> Result<Duration, Problem> {
        self.duration_of(text, text.get_ref())
    }

    fn duration_of(&self, place: &Text, text: &str) -> Result<Duration, Problem> {
        let duration = settings::duration(text).ok_or_else(|| {
            self.wrong_at(place, "is no duration; write 90s, 15m, 2h30m, 1d or 500ms")
        })?;
        if duration > LONGEST {
            return Err(self.wrong_at(place, "is longer than ten years"));
        }
        Ok(duration)
    }

    fn wrong_at(&self, text: &Text, what: &str) -> Problem {
        let shown = text.get_ref();
        self.wrong(text.span().start, &format!("“{shown}” {what}"))
    }

    fn wrong(&self, at: usize, what: &str) -> Problem {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Problem::usage(format!("{}:{line}: {what}", self.path.display()))
    }
}
