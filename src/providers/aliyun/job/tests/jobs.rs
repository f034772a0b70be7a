use proptest::prelude::*;
use serde_json::{Value, json};

use crate::error::Category;
use crate::model::{Job, Notice, State};
use crate::providers::aliyun::tests::{fixture, job, read_jobs, shown};
use crate::providers::api::DecodeError;
use crate::test_support::processor_time;

fn decode(document: &Value, id: &str) -> Result<(Job, Vec<Notice>), DecodeError> {
    read_jobs(document.to_string().as_bytes(), job(id), &[])
}

fn one(info: Value) -> Value {
    json!({"TotalCount": 1, "RequestId": "R", "JobInfos": [info]})
}

#[test]
fn only_the_requested_job_is_read_from_a_response() {
    let two = json!({"TotalCount": 2, "JobInfos": [
        {"JobId": "4", "State": "Succeeded"}, {"JobId": 5, "State": "Running"}]});
    assert_eq!(decode(&two, "5").unwrap().0.state, State::Running);
    for other in [
        json!({"JobId": "6", "State": "Succeeded"}),
        json!({"State": "Succeeded"}),
    ] {
        assert!(matches!(
            decode(&one(other), "5"),
            Err(DecodeError::Invalid(_))
        ));
    }
}

#[test]
fn a_job_described_twice_in_two_states_is_an_invalid_response() {
    let twice = |state: &str| {
        json!({"TotalCount": 2, "JobInfos": [
            {"JobId": "5", "State": "Succeeded"}, {"JobId": "5", "State": state}]})
    };
    assert!(matches!(
        decode(&twice("Failed"), "5"),
        Err(DecodeError::Invalid(_))
    ));
    assert_eq!(
        decode(&twice("Succeeded"), "5").unwrap().0.state,
        State::Succeeded
    );
}

#[test]
fn a_container_of_a_succeeded_group_is_not_the_cause_of_a_failure() {
    let group = |name: &str, status: &str, code: i64| {
        json!({"ContainerGroupName": name, "Status": status, "Containers": [
            {"Name": "c", "CurrentState": {"State": "Terminated", "ExitCode": code}}]})
    };
    let document = one(json!({"JobId": "5", "State": "Failed", "ContainerGroups": [
        group("good", "Succeeded", 143), group("bad", "Failed", 137)]}));
    let (job, _) = decode(&document, "5").unwrap();
    assert_eq!(job.exit_code, Some(137));
    assert!(job.message.unwrap().contains("group bad"));
}

#[test]
fn an_empty_response_is_invalid_and_an_empty_list_means_not_found() {
    for document in [
        json!({}),
        json!({"RequestId": "R"}),
        json!({"RequestId": "R", "TotalCount": 1, "JobInfos": []}),
        json!({"JobInfos": {"JobInfo": []}}),
        json!([]),
        json!(null),
    ] {
        assert!(
            matches!(decode(&document, "5"), Err(DecodeError::Invalid(_))),
            "{document}"
        );
    }
    for document in [
        json!({"JobInfos": []}),
        json!({"RequestId": "R", "TotalCount": "0", "JobInfos": null}),
        json!({"TotalCount": 0}),
    ] {
        let miss = decode(&document, "5").unwrap_err();
        let DecodeError::Failed(miss) = miss else {
            panic!("{document}")
        };
        assert_eq!(miss.category, Category::NotFound, "{document}");
    }
    assert!(read_jobs(b"<html></html>", job("5"), &[]).is_err());
}

#[test]
fn a_count_that_differs_from_the_list_is_reported() {
    let document = json!({"TotalCount": 3, "JobInfos": [{"JobId": "5", "State": "Running"}]});
    let (_, notices) = decode(&document, "5").unwrap();
    assert_eq!(notices[0].code.as_str(), "count_mismatch");
    assert!(
        notices[0]
            .message
            .starts_with("aliyun/job/ehpc-hz-FYUr32/5: TotalCount is 3")
    );
}

#[test]
fn unknown_states_are_kept_and_each_is_reported_once() {
    let group = json!({"Status": "Zombie", "Containers": [
        {"CurrentState": {"State": "Ghost"}}, {"CurrentState": {"State": "Ghost\n"}}]});
    let document = one(json!({"JobId": "5", "State": "Suspended",
        "ContainerGroups": [group.clone(), group]}));
    let (job, notices) = decode(&document, "5").unwrap();
    assert_eq!((job.state, job.ended), (State::Unknown, false));
    assert_eq!(job.state_raw.as_deref(), Some("Suspended"));
    let text: Vec<_> = notices.iter().map(|notice| notice.code.as_str()).collect();
    assert_eq!(text, ["unknown_state"; 3]);

    let own = [("suspended".to_owned(), State::Stopping)];
    let body = document.to_string();
    let at = crate::providers::aliyun::tests::job("5");
    let (job, _) = read_jobs(body.as_bytes(), at, &own).unwrap();
    assert_eq!(job.state, State::Stopping);
}

