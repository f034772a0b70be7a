use std::time::Duration;

use clap::{Args, ValueEnum};

use super::super::kind_flags::KindFlags;
use super::super::poll_args::{PollArgs, time};
use crate::error::Problem;
use crate::gate::{Condition, GatePolicy};
use crate::settings::Environment;

/// Wait until jobs have ended as asked, on any mix of clouds, and tell it by the exit code
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  \
        joblens wait -t 6h aliyun/job/ehpc-hz-FYUr32/5 huawei/image-job/702364883651395584\n  \
        joblens wait -t 30m --for no-warnings=10m tencent/service/cls-xxxxx/default/web",
    after_help = "Exit codes: 0 passed · 1 failed · any other code means no verdict:\n\
        2 usage error · 3 missing · 4 credentials · 5 service or network · 124 timed out · 130/143 interrupted.\n\
        The time given counts on a clock that stands still while the machine sleeps."
)]
pub(in crate::commands) struct Arguments {
    /// What to wait for; - reads references from standard input, one a line
    #[arg(value_name = "REF")]
    pub references: Vec<String>,
    /// What to wait for: STATE[,STATE…], ended, or no-warnings=TIME
    #[arg(long = "for", value_name = "GOAL", default_value = "succeeded")]
    goal: String,
    /// All must reach it (the default)
    #[arg(long, overrides_with = "any")]
    all: bool,
    /// One is enough
    #[arg(long, overrides_with = "all")]
    any: bool,
    /// Stop as soon as the verdict is certain and each reference was checked once (default)
    #[arg(long, overrides_with = "no_fail_fast")]
    fail_fast: bool,
    /// Keep waiting for the remaining jobs and report all
    #[arg(long, overrides_with = "fail_fast")]
    no_fail_fast: bool,
    /// How long to wait before giving up (90s, 15m, 6h, none); 0 checks once
    #[arg(short, long, value_name = "TIME")]
    timeout: Option<String>,
    /// Leave the gate undecided if a job does not run by then
    #[arg(long, value_name = "TIME")]
    start_timeout: Option<String>,
    /// What a state word means that no table knows
    #[arg(long, value_enum, default_value = "wait", value_name = "WHAT")]
    on_unknown: OnUnknown,
    /// What a thing means that does not exist
    #[arg(long, value_enum, default_value = "fail", value_name = "WHAT")]
    missing: OnMissing,
    #[command(flatten)]
    poll: PollArgs,
    /// Leave the gate undecided if a job cannot be read for so long
    #[arg(long, value_name = "TIME", default_value = "none")]
    max_outage: String,
    /// Hold when there is nothing to wait for
    #[arg(long)]
    pub allow_empty: bool,
    /// Write a report as well, any number of them: junit=FILE, github, gitlab-dotenv=FILE, json=FILE
    #[arg(long = "report", value_name = "KIND[=FILE]")]
    pub reports: Vec<String>,
    /// Add the cloud's own document to the JSON
    #[arg(long, hide_short_help = true)]
    pub vendor: bool,
    /// Show values of environment variables and other secrets of the jobs
    #[arg(long, hide_short_help = true)]
    pub show_secrets: bool,
    #[command(flatten)]
    pub kind_flags: KindFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnUnknown {
    /// It is on its way
    Wait,
    /// It ended otherwise
    Fail,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnMissing {
    /// It will not come: exit code 3
    Fail,
    /// It may come
    Wait,
}

/// What the options say, checked before the first call.
#[derive(Debug)]
pub(super) struct WaitOptions {
    /// How the gate judges.
    pub policy: GatePolicy,
    /// Time for the whole command.
    pub timeout: Option<Duration>,
    /// A fixed time between two looks.
    pub interval: Option<Duration>,
    /// A line about a deadline that is missing.
    pub warning: Option<&'static str>,
}

impl Arguments {
    /// # Errors
    /// Wrong use, naming the option.
    pub(super) fn options(&self, environment: &Environment) -> Result<WaitOptions, Problem> {
        let timeout = match self.timeout.as_deref() {
            None | Some("none") => None,
            Some(text) => Some(time("--timeout", text)?),
        };
        let unlimited = self.timeout.is_none();
        if unlimited && environment.get("CI").is_some() {
            return Err(Problem::usage("a gate in CI needs a deadline")
                .with_hint("set -t 2h, or say --timeout none if the runner's own limit is meant"));
        }
        let option = |name: &str, text: &Option<String>| {
            text.as_deref().map(|text| time(name, text)).transpose()
        };
        let rules = GatePolicy {
            any: self.any,
            fail_fast: !self.no_fail_fast,
            unknown_fails: self.on_unknown == OnUnknown::Fail,
            waits_for_missing: self.missing == OnMissing::Wait,
            missing_grace: self.poll.missing_grace()?,
            start_timeout: option("--start-timeout", &self.start_timeout)?,
            max_outage: match self.max_outage.as_str() {
                "none" => None,
                text => Some(time("--max-outage", text)?),
            },
            ..GatePolicy::new(Condition::parse(&self.goal)?)
        };
        Ok(WaitOptions {
            policy: rules,
            timeout,
            interval: self.poll.interval()?,
            warning: unlimited.then_some("no deadline is set; -t 2h would set one"),
        })
    }
}
