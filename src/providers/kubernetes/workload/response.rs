//! Converts a deployment and its related objects from the format of the API to the model.

mod undecided;
mod word;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::Api;
use super::super::conditions::{Condition, Conditions};
use super::super::container::{self, containers};
use super::super::evidence::object;
use super::super::object::{ApiObject, ObjectMeta};
use super::super::pod::PodTemplate;
use super::super::selector::Selector;
use super::STATES;
use crate::providers::lenient::Words;
use crate::providers::prelude::*;
use undecided::undecided;
use word::word;

/// Maximum number of ReplicaSets, and of services, whose events are read; each costs a request.
const MAX_OBJECTS_WITH_EVENTS: usize = 2;

/// A deployment.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Deployment {
    pub metadata: DefaultObject<ObjectMeta>,
    spec: Required<OptionalObject<DeploymentSpec>>,
    status: Required<OptionalObject<DeploymentStatus>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct DeploymentSpec {
    replicas: Checked<Int>,
    paused: Checked<Flag>,
    selector: DefaultObject<Selector>,
    template: DefaultObject<PodTemplate>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct DeploymentStatus {
    observed_generation: Checked<Int>,
    replicas: Checked<Int>,
    updated_replicas: Checked<Int>,
    ready_replicas: Checked<Int>,
    available_replicas: Checked<Int>,
    unavailable_replicas: Checked<Int>,
    conditions: Conditions,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ReplicaSet {
    metadata: DefaultObject<ObjectMeta>,
    spec: DefaultObject<Replicas>,
    status: DefaultObject<Replicas>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Replicas {
    replicas: Int,
    ready_replicas: Int,
}

/// A service or an EndpointSlice.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Part {
    metadata: DefaultObject<ObjectMeta>,
    spec: DefaultObject<PartSpec>,
    status: DefaultObject<PartStatus>,
    endpoints: List<Endpoint>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct PartSpec {
    r#type: Text,
    #[serde(rename = "clusterIP")]
    cluster_ip: Text,
    selector: Map<Text>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PartStatus {
    load_balancer: Map<List<Ingress>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Ingress {
    ip: Text,
    hostname: Text,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Endpoint {
    addresses: Words,
    conditions: Map<Flag>,
    target_ref: Map<Text>,
}

/// Fields of workloads.
#[derive(Debug, Default, JsonSchema, Serialize)]
#[schemars(rename = "KubernetesWorkload")]
pub struct WorkloadDetails {
    /// Desired number of pods.
    pub replicas: Option<i64>,
    /// Pods that match the current template.
    pub updated: Option<i64>,
    /// Pods that are ready.
    pub ready: Option<i64>,
    /// Pods that have been ready for at least `minReadySeconds`.
    pub available: Option<i64>,
    /// Its ReplicaSets whose current or desired number of pods is not 0.
    pub replica_sets: Vec<ReplicaSetDetails>,
    /// Services that select its pods.
    pub services: Vec<ServiceDetails>,
}

/// A ReplicaSet of a workload.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "KubernetesReplicaSet")]
pub struct ReplicaSetDetails {
    /// Its name.
    pub name: Option<String>,
    /// The revision of the deployment.
    pub revision: Option<String>,
    /// Desired number of pods.
    pub replicas: Option<i64>,
    /// Pods that are ready.
    pub ready: Option<i64>,
}

/// A service of a workload.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "KubernetesService")]
pub struct ServiceDetails {
    /// Its name.
    pub name: String,
    /// `ClusterIP`, `NodePort`, `LoadBalancer` or `ExternalName`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// Its address in the cluster.
    pub cluster_ip: Option<String>,
    /// The addresses of its load balancer.
    pub load_balancer: Vec<String>,
    /// Number of pods behind it.
    pub endpoints: Option<usize>,
    /// Number of these pods that are ready.
    pub ready_endpoints: Option<usize>,
}

/// The data of a workload in addition to its job.
#[derive(Default)]
pub(super) struct Workload {
    /// The selector of its pods; empty if it cannot be read.
    pub selector: String,
    /// UIDs of the objects whose events belong to the workload.
    pub uids: Vec<String>,
    /// UIDs of further objects whose events only a gate for warnings needs; `None` for a UID that cannot be
    /// read.
    pub more_uids: Vec<Option<String>>,
    pod_labels: Map<Text>,
    details: WorkloadDetails,
}

impl ApiObject for Deployment {
    fn metadata(&self) -> &ObjectMeta {
        &self.metadata.0
    }
}

impl Deployment {
    /// Converts the deployment, without its pods.
    pub fn into_result(self, reference: &Reference, api: &Api) -> (GetResult, Workload) {
        let DefaultObject(mut meta) = self.metadata;
        // Every deployment has a `spec`; an empty one means the defaults.
        let has_spec = matches!(
            self.spec,
            Required::Present(OptionalObject(Some(_))) | Required::Empty
        );
        let (mut spec, _) = object(self.spec);
        let (status, is_status_readable) = object(self.status);
        let (word, condition) = word(&meta, &spec, &status);
        let undecided = match (has_spec, is_status_readable) {
            (false, _) => Some("the specification cannot be read".to_owned()),
            (_, false) => Some("the status cannot be read".to_owned()),
            _ => undecided(&meta, &spec, &status, word),
        };
        let is_readable = undecided.is_none();
        let known = is_readable.then_some(word);
        let state = states::normalize(STATES, &[], known);
        let condition = condition.filter(|_| is_readable);
        let desired = spec.replicas.value.0;
        let shortage = desired.filter(|_| state.state == State::Starting);
        let shortage = shortage.and_then(|desired| status.shortage(desired));
        let DefaultObject(template) = std::mem::take(&mut spec.template);
        let pods = containers(template.spec.0.containers, List::default(), false);
        let available = status.conditions.find_true("Available");
        let mut job = Job {
            name: meta.name.value.0.clone(),
            state: state.state,
            state_raw: state.raw,
            reason: condition
                .and_then(|condition| condition.reason.value.0.clone())
                .map(Reason::from),
            message: condition
                .and_then(|condition| condition.message.0.clone())
                .or(shortage),
            created_at: meta.creation_timestamp.utc(),
            started_at: available.and_then(Condition::since),
            resources: container::total(&pods),
            labels: meta.labels(),
            uid: meta.uid.0.clone(),
            ..job_at(reference, Some(api.host()))
        };
        if let Some(text) = undecided {
            states::contradict(&mut job, text);
        }
        let workload = Workload {
            selector: spec.selector.0.text(),
            uids: meta.uid.0.into_iter().collect(),
            more_uids: Vec::new(),
            pod_labels: template.metadata.0.labels,
            details: WorkloadDetails {
                replicas: desired,
                updated: status.updated_replicas.value.0,
                ready: status.ready_replicas.value.0,
                available: status.available_replicas.value.0,
                ..WorkloadDetails::default()
            },
        };
        let notices = Vec::new();
        (GetResult { job, notices }, workload)
    }
}

impl DeploymentStatus {
    /// Describes the replicas that are missing of those desired.
    fn shortage(&self, desired: i64) -> Option<String> {
        let counts = [
            (&self.available_replicas, "available"),
            (&self.updated_replicas, "up to date"),
        ];
        counts.into_iter().find_map(|(count, what)| {
            let count = count.value.0.unwrap_or(0);
            (count < desired).then(|| format!("{count} of {desired} replicas are {what}"))
        })
    }
}

impl Workload {
    /// Keeps the active ReplicaSets of a deployment; returns the kinds and names of all of its ReplicaSets.
    pub fn keep_replica_sets(
        &mut self,
        mut sets: Vec<ReplicaSet>,
        deployment: &str,
    ) -> Vec<String> {
        sets.retain(|set| {
            let mut owners = set.metadata.0.owner_references.0.iter();
            owners.any(|owner| owner.name.trimmed() == Some(deployment))
        });
        let mut names = Vec::new();
        for ReplicaSet {
            metadata,
            spec,
            status,
        } in sets
        {
            let DefaultObject(meta) = metadata;
            names.extend(
                meta.name
                    .value
                    .trimmed()
                    .map(|name| format!("ReplicaSet/{name}")),
            );
            let counts = [spec.0.replicas.0, status.0.replicas.0];
            if counts.iter().all(|count| count.unwrap_or(0) == 0) {
                continue;
            }
            self.add_uid(meta.uid.0, self.details.replica_sets.len());
            let revision = meta.annotations.0.get("deployment.kubernetes.io/revision");
            self.details.replica_sets.push(ReplicaSetDetails {
                revision: revision.and_then(|revision| revision.0.clone()),
                name: meta.name.value.0,
                replicas: spec.0.replicas.0,
                ready: status.0.ready_replicas.0,
            });
        }
        names
    }

    fn add_uid(&mut self, uid: Option<String>, added_before: usize) {
        match uid {
            Some(uid) if added_before < MAX_OBJECTS_WITH_EVENTS => self.uids.push(uid),
            other => self.more_uids.push(other),
        }
    }

    /// Keeps the services that select its pods.
    pub fn keep_services(&mut self, services: Vec<Part>) {
        for service in services {
            let DefaultObject(spec) = service.spec;
            let mut selector = spec.selector.0.iter();
            let is_own = |(key, value): (&String, &Text)| self.pod_labels.0.get(key) == Some(value);
            let DefaultObject(meta) = service.metadata;
            let name = meta.name.value.trimmed().map(str::to_owned);
            let Some(name) = name.filter(|_| selector.len() > 0 && selector.all(is_own)) else {
                continue;
            };
            self.add_uid(meta.uid.0, self.details.services.len());
            let mut balancer = service.status.0.load_balancer.0;
            let List(ingress) = balancer.remove("ingress").unwrap_or_default();
            let addresses = ingress
                .into_iter()
                .filter_map(|one| one.ip.0.or(one.hostname.0));
            self.details.services.push(ServiceDetails {
                name,
                kind: spec.r#type.0,
                cluster_ip: spec.cluster_ip.0,
                load_balancer: addresses.collect(),
                endpoints: None,
                ready_endpoints: None,
            });
        }
    }

    /// Returns the selector of the EndpointSlices of its services, if it has any.
    pub fn endpoint_selector(&self) -> Option<String> {
        let services = self.details.services.iter();
        let names: Vec<&str> = services.map(|service| &*service.name).collect();
        match names[..] {
            [] => None,
            [name] => Some(format!("{SERVICE_LABEL}={name}")),
            _ => Some(format!("{SERVICE_LABEL} in ({})", names.join(","))),
        }
    }

    /// Counts the pods behind its services. A dual-stack pod is in two slices, but counted once.
    pub fn count_endpoints(&mut self, slices: Vec<Part>) {
        for service in &mut self.details.services {
            let is_own = |slice: &&Part| {
                let name = slice.metadata.0.labels.0.get(SERVICE_LABEL);
                name.and_then(Text::trimmed) == Some(&service.name)
            };
            let endpoints = slices
                .iter()
                .filter(is_own)
                .flat_map(|slice| &slice.endpoints.0);
            let (mut all, mut ready) = (BTreeSet::new(), BTreeSet::new());
            for endpoint in endpoints {
                let address = endpoint.addresses.0.first().map(String::as_str);
                let pod = endpoint
                    .target_ref
                    .0
                    .get("name")
                    .and_then(Text::trimmed)
                    .or(address);
                all.insert(pod);
                // An endpoint without the flag counts as ready.
                let ready_flag = endpoint.conditions.0.get("ready");
                if ready_flag.is_none_or(|flag| flag.0 != Some(false)) {
                    ready.insert(pod);
                }
            }
            (service.endpoints, service.ready_endpoints) = (Some(all.len()), Some(ready.len()));
        }
    }

    /// Adds the details to the job.
    pub fn finish(self, mut result: GetResult) -> GetResult {
        result.job.details = Some(Arc::new(self.details));
        result
    }
}

/// The label of the service that an EndpointSlice belongs to.
const SERVICE_LABEL: &str = "kubernetes.io/service-name";
