use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::super::args::{OutputArgs, PollArgs};
use super::super::kind_flags::KindFlags;
use super::super::lookup::Inputs;
use crate::error::Problem;
use crate::gate::{Condition, GatePolicy, KindWords};
use crate::settings::parse_duration;

/// Wait for jobs to reach a state; the exit code is the verdict
#[derive(Debug, Args)]
#[command(
    mut_arg("raw", |one| one.hide_short_help(true)),
    mut_arg("show_secrets", |one| one.hide_short_help(true)),
    before_help = "Examples:\n  \
        joblens wait -t 6h aliyun/job/ehpc-hz-FYUr32/5 \\\n      \
        huawei/image-job/702364883651395584\n  \
        joblens wait -t 30m --for no-warnings=10m \\\n      \
        tencent/service/cls-xxxxx/default/web",
    after_help = "The timeout does not advance while the machine is suspended.\n\
        Exit codes: 0 passed · 1 failed\n\
        No verdict: 2 usage error · 3 not found · 4 authentication or permission · 5 service or network error · 8 still active (with -t 0) · 124 timed out · 130/143 interrupted · 141 output closed"
)]
pub(in crate::commands) struct Arguments {
    /// References to wait for; - reads references from stdin (on a terminal, - is the reference used last), %1 is row 1 of the last list
    #[arg(value_name = "REF")]
    references: Vec<String>,
    /// Also read references from FILE, one per line, or from stdin if FILE is - (repeatable)
    #[arg(short, long = "file", value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Condition to wait for: STATE[,STATE…] (also the cloud's own words), ended, or no-warnings=DURATION
    #[arg(long = "for", value_name = "CONDITION", default_value = "succeeded")]
    condition: String,
    /// Wait until all jobs meet the condition (default)
    #[arg(long, overrides_with = "any")]
    all: bool,
    /// Wait until any job meets the condition
    #[arg(long, overrides_with = "all")]
    any: bool,
    /// Stop as soon as the verdict is certain and each reference has been checked once (default)
    #[arg(long, overrides_with = "no_fail_fast")]
    fail_fast: bool,
    /// Keep waiting for the remaining jobs after the verdict is certain
    #[arg(long, overrides_with = "fail_fast")]
    no_fail_fast: bool,
    /// How long to wait before giving up (90s, 15m, 6h, none); 0 checks once
    #[arg(short, long, value_name = "TIME", allow_hyphen_values = true)]
    timeout: Option<String>,
    /// Give up if a job has not started within this time
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    start_timeout: Option<String>,
    /// How to treat a state that joblens doesn't recognize
    #[arg(long, value_enum, default_value = "wait", value_name = "WHAT")]
    on_unknown: OnUnknown,
    /// How to treat a missing resource
    #[arg(long, value_enum, default_value = "fail", value_name = "WHAT")]
    missing: OnMissing,
    #[command(flatten)]
    poll: PollArgs,
    /// Give up if a job cannot be read for this time
    #[arg(
        long,
        value_name = "TIME",
        default_value = "none",
        allow_hyphen_values = true
    )]
    max_outage: String,
    /// Pass if no references are given
    #[arg(long)]
    pub allow_empty: bool,
    /// Also write a CI report (repeatable): junit=FILE, github, gitlab-dotenv=FILE, json=FILE
    #[arg(long = "report", value_name = "KIND[=FILE]")]
    pub reports: Vec<String>,
    #[command(flatten)]
    pub output: OutputArgs,
    #[command(flatten)]
    pub kind_flags: KindFlags,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnUnknown {
    /// Keep waiting
    Wait,
    /// Treat as failed
    Fail,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum OnMissing {
    /// Exit with code 3
    Fail,
    /// Keep waiting
    Wait,
}

/// When a wait ends without a verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Timeout {
    /// After this time.
    After(Duration),
    /// After each reference was checked once (`-t 0`).
    SingleCheck,
    /// Never (`-t none`, or no option).
    Never,
}

impl Timeout {
    /// Parses the value of `--timeout`.
    ///
    /// # Errors
    /// Returns a usage error.
    fn parse(text: Option<&str>) -> Result<Self, Problem> {
        Ok(match text {
            None | Some("none") => Self::Never,
            Some(text) => match parse_duration("--timeout", text)? {
                Duration::ZERO => Self::SingleCheck,
                limit => Self::After(limit),
            },
        })
    }

    /// Returns the time limit of the whole command, if it has one.
    pub(super) fn limit(self) -> Option<Duration> {
        match self {
            Self::After(limit) => Some(limit),
            Self::SingleCheck | Self::Never => None,
        }
    }
}

/// The parsed options, checked before the first call.
#[derive(Debug, Clone)]
pub(super) struct WaitOptions {
    /// The policy of the gate.
    pub policy: GatePolicy,
    /// When the wait ends without a verdict.
    pub timeout: Timeout,
    /// A fixed polling interval.
    pub interval: Option<Duration>,
    /// A warning about a missing deadline.
    pub warning: Option<&'static str>,
}

impl WaitOptions {
    /// Subtracts elapsed time from the time limit, but leaves at least 1 ms.
    pub(super) fn shorten(&mut self, passed: Duration) {
        const LEAST: Duration = Duration::from_millis(1);
        if let Timeout::After(limit) = &mut self.timeout {
            *limit = limit.saturating_sub(passed).max(LEAST);
        }
    }
}

impl Arguments {
    /// Returns the references and files to read.
    pub fn inputs(&self) -> Inputs<'_> {
        Inputs {
            // An invalid value is reported elsewhere.
            timeout: self.time_limit().ok().flatten(),
            ..Inputs::new(&self.references, &self.files)
        }
    }

    /// Returns the time limit of the whole command, if it has one.
    ///
    /// # Errors
    /// Returns a usage error.
    pub(super) fn time_limit(&self) -> Result<Option<Duration>, Problem> {
        Ok(Timeout::parse(self.timeout.as_deref())?.limit())
    }

    /// Returns the options for jobs of these kinds.
    ///
    /// # Errors
    /// Returns a usage error that names the option, also for a missing timeout if one is required.
    pub(super) fn options(
        &self,
        kinds: &[KindWords<'_>],
        requires_timeout: bool,
    ) -> Result<WaitOptions, Problem> {
        let timeout = Timeout::parse(self.timeout.as_deref())?;
        let unlimited = self.timeout.is_none();
        if unlimited && requires_timeout {
            return Err(Problem::usage("wait requires a timeout in CI")
                .with_hint("pass e.g. -t 2h, or -t none to rely on the runner's limit"));
        }
        let option = |name: &str, text: &Option<String>| {
            text.as_deref()
                .map(|text| parse_duration(name, text))
                .transpose()
        };
        let policy = GatePolicy {
            any: self.any,
            fail_fast: !self.no_fail_fast,
            unknown_fails: self.on_unknown == OnUnknown::Fail,
            waits_for_missing: self.missing == OnMissing::Wait,
            missing_grace: self.poll.missing_grace()?,
            start_timeout: option("--start-timeout", &self.start_timeout)?,
            max_outage: match self.max_outage.as_str() {
                "none" => None,
                text => Some(parse_duration("--max-outage", text)?),
            },
            ..GatePolicy::new(Condition::parse(&self.condition, kinds)?)
        };
        Ok(WaitOptions {
            policy,
            timeout,
            interval: self.poll.interval()?,
            warning: unlimited.then_some("no timeout is set; pass e.g. -t 2h"),
        })
    }
}
