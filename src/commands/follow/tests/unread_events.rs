//! Jobs that have ended while their events cannot be read.

use super::*;
use crate::error::Problem;

/// Returns a client whose job `train` fails after 3 s. Its events, a warning of second 2, cannot be read until `end`,
/// for this reason. `lookups` are other responses to lookups.
fn client_without_events(
    end: Duration,
    category: Category,
    lookups: impl Fn(Duration) -> Option<Reply> + Send + Sync + 'static,
) -> ScriptedClient {
    let client = client(move |now, id| lookups(now).unwrap_or_else(|| script(now, id)));
    client.with_jobs(move |elapsed, job| {
        let at = |elapsed: Duration| Time::new(now() + elapsed);
        job.finished_at = job.ended.then(|| at(seconds(3))).flatten();
        if job.ended && elapsed < end {
            let problem = Problem::new(category, "no events");
            (job.events_unreadable, job.events_problem) = (true, Some(Box::new(problem)));
        } else if job.ended {
            job.events.push(Event {
                level: Some(Level::Warning),
                first_at: at(seconds(2)),
                last_at: at(seconds(2)),
                count: Some(1),
                reason: Some("BackOff".to_owned()),
                ..Event::default()
            });
        }
    })
}

fn page() -> FollowOutput {
    let context = context().render_context(false);
    FollowOutput::Page(
        TimelineWriter::new(context, &[reference("train")]),
        EventDeduplicator::new(EventFilter::default()),
    )
}

/// Returns the texts of the lines about events that cannot be read, without their times.
fn texts(run: &Followed) -> Vec<&str> {
    let lines = run.lines.iter().map(String::as_str);
    let lines = lines.filter(|line| line.contains("cannot read its events"));
    lines
        .map(|line| line.trim_start_matches(|one: char| one.is_ascii_digit() || one == 's'))
        .map(str::trim_start)
        .collect()
}

const RETRYING: &str = "aliyun/job/C/train: cannot read its events: no events; retrying";

#[tokio::test(start_paused = true)]
async fn events_of_an_ended_job_are_read_again_and_shown_before_its_end() {
    let outage = |now: Duration| {
        let is_out = (10..20).contains(&now.as_secs());
        is_out.then_some(Reply::Failed(Category::Network))
    };
    let client = client_without_events(seconds(30), Category::ServiceError, outage);
    let run = follow(client, &["train"], page()).await;
    assert_eq!(run.code, 0, "{:?}", run.lines);
    assert!((30..40).contains(&run.elapsed.as_secs()));
    let lines: Vec<&str> = run.stdout.lines().collect();
    let is_shown = |line: &str, text: &str| line.contains(text);
    assert!(is_shown(lines[lines.len() - 2], "BackOff"), "{lines:?}");
    assert!(is_shown(lines[lines.len() - 2], "first problem"));
    assert!(is_shown(lines[lines.len() - 1], "job failed"));
    assert_eq!(run.stdout.matches("job failed").count(), 1);
    assert_eq!(texts(&run), [RETRYING]);
    let outage = run.lines.iter().filter(|line| line.contains("again after"));
    assert_eq!(outage.count(), 1, "{:?}", run.lines);
}

#[tokio::test(start_paused = true)]
async fn events_that_cannot_be_read_for_10_minutes_are_an_error() {
    let client = client_without_events(seconds(5000), Category::ServiceError, |_| None);
    let display = FollowOutput::Events(
        RecordWriter::default(),
        EventDeduplicator::new(EventFilter::default()),
    );
    let run = follow(client, &["train"], display).await;
    assert_eq!((run.code, run.elapsed.as_secs() / 10), (5, 60));
    let records = run.records();
    let errors = records.iter().filter(|one| one["type"] == "error");
    let is_retried: Vec<_> = errors.map(|one| one["retryable"].as_bool()).collect();
    assert_eq!(is_retried, [Some(true), Some(false)]);
    assert!(records.iter().any(|one| one["state"] == "failed"));
    let error = "error: aliyun/job/C/train: cannot read its events: no events";
    assert_eq!(texts(&run), [RETRYING, error]);
}

#[tokio::test(start_paused = true)]
async fn events_are_not_read_again_if_that_cannot_succeed() {
    for (category, deleted_at, code, end) in [
        (Category::PermissionDenied, 5000, 4, 3),
        (Category::Network, 20, 5, 20),
    ] {
        let gone = move |now| (now >= seconds(deleted_at)).then_some(Reply::NotFound);
        let client = client_without_events(seconds(5000), category, gone);
        let run = follow(client, &["train"], page()).await;
        assert_eq!(run.code, code, "{:?}", run.lines);
        assert!((end..end + 5).contains(&run.elapsed.as_secs()), "{code}");
        assert_eq!(run.stdout.matches("job failed").count(), 1);
        let errors = run.lines.iter().filter(|line| line.starts_with("error: "));
        assert_eq!(errors.count(), 1, "{:?}", run.lines);
    }
}

#[tokio::test(start_paused = true)]
async fn an_end_that_a_watch_reports_during_an_outage_does_not_end_the_outage() {
    for lookup_failed in [false, true] {
        let client = client(|now, id| match now.as_secs() {
            1..6 => Reply::Failed(Category::ServiceError),
            _ => script(now, id),
        });
        let client = client.with_jobs(move |_, job| job.lookup_failed = lookup_failed);
        let run = follow(client, &["train"], records()).await;
        assert_eq!(run.code, 0);
        let is_recovery = |line: &&String| line.contains("responds again");
        let recoveries = run.lines.iter().filter(is_recovery);
        assert_eq!(recoveries.count(), usize::from(!lookup_failed));
    }
}
