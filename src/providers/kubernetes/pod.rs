//! Pods, as jobs and as the tasks of jobs.

mod response;

use super::kind::KubernetesKind;
use super::object::ApiObject;
use super::objects::{self, FoundJob, Resource};
use super::{Api, NAMESPACE, attach_raw, events, list, logs};
use crate::providers::prelude::*;
use response::PodDetails;
pub(super) use response::{PodObject, PodTask, PodTemplate};

/// Pods.
pub static POD: Kind = KubernetesKind {
    name: Name::new("pod", "po"),
    sample: "kubernetes/pod/train/oom-wxtpt",
    summary: "Pod of a Kubernetes cluster, with its containers",
    segments: &[NAMESPACE, Segment::required("POD")],
    states: &[StateTable {
        notes: &[("Pending", "starting once it has a node")],
        ..StateTable::new("job", STATES)
    }],
    get: GET,
    list: LIST,
    unlisted: &[UnlistedField::User, UnlistedField::Queue],
}
.into_kind()
.with_details(&[schema_of::<PodDetails>], &[]);

const OBJECTS: Resource = Resource {
    get: GET.name,
    list: LIST,
    watch: WATCH,
    path: (API, RESOURCE),
    read: |body, api, lookup| {
        let pod = PodObject::decode(body, lookup.reference)?;
        let (mut result, _) = pod.into_result(lookup.reference, api);
        attach_raw(&mut result, body, lookup.options);
        Ok(result)
    },
};

const GET: Operation = Operation::new(
    "ReadNamespacedPod",
    "core/v1 ReadNamespacedPod, ListNamespacedEvent",
    "get on pods, list on events",
);

pub(super) const LIST: Operation = Operation::new(
    "ListNamespacedPod",
    "core/v1 ListNamespacedPod",
    "list on pods",
);

/// The label with the index of a pod of an Indexed job.
pub(super) const INDEX_LABEL: &str = "batch.kubernetes.io/job-completion-index";

pub(super) const WATCH: &str = "WatchNamespacedPod";

/// The phases of a pod.
pub(super) const STATES: StateWords = &[
    ("Pending", State::Pending),
    ("Running", State::Running),
    ("Succeeded", State::Succeeded),
    ("Failed", State::Failed),
    ("Unknown", State::Unknown),
];

const API: &str = "/api/v1";
pub(super) const RESOURCE: &str = "pods";

/// The operations on pods.
pub(super) struct Pods;

#[async_trait]
impl KindOps<Api> for Pods {
    async fn get(&self, api: &Api, lookup: GetRequest<'_>) -> Result<GetResult, Problem> {
        let GetRequest { reference, options } = lookup;
        let namespace = reference.segment("NAMESPACE").unwrap_or_default();
        let decode = |body: &[u8]| {
            let pod = PodObject::decode(body, reference)?;
            Ok(pod.into_result(reference, api))
        };
        let outcome = objects::lookup(api, &OBJECTS, lookup, decode);
        let (mut result, uid) = match outcome.await? {
            FoundJob::Fetched(result, uid) => (*result, uid),
            FoundJob::FromWatch(result) => return Ok(*result),
        };
        match uid {
            Some(uid) => {
                let options = &options.for_parts(&result.job);
                events::add(
                    api,
                    namespace,
                    &[events::uid_selector(&uid)],
                    &mut result,
                    options,
                )
                .await;
            }
            None if options.events.needs_all_warnings() => {
                events::note_unread(&mut result, "it has no UID");
            }
            None => {}
        }
        Ok(result)
    }

    async fn batch_get(&self, api: &Api, batch: BatchRequest<'_>) -> BatchResult {
        objects::batch_get(api, &OBJECTS, batch).await
    }

    async fn list(&self, api: &Api, list: ListRequest<'_>) -> Result<Page, Problem> {
        let read = |pod: PodObject, reference: &Reference| pod.into_result(reference, api).0;
        list::page_of(api, &OBJECTS, list, list.cursor.page == 1, read).await
    }

    async fn read_log(&self, api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
        logs::read(api, request).await
    }
}

#[cfg(test)]
mod tests;
