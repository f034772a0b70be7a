//! Tests credentials that expire while a request or a refresh is in progress, and changes of the clock.

use super::*;

const HOUR: Option<TimeDelta> = Some(TimeDelta::hours(1));

fn set(clock: &AtomicI64, second: i64) {
    clock.store(second, Ordering::Relaxed);
}

fn second(clock: &AtomicI64) -> i64 {
    clock.load(Ordering::Relaxed)
}

#[tokio::test]
async fn a_token_that_expires_on_its_way_to_the_cloud_is_refreshed() {
    // The call is sent at 3500 s and arrives when the token expires.
    let takes = |token: &str, clock: &AtomicI64| {
        if token == "token-1" && second(clock) == 3500 {
            set(clock, 3600);
        }
        token == "token-2" || second(clock) < 3600
    };
    let stage = stage_where(&["token-1", "token-2"], HOUR, takes, |_| {}).await;
    stage.send().await.unwrap();
    set(&stage.seconds, 3500);
    stage.send().await.unwrap();
    assert_eq!(stage.seen(), ["token-1", "token-1", "token-2"]);
    assert_eq!(stage.issued(), 2);
}

#[tokio::test]
async fn a_token_that_expires_during_its_refresh_is_not_sent_any_more() {
    // The service takes a minute, during which the current token expires.
    let takes = |_: &str, _: &AtomicI64| true;
    let meanwhile = |clock: &AtomicI64| {
        if second(clock) == 3599 {
            set(clock, 3659);
        }
    };
    let two = stage_where(&["token-1", "token-2"], HOUR, takes, meanwhile).await;
    two.send().await.unwrap();
    set(&two.seconds, 3599);
    two.send().await.unwrap();
    assert_eq!(two.seen(), ["token-1", "token-2"]);

    let mut none = stage_where(&[], HOUR, takes, meanwhile).await;
    give_token(&mut none, "token-1", 3600);
    set(&none.seconds, 3599);
    assert_eq!(none.send().await.unwrap_err().message, "no more");
    assert!(none.seen().is_empty());
}

/// Gives a cache a token that expires at this second.
fn give_token(stage: &mut Stage, token: &str, end: i64) {
    let issued = Credential {
        signer: Plain(token.to_owned()),
        secrets: vec![Secret::new(token)],
        expires_at: Some(test_support::moment(BORN) + TimeDelta::seconds(end)),
    };
    stage.credentials.active = Mutex::new(Some(Arc::new(ActiveCredential::new(issued, None))));
}

#[tokio::test]
async fn a_token_issued_as_expired_is_used_while_the_cloud_accepts_it() {
    let takes = |token: &str, clock: &AtomicI64| token == "token-1" || second(clock) > 9;
    let past = Some(TimeDelta::days(-2));
    let stage = stage_where(&["token-1", "token-2"], past, takes, |_| {}).await;
    for _ in 0..3 {
        stage.send().await.unwrap();
    }
    assert_eq!(stage.issued(), 1);
}

#[tokio::test]
async fn a_token_issued_as_expired_and_rejected_is_refreshed_once() {
    let past = Some(TimeDelta::days(-2));
    let tokens = ["token-1", "token-2", "token-3"];
    let stage = stage_where(&tokens, past, |_, _| false, |_| {}).await;
    for _ in 0..3 {
        stage.send().await.unwrap_err();
    }
    assert_eq!(stage.seen(), ["token-1", "token-2"]);
    assert_eq!(stage.issued(), 2);
}

#[tokio::test]
async fn a_clock_jump_ahead_causes_one_refresh_and_a_jump_back_none() {
    let stage = stage_where(&["1", "2", "3"], HOUR, |_, _| true, |_| {}).await;
    for (second, issued) in [
        (0, 1),
        // The clock jumps a day ahead and back again: the token from tomorrow is kept.
        (86_400, 2),
        (10, 2),
        (3600, 2),
        (-86_400, 2),
        (86_400 + 3540, 3),
    ] {
        set(&stage.seconds, second);
        stage.send().await.unwrap();
        assert_eq!(stage.issued(), issued, "after {second} s");
    }
}

#[tokio::test]
async fn an_expired_token_is_refreshed_even_if_the_local_clock_was_set_back() {
    // For the cloud token-1 has expired; by the local clock it is valid for another day.
    let takes = |token: &str, clock: &AtomicI64| token == "token-2" || second(clock) == 0;
    let stage = stage_where(&["token-1", "token-2"], HOUR, takes, |_| {}).await;
    stage.send().await.unwrap();
    set(&stage.seconds, -86_400);
    stage.send().await.unwrap();
    stage.send().await.unwrap();
    assert_eq!(stage.seen(), ["token-1", "token-1", "token-2", "token-2"]);
    assert_eq!(stage.issued(), 2);
}

#[tokio::test]
async fn calls_that_find_the_token_expired_wait_for_one_refresh() {
    let stage = stage(&["token-1"], HOUR, "token-1").await;
    stage.send().await.unwrap();
    set(&stage.seconds, 3600);
    let calls = (0..20).map(|_| stage.send());
    let outcomes = futures_util::future::join_all(calls).await;
    assert!(outcomes.iter().all(Result::is_ok));
    assert_eq!(stage.issued(), 2);
}

