//! Tests the clients against the emulated clouds, which verify every signature.

use std::path::Path;

use chrono::Utc;

use super::*;
use crate::error::{Category, Problem};
use crate::http::{ClientOptions, Transport};
use crate::model::State;
use crate::providers::{self, Client, GetResult, test_support};
use crate::reference::Reference;

pub(super) struct TestEmulator {
    emulator: Emulator,
    scenario: String,
}

/// Starts the clouds with the resources of this scenario.
pub(super) async fn start_emulator(scenario: &str) -> TestEmulator {
    let kinds: Vec<_> = providers::kinds().collect();
    let scenario = scenario.to_owned();
    let parsed = Scenario::parse(&scenario, Path::new("s.toml"), &kinds).unwrap();
    let emulator = Emulator::start(parsed, 0, Arc::new(|_| {})).await.unwrap();
    TestEmulator { emulator, scenario }
}

impl TestEmulator {
    pub(super) fn client(&self, cloud: &str) -> Box<dyn Client> {
        let variables = environment(&self.emulator.origin());
        let variables: Vec<(&str, &str)> = variables
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let cloud = providers::cloud(cloud).unwrap();
        let sink = Arc::new(|_| {});
        let transport =
            Transport::new(ClientOptions::default(), &[], Arc::new(Utc::now), sink).unwrap();
        (cloud.new_client)(&test_support::profile(cloud, &variables), &transport).unwrap()
    }

    pub(super) fn calls(&self, operation: &str) -> u64 {
        let requests = self.emulator.requests();
        requests.get(operation).copied().unwrap_or(0)
    }
}

fn reference(cloud: &str, segments: &[&str]) -> Reference {
    let cloud = providers::cloud(cloud).unwrap();
    test_support::reference(cloud.kinds[0], segments)
}

fn jobs(ids: impl IntoIterator<Item = impl ToString>) -> Vec<Reference> {
    ids.into_iter()
        .map(|id| reference("aliyun", &["c", &id.to_string()]))
        .collect()
}

async fn batch_get(client: &dyn Client, references: &[Reference]) -> Vec<Option<GetResult>> {
    let options = test_support::get_options();
    assert!(client.can_batch(references), "a list saves calls");
    let found = client.batch_get(references, &options).await.unwrap();
    assert_eq!(found.len(), references.len());
    found
}

fn states(found: &[Option<GetResult>]) -> Vec<Option<State>> {
    let state = |found: &Option<GetResult>| found.as_ref().map(|found| found.job.state);
    found.iter().map(state).collect()
}

async fn get(client: &dyn Client, reference: &Reference) -> Result<GetResult, Problem> {
    client.get(reference, &test_support::get_options()).await
}

#[tokio::test]
async fn five_hundred_jobs_of_a_cluster_take_five_list_calls() {
    let emulator = start_emulator(
        "[[job]]\nref = 'aliyun/job/c/10_1-499'\nstates = [{after='0s', state='Running'}]\n\
         [[job]]\nref = 'aliyun/job/other/7'\nstates = [{after='0s', state='Failed'}]",
    )
    .await;
    let client = emulator.client("aliyun");
    let mut references = jobs((1..=499).map(|n| format!("10_{n}")));
    references.push(reference("aliyun", &["c", "10_999"]));
    references.push(reference("aliyun", &["other", "7"]));
    let found = batch_get(&*client, &references).await;
    assert_eq!(states(&found[..499]), [Some(State::Running); 499]);
    assert_eq!(states(&found[499..]), [None, None], "one job needs no list");
    assert_eq!(emulator.calls("aliyun/ListServerlessJobs"), 5);
    let job = &found[300].as_ref().unwrap().job;
    assert_eq!(job.reference, "aliyun/job/c/10_301");
    assert_eq!(job.array.as_ref().unwrap().index, Some(301));
}

#[tokio::test]
async fn only_the_first_list_of_many_jobs_also_requests_their_subtasks() {
    let job = |id| {
        format!("[[job]]\nref = 'aliyun/job/c/{id}'\nstates = [{{after='0s', state='Running'}}]\n")
    };
    let all: String = (1..=100).map(job).collect();
    let emulator = start_emulator(&all).await;
    let (client, references) = (emulator.client("aliyun"), jobs(1..=100));
    for calls in [3, 4] {
        let found = batch_get(&*client, &references).await;
        assert_eq!(states(&found), [Some(State::Running); 100]);
        assert_eq!(emulator.calls("aliyun/ListServerlessJobs"), calls);
    }
}

