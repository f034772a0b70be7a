//! Tests the lists of resources in a scope.

use std::ops::ControlFlow;

use super::batch::{TestEmulator, start_emulator};
use crate::error::Category;
use crate::model::State;
use crate::providers::{
    self, Client, Cursor, Filter, GetResult, ListStats, Page, Truncation, ready, test_support,
};
use crate::reference::Scope;

pub(super) fn scope(kind: &str, segments: &[&str]) -> Scope {
    let kind = providers::kinds()
        .find(|other| format!("{}/{}", other.template.cloud, other.template.kind) == kind)
        .unwrap();
    Scope {
        kind,
        profile: "default".into(),
        segments: segments.iter().map(ToString::to_string).collect(),
        input: String::new(),
    }
}

pub(super) async fn read_all(client: &dyn Client, scope: &Scope) -> (Vec<GetResult>, ListStats) {
    let mut all = Vec::new();
    let options = test_support::get_options();
    let mut on_page = |page: Page| {
        all.extend(page.rows);
        ready(ControlFlow::Continue(()))
    };
    let stats = providers::list_all(
        client,
        scope,
        &Filter::default(),
        &options,
        None,
        &mut on_page,
    )
    .await;
    let stats = stats.unwrap();
    assert_eq!(stats.rows, all.len());
    (all, stats)
}

pub(super) fn jobs(kind: &str, state: &str, count: usize) -> String {
    (0..count)
        .map(|n| {
            format!(
                "[[job]]\nref = '{kind}{n}'\nage = '{n}m'\n\
                 states = [{{after='0s', state='{state}', unrecognized=true}}]\n"
            )
        })
        .collect()
}

/// Number of resources that needs three pages, also if pages overlap by 5 rows.
const MANY: usize = 204;

/// Returns the expected references, newest first, in the same order as `jobs`.
pub(super) fn references(kind: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{kind}{n}")).collect()
}

pub(super) fn listed(found: &[GetResult]) -> Vec<String> {
    found
        .iter()
        .map(|found| found.job.reference.clone())
        .collect()
}

async fn three_pages(
    kind: &str,
    state: &str,
    scope: &Scope,
    operation: &str,
) -> (TestEmulator, Vec<GetResult>) {
    let mut text = jobs(kind, state, MANY);
    text += "[[job]]\nref = 'aliyun/job/other/1'\nstates = [{after='0s', state='Running'}]\n";
    let emulator = start_emulator(&text).await;
    let client = emulator.client(scope.kind.template.cloud);
    let (found, stats) = read_all(&*client, scope).await;
    assert_eq!((stats.pages, stats.truncation), (3, None));
    assert_eq!(listed(&found), references(kind, MANY));
    let operation = format!("{}/{operation}", scope.kind.template.cloud);
    // Huawei needs a separate list for each of three types.
    let of_other_types = if scope.kind.template.cloud == "huawei" {
        2
    } else {
        0
    };
    assert_eq!(emulator.calls(&operation), 3 + of_other_types);
    (emulator, found)
}

#[tokio::test]
async fn all_three_pages_of_jobs_are_read() {
    let cluster = scope("aliyun/job", &["c"]);
    let (_, found) = three_pages("aliyun/job/c/", "Running", &cluster, "ListServerlessJobs").await;
    assert!(found.iter().all(|found| found.job.state == State::Running));
    assert_eq!(found[7].job.cluster.as_deref(), Some("c"));
}

#[tokio::test]
async fn all_three_pages_of_image_jobs_are_read() {
    let project = scope("huawei/image-job", &[]);
    let kind = "huawei/image-job/";
    let (_, found) = three_pages(kind, "FAILED", &project, "ListImageJobs").await;
    assert!(found.iter().all(|found| found.job.state == State::Failed));
    assert!(found[0].job.request_id.is_some());
}

#[tokio::test]
async fn all_three_pages_of_instances_are_read() {
    let region = scope("sugon/instance", &[]);
    let kind = "sugon/instance/";
    let (_, found) = three_pages(kind, "Deploying", &region, "ListInstances").await;
    assert!(found.iter().all(|found| found.job.state == State::Starting));
}

#[tokio::test]
async fn the_services_of_one_namespace_are_listed() {
    let mut text = "[[job]]\nref = 'tencent/service/cls-1/other/api'\n".to_owned();
    for n in 0..30 {
        text += &format!("[[job]]\nref = 'tencent/service/cls-1/default/web-{n}'\n");
    }
    let emulator = start_emulator(&text).await;
    let client = emulator.client("tencent");
    let (found, stats) = read_all(&*client, &scope("tencent/service", &["cls-1", "default"])).await;
    assert_eq!(
        listed(&found),
        references("tencent/service/cls-1/default/web-", 30)
    );
    assert_eq!((stats.pages, stats.truncation), (1, None));
    assert_eq!(found[0].job.state_raw, None);
    let (empty, _) = read_all(&*client, &scope("tencent/service", &["cls-1", "none"])).await;
    assert!(empty.is_empty());
    let (options, nowhere) = (
        test_support::get_options(),
        scope("tencent/service", &["cls-2", "default"]),
    );
    let problem = client
        .list(&nowhere, &Filter::default(), Cursor::FIRST, &options)
        .await
        .unwrap_err();
    assert_eq!(problem.category, Category::NotFound);
    assert_eq!(emulator.calls("tencent/DescribeClusterService"), 3);
}

