use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::wire::{
    Listing, Page, Pages, explain, failed_subtask, judge, read_jobs, subtask_ids,
};
use super::{assert_model, fixture, job};
use crate::model::{Array, Job, Notice, State};

fn listed(body: &[u8], ids: &[&str]) -> Listing {
    let mut listing = Listing::default();
    assert!(!Pages::of(ids).add(Page::read(body).unwrap(), &mut listing));
    listing
}

fn glanced(listing: &Listing, id: &str) -> Option<(Job, Vec<Notice>)> {
    listing.glance(job(id), &[])
}

/// A row as terse as the tests need it.
fn row(id: &str, word: &str) -> Value {
    json!({"JobId": id, "State": word, "IsArrayJob": "True"})
}

fn page(total: Option<usize>, rows: &[Value]) -> Page {
    let body = json!({"TotalCount": total, "RequestId": "R", "Jobs": rows});
    Page::read(body.to_string().as_bytes()).unwrap()
}

/// The array job 10 with the subtasks 1 to 5 whose word is `word`, judged by these rows.
fn judged(word: &str, rows: &[Value], unread: Option<&str>) -> (Job, Vec<Notice>) {
    let mut parent = job("10");
    let described = json!({"JobInfos": [{"JobId": "10", "State": word, "IsArrayJob": true,
        "EndTime": 1_647_424_000, "ArrayProperties": {"IndexStart": 1, "IndexEnd": 5}}]});
    let body = described.to_string();
    (parent, _) = read_jobs(body.as_bytes(), parent, &[]).unwrap();
    let ids = subtask_ids("10", parent.array.as_ref().unwrap()).unwrap();
    let asked: Vec<&str> = ids.iter().map(String::as_str).collect();
    let mut listing = Listing::default();
    Pages::of(&asked).add(page(None, rows), &mut listing);
    let mut notices = Vec::new();
    judge(&mut parent, Some(&ids), &listing, unread, &[], &mut notices);
    (parent, notices)
}

#[test]
fn rows_of_text_become_jobs() {
    let ids = ["5", "6", "10_3", "10", "11"];
    let listing = listed(&fixture("list-serverless-jobs.json"), &ids);
    for (id, name) in [("5", "running"), ("6", "succeeded"), ("10_3", "subtask")] {
        let (job, notices) = glanced(&listing, id).unwrap();
        assert_eq!(notices, [], "{id}");
        assert_model(&format!("list-serverless-jobs-{name}.model.json"), job);
    }
    assert_eq!(glanced(&listing, "11").unwrap().0.state, State::Running);
}

#[test]
fn an_array_job_that_has_ended_is_not_told_by_its_row() {
    let listing = listed(&fixture("list-serverless-jobs.json"), &["10", "6"]);
    assert!(glanced(&listing, "10").is_none());
    assert!(glanced(&listing, "7").is_none());
    assert!(glanced(&listing, "5").is_none(), "was not asked for");
}

#[test]
fn rows_that_say_nothing_or_contradict_each_other_are_left_out() {
    let mut listing = Listing::default();
    let rows = [
        row("1", ""),
        row("2", "Succeeded"),
        row("2", "Failed"),
        row("2", "Failed"),
        json!({"State": "Succeeded"}),
        row(" 3\n", "Zombie"),
    ];
    Pages::of(&["1", "2", "3"]).add(page(Some(6), &rows), &mut listing);
    assert!(glanced(&listing, "1").is_none());
    assert!(glanced(&listing, "2").is_none());
    let (job, notices) = glanced(&listing, "3").unwrap();
    assert_eq!((job.state, job.ended), (State::Unknown, false));
    assert_eq!(notices[0].code, "unknown_state");
}

#[test]
fn an_answer_of_nothing_is_no_list() {
    for body in [
        "{}",
        r#"{"RequestId":"R"}"#,
        r#"{"TotalCount":2}"#,
        "[]",
        "<html>",
    ] {
        assert!(Page::read(body.as_bytes()).is_err(), "{body}");
    }
    for body in [
        r#"{"TotalCount":"0"}"#,
        r#"{"TotalCount":0,"Jobs":null}"#,
        r#"{"Jobs":[]}"#,
    ] {
        assert!(Page::read(body.as_bytes()).is_ok(), "{body}");
    }
}

