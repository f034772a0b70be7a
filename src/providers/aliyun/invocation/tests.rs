use serde_json::{Value, json};

use super::{INVOCATION, Results, ResultsPage, Status};
use crate::error::{Category, Problem};
use crate::model::{Job, Notice, State};
use crate::providers::aliyun::tests::{invocation, shown};
use crate::test_support::kinds::check_kind;

check_kind!(
    &INVOCATION,
    essential: [
        "CommandId", "InvokeStatus", "InvokeInstances", "InvokeInstances.InvokeInstance",
    ],
    evidence: [
        "InvokeInstances.InvokeInstance[]",
        "InvokeInstances.InvokeInstance[].InstanceId",
        "InvokeInstances.InvokeInstance[].InstanceInvokeStatus",
        "InvocationResults",
        "InvocationResults.InvocationResult",
        "InvocationResults.InvocationResult[]",
        "InvocationResults.InvocationResult[].CommandId",
        "InvocationResults.InvocationResult[].InstanceId",
        "InvocationResults.InvocationResult[].InvokeRecordStatus",
        "InvocationResults.InvocationResult[].ExitCode",
        "InvocationResults.InvocationResult[].Success",
    ]
);

fn status(word: &str, nodes: &[(&str, &str)]) -> Status {
    let nodes: Vec<Value> = nodes
        .iter()
        .map(|(id, word)| json!({"InstanceId": id, "InstanceInvokeStatus": word}))
        .collect();
    let body = json!({"RequestId": "R", "CommandId": "c", "InvokeStatus": word,
        "InvokeInstances": {"InvokeInstance": nodes}});
    Status::decode(body.to_string().as_bytes(), "c").unwrap()
}

fn page(total: Value, results: Value) -> ResultsPage {
    let body = json!({"RequestId": "R", "TotalCount": total,
        "InvocationResults": {"InvocationResult": results}});
    ResultsPage::decode(body.to_string().as_bytes(), "c").unwrap()
}

fn finished(nodes: &[(&str, &str)], results: Value, trust: bool) -> (Job, Vec<Notice>) {
    let mut all = Results::default();
    let count = results.as_array().unwrap().len();
    all.add(page(json!(count), results));
    status("Finished", nodes).into_job(invocation("c"), &[], Some(all), trust)
}

const TWO: &[(&str, &str)] = &[("i-1", "Finished"), ("i-2", "Finished")];

fn exit(node: &str, code: Value, success: Value) -> Value {
    json!({"InstanceId": node, "InvokeRecordStatus": "Finished", "ExitCode": code, "Success": success})
}

#[test]
fn a_finished_invocation_succeeds_if_every_node_has_exit_code_0() {
    let (job, notices) = finished(
        TWO,
        json!([
            exit("i-1", json!(0), json!(true)),
            exit("i-2", json!("0"), json!(null))
        ]),
        false,
    );
    assert_eq!(
        (job.state, job.ended, job.exit_code),
        (State::Succeeded, true, Some(0))
    );
    assert!(notices.is_empty());
    assert_eq!(shown(job)["details"]["exit_codes"], "known");
}

#[test]
fn a_nonzero_exit_code_or_success_false_of_a_node_is_a_failure() {
    let with = |code: Value, success: Value| {
        let ok = exit("i-1", json!(0), json!(true));
        let (job, _) = finished(TWO, json!([ok, exit("i-2", code, success)]), true);
        (job.state, job.exit_code, job.message.unwrap())
    };
    assert_eq!(
        with(json!(3), json!(true)),
        (State::Failed, Some(3), "node i-2: exit code 3".to_owned())
    );
    assert_eq!(
        with(json!(0), json!(false)),
        (
            State::Failed,
            Some(0),
            "node i-2: exit code 0, Success is false".to_owned()
        )
    );
    assert_eq!(with(json!(null), json!(false)).0, State::Failed);
}

