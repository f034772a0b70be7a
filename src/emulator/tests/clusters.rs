//! Tests the lists of clusters.

use std::ops::ControlFlow;

use super::batch::start_emulator;
use crate::error::{Category, Problem};
use crate::model;
use crate::providers::aliyun::CLOUD as ALIYUN;
use crate::providers::tencent::CLOUD as TENCENT;
use crate::providers::{
    self, Client, ListStats, ScopeListRequest, ScopeListSpec, ScopePage, Truncation, ready,
    test_support,
};

async fn read_all(
    client: &dyn Client,
    listing: &'static ScopeListSpec,
    limit: Option<usize>,
) -> (Vec<model::ScopeSummary>, Result<ListStats, Problem>) {
    let mut all = Vec::new();
    let mut on_page = |page: ScopePage| {
        all.extend(page.rows);
        ready(ControlFlow::Continue(()))
    };
    let options = test_support::get_options();
    let request = ScopeListRequest::first(listing, "prod", &options);
    let stats = providers::list_all_scopes(client, request, limit, &mut on_page).await;
    (all, stats)
}

/// Describes the resources `below` in each cluster; those of the first cluster are the newest.
fn clusters(kind: &str, below: &[&str], count: usize) -> String {
    let jobs = (0..count).flat_map(|n| {
        below.iter().map(move |below| {
            let states = match kind.starts_with("tencent") {
                true => "",
                false => "states = [{after='0s', state='Running'}]\n",
            };
            format!("[[job]]\nref = '{kind}/c{n}/{below}'\nage = '{n}m'\n{states}")
        })
    });
    jobs.collect()
}

fn scopes(kind: &str, count: usize) -> Vec<String> {
    (0..count).map(|n| format!("{kind}/c{n}/")).collect()
}

fn listed(places: &[model::ScopeSummary]) -> Vec<String> {
    places.iter().map(|place| place.scope.clone()).collect()
}

#[tokio::test]
async fn clusters_of_aliyun_are_listed_once_with_fifty_per_page() {
    let mut text = clusters("aliyun/job", &["1", "2"], 101);
    text += &clusters("aliyun/invocation", &["c-1"], 2);
    let emulator = start_emulator(&text).await;
    let (places, stats) =
        read_all(&*emulator.client("aliyun"), &ALIYUN.scope_listings[0], None).await;
    assert_eq!(listed(&places), scopes("aliyun@prod/job", 101));
    let stats = stats.unwrap();
    assert_eq!((stats.rows, stats.pages, stats.truncation), (101, 3, None));
    assert_eq!(places[0].status.as_deref(), Some("running"));
    assert_eq!(places[0].region.as_deref(), Some("cn-hangzhou"));
    assert!(places[0].created_at > places[100].created_at);
    assert_eq!(emulator.calls("aliyun/ListClusters"), 3);
}

#[tokio::test]
async fn clusters_of_the_two_e_hpc_generations_are_listed_separately() {
    let text = clusters("aliyun/job", &["1"], 1) + &clusters("aliyun/hpc-job", &["2"], 11);
    let emulator = start_emulator(&text).await;
    let client = emulator.client("aliyun");
    let (first, _) = read_all(&*client, &ALIYUN.scope_listings[0], None).await;
    assert_eq!(listed(&first), scopes("aliyun@prod/job", 1));
    let (next, _) = read_all(&*client, &ALIYUN.scope_listings[1], None).await;
    assert_eq!(listed(&next), scopes("aliyun@prod/hpc-job", 11));
    assert_eq!(next[0].status.as_deref(), Some("running"));
}

#[tokio::test]
async fn clusters_of_tencent_are_listed_up_to_a_page_that_fails() {
    let text = clusters("tencent/service", &["n/web", "n/api"], 45)
        + "[[fault]]\noperation = 'DescribeCluster'\nkind = 'empty'\nskip = 2\ntimes = 1\n";
    let emulator = start_emulator(&text).await;
    let client = emulator.client("tencent");
    let (places, cut) = read_all(&*client, &TENCENT.scope_listings[0], None).await;
    assert_eq!(listed(&places), scopes("tencent@prod/service", 40));
    assert_eq!(cut.unwrap_err().category, Category::InvalidResponse);
    let (places, whole) = read_all(&*client, &TENCENT.scope_listings[0], None).await;
    assert_eq!(listed(&places), scopes("tencent@prod/service", 45));
    assert_eq!(whole.unwrap().pages, 3);
    let (places, limited) = read_all(&*client, &TENCENT.scope_listings[0], Some(5)).await;
    assert_eq!(places.len(), 5);
    assert_eq!(limited.unwrap().truncation, Some(Truncation::Limit(5)));
}

#[tokio::test]
async fn listing_scopes_of_a_cloud_without_scopes_is_a_usage_error() {
    let emulator = start_emulator("").await;
    for cloud in ["sugon", "huawei"] {
        let (_, stats) = read_all(&*emulator.client(cloud), &TENCENT.scope_listings[0], None).await;
        assert_eq!(stats.unwrap_err().category, Category::Usage, "{cloud}");
    }
    let (places, stats) =
        read_all(&*emulator.client("aliyun"), &ALIYUN.scope_listings[0], None).await;
    assert!(places.is_empty() && stats.unwrap().truncation.is_none());
}
