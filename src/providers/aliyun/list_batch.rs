//! Lookups of many jobs by lists that take ids.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::{Category, Problem};
use crate::kind::Kind;
use crate::providers::{BoxFuture, GetResult, Page};
use crate::reference::{Reference, Scope};
use crate::sync::lock;

/// How many ids a request takes.
pub(super) const MAX_IDS: usize = 50;

/// What a list is asked for.
pub(super) struct Batch {
    /// All jobs of the kind.
    pub scope: Scope,
    /// The workspace of the jobs, where it is known.
    pub workspace: Option<String>,
    /// Their ids, at most [`MAX_IDS`].
    pub ids: Vec<String>,
}

/// What earlier responses have shown of the jobs of a kind.
#[derive(Debug, Default)]
pub(super) struct ListBatches {
    /// True once the cloud has rejected such a list.
    is_unavailable: AtomicBool,
    /// The workspaces of jobs by id, where a list holds those of one workspace.
    workspaces: Mutex<HashMap<String, String>>,
}

impl ListBatches {
    /// True when a list is cheaper than a lookup of each.
    pub fn can_batch(&self, references: &[Reference]) -> bool {
        references.len() > 1 && !self.is_unavailable.load(Ordering::Relaxed)
    }

    pub fn record_workspace(&self, id: &str, workspace: Option<&str>) {
        if let Some(workspace) = workspace {
            lock(&self.workspaces).insert(id.to_owned(), workspace.to_owned());
        }
    }

    /// The ids by workspace.
    fn by_workspace(&self, references: &[Reference]) -> BTreeMap<Option<String>, BTreeSet<String>> {
        let known = lock(&self.workspaces);
        let mut groups = BTreeMap::<_, BTreeSet<_>>::new();
        // A comma would make two ids of one.
        let ids = references.iter().map(Reference::id);
        for id in ids.filter(|id| !id.contains(',')) {
            let group = groups.entry(known.get(id).cloned()).or_default();
            group.insert(id.to_owned());
        }
        groups
    }

    /// What lists report of references of a kind without places; `None` for those that are in none of
    /// them.
    ///
    /// # Errors
    /// What went wrong, in which case nothing is known of any of them.
    pub async fn get<'a>(
        &self,
        kind: &'static Kind,
        references: &[Reference],
        list: &(dyn Fn(Batch) -> BoxFuture<'a, Result<Page, Problem>> + Sync + 'a),
    ) -> Result<Vec<Option<GetResult>>, Problem> {
        let profile = references.first().map_or("", |first| &first.profile);
        let scope = Scope::at(kind, profile, &[]).expect("jobs of the kind are in no places");
        let mut rows = HashMap::new();
        for (workspace, ids) in self.by_workspace(references) {
            let ids: Vec<String> = ids.into_iter().collect();
            for ids in ids.chunks(MAX_IDS) {
                let batch = Batch {
                    scope: scope.clone(),
                    workspace: workspace.clone(),
                    ids: ids.to_vec(),
                };
                match list(batch).await {
                    Ok(page) => {
                        let found = page.rows.into_iter();
                        rows.extend(found.map(|row| (row.job.id.clone(), row)));
                    }
                    // Lookups of each may do where the list does not.
                    Err(problem) if is_rejected(&problem) => {
                        self.is_unavailable.store(true, Ordering::Relaxed);
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
}

fn is_rejected(problem: &Problem) -> bool {
    matches!(
        problem.category,
        Category::PermissionDenied | Category::InvalidArgument
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::aliyun::CLOUD;
    use crate::providers::test_support::reference;

    #[test]
    fn jobs_are_listed_in_the_workspace_in_which_they_were_found() {
        let batches = ListBatches::default();
        batches.record_workspace("b", Some("268"));
        batches.record_workspace("c", None);
        let kind = CLOUD.kinds[3];
        let references = ["a", "b", "c", "a"].map(|id| reference(kind, &[id]));
        let groups = batches.by_workspace(&references);
        let groups: Vec<(Option<&str>, Vec<&str>)> = groups
            .iter()
            .map(|(workspace, ids)| {
                (
                    workspace.as_deref(),
                    ids.iter().map(String::as_str).collect(),
                )
            })
            .collect();
        assert_eq!(groups, [(None, vec!["a", "c"]), (Some("268"), vec!["b"])]);
    }

    #[tokio::test]
    async fn a_list_that_is_rejected_is_not_requested_again() {
        let batches = ListBatches::default();
        let references = ["a", "b"].map(|id| reference(CLOUD.kinds[3], &[id]));
        let failing = |category| -> BoxFuture<'static, Result<Page, Problem>> {
            Box::pin(async move { Err(Problem::new(category, "no")) })
        };
        let kind = CLOUD.kinds[3];
        let throttled = |_| failing(Category::Throttled);
        assert!(batches.get(kind, &references, &throttled).await.is_err());
        assert!(batches.can_batch(&references));
        let denied = |_| failing(Category::PermissionDenied);
        let found = batches.get(kind, &references, &denied).await.unwrap();
        assert!(found.iter().all(Option::is_none));
        assert!(!batches.can_batch(&references));
    }
}
