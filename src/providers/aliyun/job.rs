//! Serverless jobs of E-HPC.

mod array;
mod batch;
mod cause;
mod container;
mod description;
mod details;
mod group;
mod known_arrays;
mod list;
mod logs;
mod parent;
mod row;
mod rows;
mod subtask_id;
mod success;

use super::products::EHPC;
use super::{Api, CLOUD_NAME, CLUSTER, cluster_of, document};
use crate::http::Method;
use crate::kind::{IdReuse, OutcomeRule};
use crate::providers::prelude::*;
use description::{Described, STATES};
use details::{GroupDetails, JobDetails};

pub(super) use description::{LISTABLE, decode};
pub(super) use known_arrays::KnownArrays;

/// Serverless jobs of E-HPC.
pub static JOB: Kind = Kind {
    id_reuse: IdReuse::Numbered,
    summary: "Job of a serverless E-HPC cluster, with its containers",
    list: Some(ListSpec::new(LIST, ListOrder::NewestFirst)),
    logs: LogSupport::Operation(logs::LOGS),
    batch_from: Some(2),
    max_ids: Some(list::MAX_ROWS),
    conclusive_rows: true,
    evidence: &[
        "ContainerGroups",
        "Status",
        "Containers",
        "InitContainers",
        "CurrentState",
        "CurrentState.State",
        "CurrentState.ExitCode",
        "CurrentState.Signal",
        "CurrentState.Reason",
    ],
    ..Kind::new(
        Template {
            ranges: true,
            ..Template::new(
                CLOUD_NAME,
                Name::new("job", "job"),
                &[CLUSTER, Segment::required("JOB")],
                "aliyun/job/ehpc-hz-FYUr32/5",
            )
        },
        &[
            StateTable {
                allows_user_states: true,
                notes: &[(
                    "Succeeded",
                    "an array job is unknown until all its subtasks are known to have succeeded",
                )],
                ..StateTable::new("job", STATES)
            },
            StateTable::new("subtask", STATES).with_user_states(),
            StateTable::new("container_group", group::STATES),
            StateTable {
                outcome_rules: &[OutcomeRule {
                    word: "Terminated",
                    when: ["exit code 0", "another exit code", "no exit code"],
                }],
                ..StateTable::new("container", container::STATES)
            },
        ],
        GET,
    )
    .with_details(&[schema_of::<JobDetails>], &[schema_of::<GroupDetails>])
};

const GET: Operation = operation!("E-HPC 2018-04-12", "ehpc", "DescribeServerlessJobs");

const LIST: Operation = operation!("E-HPC 2018-04-12", "ehpc", "ListServerlessJobs");

/// The operations on serverless jobs.
pub(super) struct Jobs;

#[async_trait]
impl KindOps<Api> for Jobs {
    async fn get(&self, api: &Api, lookup: GetRequest<'_>) -> Result<GetResult, Problem> {
        api.job(lookup.reference, lookup.options).await
    }

    /// A success of a possible array job is checked against the list of its subtasks.
    fn confirms_end(&self, reference: &Reference) -> bool {
        parent::can_be_array_id(reference.id())
    }

    fn can_batch(&self, api: &Api, references: &[Reference]) -> bool {
        !api.batchable(references).is_empty()
    }

    async fn batch_get(&self, api: &Api, batch: BatchRequest<'_>) -> BatchResult {
        // Another lookup may have found meanwhile that this account has no permission to list.
        let clusters = match batch.references {
            // Only a list that contradicts a lookup is read for a single job.
            [_] => api.listable(batch.references),
            several => api.batchable(several),
        };
        let results = api.batch_get_jobs(clusters, batch).await;
        results.map(Some)
    }

    /// Lists one page of a cluster's jobs, the last submitted first.
    async fn list(&self, api: &Api, list: ListRequest<'_>) -> Result<Page, Problem> {
        let mut query = vec![("SubmitOrder".to_owned(), "Desc".to_owned())];
        let word = list.filter.single_state_word(STATES, &list.options.states);
        if let Some(word) = word.filter(|word| LISTABLE.contains(word)) {
            query.push(("State".to_owned(), word.to_owned()));
        }
        if let Some(since) = &list.filter.since {
            let since = since.time().to_datetime().timestamp();
            query.push(("SubmitTimeStart".to_owned(), since.to_string()));
        }
        let rows = list.filter.page_size(list::MAX_ROWS);
        let request = api.list_request(
            cluster_of(list.scope.segment("CLUSTER")),
            &query,
            list.cursor.page,
            rows,
        );
        let response = api.call(request, list.options, list::Page::decode).await?;
        let page = response.data;
        let mut page = page.into_page(list.scope, list.cursor, api.region(), &list.options.states);
        page.notices.extend(response.unreadable);
        Ok(page)
    }

    async fn read_log(&self, api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
        logs::read(api, request).await
    }
}

impl Api {
    async fn describe(
        &self,
        reference: &Reference,
        options: &RequestOptions,
    ) -> Result<Described, Problem> {
        let query = [
            ("ClusterId", cluster_of(reference.segment("CLUSTER"))),
            ("JobIds.1", reference.id()),
        ];
        let described = |body: &[u8]| {
            let at = job_at(reference, self.region());
            let mut described = decode(body, at, &options.states)?;
            let (job, notices) = (&mut described.job, &mut described.notices);
            raw::attach(job, notices, options, || document::read(body, options));
            Ok::<_, DecodeError>(described)
        };
        let request = self.request(&EHPC, GET.name, Method::Post, &query);
        let response = self.call(request, options, described).await?;
        let mut described = response.data;
        described.notices.extend(response.unreadable);
        Ok(described)
    }
}

#[cfg(test)]
mod tests;
