use super::*;
use crate::commands::lookup::{Reply, ScriptedClient};
use crate::providers;
use crate::reference::DEFAULT_PROFILE;

#[tokio::test(start_paused = true)]
async fn a_later_outage_is_measured_from_its_own_start() {
    let second = Duration::from_secs;
    let script = |now: Duration, _: &str| match now.as_secs() {
        100..200 => Reply::NotFound,
        _ => Reply::Failed(Category::Network),
    };
    let client = Arc::new(ScriptedClient::new(Duration::ZERO, script));
    let kind = providers::kinds().find(|kind| kind.to_string() == "aliyun/job");
    let scope = Scope::at(kind.unwrap(), DEFAULT_PROFILE, &["C"]).unwrap();
    let lookup = Arc::new(Lookup::scripted_scope(scope, &client));
    let mut watcher = ScopeWatcher::new(&lookup, None);
    let started = tokio::time::Instant::now();
    let (read, failed) = ([1, 0, 0], [0, 0, 1]);
    let counts = |watcher: &ScopeWatcher| {
        let counts = watcher.counts();
        [counts.read, counts.unread, counts.failed]
    };
    assert_eq!(counts(&watcher), [0, 1, 0]);
    for (at, expected, failed_since, is_new) in [
        (0, failed, Some(0), Some(true)),
        (50, failed, Some(0), Some(false)),
        (100, read, None, None),
        (300, failed, Some(300), Some(true)),
    ] {
        tokio::time::advance(second(at) - started.elapsed()).await;
        watcher.start_due(second(at), HashSet::new);
        let update = watcher.next(|| second(at)).await.unwrap();
        assert_eq!(update.failure.map(|failure| failure.is_new), is_new, "{at}");
        assert_eq!(counts(&watcher), expected, "{at}");
        assert_eq!(watcher.scopes[0].failed_since, failed_since.map(second));
    }
    assert_eq!(watcher.listed_at(), Some(second(100)));
}
