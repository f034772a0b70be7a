use std::collections::HashSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use chrono::TimeDelta;
use serde::Deserialize;
use toml::Spanned;

use super::Scenario;
use super::fault::FaultTable;
use super::job::JobTable;
use crate::emulator::clock::EmulatorClock;
use crate::error::Problem;
use crate::kind::Kind;
use crate::providers::serve::EmulatedJob;
use crate::settings;

/// A text and where it stands, so that an error can name the line.
pub(super) type Text = Spanned<String>;

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

/// Longer times than ten years only serve to leave the calendar.
const MAX_DURATION: Duration = Duration::from_secs(3650 * 86_400);
const SPEEDS: std::ops::RangeInclusive<f64> = 0.001..=1_000_000.0;

/// The text of a file, or what is wrong with it.
pub(super) fn contents(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| match error.kind() {
        ErrorKind::InvalidData => "is not UTF-8 text".to_owned(),
        kind => format!("cannot be read ({kind})"),
    })
}

/// A scenario's text while it is read.
pub(super) struct ScenarioParser<'a> {
    pub text: &'a str,
    pub path: &'a Path,
    pub kinds: &'a [&'static Kind],
}

impl ScenarioParser<'_> {
    pub fn parse(&self) -> Result<Scenario, Problem> {
        let file: File = toml::from_str(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            self.wrong(at, error.message())
        })?;
        let mut emulated: Vec<EmulatedJob> = Vec::new();
        let mut taken = HashSet::new();
        for job in &file.jobs {
            for one in self.jobs(job)? {
                if !taken.insert((one.kind.clone(), one.segments.clone())) {
                    return Err(self.wrong_at(&job.reference, "is given twice"));
                }
                emulated.push(one);
            }
        }
        let faults = file
            .faults
            .iter()
            .map(|fault| self.fault(fault))
            .collect::<Result<_, _>>()?;
        Ok(Scenario {
            jobs: emulated,
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

    fn clock(&self, offset: Option<&Text>) -> Result<EmulatorClock, Problem> {
        let Some(text) = offset else {
            return Ok(EmulatorClock::default());
        };
        let (ahead, size) = match text.get_ref().trim().split_at_checked(1) {
            Some(("-", size)) => (false, size),
            Some(("+", size)) => (true, size),
            _ => (true, text.get_ref().as_str()),
        };
        let offset = self.duration_of(text, size)?;
        let offset = TimeDelta::from_std(offset).expect("ten years fit into a TimeDelta");
        Ok(EmulatorClock {
            offset: if ahead { offset } else { -offset },
        })
    }

    pub fn duration_or_zero(&self, text: Option<&Text>) -> Result<Duration, Problem> {
        text.map_or(Ok(Duration::ZERO), |text| self.duration(text))
    }

    /// A stretch of time since the emulator's start: when it begins, and when it is over.
    pub fn span(
        &self,
        from: Option<&Text>,
        until: Option<&Text>,
    ) -> Result<(Duration, Option<Duration>), Problem> {
        let begins = self.duration_or_zero(from)?;
        let Some(until) = until else {
            return Ok((begins, None));
        };
        let ends = self.duration(until)?;
        if ends <= begins {
            return Err(self.wrong_at(until, "must be after the start"));
        }
        Ok((begins, Some(ends)))
    }

    pub fn duration(&self, text: &Text) -> Result<Duration, Problem> {
        self.duration_of(text, text.get_ref())
    }

    fn duration_of(&self, place: &Text, text: &str) -> Result<Duration, Problem> {
        let duration = settings::duration(text).ok_or_else(|| {
            self.wrong_at(
                place,
                "is not a valid duration; use e.g. 90s, 15m, 2h30m, 1d or 500ms",
            )
        })?;
        if duration > MAX_DURATION {
            return Err(self.wrong_at(place, "is longer than ten years"));
        }
        Ok(duration)
    }

    /// A usage error at a text, which is shown.
    pub fn wrong_at(&self, text: &Text, what: &str) -> Problem {
        let shown = text.get_ref();
        self.wrong(text.span().start, &format!("'{shown}' {what}"))
    }

    /// A usage error at a byte of the file.
    pub fn wrong(&self, at: usize, what: &str) -> Problem {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Problem::usage(format!("{}:{line}: {what}", self.path.display()))
    }
}
