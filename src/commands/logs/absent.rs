//! Explains why there is nothing to print.

use super::select::label;
use super::source_log::SourceLog;
use crate::error::{Category, Problem};
use crate::kind::{LogSpec, LogStorage};
use crate::model::{Job, State};
use crate::output::reason_text;
use crate::providers::{LogSource, NOT_STARTED};
use crate::secret::shell_word;

/// Returns why a reading has no lines, with the cloud's message. Returns `None` for a log that can still get lines,
/// and for one without lines since the requested time.
pub(super) fn explain(
    log: &SourceLog,
    job: &Job,
    spec: &LogSpec,
    is_following: bool,
    cause: Option<Problem>,
) -> Option<Problem> {
    if log.is_previous()
        && cause
            .as_ref()
            .is_none_or(|cause| cause.category == Category::NotFound)
    {
        return Some(match log.source.restarts {
            0 => never_restarted(&log.source, cause),
            _ => wrote_nothing(&log.source, job, "no previous log", cause),
        });
    }
    let has_crashed = !job.ended && log.source.waits_for_restart();
    if has_crashed && (cause.is_some() || !log.has_since()) {
        return Some(wrote_nothing(&log.source, job, "no log", cause));
    }
    let is_early = is_early(log.source.state) || is_early(job.state);
    // A task that has ended, such as a pod that was evicted, has been started as far as it could be.
    let has_ended = job.ended || log.source.task_in(job).is_some_and(|task| task.ended);
    // The states can be older than the response.
    let is_waiting = !has_ended && (is_early || cause.as_ref().is_some_and(is_not_started));
    match cause {
        _ if is_waiting => Some(not_started(&log.source, job)),
        Some(_) if !job.ended && is_of_job(&log.source) => Some(not_written(job)),
        None if !job.ended || log.has_since() => None,
        cause => Some(empty_or_removed(&log.source, spec, is_following, cause)),
    }
}

/// Returns the problem of a job without a task that could have a log.
pub(super) fn no_task(job: &Job, spec: &LogSpec, is_following: bool) -> Problem {
    let source = LogSource::default();
    match &job.tasks_problem {
        Some(problem) => (**problem).clone(),
        None if job.ended => empty_or_removed(&source, spec, is_following, None),
        None if is_early(job.state) => not_started(&source, job),
        None => not_written(job),
    }
}

fn is_early(state: State) -> bool {
    matches!(state, State::Pending | State::Starting)
}

fn is_not_started(cause: &Problem) -> bool {
    cause.category == Category::NotFound && cause.message.contains(NOT_STARTED)
}

fn not_started(source: &LogSource, job: &Job) -> Problem {
    if let Some(reason) = waits_for(source, job) {
        let message = format!("{} has not started yet: {reason}", log_name(source));
        return Problem::new(Category::NotFound, message).with_hint(describe_hint(job));
    }
    let (log, state) = (label(source), job.state);
    let message = match log.is_empty() {
        true => format!("the job has not started yet; it is {state}"),
        false => format!("{log} has not started yet; the job is {state}"),
    };
    Problem::new(Category::NotFound, message).with_hint("use -f to wait for its log")
}

/// Returns the reported reason why the source of the log has not started. It can be permanent.
fn waits_for(source: &LogSource, job: &Job) -> Option<String> {
    let (reason, message) = match (source.task_in(job), &source.task) {
        (Some(task), _) => (task.reason.as_deref(), &task.message),
        (None, None) => (job.reason.as_deref(), &job.message),
        (None, Some(_)) => return None,
    };
    reason?;
    reason_text(reason, message.as_deref())
}

fn describe_hint(job: &Job) -> String {
    format!("see: joblens describe {}", shell_word(&job.reference))
}

