use std::collections::HashSet;

use chrono::TimeDelta;
use serde::Deserialize;
use toml::Spanned;

use super::Scenario;
use super::fault::FaultTable;
use super::job::JobTable;
use super::spans::{ScenarioParser, Text};
use crate::emulator::clock::EmulatorClock;
use crate::emulator::state::EmulatedJob;
use crate::error::Problem;

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

/// Type names in the parser's messages, with names for users who write TOML.
const TYPES: [(&str, &str); 8] = [
    ("a string", "text in quotes"),
    ("a sequence", "a list [ … ]"),
    ("a map", "a table"),
    ("a boolean", "true or false"),
    ("f64", "a number"),
    ("u32", "a whole number from 0"),
    ("usize", "a whole number from 0"),
    ("i64", "a whole number"),
];

/// Rewrites an error message of the parser without Rust terms.
fn in_words(message: &str) -> String {
    let expected = message.strip_prefix("invalid ").and_then(|rest| {
        let (_, expected) = rest.rsplit_once("expected ")?;
        let known = TYPES.iter().find(|(name, _)| expected.ends_with(name));
        Some(match known {
            Some((_, words)) => (*words).to_owned(),
            None if expected.contains("struct") => "a table".to_owned(),
            None => expected.to_owned(),
        })
    });
    match expected {
        Some(expected) => format!("expected {expected}"),
        None => message
            .replace("field `", "key `")
            .replace(", expected one of", "; expected one of")
            .replace('`', "'"),
    }
}

const SPEEDS: std::ops::RangeInclusive<f64> = 0.001..=1_000_000.0;

impl ScenarioParser<'_> {
    pub fn parse(&self) -> Result<Scenario, Problem> {
        let file: File = toml::from_str(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            self.error_at_offset(at, &in_words(error.message()))
        })?;
        let mut emulated: Vec<EmulatedJob> = Vec::new();
        let mut taken = HashSet::new();
        for job in &file.jobs {
            for one in self.jobs(job)? {
                if !taken.insert((one.kind.clone(), one.segments.clone())) {
                    return Err(self.error_at_text(&job.reference, "is given twice"));
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
            let message = "speed must be a number from 0.001 to 1000000";
            return Err(self.error_at_offset(speed.span().start, message));
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
}
