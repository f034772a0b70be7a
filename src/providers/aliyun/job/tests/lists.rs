use serde_json::{Value, json};

use super::super::list::Page;
use super::super::rows::{BatchPages, JobRows};
use crate::model::{Job, Notice, State};
use crate::providers::aliyun::tests::{assert_model, fixture, job};

fn listed(body: &[u8], ids: &[&str]) -> JobRows {
    let mut listing = JobRows::default();
    assert!(!BatchPages::new(ids).add(Page::decode(body).unwrap(), &mut listing));
    listing
}

fn glanced(listing: &JobRows, id: &str) -> Option<(Job, Vec<Notice>)> {
    listing.job_for(job(id), &[], None)
}

/// Creates a row with the fields that the tests need.
pub(super) fn row(id: &str, word: &str) -> Value {
    json!({"JobId": id, "State": word, "IsArrayJob": "True"})
}

pub(super) fn page(total: Option<usize>, rows: &[Value]) -> Page {
    let body = json!({"TotalCount": total, "RequestId": "R", "Jobs": rows});
    Page::decode(body.to_string().as_bytes()).unwrap()
}

#[test]
fn rows_with_values_as_text_become_jobs() {
    let ids = ["5", "6", "10_3", "10", "11"];
    let listing = listed(&fixture("job/list-serverless-jobs.json"), &ids);
    for (id, name) in [("5", "running"), ("6", "succeeded"), ("10_3", "subtask")] {
        let (job, notices) = glanced(&listing, id).unwrap();
        assert_eq!(notices, [], "{id}");
        assert_model(&format!("job/list-serverless-jobs-{name}.model.json"), job);
    }
}

#[test]
fn the_row_of_an_array_job_is_not_enough_to_read_it() {
    let listing = listed(
        &fixture("job/list-serverless-jobs.json"),
        &["10", "6", "11"],
    );
    assert!(glanced(&listing, "10").is_none());
    assert!(
        glanced(&listing, "11").is_none(),
        "a subtask may have failed"
    );
    assert!(glanced(&listing, "7").is_none());
    assert!(glanced(&listing, "5").is_none(), "was not requested");
}

#[test]
fn rows_without_a_state_or_with_conflicting_states_are_ignored() {
    let mut listing = JobRows::default();
    let rows = [
        row("1", ""),
        row("2", "Succeeded"),
        row("2", "Failed"),
        row("2", "Failed"),
        json!({"State": "Succeeded"}),
        json!({"JobId": " 3\n", "State": "Zombie", "IsArrayJob": "False"}),
    ];
    BatchPages::new(&["1", "2", "3"]).add(page(Some(6), &rows), &mut listing);
    assert!(glanced(&listing, "1").is_none());
    assert!(glanced(&listing, "2").is_none());
    let (job, notices) = glanced(&listing, "3").unwrap();
    assert_eq!((job.state, job.ended), (State::Unknown, false));
    assert_eq!(notices[0].code.as_str(), "unknown_state");
}

#[test]
fn an_empty_list_is_accepted_and_a_missing_list_is_an_error() {
    for body in [
        "{}",
        r#"{"RequestId":"R"}"#,
        r#"{"TotalCount":2}"#,
        "[]",
        "<html>",
    ] {
        assert!(Page::decode(body.as_bytes()).is_err(), "{body}");
    }
    for body in [
        r#"{"TotalCount":"0"}"#,
        r#"{"TotalCount":0,"Jobs":null}"#,
        r#"{"Jobs":[]}"#,
    ] {
        assert!(Page::decode(body.as_bytes()).is_ok(), "{body}");
    }
}

