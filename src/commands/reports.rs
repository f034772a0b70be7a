//! Reports for CI systems: parses the requested ones, decides when they are due, and writes them.

mod sink;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use crate::error::{Category, Problem, exit_code, file_error_text};
use crate::output;
use crate::output::document::Envelope;
use crate::settings::{self, Environment};
use crate::sort::SortExt as _;
pub(super) use sink::{ReportSink, replace_atomic};

/// The minimum time between two writes of the same file.
const MIN_WRITE_INTERVAL: Duration = Duration::from_secs(1);
/// Reports of more jobs than this are written less often.
const JOBS_PER_SECOND: usize = 500;
/// Timeout of a write to a stream without a reader.
const WRITE_TIMEOUT: Duration = Duration::from_secs(2);
/// The same timeout when a signal ends the command: the process must exit within 100 ms.
const WRITE_TIMEOUT_AFTER_SIGNAL: Duration = Duration::from_millis(40);
/// GitHub drops the summary of a step if it is larger.
const MAX_SUMMARY_BYTES: u64 = 1 << 20;

/// Writes a report in its format.
type WriteFn = fn(&mut dyn Write, &Envelope) -> io::Result<()>;

/// The reports that `--report` requested.
pub(super) struct Reports {
    files: Vec<ReportFile>,
    github: Option<GitHub>,
    is_changed: bool,
    written_at: Option<Duration>,
    write_interval: Duration,
}

/// A report in a separate file.
struct ReportFile {
    option: String,
    write_fn: WriteFn,
    sink: ReportSink,
    is_reported: bool,
}

/// The files that a step of GitHub Actions passes to the runner.
struct GitHub {
    summary: Option<PathBuf>,
    outputs: Option<PathBuf>,
}

impl Reports {
    /// Parses the values of `--report`: `junit=FILE`, `github`, `gitlab-dotenv=FILE`,
    /// `json=FILE`. Writes nothing. `lists` are the files with references, which no report may replace.
    ///
    /// # Errors
    /// Returns a usage error: an unknown report, a missing file name, or a file that is named twice.
    pub(super) fn parse(
        values: &[String],
        lists: &[PathBuf],
        environment: &Environment,
    ) -> Result<Self, Problem> {
        let mut reports = Self {
            files: Vec::new(),
            github: None,
            is_changed: true,
            written_at: None,
            write_interval: MIN_WRITE_INTERVAL,
        };
        for value in values {
            let (word, file) = match value.split_once('=') {
                Some((word, file)) => (word, Some(file)),
                None => (value.as_str(), None),
            };
            let write_fn: WriteFn = match word {
                "junit" => output::write_junit,
                "gitlab-dotenv" => output::write_dotenv,
                "json" => output::write_json,
                "github" if file.is_some() => {
                    return Err(invalid_report(value, "github does not accept a file name"));
                }
                "github" if reports.github.is_some() => {
                    return Err(invalid_report(value, "github can only be given once"));
                }
                "github" => {
                    let path = |name| environment.get(name).map(PathBuf::from);
                    reports.github = Some(GitHub {
                        summary: path("GITHUB_STEP_SUMMARY"),
                        outputs: path("GITHUB_OUTPUT"),
                    });
                    continue;
                }
                _ => return Err(invalid_report(value, "unknown report")),
            };
            let Some(file) = file.filter(|file| !file.is_empty() && *file != "-") else {
                return Err(invalid_report(
                    value,
                    &format!("{word} requires a file name"),
                ));
            };
            reports.files.push(ReportFile {
                option: value.clone(),
                write_fn,
                sink: ReportSink::from_path(file),
                is_reported: false,
            });
        }
        reports.check_distinct_files(lists)?;
        Ok(reports)
    }

    fn check_distinct_files(&self, lists: &[PathBuf]) -> Result<(), Problem> {
        let lists = lists
            .iter()
            .map(|list| ReportSink::from_path(list).canonical());
        let lists: Vec<PathBuf> = lists.collect();
        let shared = self.github.iter().flat_map(|github| {
            let paths = github.summary.iter().chain(&github.outputs);
            paths.map(|path| ReportSink::from_path(path).canonical())
        });
        let mut taken: Vec<PathBuf> = shared.collect();
        for file in &self.files {
            let identity = file.sink.canonical();
            if lists.contains(&identity) {
                let reason = "the report would replace the list of references";
                return Err(invalid_report(&file.option, reason));
            }
            if taken.contains(&identity) {
                return Err(invalid_report(
                    &file.option,
                    "two reports use the same file",
                ));
            }
            taken.push(identity);
        }
        Ok(())
    }