/// Returns the problem of a container that was restarted and has no log.
fn wrote_nothing(source: &LogSource, job: &Job, lacks: &str, cause: Option<Problem>) -> Problem {
    let times = match source.restarts {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        count => format!("{count} times"),
    };
    let mut containers = source
        .task_in(job)
        .into_iter()
        .flat_map(|task| &task.containers);
    let container = containers.find(|container| container.name == source.container);
    let code = container.and_then(|container| {
        let previous = container.previous.as_ref();
        container
            .exit_code
            .or(previous.and_then(|previous| previous.exit_code))
    });
    let code = code.map_or_else(String::new, |code| format!(", last exit code {code}"));
    let message = format!(
        "{} has {lacks}: it was restarted {times}{code}, and wrote nothing, or its log was removed",
        log_name(source)
    );
    not_found(message, cause).with_hint(describe_hint(job))
}

/// Returns the problem of a missing log, with the cloud's message.
fn not_found(text: String, cause: Option<Problem>) -> Problem {
    let problem = cause.unwrap_or_else(|| Problem::new(Category::NotFound, ""));
    let message = match problem.message.is_empty() {
        true => text,
        false => format!("{text} ({})", problem.message),
    };
    Problem { message, ..problem }
}

/// Returns `true` if this is the log of a job without known parts.
fn is_of_job(source: &LogSource) -> bool {
    source.task.is_none() && source.container.is_none()
}

fn not_written(job: &Job) -> Problem {
    let message = format!("the job has no log yet; it is {}", job.state);
    Problem::new(Category::NotFound, message).with_hint("use -f to wait for its log")
}

/// Returns the problem of `--previous` for a container that was not restarted.
fn never_restarted(source: &LogSource, cause: Option<Problem>) -> Problem {
    let message = format!(
        "{} has no previous log: it was not restarted, or that log was removed",
        log_name(source)
    );
    not_found(message, cause).with_hint("omit --previous to print the log of the current run")
}

/// The hint for removed logs.
const HINT: &str = "clouds remove the logs of containers that have ended; collect them with the \
                    cloud's log service";

/// The rest of the hint, unless the log was followed.
const FOLLOW_HINT: &str = ", or follow them with -f";

/// The same hint if the logs are files of the user.
const FILE_HINT: &str = "the log is a file in the storage of the cluster: look for it there";

/// Returns the problem of a log that is empty, or was removed, for example with its container.
fn empty_or_removed(
    source: &LogSource,
    spec: &LogSpec,
    is_following: bool,
    cause: Option<Problem>,
) -> Problem {
    let (reason, hint) = match spec.storage {
        LogStorage::File => (
            ": it wrote nothing, or its file was moved or removed",
            Some(FILE_HINT.to_owned()),
        ),
        LogStorage::Container => {
            let follow_hint = if is_following { "" } else { FOLLOW_HINT };
            (
                ": it wrote nothing, or its log was removed with it",
                Some(format!("{HINT}{follow_hint}")),
            )
        }
        LogStorage::Result if cause.is_none() => (": it wrote nothing", None),
        LogStorage::Result => ("", None),
    };
    let problem = not_found(format!("{} has no log{reason}", log_name(source)), cause);
    Problem {
        hint: hint.or(problem.hint),
        ..problem
    }
}