#[tokio::test]
async fn services_of_a_whole_cluster_are_listed_with_their_namespaces() {
    let refs = ["cls-1/default/web", "cls-1/other/web", "cls-2/default/web"];
    let refs = refs.map(|path| format!("tencent/service/{path}"));
    let text: String = refs
        .iter()
        .map(|reference| format!("[[job]]\nref = '{reference}'\n"))
        .collect();
    let emulator = start_emulator(&text).await;
    let client = emulator.client("tencent");
    let (found, stats) = read_all(&*client, &scope("tencent/service", &["cls-1"])).await;
    assert_eq!(
        (listed(&found), stats.truncation),
        (refs[..2].to_vec(), None)
    );
    assert_eq!(found[1].job.namespace.as_deref(), Some("other"));
    assert_eq!(emulator.calls("tencent/DescribeClusterService"), 1);
}

#[tokio::test]
async fn a_list_does_not_report_the_success_of_a_whole_array_job() {
    let emulator = start_emulator(
        "[[job]]\nref = 'aliyun/job/c/10'\nstates = [{after='0s', state='Succeeded'}]\n\
         [[job]]\nref = 'aliyun/job/c/10_1-2'\nstates = [{after='0s', state='Succeeded'}]",
    )
    .await;
    let client = emulator.client("aliyun");
    let (found, _) = read_all(&*client, &scope("aliyun/job", &["c"])).await;
    let states: Vec<_> = found
        .iter()
        .map(|found| (&*found.job.id, found.job.state, found.job.ended))
        .collect();
    assert_eq!(
        states,
        [
            ("10", State::Unknown, false),
            ("10_1", State::Succeeded, true),
            ("10_2", State::Succeeded, true),
        ]
    );
}

#[tokio::test]
async fn rows_of_two_pages_are_passed_on_before_the_third_page_fails() {
    let text = jobs("aliyun/job/c/", "Running", 250)
        + "[[fault]]\noperation = 'ListServerlessJobs'\nkind = 'empty'\nskip = 2";
    let emulator = start_emulator(&text).await;
    let client = emulator.client("aliyun");
    let mut rows = 0;
    let options = test_support::get_options();
    let mut on_page = |page: Page| {
        rows += page.rows.len();
        ready(ControlFlow::Continue(()))
    };
    let cluster = scope("aliyun/job", &["c"]);
    let stats = providers::list_all(
        &*client,
        &cluster,
        &Filter::default(),
        &options,
        None,
        &mut on_page,
    )
    .await;
    assert_eq!(stats.unwrap_err().category, Category::InvalidResponse);
    assert_eq!(rows, 200);
}

#[tokio::test]
async fn a_rejected_request_form_is_replaced_by_the_next_one_permanently() {
    let fault = "[[fault]]\noperation = 'ListInstances'\nkind = 'empty'\ntimes = 2\n";
    let emulator = start_emulator(&(jobs("sugon/instance/", "Running", 105) + fault)).await;
    let client = emulator.client("sugon");
    let region = scope("sugon/instance", &[]);
    let (found, first) = read_all(&*client, &region).await;
    assert_eq!((found.len(), first.truncation), (105, None));
    assert_eq!(emulator.calls("sugon/ListInstances"), 2 + 2);
    let (_, again) = read_all(&*client, &region).await;
    assert_eq!(again.pages, 2);
    assert_eq!(emulator.calls("sugon/ListInstances"), 4 + 2);
}

#[tokio::test]
async fn no_other_request_form_is_tried_after_a_transient_failure() {
    let fault =
        "[[fault]]\noperation = 'ListInstances'\nkind = 'status'\nstatus = 503\ntimes = 4\n";
    let emulator = start_emulator(&(jobs("sugon/instance/", "Running", 1) + fault)).await;
    let client = emulator.client("sugon");
    let (options, region) = (test_support::get_options(), scope("sugon/instance", &[]));
    let problem = client
        .list(&region, &Filter::default(), Cursor::FIRST, &options)
        .await
        .unwrap_err();
    assert_eq!(problem.category, Category::ServiceError);
    assert_eq!(emulator.calls("sugon/ListInstances"), 4);
}

#[tokio::test]
async fn pages_beyond_a_limit_are_not_requested() {
    let emulator = start_emulator(&jobs("sugon/instance/", "Running", 250)).await;
    let client = emulator.client("sugon");
    let (options, region) = (test_support::get_options(), scope("sugon/instance", &[]));
    let mut on_page = |_: Page| ready(ControlFlow::Continue(()));
    let stats = providers::list_all(
        &*client,
        &region,
        &Filter::default(),
        &options,
        Some(30),
        &mut on_page,
    )
    .await;
    assert_eq!(stats.unwrap().truncation, Some(Truncation::Limit(30)));
    assert_eq!(emulator.calls("sugon/ListInstances"), 1);
}
