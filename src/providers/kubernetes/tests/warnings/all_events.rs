//! Tests of all events of a job and its parts, as the command `events` reads them.

use super::*;
use crate::error::Category;

impl Cluster {
    /// Returns what `events` reads: reasons of events from the oldest, and the number of requests for events.
    async fn all_events(&self, kind: &'static Kind) -> (GetResult, Vec<String>, usize) {
        let (mut found, requests) = self.get(kind, EventDetail::All).await;
        found
            .job
            .finalize(crate::model::Time::from_rfc3339(TIME).unwrap());
        let events = found.job.events.iter().rev();
        let reasons = events.filter_map(|event| event.reason.clone()).collect();
        (found, reasons, requests)
    }
}

fn normal(uid: &str) -> Value {
    let mut event = warning("Pod", uid);
    event["type"] = "Normal".into();
    event
}

/// Returns the reasons of the events of this many pods.
fn reasons(count: usize) -> Vec<String> {
    let mut reasons: Vec<_> = (0..count).map(|number| format!("p{number}")).collect();
    reasons.sort();
    reasons
}

#[tokio::test]
async fn events_of_all_pods_are_read_individually_or_with_one_list() {
    let names: Vec<String> = (0..30).map(|number| format!("p{number}")).collect();
    let mut events: Vec<Value> = names.iter().map(|name| normal(name)).collect();
    events.push(normal("other"));
    // An earlier job with the same name may have had this pod.
    events.push(warning("Pod", "earlier"));
    events[31]["involvedObject"]["name"] = "x-x7k2p".into();
    for (count, is_well, requests) in [
        (8, false, 9),
        (8, true, 9),
        (10, true, 11),
        (11, true, 2),
        (30, false, 2),
    ] {
        let cluster = cluster(pods(count, is_well)).with_events(&events);
        for kind in KINDS {
            let (found, mut read, sent) = cluster.all_events(kind).await;
            read.sort();
            assert_eq!((read, sent), (reasons(count), requests), "{kind} {count}");
            assert!(!found.job.events_unreadable && found.notices.is_empty());
        }
    }
}

#[tokio::test]
async fn a_lookup_reports_that_events_of_some_pods_that_do_not_run_were_not_read() {
    for (count, is_complete) in [(5, true), (6, false)] {
        for kind in KINDS {
            let (found, _) = cluster(pods(count, false))
                .get(kind, EventDetail::ForState)
                .await;
            assert_eq!(found.notices.is_empty(), is_complete, "{kind} {count}");
            let text = format!("only the events of 5 of {count} pods were read");
            let has = |one: &crate::model::Notice| one.message.contains(&text);
            assert!(found.notices.iter().all(has), "{:?}", found.notices);
        }
    }
}

#[tokio::test]
async fn parts_that_cannot_be_read_are_reported_with_the_error() {
    let mut pods_refused = cluster(json!(403));
    pods_refused.events[0].push(warning("Job", "own"));
    let mut events_refused = cluster(pods(1, true));
    events_refused.refused = Some((0, 403));
    let sets_refused = cluster(pods(1, true)).with_list("replicasets", json!(403));
    for (cluster, kinds) in [
        (pods_refused, &KINDS[..]),
        (events_refused, &KINDS[..]),
        (sets_refused, &KINDS[1..2]),
    ] {
        for &kind in kinds {
            let (found, _, _) = cluster.all_events(kind).await;
            let error = found.job.events_error().unwrap();
            assert_eq!(error.category, Category::PermissionDenied, "{kind}");
            assert!(found.job.events_unreadable && !found.notices.is_empty());
        }
    }
}

#[tokio::test]
async fn events_before_a_page_that_cannot_be_read_are_kept_except_for_a_gate() {
    let mut cluster = cluster(pods(1, true));
    cluster.events = vec![vec![warning("Pod", "own")], vec![warning("Pod", "own")]];
    cluster.refused = Some((1, 403));
    let (found, read, _) = cluster.all_events(&POD).await;
    assert_eq!(read, ["own"]);
    let error = found.job.events_error().unwrap();
    assert_eq!(error.category, Category::PermissionDenied);
    let (gate, is_unreadable, _) = cluster.gate(&POD).await;
    assert!(gate.is_empty() && is_unreadable);
    // An expired token is replaced by a request for the whole list.
    cluster.refused = Some((1, 410));
    let (found, read, requests) = cluster.all_events(&POD).await;
    assert_eq!((read.len(), requests), (2, 3));
    assert!(!found.job.events_unreadable && found.notices.is_empty());
}

#[tokio::test]
async fn of_too_many_events_those_that_were_read_are_kept() {
    let mut cluster = cluster(pods(1, true));
    cluster.events = vec![vec![warning("Pod", "own")]; 11];
    let (found, read, _) = cluster.all_events(&POD).await;
    assert_eq!(read.len(), 10);
    assert!(found.job.events_unreadable && found.job.events_error().is_none());
    let notice = &found.notices[0].message;
    assert!(notice.contains("there are more than 10"), "{notice}");
    let (gate, is_unreadable, _) = cluster.gate(&POD).await;
    assert!(gate.is_empty() && is_unreadable);
}

#[tokio::test]
async fn a_page_with_the_token_that_it_was_requested_with_ends_the_list() {
    let mut cluster = cluster(pods(1, true));
    cluster.events = vec![vec![warning("Pod", "own")]; 2];
    cluster.repeats_token = true;
    let (found, read, requests) = cluster.all_events(&POD).await;
    assert_eq!((read.len(), requests), (1, 2));
    assert!(found.job.events_unreadable);
    let notice = &found.notices[0].message;
    assert!(notice.starts_with("read only 1 events of "), "{notice}");
}

#[tokio::test]
async fn events_of_one_second_are_sorted_by_the_time_in_their_names() {
    let event = |name: &str, reason: &str| {
        let mut event = warning("Pod", "own");
        event["metadata"] = json!({"name": name});
        event["reason"] = reason.into();
        event
    };
    let mut events = [
        event("x.18ebc5f52ad00000", "Scheduled"),
        event("x.18ebc5f52ad00001", "Pulling"),
        event("x.18ebc5f52ad00002", "Failed"),
        event("x.18ebc5f52ad00003", "BackOff"),
    ];
    let expected = ["Scheduled", "Pulling", "Failed", "BackOff"];
    for _ in 0..events.len() {
        let cluster = cluster(pods(1, true)).with_events(&events);
        assert_eq!(cluster.all_events(&POD).await.1, expected);
        events.rotate_left(1);
    }
    // Without such names, the order of the response decides.
    for event in &mut events {
        event["metadata"]["name"] = "x.26lpd".into();
    }
    let cluster = cluster(pods(1, true)).with_events(&events);
    assert_eq!(cluster.all_events(&POD).await.1, expected);
}
