use super::*;
use crate::model::Resources;

/// Returns a failed pod whose container ended with this code.
fn pod(name: &str, code: i64, seconds_before: i64) -> Task {
    Task {
        id: Some(name.into()),
        name: Some(name.into()),
        kind: "pod".into(),
        state: State::Failed,
        ended: true,
        exit_code: Some(code),
        created_at: at(seconds_before + 60),
        finished_at: at(seconds_before),
        containers: vec![Container {
            name: Some("main".into()),
            state: State::Failed,
            exit_code: Some(code),
            reason: Some("Error".into()),
            resources: Resources {
                memory_bytes: Some(1 << 30),
                ..Resources::default()
            },
            ..Container::default()
        }],
        ..Task::default()
    }
}

#[test]
fn an_eviction_comes_before_an_exit_code_without_a_guess_at_its_cause() {
    let mut failed = job(State::Failed);
    let mut evicted = pod("a", 137, 600);
    evicted.reason = Some("Evicted".into());
    evicted.message = Some("low on memory.".into());
    failed.tasks = vec![evicted];
    failed.events = vec![Event {
        message: Some("low on memory. ".into()),
        ..warning("Evicted", 600)
    }];
    let failed = settled(failed);
    assert_eq!(
        cause(&failed)[1..],
        [
            "  pod a failed: Evicted: low on memory.",
            "  container main exited with 137: killed (SIGKILL)",
            "  1 warning:",
            "    at the end: Evicted",
        ]
    );
    assert!(!page(&failed, Some(100), false).contains("kill -9"));
}

#[test]
fn the_reason_of_a_job_is_shown_below_the_cause_of_its_task() {
    let mut failed = job(State::Failed);
    failed.reason = Some("DeadlineExceeded".into());
    failed.message = Some("too long; pod b: container main: Error, exit code 1".into());
    failed.tasks = vec![pod("a", 143, 600), pod("b", 1, 630)];
    let failed = settled(failed);
    assert_eq!(
        cause(&failed)[1..],
        [
            "  container main of b exited with 1: application error",
            "  DeadlineExceeded: too long",
            "  2 of 2 pods failed",
        ]
    );
    let page = page(&failed, Some(100), false);
    let mut lines = page
        .lines()
        .map(|line| line.split_whitespace().collect::<Vec<_>>());
    assert!(
        lines.any(|line| line == ["Reason", "DeadlineExceeded"]),
        "{page}"
    );
    let mut only = failed;
    only.tasks.truncate(1);
    only.message = Some("too long; pod a: container main: Error, exit code 143".into());
    assert_eq!(
        cause(&only)[1..],
        [
            "  container main exited with 143: terminated (SIGTERM)",
            "  DeadlineExceeded: too long",
        ]
    );
}

#[test]
fn the_waiting_reason_of_a_container_is_shown_once() {
    let mut starting = job(State::Starting);
    starting.reason = Some("ImagePullBackOff".into());
    starting.message = Some("Back-off pulling image x: not found".into());
    let mut waits = pod("a", 0, 600);
    (waits.state, waits.ended) = (State::Starting, false);
    waits.containers[0] = Container {
        name: Some("main".into()),
        state: State::Pending,
        reason: starting.reason.clone().map(String::from),
        message: starting.message.clone(),
        ..Container::default()
    };
    starting.tasks = vec![waits];
    starting.events = vec![Event {
        count: Some(26),
        message: Some("Failed to pull x: not found".into()),
        ..warning("Failed", 60)
    }];
    starting.events.push(Event {
        message: Some("Back-off pulling image x".into()),
        ..warning("BackOff", 90)
    });
    assert_eq!(
        cause(&settled(starting))[1..],
        [
            "  ImagePullBackOff: Back-off pulling image x: not found",
            "  2 warnings, newest first:",
            "    1m ago, 26 times: Failed to pull x: not found",
            "    1m30s ago: BackOff",
        ]
    );
}

#[test]
fn an_exit_code_is_shown_once() {
    let mut failed = job(State::Failed);
    failed.exit_code = Some(3);
    failed.reason = Some("exit status 3".into());
    let failed = settled(failed);
    assert_eq!(cause(&failed)[1], "  exited with 3");
    assert!(!page(&failed, Some(100), false).contains("Reason"));
}

#[test]
fn earlier_failed_pods_of_a_running_job_are_counted() {
    let mut running = job(State::Running);
    let mut active = pod("a-2", 0, 10);
    (active.state, active.ended) = (State::Running, false);
    active.containers[0] = Container {
        state: State::Running,
        ..Container::default()
    };
    running.tasks = vec![pod("a-0", 1, 200), pod("a-1", 2, 100), active];
    assert_eq!(
        cause(&settled(running))[1..],
        ["  2 earlier pods failed (a-1: exited with 2)"]
    );
}
