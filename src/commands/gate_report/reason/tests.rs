use std::time::Duration;

use super::super::GateState;
use super::*;
use crate::commands::lookup::LookupResult;
use crate::error::{Category, Problem, Stop};
use crate::gate::{GatePhase, decide};
use crate::model::{Container, Job, Reason, Task};
use crate::providers;
use crate::reference::{DEFAULT_PROFILE, Reference};

fn numbered(number: u32) -> Reference {
    let kind = providers::kinds()
        .find(|kind| kind.template.kind == "job")
        .unwrap();
    let segments = vec!["c".to_owned(), number.to_string()];
    Reference {
        kind,
        profile: DEFAULT_PROFILE.into(),
        segments,
        input: String::new().into(),
    }
}

fn job(state: State) -> LookupResult {
    Ok(Job {
        state,
        ended: state.is_end(),
        ..Job::default()
    })
}

fn killed() -> LookupResult {
    let container = Container {
        name: Some("main".into()),
        state: State::Failed,
        exit_code: Some(137),
        reason: Some("OOMKilled".into()),
        ..Container::default()
    };
    let task = Task {
        state: State::Failed,
        containers: vec![container],
        ..Task::default()
    };
    job(State::Failed).map(|job| Job {
        tasks: vec![task],
        message: Some("the job failed".into()),
        ..job
    })
}

fn failure(category: Category, message: &str) -> LookupResult {
    Err(Problem::new(category, message))
}

/// Returns the reason of a gate after 70 seconds, over the jobs `aliyun/job/c/1`, `aliyun/job/c/2` etc.
fn reason(policy: &GatePolicy, results: Vec<LookupResult>, status: GateStatus) -> String {
    let polled: Vec<PolledJob> = results
        .into_iter()
        .zip(1..)
        .map(|(result, number)| PolledJob::polled_once(&numbered(number), result))
        .collect();
    let evaluations = super::super::evaluate_all(&polled, policy, Duration::from_secs(70));
    let decision = decide(&evaluations, policy, GatePhase::Over).unwrap();
    let stats = GateStats {
        elapsed: Duration::from_secs(70),
        requests: 7,
        status,
    };
    of(&GateState {
        polled: &polled,
        evaluations: &evaluations,
        policy,
        decision: &decision,
        running_command: &|_| None,
        stats,
    })
}

fn all(condition: &str) -> GatePolicy {
    GatePolicy::new(Condition::parse(condition, &[]).unwrap())
}

fn any(condition: &str) -> GatePolicy {
    GatePolicy {
        any: true,
        ..all(condition)
    }
}

#[test]
fn a_failed_gate_names_the_first_failed_job_with_its_cause_and_counts() {
    let running = || job(State::Running);
    let failed = reason(
        &all("succeeded"),
        vec![running(), killed(), running(), running()],
        GateStatus::Certain,
    );
    assert_eq!(
        failed,
        "aliyun/job/c/2 failed: container main exited with 137 (OOMKilled); the job failed; 1 failed, 3 pending"
    );
    let mixed = vec![job(State::Succeeded), job(State::Canceled), killed()];
    assert_eq!(
        reason(&all("succeeded"), mixed, GateStatus::Certain),
        "aliyun/job/c/2 canceled; 1 canceled, 1 failed, 1 succeeded"
    );
    let none = vec![job(State::Canceled), job(State::Canceled)];
    assert_eq!(
        reason(&any("succeeded"), none, GateStatus::Certain),
        "none of 2 succeeded: aliyun/job/c/1 canceled; 2 canceled"
    );
}

#[test]
fn an_undecided_gate_names_the_first_reason_why_a_job_does_not_run() {
    let waiting = |reason: Option<&str>| {
        let reason = reason.map(Reason::from);
        job(State::Pending).map(|job| Job { reason, ..job })
    };
    let quota = || waiting(Some("FailedCreate"));
    let jobs = vec![waiting(None), quota(), waiting(Some("Unschedulable"))];
    assert_eq!(
        reason(&all("succeeded"), jobs, GateStatus::TimedOut),
        "timed out after 1m10s; 3 of 3 still pending: aliyun/job/c/1, aliyun/job/c/2 (FailedCreate), aliyun/job/c/3"
    );
    let policy = GatePolicy {
        start_timeout: Some(Duration::from_secs(60)),
        ..all("succeeded")
    };
    assert_eq!(
        reason(&policy, vec![quota()], GateStatus::Certain),
        "aliyun/job/c/1 (FailedCreate): not started after 70 s (pending)"
    );
}

