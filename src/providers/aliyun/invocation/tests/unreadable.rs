//! Tests of fields with another type than documented.

use super::*;
use crate::providers::test_support;

/// An unreadable field could be the state word or the flag that shows that a node failed.
#[test]
fn an_unreadable_id_state_or_exit_code_is_not_a_success() {
    let good = || exit("i-1", json!(0), json!(true));
    let exit_state = |node: &Value, result: &Value, trusts| {
        let nodes = json!({"RequestId": "R", "CommandId": "c", "InvokeStatus": "Finished", "InvokeInstances": [node]});
        let status = Status::decode(nodes.to_string().as_bytes(), "c").unwrap();
        let mut all = Results::default();
        all.add(page(json!(1), json!([result])));
        let (job, _) = status.into_job(invocation("c"), &[], Some(all), trusts);
        (job.state, job.ended)
    };
    let undecided = (State::Unknown, false);
    let node = json!({"InstanceId": "i-1", "InstanceInvokeStatus": "Finished"});
    let succeeded = (State::Succeeded, true);
    assert_eq!(exit_state(&node, &good(), false), succeeded);
    for trusts in [false, true] {
        for field in ["InstanceId", "InstanceInvokeStatus"] {
            let mut node = node.clone();
            node[field] = json!({"a": 1});
            let found = exit_state(&node, &good(), trusts);
            assert_eq!(found, undecided, "{field}");
        }
        for field in ["InstanceId", "InvokeRecordStatus", "ExitCode", "Success"] {
            let mut result = good();
            result[field] = json!({"a": 1});
            let found = exit_state(&node, &result, trusts);
            assert_eq!(found, undecided, "{field}");
        }
        let mut result = good();
        result["ExitCode"] = json!("3 (SIGQUIT)");
        assert_eq!(exit_state(&node, &result, trusts), undecided);
    }
    for body in [
        json!({"RequestId": "R", "CommandId": "c", "InvokeStatus": "Finished", "InvokeInstances": 7}),
        json!({"RequestId": "R", "CommandId": "c", "InvokeStatus": "Finished", "CommandId": {}}),
    ] {
        assert!(Status::decode(body.to_string().as_bytes(), "c").is_err());
    }
}

/// The same for XML, in which every value is text or an element.
#[test]
fn an_xml_element_of_another_type_does_not_change_the_state() {
    let fixture = |operation: &str| {
        let name = format!("aliyun/invocation/list-invocation-status{operation}.xml");
        String::from_utf8(test_support::read(&name)).unwrap()
    };
    let state = |status: &str, results: &str| {
        let status = Status::decode(status.as_bytes(), "c-hz01v8x80o3")?;
        let page = ResultsPage::decode(results.as_bytes(), "c-hz01v8x80o3")?;
        let mut all = Results::default();
        all.add(page);
        let (job, _) = status.into_job(invocation("c-hz01v8x80o3"), &[], Some(all), false);
        Ok::<_, String>((job.state, job.ended))
    };
    let (status, results) = (fixture(""), fixture(".ListInvocationResults"));
    let expected = Ok((State::Failed, true));
    assert_eq!(state(&status, &results), expected);
    for element in [
        "RequestId",
        "TotalCount",
        "PageSize",
        "Message",
        "FinishedTime",
    ] {
        let (begin, end) = (format!("<{element}>"), format!("</{element}>"));
        for new in [
            "",
            "text",
            "12345678901234567890123",
            "-7",
            "1.5",
            "true",
            "<a>1</a>",
        ] {
            let replaced = |document: &str| {
                let Some((head, rest)) = document.split_once(&begin) else {
                    return document.to_owned();
                };
                let (_, tail) = rest.split_once(&end).unwrap();
                format!("{head}{begin}{new}{end}{tail}")
            };
            let found = state(&replaced(&status), &replaced(&results));
            assert_eq!(found, expected, "{element}: {new}");
        }
    }
}

#[tokio::test]
async fn a_field_of_another_type_in_a_command_or_cluster_only_loses_its_value() {
    use crate::test_support::mutations::{Action, Case, Fields, check};
    let results = "list-invocation-status.ListInvocationResults";
    let commands = [
        ("ListCommands", "invocation/list-commands"),
        ("ListInvocationStatus", "invocation/list-invocation-status"),
        ("ListInvocationResults", &format!("invocation/{results}")),
    ];
    let clusters = [("ListClusters", "list-clusters")];
    for (action, files) in [(Action::List, &commands[..1]), (Action::Scopes, &clusters)] {
        let files = files.iter();
        let case = Case {
            kind: &INVOCATION,
            action,
            files: files
                .map(|(name, file)| ((*name).to_owned(), format!("aliyun/{file}.json")))
                .collect(),
        };
        let essential = &[
            "Commands",
            "Commands.Command",
            "Commands.Command[]",
            "Commands.Command[].CommandId",
            "Clusters",
            "Clusters.ClusterInfoSimple",
            "Clusters.ClusterInfoSimple[]",
            "Clusters.ClusterInfoSimple[].Id",
        ];
        let evidence = &[];
        check(
            case,
            Fields {
                evidence_keys: &[],
                essential,
                evidence,
            },
        )
        .await;
    }
}
