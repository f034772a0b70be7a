//! Lists the workspaces of an account and merges the lists of their jobs.

use std::cmp::Reverse;
use std::collections::VecDeque;

use futures_util::future::join_all;

use super::super::{Api, products::WORKSPACE};
use super::DLC_JOB;
use crate::providers::count_distinct;
use crate::providers::get_result::summarize;
use crate::providers::list::is_list_unavailable;
use crate::providers::prelude::*;
use crate::sort::SortExt as _;
use crate::sync::lock;

const OPERATION: &str = "ListWorkspaces";

/// Maximum number of workspaces whose jobs are listed.
const MAX_WORKSPACES: usize = 100;

/// Workspaces per page.
const PAGE_SIZE: usize = 20;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct WorkspacesResponse {
    total_count: Int,
    workspaces: Required<List<Workspace>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Workspace {
    workspace_id: Text,
}

/// Why the jobs of some workspaces are not listed.
#[derive(Default)]
pub(super) struct Incomplete {
    /// The account cannot list workspaces, so only the default one is used.
    pub notice: Option<Notice>,
    /// The workspaces could not be read, or there are too many.
    pub problem: Option<Problem>,
}

/// Maximum number of lists whose positions are remembered. Some are not read to their end.
const MAX_LISTS: usize = 16;

/// The positions in the lists of several workspaces, by the number of the list that they make up.
#[derive(Default)]
pub(in super::super) struct WorkspaceLists {
    last_number: u32,
    lists: VecDeque<(u32, Vec<Position>)>,
}

/// The position in the list of one workspace.
#[derive(Clone)]
struct Position {
    /// `None` for the default workspace.
    workspace: Option<String>,
    /// Number of rows read.
    rows: usize,
    total: Option<u64>,
    is_at_end: bool,
}

impl Position {
    fn new(workspace: Option<String>) -> Self {
        Self {
            workspace,
            rows: 0,
            total: None,
            is_at_end: false,
        }
    }
}

impl WorkspaceLists {
    /// Remembers the start of a list of these workspaces, and returns its number.
    fn start(&mut self, positions: Vec<Position>) -> u32 {
        self.last_number = self.last_number.wrapping_add(1).max(1);
        self.lists.push_back((self.last_number, positions));
        if self.lists.len() > MAX_LISTS {
            self.lists.pop_front();
        }
        self.last_number
    }

    /// Returns the positions of a list; empty if they were dropped.
    fn positions(&self, number: u32) -> &[Position] {
        let mut lists = self.lists.iter();
        let list = lists.find(|(known, _)| *known == number);
        list.map_or(&[], |(_, positions)| positions)
    }

    /// Replaces the positions of a list, or forgets the list if all of it was read.
    fn update(&mut self, number: u32, positions: Vec<Position>) {
        let has_ended = positions.iter().all(|position| position.is_at_end);
        self.lists.retain(|(known, _)| *known != number);
        if !has_ended {
            self.lists.push_back((number, positions));
        }
    }
}

/// The workspaces whose pages make up one page of a list.
pub(super) struct WorkspacePage {
    /// The number of the list; 0 for the list of one workspace.
    number: u32,
    /// The positions in all workspaces of the list, including those that were read to their end.
    positions: Vec<Position>,
}

impl WorkspacePage {
    /// Returns a page of the list of one workspace; `None` for the default workspace.
    pub fn of_one(workspace: Option<String>) -> Self {
        Self {
            number: 0,
            positions: vec![Position::new(workspace)],
        }
    }

    /// Returns the workspaces that have more rows, each with the start of its page.
    pub fn unread(&self, cursor: Cursor) -> Vec<(Option<String>, Cursor)> {
        let unread = self.positions.iter().filter(|position| !position.is_at_end);
        let start = |position: &Position| {
            let offset = match self.number {
                0 => cursor.offset,
                _ => position.rows,
            };
            (position.workspace.clone(), Cursor { offset, ..cursor })
        };
        unread.map(start).collect()
    }
}

/// Returns the workspaces of the page at `cursor`, and why other workspaces may be missing. The first page uses the
/// workspaces that the cloud lists; if there are none, the default workspace.
pub(super) async fn page_workspaces(
    api: &Api,
    cursor: Cursor,
    options: &RequestOptions,
) -> (WorkspacePage, Incomplete) {
    if let Some(workspace) = &api.workspace {
        let page = WorkspacePage::of_one(Some(workspace.clone()));
        return (page, Incomplete::default());
    }
    if cursor != Cursor::FIRST {
        let number = cursor.list_number;
        let positions = lock(&api.workspace_lists).positions(number).to_vec();
        let page = match number {
            0 => WorkspacePage::of_one(None),
            number => WorkspacePage { number, positions },
        };
        return (page, Incomplete::default());
    }
    let (workspaces, incomplete) = read(api, options).await;
    if workspaces.is_empty() {
        return (WorkspacePage::of_one(None), incomplete);
    }
    let positions = workspaces.into_iter().map(|id| Position::new(Some(id)));
    let positions: Vec<_> = positions.collect();
    let number = lock(&api.workspace_lists).start(positions.clone());
    (WorkspacePage { number, positions }, incomplete)
}

async fn read(api: &Api, options: &RequestOptions) -> (Vec<String>, Incomplete) {
    let (mut ids, mut incomplete) = (Vec::new(), Incomplete::default());
    let mut at = Cursor::FIRST;
    loop {
        let (page, total) = match page(api, at, options).await {
            Ok(page) => page,
            Err(problem) if ids.is_empty() && is_list_unavailable(&problem) => {
                let reason = summarize(&problem);
                let text = format!("{DLC_JOB} lists jobs of the default workspace only: {reason}");
                incomplete.notice = Some(Notice::new(NoticeCode::ListWindow, text));
                return (ids, incomplete);
            }
            Err(problem) => {
                incomplete.problem = Some(problem);
                return (ids, incomplete);
            }
        };
        let count = count_distinct(page.iter());
        for id in page {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        let total = total.and_then(|total| u64::try_from(total).ok());
        let Some(next) = at.after(count, total) else {
            return (ids, incomplete);
        };
        if at.page * PAGE_SIZE >= MAX_WORKSPACES {
            let text = format!("only the jobs of {} workspaces are listed", ids.len());
            let problem = Problem::new(Category::InvalidResponse, text);
            let hint = "set workspace to list the jobs of another one";
            incomplete.problem = Some(problem.with_hint(hint));
            return (ids, incomplete);
        }
        at = next;
    }
}

/// Returns the ids on a page of workspaces and the total number of workspaces.
async fn page(
    api: &Api,
    cursor: Cursor,
    options: &RequestOptions,
) -> Result<(Vec<String>, Option<i64>), Problem> {
    let [number, size] = [cursor.page, PAGE_SIZE].map(|number| number.to_string());
    let query = [("PageNumber", Some(&*number)), ("PageSize", Some(&*size))];
    let path = "/api/v1/workspaces".to_owned();
    let request = api.path_request(&WORKSPACE, OPERATION, path, &query);
    let decode = |body: &[u8]| -> Result<_, String> {
        let response: WorkspacesResponse = lenient::decode_response(body)?;
        let total = response.total_count.0;
        let rows = response.workspaces.rows("Workspaces", total)?.into_iter();
        Ok((rows.filter_map(|row| row.workspace_id.0).collect(), total))
    };
    let response = api.call(request, options, decode).await;
    response.map(|decoded| decoded.data)
}

/// Merges the pages of the workspaces that have more rows into one, the last created jobs first. If some workspaces
/// fail, they are reported as failed parts and are not requested again.
///
/// # Errors
/// The first problem, if all workspaces fail.
pub(super) async fn merge(
    api: &Api,
    cursor: Cursor,
    WorkspacePage { number, positions }: WorkspacePage,
    pages: impl Iterator<Item = impl Future<Output = Result<Page, Problem>>>,
) -> Result<Page, Problem> {
    let mut pages = join_all(pages).await;
    if pages.is_empty() {
        return Err(interrupted());
    }
    if number == 0 || pages.iter().all(Result::is_err) {
        return pages.swap_remove(0);
    }
    let (mut positions, unread): (Vec<_>, Vec<_>) = positions
        .into_iter()
        .partition(|position| position.is_at_end);
    let is_sorted = pages.len() == 1;
    let mut merged = Page::default();
    for (page, mut position) in pages.into_iter().zip(unread) {
        match page {
            Ok(page) => {
                position.total = page.total;
                match page.next {
                    Some(next) => position.rows = next.offset,
                    None => position.is_at_end = true,
                }
                positions.push(position);
                merged.rows_without_id += page.rows_without_id;
                merged.repeated_rows += page.repeated_rows;
                merged.rows.extend(page.rows);
                merged.problems.extend(page.problems);
                merged.notices.extend(page.notices);
            }
            Err(problem) => merged.failed_parts.push(problem),
        }
    }
    let totals = positions.iter().map(|position| position.total);
    merged.total = totals.sum();
    if !is_sorted {
        merged.rows.order_by_key(|row| Reverse(row.job.created_at));
    }
    if positions.iter().any(|position| !position.is_at_end) {
        let rows = merged.rows.len() + merged.rows_without_id;
        merged.next = Some(Cursor {
            list_number: number,
            ..cursor.next_page(rows)
        });
    }
    lock(&api.workspace_lists).update(number, positions);
    Ok(merged)
}

/// Returns the error for a page of a list whose positions were dropped, because too many others were started.
fn interrupted() -> Problem {
    let text = format!("more than {MAX_LISTS} lists of all workspaces were read at once");
    let problem = Problem::new(Category::InvalidResponse, text);
    problem.with_hint("repeat the command, or set workspace")
}