#[test]
fn finished_without_all_exit_codes_is_unknown_unless_trusted() {
    let ok = exit("i-1", json!(0), json!(true));
    let running = json!({"InstanceId": "i-2", "InvokeRecordStatus": "Running", "ExitCode": 0});
    let stopped = json!({"InstanceId": "i-2", "InvokeRecordStatus": "Stopped", "ExitCode": 0});
    let cases = [
        json!([ok]),
        json!([ok, exit("i-2", json!(null), json!(true))]),
        json!([ok, exit("i-3", json!(0), json!(true))]),
        json!([ok, running]),
        json!([ok, stopped]),
        json!([]),
    ];
    for results in cases {
        let (job, notices) = finished(TWO, results.clone(), false);
        assert_eq!((job.state, job.ended), (State::Unknown, true), "{results}");
        assert_eq!(job.reason.as_deref(), Some("exit codes unavailable"));
        assert_eq!(notices[0].code.as_str(), "exit_codes_unread");
        assert_eq!(job.exit_code, None);
        let (trusted, _) = finished(TWO, results, true);
        assert_eq!(trusted.state, State::Succeeded);
        assert_eq!(shown(trusted)["details"]["exit_codes"], "unknown");
    }
    assert_eq!(finished(&[], json!([]), false).0.state, State::Unknown);
}

#[test]
fn a_failure_on_a_page_counts_even_if_other_pages_are_unread() {
    let mut results = Results::default();
    assert!(results.add(page(
        json!(60),
        json!([exit("i-1", json!(9), json!(false))])
    )));
    results.fail(&Problem::new(Category::PermissionDenied, "not authorized"));
    let (job, notices) =
        status("Finished", TWO).into_job(invocation("c"), &[], Some(results), true);
    assert_eq!((job.state, job.exit_code), (State::Failed, Some(9)));
    assert!(notices[0].message.contains("not authorized"));
}

#[test]
fn a_node_that_failed_to_run_fails_a_finished_invocation() {
    let nodes = [("i-1", "Finished"), ("i-2", "Failed")];
    let ok = exit("i-1", json!(0), json!(true));
    let (job, _) = finished(&nodes, json!([ok]), true);
    assert_eq!(job.state, State::Failed);
    assert_eq!(job.message.as_deref(), Some("node i-2: failed to run"));
}

#[test]
fn the_worst_of_several_results_of_a_node_counts() {
    let nodes = [("i-1", "Finished")];
    let twice = json!([
        exit("i-1", json!(0), json!(true)),
        exit("i-1", json!(4), json!(false))
    ]);
    assert_eq!(finished(&nodes, twice, false).0.exit_code, Some(4));
}

#[test]
fn two_results_of_one_node_do_not_count_as_two_nodes() {
    let mut results = Results::default();
    let twice = json!([
        exit("i-1", json!(0), json!(true)),
        exit("i-1", json!(0), json!(null))
    ]);
    results.add(page(json!(2), twice));
    let (job, _) = status("Finished", &[]).into_job(invocation("c"), &[], Some(results), false);
    assert_eq!(job.state, State::Unknown);
}

#[test]
fn a_second_result_that_differs_only_in_its_state_word_counts() {
    let silent = |word: &str| json!({"InstanceId": "i-1", "InvokeRecordStatus": word});
    let both = json!([silent("Finished"), silent("Failed")]);
    assert_eq!(
        finished(&[("i-1", "Finished")], both, true).0.state,
        State::Failed
    );
}

#[test]
fn a_node_that_is_listed_twice_is_one_node() {
    let nodes = [("i-1", "Finished"), ("i-1", "Finished")];
    let (job, _) = finished(&nodes, json!([exit("i-1", json!(0), json!(true))]), false);
    assert_eq!((job.state, job.tasks.len()), (State::Succeeded, 1));
}

#[test]
fn states_other_than_finished_need_no_results_of_nodes() {
    let read = |word: &str, node: &str| {
        let (job, notices) =
            status(word, &[("i-1", node)]).into_job(invocation("c"), &[], None, true);
        (job.state, job.ended, job.tasks[0].state, notices.len())
    };
    use State::*;
    assert_eq!(read("Running\n", "Running"), (Running, false, Running, 0));
    assert_eq!(read("Running", "Finished"), (Running, false, Unknown, 0));
    assert_eq!(read("Stopped", "Stopped"), (Canceled, true, Canceled, 0));
    assert_eq!(read("failed", "Failed"), (Failed, true, Failed, 0));
    assert_eq!(read("Zombie", "Ghost"), (Unknown, false, Unknown, 2));
}