    /// Creates missing folders and checks that each report can be written, before the command waits for
    /// anything. Existing reports keep their content; those with secrets become readable only by their owner.
    ///
    /// # Errors
    /// Returns a usage error that names the report that cannot be written and why.
    pub(super) fn check(&self, has_secrets: bool) -> Result<(), Problem> {
        for file in &self.files {
            let checked = file.sink.check().and_then(|()| match has_secrets {
                true => file.sink.restrict(),
                false => Ok(()),
            });
            checked.map_err(|error| cannot_write(&file.option, &error))?;
        }
        let github = self.github.iter();
        let shared = github.flat_map(|github| github.summary.iter().chain(&github.outputs));
        for path in shared {
            let checked = ReportSink::from_path(path).check();
            let option = format!("github: {}", path.display());
            checked.map_err(|error| cannot_write(&option, &error))?;
        }
        // Two names of the same file can look different until their folder exists.
        self.check_distinct_files(&[])
    }

    /// Records that the next report differs from the last one.
    pub(super) fn mark_changed(&mut self) {
        self.is_changed = true;
    }

    /// Returns when the next write is due, as time since the start of the command;
    /// `None` if nothing has changed.
    pub(super) fn due_at(&self) -> Option<Duration> {
        let is_rewritten = self.files.iter().any(|file| !file.sink.is_stream());
        let next = self
            .written_at
            .map_or(Duration::ZERO, |at| at + self.write_interval);
        (self.is_changed && is_rewritten).then_some(next)
    }

    /// Returns `true` if a write is due `now` (time since the start): at first, and
    /// after a change at most once per second.
    pub(super) fn due(&self, now: Duration) -> bool {
        self.due_at().is_some_and(|at| at <= now)
    }

    /// Rewrites the files. Streams and GitHub's shared files are written only at the end.
    ///
    /// A report that cannot be written is reported once and never ends the wait.
    pub(super) fn write(
        &mut self,
        envelope: &Envelope,
        now: Duration,
        on_problem: &mut dyn FnMut(&Problem),
    ) {
        self.is_changed = false;
        self.written_at = Some(now);
        let seconds = 1 + envelope.content.jobs.len() / JOBS_PER_SECOND;
        self.write_interval = MIN_WRITE_INTERVAL * u32::try_from(seconds).unwrap_or(u32::MAX);
        self.rewrite_files(envelope, Duration::ZERO, on_problem);
    }

    /// Rewrites the reports that can be rewritten. Each one that cannot be written is reported once.
    fn rewrite_files(
        &mut self,
        envelope: &Envelope,
        timeout: Duration,
        on_problem: &mut dyn FnMut(&Problem),
    ) {
        let files = self.files.iter_mut();
        for file in files.filter(|file| !file.sink.is_stream()) {
            let _ = file.write(envelope, timeout, on_problem);
        }
    }

