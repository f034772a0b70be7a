//! Why there is nothing to print.

use super::select::label;
use super::source_log::SourceLog;
use crate::error::{Category, Problem};
use crate::kind::LogSpec;
use crate::model::{Container, Job, State, Task};
use crate::providers::{LogSource, NOT_STARTED};
use crate::secret::shell_word;

/// Why a reading has no lines, with the cloud's message; `None` for a log that may still get lines, and
/// for one without lines since a moment.
pub(super) fn explain(
    log: &SourceLog,
    job: &Job,
    spec: &LogSpec,
    cause: Option<Problem>,
) -> Option<Problem> {
    if log.is_previous()
        && cause
            .as_ref()
            .is_none_or(|cause| cause.category == Category::NotFound)
    {
        return Some(no_previous(&log.source, job, cause));
    }
    let is_early = is_early(log.source.state) || is_early(job.state);
    // The states may be older than the response to the reading.
    let is_waiting = !job.ended && (is_early || cause.as_ref().is_some_and(is_not_started));
    match cause {
        _ if is_waiting => Some(not_started(&log.source, job, cause.is_some())),
        Some(_) if !job.ended && is_of_job(&log.source) => Some(not_written(job)),
        None if !job.ended || log.has_since() => None,
        cause => Some(gone(&log.source, spec, cause)),
    }
}

/// The problem of a job without a task that could have a log.
pub(super) fn no_task(job: &Job, spec: &LogSpec) -> Problem {
    let source = LogSource::default();
    match &job.tasks_problem {
        Some(problem) => (**problem).clone(),
        None if job.ended => gone(&source, spec, None),
        None if is_early(job.state) => not_started(&source, job, false),
        None => not_written(job),
    }
}

fn is_early(state: State) -> bool {
    matches!(state, State::Pending | State::Starting)
}

fn is_not_started(cause: &Problem) -> bool {
    cause.category == Category::NotFound && cause.message.contains(NOT_STARTED)
}

/// The problem of a log that has not begun: of a container that crashes, that it wrote nothing, and of one that
/// cannot start, why.
fn not_started(source: &LogSource, job: &Job, is_unread: bool) -> Problem {
    let (log, state) = (label(source), job.state);
    let part = part(source, job);
    if let Some((_, container)) = part.filter(|_| source.is_crashing) {
        let nothing = match is_unread {
            true => "wrote nothing, or its log was removed",
            false => "wrote nothing",
        };
        let what = format!("{log} {}and {nothing}", restarts(container));
        return Problem::new(Category::NotFound, what).with_hint(describe_hint(job));
    }
    let reason = part.and_then(|(task, container)| {
        // A task with another reason is not kept from starting by this container.
        let is_stuck = container.state == State::Pending && container.reason == task.reason;
        container.reason.as_deref().filter(|_| is_stuck)
    });
    if let Some(reason) = reason {
        let what = format!("{log} has not started: {reason}; the job is {state}");
        return Problem::new(Category::NotFound, what).with_hint(describe_hint(job));
    }
    let what = match log.is_empty() {
        true => format!("the job has not started yet; it is {state}"),
        false => format!("{log} has not started yet; the job is {state}"),
    };
    Problem::new(Category::NotFound, what).with_hint("use -f to wait for its log")
}

/// The container that writes a log, with its task.
fn part<'a>(source: &LogSource, job: &'a Job) -> Option<(&'a Task, &'a Container)> {
    let is_own = |task: &&Task| task.id.as_ref().or(task.name.as_ref()) == source.task.as_ref();
    let task = job.tasks.iter().find(is_own)?;
    let mut containers = task.containers.iter();
    Some((task, containers.find(|one| one.name == source.container)?))
}

/// `restarted 14 times, last exit 139, `
fn restarts(container: &Container) -> String {
    let times = match container.restart_count.unwrap_or_default() {
        1 => "was restarted once".to_owned(),
        count => format!("was restarted {count} times"),
    };
    let code = container.previous.as_deref().and_then(|run| run.exit_code);
    code.map_or_else(
        || format!("{times} "),
        |code| format!("{times}, last exit code {code}, "),
    )
}

fn describe_hint(job: &Job) -> String {
    format!("use: joblens describe {}", shell_word(&job.reference))
}

/// True for the log of a job of which no part is known.
fn is_of_job(source: &LogSource) -> bool {
    source.task.is_none() && source.container.is_none()
}

fn not_written(job: &Job) -> Problem {
    let what = format!("the job has no log yet; it is {}", job.state);
    Problem::new(Category::NotFound, what).with_hint("use -f to wait for its log")
}

