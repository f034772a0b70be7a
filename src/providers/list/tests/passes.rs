use super::*;

#[tokio::test]
async fn a_list_that_loses_rows_while_it_is_read_is_read_again() {
    // Row 5 leaves the list after the first page, and row 20 moves to the first page.
    let left: Vec<String> = ids(0..5).into_iter().chain(ids(6..40)).collect();
    let pages = [
        (ids(0..20), Some(40)),
        (ids(21..40), Some(39)),
        (left[..20].to_vec(), Some(39)),
        (left[20..].to_vec(), Some(39)),
    ];
    let (seen, listed) = listed_again(&pages, None, ALWAYS, &[0, 2]).await;
    assert_eq!(seen[2..], [vec!["20".to_owned()]]);
    let mut all = seen.concat();
    all.sort_by_key(|id| id.parse::<usize>().unwrap());
    assert_eq!(all, ids(0..40));
    assert_eq!((listed.pages, listed.rows), (4, 40));
    assert_eq!(listed.truncation, None);
}

#[tokio::test]
async fn a_list_that_keeps_losing_rows_is_incomplete() {
    let shrinks = |total| [(ids(0..20), Some(total)), (ids(20..39), Some(total - 1))];
    let pages = [shrinks(40), shrinks(40), shrinks(40)].concat();
    let (seen, listed) = listed_again(&pages, None, ALWAYS, &[0, 2, 4]).await;
    assert_eq!(seen.concat(), ids(0..39));
    let moved = ListStats {
        rows: 39,
        pages: 6,
        truncation: Some(Truncation::RowsMoved),
    };
    assert_eq!(listed, moved);
    // A total that falls to 0 is wrong; the list has not ended.
    let pages = [
        (ids(0..20), Some(60)),
        (ids(20..40), Some(50)),
        (ids(40..45), Some(0)),
    ];
    let pages = [pages.clone(), pages.clone(), pages].concat();
    let (_, listed) = listed_again(&pages, None, ALWAYS, &[0, 3, 6]).await;
    assert_eq!(listed.truncation, Some(Truncation::RowsMoved));
}

#[tokio::test]
async fn a_limit_counts_the_rows_of_a_list_that_is_read_again() {
    let pages = [
        (ids(0..20), Some(30)),
        (ids(21..30), Some(29)),
        (ids(1..21), Some(29)),
        (ids(21..30), Some(29)),
    ];
    let (seen, listed) = listed_again(&pages, Some(30), ALWAYS, &[0, 2]).await;
    assert_eq!(seen.concat().len(), 30);
    assert_eq!(listed.truncation, Some(Truncation::Limit(30)));
}

/// Lists jobs that are read twice because the list loses a row: `a` is first in the state `before`, then in the
/// state `after`. Returns the statistics and the pages.
async fn changed(before: State, after: State, filter: &Filter) -> (ListStats, Vec<Page>) {
    let pages = AtomicUsize::new(0);
    let client = Lists(move |scope: &Scope, cursor: Cursor| {
        let number = pages.fetch_add(1, Ordering::Relaxed);
        let row = |id: &str, state| GetResult {
            job: Job {
                state,
                state_raw: Some(state.to_string()),
                ..crate::providers::job_at(&scope.reference(&["n", id]).unwrap(), None)
            },
            notices: Vec::new(),
        };
        let (rows, total, state) = match number {
            0 => (vec!["a", "b"], 4, before),
            1 => (vec!["d"], 3, after),
            2 => (vec!["a", "b"], 3, after),
            _ => (vec!["d"], 3, after),
        };
        let read = |id: &str| match id {
            "a" => row(id, state),
            _ => row(id, State::Running),
        };
        Page {
            next: (cursor == Cursor::FIRST)
                .then(|| cursor.after(2, Some(3)))
                .flatten(),
            rows: rows.into_iter().map(read).collect(),
            total: Some(total),
            ..Page::default()
        }
    });
    let mut seen = Vec::new();
    let mut on_page = |page: Page| {
        seen.push(page);
        ready(ControlFlow::Continue(()))
    };
    let cluster = Scope {
        segments: vec!["c".to_owned()],
        ..scope()
    };
    let options = test_support::get_options();
    let listed = list_all(&client, &cluster, filter, &options, Some(4), &mut on_page).await;
    (listed.unwrap(), seen)
}

const A: &str = "tencent/service/c/n/a";