#[test]
fn an_end_time_is_shown_only_if_the_job_has_ended() {
    let info = |state: &str| {
        one(
            json!({"JobId": "5", "State": state, "StartTime": 1_647_423_718,
            "EndTime": 1_647_423_720_000_i64}),
        )
    };
    let finished = |state| {
        decode(&info(state), "5")
            .unwrap()
            .0
            .finished_at
            .map(|time| time.rfc3339())
    };
    assert_eq!(finished("Running"), None);
    assert_eq!(finished("Weird"), None);
    assert_eq!(finished("Canceled").unwrap(), "2022-03-16T09:42:00Z");
}

#[test]
fn a_failed_job_names_its_container_and_exit_code() {
    let body = fixture("job/describe-serverless-jobs-failed.json");
    let (failed, _) = read_jobs(&body, job("5"), &[]).unwrap();
    assert_eq!(
        failed.message.as_deref(),
        Some(
            "container nginx of group rank-1: exit code 137 (OOMKilled): container exceeded its \
             memory limit"
        )
    );
    assert_eq!(
        (failed.reason.as_deref(), failed.exit_code),
        (Some("OOMKilled"), Some(137))
    );
    let codes: Vec<_> = failed.tasks.iter().map(|task| task.exit_code).collect();
    assert_eq!(codes, [Some(0), Some(137)]);
}

#[test]
fn a_restarted_container_shows_why_its_last_run_failed() {
    let document = one(
        json!({"JobId": "5", "State": "Failed", "ContainerGroups": [{
        "ContainerGroupId": "g", "Status": "Failed", "Containers": [{"Name": "main",
            "CurrentState": {"State": "Waiting", "Reason": "CrashLoopBackOff"},
            "PreviousState": {"State": "Terminated", "ExitCode": 2, "Reason": "Error"}}]}]}),
    );
    let (job, _) = decode(&document, "5").unwrap();
    assert_eq!(
        job.message.as_deref(),
        Some("container main of group g: exit code 2 (Error)")
    );
}

#[test]
fn a_group_that_never_ran_names_its_newest_warning() {
    let document = one(
        json!({"JobId": "5", "State": "Failed", "ContainerGroups": [{
        "ContainerGroupName": "g", "Status": "ScheduleFailed", "Events": [
            {"Type": "Warning", "Message": "old", "LastTimestamp": "2022-01-01T00:00:00Z"},
            {"Type": "Warning", "Message": "no stock", "LastTimestamp": "2022-01-01T00:00:09Z"},
            {"Type": "Normal", "Message": "created", "LastTimestamp": "2022-01-01T00:01:00Z"}]}]}),
    );
    let (job, _) = decode(&document, "5").unwrap();
    assert_eq!(job.reason.as_deref(), Some("ScheduleFailed"));
    assert_eq!(
        job.message.as_deref(),
        Some("group g: ScheduleFailed: no stock")
    );
    assert_eq!(job.exit_code, None);
}

#[test]
fn a_job_has_exit_code_0_only_when_every_container_has_it() {
    let job = |code: Value| {
        let document = one(
            json!({"JobId": "5", "State": "Succeeded", "ContainerGroups": [{
            "Status": "Succeeded", "Containers": [
                {"CurrentState": {"State": "Terminated", "ExitCode": 0}},
                {"CurrentState": {"State": "Terminated", "ExitCode": code}}]}]}),
        );
        let (job, _) = decode(&document, "5").unwrap();
        (job.state, job.exit_code)
    };
    assert_eq!(job(json!(0)), (State::Succeeded, Some(0)));
    assert_eq!(job(json!(null)), (State::Succeeded, None));
}

#[test]
fn resources_are_the_sum_of_the_groups_or_unknown() {
    let sum = |groups: Value| {
        let document = one(json!({"JobId": "5", "State": "Running", "ContainerGroups": groups}));
        decode(&document, "5").unwrap().0.resources
    };
    let all = sum(json!([{"Cpu": 2, "Memory": 0.5}, {"Cpu": "1.5", "Memory": 1.0}]));
    assert_eq!((all.cpu, all.memory_bytes), (Some(3.5), Some(3 << 29)));
    let some = sum(json!([{"Cpu": 2, "Memory": 4}, {"Cpu": null, "Memory": 4}]));
    assert_eq!((some.cpu, some.memory_bytes), (None, Some(8 << 30)));
    assert_eq!(sum(json!([])).cpu, None);
}