#[tokio::test]
async fn the_first_and_the_last_possible_expiry_are_accepted() {
    for end in [DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC] {
        let stage = stage(&["token-1"], None, "token-1").await;
        let deadline = Deadline::after(Duration::from_secs(60));
        let issued = Credential {
            signer: Plain("token-1".to_owned()),
            secrets: vec![Secret::new("token-1")],
            expires_at: Some(end),
        };
        *stage.credentials.active.lock().await =
            Some(Arc::new(ActiveCredential::new(issued, None)));
        stage.credentials.get(&stage.http, deadline).await.unwrap();
        stage.send().await.unwrap();
    }
}

/// Returns the same cache in a separate run that stores its tokens in `folder`.
fn kept(mut stage: Stage, folder: &tempfile::TempDir) -> Stage {
    let mut profile = test_support::profile(&[]);
    profile.token_cache_dir = Some(folder.path().to_path_buf());
    stage.credentials = stage.credentials.persistent(&profile, &stage.transport, "");
    stage
}

#[tokio::test]
async fn a_rejected_cached_token_is_refreshed_once_for_all_calls_and_later_runs() {
    let folder = tempfile::tempdir().unwrap();
    let first = kept(stage(&["token-1"], HOUR, "token-1").await, &folder);
    first.send().await.unwrap();
    // The cloud now accepts only the other token.
    let second = kept(
        stage(&["token-2", "token-3"], HOUR, "token-2").await,
        &folder,
    );
    let calls = (0..20).map(|_| second.send());
    let outcomes = futures_util::future::join_all(calls).await;
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    assert_eq!(second.issued(), 1);
    let third = kept(stage(&["token-4"], HOUR, "token-2").await, &folder);
    third.send().await.unwrap();
    assert_eq!(
        (third.issued(), third.seen()),
        (0, vec!["token-2".to_owned()])
    );
}

#[tokio::test]
async fn a_cached_token_rejected_like_its_refresh_ends_the_call_and_is_removed() {
    let folder = tempfile::tempdir().unwrap();
    let first = kept(stage(&["token-1"], HOUR, "token-1").await, &folder);
    first.send().await.unwrap();
    let second = kept(stage(&["token-2", "token-3"], HOUR, "none").await, &folder);
    for _ in 0..3 {
        let problem = second.send().await.unwrap_err();
        assert_eq!(problem.category, Category::Unauthenticated);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
    assert_eq!(second.seen(), ["token-1", "token-2"]);
}

#[tokio::test]
async fn a_cached_token_is_masked_in_the_response_of_the_cloud() {
    let folder = tempfile::tempdir().unwrap();
    let first = kept(stage(&["token-1"], HOUR, "token-1").await, &folder);
    first.send().await.unwrap();
    let second = kept(stage(&[], HOUR, "token-1").await, &folder);
    let deadline = Deadline::after(Duration::from_secs(60));
    second
        .credentials
        .get(&second.http, deadline)
        .await
        .unwrap();
    let response = Response {
        status: 500,
        headers: Vec::new(),
        body: Vec::new(),
    };
    let refuse = |_: &Response| {
        let mut refusal = RequestError::from_status(&response);
        refusal.iter_mut().for_each(|refusal| {
            refusal.message = "no token-1 here".to_owned();
            refusal.retry = crate::http::RetryAction::No;
        });
        refusal
    };
    let outcome = second
        .credentials
        .send(&second.http, &second.request, &refuse, deadline);
    let problem = outcome.await.unwrap_err();
    assert_eq!(problem.message, "no *** here");
}

/// The current token of a file.
struct TokenFile(Arc<StdMutex<&'static str>>);

#[async_trait]
impl CredentialProvider<Plain> for TokenFile {
    async fn provide(&self, _deadline: Deadline) -> Result<Credential<Plain>, Problem> {
        let token = *self.0.lock().unwrap();
        Ok(Credential {
            signer: Plain(token.to_owned()),
            secrets: vec![Secret::new(token)],
            expires_at: None,
        })
    }

    fn makes_calls(&self) -> bool {
        false
    }
}

/// Longer than the pause after a rejected credential.
const PAUSE: i64 = 601;

#[tokio::test]
async fn a_token_file_is_read_again_after_a_rejected_refresh() {
    let mut stage = stage(&[], None, "token-3").await;
    let file = Arc::new(StdMutex::new("token-1"));
    stage.credentials = CredentialCache::from_provider(TokenFile(Arc::clone(&file)));
    for (turn, token) in ["token-1", "token-2", "token-2"].into_iter().enumerate() {
        *file.lock().unwrap() = token;
        stage.seconds.store(turn as i64 * PAUSE, Ordering::Relaxed);
        stage.send().await.unwrap_err();
    }
    *file.lock().unwrap() = "token-3";
    stage.seconds.store(3 * PAUSE, Ordering::Relaxed);
    stage.send().await.unwrap();
    stage.send().await.unwrap();
    let seen = stage.seen();
    assert_eq!(seen[seen.len() - 2..], ["token-3", "token-3"], "{seen:?}");
}

#[tokio::test]
async fn a_service_is_requested_again_long_after_a_rejected_refresh() {
    let stage = stage(&["token-1", "token-2", "token-3"], None, "token-3").await;
    stage.send().await.unwrap_err();
    assert_eq!(stage.issued(), 2);
    stage.seconds.store(PAUSE, Ordering::Relaxed);
    stage.send().await.unwrap();
    assert_eq!(stage.issued(), 3);
}