/// Names the log for use in a sentence.
pub(super) fn log_name(source: &LogSource) -> String {
    match label(source) {
        label if label.is_empty() => "the job".to_owned(),
        label => label,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::LogSupport;
    use crate::model::{Container, Task, Termination};
    use crate::providers::{self, LogParams};

    #[test]
    fn a_container_that_waits_according_to_the_response_has_not_started() {
        let source = LogSource {
            task: Some("x-abc".to_owned()),
            state: State::Running,
            ..LogSource::default()
        };
        let log = SourceLog::new(source, &LogParams::default());
        let job = Job {
            state: State::Running,
            ..Job::default()
        };
        let text = |message: &str| {
            let cause = Problem::new(Category::NotFound, message);
            explain(&log, &job, spec(), false, Some(cause))
                .unwrap()
                .message
        };
        let waiting = "container \"main\" in pod \"x-abc\" is waiting to start: ContainerCreating";
        assert_eq!(
            text(waiting),
            "x-abc has not started yet; the job is running"
        );
        assert!(text("pods \"x-abc\" not found").starts_with("x-abc has no log"));
    }

    fn spec() -> &'static LogSpec {
        spec_of("kubernetes/job")
    }

    fn spec_of(kind: &str) -> &'static LogSpec {
        let kind = providers::kinds().find(|one| one.to_string() == kind);
        match &kind.unwrap().logs {
            LogSupport::Operation(spec) => spec,
            _ => panic!("the kind has logs"),
        }
    }

    /// Returns a starting job with a container that waits after this many restarts.
    fn waiting(restarts: u64, reason: &str) -> (Job, LogSource) {
        let container = Container {
            name: Some("main".to_owned()),
            state: State::Pending,
            restart_count: Some(restarts),
            previous: Some(Box::new(Termination {
                exit_code: Some(139),
                ..Termination::default()
            })),
            ..Container::default()
        };
        let job = Job {
            reference: "kubernetes/job/t/x".to_owned(),
            state: State::Starting,
            tasks: vec![Task {
                id: Some("x-a".to_owned()),
                state: State::Starting,
                reason: Some(reason.to_owned()),
                message: Some("back-off".to_owned()),
                containers: vec![container],
                ..Task::default()
            }],
            ..Job::default()
        };
        let source = LogSource::of_job(&job).remove(0);
        (job, source)
    }

    #[test]
    fn a_crash_loop_without_a_log_is_reported_with_restarts_and_exit_code() {
        let (job, source) = waiting(14, "CrashLoopBackOff");
        for (previous, log) in [(false, "no log"), (true, "no previous log")] {
            let params = LogParams {
                previous,
                ..LogParams::default()
            };
            let log_of = SourceLog::new(source.clone(), &params);
            let problem = explain(&log_of, &job, spec(), false, None).unwrap();
            let expected = format!(
                "x-a/main has {log}: it was restarted 14 times, last exit code 139, and wrote nothing, or its log was removed"
            );
            assert_eq!(problem.message, expected);
            let hint = "see: joblens describe kubernetes/job/t/x";
            assert_eq!(problem.hint.as_deref(), Some(hint));
        }
    }

    #[test]
    fn a_container_that_waits_for_a_reason_has_no_hint_to_follow_its_log() {
        let (job, source) = waiting(0, "ImagePullBackOff");
        let log = SourceLog::new(source, &LogParams::default());
        let problem = explain(&log, &job, spec(), false, None).unwrap();
        let expected = "x-a/main has not started yet: ImagePullBackOff: back-off";
        assert_eq!(problem.message, expected);
        assert!(!problem.hint.unwrap().contains("-f"));
    }

    #[test]
    fn the_hint_for_a_removed_log_suggests_to_follow_it_only_if_it_was_not_followed() {
        let job = Job {
            ended: true,
            ..Job::default()
        };
        for is_following in [true, false] {
            let hint = no_task(&job, spec(), is_following).hint.unwrap();
            assert_eq!(hint.contains("-f"), !is_following, "{hint}");
        }
    }

    #[test]
    fn an_empty_log_that_is_kept_with_the_result_of_a_command_has_no_hint() {
        let source = LogSource {
            task: Some("i-1".to_owned()),
            ..LogSource::default()
        };
        let log = SourceLog::new(source, &LogParams::default());
        let job = Job {
            ended: true,
            ..Job::default()
        };
        for kind in ["aliyun/invocation", "tencent/batch-job"] {
            let explained = |cause| explain(&log, &job, spec_of(kind), false, cause).unwrap();
            let empty = explained(None);
            assert_eq!(empty.message, "i-1 has no log: it wrote nothing");
            assert_eq!(empty.hint, None);
            let cause = Problem::new(Category::NotFound, "no result").with_hint("check the id");
            let missing = explained(Some(cause));
            assert_eq!(missing.message, "i-1 has no log (no result)");
            assert_eq!(missing.hint.as_deref(), Some("check the id"));
        }
    }

    #[test]
    fn a_job_without_tasks_that_has_not_started_is_named_once() {
        let job = Job {
            state: State::Starting,
            ..Job::default()
        };
        let problem = not_started(&LogSource::default(), &job);
        assert_eq!(
            problem.message,
            "the job has not started yet; it is starting"
        );
    }
}
