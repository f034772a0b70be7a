//! Lists the workspaces of an account and merges the lists of their jobs.

use std::cmp::Reverse;

use futures_util::future::join_all;

use super::super::{Api, products::WORKSPACE};
use super::DLC_JOB;
use crate::providers::list::is_list_unavailable;
use crate::providers::lookup::summarize;
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

/// Returns the workspaces whose pages make up the page at `cursor`, and why other workspaces may be missing. The
/// first page uses the workspaces that the cloud lists; if there are none, the default workspace, which is
/// `None`.
pub(super) async fn page_workspaces(
    api: &Api,
    cursor: Cursor,
    options: &GetOptions,
) -> (Vec<Option<String>>, Incomplete) {
    let mut incomplete = Incomplete::default();
    if let Some(workspace) = &api.workspace {
        return (vec![Some(workspace.clone())], incomplete);
    }
    if cursor == Cursor::FIRST {
        let (workspaces, new) = read(api, options).await;
        *lock(&api.workspaces) = workspaces;
        incomplete = new;
    }
    let known = lock(&api.workspaces).clone();
    match known.is_empty() {
        true => (vec![None], incomplete),
        false => (known.into_iter().map(Some).collect(), incomplete),
    }
}

async fn read(api: &Api, options: &GetOptions) -> (Vec<String>, Incomplete) {
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
        let count = page.len();
        ids.extend(page);
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
    options: &GetOptions,
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
    let response = api.client.call(&request, options.deadline, decode).await;
    response.map(|decoded| decoded.data)
}

/// Merges the pages of several workspaces into one, the last created jobs first. If some workspaces fail, they
/// are reported as failed parts and are not requested again.
///
/// # Errors
/// The first problem, if all workspaces fail.
pub(super) async fn merge(
    api: &Api,
    cursor: Cursor,
    workspaces: &[Option<String>],
    pages: impl Iterator<Item = impl Future<Output = Result<Page, Problem>>>,
) -> Result<Page, Problem> {
    let mut pages = join_all(pages).await;
    if pages.len() == 1 || pages.iter().all(Result::is_err) {
        return pages.swap_remove(0);
    }
    let mut merged = Page::default();
    let mut total = Some(0);
    for (page, workspace) in pages.into_iter().zip(workspaces) {
        match page {
            Ok(page) => {
                merged.rows_without_id += page.rows_without_id;
                merged.rows.extend(page.rows);
                let new = page.notices.into_iter();
                merged.notices.extend(new);
                total = total.zip(page.total).map(|(all, own)| all + own);
            }
            Err(problem) => {
                lock(&api.workspaces).retain(|known| Some(known) != workspace.as_ref());
                merged.failed_parts.push(problem);
            }
        }
    }
    merged.rows.order_by_key(|row| Reverse(row.job.created_at));
    merged.next = cursor.after(merged.rows.len() + merged.rows_without_id, total);
    merged.total = total;
    Ok(merged)
}