#[test]
fn pages_of_results_are_requested_until_the_total_a_repetition_or_the_limit() {
    let numbered = |from: usize, count: usize| {
        let list: Vec<Value> = (from..from + count)
            .map(|n| exit(&format!("i-{n}"), json!(0), json!(true)))
            .collect();
        Value::Array(list)
    };
    let mut results = Results::default();
    assert_eq!(results.next_page(), 1);
    assert!(results.add(page(json!(101), numbered(0, 50))));
    assert!(results.add(page(json!(101), numbered(50, 50))));
    assert_eq!(results.next_page(), 3);
    assert!(!results.add(page(json!(101), numbered(100, 1))));
    let (job, notices) =
        status("Finished", &[]).into_job(invocation("c"), &[], Some(results), false);
    assert_eq!(
        (job.state, job.tasks.len(), notices.len()),
        (State::Succeeded, 101, 0)
    );

    let mut same_page = Results::default();
    assert!(same_page.add(page(json!(1_000_000_000), numbered(0, 50))));
    assert!(!same_page.add(page(json!(1_000_000_000), numbered(0, 50))));
    let (job, _) = status("Finished", &[]).into_job(invocation("c"), &[], Some(same_page), false);
    assert_eq!(job.state, State::Unknown);

    // A smaller total on a later page is ignored.
    let mut falling = Results::default();
    assert!(falling.add(page(json!(60), numbered(0, 50))));
    assert!(!falling.add(page(json!(50), json!([]))));
    let (job, _) = status("Finished", &[]).into_job(invocation("c"), &[], Some(falling), false);
    assert_eq!(job.state, State::Unknown);

    let mut endless = Results::default();
    let requested = (0..)
        .take_while(|n| endless.add(page(json!(null), numbered(n * 50, 50))))
        .count();
    assert_eq!(requested, 199);
    let mut no_total = Results::default();
    assert!(!no_total.add(page(json!(null), numbered(0, 49))));
}

#[test]
fn a_missing_empty_or_unwrapped_list_of_nodes_is_accepted() {
    for nodes in [
        json!(null),
        json!({}),
        json!(""),
        json!([]),
        json!({"InvokeInstance": null}),
    ] {
        let body = json!({"CommandId": "c", "InvokeStatus": "Running", "InvokeInstances": nodes});
        let status = Status::decode(body.to_string().as_bytes(), "c").unwrap();
        let (job, _) = status.into_job(invocation("c"), &[], None, false);
        assert_eq!((job.state, job.tasks.len()), (State::Running, 0));
    }
    let body = br#"{"RequestId":"R","CommandId":"c","InvokeInstances":[{"InstanceId":"i-1"}]}"#;
    let (job, _) = Status::decode(body, "c")
        .unwrap()
        .into_job(invocation("c"), &[], None, false);
    assert_eq!(job.tasks[0].node.as_deref(), Some("i-1"));
}

#[test]
fn responses_that_are_invalid_or_about_another_command_are_errors() {
    let bomb = r#"<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;">]>
        <ListInvocationStatusResponse><InvokeStatus>&lol2;</InvokeStatus></ListInvocationStatusResponse>"#;
    for body in [
        "{}",
        "[]",
        "",
        "<html><body>502</body></html>",
        "<ListInvocationStatusResponse/>",
        "<ListInvocationStatusResponse></ListInvocationStatusResponse>",
        r#"{"InvokeInstances":{"InvokeInstance":[]}}"#,
        r#"{"InvokeStatus":"Finished","CommandId":"other"}"#,
        r#"{"InvokeStatus":"Finished","CommandId":null}"#,
        r#"{"RequestId":"R","InvokeStatus":"Finished"}"#,
        bomb,
    ] {
        assert!(Status::decode(body.as_bytes(), "c").is_err(), "{body}");
    }
    let other =
        r#"{"InvocationResults":{"InvocationResult":[{"CommandId":"other","ExitCode":0}]}}"#;
    for body in ["{}", "<html/>", other] {
        assert!(ResultsPage::decode(body.as_bytes(), "c").is_err(), "{body}");
    }
}

mod unread;
mod unreadable;