    /// Writes all reports for the last time; annotations of GitHub go to `err`.
    ///
    /// If a report cannot be written, the others contain exit code 5 instead of 0, as
    /// the process will return it.
    ///
    /// # Errors
    /// Returns the first report that could not be written. It has been reported to `on_problem`.
    pub(super) fn finish(
        &mut self,
        envelope: &Envelope,
        err: &mut dyn Write,
        on_problem: &mut dyn FnMut(&Problem),
    ) -> Result<(), Problem> {
        let timeout = match envelope.exit.code {
            exit_code::INTERRUPTED | exit_code::TERMINATED => WRITE_TIMEOUT_AFTER_SIGNAL,
            _ => WRITE_TIMEOUT,
        };
        let mut first = None;
        let mut last = Cow::Borrowed(envelope);
        let mut keep = |written: Result<(), Problem>, last: &mut Cow<'_, Envelope>| {
            if let Err(problem) = written {
                // A copy of thousands of jobs takes time.
                if last.exit.code == exit_code::OK {
                    last.to_mut().lose_output();
                }
                first.get_or_insert(problem);
            }
        };
        // Write rewritable files first: a later failure changes their content.
        self.files.order_by_key(|file| file.sink.is_stream());
        for file in &mut self.files {
            keep(file.write(&last, timeout, on_problem), &mut last);
        }
        if let Some(github) = &self.github {
            for (part, option) in GitHubPart::ALL {
                let written = github.write(part, &last, err);
                let written = written.map_err(|error| unwritable(option, &error));
                if let Err(problem) = &written {
                    on_problem(problem);
                }
                keep(written, &mut last);
            }
        }
        if last.exit.code != envelope.exit.code {
            self.rewrite_files(&last, timeout, on_problem);
        }
        first.map_or(Ok(()), Err)
    }

    /// Rewrites all reports that can be rewritten, after the exit code of the finished report has changed, or with
    /// usage errors. Ignores errors: they have been reported, or the old report remains.
    pub(super) fn rewrite(&mut self, envelope: &Envelope) {
        let files = self.files.iter_mut();
        for file in files.filter(|file| !file.sink.is_stream()) {
            let rendered = rendered(file.write_fn, envelope);
            let _ = rendered.and_then(|bytes| file.sink.write(bytes, WRITE_TIMEOUT));
        }
        if let Some(github) = &self.github {
            // A later line for the same name replaces the earlier one.
            let _ = github.write(GitHubPart::Outputs, envelope, &mut io::sink());
        }
    }
}

impl ReportFile {
    fn write(
        &mut self,
        envelope: &Envelope,
        timeout: Duration,
        on_problem: &mut dyn FnMut(&Problem),
    ) -> Result<(), Problem> {
        let written = rendered(self.write_fn, envelope)
            .and_then(|bytes| self.sink.write(bytes, timeout))
            .map_err(|error| unwritable(&self.option, &error));
        if let (Err(problem), false) = (&written, self.is_reported) {
            self.is_reported = true;
            on_problem(problem);
        }
        written
    }
}

impl GitHub {
    /// Writes one part. The outputs are written last, because only they contain the exit code for programs.
    fn write(&self, part: GitHubPart, envelope: &Envelope, err: &mut dyn Write) -> io::Result<()> {
        match part {
            GitHubPart::Annotations => output::write_annotations(err, envelope),
            GitHubPart::Summary => {
                let Some(path) = &self.summary else {
                    return Ok(());
                };
                let max_bytes = MAX_SUMMARY_BYTES.saturating_sub(sink::length(path));
                // Two line breaks can precede it.
                let max_bytes = usize::try_from(max_bytes).unwrap_or(0).saturating_sub(2);
                let mut bytes = b"\n".to_vec();
                output::write_step_summary(&mut bytes, envelope, max_bytes)?;
                sink::append(path, bytes)
            }
            GitHubPart::Outputs => {
                let Some(path) = &self.outputs else {
                    return Ok(());
                };
                sink::append(path, rendered(output::write_step_outputs, envelope)?)
            }
        }
    }
}

/// The parts of GitHub's report, in the order in which they are written.
#[derive(Debug, Clone, Copy)]
enum GitHubPart {
    Annotations,
    Summary,
    Outputs,
}

impl GitHubPart {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Annotations, "github (annotations)"),
        (Self::Summary, "github (GITHUB_STEP_SUMMARY)"),
        (Self::Outputs, "github (GITHUB_OUTPUT)"),
    ];
}

fn rendered(write_fn: WriteFn, envelope: &Envelope) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_fn(&mut bytes, envelope)?;
    Ok(bytes)
}

fn invalid_report(value: &str, description: &str) -> Problem {
    settings::invalid_value("--report", value, description)
        .with_hint("use junit=FILE, github, gitlab-dotenv=FILE or json=FILE")
}

fn cannot_write(option: &str, error: &io::Error) -> Problem {
    Problem::usage(format!(
        "--report {option}: cannot write this file: {}",
        file_error_text(error)
    ))
    .with_hint("check the path and its permissions")
}

fn unwritable(option: &str, error: &io::Error) -> Problem {
    let mut problem = Problem::new(
        Category::ServiceError,
        format!(
            "cannot write the report {option}: {}",
            file_error_text(error)
        ),
    );
    // There was no request that could be retried.
    problem.retryable = false;
    problem
}
