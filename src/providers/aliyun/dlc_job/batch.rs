//! Lookups of many jobs: ListJobs by their ids.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Api, DLC_JOB, FIRST_TIME, PAGE_SIZE, list};
use crate::error::{Category, Problem};
use crate::providers::{Cursor, GetOptions, GetResult};
use crate::reference::{Reference, Scope};
use crate::sync::lock;

/// What earlier responses have shown.
#[derive(Debug, Default)]
pub(in super::super) struct BatchState {
    /// True once the cloud has rejected such a list.
    is_unavailable: AtomicBool,
    /// The workspaces of jobs by id, since a list holds those of one workspace.
    workspaces: Mutex<HashMap<String, String>>,
}

impl BatchState {
    pub(super) fn is_available(&self) -> bool {
        !self.is_unavailable.load(Ordering::Relaxed)
    }

    pub(super) fn record_workspace(&self, id: &str, workspace: Option<&str>) {
        if let Some(workspace) = workspace {
            lock(&self.workspaces).insert(id.to_owned(), workspace.to_owned());
        }
    }

    /// The ids by workspace; `None` is that of the settings or the default one of the account.
    fn by_workspace<'a>(
        &self,
        references: &'a [Reference],
    ) -> BTreeMap<Option<String>, BTreeSet<&'a str>> {
        let known = lock(&self.workspaces);
        let mut groups = BTreeMap::<_, BTreeSet<_>>::new();
        // A comma would make two ids of one.
        let ids = references.iter().map(Reference::id);
        for id in ids.filter(|id| !id.contains(',')) {
            groups.entry(known.get(id).cloned()).or_default().insert(id);
        }
        groups
    }
}

/// What lists report of the references; `None` for those that are in none of them.
///
/// # Errors
/// What went wrong, in which case nothing is known of any of them.
pub(super) async fn batch_get(
    api: &Api,
    references: &[Reference],
    options: &GetOptions,
) -> Result<Vec<Option<GetResult>>, Problem> {
    let mut rows = HashMap::new();
    let profile = references.first().map_or("", |first| &first.profile);
    let scope = Scope::at(&DLC_JOB, profile, &[]).expect("jobs of PAI-DLC are in no places");
    for (workspace, ids) in api.dlc_batch.by_workspace(references) {
        let ids: Vec<&str> = ids.into_iter().collect();
        for ids in ids.chunks(PAGE_SIZE) {
            let (ids, size) = (ids.join(","), PAGE_SIZE.to_string());
            let query = [
                (
                    "WorkspaceId",
                    workspace.as_deref().or(api.workspace.as_deref()),
                ),
                ("JobIds", Some(&*ids)),
                ("StartTime", Some(FIRST_TIME)),
                ("PageNumber", Some("1")),
                ("PageSize", Some(&*size)),
            ];
            match list(api, &scope, &query, Cursor::FIRST, options).await {
                Ok(page) => rows.extend(page.rows.into_iter().map(|row| (row.job.id.clone(), row))),
                Err(problem) if is_rejected(&problem) => {
                    api.dlc_batch.is_unavailable.store(true, Ordering::Relaxed);
                }
                Err(problem) => return Err(problem),
            }
        }
    }
    let row = |reference: &Reference| {
        let mut row = rows.remove(reference.id())?;
        row.job.input.clone_from(&reference.input);
        Some(row)
    };
    Ok(references.iter().map(row).collect())
}

/// True when lookups of each job may do where the list does not.
fn is_rejected(problem: &Problem) -> bool {
    matches!(
        problem.category,
        Category::PermissionDenied | Category::InvalidArgument
    )
}
