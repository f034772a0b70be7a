//! Deployments with their ReplicaSets, pods, services and endpoints.

mod response;

use serde::de::DeserializeOwned;

use super::kind::KubernetesKind;
use super::object::{ApiObject, ObjectList};
use super::objects::{self, FoundJob, Resource};
use super::parts::{Parts, ReadParts};
use super::{Api, NAMESPACE, attach_raw, events, list, logs, path, pod};
use crate::providers::lenient;
use crate::providers::prelude::*;
use response::{Deployment, WorkloadDetails};

/// Deployments.
pub static WORKLOAD: Kind = Kind {
    similar_names: &["deployment"],
    ..DEPLOYMENTS
};

const DEPLOYMENTS: Kind = KubernetesKind {
    name: Name::new("workload", "deploy"),
    sample: "kubernetes/workload/train/web",
    summary: "Deployment of a Kubernetes cluster, with its pods and services",
    segments: &[NAMESPACE, Segment::required("DEPLOYMENT")],
    states: &[
        StateTable {
            notes: &[
                ("Available", "all replicas are up to date and available"),
                ("Progressing", "some replicas are not available yet"),
                (
                    "ReplicaFailure",
                    "pods could not be created, which is tried again until the deadline",
                ),
            ],
            is_endless: true,
            ..StateTable::new("job", STATES)
        },
        StateTable::new("pod", pod::STATES),
    ],
    get: GET,
    list: LIST,
    unlisted: &[UnlistedField::User, UnlistedField::Queue],
}
.into_kind()
.with_details(&[schema_of::<WorkloadDetails>], &[]);

const OBJECTS: Resource = Resource {
    get: GET.name,
    list: LIST,
    watch: "WatchNamespacedDeployment",
    path: RESOURCE,
    read: |body, api, lookup| {
        let deployment = Deployment::decode(body, lookup.reference)?;
        let (result, workload) = deployment.into_result(lookup.reference, api);
        let mut result = workload.finish(result);
        attach_raw(&mut result, body, lookup.options);
        Ok(result)
    },
};

const GET: Operation = Operation::new(
    "ReadNamespacedDeployment",
    "apps/v1 ReadNamespacedDeployment, ListNamespacedReplicaSet, core/v1 ListNamespacedPod, \
     ListNamespacedService, ListNamespacedEvent, discovery.k8s.io/v1 ListNamespacedEndpointSlice",
    "get on deployments.apps, list on replicasets.apps, pods, services, events and \
     endpointslices.discovery.k8s.io",
);

const LIST: Operation = Operation::new(
    "ListNamespacedDeployment",
    "apps/v1 ListNamespacedDeployment",
    "list on deployments.apps",
);

/// Words for the conditions of a deployment, and for one without a decisive condition. None of them is an
/// end.
const STATES: StateWords = &[
    ("Available", State::Running),
    ("Progressing", State::Starting),
    ("ProgressDeadlineExceeded", State::Failed),
    ("ReplicaFailure", State::Starting),
    ("Paused", State::Pending),
    ("ScaledToZero", State::Pending),
    ("Terminating", State::Stopping),
];

const APPS: &str = "/apis/apps/v1";
const RESOURCE: (&str, &str) = (APPS, "deployments");

/// Maximum number of objects that are read of each list.
const MAX_OBJECTS: &str = "500";

/// The operations on workloads.
pub(super) struct Workloads;

