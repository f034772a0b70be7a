//! Tests of lists that contradict themselves or never end.

use super::*;
use crate::model::State;

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
    let cases: [Case; 4] = [
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
