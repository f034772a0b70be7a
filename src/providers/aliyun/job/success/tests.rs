mod groups;

use serde_json::{Value, json};

use crate::model::{Job, NoticeCode, Reason, State};
use crate::providers::aliyun::tests::{job, read_jobs};

fn read(groups: &Value) -> Job {
    let info = json!({"JobId": "5", "State": "Succeeded", "ContainerGroups": groups});
    let body = json!({"TotalCount": 1, "RequestId": "R", "JobInfos": [info]});
    let read = read_jobs(body.to_string().as_bytes(), job("5"), &[]);
    read.unwrap().0
}

fn group(status: &str, codes: &[i64]) -> Value {
    let container = |code: &i64| json!({"Name": "c", "CurrentState": {"State": "Terminated", "ExitCode": code}});
    let containers: Vec<_> = codes.iter().map(container).collect();
    json!({"ContainerGroupName": status, "Status": status, "Containers": containers})
}

fn state(groups: &[Value]) -> State {
    read(&json!(groups)).state
}

#[test]
fn a_failed_group_makes_a_succeeded_job_failed() {
    let failed = read(&json!([group("Succeeded", &[0]), group("Failed", &[137])]));
    assert_eq!((failed.state, failed.exit_code), (State::Failed, Some(137)));
    assert!(failed.message.unwrap().contains("137"));
    for word in ["Failed", "Expired", "ScheduleFailed"] {
        assert_eq!(state(&[group(word, &[])]), State::Failed, "{word}");
    }
}

#[test]
fn a_group_that_has_not_ended_leaves_a_success_undecided() {
    for word in ["Running", "Pending", "Restarting", "Zombie", ""] {
        let open = read(&json!([group("Succeeded", &[0]), group(word, &[])]));
        assert_eq!((open.state, open.ended), (State::Unknown, false), "{word}");
        assert_eq!(open.reason, Some(Reason::SubtasksUnread));
        assert!(open.message.unwrap().contains("the job has succeeded, but"));
    }
    assert_eq!(state(&[json!(null)]), State::Unknown);
    let groups = [group("Running", &[]), group("Failed", &[1])];
    assert_eq!(
        state(&groups),
        State::Failed,
        "a failure decides even if other parts are unknown"
    );
}

#[test]
fn succeeded_terminating_or_missing_groups_confirm_a_success() {
    for groups in [json!([]), json!(null), json!({}), json!("")] {
        assert_eq!(read(&groups).state, State::Succeeded, "{groups}");
    }
    let good = group("Succeeded", &[0]);
    for other in ["Succeeded", "Terminating"] {
        assert_eq!(state(&[good.clone(), group(other, &[0])]), State::Succeeded);
    }
}

#[test]
fn a_bad_exit_code_of_a_main_container_makes_a_succeeded_job_failed() {
    let codes = |codes: &[i64]| state(&[group("Succeeded", codes)]);
    assert_eq!(codes(&[137]), State::Failed);
    assert_eq!(codes(&[1]), State::Failed);
    assert_eq!(codes(&[0, 1]), State::Failed);
    assert_eq!(codes(&[143, 137]), State::Failed);
    assert_eq!(codes(&[0, 143]), State::Succeeded, "a side container");
    let mut memory = group("Succeeded", &[0, 137]);
    memory["Containers"][1]["CurrentState"]["Reason"] = json!("OOMKilled\n");
    assert_eq!(state(&[memory]), State::Failed);
    for word in [json!(null), json!("")] {
        let mut nameless = group("Succeeded", &[1]);
        nameless["Containers"][0]["CurrentState"]["State"] = word;
        let failed = read(&json!([nameless]));
        assert_eq!((failed.state, failed.exit_code), (State::Failed, Some(1)));
    }
}

#[test]
fn a_failed_group_that_was_replaced_by_a_later_one_is_ignored() {
    let at = |minute: u32| format!("2026-01-02T03:{minute:02}:00Z");
    let timed = |status: &str, start: u32, end: u32| {
        let code = i64::from(status == "Failed");
        let mut group = group(status, &[code]);
        group["ContainerGroupName"] = json!("rank-0");
        group["CreationTime"] = json!(at(start));
        group[format!("{status}Time")] = json!(at(end));
        group
    };
    let retried = [timed("Failed", 1, 2), timed("Failed", 3, 4)];
    let good = timed("Succeeded", 5, 6);
    assert_eq!(
        state(&[&retried[..], std::slice::from_ref(&good)].concat()),
        State::Succeeded
    );
    assert_eq!(state(&retried), State::Failed, "the last attempt failed");
    let parallel = [timed("Failed", 1, 2), timed("Failed", 1, 2), good.clone()];
    assert_eq!(
        state(&parallel),
        State::Failed,
        "one group replaces one other"
    );
    assert_eq!(state(&[timed("Failed", 1, 5), good.clone()]), State::Failed);
    assert_eq!(state(&[timed("Failed", 3, 2)]), State::Failed);
    assert_eq!(state(&[group("Failed", &[1]), good.clone()]), State::Failed);
    let bad = json!({"Status": "Failed", "FailedTime": at(2)});
    assert_eq!(state(&[bad]), State::Failed);
    let (state, warning) = state_and_warning(&[timed("Failed", 1, 2), good]);
    let text = "the job has succeeded, but group rank-0 failed and a later group replaced it";
    let text = format!("{}: {text}", job("5").reference);
    assert_eq!((state, warning), (State::Succeeded, Some(text)));
}

