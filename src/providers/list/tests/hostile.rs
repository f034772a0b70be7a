//! Tests of lists that contradict themselves or never end.

use super::*;
use crate::model::State;

/// Lists 230 jobs in pages of 100 that begin at any row, and repeats the first row of each page.
async fn listed_with_repeated_rows(total: Option<i64>) -> ListStats {
    let client = Lists(move |scope: &Scope, cursor: Cursor| {
        let end = 230.min(cursor.offset + 100);
        let rows = cursor.offset..end;
        let rows: Vec<usize> = rows.clone().chain(rows.take(1)).collect();
        let address = |row: &usize| scope.reference(&[&row.to_string()]);
        Page::from_addressed_rows(cursor, total, rows, address, |_, reference| GetResult {
            job: crate::providers::job_at(reference, None),
            notices: Vec::new(),
        })
    });
    let (filter, options) = (Filter::default(), test_support::get_options());
    let mut on_page = |_: Page| ready(ControlFlow::Continue(()));
    let listed = list_all(&client, &scope(), &filter, &options, None, &mut on_page).await;
    listed.unwrap()
}

#[tokio::test]
async fn a_repeated_row_hides_no_other_row() {
    let counted = listed_with_repeated_rows(Some(230)).await;
    assert_eq!((counted.rows, counted.truncation), (230, None));
    let uncounted = listed_with_repeated_rows(None).await;
    assert_eq!(uncounted.rows, 230);
    assert_eq!(uncounted.truncation, Some(Truncation::RepeatedRows(3)));
    let wrong = listed_with_repeated_rows(Some(231)).await;
    assert_eq!(wrong.truncation, Some(Truncation::CountMismatch(230, 231)));
}

#[tokio::test]
async fn endless_pages_without_rows_end_after_100_pages() {
    let endless = Lists(|_: &Scope, cursor: Cursor| Page {
        next: cursor.after(10, None),
        ..Page::default()
    });
    let mut on_page = |_: Page| unreachable!("there are no rows");
    let (filter, options) = (Filter::default(), test_support::get_options());
    let listed = list_all(&endless, &scope(), &filter, &options, None, &mut on_page).await;
    let truncation = listed.unwrap().truncation;
    assert_eq!(truncation, Some(Truncation::TooManyPages(100)));
}

/// Creates the page with this number from ids and states.
fn page(pages: &[&[(&str, State)]], number: usize, scope: &Scope, cursor: Cursor) -> Page {
    let row = |(id, state): &(&str, State)| GetResult {
        job: Job {
            state: *state,
            ended: state.is_end(),
            ..crate::providers::job_at(&scope.reference(&[id]).unwrap(), None)
        },
        notices: Vec::new(),
    };
    Page {
        rows: pages[number].iter().map(row).collect(),
        next: cursor.after(10, None).filter(|_| number + 1 < pages.len()),
        ..Page::default()
    }
}

