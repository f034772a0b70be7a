//! Groups that are being deleted, and groups that may have been replaced.

use serde_json::{Value, json};

use super::{group, read, state_and_warning};
use crate::model::State;

fn at(minute: u32) -> String {
    format!("2026-01-02T03:{minute:02}:00Z")
}

/// Returns a group that is being deleted, with the states of its main containers.
fn deleted(states: &[Value]) -> Value {
    let mut group = group("Terminating", &[]);
    let containers = states.iter();
    let containers = containers.map(|state| json!({"Name": "c", "CurrentState": state}));
    group["Containers"] = containers.collect();
    group
}

fn ended(code: i64, reason: &str) -> Value {
    json!({"State": "Terminated", "ExitCode": code, "Reason": reason})
}

#[test]
fn a_failure_of_a_group_that_is_being_deleted_counts() {
    let with_time = |field: &str, mut group: Value| {
        group[field] = json!(at(2));
        group
    };
    let both = |group: Value| with_time("SucceededTime", with_time("FailedTime", group));
    for (group, expected) in [
        (deleted(&[ended(1, "Error")]), State::Failed),
        (deleted(&[ended(137, "OOMKilled")]), State::Failed),
        (deleted(&[json!({"ExitCode": 1})]), State::Failed),
        // Its deletion may have stopped it.
        (deleted(&[ended(137, "Error")]), State::Unknown),
        (
            with_time("FailedTime", deleted(&[ended(137, "Error")])),
            State::Failed,
        ),
        (with_time("FailedTime", deleted(&[])), State::Unknown),
        (both(deleted(&[ended(0, "Completed")])), State::Succeeded),
        (deleted(&[json!({"State": "Running"})]), State::Unknown),
        (deleted(&[ended(0, "Completed")]), State::Succeeded),
        // A sidecar.
        (
            deleted(&[ended(0, "Completed"), ended(143, "Error")]),
            State::Succeeded,
        ),
        (
            deleted(&[ended(0, "Completed"), json!({"State": "Running"})]),
            State::Succeeded,
        ),
        (
            deleted(&[
                ended(0, "Completed"),
                json!({"State": "Running", "Reason": "Error"}),
            ]),
            State::Unknown,
        ),
        (deleted(&[json!({"State": "Waiting"})]), State::Succeeded),
        (
            deleted(&[json!({"State": "Waiting", "Reason": "ContainerCreating"})]),
            State::Succeeded,
        ),
        (
            deleted(&[json!({"State": "Waiting", "Reason": "CrashLoopBackOff"})]),
            State::Unknown,
        ),
        (deleted(&[json!({"State": "Zombie"})]), State::Unknown),
        (deleted(&[json!({})]), State::Succeeded),
        (deleted(&[]), State::Succeeded),
    ] {
        let groups = json!([super::group("Succeeded", &[0]), group]);
        let job = read(&groups);
        assert_eq!(job.state, expected, "{group}");
        assert_eq!(job.tasks[1].state_raw.as_deref(), Some("Terminating"));
    }
}

#[test]
fn only_a_group_with_the_same_name_replaces_a_failed_one() {
    let named = |name: &str, status: &str, start: u32, end: u32| {
        let mut group = group(status, &[i64::from(status != "Succeeded")]);
        let field = match status {
            "Terminating" => "FailedTime".to_owned(),
            _ => format!("{status}Time"),
        };
        group["ContainerGroupName"] = json!(name);
        group["CreationTime"] = json!(at(start));
        group[field] = json!(at(end));
        group
    };
    let unknown = "the job has succeeded, but group rank-0 failed, and it is not certain that group rank-1 replaced it";
    for (failed, next, status, expected) in [
        ("rank-0", "rank-0", "Failed", State::Succeeded),
        ("rank-0", "rank-0-7xk2p", "Failed", State::Succeeded),
        ("rank-0-b4ckd", "rank-0-7xk2p", "Failed", State::Succeeded),
        ("rank-0", "rank-0", "Terminating", State::Succeeded),
        ("rank-0", "rank-1", "Failed", State::Unknown),
        ("rank-0", "rank-1", "Terminating", State::Unknown),
        ("rank-0", "", "Failed", State::Unknown),
        ("", "", "Failed", State::Unknown),
    ] {
        let groups = [named(failed, status, 1, 2), named(next, "Succeeded", 3, 4)];
        let job = read(&json!(groups));
        assert_eq!(job.state, expected, "{failed} {next} {status}");
        let warning = state_and_warning(&groups).1;
        assert_eq!(warning.is_some(), expected == State::Succeeded);
        if next == "rank-1" {
            assert_eq!(job.message.as_deref(), Some(unknown));
        }
    }
    let groups = json!([
        named("rank-0", "Failed", 1, 2),
        named("rank-1", "Failed", 1, 2),
        named("rank-1", "Succeeded", 3, 4),
    ]);
    assert_eq!(read(&groups).state, State::Failed, "nothing follows rank-0");
}

#[test]
fn a_failed_group_that_is_being_deleted_may_have_been_replaced_if_its_end_is_not_known() {
    let named = |name: &str, mut group: Value, start: Option<u32>| {
        group["ContainerGroupName"] = json!(name);
        group["CreationTime"] = json!(start.map(at));
        group
    };
    let failed = |start| named("rank-0", deleted(&[ended(1, "Error")]), start);
    let good = |name: &str, start| named(name, group("Succeeded", &[0]), start);
    let unknown = "the job has succeeded, but group rank-0 failed, and it is not certain that group rank-0 replaced it";
    for groups in [
        json!([failed(Some(1)), good("rank-0", Some(2))]),
        json!([failed(None), good("rank-0", Some(2))]),
        json!([failed(Some(1)), good("rank-0", None)]),
        json!([failed(Some(1)), failed(Some(2)), good("rank-0", Some(3))]),
    ] {
        let job = read(&groups);
        assert_eq!((job.state, job.ended), (State::Unknown, false), "{groups}");
        assert_eq!(job.message.as_deref(), Some(unknown), "{groups}");
    }
    for groups in [
        json!([failed(Some(2)), good("rank-0", Some(1))]),
        json!([failed(Some(1)), good("rank-1", Some(2))]),
        json!([failed(Some(1)), failed(Some(1)), good("rank-0", Some(2))]),
        json!([failed(None), failed(None), good("rank-1", Some(2))]),
        json!([good("rank-0", Some(1)), failed(Some(2)), failed(Some(3))]),
    ] {
        assert_eq!(read(&groups).state, State::Failed, "{groups}");
    }
}
