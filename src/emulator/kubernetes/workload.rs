use super::job::{names, pod_spec};
use super::objects::{Objects, routes, rows};
use super::owner::{WORKLOAD, replica_set_name};
use super::pod::pods;
use super::{TypeMeta, list, time, uid, version_of};
use crate::emulator::prelude::*;

/// Deployments, each with a ReplicaSet, a service and an EndpointSlice.
pub(super) static WORKLOADS: Objects = Objects {
    kind: WORKLOAD.kind,
    type_meta: WORKLOAD.type_meta,
    resource: "deployments.apps",
    routes: routes!("Deployment", "apps/v1", "deployments"),
    make: deployment,
};

/// Routes of the objects that belong to the deployments.
pub(super) static WORKLOAD_PARTS: &[Route] = &[
    Route::get(
        "ListNamespacedReplicaSet",
        "/apis/apps/v1/namespaces/{}/replicasets",
    )
    .to(|call| list_parts(call, TypeMeta::new("ReplicaSet", "apps/v1"), replica_set)),
    Route::get("ListNamespacedService", "/api/v1/namespaces/{}/services")
        .to(|call| list_parts(call, TypeMeta::new("Service", "v1"), service)),
    Route::get(
        "ListNamespacedEndpointSlice",
        "/apis/discovery.k8s.io/v1/namespaces/{}/endpointslices",
    )
    .to(|call| {
        let slice = |view: &JobView<'_>| endpoint_slice(call, view);
        list_parts(
            call,
            TypeMeta::new("EndpointSlice", "discovery.k8s.io/v1"),
            slice,
        )
    }),
];

/// Lists one object per deployment.
fn list_parts(
    call: &EmulatedCall<'_>,
    type_meta: TypeMeta,
    part: impl Fn(&JobView<'_>) -> Value,
) -> HandlerResult {
    let rows = rows(call, WORKLOAD.kind);
    list::respond(call, type_meta, rows.iter().map(part).collect())
}

/// Returns the number of pods, which is also the desired number, and the number of available pods.
fn replicas(view: &JobView<'_>) -> (usize, usize) {
    let replicas = match view.is(&["ScaledToZero"]) {
        true => 0,
        false => view.job.parts.max(1),
    };
    let is_available = view.is(&["Available", "Terminating"]);
    (replicas, if is_available { replicas } else { 0 })
}

fn metadata(view: &JobView<'_>, kind: &str, name: &str) -> Value {
    let namespace = names(view)[0];
    json!({
        "name": name, "namespace": namespace, "uid": uid(kind, namespace, name),
        "creationTimestamp": time(view.created_at), "labels": {"app": view.id()},
    })
}

fn deployment(view: &JobView<'_>) -> Value {
    let (replicas, available) = replicas(view);
    let word = view.step.state.as_str();
    let condition = |kind: &str, is_met: bool, reason: &str| {
        json!({
            "type": kind, "status": if is_met { "True" } else { "False" }, "reason": reason,
            "message": view.step.message, "lastUpdateTime": time(view.state_since),
            "lastTransitionTime": time(view.state_since),
        })
    };
    let mut conditions = vec![match available > 0 {
        true => condition("Available", true, "MinimumReplicasAvailable"),
        false => condition("Available", false, "MinimumReplicasUnavailable"),
    }];
    conditions.push(match word {
        "Available" => condition("Progressing", true, "NewReplicaSetAvailable"),
        "ProgressDeadlineExceeded" => condition("Progressing", false, word),
        _ => condition("Progressing", true, "ReplicaSetUpdated"),
    });
    if word == "ReplicaFailure" {
        conditions.push(condition(word, true, "FailedCreate"));
    }
    let mut metadata = metadata(view, "Deployment", view.id());
    metadata["uid"] = WORKLOAD.uid(view).into();
    metadata["generation"] = 1.into();
    metadata["resourceVersion"] = version_of(view).into();
    if word == "Terminating" {
        metadata["deletionTimestamp"] = time(view.state_since).into();
    }
    json!({
        "kind": "Deployment", "apiVersion": "apps/v1", "metadata": metadata,
        "spec": {
            "replicas": replicas, "paused": word == "Paused", "progressDeadlineSeconds": 600,
            "selector": {"matchLabels": {"app": view.id()}}, "strategy": {"type": "RollingUpdate"},
            "template": {"metadata": {"labels": {"app": view.id()}}, "spec": pod_spec()},
        },
        "status": {
            "observedGeneration": 1, "replicas": replicas, "updatedReplicas": replicas,
            "readyReplicas": available, "availableReplicas": available, "conditions": conditions,
        },
    })
}

fn replica_set(view: &JobView<'_>) -> Value {
    let (replicas, available) = replicas(view);
    let name = replica_set_name(view);
    let mut metadata = metadata(view, "ReplicaSet", &name);
    metadata["annotations"] = json!({"deployment.kubernetes.io/revision": "1"});
    metadata["ownerReferences"] = json!([{
        "apiVersion": "apps/v1", "kind": "Deployment", "name": view.id(), "controller": true,
        "uid": WORKLOAD.uid(view),
    }]);
    json!({
        "metadata": metadata,
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": view.id()}}},
        "status": {"replicas": replicas, "readyReplicas": available},
    })
}

fn service(view: &JobView<'_>) -> Value {
    json!({
        "metadata": metadata(view, "Service", view.id()),
        "spec": {"type": "ClusterIP", "clusterIP": "10.0.0.181", "selector": {"app": view.id()}},
        "status": {"loadBalancer": {}},
    })
}

fn endpoint_slice(call: &EmulatedCall<'_>, view: &JobView<'_>) -> Value {
    let is_ready = replicas(view).1 > 0;
    let pods = pods(call).into_iter();
    let pods = pods.filter(|pod| std::ptr::eq(pod.view.job, view.job));
    let endpoints = pods.map(|pod| {
        json!({
            "addresses": ["10.244.0.15"], "conditions": {"ready": is_ready},
            "targetRef": {"kind": "Pod", "name": pod.name},
        })
    });
    let mut metadata = metadata(view, "EndpointSlice", view.id());
    metadata["labels"] = json!({"kubernetes.io/service-name": view.id()});
    let endpoints: Vec<Value> = endpoints.collect();
    json!({"metadata": metadata, "addressType": "IPv4", "endpoints": endpoints})
}
