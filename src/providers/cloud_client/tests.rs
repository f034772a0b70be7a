mod listed_ends;

use std::sync::Mutex;

use async_trait::async_trait;

use super::*;
use crate::error::Category;
use crate::model::{Notice, NoticeCode};
use crate::providers::test_support::{get_options, reference};
use crate::providers::{CLOUDS, CredentialInfo, job_at};
use crate::sync::lock;

#[test]
fn evidence_is_a_field_with_a_name_or_at_the_end_of_a_path() {
    let evidence = ["Status", "CurrentState.ExitCode"];
    for path in [
        "Status",
        "Job.Status",
        "CurrentState.ExitCode",
        "Containers.CurrentState.ExitCode",
    ] {
        assert!(ends_with_any(path, &evidence), "{path}");
    }
    for path in [
        "",
        "Status.Code",
        "ExecutorStatus",
        "ExitCode",
        "PreviousState.ExitCode",
        "MyCurrentState.ExitCode",
    ] {
        assert!(!ends_with_any(path, &evidence), "{path}");
    }
}

/// An API that records the requested names, and the error of its list, if any.
#[derive(Default)]
struct Api {
    requested: Mutex<Vec<Vec<String>>>,
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
    let kinds = CLOUDS[0].kinds.iter();
    let is_flat = |kind: &&&Kind| kind.template.segments.len() == 1;
    kinds
        .filter(is_flat)
        .find(|kind| kind.max_ids.is_some())
        .unwrap()
}

#[async_trait]
impl KindOps<Api> for Jobs {
    async fn get(&self, _: &Api, lookup: GetRequest<'_>) -> Result<GetResult, Problem> {
        let (job, notices) = (job_at(lookup.reference, None), Vec::new());
        Ok(GetResult { job, notices })
    }

    fn batch_group(&self, _: &Api, id: &str) -> Option<String> {
        id.split_once('.').map(|(group, _)| group.to_owned())
    }

    async fn list(&self, api: &Api, list: ListRequest<'_>) -> Result<Page, Problem> {
        lock(&api.requested).push(list.filter.ids.clone());
        if let Some(category) = *lock(&api.failure) {
            return Err(Problem::new(category, "rejected"));
        }
        let mut page = Page::default();
        for id in &list.filter.ids {
            let reference = list.scope.reference(&[id]).unwrap();
            let lookup = GetRequest {
                reference: &reference,
                options: list.options,
            };
            page.rows.push(self.get(api, lookup).await?);
        }
        page.notices
            .push(Notice::new(NoticeCode::UnreadableField, "a"));
        Ok(page)
    }
}

fn client() -> CloudClient<Api> {
    CloudClient::new(Api::default(), vec![(kind(), &Jobs as _)].leak())
}

#[test]
fn a_success_with_an_unreadable_evidence_field_is_undecided() {
    let mut kinds = CLOUDS.iter().flat_map(|cloud| cloud.kinds);
    let evidence_kind = kinds.find(|kind| !kind.evidence.is_empty()).unwrap();
    let evidence = evidence_kind.evidence[0];
    let state_with = |fields: &[&str], is_row: bool| {
        let reference = reference(kind(), &["x"]);
        let job = Job {
            state: State::Succeeded,
            ended: true,
            ..job_at(&reference, None)
        };
        let notice = Notice {
            fields: fields.iter().map(ToString::to_string).collect(),
            ..Notice::new(NoticeCode::UnreadableField, "")
        };
        let mut found = GetResult {
            job,
            notices: vec![notice],
        };
        if is_row {
            let notices = std::mem::take(&mut found.notices);
            let mut page = Page {
                rows: vec![found],
                notices,
                ..Page::default()
            };
            mark_rows_unknown_if_unread(evidence_kind, &mut page);
            found = page.rows.remove(0);
        } else {
            mark_unknown_if_unread(evidence_kind, &mut found);
        }
        (found.job.state, found.job.ended)
    };
    for is_row in [false, true] {
        let state_with = |fields: &[&str]| state_with(fields, is_row);
        assert_eq!(state_with(&["Priority"]), (State::Succeeded, true));
        assert_eq!(state_with(&["Priority", evidence]), (State::Unknown, false));
        assert_eq!(state_with(&["*"]), (State::Unknown, false));
    }
}

#[tokio::test]
async fn a_batch_lookup_lists_each_group_of_ids_once_with_its_notices() {
    let client = client();
    let mut references = ["a", "x.b", "c", "a,c", "a"].map(|id| reference(kind(), &[id]));
    references[0].input = "typed".into();
    let found = client.batch_get(&references, &get_options()).await.unwrap();
    let ids: Vec<Option<&str>> = found
        .iter()
        .map(|row| Some(&*row.as_ref()?.job.id))
        .collect();
    assert_eq!(ids, [Some("a"), Some("x.b"), Some("c"), None, None]);
    let first = found[0].as_ref().unwrap();
    assert_eq!((&*first.job.input, first.notices.len()), ("typed", 1));
    let requested = lock(&client.api.requested).join(&String::new());
    assert_eq!(requested, ["a", "c", "", "x.b"]);
}

#[tokio::test]
async fn a_list_operation_that_was_denied_is_not_requested_again() {
    let client = client();
    let references = ["a", "b"].map(|id| reference(kind(), &[id]));
    let get = async |category| {
        *lock(&client.api.failure) = Some(category);
        client.batch_get(&references, &get_options()).await
    };
    assert!(get(Category::Throttled).await.is_err());
    for category in [Category::NotFound, Category::PermissionDenied] {
        assert!(client.can_batch(&references));
        let found = get(category).await.unwrap();
        assert!(found.iter().all(Option::is_none));
    }
    assert!(!client.can_batch(&references));
}

#[test]
fn a_state_filter_reports_jobs_with_an_unknown_state_or_outcome() {
    let notices = |states: &[State], state, ended| {
        let job = Job {
            state,
            ended,
            state_raw: Some("F".to_owned()),
            ..Job::default()
        };
        let mut page = Page::default();
        page.rows.push(GetResult {
            job,
            notices: Vec::new(),
        });
        let filter = Filter {
            states: states.to_vec(),
            ..Filter::default()
        };
        note_unknown_states(kind(), &filter, &mut page);
        let notices = page.notices.into_iter();
        notices.map(|notice| notice.code).collect::<Vec<_>>()
    };
    assert_eq!(
        notices(&[State::Failed], State::Unknown, true),
        [NoticeCode::FromLists]
    );
    assert_eq!(
        notices(&[State::Failed], State::Unknown, false),
        [NoticeCode::UnknownState]
    );
    for (states, state, ended) in [
        (&[][..], State::Unknown, true),
        (&[State::Unknown][..], State::Unknown, true),
        (&State::ACTIVE, State::Unknown, false),
        (&[State::Failed], State::Succeeded, true),
        (&[State::Failed], State::Failed, true),
    ] {
        assert_eq!(notices(states, state, ended), [], "{states:?} {state}");
    }
}