#[tokio::test]
async fn too_few_references_to_save_requests_are_not_batched() {
    let emulator = start_emulator(
        "[[job]]\nref = 'huawei/image-job/7'\nstates = [{after='0s', state='RUNNING'}]",
    )
    .await;
    let aliyun = emulator.client("aliyun");
    assert!(!aliyun.can_batch(&jobs([1])));
    assert!(!aliyun.can_batch(&jobs([1, 1])));
    let huawei = emulator.client("huawei");
    assert!(!huawei.can_batch(&[reference("huawei", &["7"])]));
    let tencent = emulator.client("tencent");
    let services = ["a", "b"].map(|name| reference("tencent", &["c", "n", name]));
    assert!(!tencent.can_batch(&services));
    assert!(services[0].kind.needs_check_exists);
    assert!(!reference("huawei", &["7"]).kind.needs_check_exists);
}

#[tokio::test]
async fn jobs_of_a_missing_cluster_are_left_to_lookups_and_outages_are_reported() {
    let emulator = start_emulator(
        "[[job]]\nref = 'aliyun/job/c/1'\nstates = [{after='0s', state='Running'}]\n\
         [[job]]\nref = 'aliyun/job/c/2'\nstates = [{after='0s', state='Running'}]\n\
         [[fault]]\noperation = 'ListServerlessJobs'\nkind = 'status'\nstatus = 503\nskip = 2\ntimes = 4",
    )
    .await;
    let client = emulator.client("aliyun");
    let elsewhere = [1, 2].map(|n| reference("aliyun", &["nowhere", &n.to_string()]));
    let both: Vec<_> = jobs([1, 2]).into_iter().chain(elsewhere).collect();
    let found = batch_get(&*client, &both).await;
    assert_eq!(
        states(&found),
        [Some(State::Running), Some(State::Running), None, None]
    );
    let options = test_support::get_options();
    let references = jobs([1, 2]);
    let problem = client.batch_get(&references, &options).await.unwrap_err();
    assert_eq!(
        problem.category,
        Category::ServiceError,
        "outages are reported"
    );
}

const SWEEP: &str = "[[job]]\nref = 'aliyun/job/c/10'\nname = 'sweep'\nstates = [{after='0s', state='WORD'}]\n\
    [[job]]\nref = 'aliyun/job/c/10_1-3:2'\nstates = [{after='0s', state='Succeeded'}]\n\
    [[job]]\nref = 'aliyun/job/c/10_5'\nEXTRA\nstates = [{after='0s', state='LAST', exit_code=137}]";

async fn sweep(word: &str, last: &str, extra: &str) -> (TestEmulator, GetResult) {
    let text = SWEEP
        .replace("WORD", word)
        .replace("LAST", last)
        .replace("EXTRA", extra);
    let emulator = start_emulator(&text).await;
    let client = emulator.client("aliyun");
    let found = get(&*client, &jobs([10])[0]).await;
    let found = found.unwrap_or_else(|problem| panic!("{problem:?}\n{}", emulator.scenario));
    (emulator, found)
}

#[tokio::test]
async fn an_array_job_has_the_outcome_of_its_subtasks() {
    let (emulator, found) = sweep("Succeeded", "Succeeded", "").await;
    assert_eq!((found.job.state, found.job.ended), (State::Succeeded, true));
    let ids: Vec<_> = found
        .job
        .tasks
        .iter()
        .map(|task| task.id.as_deref())
        .collect();
    assert_eq!(ids, [Some("10_1"), Some("10_3"), Some("10_5")]);
    assert_eq!(emulator.calls("aliyun/ListServerlessJobs"), 1);

    let (_, found) = sweep("Succeeded", "Succeeded", "vanishes = '1ms'").await;
    assert_eq!((found.job.state, found.job.ended), (State::Unknown, false));
    assert_eq!(
        found.job.message.as_deref(),
        Some("2 of 3 subtasks are known to have succeeded; 10_5 was not found")
    );
    for word in ["Succeeded", "Failed"] {
        let (_, found) = sweep(word, "Failed", "").await;
        assert_eq!((found.job.state, found.job.ended), (State::Failed, true));
        assert_eq!(found.job.exit_code, Some(137));
        let message = found.job.message.unwrap();
        let cause = "10_5: container main of group 10_5-1: exit code 137";
        assert!(message.starts_with(cause), "{message}");
    }
}