#[test]
fn a_subtask_has_its_index_and_a_range_marks_an_array_job() {
    let array = |id: &str, is_array: bool| {
        let document = one(
            json!({"JobId": id, "State": "Running", "IsArrayJob": is_array,
            "ArrayProperties": {"IndexStart": 1, "IndexEnd": 9, "IndexStep": 2}}),
        );
        decode(&document, id)
            .unwrap()
            .0
            .array
            .map(|array| array.index)
    };
    assert_eq!(array("10_3", true), Some(Some(3)));
    assert_eq!(array("10", true), Some(None));
    assert_eq!(array("10_x", true), Some(None));
    assert_eq!(array("10_3", false), None);
    assert_eq!(array("10", false), Some(None), "a range marks an array job");
}

#[test]
fn a_range_or_a_listed_subtask_marks_an_array_job() {
    let is_array = |fields: Value, others: &[Value]| {
        let mut info = json!({"JobId": "10", "State": "Running"});
        let fields = fields.as_object().unwrap().clone();
        info.as_object_mut().unwrap().extend(fields);
        let mut infos = vec![info];
        infos.extend_from_slice(others);
        let document = json!({"JobInfos": infos});
        decode(&document, "10").unwrap().0.array.is_some()
    };
    let range = json!({"IndexStart": 0, "IndexEnd": 0, "IndexStep": 1});
    assert!(is_array(json!({"ArrayProperties": range}), &[]));
    assert!(is_array(
        json!({"IsArrayJob": null}),
        &[json!({"JobId": "10_5"})]
    ));
    let nothing = json!({"IndexStart": 0, "IndexEnd": 0, "IndexStep": 0});
    assert!(!is_array(json!({"ArrayProperties": nothing}), &[]));
    assert!(!is_array(
        json!({"ArrayProperties": {}}),
        &[json!({"JobId": "11_5"})]
    ));
    assert!(!is_array(json!({}), &[]));
}

#[test]
fn fifty_events_of_a_group_are_reported_as_possibly_truncated() {
    let group = |events: usize| {
        let events = vec![json!({"Type": "Warning", "Count": 7}); events];
        json!({"ContainerGroupName": "g", "Events": events})
    };
    let document = one(json!({"JobId": "5", "State": "Running",
        "ContainerGroups": [group(50), group(49)]}));
    let (mut job, notices) = decode(&document, "5").unwrap();
    let text: Vec<_> = notices.iter().map(|notice| notice.code.as_str()).collect();
    assert_eq!(text, ["events_truncated"]);
    job.finalize(crate::model::Time::from_unix(1_700_000_000).unwrap());
    assert_eq!(job.warning_count, 99);
}

#[test]
fn the_time_to_read_groups_does_not_grow_quadratically() {
    let document: Value =
        serde_json::from_slice(&fixture("job/describe-serverless-jobs.json")).unwrap();
    let group = document["JobInfos"][0]["ContainerGroups"][0].to_string();
    let read = |count: usize| {
        let groups = vec![group.as_str(); count].join(",");
        let body = format!(r#"{{"JobInfos":[{{"JobId":"10_3","ContainerGroups":[{groups}]}}]}}"#);
        let begun = processor_time();
        let (job, _) = read_jobs(body.as_bytes(), job("10_3"), &[]).unwrap();
        assert_eq!((job.tasks.len(), job.events.len()), (count, 2 * count));
        processor_time() - begun
    };
    let (few, many) = (read(100), read(2_000));
    // There are 20 times as many; a quadratic cost would be 400 times as high.
    assert!(many < few * 120, "{few:?}, {many:?}");
}

/// Generates JSON of any shape for the keys that the reader uses.
fn any_response() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        Just(json!("5")),
        ".{0,8}".prop_map(Value::from),
        prop_oneof![
            Just("Running"),
            Just("Succeeded"),
            Just("Failed"),
            Just("Terminated")
        ]
        .prop_map(Value::from),
    ];
    let keys = prop_oneof![
        Just("JobInfos"),
        Just("JobId"),
        Just("State"),
        Just("ContainerGroups"),
        Just("Containers"),
        Just("CurrentState"),
        Just("ExitCode"),
        Just("EndTime"),
        Just("Events"),
        Just("Volumes"),
        Just("TotalCount"),
        Just("Memory"),
        Just("Args"),
        Just("EnvironmentVars"),
    ];
    leaf.prop_recursive(6, 64, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::vec((keys.clone(), inner), 0..6).prop_map(|pairs| {
                Value::Object(
                    pairs
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value))
                        .collect(),
                )
            }),
        ]
    })
}

proptest! {
    #[test]
    fn no_response_causes_a_panic_or_an_invented_success(info in any_response()) {
        let document = json!({"JobInfos": [info]});
        if let Ok((job, _)) = decode(&document, "5") {
            let word = document["JobInfos"][0]["State"].as_str().map(str::trim);
            prop_assert_eq!(job.state == State::Succeeded, word == Some("Succeeded"));
            shown(job);
        }
    }
}
