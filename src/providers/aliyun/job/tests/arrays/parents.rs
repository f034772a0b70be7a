//! Tests of array jobs without their own row, and of contradictory reports about active ones.

use super::*;

/// Creates the array job 10 with this range from the rows of its subtasks only.
fn unnamed(range: Option<(i64, i64)>, rows: &[Value]) -> Job {
    let mut listing = JobRows::default();
    BatchPages::of_array("10", &["10"]).add(page(Some(rows.len()), rows), &mut listing);
    let mut parent = Job {
        array: Some(Array {
            start: range.map(|range| range.0),
            end: range.map(|range| range.1),
            ..Array::UNKNOWN
        }),
        ..job("10")
    };
    fill_from_subtasks(&mut parent, &listing, &[]);
    reconcile_subtasks(&mut parent, &listing, None, &[], &mut Vec::new());
    parent
}

#[test]
fn the_state_of_an_array_job_without_a_row_follows_from_its_subtasks() {
    let range = Some((1, 2));
    let both = |first: &str, second: &str| [row("10_1", first), row("10_2", second)];
    for (rows, range, expected) in [
        (
            both("Succeeded", "Succeeded"),
            range,
            (State::Succeeded, true),
        ),
        (
            both("Succeeded", "Succeeded"),
            None,
            (State::Unknown, false),
        ),
        (
            both("Succeeded", "Succeeded"),
            Some((1, 3)),
            (State::Unknown, false),
        ),
        (
            both("Succeeded", "Canceled"),
            range,
            (State::Canceled, true),
        ),
        (both("Succeeded", "Canceled"), None, (State::Unknown, false)),
        (both("Succeeded", "Failed"), range, (State::Failed, true)),
        (both("Succeeded", "Failed"), None, (State::Failed, false)),
        (both("Running", "Failed"), range, (State::Failed, false)),
        (both("Pending", "Pending"), range, (State::Pending, false)),
        (both("Pending", "Initing"), range, (State::Starting, false)),
        (both("Pending", "Succeeded"), range, (State::Running, false)),
        (both("Running", "Zombie"), range, (State::Running, false)),
        (both("Pending", "Zombie"), range, (State::Unknown, false)),
    ] {
        let parent = unnamed(range, &rows);
        assert_eq!((parent.state, parent.ended), expected, "{rows:?} {range:?}");
        assert_eq!(parent.state_raw, None);
    }
    let contradictory = [
        row("10", "Succeeded"),
        row("10", "Failed"),
        row("10_1", "Succeeded"),
    ];
    assert_eq!(unnamed(Some((1, 1)), &contradictory).state, State::Unknown);
}

#[test]
fn an_active_array_job_is_unconfirmed_if_a_subtask_may_have_failed_unseen() {
    let range = json!({"IndexStart": 1, "IndexEnd": 5});
    let rows = |indices: std::ops::RangeInclusive<i64>| -> Vec<Value> {
        indices
            .map(|n| row(&format!("10_{n}"), "Running"))
            .collect()
    };
    let unconfirmed_reason = |total: Option<usize>, rows: &[Value], unread| {
        let (job, notices) = judged_by("Running", &range, (total, rows), unread);
        assert_eq!(job.state, State::Running);
        assert_eq!(job.reason.is_some(), !notices.is_empty());
        assert!(
            job.reason
                .is_none_or(|reason| reason == Reason::SubtasksUnread)
        );
        job.message
    };
    assert_eq!(unconfirmed_reason(Some(5), &rows(1..=5), None), None);
    assert_eq!(
        unconfirmed_reason(Some(2), &rows(1..=2), None),
        None,
        "not all exist yet"
    );
    assert_eq!(
        unconfirmed_reason(Some(7), &rows(1..=5), None),
        None,
        "all are known"
    );
    let text = |unconfirmed_reason: Option<String>| unconfirmed_reason.unwrap_or_default();
    assert_eq!(
        text(unconfirmed_reason(Some(5), &rows(1..=2), None)),
        "the list reports 5 rows but contains 2"
    );
    assert_eq!(
        text(unconfirmed_reason(Some(5), &rows(1..=5), Some("why"))),
        "could not read all subtasks: why"
    );
    let contradictory = [row("10_1", "Running"), row("10_1", "Failed")];
    assert_eq!(
        text(unconfirmed_reason(Some(2), &contradictory, None)),
        "10_1 is listed with different states"
    );
    let others: Vec<Value> = (0..5).map(|n| row(&n.to_string(), "Running")).collect();
    assert_eq!(
        text(unconfirmed_reason(Some(900), &others, None)),
        "the list contains more rows than could be read"
    );
}