/// Returns a succeeded group with a container that ended with 0, and a second one with this state.
fn group_with(list: &str, current: &Value) -> Value {
    let mut group = group("Succeeded", &[0]);
    let container = json!({"Name": "main", "CurrentState": current});
    match group[list].as_array_mut() {
        Some(containers) => containers.push(container),
        None => group[list] = json!([container]),
    }
    group
}

#[test]
fn a_container_that_contradicts_its_group_leaves_a_success_undecided() {
    let ended = |code: Value, signal: i64, reason: &str| json!({"State": "Terminated", "ExitCode": code, "Signal": signal, "Reason": reason});
    let main = [
        (
            ended(json!(0), 0, "OOMKilled\n"),
            "has the reason OOMKilled",
        ),
        (ended(json!(0), 9, "Completed"), "has the signal 9"),
        (ended(json!(0), 1, ""), "has the signal 1"),
        (ended(json!(null), 0, "Error"), "has the reason Error"),
        (ended(json!(null), 15, ""), "has the signal 15"),
        (json!({"State": "Running", "ExitCode": null}), "is Running"),
        (json!({"State": "Waiting"}), "is Waiting"),
        (json!({"State": "Zombie"}), "is Zombie"),
        // A missing state does not hide a failure.
        (json!({"Reason": "OOMKilled"}), "has the reason OOMKilled"),
        (
            json!({"State": null, "ExitCode": 0, "Reason": "Error"}),
            "has the reason Error",
        ),
        (json!({"State": "", "Signal": 9}), "has the signal 9"),
        (
            json!({"ExitCode": 0, "DetailStatus": "OOMKilled"}),
            "has the reason OOMKilled",
        ),
    ];
    let init = [
        (ended(json!(1), 0, "Error"), "has exit code 1"),
        (ended(json!(0), 0, "OOMKilled"), "has the reason OOMKilled"),
        (json!({"State": "Running"}), "is Running"),
        (json!({"ExitCode": 1}), "has exit code 1"),
        (
            json!({"State": "Waiting", "Reason": "CrashLoopBackOff"}),
            "is Waiting with the reason CrashLoopBackOff",
        ),
    ];
    let main = main.map(|case| ("Containers", "container", case));
    let init = init.map(|case| ("InitContainers", "init container", case));
    for (list, kind, (current, what)) in main.into_iter().chain(init) {
        let read = read(&json!([group_with(list, &current)]));
        let text = format!("the job has succeeded, but {kind} main of group Succeeded {what}");
        assert_eq!(read.message.as_deref(), Some(&*text), "{current}");
        assert_eq!((read.state, read.ended), (State::Unknown, false));
        assert_eq!(read.exit_code, None);
    }
}

/// Reads a job with these groups: its state, and the notice about parts that failed.
fn state_and_warning(groups: &[Value]) -> (State, Option<String>) {
    let info = json!({"JobId": "5", "State": "Succeeded", "ContainerGroups": groups});
    let body = json!({"TotalCount": 1, "RequestId": "R", "JobInfos": [info]});
    let (job, notices) = read_jobs(body.to_string().as_bytes(), job("5"), &[]).unwrap();
    let mut notices = notices.into_iter();
    let warning = notices.find(|notice| notice.code == NoticeCode::FailedParts);
    (job.state, warning.map(|notice| notice.message))
}

#[test]
fn a_possible_failure_in_a_group_that_succeeded_is_a_warning() {
    let current = |code: Value, signal: i64, reason: &str| {
        let state =
            json!({"State": "Terminated", "ExitCode": code, "Signal": signal, "Reason": reason});
        group_with("Containers", &state)
    };
    let timed = |succeeded: Value, failed: &str| {
        let mut group = group("Succeeded", &[0]);
        group["SucceededTime"] = succeeded;
        group["FailedTime"] = json!(failed);
        group
    };
    let minute = |minute: u32| format!("2026-01-02T03:{minute:02}:00Z");
    let container = "container main of group Succeeded";
    let warning = |what: String| {
        let text = format!("{}: the job has succeeded, but {what}", job("5").reference);
        (State::Succeeded, Some(text))
    };
    let no_code = warning(format!("{container} has no exit code"));
    let failed = || warning(format!("group Succeeded failed at {}", minute(2)));
    for (group, expected) in [
        (current(json!(null), 0, ""), no_code.clone()),
        (current(json!(null), 0, "Completed"), no_code),
        // As in the example of the documentation.
        (
            current(json!(0), 1, "Completed"),
            warning(format!("{container} has the signal 1")),
        ),
        (timed(json!(minute(1)), &minute(2)), failed()),
        (timed(json!(null), &minute(2)), failed()),
        (
            timed(json!(minute(2)), &minute(1)),
            (State::Succeeded, None),
        ),
        (timed(json!(minute(1)), ""), (State::Succeeded, None)),
        (current(json!(0), 0, "Completed"), (State::Succeeded, None)),
        (current(json!(143), 15, "Error"), (State::Succeeded, None)),
        (
            group_with("InitContainers", &json!({"State": "Waiting"})),
            (State::Succeeded, None),
        ),
        (
            group_with("Containers", &json!(null)),
            (State::Succeeded, None),
        ),
    ] {
        assert_eq!(
            state_and_warning(std::slice::from_ref(&group)),
            expected,
            "{group}"
        );
    }
}