#[tokio::test]
async fn an_array_job_that_only_the_list_contains_is_found() {
    let hidden = "document = '{\"TotalCount\":0,\"JobInfos\":[]}'\nname";
    let text = |word: &str, last: &str| {
        SWEEP
            .replacen("name", hidden, 1)
            .replace("WORD", word)
            .replace("LAST", last)
            .replace("EXTRA", "")
    };
    for (last, state) in [("Succeeded", State::Succeeded), ("Running", State::Unknown)] {
        let emulator = start_emulator(&text("Succeeded", last)).await;
        let client = emulator.client("aliyun");
        let found = get(&*client, &jobs([10])[0]).await.unwrap();
        assert_eq!(found.job.state, state);
        assert_eq!(found.job.name.as_deref(), Some("sweep"));
        let array = found.job.array.unwrap();
        assert_eq!(
            (array.start, array.end, array.step, array.index),
            (Some(1), Some(5), Some(2), None)
        );
        let missing = get(&*client, &jobs(["11"])[0]).await.unwrap_err();
        assert_eq!(missing.category, Category::NotFound);
        assert_eq!(missing.operation.as_deref(), Some("DescribeServerlessJobs"));
    }
}

#[tokio::test]
async fn an_array_success_is_unknown_while_the_list_cannot_be_read() {
    let text = SWEEP
        .replace("WORD", "Succeeded")
        .replace("LAST", "Succeeded")
        .replace("EXTRA", "")
        + "\n[[fault]]\noperation = 'ListServerlessJobs'\nkind = 'empty'";
    let emulator = start_emulator(&text).await;
    let found = get(&*emulator.client("aliyun"), &jobs([10])[0])
        .await
        .unwrap();
    assert_eq!((found.job.state, found.job.ended), (State::Unknown, false));
    assert!(
        found
            .job
            .message
            .unwrap()
            .contains("; ListServerlessJobs: invalid_response: ")
    );
}

fn image_jobs(state: &str, count: usize, from: usize) -> String {
    (from..from + count)
        .map(|n| format!("[[job]]\nref = 'huawei/image-job/{n}'\nstates = [{{after='0s', state='{state}'}}]\n"))
        .collect()
}

#[tokio::test]
async fn active_image_jobs_are_found_with_few_pages() {
    let text = image_jobs("RUNNING", 120, 1000) + &image_jobs("WAITING", 70, 2000);
    let emulator = start_emulator(&(text + &image_jobs("SUCCESS", 10, 3000))).await;
    let client = emulator.client("huawei");
    let of = |numbers: std::ops::Range<usize>| -> Vec<Reference> {
        numbers
            .map(|n| reference("huawei", &[&n.to_string()]))
            .collect()
    };
    let all: Vec<_> = of(1000..1120)
        .into_iter()
        .chain(of(2000..2070))
        .chain(of(3000..3010))
        .collect();
    let found = batch_get(&*client, &all).await;
    let (listed, ended) = found.split_at(190);
    assert!(listed.iter().all(Option::is_some));
    assert!(ended.iter().all(Option::is_none), "looked up one by one");
    assert_eq!(emulator.calls("huawei/ListImageJobs"), 6);
    assert_eq!(listed[150].as_ref().unwrap().job.state, State::Pending);

    // Two references may take only one page; the next round begins with the list that contains them.
    let waiting = of(2000..2002);
    let first = batch_get(&*client, &waiting).await;
    assert_eq!(states(&first), [None; 2]);
    let second = batch_get(&*client, &waiting).await;
    assert_eq!(states(&second), [Some(State::Pending); 2]);
    let third = batch_get(&*client, &waiting).await;
    assert_eq!(states(&third), [Some(State::Pending); 2]);
    assert_eq!(emulator.calls("huawei/ListImageJobs"), 9);
    assert_eq!(emulator.calls("huawei/ShowImageJob"), 0);
}

#[tokio::test]
async fn an_existing_service_is_confirmed_and_a_missing_one_is_not_found() {
    let emulator = start_emulator("[[job]]\nref = 'tencent/service/cls-1/default/web'").await;
    let client = emulator.client("tencent");
    let options = test_support::get_options();
    let web = reference("tencent", &["cls-1", "default", "web"]);
    assert_eq!(client.check_exists(&web, &options).await, Ok(()));
    let other = reference("tencent", &["cls-1", "default", "wbe"]);
    let problem = client.check_exists(&other, &options).await.unwrap_err();
    assert_eq!(problem.category, Category::NotFound);
    assert_eq!(emulator.calls("tencent/DescribeClusterServiceInfo"), 2);
}