#[test]
fn pages_are_asked_for_while_they_bring_something_and_never_without_end() {
    let ids: Vec<String> = (0..100).map(|n| n.to_string()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let rows = |from: usize, to: usize| -> Vec<Value> {
        ids[from..to].iter().map(|id| row(id, "Running")).collect()
    };
    let mut listing = Listing::default();

    assert!(!Pages::of(&ids).add(page(Some(100), &rows(0, 100)), &mut listing));

    let (mut short, mut listing) = (Pages::of(&ids), Listing::default());
    assert!(short.add(page(Some(100), &rows(0, 20)), &mut listing));
    assert_eq!(short.next(), 2);
    let repeated = short.add(page(Some(100), &rows(0, 20)), &mut listing);
    assert!(!repeated, "a page that repeats itself brings nothing");

    let mut endless = Pages::of(&ids);
    let mut listing = Listing::default();
    let mut asked = 1;
    while endless.add(page(Some(1 << 40), &rows(asked, asked + 1)), &mut listing) {
        asked += 1;
    }
    assert_eq!(asked, 5);

    let others = [row("other", "Running")];
    assert!(!Pages::of(&ids).add(page(Some(9_000), &others), &mut listing));
    let both = [row("1", "Running"), row("2", "Running")];
    assert!(!Pages::of(&["1", "2"]).add(page(Some(9_000), &both), &mut listing));
}

#[test]
fn a_range_is_read_only_where_it_makes_sense() {
    let ids = |start, end, step| {
        let array = Array {
            start,
            end,
            step,
            index: None,
        };
        subtask_ids("10", &array)
    };
    let some = |ids: &[&str]| Some(ids.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(
        ids(Some(1), Some(6), Some(2)),
        some(&["10_1", "10_3", "10_5"])
    );
    assert_eq!(ids(Some(0), Some(0), None), some(&["10_0"]));
    assert_eq!(ids(Some(1), Some(10_000), Some(1)).unwrap().len(), 10_000);
    for (start, end, step) in [
        (None, Some(5), Some(1)),
        (Some(1), None, Some(1)),
        (Some(5), Some(1), Some(1)),
        (Some(-1), Some(1), Some(1)),
        (Some(1), Some(5), Some(0)),
        (Some(1), Some(5), Some(-1)),
        (Some(0), Some(10_000), Some(1)),
        (Some(0), Some(i64::MAX), Some(1)),
    ] {
        assert_eq!(ids(start, end, step), None, "{start:?} {end:?} {step:?}");
    }
    assert_eq!(
        ids(Some(0), Some(i64::MAX), Some(i64::MAX)).unwrap().len(),
        2
    );
}

#[test]
fn an_array_job_succeeds_only_when_every_subtask_was_seen_succeeded() {
    for (rows, name) in [("subtasks", "all"), ("subtask-missing", "missing")] {
        let body = fixture("describe-serverless-jobs-array.json");
        let (mut parent, mut notices) = read_jobs(&body, job("10"), &[]).unwrap();
        let ids = subtask_ids("10", parent.array.as_ref().unwrap()).unwrap();
        let asked: Vec<&str> = ids.iter().map(String::as_str).collect();
        let listing = listed(
            &fixture(&format!("list-serverless-jobs-{rows}.json")),
            &asked,
        );
        judge(&mut parent, Some(&ids), &listing, None, &[], &mut notices);
        let codes: Vec<_> = notices.iter().map(|notice| notice.code).collect();
        let told: &[&str] = if name == "all" {
            &[]
        } else {
            &["count_mismatch"]
        };
        assert_eq!(codes, told);
        assert_model(
            &format!("describe-serverless-jobs-array-{name}.model.json"),
            parent,
        );
    }
}

#[test]
fn a_doubt_names_the_subtask_that_raises_it() {
    let four = |fifth: Option<Value>| -> Vec<Value> {
        let good = (2..=5).map(|n| row(&format!("10_{n}"), "Succeeded"));
        good.chain(fifth).collect()
    };
    let message = |rows: &[Value], unread| {
        let (job, notices) = judged("Succeeded", rows, unread);
        assert_eq!((job.state, job.ended), (State::Unknown, false));
        assert_eq!(job.state_raw.as_deref(), Some("Succeeded"));
        assert_eq!(job.reason.as_deref(), Some("subtasks_unread"));
        assert_eq!(notices.last().unwrap().code, "count_mismatch");
        job.message.unwrap()
    };
    let begin = "4 of 5 subtasks were seen succeeded; ";
    assert_eq!(
        message(&four(None), None),
        format!("{begin}10_1 was not found")
    );
    for (word, told) in [
        ("Failed", "10_1 failed"),
        ("Canceled", "10_1 was canceled"),
        ("Running", "10_1 is running"),
        ("Zombie", "10_1 is unknown"),
    ] {
        let rows = four(Some(row("10_1", word)));
        assert_eq!(message(&rows, None), format!("{begin}{told}"));
    }
    let failed = [row("10_4", "Failed"), row("10_5", "Succeeded")];
    assert_eq!(
        message(&failed, Some("ListServerlessJobs: Throttling: slow down")),
        "1 of 5 subtasks were seen succeeded; 10_4 failed (and 3 more); ListServerlessJobs: \
         Throttling: slow down"
    );
}

#[test]
fn without_a_range_no_success_is_believed() {
    let body = json!({"JobInfos": [{"JobId": "10", "State": "Succeeded", "IsArrayJob": true}]});
    let body = body.to_string();
    let (mut parent, mut notices) = read_jobs(body.as_bytes(), job("10"), &[]).unwrap();
    judge(
        &mut parent,
        None,
        &Listing::default(),
        None,
        &[],
        &mut notices,
    );
    assert_eq!((parent.state, parent.ended), (State::Unknown, false));
    assert_eq!(
        parent.message.as_deref(),
        Some("the range of its subtasks could not be read")
    );
}

#[test]
fn other_words_of_an_array_job_stand() {
    let rows = [
        row("10_1", "Failed"),
        row("10_2", "Zombie"),
        row("10_3", "Zombie"),
    ];
    for (word, state) in [
        ("Running", State::Running),
        ("Failed", State::Failed),
        ("Canceled", State::Canceled),
        ("Pending", State::Pending),
    ] {
        let (job, notices) = judged(word, &rows, None);
        assert_eq!((job.state, job.tasks.len()), (state, 3));
        let codes: Vec<_> = notices.iter().map(|notice| notice.code).collect();
        assert_eq!(codes, ["unknown_state"], "told once");
    }
    let (_, notices) = judged("Running", &[], Some("why"));
    assert!(notices[0].message.ends_with("could not all be read: why"));
}

#[test]
fn a_failed_array_job_takes_the_cause_of_its_first_failed_subtask() {
    let rows = [
        row("10_1", "Succeeded"),
        row("10_2", "Failed"),
        row("10_3", "Failed"),
    ];
    let (mut parent, _) = judged("Failed", &rows, None);
    assert_eq!(failed_subtask(&parent), Some("10_2"));
    explain(&mut parent, None);
    assert_eq!(parent.message.as_deref(), Some("10_2: Failed (and 1 more)"));
    let cause = Job {
        state: State::Failed,
        exit_code: Some(137),
        reason: Some("OOMKilled".to_owned()),
        message: Some("container main: exit code 137".to_owned()),
        ..Job::default()
    };
    explain(&mut parent, Some(&cause));
    assert_eq!(
        parent.message.as_deref(),
        Some("10_2: container main: exit code 137 (and 1 more)")
    );
    assert_eq!(
        (parent.reason.as_deref(), parent.exit_code),
        (Some("OOMKilled"), Some(137))
    );
    assert_eq!(parent.tasks[1].exit_code, Some(137));
    let (running, _) = judged("Running", &rows, None);
    assert_eq!(failed_subtask(&running), None);
}

proptest! {
    #[test]
    fn no_rows_make_an_array_job_succeed_that_has_not(
        words in proptest::collection::vec("Succeeded|Failed|Running|Canceled|x?", 0..7),
        indices in proptest::collection::vec(0_usize..7, 7),
        word in "Succeeded|Failed|Running|y",
    ) {
        let rows: Vec<Value> = words
            .iter()
            .zip(&indices)
            .map(|(word, index)| row(&format!("10_{index}"), word))
            .collect();
        let (job, _) = judged(&word, &rows, None);
        let all = (1..=5).all(|n| {
            let of = |row: &&Value| row["JobId"] == format!("10_{n}");
            let mut mine = rows.iter().filter(of).peekable();
            mine.peek().is_some() && mine.all(|row| row["State"] == "Succeeded")
        });
        prop_assert_eq!(job.state == State::Succeeded, word == "Succeeded" && all);
    }
}