#[test]
fn a_passed_gate_counts_the_jobs_that_met_its_condition() {
    let two = || vec![job(State::Succeeded), job(State::Succeeded)];
    let reason_of = |policy: GatePolicy, results| reason(&policy, results, GateStatus::Certain);
    assert_eq!(reason_of(all("succeeded"), two()), "2 of 2 succeeded");
    assert_eq!(reason_of(all("ended"), two()), "2 of 2 ended");
    assert_eq!(
        reason_of(all("running,succeeded"), two()),
        "2 of 2 running or succeeded"
    );
    let mixed = vec![job(State::Running), job(State::Succeeded)];
    assert_eq!(
        reason_of(any("succeeded"), mixed),
        "1 of 2 succeeded: aliyun/job/c/2"
    );
    assert_eq!(reason_of(all("succeeded"), vec![]), "no references given");
}

#[test]
fn an_undecided_gate_reports_why_it_stopped_and_the_active_jobs() {
    let mixed = || vec![job(State::Succeeded), job(State::Running)];
    let reason_of = |results, status| reason(&all("succeeded"), results, status);
    assert_eq!(
        reason_of(mixed(), GateStatus::TimedOut),
        "timed out after 1m10s; 1 of 2 still running: aliyun/job/c/2"
    );
    assert_eq!(
        reason_of(mixed(), GateStatus::Stopped(Stop::Interrupted)),
        "interrupted after 1m10s; 1 of 2 still running: aliyun/job/c/2"
    );
    assert_eq!(
        reason_of(mixed(), GateStatus::SingleCheck),
        "1 of 2 still running: aliyun/job/c/2"
    );
    let many = (0..5).map(|_| job(State::Running)).collect();
    assert_eq!(
        reason_of(many, GateStatus::SingleCheck),
        "5 of 5 still running: aliyun/job/c/1, aliyun/job/c/2, aliyun/job/c/3 and 2 more"
    );
}

#[test]
fn the_most_severe_cause_of_an_undecided_gate_comes_first() {
    let results = vec![
        job(State::Pending),
        failure(Category::NotFound, "no such job"),
        failure(Category::ServiceError, "HTTP 503"),
        failure(Category::ServiceError, "HTTP 503"),
    ];
    assert_eq!(
        reason(&all("succeeded"), results, GateStatus::TimedOut),
        "timed out after 1m10s; aliyun/job/c/3, aliyun/job/c/4: HTTP 503; \
         aliyun/job/c/2: not found; 1 of 4 still pending: aliyun/job/c/1"
    );
}

#[test]
fn reasons_beyond_the_first_few_are_only_counted() {
    let message = |number: i32| failure(Category::ServiceError, &format!("HTTP 50{number}"));
    let text = reason(
        &all("succeeded"),
        (1..=6).map(message).collect(),
        GateStatus::Certain,
    );
    assert!(
        text.ends_with("aliyun/job/c/4: HTTP 504; 2 more pending"),
        "{text}"
    );
}

#[test]
fn a_message_of_a_cloud_is_one_line_of_bounded_length() {
    let message = format!("Traceback:\n{}", "磁盘已满 ".repeat(200));
    let result = job(State::Failed).map(|job| Job {
        message: Some(message),
        ..job
    });
    let text = reason(&all("succeeded"), vec![result], GateStatus::Certain);
    assert!(
        text.starts_with("aliyun/job/c/1 failed: 磁盘已满 磁盘已满"),
        "{text}"
    );
    assert!(text.ends_with("…; 1 failed"), "{text}");
    assert!(text.chars().count() < 400 && !text.contains('\n'), "{text}");
}