#[tokio::test]
async fn a_job_listed_in_two_states_is_reported_with_a_notice() {
    use State::{Failed, Running, Succeeded, Unknown};
    type Case = (
        &'static [&'static [(&'static str, State)]],
        &'static [(&'static str, State)],
        &'static [&'static str],
    );
    let cases: [Case; 9] = [
        (
            &[&[
                ("a", Succeeded),
                ("b", Running),
                ("a", Failed),
                ("b", Running),
            ]],
            &[("a", Unknown), ("b", Running)],
            &["tencent/service/c/n/a is listed as succeeded and as failed: its state is unknown"],
        ),
        (
            &[
                &[("a", Running), ("b", Failed)],
                &[("a", Failed), ("b", Failed), ("c", Running)],
            ],
            &[("a", Running), ("b", Failed), ("a", Failed), ("c", Running)],
            &["tencent/service/c/n/a is listed as running and as failed: the later row counts"],
        ),
        (
            &[&[
                ("a", Succeeded),
                ("a", Failed),
                ("a", Succeeded),
                ("b", Running),
                ("b", Failed),
            ]],
            &[("a", Unknown), ("b", Unknown)],
            &[
                "tencent/service/c/n/a is listed as succeeded and as failed, and 1 more job: its state is unknown",
            ],
        ),
        (
            &[
                &[("a", Succeeded), ("a", Failed)],
                &[("a", Failed), ("b", Running)],
            ],
            &[("a", Unknown), ("b", Running)],
            &["tencent/service/c/n/a is listed as succeeded and as failed: its state is unknown"],
        ),
        (
            &[
                &[("a", Running), ("a", Failed)],
                &[("a", Running), ("b", Running)],
            ],
            &[("a", Unknown), ("b", Running)],
            &["tencent/service/c/n/a is listed as running and as failed: its state is unknown"],
        ),
        (
            &[
                &[("a", Failed)],
                &[("a", Succeeded), ("b", Running)],
                &[("a", Succeeded), ("c", Running)],
            ],
            &[
                ("a", Failed),
                ("a", Unknown),
                ("b", Running),
                ("c", Running),
            ],
            &["tencent/service/c/n/a is listed as failed and as succeeded: its state is unknown"],
        ),
        (
            &[
                &[("a", Failed)],
                &[("a", Succeeded), ("a", Failed), ("b", Running)],
            ],
            &[("a", Failed), ("a", Unknown), ("b", Running)],
            &["tencent/service/c/n/a is listed as succeeded and as failed: its state is unknown"],
        ),
        (
            &[&[("a", Failed)], &[("a", Running), ("b", Running)]],
            &[("a", Failed), ("a", Running), ("b", Running)],
            &["tencent/service/c/n/a is listed as failed and as running: the later row counts"],
        ),
        (
            &[&[("a", Running)], &[("a", Running)]],
            &[("a", Running)],
            &[],
        ),
    ];
    for (pages, rows, messages) in cases {
        let (mut seen, mut notices) = (Vec::new(), Vec::new());
        let mut on_page = |page: Page| {
            seen.extend(page.rows.into_iter().map(|row| (row.job.id, row.job.state)));
            notices.extend(page.notices.into_iter().map(|notice| notice.message));
            ready(ControlFlow::Continue(()))
        };
        let number = AtomicUsize::new(0);
        let client = Lists(move |scope: &Scope, cursor: Cursor| {
            page(pages, number.fetch_add(1, Ordering::Relaxed), scope, cursor)
        });
        let (filter, options) = (Filter::default(), test_support::get_options());
        let listed = list_all(&client, &scope(), &filter, &options, None, &mut on_page).await;
        listed.unwrap();
        let seen: Vec<_> = seen.iter().map(|(id, state)| (&**id, *state)).collect();
        assert_eq!(seen, rows);
        assert_eq!(notices, messages);
    }
}

#[tokio::test]
async fn a_contradiction_ends_when_the_list_is_read_again() {
    use State::{Failed, Running, Succeeded, Unknown};
    // A row leaves the list after the first page, so that it is read again.
    let pages: &[&[(&str, State)]] = &[
        &[("a", Succeeded), ("a", Failed), ("b", Running)],
        &[("c", Running)],
        &[("a", Failed), ("b", Running)],
        &[("c", Running)],
    ];
    let number = AtomicUsize::new(0);
    let client = Lists(move |scope: &Scope, cursor: Cursor| {
        let number = number.fetch_add(1, Ordering::Relaxed);
        Page {
            total: Some(if number == 0 { 4 } else { 3 }),
            next: number.is_multiple_of(2).then(|| cursor.next_page(2)),
            ..page(pages, number, scope, cursor)
        }
    });
    let mut seen = Vec::new();
    let mut on_page = |page: Page| {
        let rows = page.rows.into_iter().filter(|row| row.job.id == "a");
        seen.extend(rows.map(|row| row.job.state));
        ready(ControlFlow::Continue(()))
    };
    let (filter, options) = (Filter::default(), test_support::get_options());
    let listed = list_all(&client, &scope(), &filter, &options, None, &mut on_page).await;
    assert_eq!(listed.unwrap().pages, 4);
    assert_eq!(seen, [Unknown, Failed]);
}
