//! Tests tokens and hosts that are stored for later runs.

use super::*;

/// Returns the variables of a run that stores its tokens in `home`.
fn kept(home: &tempfile::TempDir) -> [(&'static str, String); 2] {
    let home = home.path().to_str().unwrap().to_owned();
    let flag = ("JOBLENS_SUGON_TOKEN_CACHE", "true".to_owned());
    [("HOME", home), flag]
}

pub(super) fn kept_client(cloud: &TestServer, home: &tempfile::TempDir) -> CloudClient<Api> {
    let kept = kept(home);
    let kept: Vec<_> = kept.iter().map(|(k, v)| (*k, v.as_str())).collect();
    client(cloud, &kept).unwrap()
}

#[tokio::test]
async fn a_later_run_uses_the_cached_token_and_hosts() {
    let cloud = cloud(|_, _| None).await;
    let home = tempfile::tempdir().unwrap();
    for (second, requested) in [
        (0, &[TOKENS, CENTRE, GET][..]),
        (1, &[GET]),
        (DAY - 61, &[GET]),
        // The token is renewed, then the hosts are requested again.
        (DAY - 60, &[TOKENS, CENTRE, GET]),
        (DAY, &[GET]),
    ] {
        cloud.set(second);
        get(&kept_client(&cloud, &home)).await.unwrap();
        assert_eq!(cloud.requested(), requested, "{second}");
    }
}

#[tokio::test]
async fn hosts_that_have_moved_are_requested_again_by_the_next_run() {
    let is_moved = Arc::new(AtomicUsize::new(0));
    let (moved, dead) = (Arc::clone(&is_moved), dead());
    let listed = format!("http://{dead}");
    let cloud = cloud(move |path, host| {
        let at = [&dead, host][moved.load(Ordering::Relaxed)];
        let urls = json!([{"url": format!("http://{at}/ai"), "enable": "true"}]);
        let body = json!({"code": "0", "data": {"aiUrls": urls}});
        path.ends_with("/center")
            .then(|| ServerResponse::json(200, &body))
    })
    .await;
    let home = tempfile::tempdir().unwrap();
    let kept = kept(&home);
    let mut kept: Vec<_> = kept.iter().map(|(k, v)| (*k, v.as_str())).collect();
    kept.push(("JOBLENS_SUGON_AI_HOSTS", &listed));
    let kept_client = || client(&cloud, &kept).unwrap();
    let problem = get(&kept_client()).await.unwrap_err();
    assert_eq!(problem.category, Category::Network);
    assert_eq!(cloud.requested(), [TOKENS, CENTRE]);
    is_moved.store(1, Ordering::Relaxed);
    get(&kept_client()).await.unwrap();
    assert_eq!(cloud.requested(), [CENTRE, GET]);
    get(&kept_client()).await.unwrap();
    assert_eq!(cloud.requested(), [GET]);
}

#[tokio::test]
async fn a_cached_token_and_hosts_are_not_used_for_another_region() {
    let cloud = cloud(|_, _| None).await;
    let home = tempfile::tempdir().unwrap();
    get(&kept_client(&cloud, &home)).await.unwrap();
    cloud.requested();
    let kept = kept(&home);
    let mut kept: Vec<_> = kept.iter().map(|(k, v)| (*k, v.as_str())).collect();
    kept.push(("JOBLENS_SUGON_CLUSTER_ID", "11112"));
    get(&client(&cloud, &kept).unwrap()).await.unwrap();
    assert_eq!(cloud.requested(), [TOKENS, CENTRE, GET]);
}
