use proptest::prelude::*;
mod parents;

use serde_json::{Value, json};

use super::super::list::Page;
use super::super::parent::{
    explain, failed_subtask, fill_from_subtasks, ids_to_list, reconcile_subtasks,
};
use super::super::rows::{BatchPages, JobRows};
use super::lists::{page, row};
use crate::model::{Array, Job, Notice, Reason, State};
use crate::providers::aliyun::tests::{assert_model, fixture, job, read_jobs};

/// Creates the array job 10 with the state word `word` and the subtasks 1 to 5, and reconciles it with these rows.
fn reconciled(word: &str, rows: &[Value], unread: Option<&str>) -> (Job, Vec<Notice>) {
    let range = json!({"IndexStart": 1, "IndexEnd": 5});
    judged_by(word, &range, (None, rows), unread)
}

fn judged_by(
    word: &str,
    range: &Value,
    (total, rows): (Option<usize>, &[Value]),
    unread: Option<&str>,
) -> (Job, Vec<Notice>) {
    let described = json!({"JobInfos": [{"JobId": "10", "State": word, "IsArrayJob": true,
        "EndTime": 1_647_424_000, "ArrayProperties": range}]});
    let (mut parent, _) = read_jobs(described.to_string().as_bytes(), job("10"), &[]).unwrap();
    let mut listing = JobRows::default();
    array_pages(&parent, |pages| {
        pages.add(page(total, rows), &mut listing) && pages.add(page(total, &[]), &mut listing)
    });
    let mut notices = Vec::new();
    reconcile_subtasks(&mut parent, &listing, unread, &[], &mut notices);
    (parent, notices)
}