#[tokio::test]
async fn a_job_that_changed_between_two_passes_is_listed_in_its_new_state() {
    let (listed, pages) = changed(State::Running, State::Failed, &Filter::default()).await;
    // Three jobs do not reach the limit, even if they are listed several times.
    assert_eq!((listed.rows, listed.pages, listed.truncation), (3, 4, None));
    let rows = pages.iter().flat_map(|page| &page.rows);
    let states: Vec<State> = rows
        .filter(|row| row.job.reference == A)
        .map(|row| row.job.state)
        .collect();
    assert_eq!(states, [State::Running, State::Failed]);
    assert_eq!(
        (&pages[2].changed[..], &pages[2].withdrawn[..]),
        (&[A.to_owned()][..], &[][..])
    );
    let notice = &pages[2].notices[0];
    assert_eq!(notice.code, NoticeCode::ConflictingRows);
}

#[tokio::test]
async fn a_job_whose_new_state_does_not_match_the_filter_is_withdrawn() {
    let filter = Filter {
        states: vec![State::Running],
        ..Filter::default()
    };
    let (listed, pages) = changed(State::Running, State::Failed, &filter).await;
    assert_eq!(listed.rows, 2);
    assert_eq!(pages[2].withdrawn, [A]);
    let (listed, pages) = changed(State::Failed, State::Running, &filter).await;
    assert_eq!(listed.rows, 3);
    assert_eq!(pages[2].rows[0].job.state, State::Running);
    assert!(pages[2].changed.is_empty());
}

/// Lists running jobs without a total. `rows_of` returns the rows of a page, and whether more follow, for the numbers
/// of the pass and of the page from 0.
async fn read_passes(
    is_snapshot: bool,
    rows_of: impl Fn(usize, usize) -> (Vec<String>, bool) + Send + Sync,
) -> (usize, usize, Option<Truncation>) {
    let passes = AtomicUsize::new(0);
    let client = Lists(move |scope: &Scope, cursor: Cursor| {
        let is_first = cursor == Cursor::FIRST;
        let pass = passes.fetch_add(usize::from(is_first), Ordering::Relaxed);
        let pass = if is_first { pass } else { pass - 1 };
        let (ids, has_more) = rows_of(pass, cursor.page - 1);
        let read = |id: String| GetResult {
            job: Job {
                state: State::Running,
                ..crate::providers::job_at(&scope.reference(&["n", &id]).unwrap(), None)
            },
            notices: Vec::new(),
        };
        Page {
            next: has_more.then(|| cursor.next_page(ids.len())),
            rows: ids.into_iter().map(read).collect(),
            is_snapshot,
            ..Page::default()
        }
    });
    let filter = Filter {
        states: vec![State::Running],
        ..Filter::default()
    };
    let cluster = Scope {
        segments: vec!["c".to_owned()],
        ..scope()
    };
    let options = test_support::get_options();
    let mut on_page = |_: Page| ready(ControlFlow::Continue(()));
    let listed = list_all(&client, &cluster, &filter, &options, None, &mut on_page).await;
    let listed = listed.unwrap();
    (listed.rows, listed.pages, listed.truncation)
}

#[tokio::test]
async fn a_filtered_list_without_a_total_is_read_until_it_is_complete() {
    let pages = |rows: std::ops::Range<usize>, page: usize| {
        let all = ids(rows);
        let has_more = all.len() > (page + 1) * 20;
        let rows = all.into_iter().skip(page * 20).take(20);
        (rows.collect::<Vec<_>>(), has_more)
    };
    // Nothing changes: the second pass confirms the first one.
    let found = read_passes(false, |_, page| pages(0..40, page)).await;
    assert_eq!(found, (40, 4, None));
    let found = read_passes(true, |_, page| pages(0..40, page)).await;
    assert_eq!(found, (40, 2, None));
    let found = read_passes(false, |_, page| pages(0..20, page)).await;
    assert_eq!(found, (20, 1, None));
    // New rows only are no loss.
    let found = read_passes(false, |pass, page| pages(0..40 + pass, page)).await;
    assert_eq!(found, (41, 5, None));
    // A row leaves after the first page of the first pass.
    let leaves = |pass: usize, page: usize| pages(usize::from(pass + page > 0)..40, page);
    let found = read_passes(false, leaves).await;
    assert_eq!(found, (40, 6, None));
    // A row leaves and another one is added before each page.
    let changes = |pass: usize, page: usize| {
        let first = pass * 2 + page;
        pages(first..first + 40, page)
    };
    let (_, pages, truncation) = read_passes(false, changes).await;
    assert_eq!((pages, truncation), (6, Some(Truncation::RowsMoved)));
}
