use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::TimeDelta;
use clap::Args;

use super::super::args::check_required;
use super::super::lookup::Inputs;
use super::polled_target::PolledTargetOptions;
use crate::error::Problem;
use crate::settings::{self, parse_duration};

/// Print metrics of jobs for Prometheus, or serve them as an exporter
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  \
        joblens metrics aliyun/job/ehpc-hz-FYUr32/ \\\n      \
        --textfile /var/lib/node_exporter/joblens.prom\n  \
        joblens metrics aliyun kubernetes/job/prod/ --listen 127.0.0.1:9774",
    after_help = "The exporter serves /metrics, /probe?target=SCOPE and /-/healthy. /probe reads references and scopes of the \
        accounts named on the command line, or of all configured profiles if none is named. SIGTERM ends the exporter with exit code 0.\n\
        Exit codes: 0 success · 2 usage error · 3 not found · 4 authentication or permission · 5 service or network error \
        (metrics of everything else are printed) · 130 interrupted · 141 output closed"
)]
pub(in crate::commands) struct Arguments {
    /// References, scopes or clouds to read; a scope (aliyun/job/CLUSTER/) includes new jobs, a cloud
    /// includes all of its scopes, - reads references from stdin, %1 is row 1 of the last list
    #[arg(value_name = "REF|SCOPE/")]
    targets: Vec<String>,
    /// Also read references from FILE, one per line, or from stdin if FILE is - (repeatable)
    #[arg(short, long = "file", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Serve metrics on this address, e.g. 127.0.0.1:9774 (port 0 picks a free port)
    #[arg(long, value_name = "ADDRESS", conflicts_with = "textfile")]
    listen: Option<String>,
    /// Replace FILE atomically, for the textfile collector of node_exporter
    #[arg(long, value_name = "FILE.prom")]
    pub textfile: Option<PathBuf>,
    /// Omit jobs that ended longer ago than this
    #[arg(
        long,
        value_name = "TIME",
        default_value = "24h",
        allow_hyphen_values = true
    )]
    keep: String,
    /// Shortest time between two polls of a target, however often it is scraped [default: 30s]
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    min_interval: Option<String>,
    /// Maximum number of jobs, active ones first; a metric counts the omitted ones
    #[arg(
        long,
        value_name = "N",
        default_value = "10000",
        value_parser = count,
        allow_hyphen_values = true
    )]
    pub max_jobs: usize,
    /// Maximum lookups per scope and poll, for exit codes, restarts and warning events
    #[arg(
        long,
        value_name = "N",
        default_value = "20",
        value_parser = count,
        allow_hyphen_values = true
    )]
    max_lookups: usize,
}

const MIN_INTERVAL: Duration = Duration::from_secs(30);

fn count(text: &str) -> Result<usize, &'static str> {
    let count = text.parse().ok().filter(|count| *count <= 1_000_000);
    count.ok_or("expected a number from 0 to 1000000")
}

impl Arguments {
    /// Returns the targets and files to read.
    pub(super) fn inputs(&self) -> Inputs<'_> {
        Inputs::new(&self.targets, &self.files)
    }

    /// Returns the options for polling targets.
    ///
    /// # Errors
    /// Returns a usage error that names the option.
    pub(super) fn options(&self) -> Result<PolledTargetOptions, Problem> {
        let given = ("--min-interval", self.min_interval.is_some());
        check_required(given, ("--listen", self.listen.is_some()))?;
        let interval = self.min_interval.as_deref();
        let interval = interval.map(|text| parse_duration("--min-interval", text));
        let keep = parse_duration("--keep", &self.keep)?;
        Ok(PolledTargetOptions {
            min_interval: interval.transpose()?.unwrap_or(MIN_INTERVAL),
            keep: TimeDelta::from_std(keep).unwrap_or(TimeDelta::MAX),
            max_details: self.max_lookups,
        })
    }

    /// Returns the address of the exporter.
    ///
    /// # Errors
    /// Returns a usage error if the value is not an IP address with a port.
    pub(super) fn address(&self) -> Result<Option<SocketAddr>, Problem> {
        self.listen.as_deref().map(address).transpose()
    }

    /// Checks the file name of `--textfile`.
    ///
    /// # Errors
    /// Returns a usage error if a collector would not read the file.
    pub(super) fn check_textfile(&self) -> Result<(), Problem> {
        match self.textfile.as_deref().is_none_or(is_read_by_collector) {
            true => Ok(()),
            false => Err(
                Problem::usage("--textfile requires a file name that ends in .prom")
                    .with_hint("the textfile collector ignores other files"),
            ),
        }
    }
}

/// Returns `true` if the textfile collector reads a file with this name.
pub(super) fn is_read_by_collector(path: &Path) -> bool {
    path.extension()
        .is_some_and(|extension| extension == "prom")
}

fn address(text: &str) -> Result<SocketAddr, Problem> {
    let text = text.trim();
    let local = text.strip_prefix("localhost:");
    let local =
        local.and_then(|port| Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().ok()?))));
    local.or_else(|| text.parse().ok()).ok_or_else(|| {
        settings::invalid_value("--listen", text, "expected an IP address and a port")
            .with_hint("e.g. 127.0.0.1:9774, [::1]:9774, or 0.0.0.0:9774 for all addresses")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_requires_an_ip_address_or_localhost_and_a_port() {
        for (text, expected) in [
            ("127.0.0.1:9774", "127.0.0.1:9774"),
            ("localhost:0", "127.0.0.1:0"),
            ("[::1]:9774", "[::1]:9774"),
            ("0.0.0.0:80", "0.0.0.0:80"),
        ] {
            assert_eq!(address(text).unwrap().to_string(), expected);
        }
        for wrong in [
            "",
            ":9774",
            "9774",
            "127.0.0.1",
            "example.com:80",
            "localhost:x",
        ] {
            let problem = address(wrong).unwrap_err();
            assert!(problem.hint.unwrap().contains("127.0.0.1:9774"), "{wrong}");
        }
    }
}
