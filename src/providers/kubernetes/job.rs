//! Jobs (`batch/v1`) with their pods.

mod indexes;
mod many;
mod response;

use super::job_pods::DerivedJobs;
use super::kind::KubernetesKind;
use super::object::ApiObject;
use super::objects::{self, FoundJob, Resource};
use super::parts::Parts;
use super::watch::JOB_LABEL;
use super::{Api, NAMESPACE, attach_raw, list, logs, pod, prefetch};
use crate::providers::prelude::*;
use response::{JobDetails, JobObject};

/// Jobs.
pub static JOB: Kind = KubernetesKind {
    name: Name::new("job", "job"),
    sample: "kubernetes/job/train/ok",
    summary: "Job of a Kubernetes cluster, with its pods",
    segments: &[NAMESPACE, Segment::required("JOB")],
    states: &[
        StateTable {
            notes: &[
                ("Pending", "no condition: no pod has a node"),
                ("Starting", "no condition: no pod is ready"),
                ("Running", "no condition: a pod is ready or runs"),
                (
                    "Terminating",
                    "no condition: it is being deleted; once deleted it is canceled",
                ),
            ],
            ..StateTable::new("job", STATES)
        },
        StateTable::new("pod", pod::STATES),
    ],
    get: GET,
    list: LIST,
    unlisted: &[UnlistedField::User],
}
.into_kind()
.with_details(&[schema_of::<JobDetails>], &[]);

const OBJECTS: Resource = Resource {
    get: GET.name,
    list: LIST,
    watch: "WatchNamespacedJob",
    path: (API, RESOURCE),
    read: |body, api, lookup| {
        let job = JobObject::decode(body, lookup.reference)?;
        let mut result = job.into_result(lookup.reference, api);
        attach_raw(&mut result, body, lookup.options);
        Ok(result)
    },
};

const GET: Operation = Operation::new(
    "ReadNamespacedJob",
    "batch/v1 ReadNamespacedJob, core/v1 ListNamespacedPod, ListNamespacedEvent",
    "get on jobs.batch, list on pods and events",
);

const LIST: Operation = Operation::new(
    "ListNamespacedJob",
    "batch/v1 ListNamespacedJob, core/v1 ListNamespacedPod",
    "list on jobs.batch and pods",
);

/// The conditions of a job, and the words for a job without a condition.
const STATES: StateWords = &[
    ("Complete", State::Succeeded),
    ("Failed", State::Failed),
    ("FailureTarget", State::Stopping),
    ("SuccessCriteriaMet", State::Stopping),
    ("Suspended", State::Pending),
    ("Terminating", State::Stopping),
    ("Running", State::Running),
    ("Starting", State::Starting),
    ("Pending", State::Pending),
];

const API: &str = "/apis/batch/v1";
const RESOURCE: &str = "jobs";

/// The operations on jobs.
pub(super) struct Jobs;

#[async_trait]
impl KindOps<Api> for Jobs {
    /// Reads a job with its pods as tasks, and the events of both.
    async fn get(&self, api: &Api, lookup: GetRequest<'_>) -> Result<GetResult, Problem> {
        let GetRequest { reference, options } = lookup;
        let namespace = reference.segment("NAMESPACE").unwrap_or_default();
        let decode = |body: &[u8]| {
            let mut job = JobObject::decode(body, reference)?;
            let pods = job.pods(namespace);
            let pod_parts = Parts {
                namespace,
                selector: pods.selector.text(),
                owners: None,
                uids: job.uid().into_iter().collect(),
                more_uids: Vec::new(),
                owner: Some(pods.owner),
            };
            let failed = job.failed_indexes();
            Ok((job.into_result(reference, api), (pod_parts, failed)))
        };
        let read = objects::lookup(api, &OBJECTS, lookup, decode);
        let read = prefetch::with_parts(api, reference, options, read, FoundJob::fetched);
        let (outcome, prefetched) = read.await?;
        let (mut result, (parts, failed)) = match outcome {
            FoundJob::Fetched(result, parts) => (*result, parts),
            FoundJob::FromWatch(result) => return Ok(*result),
        };
        let read = prefetched.map(|read| read.for_job(&parts));
        parts
            .add(api, &mut result, read.unwrap_or_default(), options)
            .await;
        indexes::add_failed(&mut result, failed.as_deref());
        Ok(result)
    }

    /// Reads jobs without their events, and the pods of only those whose state they decide.
    async fn batch_get(&self, api: &Api, batch: BatchRequest<'_>) -> BatchResult {
        let mut rows = objects::get_many(api, &OBJECTS, batch).await?;
        many::add_pods(api, &mut rows, batch.options).await;
        let results = rows.into_iter().map(|row| Some(row?.result));
        Ok(Some(results.collect()))
    }

    async fn list(&self, api: &Api, list: ListRequest<'_>) -> Result<Page, Problem> {
        let derived = DerivedJobs::default();
        let read = |mut job: JobObject, reference: &Reference| {
            let pods = job.pods(reference.segment("NAMESPACE").unwrap_or_default());
            let found = job.into_result(reference, api);
            derived.add(&found.job, pods);
            found
        };
        let mut page = list::page_of(api, &OBJECTS, list, list.cursor.page == 1, read).await?;
        derived
            .add_states(api, list, JOB_LABEL, &mut page, |_| {})
            .await;
        Ok(page)
    }

    async fn read_log(&self, api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
        logs::read(api, request).await
    }
}

#[cfg(test)]
mod tests;
