mod filters;
mod hostile;
mod overlap;
mod passes;

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;

use super::*;
use crate::model::{Job, Notice, NoticeCode, State};
use crate::providers::list_all::{ListStats, Truncation, list_all, list_all_scopes, ready};
use crate::providers::{
    Client, CloudApi, CredentialInfo, RequestOptions, ScopeListRequest, tencent, test_support,
};
use crate::reference::{Reference, Scope};

/// A client that returns the pages one after the other, and then repeats the last one.
struct Pages {
    pages: Vec<(Vec<String>, Option<u64>)>,
    requested: AtomicUsize,
    /// Numbers of the requests for a first page.
    starts: &'static [usize],
}

#[async_trait]
impl Client for Pages {
    fn api(&self) -> &dyn CloudApi {
        self
    }

    async fn get(&self, _: &Reference, _: &RequestOptions) -> Result<GetResult, Problem> {
        unreachable!("only lists are requested")
    }

    async fn list(
        &self,
        scope: &Scope,
        _: &Filter,
        cursor: Cursor,
        _: &RequestOptions,
    ) -> Result<Page, Problem> {
        let number = self.requested.fetch_add(1, Ordering::Relaxed);
        assert_eq!(cursor == Cursor::FIRST, self.starts.contains(&number));
        let (ids, total) = &self.pages[number.min(self.pages.len() - 1)];
        let found: Vec<GetResult> = ids
            .iter()
            .filter_map(|id| scope.reference(&[id]))
            .map(|reference| GetResult {
                job: crate::providers::job_at(&reference, None),
                notices: Vec::new(),
            })
            .collect();
        let page = Page {
            rows_without_id: ids.len() - found.len(),
            next: cursor.after(ids.len(), *total),
            total: *total,
            rows: found,
            ..Page::default()
        };
        Ok(page)
    }
}

#[async_trait]
impl CloudApi for Pages {
    fn endpoint(&self) -> Option<String> {
        None
    }

    fn credential(&self) -> CredentialInfo {
        CredentialInfo::default()
    }

    async fn list_scopes(&self, request: ScopeListRequest<'_>) -> Result<ScopePage, Problem> {
        let number = self.requested.fetch_add(1, Ordering::Relaxed);
        let (ids, total) = self.pages[number.min(self.pages.len() - 1)].clone();
        let total = total.and_then(|total| i64::try_from(total).ok());
        let read = |_, scope| model::ScopeSummary {
            scope,
            ..model::ScopeSummary::default()
        };
        Ok(request.page(total, ids, |id| Some(id), read))
    }
}

