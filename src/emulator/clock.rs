//! The emulator's time: its clock, and the speed of its resources' state changes.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::state::EmulatedJob;

/// The clock of the emulated clouds, which may be wrong on purpose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EmulatorClock {
    /// Difference to the local clock; negative if it is behind.
    pub offset: TimeDelta,
}

impl EmulatorClock {
    /// Returns the time that the clock shows.
    pub fn now(self) -> DateTime<Utc> {
        Utc::now() + self.offset
    }
}

/// Divides the time between the emulator's start and each later change of a job by `speed`.
///
/// Changes before the start are not moved. Every time in a response is therefore a time of the wall clock, and none
/// is in the future.
pub fn scale_time(mut job: EmulatedJob, speed: f64) -> EmulatedJob {
    let age = job.age;
    let sooner = |after: Duration| match after.checked_sub(age) {
        Some(ahead) => age + ahead.div_f64(speed),
        None => after,
    };
    for step in &mut job.steps {
        step.after = sooner(step.after);
    }
    for warning in &mut job.warnings {
        warning.after = sooner(warning.after);
    }
    for line in &mut job.log {
        line.after = sooner(line.after);
    }
    for restart in &mut job.restarts {
        *restart = sooner(*restart);
    }
    job
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::emulator::state::{EmulatedState, StateChange, Warning};

    fn step(after: u64, state: &str) -> StateChange {
        StateChange {
            after: Duration::from_secs(after),
            state: state.to_owned(),
            ..StateChange::default()
        }
    }

    #[test]
    fn only_times_after_the_start_are_scaled() {
        let job = EmulatedJob {
            kind: "aliyun/job".into(),
            segments: vec!["c".into(), "5".into()],
            age: Duration::from_secs(100),
            steps: vec![step(0, "Pending"), step(60, "Running"), step(700, "Failed")],
            warnings: vec![Warning {
                after: Duration::from_secs(160),
                ..Warning::default()
            }],
            ..EmulatedJob::default()
        };
        let started_at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let hastened = scale_time(job, 60.0);
        assert_eq!(hastened.warnings[0].after, Duration::from_secs(101));
        let state = EmulatedState::new(vec![hastened], started_at);
        let at = |seconds| {
            state
                .find(
                    "aliyun/job",
                    &["c", "5"],
                    started_at + TimeDelta::seconds(seconds),
                )
                .unwrap()
        };
        assert_eq!(at(0).step.state, "Running");
        assert_eq!(at(0).state_since, started_at - TimeDelta::seconds(40));
        assert_eq!(at(9).step.state, "Running");
        assert_eq!(at(10).step.state, "Failed");
        assert_eq!(at(10).state_since, started_at + TimeDelta::seconds(10));
    }

    #[test]
    fn a_job_is_found_from_when_it_appears_until_it_vanishes() {
        let job = EmulatedJob {
            kind: "aliyun/job".into(),
            segments: vec!["c".into(), "5".into()],
            appears_after: Duration::from_secs(5),
            vanishes_after: Some(Duration::from_secs(20)),
            steps: vec![step(0, "Running")],
            ..EmulatedJob::default()
        };
        let started_at = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let state = EmulatedState::new(vec![scale_time(job, 60.0)], started_at);
        for (seconds, is_there) in [(0, false), (4, false), (5, true), (19, true), (20, false)] {
            let now = started_at + TimeDelta::seconds(seconds);
            let found = state.find("aliyun/job", &["c", "5"], now);
            assert_eq!(found.is_some(), is_there, "{seconds}");
            let listed = state.all("aliyun/job", now).count();
            assert_eq!(listed, usize::from(is_there), "{seconds}");
            assert_eq!(state.all("aliyun/invocation", now).count(), 0);
        }
    }
}