#[test]
fn rows_that_cannot_be_read_do_not_hide_the_others() {
    let read = |rows: Value, total: usize| {
        let body = json!({"TotalCount": total, "Jobs": rows}).to_string();
        let (page, dropped) = Page::decode_readable(body.as_bytes()).unwrap();
        let mut listing = JobRows::default();
        BatchPages::of_array("10", &["10"]).add(page, &mut listing);
        (listing, dropped)
    };
    let failed = row("10_5", "Failed");
    for odd in [
        Value::Null,
        json!({"JobId": ["x"], "State": "Failed"}),
        json!({"JobId": "10_6", "State": ["Failed"]}),
        json!({"State": "Failed"}),
        json!([]),
        json!("10_6"),
    ] {
        let (listing, dropped) = read(json!([odd, failed]), 2);
        assert!(dropped.is_some(), "{odd}");
        assert!(listing.row("10_5").is_some(), "{odd}");
        assert!(listing.is_array("10"), "{odd}");
    }
    let odd_priority = json!({"JobId": "10_6", "State": "Failed", "Priority": ["x"]});
    let (listing, dropped) = read(json!([odd_priority, failed]), 2);
    assert_eq!(dropped, None, "what decides can be read");
    assert!(listing.row("10_6").is_some());
    for body in [
        "<html>",
        "{}",
        r#"{"Jobs":{"Job":[{"JobId":"10"}]}}"#,
        "[null]",
    ] {
        assert!(Page::decode_readable(body.as_bytes()).is_err(), "{body}");
    }
}

#[test]
fn the_row_of_a_job_is_not_enough_if_a_subtask_of_it_is_listed() {
    let ordinary = |id: &str| json!({"JobId": id, "State": "Succeeded", "IsArrayJob": false});
    let rows = [ordinary("5"), ordinary("6"), row("5_7", "Failed")];
    let mut listing = JobRows::default();
    BatchPages::new(&["5", "6"]).add(page(Some(3), &rows), &mut listing);
    assert!(glanced(&listing, "5").is_none());
    assert_eq!(glanced(&listing, "6").unwrap().0.state, State::Succeeded);
}

#[test]
fn a_search_reads_past_pages_of_other_jobs_up_to_10_pages() {
    let others: Vec<Value> = (1000..1100)
        .map(|n| row(&n.to_string(), "Running"))
        .collect();
    let (mut search, mut listing) = (BatchPages::search("10"), JobRows::default());
    assert!(search.add(page(Some(101), &others), &mut listing));
    assert!(!listing.is_array("10") && !listing.is_partial());
    assert!(!search.add(page(Some(101), &[row("10_150", "Failed")]), &mut listing));
    assert!(listing.is_array("10") && !listing.is_partial());
    let (mut search, mut listing, mut requested) =
        (BatchPages::search("10"), JobRows::default(), 1);
    while search.add(page(Some(1 << 40), &others), &mut listing) {
        requested += 1;
    }
    assert_eq!(requested, 10);
    assert!(listing.is_partial());
}

#[test]
fn pages_are_requested_while_they_add_wanted_rows_up_to_10_pages() {
    let ids: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let rows = |from: usize, to: usize| -> Vec<Value> {
        ids[from..to].iter().map(|id| row(id, "Running")).collect()
    };
    let mut listing = JobRows::default();

    assert!(!BatchPages::new(&ids).add(page(Some(100), &rows(0, 100)), &mut listing));

    let (mut short, mut listing) = (BatchPages::new(&ids), JobRows::default());
    assert!(short.add(page(Some(100), &rows(0, 20)), &mut listing));
    assert_eq!(short.next(), 2);
    let repeated = short.add(page(Some(100), &rows(0, 20)), &mut listing);
    assert!(!repeated, "a page that repeats itself brings nothing");

    let mut endless = BatchPages::new(&ids);
    let mut listing = JobRows::default();
    let mut requested = 1;
    while endless.add(
        page(Some(1 << 40), &rows(requested, requested + 1)),
        &mut listing,
    ) {
        requested += 1;
    }
    assert_eq!(requested, 10);

    let others = [row("other", "Running")];
    assert!(!BatchPages::new(&ids).add(page(Some(9_000), &others), &mut listing));
    let both = [row("1", "Running"), row("2", "Running")];
    let mut listing = JobRows::default();
    let mut pages = BatchPages::new(&["1", "2"]);
    assert!(pages.add(page(Some(9_000), &both), &mut listing));
    assert!(!pages.add(page(Some(9_000), &both), &mut listing));
    let mut listing = JobRows::default();
    let succeeded = [row("1", "Succeeded"), row("2", "Succeeded")];
    let mut pages = BatchPages::new(&["1", "2"]);
    assert!(pages.add(page(Some(3), &succeeded), &mut listing));
    pages.add(page(Some(3), &[row("2", "Failed")]), &mut listing);
    assert!(listing.row("1").is_some() && listing.row("2").is_none());
}