fn ids(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

fn scope() -> Scope {
    Scope {
        kind: tencent::CLOUD.kinds[0],
        profile: "default".into(),
        segments: vec!["c".to_owned(), "n".to_owned()],
        input: String::new(),
    }
}

/// Returns the ids that were passed on, page by page, and the statistics.
async fn listed(
    pages: &[(Vec<String>, Option<u64>)],
    limit: Option<usize>,
    stop_after: usize,
) -> (Vec<Vec<String>>, ListStats) {
    listed_again(pages, limit, stop_after, &[0]).await
}

/// Like [`listed`], for a list that is read from its start at these requests.
async fn listed_again(
    pages: &[(Vec<String>, Option<u64>)],
    limit: Option<usize>,
    stop_after: usize,
    starts: &'static [usize],
) -> (Vec<Vec<String>>, ListStats) {
    let client = Pages {
        pages: pages.to_vec(),
        requested: AtomicUsize::new(0),
        starts,
    };
    let mut seen = Vec::new();
    let options = test_support::get_options();
    let mut on_page = |page: Page| {
        seen.push(page.rows.into_iter().map(|found| found.job.id).collect());
        match seen.len() < stop_after {
            true => ready(ControlFlow::Continue(())),
            false => ready(ControlFlow::Break(())),
        }
    };
    let listed = list_all(
        &client,
        &scope(),
        &Filter::default(),
        &options,
        limit,
        &mut on_page,
    )
    .await;
    (seen, listed.unwrap())
}

const ALWAYS: usize = usize::MAX;

#[tokio::test]
async fn all_pages_of_a_list_are_requested() {
    let pages = [
        (ids(0..20), Some(45)),
        (ids(20..40), Some(45)),
        (ids(40..45), Some(45)),
    ];
    let (seen, listed) = listed(&pages, None, ALWAYS).await;
    assert_eq!(seen.concat(), ids(0..45));
    let all = ListStats {
        rows: 45,
        pages: 3,
        truncation: None,
    };
    assert_eq!(listed, all);
}

#[tokio::test]
async fn without_a_total_only_a_page_below_the_minimum_size_is_the_last() {
    let pages = [(ids(0..20), None), (ids(20..40), None), (vec![], None)];
    let (_, listed) = listed(&pages, None, ALWAYS).await;
    assert_eq!(
        (listed.rows, listed.pages, listed.truncation),
        (40, 3, None)
    );
    let (_, listed) = self::listed(&[(ids(0..9), None)], None, ALWAYS).await;
    assert_eq!((listed.rows, listed.pages, listed.truncation), (9, 1, None));
}

#[tokio::test]
async fn a_total_below_the_number_of_listed_rows_does_not_end_a_list() {
    for total in [0, 19, 39] {
        let pages = [0..20, 20..40, 40..45].map(|page| (ids(page), Some(total)));
        let (_, listed) = listed(&pages, None, ALWAYS).await;
        assert_eq!((listed.rows, listed.truncation), (45, None), "{total}");
    }
}

#[tokio::test]
async fn a_row_that_moved_to_the_next_page_is_listed_once() {
    let pages = [(ids(0..20), Some(30)), (ids(19..30), Some(31))];
    let (seen, listed) = listed(&pages, None, ALWAYS).await;
    assert_eq!(seen.concat(), ids(0..30));
    assert_eq!(listed.truncation, None);
}

#[tokio::test]
async fn a_repeated_page_ends_the_list_as_truncated() {
    let (seen, listed) = listed(&[(ids(0..20), Some(1 << 40))], None, ALWAYS).await;
    assert_eq!(seen.concat(), ids(0..20));
    assert_eq!(
        (listed.pages, listed.truncation),
        (2, Some(Truncation::RepeatedPage))
    );
}

#[tokio::test]
async fn a_limit_ends_the_requests_and_reports_whether_there_is_more() {
    let pages = [(ids(0..20), Some(40)), (ids(20..40), Some(40))];
    for (limit, kept, requests, cut) in [
        (5, 5, 1, Some(Truncation::Limit(5))),
        (20, 20, 1, Some(Truncation::Limit(20))),
        (21, 21, 2, Some(Truncation::Limit(21))),
        (40, 40, 2, None),
        (41, 40, 2, None),
    ] {
        let (seen, listed) = listed(&pages, Some(limit), ALWAYS).await;
        assert_eq!(seen.concat(), ids(0..kept), "{limit}");
        assert_eq!(
            (listed.pages, listed.truncation),
            (requests, cut),
            "{limit}"
        );
    }
}

#[test]
fn rows_have_their_own_references_and_a_repeated_notice_is_reported_once() {
    let rows = vec!["a/b", "..", "c"];
    let notice = Notice::new(NoticeCode::UnknownState, "w");
    let scope = scope();
    let page = Page::from_addressed_rows(
        Cursor::FIRST,
        Some(-1),
        rows,
        |row| scope.reference(&[row]),
        |row, reference| GetResult {
            job: Job {
                name: Some(row.to_owned()),
                ..crate::providers::job_at(reference, None)
            },
            notices: vec![notice.clone()],
        },
    );
    assert_eq!(
        (page.rows_without_id, page.next, page.total),
        (1, None, None)
    );
    let [first, second] = <[GetResult; 2]>::try_from(page.rows).unwrap();
    assert_eq!(first.job.reference, "tencent/service/c/n/a%2Fb");
    assert_eq!(first.job.namespace.as_deref(), Some("n"));
    assert_eq!(second.job.name.as_deref(), Some("c"));
    assert_eq!((first.notices.len(), second.notices.len()), (1, 0));
}

#[tokio::test]
async fn a_stopped_or_incomplete_list_reports_what_is_missing() {
    let pages = [(ids(0..20), Some(40)), (ids(20..40), Some(40))];
    let (_, stopped) = listed(&pages, None, 1).await;
    assert_eq!(
        (stopped.pages, stopped.truncation),
        (1, Some(Truncation::Stopped))
    );
    let (_, short) = listed(&[(ids(0..20), Some(25)), (vec![], Some(25))], None, ALWAYS).await;
    assert_eq!(short.truncation, Some(Truncation::CountMismatch(20, 25)));
    let again = [(ids(0..20), Some(40)), (ids(10..30), Some(40))];
    let (_, again) = listed(&again, None, ALWAYS).await;
    assert_eq!(again.truncation, Some(Truncation::CountMismatch(30, 40)));
    let submitted = [(ids(1..21), Some(40)), (ids(20..41), Some(41))];
    let (_, submitted) = listed(&submitted, None, ALWAYS).await;
    assert_eq!((submitted.rows, submitted.truncation), (40, None));
    let unnamed = vec!["1".to_owned(), "..".to_owned(), String::new()];
    let (seen, unnamed) = listed(&[(unnamed, Some(3))], None, ALWAYS).await;
    assert_eq!(seen, [["1"]]);
    assert_eq!(unnamed.truncation, Some(Truncation::MissingIds(2)));
}

#[tokio::test]
async fn pages_of_scopes_are_requested_and_truncated_like_pages_of_jobs() {
    let client = |pages: &[(Vec<String>, Option<u64>)]| Pages {
        pages: pages.to_vec(),
        requested: AtomicUsize::new(0),
        starts: &[0],
    };
    let listed = async |client: Pages, limit| {
        let mut seen = Vec::new();
        let mut on_page = |page: ScopePage| {
            seen.extend(page.rows.into_iter().map(|row| row.scope));
            ready(ControlFlow::Continue(()))
        };
        let options = test_support::get_options();
        let listing = &tencent::CLOUD.scope_listings[0];
        let request = ScopeListRequest::first(listing, "p q", &options);
        let listed = list_all_scopes(&client, request, limit, &mut on_page).await;
        (seen, listed.unwrap())
    };
    let (seen, all) = listed(
        client(&[(ids(0..20), Some(21)), (ids(20..21), Some(21))]),
        None,
    )
    .await;
    assert_eq!((seen.len(), all.pages, all.truncation), (21, 2, None));
    assert_eq!(seen[20], "tencent@p%20q/service/20/");
    let (seen, repeated) = listed(client(&[(ids(0..20), Some(1 << 40))]), None).await;
    assert_eq!(
        (seen.len(), repeated.truncation),
        (20, Some(Truncation::RepeatedPage))
    );
    let odd = vec!["1".to_owned(), "..".to_owned(), "\u{1b}[2J".to_owned()];
    let (seen, unnamed) = listed(client(&[(odd, None)]), None).await;
    assert_eq!(
        (seen.len(), unnamed.truncation),
        (1, Some(Truncation::MissingIds(2)))
    );
    let (seen, limited) = listed(client(&[(ids(0..20), None)]), Some(3)).await;
    assert_eq!(
        (seen.len(), limited.truncation),
        (3, Some(Truncation::Limit(3)))
    );
}

/// A client that returns the page that a function creates for a scope and a cursor.
struct Lists<F>(F);

#[async_trait]
impl<F: Fn(&Scope, Cursor) -> Page + Send + Sync> Client for Lists<F> {
    fn api(&self) -> &dyn CloudApi {
        unreachable!("only lists are requested")
    }

    async fn get(&self, _: &Reference, _: &RequestOptions) -> Result<GetResult, Problem> {
        unreachable!("only lists are requested")
    }

    async fn list(
        &self,
        scope: &Scope,
        _: &Filter,
        cursor: Cursor,
        _: &RequestOptions,
    ) -> Result<Page, Problem> {
        Ok((self.0)(scope, cursor))
    }
}

/// Creates a page with two rows that share an id in two namespaces, and one unreadable row.
fn mixed(scope: &Scope, cursor: Cursor) -> Page {
    let rows = ["a", "b"].map(|namespace| GetResult {
        job: crate::providers::job_at(&scope.reference(&[namespace, "web"]).unwrap(), None),
        notices: Vec::new(),
    });
    let mut lost = Problem::new(Category::InvalidResponse, "no state");
    lost.reference = Some("tencent/service/c/a/lost".to_owned());
    Page {
        rows: rows.into(),
        problems: vec![lost],
        next: cursor.after(10, None),
        ..Page::default()
    }
}

#[tokio::test]
async fn one_id_in_two_namespaces_is_two_jobs_and_a_lost_row_is_reported_once() {
    let cluster = Scope {
        segments: vec!["c".to_owned()],
        ..scope()
    };
    let (mut seen, mut lost) = (Vec::new(), 0);
    let mut on_page = |page: Page| {
        lost += page.problems.len();
        seen.extend(page.rows.into_iter().map(|found| found.job.reference));
        ready(ControlFlow::Continue(()))
    };
    let (client, everything, options) =
        (Lists(mixed), Filter::default(), test_support::get_options());
    let listed = list_all(&client, &cluster, &everything, &options, None, &mut on_page).await;
    let listed = listed.unwrap();
    assert_eq!(
        (listed.pages, listed.truncation),
        (2, Some(Truncation::RepeatedPage))
    );
    assert_eq!(seen, ["tencent/service/c/a/web", "tencent/service/c/b/web"]);
    assert_eq!(lost, 1);
}
