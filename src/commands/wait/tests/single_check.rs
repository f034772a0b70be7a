//! Waits that end after one check, or after the warning-free time.

use super::*;

/// Returns the options of a wait that checks each job once.
fn single_check() -> WaitOptions {
    WaitOptions {
        timeout: Timeout::SingleCheck,
        ..options(Duration::ZERO)
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_is_made_right_after_the_end_of_the_warning_free_time() {
    let client = Arc::new(client(|_, _| RUNNING));
    // The last poll before the deadline is too early.
    let mut options = options(Duration::from_millis(300_500));
    options.policy.condition = Condition::parse("no-warnings=300s", &[]).expect("a condition");
    let (report, elapsed) = wait(&client, &["1"], &options).await;
    assert_eq!(report.exit.code, 0);
    // The warning-free time begins with the first response.
    assert_eq!(elapsed, Duration::from_millis(50 + 300_000 + 50));
    let early = client
        .received()
        .into_iter()
        .filter(|(at, _)| *at < seconds(290));
    assert!(early.count() <= 290 / 27 + 1, "{:?}", client.received());
}

#[tokio::test(start_paused = true)]
async fn a_single_check_ends_after_a_minute_when_the_server_hangs() {
    let options = single_check();
    // The list responds after 40 s without the jobs, and no lookup responds.
    let client = client(|_, _| Reply::NotFound).with_list_and_lookups(|_, _| Reply::Nothing);
    let client = Arc::new(client.with_response_time(seconds(40)));
    let (report, elapsed) = wait(&client, &["1_1", "1_2"], &options).await;
    assert_eq!((report.exit.code, elapsed), (5, seconds(60)));
    // More lookups than can be sent at once.
    let client = Arc::new(self::client(|_, _| Reply::Nothing));
    let ids = subtasks(50);
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let (report, elapsed) = wait(&client, &ids, &options).await;
    assert_eq!(report.exit.code, 5);
    assert!(elapsed < seconds(65), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn a_single_check_of_many_jobs_takes_as_long_as_their_responses() {
    let client = Arc::new(client(|_, _| SUCCEEDED).with_response_time(seconds(8)));
    let ids = subtasks(300);
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let (report, elapsed) = wait(&client, &ids, &single_check()).await;
    assert_eq!(report.exit.code, 0);
    assert!(elapsed > seconds(120), "{elapsed:?}");
}