#[test]
fn an_unreadable_row_invalidates_other_rows_of_the_job_unless_failed() {
    let odd = json!({"JobId": "10_1", "State": ["Failed"]});
    let other = |word: &str| row("10_1", word);
    for (rows, is_left) in [
        (vec![odd.clone(), other("Succeeded")], false),
        (vec![other("Succeeded"), odd.clone()], false),
        (vec![odd, other("Failed")], true),
        (vec![other("Succeeded")], true),
    ] {
        let body = json!({"TotalCount": rows.len(), "Jobs": rows}).to_string();
        let (page, _) = Page::decode_readable(body.as_bytes()).unwrap();
        let mut listing = JobRows::default();
        BatchPages::new(&["10_1"]).add(page, &mut listing);
        assert_eq!(listing.row("10_1").is_some(), is_left, "{body}");
    }
}

#[test]
fn a_failed_or_conflicting_row_contradicts_a_success() {
    let listing = |words: &[&str]| {
        let rows: Vec<Value> = words.iter().map(|word| row("5", word)).collect();
        let mut listing = JobRows::default();
        BatchPages::new(&["5"]).add(page(Some(rows.len()), &rows), &mut listing);
        listing
    };
    let described = Job {
        state_raw: Some("Succeeded".to_owned()),
        ..job("5")
    };
    for (words, contradiction) in [
        (&["Succeeded"][..], None),
        (&["Running"], None),
        (&[], None),
        (
            &["Failed"],
            Some("the job is Succeeded, but Failed in the list"),
        ),
        (
            &["Succeeded", "Failed"],
            Some("the job is Succeeded, but the list has rows with different states of it"),
        ),
    ] {
        let found = listing(words).contradiction(&described, &[]);
        assert_eq!(found.as_deref(), contradiction, "{words:?}");
    }
}

#[test]
fn a_row_without_an_array_flag_is_enough_only_in_its_checked_active_state() {
    let mut listing = JobRows::default();
    let rows = [
        json!({"JobId": "5", "State": "Running"}),
        json!({"JobId": "6", "State": "Succeeded"}),
        json!({"JobId": "7", "State": "Running", "IsArrayJob": "True"}),
    ];
    BatchPages::new(&["5", "6", "7"]).add(page(Some(3), &rows), &mut listing);
    let is_enough = |id: &str, checked_in| listing.job_for(job(id), &[], checked_in).is_some();
    assert!(!is_enough("5", None));
    assert!(!is_enough("5", Some(State::Pending)));
    assert!(is_enough("5", Some(State::Running)));
    assert!(!is_enough("6", Some(State::Succeeded)));
    assert!(!is_enough("7", Some(State::Running)));
}

#[test]
fn an_ended_state_in_one_response_wins_over_an_active_one_in_another() {
    let listing = |word: &str| {
        let mut listing = JobRows::default();
        BatchPages::of_array("10", &["10_5"])
            .add(page(Some(1), &[row("10_5", word)]), &mut listing);
        listing
    };
    for (first, second, merged) in [
        ("Running", "Failed", Some("Failed")),
        ("Failed", "Running", Some("Failed")),
        ("Pending", "Running", Some("Running")),
        ("Failed", "Failed", Some("Failed")),
        ("Failed", "Succeeded", None),
    ] {
        let mut rows = listing(first);
        rows.add_list(listing(second), &[]);
        let word = rows.row("10_5").and_then(|row| row.word.as_deref());
        assert_eq!(word, merged, "{first} {second}");
        assert_eq!(rows.is_contradictory("10_5"), merged.is_none());
    }
}
