//! Reads a TOML file that describes the content and the faults of the emulated clouds.
//!
//! ```toml
//! latency = "20ms"          # minimum duration of every response
//! speed = 60                # divides the time until future state changes by 60
//! clock_offset = "-20m"     # offset of the server's clock
//! gzip = true               # compresses responses if the client accepts it
//!
//! [[job]]
//! ref = "aliyun/job/ehpc-hz-FYUr32/train-7"   # a range creates one resource per subtask
//! name = "训练 resnet"
//! user = "lin"
//! queue = "gpu"
//! age = "3h"                # age when the emulator starts
//! appears = "5s"            # does not exist before this time; default: exists from the start
//! vanishes = "20s"          # does not exist from this time; default: never vanishes
//! parts = 2                 # container groups, nodes or sub-jobs; default: 1
//! states = [
//!   { after = "0s", state = "Pending" },
//!   # state: a state word of the cloud, or any other word with unrecognized = true
//!   { after = "2h", state = "Failed", exit_code = 137, reason = "OOMKilled", message = "…" },
//! ]
//! warnings = [{ after = "1h", reason = "BackOff", message = "…", count = 12 }]
//! log = [                   # output of the last container, node or script
//!   { after = "2m", line = "epoch {n} 损失 0.9", every = "1s", times = 60 },   # {n} counts from 1
//! ]
//! restarts = ["10m"]        # when the main container was restarted
//! document = "{}"           # served unchanged; or document_file, next to the scenario
//!
//! [[fault]]
//! operation = "DescribeServerlessJobs"        # the cloud's name; "*" for all
//! cloud = "aliyun"          # default: all clouds
//! kind = "throttle"         # throttle refuse status html truncate reset slow drip empty redirect
//! skip = 2                  # lets this many requests pass first
//! times = 3                 # affects this many requests; default: all
//! retry_after = "2s"        # for throttle and status
//! from = "10s"              # start of the fault; default: the start of the emulator
//! until = "70s"             # end of the fault; default: never
//! # status = 503            # status (503) and html (502)
//! # delay = "500ms"         # slow
//! # location = "http://…"   # redirect
//! ```
//!
//! `appears`, `vanishes`, `from` and `until` are relative to the emulator's start on the wall clock. They do not
//! depend on `speed`, because clients use the wall clock.

mod fault;
mod file;
mod job;
mod spans;

use std::path::Path;
use std::time::Duration;

use super::clock::EmulatorClock;
use super::faults::Fault;
use super::state::EmulatedJob;
use crate::compressed::decompress;
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
    /// Minimum duration of every response.
    pub latency: Duration,
    /// Emulated seconds per second, for the states of the resources; greater than 0.
    pub speed: f64,
    /// The server's clock.
    pub clock: EmulatorClock,
    /// `true` to compress responses if the request accepts it.
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

/// Returns the text of the built-in scenario.
#[must_use]
pub fn built_in_text() -> String {
    decompress(include_bytes!(concat!(env!("OUT_DIR"), "/default.toml.gz")))
}

impl Scenario {
    /// Returns the built-in scenario: resources of every kind in every state.
    ///
    /// # Errors
    /// The errors of [`Scenario::parse`].
    pub fn built_in() -> Result<Self, Problem> {
        Self::parse(
            &built_in_text(),
            Path::new("default.toml"),
            &registered_kinds(),
        )
    }

    /// Reads a scenario file.
    ///
    /// # Errors
    /// A usage error if the file cannot be read, or the errors of [`Scenario::parse`].
    pub fn read(path: &Path) -> Result<Self, Problem> {
        let text = spans::contents(path).map_err(|message| {
            Problem::usage(format!("the scenario {} {message}", path.display())).with_hint(
                "check the path of --scenario; to start from the built-in one: joblens emulate --print-scenario",
            )
        })?;
        Self::parse(&text, path, &registered_kinds())
    }

    /// Parses the text of the scenario file `path`, which can refer to resources of `kinds`.
    ///
    /// The profile of a reference is ignored; a range creates one resource per subtask.
    ///
    /// # Errors
    /// A usage error with file, line and cause.
    pub fn parse(text: &str, path: &Path, kinds: &[&'static Kind]) -> Result<Self, Problem> {
        spans::ScenarioParser { text, path, kinds }.parse()
    }
}

fn registered_kinds() -> Vec<&'static Kind> {
    providers::kinds().collect()
}

#[cfg(test)]
mod tests;
