use crate::model::{Container, Event, Job, Level, State, Task};

/// Why a job is in its state, in one line; `None` when there is nothing to explain.
///
/// A job that failed, was canceled or is unknown is explained by the failed container of its newest
/// failed task, by that task, or by its own reason; one that does not run by its own reason or its newest
/// warning, and any other one by its newest warning.
pub fn why(job: &Job) -> Option<String> {
    let cause = cause(job).or_else(|| waits_for(job));
    let warnings = latest_warning(&job.events).map(|event| {
        let text =
            reason_text(event.reason.as_deref(), event.message.as_deref()).unwrap_or_default();
        match job.warning_count {
            1 => format!("1 warning: {text}"),
            count => format!("{count} warnings, last: {text}"),
        }
    });
    let parts: Vec<String> = [cause, warnings].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// Why a job failed, was canceled or is unknown, such as `container main exited with 137
/// (OOMKilled)`; `None` for any other job, and when nothing explains it.
pub fn cause(job: &Job) -> Option<String> {
    let ended_badly = matches!(job.state, State::Failed | State::Canceled | State::Unknown);
    let explained = || {
        container_text(job)
            .or_else(|| reason_text(job.reason.as_deref(), job.message.as_deref()))
            .or_else(|| task_text(job))
    };
    ended_badly.then(explained).flatten()
}

/// What a job waits for that does not run, or no longer runs.
fn waits_for(job: &Job) -> Option<String> {
    let waits = match job.state {
        State::Pending | State::Starting | State::Stopping => true,
        // A sidecar may run next to a container that does not.
        State::Running => {
            let mut waiting = job.tasks.iter().filter(|task| !task.ended);
            job.reason.is_some() && waiting.any(|task| task.reason == job.reason)
        }
        _ => false,
    };
    let has_warnings = job
        .events
        .iter()
        .any(|event| event.level == Some(Level::Warning));
    let reason = || reason_text(job.reason.as_deref(), job.message.as_deref());
    (waits && !has_warnings).then(reason).flatten()
}

/// True when the row of a job deserves a line of its own for its cause.
pub(super) fn needs_cause_line(job: &Job) -> bool {
    matches!(job.state, State::Failed | State::Canceled | State::Unknown) || job.warning_count > 0
}

/// The container that explains how a job failed, with its task.
pub(super) fn failed_container(job: &Job) -> Option<(&Task, &Container)> {
    let task = job.failed_task()?;
    Some((task, task.failed_container()?))
}

fn container_text(job: &Job) -> Option<String> {
    let (task, container) = failed_container(job)?;
    if is_removed(task, container) {
        return task_text(job);
    }
    let previous = container.previous.as_deref();
    let reason = container
        .reason
        .as_deref()
        .or_else(|| previous.and_then(|previous| previous.reason.as_deref()));
    let message = container
        .message
        .as_deref()
        .or_else(|| previous.and_then(|previous| previous.message.as_deref()));
    let detail = reason_text(reason, message).map_or_else(String::new, |text| format!(" ({text})"));
    Some(format!(
        "{} {}{detail}",
        name(container),
        exit_text(container)
    ))
}

/// True for a pod with a reason of its own for the failure, such as one that was evicted: its containers
/// were only stopped for that.
fn is_removed(pod: &Task, container: &Container) -> bool {
    pod.kind == "pod" && pod.reason.is_some() && pod.reason != container.reason
}

/// What a container is called: `init container setup`.
pub(super) fn name(container: &Container) -> String {
    let what = if container.init {
        "init container"
    } else {
        "container"
    };
    format!(
        "{what} {}",
        container.name.as_deref().unwrap_or("without a name").trim()
    )
}

fn exit_text(container: &Container) -> String {
    ended_with(container.exit_code, container.signal).unwrap_or_else(|| "failed".to_owned())
}

/// Exit code and signal as a sentence without its subject.
pub(super) fn ended_with(exit_code: Option<i64>, signal: Option<i64>) -> Option<String> {
    Some(match (exit_code, signal) {
        (Some(code), Some(signal)) => format!("exited with {code}, signal {signal}"),
        (Some(code), None) => format!("exited with {code}"),
        (None, Some(signal)) => format!("was terminated by signal {signal}"),
        (None, None) => return None,
    })
}

fn task_text(job: &Job) -> Option<String> {
    let task = job.failed_task()?;
    let name = task
        .name
        .as_deref()
        .or(task.id.as_deref())
        .unwrap_or("a task");
    let detail = reason_text(task.reason.as_deref(), task.message.as_deref())
        .map_or_else(String::new, |text| format!(": {text}"));
    Some(format!("{name} {}{detail}", task.state))
}

/// Reason and message without repetition.
pub fn reason_text(reason: Option<&str>, message: Option<&str>) -> Option<String> {
    let clean = |text: &str| {
        let text = text.trim();
        (!text.is_empty()).then(|| text.to_owned())
    };
    match (reason.and_then(clean), message.and_then(clean)) {
        (Some(reason), Some(message)) if message.contains(&reason) => Some(message),
        (Some(reason), Some(message)) => Some(format!("{reason}: {message}")),
        (reason, message) => reason.or(message),
    }
}

/// Events come newest first.
fn latest_warning(events: &[Event]) -> Option<&Event> {
    events
        .iter()
        .find(|event| event.level == Some(Level::Warning))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(state: State) -> Job {
        Job {
            state,
            reason: Some("OOMKilled".into()),
            message: Some("container main: exit code 137 (OOMKilled)".into()),
            ..Job::default()
        }
    }

    #[test]
    fn names_the_failed_container_and_its_exit_code() {
        let mut failed = job(State::Failed);
        failed.tasks = vec![Task {
            state: State::Failed,
            containers: vec![
                Container {
                    name: Some("side".into()),
                    state: State::Succeeded,
                    ..Container::default()
                },
                Container {
                    name: Some("训练".into()),
                    state: State::Failed,
                    exit_code: Some(137),
                    reason: Some("OOMKilled".into()),
                    ..Container::default()
                },
            ],
            ..Task::default()
        }];
        assert_eq!(
            why(&failed).unwrap(),
            "container 训练 exited with 137 (OOMKilled)"
        );
    }

    #[test]
    fn a_container_that_crashes_beside_one_that_runs_is_named() {
        let mut running = job(State::Running);
        running.reason = Some("CrashLoopBackOff".into());
        running.message = Some("back-off 5m0s restarting failed container".into());
        assert_eq!(why(&running), None);
        running.tasks = vec![Task {
            state: State::Running,
            reason: running.reason.clone(),
            ..Task::default()
        }];
        let crashing = "CrashLoopBackOff: back-off 5m0s restarting failed container";
        assert_eq!(why(&running).unwrap(), crashing);
    }

    #[test]
    fn a_pod_that_was_evicted_is_reported_as_such() {
        let mut failed = job(State::Failed);
        failed.tasks = vec![Task {
            name: Some("a".into()),
            kind: "pod".into(),
            state: State::Failed,
            reason: Some("Evicted".into()),
            message: Some("The node was low on resource: memory.".into()),
            containers: vec![Container {
                name: Some("main".into()),
                state: State::Failed,
                exit_code: Some(137),
                reason: Some("Error".into()),
                ..Container::default()
            }],
            ..Task::default()
        }];
        let evicted = "a failed: Evicted: The node was low on resource: memory.";
        assert_eq!(why(&failed).unwrap(), evicted);
        failed.tasks[0].reason = Some("Error".into());
        assert_eq!(
            why(&failed).unwrap(),
            "container main exited with 137 (Error)"
        );
    }

    #[test]
    fn a_job_that_goes_well_needs_no_explanation() {
        assert_eq!(why(&job(State::Running)), None);
        assert_eq!(
            why(&job(State::Failed)).unwrap(),
            "container main: exit code 137 (OOMKilled)"
        );
    }

    #[test]
    fn counts_warnings_and_quotes_the_newest() {
        let mut running = job(State::Running);
        running.warning_count = 2;
        running.events = vec![
            Event {
                level: Some(Level::Normal),
                reason: Some("Pulled".into()),
                ..Event::default()
            },
            Event {
                level: Some(Level::Warning),
                reason: Some("BackOff".into()),
                message: Some("again\n".into()),
                ..Event::default()
            },
            Event {
                level: Some(Level::Warning),
                reason: Some("Older".into()),
                ..Event::default()
            },
        ];
        assert_eq!(why(&running).unwrap(), "2 warnings, last: BackOff: again");
        assert!(needs_cause_line(&running));
    }
}
