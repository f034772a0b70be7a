//! Tests that a condition that does not concern the state hides none, and that an undecided job names the condition.

use super::*;
use crate::providers::kubernetes::custom::{JOBSET, KUBEFLOW_JOB};

async fn with_status(kind: &'static Kind, status: Value) -> Job {
    let metadata = json!({"name": "x", "namespace": "ci", "uid": "1", "generation": 1});
    let object = json!({"metadata": metadata, "spec": {"replicas": 2}, "status": status});
    get(kind, object).await.unwrap()
}

fn deployment(available: i64, conditions: &[Value]) -> Value {
    json!({
        "observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "readyReplicas": available,
        "availableReplicas": available, "conditions": conditions,
    })
}

fn overdue() -> Value {
    let mut overdue = condition("Progressing", "False");
    overdue["reason"] = "ProgressDeadlineExceeded".into();
    overdue
}

#[tokio::test]
async fn a_condition_of_another_type_that_cannot_be_read_does_not_affect_the_state() {
    let failed = || condition("Failed", "True");
    let jobset = |word: &str, other: Value| {
        let conditions = [condition(word, "True"), other];
        json!({"terminalState": word, "conditions": conditions})
    };
    for other in [
        json!({"type": "MyCheck"}),
        json!({"type": "MyCheck", "status": true}),
        json!({"type": "MyCheck", "status": ["True"]}),
    ] {
        let with = |word: &str| json!({"conditions": [condition(word, "True"), other]});
        let available = [condition("Available", "True"), other.clone()];
        let both = [overdue(), other.clone()];
        for (kind, status, state) in [
            (&JOB, with("Failed"), State::Failed),
            (&JOB, with("Complete"), State::Succeeded),
            (&JOB, with("FailureTarget"), State::Stopping),
            (&KUBEFLOW_JOB, with("Failed"), State::Failed),
            (&KUBEFLOW_JOB, with("Succeeded"), State::Succeeded),
            (&KUBEFLOW_JOB, with("Running"), State::Running),
            (&JOBSET, jobset("Failed", other.clone()), State::Failed),
            (
                &JOBSET,
                jobset("Completed", other.clone()),
                State::Succeeded,
            ),
            (&WORKLOAD, deployment(2, &available), State::Running),
            (&WORKLOAD, deployment(1, &both), State::Failed),
        ] {
            let found = with_status(kind, status.clone()).await;
            assert_eq!(found.state, state, "{kind}: {status}");
            assert_ne!(found.reason, Some(Reason::SubtasksUnread));
        }
    }
    let twice = json!([failed(), condition("X", "True"), condition("X", "False")]);
    let found = with_status(&JOB, json!({ "conditions": twice })).await;
    assert_eq!((found.state, found.ended), (State::Failed, true));
}

#[tokio::test]
async fn a_failure_is_decided_although_other_conditions_cannot_be_read() {
    for other in [
        json!({"type": "Suspended"}),
        json!({"status": "True"}),
        json!("x"),
    ] {
        let failed = json!([other, condition("Failed", "True")]);
        let only_field = json!({"terminalState": "Failed", "conditions": [other]});
        for (kind, status) in [
            (&JOB, json!({ "conditions": failed })),
            (&KUBEFLOW_JOB, json!({ "conditions": failed })),
            (&JOBSET, json!({ "conditions": failed })),
            (&JOBSET, only_field),
            (&WORKLOAD, deployment(1, &[other.clone(), overdue()])),
        ] {
            let found = with_status(kind, status.clone()).await;
            assert_eq!(found.state, State::Failed, "{kind}: {status}");
        }
    }
    let failed = || json!({"conditions": [condition("Failed", "True")]});
    let object = |spec: Value, status: Value| json!({"metadata": {"name": "x", "namespace": "ci"}, "spec": spec, "status": status});
    for (status, state) in [
        (failed(), State::Failed),
        (json!({"conditions": []}), State::Unknown),
    ] {
        let job = object(json!({"suspend": ["x"]}), status);
        assert_eq!(get(&JOBSET, job).await.unwrap().state, state);
    }
}

#[tokio::test]
async fn an_undecided_job_names_the_condition() {
    let pair = |first: (&str, &str), second: Value| json!([condition(first.0, first.1), second]);
    let no_status = |kind: &str| json!({"type": kind});
    for (kind, conditions, message) in [
        (
            &JOB,
            pair(("FailureTarget", "True"), no_status("Complete")),
            "the condition Complete has no status that can be read",
        ),
        (
            &JOB,
            pair(("Complete", "True"), no_status("Failed")),
            "the condition Failed has no status that can be read",
        ),
        (
            &JOB,
            pair(("Failed", "True"), condition("Failed", "False")),
            "the condition Failed is both True and False",
        ),
        (
            &JOB,
            pair(("Complete", "True"), condition("Complete", "False")),
            "the condition Complete is both True and False",
        ),
        (
            &JOB,
            json!([condition("Complete", "true")]),
            "the status of the condition Complete is not True, False or Unknown",
        ),
        (
            &JOB,
            pair(("Failed", "True"), condition("SuccessCriteriaMet", "True")),
            "the condition Failed is True, but the condition SuccessCriteriaMet is True",
        ),
        (
            &KUBEFLOW_JOB,
            pair(("Succeeded", "True"), json!({"status": "True"})),
            "a condition has no type that can be read",
        ),
        (&JOBSET, json!("x"), "the conditions cannot be read"),
    ] {
        let found = with_status(kind, json!({ "conditions": conditions })).await;
        assert_eq!(
            (found.state, found.ended, found.message.as_deref()),
            (State::Unknown, false, Some(message)),
            "{kind}: {conditions}"
        );
        assert_eq!(found.reason, Some(Reason::SubtasksUnread));
        assert_eq!(found.unread_cause, Some(Category::InvalidResponse));
    }
    let conditions = [no_status("Available")];
    let found = with_status(&WORKLOAD, deployment(2, &conditions)).await;
    let message = "the condition Available has no status that can be read";
    assert_eq!(
        (found.state, found.message.as_deref()),
        (State::Unknown, Some(message))
    );
}
