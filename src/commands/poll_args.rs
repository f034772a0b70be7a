//! How often commands look that look again and again.

use std::time::Duration;

use clap::Args;

use crate::error::Problem;
use crate::settings;

/// Options of `wait`, `watch` and `events --follow`.
#[derive(Debug, Args)]
pub(super) struct PollArgs {
    /// Polling interval [default: adaptive, 2s to 30s]
    #[arg(long, value_name = "TIME", hide_short_help = true)]
    interval: Option<String>,
    /// Don't report a resource as missing before this much time has passed
    #[arg(
        long,
        value_name = "TIME",
        default_value = "60s",
        hide_short_help = true
    )]
    missing_grace: String,
}

impl PollArgs {
    /// A fixed time between two looks, if one was set.
    ///
    /// # Errors
    /// Wrong use: no time, or none at all.
    pub(super) fn interval(&self) -> Result<Option<Duration>, Problem> {
        let text = self.interval.as_deref();
        let interval = text.map(|text| time("--interval", text)).transpose()?;
        match interval {
            Some(Duration::ZERO) => {
                Err(Problem::usage("--interval must be greater than 0")
                    .with_hint("use e.g. 5s or 30s"))
            }
            interval => Ok(interval),
        }
    }

    /// # Errors
    /// Wrong use: no time.
    pub(super) fn missing_grace(&self) -> Result<Duration, Problem> {
        time("--missing-grace", &self.missing_grace)
    }
}

/// The time that an option gives.
///
/// # Errors
/// Wrong use: a text without a unit, or no time.
pub(super) fn time(option: &str, text: &str) -> Result<Duration, Problem> {
    settings::duration(text).ok_or_else(|| {
        let message =
            format!("invalid value '{text}' for {option}; expected a duration with a unit, at most 100 years");
        Problem::usage(message).with_hint("use e.g. 90s, 15m, 2h30m or 1d")
    })
}
