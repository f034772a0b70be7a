//! API discovery, which kubectl requests before anything else.

use super::user;
use crate::emulator::prelude::*;

/// For each resource: group and version, name, kind, short name, and whether it is namespaced.
const ALL: &[(&str, &str, &str, &str, bool)] = &[
    ("v1", "pods", "Pod", "po", true),
    ("v1", "events", "Event", "ev", true),
    ("v1", "namespaces", "Namespace", "ns", false),
    ("v1", "services", "Service", "svc", true),
    ("batch/v1", "jobs", "Job", "", true),
    ("apps/v1", "deployments", "Deployment", "deploy", true),
    ("apps/v1", "replicasets", "ReplicaSet", "rs", true),
    (
        "discovery.k8s.io/v1",
        "endpointslices",
        "EndpointSlice",
        "",
        true,
    ),
    ("batch.volcano.sh/v1alpha1", "jobs", "Job", "vcjob", true),
    ("kubeflow.org/v1", "pytorchjobs", "PyTorchJob", "", true),
    ("jobset.x-k8s.io/v1alpha2", "jobsets", "JobSet", "", true),
    ("argoproj.io/v1alpha1", "workflows", "Workflow", "wf", true),
];

/// Routes of the API groups with their resources.
pub(super) static DISCOVERY: &[Route] = &[
    Route::get("GetVersion", "/version").to(|call| {
        call.data(json!({
            "major": "1", "minor": "32", "gitVersion": "v1.32.0", "platform": "linux/amd64",
        }))
    }),
    Route::get("GetAPIVersions", "/api")
        .to(|call| call.data(json!({"kind": "APIVersions", "versions": ["v1"]}))),
    Route::get("GetAPIVersions", "/apis").to(list_groups),
    Route::get("GetAPIResources", "/api/{}").to(list_resources),
    Route::get("GetAPIResources", "/apis/{}/{}").to(list_resources),
    Route::post(
        "CreateSelfSubjectReview",
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    )
    .to(|call| {
        let (name, groups) = user(call.request)?;
        let user = json!({"username": name, "groups": groups});
        call.data(json!({
            "kind": "SelfSubjectReview", "apiVersion": "authentication.k8s.io/v1",
            "status": {"userInfo": user},
        }))
    }),
];

fn list_groups(call: &EmulatedCall<'_>) -> HandlerResult {
    let mut versions: Vec<&str> = ALL.iter().map(|(version, ..)| *version).collect();
    versions.dedup();
    let groups = versions.iter().filter_map(|whole| {
        let (group, version) = whole.split_once('/')?;
        let version = json!({"groupVersion": whole, "version": version});
        Some(json!({"name": group, "versions": [version], "preferredVersion": version}))
    });
    let groups: Vec<Value> = groups.collect();
    call.data(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
}

fn list_resources(call: &EmulatedCall<'_>) -> HandlerResult {
    let version = call.segments.join("/");
    let own = ALL.iter().filter(|(of, ..)| *of == version);
    let resources: Vec<Value> = own
        .map(|(_, name, kind, short, namespaced)| {
            let short: Vec<&str> = Some(*short)
                .filter(|short| !short.is_empty())
                .into_iter()
                .collect();
            json!({
                "name": name, "singularName": kind.to_lowercase(), "kind": kind,
                "shortNames": short, "namespaced": namespaced, "verbs": ["get", "list", "watch"],
            })
        })
        .collect();
    match resources.is_empty() {
        true => Err(EmulatedError::UnknownOperation),
        false => call.data(json!({
            "kind": "APIResourceList", "groupVersion": version, "resources": resources,
        })),
    }
}
