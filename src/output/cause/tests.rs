use super::*;
use crate::model::Time;

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
        explanation(&failed).unwrap(),
        "container 训练 exited with 137 (OOMKilled)"
    );
}

#[test]
fn a_running_task_in_a_crash_loop_explains_a_running_job() {
    let mut running = job(State::Running);
    running.reason = Some("CrashLoopBackOff".into());
    running.message = Some("back-off 5m0s restarting failed container".into());
    assert_eq!(explanation(&running), None);
    running.tasks = vec![Task {
        state: State::Running,
        reason: running.reason.clone().map(String::from),
        ..Task::default()
    }];
    let crashing = "CrashLoopBackOff: back-off 5m0s restarting failed container";
    assert_eq!(explanation(&running).unwrap(), crashing);
}

#[test]
fn an_evicted_pod_is_reported_with_its_reason() {
    let mut failed = job(State::Failed);
    (failed.reason, failed.message) = (None, None);
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
    assert_eq!(explanation(&failed).unwrap(), evicted);
    failed.tasks[0].reason = Some("Error".into());
    assert_eq!(
        explanation(&failed).unwrap(),
        "container main exited with 137"
    );
}

#[test]
fn only_a_failed_job_has_an_explanation() {
    assert_eq!(explanation(&job(State::Running)), None);
    assert_eq!(
        explanation(&job(State::Failed)).unwrap(),
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
    assert_eq!(
        explanation(&running).unwrap(),
        "2 warnings, last: BackOff: again"
    );
    assert!(needs_cause_line(&running));
}

/// Returns a job with pods whose containers ended with these codes at these seconds.
fn job_of_pods(state: State, pods: &[(&str, i64, &str)]) -> Job {
    let pod = |(name, code, second): &(&str, i64, &str)| Task {
        id: Some((*name).to_owned()),
        name: Some((*name).to_owned()),
        kind: "pod".into(),
        state: match code {
            0 => State::Succeeded,
            _ => State::Failed,
        },
        created_at: Time::from_rfc3339("2026-11-27T20:00:00Z"),
        finished_at: Time::from_rfc3339(&format!("2026-11-27T20:00:{second}Z")),
        containers: vec![Container {
            name: Some("main".into()),
            state: match code {
                0 => State::Succeeded,
                _ => State::Failed,
            },
            exit_code: Some(*code),
            reason: Some("Error".into()),
            ..Container::default()
        }],
        ..Task::default()
    };
    Job {
        name: Some("train".into()),
        state,
        ended: state.is_end(),
        tasks: pods.iter().map(pod).collect(),
        ..Job::default()
    }
}

#[test]
fn the_pod_that_failed_by_itself_is_named_with_the_reason_of_the_job() {
    let pods = [
        ("gang-0", 143, "31"),
        ("gang-5", 1, "30"),
        ("gang-6", 0, "30"),
    ];
    let mut failed = job_of_pods(State::Failed, &pods);
    failed.reason = Some("PodFailurePolicy".into());
    failed.message = Some(
        "Container main for pod t/gang-5 failed with exit code 1 matching FailJob rule at index 0; pod gang-5: \
         container main: Error, exit code 1"
            .into(),
    );
    assert_eq!(
        explanation(&failed).unwrap(),
        "container main of gang-5 exited with 1; 2 of 3 pods failed; PodFailurePolicy: Container main for pod \
         t/gang-5 failed with exit code 1 matching FailJob rule at index 0"
    );
}

#[test]
fn a_job_message_that_only_repeats_its_task_is_left_out() {
    let mut failed = job_of_pods(State::Failed, &[("a", 2, "30")]);
    for message in [
        "pod a: container main: Error, exit code 2",
        "a: exit code 2",
        "container main: exit code 2",
    ] {
        failed.message = Some(message.into());
        assert_eq!(
            explanation(&failed).unwrap(),
            "container main exited with 2",
            "{message}"
        );
    }
}

#[test]
fn the_last_line_of_a_traceback_or_of_long_output_is_shown() {
    let mut failed = job_of_pods(State::Failed, &[("a", 1, "30")]);
    failed.tasks[0].containers[0].message = Some(
        "Traceback (most recent call last):\n  File \"a.py\"\ntorch.OutOfMemoryError: CUDA\n"
            .into(),
    );
    assert_eq!(
        explanation(&failed).unwrap(),
        "container main exited with 1 (torch.OutOfMemoryError: CUDA)"
    );
    let mut invocation = job(State::Failed);
    invocation.reason = None;
    let output = "a\n".repeat(100);
    invocation.message = Some(format!("node n1: exit code 2: {output}tar: cannot open\n"));
    invocation.tasks = vec![Task {
        id: Some("n1".into()),
        state: State::Failed,
        ..Task::default()
    }];
    assert_eq!(explanation(&invocation).unwrap(), "n1: tar: cannot open");
    invocation.message = Some("node n1: exit code 2: first\ntar: cannot open\n".into());
    let whole = "node n1: exit code 2: first tar: cannot open";
    assert_eq!(explanation(&invocation).unwrap(), whole);
}

#[test]
fn failed_pods_of_a_running_job_are_counted() {
    let pods = [("a-0", 1, "10"), ("a-1", 1, "20"), ("a-2", 0, "30")];
    let mut running = job_of_pods(State::Running, &pods);
    running.tasks[1].created_at = Time::from_rfc3339("2026-11-27T20:00:15Z");
    assert_eq!(
        explanation(&running).unwrap(),
        "2 earlier pods failed (a-1: exited with 1)"
    );
    assert!(needs_cause_line(&running));
    running
        .tasks
        .iter_mut()
        .for_each(|task| task.containers.clear());
    assert_eq!(explanation(&running).unwrap(), "2 of 3 pods failed (a-0)");
}

#[test]
fn failed_pods_of_an_indexed_job_are_counted_with_their_indexes() {
    let pods = [("a-0", 1, "10"), ("a-1", 1, "20"), ("a-2", 0, "30")];
    let mut running = job_of_pods(State::Running, &pods);
    running.tasks[1].created_at = Time::from_rfc3339("2026-11-27T20:00:15Z");
    for (task, index) in running.tasks.iter_mut().zip([0, 3, 4]) {
        task.index = Some(index);
    }
    let text = "2 pods of 2 indexes failed (a-1: exited with 1)";
    assert_eq!(explanation(&running).unwrap(), text);
    running.tasks[0].index = Some(3);
    let text = "2 pods of index 3 failed (a-1: exited with 1)";
    assert_eq!(explanation(&running).unwrap(), text);
}

#[test]
fn the_waiting_reason_of_a_job_comes_before_its_newest_warning() {
    let warning = |reason: &str, message: &str| Event {
        level: Some(Level::Warning),
        reason: Some(reason.into()),
        message: Some(message.into()),
        ..Event::default()
    };
    let mut waiting = Job {
        state: State::Pending,
        reason: Some("Unschedulable".into()),
        message: Some("0/3 nodes are available".into()),
        warning_count: 2,
        events: vec![
            warning("DNSConfigForming", "too many nameservers"),
            warning("FailedScheduling", "0/3 nodes are available"),
        ],
        ..Job::default()
    };
    assert_eq!(
        explanation(&waiting).unwrap(),
        "Unschedulable: 0/3 nodes are available; 2 warnings, last: DNSConfigForming: too many nameservers"
    );
    waiting.events.remove(0);
    waiting.warning_count = 1;
    waiting.reason = Some("FailedScheduling".into());
    let once = "FailedScheduling: 0/3 nodes are available; 1 warning";
    assert_eq!(explanation(&waiting).unwrap(), once);
}

#[test]
fn a_warning_that_repeats_the_cause_is_only_counted() {
    let mut failed = job_of_pods(State::Failed, &[("a", 137, "30")]);
    let text = "The node was low on resource: memory. ";
    failed.tasks[0].reason = Some("Evicted".into());
    failed.tasks[0].message = Some(text.into());
    failed.warning_count = 1;
    failed.events = vec![Event {
        level: Some(Level::Warning),
        reason: Some("Evicted".into()),
        message: Some(text.into()),
        ..Event::default()
    }];
    let evicted = "a failed: Evicted: The node was low on resource: memory; 1 warning";
    assert_eq!(explanation(&failed).unwrap(), evicted);
}
