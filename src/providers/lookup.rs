//! What lookups of all clouds share: lists by ids, and further calls for parts of a job.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

use super::api::Decoded;
use super::client::KindOps;
use super::list::is_list_unavailable;
use super::{Cursor, Filter, GetOptions, GetResult};
use crate::error::{Category, Problem};
use crate::kind::Kind;
use crate::model::{Notice, NoticeCode};
use crate::reference::{Reference, Scope};
use crate::sync::lock;

/// The kinds whose lists the cloud has rejected, so that they are not requested again.
#[derive(Debug, Default)]
pub(super) struct RejectedLists(Mutex<Vec<&'static Kind>>);

impl RejectedLists {
    pub fn contains(&self, kind: &Kind) -> bool {
        lock(&self.0).iter().any(|rejected| *rejected == kind)
    }

    /// True when lookups of each may do where the lists of a kind do not.
    pub fn record(&self, kind: &'static Kind, problem: &Problem) -> bool {
        if !is_list_unavailable(problem) {
            return false;
        }
        // What is not found may be a single job.
        if problem.category != Category::NotFound {
            lock(&self.0).push(kind);
        }
        true
    }
}

/// What lists by ids report of references of a kind without places; `None` for those that are in none
/// of them.
///
/// # Errors
/// What went wrong, in which case nothing is known of any of them.
pub(super) async fn batch_get<A: Sync, K: KindOps<A> + ?Sized>(
    ops: &K,
    api: &A,
    references: &[Reference],
    options: &GetOptions,
) -> Result<Vec<Option<GetResult>>, Problem> {
    let (kind, mut found) = (ops.kind(), HashMap::new());
    let profile = references.first().map_or("", |first| &first.profile);
    let scope = Scope::at(kind, profile, &[]);
    let mut groups = BTreeMap::<_, BTreeSet<_>>::new();
    // A comma would make two ids of one.
    for id in references
        .iter()
        .map(Reference::id)
        .filter(|id| !id.contains(','))
    {
        groups
            .entry(ops.batch_group(api, id))
            .or_default()
            .insert(id);
    }
    if let (Some(scope), Some(max_ids)) = (scope, kind.max_ids) {
        for ids in groups.into_values() {
            let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
            for ids in ids.chunks(max_ids) {
                let filter = Filter {
                    ids: ids.to_vec(),
                    ..Filter::default()
                };
                let page = match ops.list(api, &scope, &filter, Cursor::FIRST, options).await {
                    Err(problem) if problem.category == Category::NotFound => continue,
                    page => page?,
                };
                for mut row in page.rows {
                    row.notices.extend(page.notices.iter().cloned());
                    found.insert(row.job.id.clone(), row);
                }
            }
        }
    }
    let row = |reference: &Reference| {
        let mut row = found.remove(reference.id())?;
        row.job.input.clone_from(&reference.input);
        Some(row)
    };
    Ok(references.iter().map(row).collect())
}

impl GetResult {
    /// What a further call reports of a part of the job, such as `the events`; `None`, with a notice,
    /// where it failed.
    pub(super) fn part<T>(&mut self, what: &str, called: Result<Decoded<T>, Problem>) -> Option<T> {
        self.part_or(NoticeCode::PartsUnread, what, called)
    }

    /// The same with the code of the notice.
    pub(super) fn part_or<T>(
        &mut self,
        code: NoticeCode,
        what: &str,
        called: Result<Decoded<T>, Problem>,
    ) -> Option<T> {
        match called {
            Ok(part) => {
                // What is true of many parts is said once.
                let new = part.unreadable.filter(|new| !self.notices.contains(new));
                self.notices.extend(new);
                Some(part.data)
            }
            Err(problem) => {
                let (reference, why) = (&self.job.reference, summarize(&problem));
                self.note(code, format!("cannot read {what} of {reference}: {why}"));
                None
            }
        }
    }

    /// Adds a notice, unless it is there.
    pub(super) fn note(&mut self, code: NoticeCode, message: String) {
        let notice = Notice::new(code, message);
        if !self.notices.contains(&notice) {
            self.notices.push(notice);
        }
    }

    /// True unless a part could not be read.
    pub(super) fn is_whole(&self) -> bool {
        let mut codes = self.notices.iter().map(|notice| notice.code);
        codes.all(|code| code != NoticeCode::PartsUnread)
    }
}

/// A failed call in one line: operation, the cloud's code, what it said, and what to do.
pub(super) fn summarize(problem: &Problem) -> String {
    let operation = problem.operation.as_deref().unwrap_or_default();
    let code = problem.code.as_deref();
    let code = code.unwrap_or_else(|| problem.category.as_str());
    let hint = problem.hint.as_ref();
    let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
    format!("{operation}: {code}: {}{hint}", problem.message)
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::providers::client::{CloudApi, Connected};
    use crate::providers::test_support::{ask, reference};
    use crate::providers::{CLOUDS, Client, CredentialInfo, Page, job_at};

    /// What was asked for, and what the list answers when it fails.
    #[derive(Default)]
    struct Api {
        asked: Mutex<Vec<Vec<String>>>,
        failure: Mutex<Option<Category>>,
    }

    impl CloudApi for Api {
        fn endpoint(&self) -> Option<String> {
            None
        }

        fn credential(&self) -> CredentialInfo {
            CredentialInfo::default()
        }
    }

    struct Jobs;

    fn kind() -> &'static Kind {
        let mut kinds = CLOUDS[0].kinds.iter();
        kinds.find(|kind| kind.max_ids.is_some()).unwrap()
    }

    #[async_trait]
    impl KindOps<Api> for Jobs {
        fn kind(&self) -> &'static Kind {
            kind()
        }

        async fn get(
            &self,
            _: &Api,
            reference: &Reference,
            _: &GetOptions,
        ) -> Result<GetResult, Problem> {
            let (job, notices) = (job_at(reference, None), Vec::new());
            Ok(GetResult { job, notices })
        }

        fn batch_group(&self, _: &Api, id: &str) -> Option<String> {
            id.split_once('.').map(|(group, _)| group.to_owned())
        }

        async fn list(
            &self,
            api: &Api,
            scope: &Scope,
            filter: &Filter,
            _: Cursor,
            options: &GetOptions,
        ) -> Result<Page, Problem> {
            lock(&api.asked).push(filter.ids.clone());
            if let Some(category) = *lock(&api.failure) {
                return Err(Problem::new(category, "rejected"));
            }
            let mut page = Page::default();
            for id in &filter.ids {
                let reference = scope.reference(&[id]).unwrap();
                page.rows.push(self.get(api, &reference, options).await?);
            }
            page.notices
                .push(Notice::new(NoticeCode::UnreadableField, "a"));
            Ok(page)
        }
    }

    fn client() -> Connected<Api> {
        Connected {
            rejected_lists: RejectedLists::default(),
            api: Api::default(),
            kinds: &[&Jobs],
        }
    }

    #[tokio::test]
    async fn each_list_takes_ids_of_one_group_once_and_its_notices_are_those_of_its_rows() {
        let client = client();
        let mut references = ["a", "x.b", "c", "a,c", "a"].map(|id| reference(kind(), &[id]));
        references[0].input = "typed".to_owned();
        let found = client.batch_get(&references, &ask()).await.unwrap();
        let ids: Vec<Option<&str>> = found
            .iter()
            .map(|row| Some(&*row.as_ref()?.job.id))
            .collect();
        assert_eq!(ids, [Some("a"), Some("x.b"), Some("c"), None, None]);
        let first = found[0].as_ref().unwrap();
        assert_eq!((&*first.job.input, first.notices.len()), ("typed", 1));
        let asked = lock(&client.api.asked).join(&String::new());
        assert_eq!(asked, ["a", "c", "", "x.b"]);
    }

    #[tokio::test]
    async fn a_list_that_is_rejected_is_not_requested_again() {
        let client = client();
        let references = ["a", "b"].map(|id| reference(kind(), &[id]));
        let get = async |category| {
            *lock(&client.api.failure) = Some(category);
            client.batch_get(&references, &ask()).await
        };
        assert!(get(Category::Throttled).await.is_err());
        for category in [Category::NotFound, Category::PermissionDenied] {
            assert!(client.can_batch(&references));
            let found = get(category).await.unwrap();
            assert!(found.iter().all(Option::is_none));
        }
        assert!(!client.can_batch(&references));
    }
}
