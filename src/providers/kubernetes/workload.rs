//! Deployments with their ReplicaSets, pods, services and endpoints.

mod response;

use async_trait::async_trait;
use serde::de::DeserializeOwned;

use super::object::ObjectList;
use super::parts::Parts;
use super::{Api, attach_raw, list, logs, object_path, path, pod};
use crate::error::Problem;
use crate::kind::{
    Kind, ListOrder, ListSpec, Operation, Segment, StateTable, StateWords, Template, UnlistedField,
};
use crate::model::State;
use crate::providers::lenient;
use crate::providers::shapes::schema_of;
use crate::providers::{
    Cursor, Filter, GetOptions, GetResult, KindOps, LogChunk, LogRequest, Page,
};
use crate::reference::{Reference, Scope};
use response::{Deployment, WorkloadDetails};

/// Deployments.
pub static WORKLOAD: Kind = Kind::new(
    Template::new(
        ["kubernetes", "k8s"],
        ["workload", "deploy"],
        &[
            Segment::with_setting("NAMESPACE", "namespace"),
            Segment::required("DEPLOYMENT"),
        ],
        "kubernetes/workload/train/web",
    )
    .with_scope_segments(0),
    &[
        StateTable {
            notes: &[
                ("Available", "all replicas are up to date and available"),
                ("Progressing", "some replicas are not available yet"),
            ],
            is_endless: true,
            ..StateTable::new("job", STATES)
        },
        StateTable::new("pod", pod::STATES),
    ],
    GET,
)
.with_summary("Deployment of a Kubernetes cluster, with its pods and services")
.with_details(&[schema_of::<WorkloadDetails>], &[])
.with_list(
    ListSpec::new(LIST, ListOrder::Unsorted)
        .with_selector()
        .without(&[UnlistedField::User, UnlistedField::Queue]),
)
.with_logs(logs::LOGS);

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

/// Conditions, and what a deployment without a decisive one is. None of them is an end.
const STATES: StateWords = &[
    ("Available", State::Running),
    ("Progressing", State::Starting),
    ("ProgressDeadlineExceeded", State::Failed),
    ("ReplicaFailure", State::Failed),
    ("Paused", State::Pending),
    ("ScaledToZero", State::Pending),
    ("Terminating", State::Stopping),
];

const APPS: &str = "/apis/apps/v1";
const RESOURCE: (&str, &str) = (APPS, "deployments");

/// So many objects of each list are read at most.
const MAX_OBJECTS: &str = "500";

/// The operations on workloads.
pub(super) struct Workloads;

#[async_trait]
impl KindOps<Api> for Workloads {
    fn kind(&self) -> &'static Kind {
        &WORKLOAD
    }

    /// A deployment with its pods as tasks, its services, and the events of all.
    async fn get(
        &self,
        api: &Api,
        reference: &Reference,
        options: &GetOptions,
    ) -> Result<GetResult, Problem> {
        let namespace = reference.segment("NAMESPACE").unwrap_or_default();
        let mut read = None;
        let decode = |body: &[u8]| {
            let deployment: Deployment = lenient::decode_response(body)?;
            deployment.metadata.0.check_name(reference)?;
            let (mut found, own) = deployment.into_result(reference, api);
            attach_raw(&mut found, body, options);
            read = Some(own);
            Ok::<_, String>(found)
        };
        let path = object_path(RESOURCE, reference);
        let called = api.call(GET.name, &path, &[], options, decode).await;
        let mut found = called?.into_result();
        let mut own = read.expect("the response of a success was decoded");
        let lists = Lists {
            api,
            namespace,
            options,
        };
        let sets = lists.read(
            &mut found,
            "ReplicaSet",
            (APPS, "replicasets"),
            &own.selector,
        );
        let sets = sets
            .await
            .map(|sets| own.keep_replica_sets(sets, reference.id()));
        let services = lists.read(&mut found, "Service", ("/api/v1", "services"), "");
        own.keep_services(services.await.unwrap_or_default());
        if let Some(selector) = own.endpoint_selector() {
            let resource = ("/apis/discovery.k8s.io/v1", "endpointslices");
            let slices = lists.read(&mut found, "EndpointSlice", resource, &selector);
            if let Some(slices) = slices.await {
                own.count_endpoints(slices);
            }
        }
        if own.selector.is_empty() {
            return Ok(own.finish(found));
        }
        let parts = Parts {
            namespace,
            selector: own.selector.clone(),
            owners: sets,
            uids: std::mem::take(&mut own.uids),
        };
        parts.add(api, &mut found, options).await;
        Ok(own.finish(found))
    }

    async fn list(
        &self,
        api: &Api,
        scope: &Scope,
        filter: &Filter,
        at: Cursor,
        options: &GetOptions,
    ) -> Result<Page, Problem> {
        let list = list::ListCall {
            operation: &LIST,
            resource: RESOURCE,
            address: Deployment::address,
            read: |row: Deployment, reference: &Reference| {
                let (found, own) = row.into_result(reference, api);
                own.finish(found)
            },
        };
        list.page(api, scope, filter, at, options).await
    }

    async fn read_log(
        &self,
        api: &Api,
        request: LogRequest<'_>,
        options: &GetOptions,
    ) -> Result<LogChunk, Problem> {
        logs::read(api, request, options).await
    }
}

/// Where the objects of a workload are listed.
struct Lists<'a> {
    api: &'a Api,
    namespace: &'a str,
    options: &'a GetOptions,
}

impl Lists<'_> {
    /// The objects of a resource that a selector chooses; `None`, with a notice, where they cannot be read.
    async fn read<T: DeserializeOwned + Default + Send>(
        &self,
        found: &mut GetResult,
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
            let list: ObjectList<T> = lenient::decode_response(body)?;
            list.items.rows("items", None)
        };
        let called = self
            .api
            .call(operation, &path, &query, self.options, decode)
            .await;
        found.part(&format!("the {}", resource.1), called)
    }
}

#[cfg(test)]
mod tests;