/// Reads the pages of an array job and its subtasks, and checks that no further page is requested.
fn array_pages(parent: &Job, read: impl FnOnce(&mut BatchPages<'_>) -> bool) {
    let ids = ids_to_list("10", parent.array.as_ref());
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    assert!(!read(&mut BatchPages::of_array("10", &ids)));
}

#[test]
fn an_array_job_succeeds_only_if_every_subtask_is_listed_as_succeeded() {
    for (rows, name) in [("subtasks", "all"), ("subtask-missing", "missing")] {
        let body = fixture("job/describe-serverless-jobs-array.json");
        let (mut parent, mut notices) = read_jobs(&body, job("10"), &[]).unwrap();
        let rows = fixture(&format!("job/list-serverless-jobs-{rows}.json"));
        let mut listing = JobRows::default();
        array_pages(&parent, |pages| {
            pages.add(Page::decode(&rows).unwrap(), &mut listing)
        });
        reconcile_subtasks(&mut parent, &listing, None, &[], &mut notices);
        let codes: Vec<_> = notices.iter().map(|notice| notice.code.as_str()).collect();
        let text: &[&str] = if name == "all" {
            &[]
        } else {
            &["count_mismatch"]
        };
        assert_eq!(codes, text);
        assert_model(
            &format!("job/describe-serverless-jobs-array-{name}.model.json"),
            parent,
        );
    }
}

#[test]
fn an_undecided_array_job_names_the_subtask_without_a_success() {
    let four = |fifth: Option<Value>| -> Vec<Value> {
        let good = (2..=5).map(|n| row(&format!("10_{n}"), "Succeeded"));
        good.chain(fifth).collect()
    };
    let message = |rows: &[Value], unread| {
        let (job, notices) = reconciled("Succeeded", rows, unread);
        assert_eq!((job.state, job.ended), (State::Unknown, false));
        assert_eq!(job.state_raw.as_deref(), Some("Succeeded"));
        assert_eq!(job.reason.as_deref(), Some("subtasks_unread"));
        assert_eq!(notices.last().unwrap().code.as_str(), "count_mismatch");
        job.message.unwrap()
    };
    let begin = "4 of 5 subtasks are known to have succeeded; ";
    assert_eq!(
        message(&four(None), None),
        format!("{begin}10_1 was not found")
    );
    for (word, text) in [
        ("Running", "10_1 is running"),
        ("Zombie", "10_1 is unknown"),
    ] {
        let rows = four(Some(row("10_1", word)));
        assert_eq!(message(&rows, None), format!("{begin}{text}"));
    }
    let few = [row("10_4", "Running"), row("10_5", "Succeeded")];
    assert_eq!(
        message(&few, Some("ListServerlessJobs: Throttling: slow down")),
        "1 of 5 subtasks are known to have succeeded; 10_1 was not found (and 3 more); \
         ListServerlessJobs: Throttling: slow down"
    );
}

#[test]
fn a_canceled_subtask_makes_a_succeeded_array_job_canceled() {
    let words = [
        "Succeeded",
        "Succeeded",
        "Canceled",
        "Succeeded",
        "Succeeded",
    ];
    let rows: Vec<Value> = words
        .iter()
        .zip(1..)
        .map(|(word, n)| row(&format!("10_{n}"), word))
        .collect();
    let (job, notices) = reconciled("Succeeded", &rows, None);
    assert_eq!((job.state, job.ended), (State::Canceled, true));
    let text = "4 of 5 subtasks are known to have succeeded; 10_3 was canceled";
    assert_eq!((job.message.as_deref(), job.reason), (Some(text), None));
    assert_eq!(notices.last().unwrap().code.as_str(), "count_mismatch");
}

#[test]
fn a_failed_subtask_makes_the_array_job_failed_whatever_its_range_is() {
    let rows: Vec<Value> = [1, 3, 5, 7, 9]
        .iter()
        .map(|n| {
            let word = if *n == 5 { "Failed" } else { "Succeeded" };
            row(&format!("10_{n}"), word)
        })
        .collect();
    for range in [
        json!({"IndexStart": 1, "IndexEnd": 9, "IndexStep": 2}),
        json!({"IndexStart": 1, "IndexEnd": 9, "IndexStep": 6}),
        json!({"IndexStart": 1, "IndexEnd": 3, "IndexStep": 2}),
        json!({"IndexStart": 1, "IndexEnd": 9, "IndexStep": 0}),
        json!({"IndexStart": 9, "IndexEnd": 1}),
        Value::Null,
    ] {
        let (mut job, notices) = judged_by("Succeeded", &range, (Some(5), &rows), None);
        assert_eq!((job.state, job.ended), (State::Failed, true), "{range}");
        assert_eq!(notices.last().unwrap().code.as_str(), "count_mismatch");
        assert_eq!(failed_subtask(&job), Some("10_5"));
        explain(&mut job, None);
        assert_eq!(job.message.as_deref(), Some("10_5: Failed"));
    }
}

#[test]
fn a_list_that_contradicts_the_range_proves_no_success() {
    let rows = |indices: &[i64]| -> Vec<Value> {
        let rows = indices.iter();
        rows.map(|n| row(&format!("10_{n}"), "Succeeded")).collect()
    };
    let range = |end: i64, step: i64| json!({"IndexStart": 1, "IndexEnd": end, "IndexStep": step});
    let all = rows(&[1, 3, 5, 7, 9]);
    let message = |range: Value, total: usize| {
        let (job, _) = judged_by("Succeeded", &range, (Some(total), &all), None);
        assert_eq!((job.state, job.ended), (State::Unknown, false));
        job.message.unwrap()
    };
    assert_eq!(
        message(range(9, 6), 5),
        "2 of 2 subtasks are known to have succeeded; 10_3 is outside its range"
    );
    assert_eq!(
        message(range(7, 2), 5),
        "4 of 4 subtasks are known to have succeeded; 10_9 is outside its range"
    );
    assert_eq!(
        message(range(9, 2), 7),
        "5 of 5 subtasks are known to have succeeded; the list reports 7 rows but contains 5"
    );
    let (job, _) = judged_by("Succeeded", &range(9, 2), (Some(5), &all), None);
    assert_eq!(job.state, State::Succeeded);
    let others = [
        rows(&[1, 3, 5, 7, 9]),
        vec![row("11_1", "Failed"), row("100_3", "Failed")],
    ];
    let unfiltered = (Some(900), &others.concat()[..]);
    let (job, _) = judged_by("Succeeded", &range(9, 2), unfiltered, None);
    assert_eq!(
        job.state,
        State::Succeeded,
        "other array jobs are of no concern"
    );
}

#[test]
fn a_success_of_an_array_job_without_a_range_is_undecided() {
    let body = json!({"JobInfos": [{"JobId": "10", "State": "Succeeded", "IsArrayJob": true}]});
    let body = body.to_string();
    let (mut parent, mut notices) = read_jobs(body.as_bytes(), job("10"), &[]).unwrap();
    reconcile_subtasks(&mut parent, &JobRows::default(), None, &[], &mut notices);
    assert_eq!((parent.state, parent.ended), (State::Unknown, false));
    assert_eq!(
        parent.message.as_deref(),
        Some("the range of its subtasks could not be read")
    );
}

#[test]
fn a_failed_subtask_makes_an_active_array_job_failed_but_not_ended() {
    let rows = [
        row("10_1", "Failed"),
        row("10_2", "Zombie"),
        row("10_3", "Zombie"),
    ];
    for (word, state) in [
        ("Running", (State::Failed, false)),
        ("Pending", (State::Failed, false)),
        ("Failed", (State::Failed, true)),
        ("Canceled", (State::Canceled, true)),
    ] {
        let (job, notices) = reconciled(word, &rows, None);
        assert_eq!((job.state, job.ended), state, "{word}");
        assert_eq!((job.state_raw.as_deref(), job.tasks.len()), (Some(word), 3));
        let codes: Vec<_> = notices.iter().map(|notice| notice.code.as_str()).collect();
        assert_eq!(codes, ["unknown_state"], "reported once");
    }
    let (job, _) = reconciled("Running", &rows[1..], None);
    assert_eq!(job.state, State::Running);
    let (_, notices) = reconciled("Running", &[], Some("why"));
    assert!(
        notices[0]
            .message
            .ends_with("could not read all subtasks: why")
    );
}

#[test]
fn a_failed_array_job_takes_the_cause_of_its_first_failed_subtask() {
    let rows = [
        row("10_1", "Succeeded"),
        row("10_2", "Failed"),
        row("10_3", "Failed"),
    ];
    let (mut parent, _) = reconciled("Failed", &rows, None);
    assert_eq!(failed_subtask(&parent), Some("10_2"));
    explain(&mut parent, None);
    assert_eq!(parent.message.as_deref(), Some("10_2: Failed (and 1 more)"));
    let cause = Job {
        state: State::Failed,
        exit_code: Some(137),
        reason: Some("OOMKilled".into()),
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
    let (running, _) = reconciled("Running", &rows, None);
    assert_eq!(failed_subtask(&running), Some("10_2"));
    let (canceled, _) = reconciled("Canceled", &rows, None);
    assert_eq!(failed_subtask(&canceled), None);
}

proptest! {
    #[test]
    fn an_array_job_succeeds_only_if_it_and_all_its_subtasks_did(
        words in proptest::collection::vec("Succeeded|Failed|Running|Canceled|x?", 0..7),
        indices in proptest::collection::vec(0_usize..7, 7),
        word in "Succeeded|Failed|Running|y",
    ) {
        let rows: Vec<Value> = words
            .iter()
            .zip(&indices)
            .map(|(word, index)| row(&format!("10_{index}"), word))
            .collect();
        let (job, _) = reconciled(&word, &rows, None);
        let all = (1..=5).all(|n| {
            let of = |row: &&Value| row["JobId"] == format!("10_{n}");
            let mut mine = rows.iter().filter(of).peekable();
            mine.peek().is_some() && mine.all(|row| row["State"] == "Succeeded")
        });
        let has_others = indices.iter().take(words.len()).any(|n| !(1..=5).contains(n));
        let is_sure = word == "Succeeded" && all && !has_others;
        prop_assert_eq!(job.state == State::Succeeded, is_sure);
        let has_failed = job.tasks.iter().any(|task| task.state == State::Failed);
        prop_assert!(!has_failed || job.state == State::Failed);
        prop_assert!(word != "Running" || !job.ended);
    }
}
