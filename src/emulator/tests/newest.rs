//! Tests finding the newest resource of a scope.

use std::sync::Arc;
use std::time::Duration;

use super::batch::{TestEmulator, start_emulator};
use super::scopes::{jobs, scope};
use crate::error::{Category, Problem};
use crate::http::Deadline;
use crate::providers::{self, RequestOptions, tencent, test_support};
use crate::reference::Scope;
use crate::test_support::kinds::client;
use crate::test_support::{EmulatedState, Responder, ServerResponse, TestServer, start_time};

async fn latest(emulator: &TestEmulator, scope: &Scope) -> Result<String, Problem> {
    let client = emulator.client(scope.kind.template.cloud);
    let newest = providers::latest(&*client, scope, &test_support::get_options()).await;
    newest.map(|reference| reference.to_string())
}

#[tokio::test]
async fn one_page_is_read_to_find_the_newest_where_the_cloud_sorts() {
    let text = jobs("aliyun/job/c/", "Running", 250) + &jobs("sugon/instance/", "Failed", 250);
    let emulator = start_emulator(&text).await;
    let cluster = scope("aliyun/job", &["c"]);
    assert_eq!(latest(&emulator, &cluster).await.unwrap(), "aliyun/job/c/0");
    assert_eq!(emulator.calls("aliyun/ListServerlessJobs"), 1);
    let region = scope("sugon/instance", &[]);
    assert_eq!(
        latest(&emulator, &region).await.unwrap(),
        "sugon/instance/0"
    );
    assert_eq!(emulator.calls("sugon/ListInstances"), 1);
}

/// Returns the newest resource if the first page of a supposedly sorted list has these creation times.
async fn newest_of(times: &[Option<&str>]) -> Result<String, Problem> {
    let rows = times.iter().enumerate().map(|(at, time)| {
        let mut row = serde_json::json!({"Id": format!("t-{at}"), "Status": "RUNNING"});
        if let Some(time) = time {
            row["CreateTime"] = (*time).into();
        }
        row
    });
    let rows: Vec<serde_json::Value> = rows.collect();
    let body = serde_json::json!({"Response": {"TotalCount": rows.len(), "TrainingTaskSet": rows}});
    let respond: Responder = Arc::new(move |_| Some(ServerResponse::json(200, &body)));
    let state = EmulatedState::new(Vec::new(), start_time());
    let server = TestServer::start(&tencent::CLOUD, state, respond).await;
    let client = client(&tencent::CLOUD, &server, &server.transport());
    let scope = scope("tencent/training-task", &[]);
    let newest = providers::latest(&*client, &scope, &test_support::get_options()).await;
    newest.map(|reference| reference.id().to_owned())
}

#[tokio::test]
async fn the_newest_is_found_in_unordered_rows_but_not_without_all_times() {
    let [one, two, three] = [1, 2, 3].map(|hour| format!("2026-11-28T0{hour}:00:00Z"));
    let [one, two, three] = [&one, &two, &three].map(|time| Some(time.as_str()));
    assert_eq!(newest_of(&[three, two, one]).await.unwrap(), "t-0");
    assert_eq!(newest_of(&[one, three, two]).await.unwrap(), "t-1");
    for times in [[three, None, one], [three, two, Some("soon")]] {
        let problem = newest_of(&times).await.unwrap_err();
        assert_eq!(problem.category, Category::InvalidResponse);
        let expected = "cannot determine the newest resource: 1 resources have no time";
        assert_eq!(problem.message, expected);
    }
}

#[tokio::test]
async fn all_pages_are_read_to_find_the_newest_where_the_cloud_does_not_sort() {
    let old = "[[job]]\nref = 'huawei/image-job/old'\nage = '9d'\n\
               states = [{after='0s', state='RUNNING'}]\n";
    let mut text = old.to_owned() + &jobs("huawei/image-job/", "RUNNING", 205);
    for (name, age) in [("old", "2h"), ("new", "1h"), ("older", "3h")] {
        text += &format!("[[job]]\nref = 'tencent/service/c/n/{name}'\nage = '{age}'\n");
    }
    let emulator = start_emulator(&text).await;
    let project = scope("huawei/image-job", &[]);
    assert_eq!(
        latest(&emulator, &project).await.unwrap(),
        "huawei/image-job/0"
    );
    // The first type takes three pages, the other two types one page each.
    assert_eq!(emulator.calls("huawei/ListImageJobs"), 5);
    let namespace = scope("tencent/service", &["c", "n"]);
    let found = latest(&emulator, &namespace).await.unwrap();
    assert_eq!(found, "tencent/service/c/n/new");
}

#[tokio::test]
async fn two_newest_jobs_with_the_same_time_are_an_error() {
    let pair = |kind: &str, word: &str| {
        ["a", "b"]
            .map(|id| jobs(&format!("{kind}{id}"), word, 1))
            .concat()
    };
    let text = pair("aliyun/job/c/", "Running") + &pair("huawei/image-job/", "RUNNING");
    let emulator = start_emulator(&text).await;
    for scope in [scope("aliyun/job", &["c"]), scope("huawei/image-job", &[])] {
        let problem = latest(&emulator, &scope).await.unwrap_err();
        assert_eq!(problem.category, Category::InvalidResponse);
        let expected = "cannot determine the newest resource: several resources were created at ";
        assert!(problem.message.starts_with(expected), "{}", problem.message);
        assert_eq!(problem.reference.unwrap(), format!("{scope}@latest"));
        let hint = problem.hint.unwrap();
        assert_eq!(hint, format!("pick one from: joblens list {scope}"));
    }
}

#[tokio::test]
async fn latest_of_a_kind_without_list_times_is_a_usage_error_without_a_call() {
    let emulator = start_emulator(&jobs("aliyun/invocation/c/", "Running", 2)).await;
    let commands = scope("aliyun/invocation", &["c"]);
    let problem = latest(&emulator, &commands).await.unwrap_err();
    assert_eq!(problem.category, Category::Usage);
    assert_eq!(emulator.calls("aliyun/ListCommands"), 0);
}

#[tokio::test]
async fn latest_of_an_empty_scope_is_not_found_and_other_errors_are_kept() {
    let text = "[[fault]]\noperation = 'ListImageJobs'\nkind = 'refuse'\n";
    let emulator = start_emulator(text).await;
    let problem = latest(&emulator, &scope("sugon/instance", &[]))
        .await
        .unwrap_err();
    assert_eq!(problem.category, Category::NotFound);
    assert_eq!(problem.message, "the scope is empty");
    let problem = latest(&emulator, &scope("aliyun/job", &["c"]))
        .await
        .unwrap_err();
    assert_eq!(problem.code.as_deref(), Some("ClusterNotFound"));
    let problem = latest(&emulator, &scope("huawei/image-job", &[]))
        .await
        .unwrap_err();
    assert_eq!(problem.category, Category::Unauthenticated);
    assert_eq!(
        problem.reference.as_deref(),
        Some("huawei/image-job/@latest")
    );
}

#[tokio::test]
async fn the_search_for_the_newest_ends_at_its_deadline() {
    let emulator = start_emulator(&jobs("huawei/image-job/", "RUNNING", 205)).await;
    let (client, project) = (emulator.client("huawei"), scope("huawei/image-job", &[]));
    let options = RequestOptions {
        deadline: Deadline::after(Duration::ZERO),
        ..test_support::get_options()
    };
    let problem = providers::latest(&*client, &project, &options)
        .await
        .unwrap_err();
    assert_eq!(problem.category, Category::Network);
}