/// The problem of `--previous` for a container that was not restarted, or whose run before wrote nothing.
fn no_previous(source: &LogSource, job: &Job, cause: Option<Problem>) -> Problem {
    let was_restarted = source.restarts > 0;
    let why = match was_restarted {
        true => "the run before its last restart wrote nothing, or its log was removed",
        false => "it was not restarted, or that log was removed",
    };
    let what = format!("{} has no previous log: {why}", named(source));
    let problem = cause.unwrap_or_else(|| Problem::new(Category::NotFound, ""));
    let message = match problem.message.is_empty() {
        true => what,
        false => format!("{what} ({})", problem.message),
    };
    let hint = match was_restarted {
        true => describe_hint(job),
        false => "leave --previous out for the log of the present run".to_owned(),
    };
    Problem { message, ..problem }.with_hint(hint)
}

/// What to do for the logs of other jobs.
const HINT: &str = "clouds remove the logs of containers that have ended; collect them with the \
                    cloud's log service, or follow them with -f";

/// The same where the logs are files of the user.
const FILE_HINT: &str = "the log is a file in the storage of the cluster: look for it there";

/// The problem of a log that is empty, or was removed with its container.
fn gone(source: &LogSource, spec: &LogSpec, cause: Option<Problem>) -> Problem {
    let (removed, hint) = match spec.is_file {
        true => ("its file was moved or removed", FILE_HINT),
        false => ("its log was removed with it", HINT),
    };
    let what = format!(
        "{} has no log: it wrote nothing, or {removed}",
        named(source)
    );
    match cause {
        Some(cause) => Problem {
            message: format!("{what} ({})", cause.message),
            hint: Some(hint.to_owned()),
            ..cause
        },
        None => Problem::new(Category::NotFound, what).with_hint(hint),
    }
}

/// The log in a sentence.
pub(super) fn named(source: &LogSource) -> String {
    match label(source) {
        label if label.is_empty() => "the job".to_owned(),
        label => label,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind::LogSupport;
    use crate::model::Termination;
    use crate::providers::{self, LogParams};

    #[test]
    fn a_container_that_waits_by_the_response_has_not_started() {
        let kind = providers::kinds().find(|kind| kind.to_string() == "kubernetes/job");
        let LogSupport::Operation(spec) = &kind.unwrap().logs else {
            panic!("the kind has logs");
        };
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
            explain(&log, &job, spec, Some(cause)).unwrap().message
        };
        let waiting = "container \"main\" in pod \"x-abc\" is waiting to start: ContainerCreating";
        assert_eq!(
            text(waiting),
            "x-abc has not started yet; the job is running"
        );
        assert!(text("pods \"x-abc\" not found").starts_with("x-abc has no log"));
    }

    #[test]
    fn a_job_without_parts_is_named_once() {
        let job = Job {
            state: State::Starting,
            ..Job::default()
        };
        let problem = not_started(&LogSource::default(), &job, false);
        assert_eq!(
            problem.message,
            "the job has not started yet; it is starting"
        );
    }

    /// A job with a pod whose container waits for this reason.
    fn waiting(reason: &str, previous: Option<Termination>) -> (SourceLog, Job) {
        let container = Container {
            name: Some("main".to_owned()),
            state: State::Pending,
            reason: Some(reason.to_owned()),
            restart_count: previous.as_ref().map(|_| 14),
            previous: previous.map(Box::new),
            ..Container::default()
        };
        let task = Task {
            id: Some("x-abc".to_owned()),
            state: State::Starting,
            reason: Some(reason.to_owned()),
            containers: vec![container],
            ..Task::default()
        };
        let job = Job {
            reference: "kubernetes/job/t/x".to_owned(),
            state: State::Starting,
            tasks: vec![task],
            ..Job::default()
        };
        let source = LogSource::of_job(&job).remove(0);
        (SourceLog::new(source, &LogParams::default()), job)
    }

    #[test]
    fn a_container_that_crashes_or_cannot_start_is_reported_as_such() {
        let run = Termination {
            state: State::Failed,
            exit_code: Some(139),
            ..Termination::default()
        };
        let (log, job) = waiting("CrashLoopBackOff", Some(run));
        let hint = Some("use: joblens describe kubernetes/job/t/x");
        let crashed = not_started(&log.source, &job, false);
        let text = "x-abc/main was restarted 14 times, last exit code 139, and wrote nothing";
        assert_eq!((&*crashed.message, crashed.hint.as_deref()), (text, hint));
        let previous = no_previous(&log.source, &job, None);
        let text = "x-abc/main has no previous log: the run before its last restart wrote nothing, or its log \
                    was removed";
        assert_eq!((&*previous.message, previous.hint.as_deref()), (text, hint));
        let (log, job) = waiting("ImagePullBackOff", None);
        let stuck = not_started(&log.source, &job, false);
        let text = "x-abc/main has not started: ImagePullBackOff; the job is starting";
        assert_eq!((&*stuck.message, stuck.hint.as_deref()), (text, hint));
    }
}
