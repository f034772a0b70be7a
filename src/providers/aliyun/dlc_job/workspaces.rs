//! The workspaces of an account, whose jobs are listed side by side.

use std::cmp::Reverse;

use futures_util::future::join_all;

use super::super::{Api, products::WORKSPACE};
use super::DLC_JOB;
use crate::providers::lookup::summarize;
use crate::providers::prelude::*;
use crate::sort::SortExt as _;
use crate::sync::lock;

const OPERATION: &str = "ListWorkspaces";

/// Maximum number of workspaces whose jobs are listed.
const MAX_WORKSPACES: usize = 20;

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

/// The workspaces whose pages make the page at `at`, and what a reader should know of them. A list begins
/// with those that the cloud names; where it names none, with the default one, which is `None`.
pub(super) async fn of_page(
    api: &Api,
    at: Cursor,
    options: &GetOptions,
) -> (Vec<Option<String>>, Option<Notice>) {
    if let Some(workspace) = &api.workspace {
        return (vec![Some(workspace.clone())], None);
    }
    let mut notice = None;
    if at == Cursor::FIRST {
        let (workspaces, new) = read(api, options).await;
        *lock(&api.workspaces) = workspaces;
        notice = new;
    }
    let known = lock(&api.workspaces).clone();
    match known.is_empty() {
        true => (vec![None], notice),
        false => (known.into_iter().map(Some).collect(), notice),
    }
}

async fn read(api: &Api, options: &GetOptions) -> (Vec<String>, Option<Notice>) {
    let most = MAX_WORKSPACES.to_string();
    let query = [("PageNumber", Some("1")), ("PageSize", Some(&*most))];
    let path = "/api/v1/workspaces".to_owned();
    let request = api.path_request(&WORKSPACE, OPERATION, path, &query);
    let decode = |body: &[u8]| -> Result<_, String> {
        let response: WorkspacesResponse = lenient::decode_response(body)?;
        let total = response.total_count.0;
        Ok((response.workspaces.rows("Workspaces", total)?, total))
    };
    let called = api.client.call(&request, options.deadline, decode).await;
    let notice = |text| Some(Notice::new(NoticeCode::ListWindow, text));
    match called.map(|found| found.data) {
        Ok((rows, total)) => {
            let ids = rows.into_iter().filter_map(|row| row.workspace_id.0);
            let ids: Vec<String> = ids.take(MAX_WORKSPACES).collect();
            let total = total.unwrap_or_default();
            let has_more = usize::try_from(total).is_ok_and(|total| total > ids.len());
            let text = format!(
                "{DLC_JOB} lists jobs of {} of {total} workspaces; set workspace to list those of another",
                ids.len()
            );
            (ids, has_more.then(|| notice(text)).flatten())
        }
        Err(problem) => {
            let why = summarize(&problem);
            let text = format!("{DLC_JOB} lists jobs of the default workspace only: {why}");
            (Vec::new(), notice(text))
        }
    }
}

/// One page of the pages of several workspaces, the last created first. A workspace that fails alone is a
/// failed part, and is not requested again.
///
/// # Errors
/// The first one, where all fail.
pub(super) async fn merge(
    api: &Api,
    at: Cursor,
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
    merged.next = at.after(merged.rows.len() + merged.rows_without_id, total);
    merged.total = total;
    Ok(merged)
}