#[async_trait]
impl KindOps<Api> for Workloads {
    /// Reads a deployment with its pods as tasks, its services, and the events of all.
    async fn get(&self, api: &Api, lookup: GetRequest<'_>) -> Result<GetResult, Problem> {
        let GetRequest { reference, options } = lookup;
        let namespace = reference.segment("NAMESPACE").unwrap_or_default();
        let decode = |body: &[u8]| {
            let deployment = Deployment::decode(body, reference)?;
            Ok(deployment.into_result(reference, api))
        };
        let outcome = objects::lookup(api, &OBJECTS, lookup, decode);
        let (mut result, mut workload) = match outcome.await? {
            FoundJob::Fetched(result, workload) => (*result, workload),
            FoundJob::FromWatch(result) => return Ok(*result),
        };
        let limited = options.for_parts(&result.job);
        let lists = Lists {
            api,
            namespace,
            options: &limited,
        };
        let sets = lists.read(
            &mut result,
            "ReplicaSet",
            (APPS, "replicasets"),
            &workload.selector,
        );
        let sets = sets
            .await
            .map(|sets| workload.keep_replica_sets(sets, reference.id()));
        let services = lists.read(&mut result, "Service", ("/api/v1", "services"), "");
        let services = services.await;
        let lacks_parts = sets.is_none() || services.is_none() || workload.selector.is_empty();
        if options.events.needs_all_warnings() && lacks_parts {
            events::note_unread(&mut result, "not all of its parts were read");
        }
        workload.keep_services(services.unwrap_or_default());
        if let Some(selector) = workload.endpoint_selector() {
            let resource = ("/apis/discovery.k8s.io/v1", "endpointslices");
            let slices = lists.read(&mut result, "EndpointSlice", resource, &selector);
            if let Some(slices) = slices.await {
                workload.count_endpoints(slices);
            }
        }
        if workload.selector.is_empty() {
            return Ok(workload.finish(result));
        }
        let parts = Parts {
            namespace,
            selector: workload.selector.clone(),
            owners: sets,
            owner: None,
            uids: std::mem::take(&mut workload.uids),
            more_uids: std::mem::take(&mut workload.more_uids),
        };
        let read = ReadParts {
            limited: Some(limited),
            ..ReadParts::default()
        };
        parts.add(api, &mut result, read, options).await;
        Ok(workload.finish(result))
    }

    async fn batch_get(&self, api: &Api, batch: BatchRequest<'_>) -> BatchResult {
        objects::batch_get(api, &OBJECTS, batch).await
    }

    async fn list(&self, api: &Api, list: ListRequest<'_>) -> Result<Page, Problem> {
        let read = |row: Deployment, reference: &Reference| {
            let (result, workload) = row.into_result(reference, api);
            workload.finish(result)
        };
        list::page_of(api, &OBJECTS, list, list.cursor.page == 1, read).await
    }

    async fn read_log(&self, api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
        logs::read(api, request).await
    }
}

/// The parameters of the lists of a workload's objects.
struct Lists<'a> {
    api: &'a Api,
    namespace: &'a str,
    options: &'a RequestOptions,
}

impl Lists<'_> {
    /// Lists the objects of a resource that a selector matches; `None`, with a notice, if they cannot be
    /// read.
    async fn read<T: DeserializeOwned + Default + Send>(
        &self,
        result: &mut GetResult,
        kind: &str,
        resource: (&str, &str),
        selector: &str,
    ) -> Option<Vec<T>> {
        let operation = match kind {
            "ReplicaSet" => "ListNamespacedReplicaSet",
            "Service" => "ListNamespacedService",
            _ => "ListNamespacedEndpointSlice",
        };
        let path = path(resource.0, Some(self.namespace), resource.1);
        let selector = (!selector.is_empty()).then_some(("labelSelector", selector));
        let query: Vec<_> = selector
            .into_iter()
            .chain([("limit", MAX_OBJECTS)])
            .collect();
        let decode = |body: &[u8]| {
            let mut list: ObjectList<T> = lenient::decode_response(body)?;
            let has_more = list.metadata.0.r#continue.trimmed().is_some();
            Ok::<_, String>((list.take_rows()?, has_more))
        };
        let response = self
            .api
            .call(operation, &path, &query, self.options, decode)
            .await;
        if let (Err(problem), true) = (&response, self.options.events.needs_all_warnings()) {
            result.mark_events_unread(problem);
        }
        let (objects, has_more) = result.part(&format!("the {}", resource.1), response)?;
        if has_more {
            let text = format!(
                "only {MAX_OBJECTS} {} were read for {}",
                resource.1, result.job.reference
            );
            result.note(NoticeCode::PartsUnread, text);
            result.job.events_unreadable |= self.options.events.needs_all_warnings();
        }
        Some(objects)
    }
}

#[cfg(test)]
mod tests;
