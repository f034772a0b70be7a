//! What the emulated clouds contain and what they do wrong, as a TOML file describes it.
//!
//! ```toml
//! latency = "20ms"          # how long every response takes at least
//! speed = 60                # future state changes happen 60 times as soon
//! clock_offset = "-20m"     # the server's clock is wrong by this much
//! gzip = true               # answers are compressed for those who accept it
//!
//! [[job]]
//! ref = "aliyun/job/ehpc-hz-FYUr32/train-7"   # a range makes a resource for each subtask
//! name = "训练 resnet"
//! user = "lin"
//! queue = "gpu"
//! age = "3h"                # how old it is when the emulator starts
//! appears = "5s"            # the cloud does not have it before; from the start when left out
//! vanishes = "20s"          # nor from then on; never when left out
//! parts = 2                 # container groups, nodes, sub-jobs; 1 when left out
//! states = [
//!   { after = "0s", state = "Pending" },
//!   # state: a word of the cloud, or another with unrecognized = true
//!   { after = "2h", state = "Failed", exit_code = 137, reason = "OOMKilled", message = "…" },
//! ]
//! warnings = [{ after = "1h", reason = "BackOff", message = "…", count = 12 }]
//! log = [                   # what its last container, node or script writes
//!   { after = "2m", line = "epoch {n} 损失 0.9", every = "1s", times = 60 },   # {n} counts from 1
//! ]
//! restarts = ["10m"]        # when the main container was restarted
//! document = "{}"           # served as it is; or document_file, next to the scenario
//!
//! [[fault]]
//! operation = "DescribeServerlessJobs"        # the cloud's name; "*" for all
//! cloud = "aliyun"          # all clouds when left out
//! kind = "throttle"         # throttle refuse status html truncate reset slow drip empty redirect
//! skip = 2                  # lets this many requests pass first
//! times = 3                 # affects this many; all when left out
//! retry_after = "2s"        # throttle and status
//! from = "10s"              # when it begins; at the start when left out
//! until = "70s"             # when it is over; never when left out
//! # status = 503            # status (503) and html (502)
//! # delay = "500ms"         # slow
//! # location = "http://…"   # redirect
//! ```
//!
//! `appears`, `vanishes`, `from` and `until` count seconds of the wall clock since the emulator's
//! start, whatever `speed` is: a client uses the wall clock.

mod fault;
mod file;
mod job;
mod spans;

use std::path::Path;
use std::time::Duration;

use super::clock::EmulatorClock;
use super::faults::Fault;
use super::state::EmulatedJob;
use crate::error::Problem;
use crate::kind::Kind;
use crate::providers;

/// The content of a scenario file.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The resources, in the order of the file.
    pub jobs: Vec<EmulatedJob>,
    /// The faults, in the order of the file.
    pub faults: Vec<Fault>,
    /// How long every response takes at least.
    pub latency: Duration,
    /// How many emulated seconds pass in a second, for the states of the resources; above 0.
    pub speed: f64,
    /// What the server's clock shows.
    pub clock: EmulatorClock,
    /// Answers are compressed when the request accepts it.
    pub gzip: bool,
}

impl Default for Scenario {
    fn default() -> Self {
        Self {
            jobs: Vec::new(),
            faults: Vec::new(),
            latency: Duration::ZERO,
            speed: 1.0,
            clock: EmulatorClock::default(),
            gzip: false,
        }
    }
}

/// The text of the built-in scenario.
pub const BUILT_IN: &str = include_str!("../default.toml");

impl Scenario {
    /// The built-in scenario: resources of every kind in every state.
    ///
    /// # Errors
    /// As [`Scenario::parse`].
    pub fn built_in() -> Result<Self, Problem> {
        Self::parse(BUILT_IN, Path::new("default.toml"), &registered_kinds())
    }

    /// Reads a scenario file.
    ///
    /// # Errors
    /// A usage error: the file cannot be read, or as [`Scenario::parse`].
    pub fn read(path: &Path) -> Result<Self, Problem> {
        let text = spans::contents(path)
            .map_err(|what| Problem::usage(format!("the scenario {} {what}", path.display())))?;
        Self::parse(&text, path, &registered_kinds())
    }

    /// Reads the text of a scenario that is in the file `path`, with references of these kinds.
    ///
    /// The profile of a reference is ignored; a range becomes a resource for each subtask.
    ///
    /// # Errors
    /// A usage error with file, line and what is wrong there.
    pub fn parse(text: &str, path: &Path, kinds: &[&'static Kind]) -> Result<Self, Problem> {
        spans::ScenarioParser { text, path, kinds }.parse()
    }
}

fn registered_kinds() -> Vec<&'static Kind> {
    providers::kinds().collect()
}

#[cfg(test)]
mod tests;
