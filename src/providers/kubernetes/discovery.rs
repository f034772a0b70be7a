//! Finds out which APIs a server serves, so that those of products that are not installed are not requested.

use std::collections::HashSet;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::Instant;

use super::Api;
use super::custom::JOBS;
use crate::kind::Kind;
use crate::providers::lenient::{self, List, Text};
use crate::providers::{RequestOptions, ScopeListSpec};
use crate::sync::lock;

/// Maximum age of the list of APIs; a product that is installed later is found after at most this time.
const MAX_AGE: Duration = Duration::from_secs(300);

/// The group versions of a server, such as `batch/v1`, and when they were read.
pub(super) type ServedApis = Option<(Instant, HashSet<String>)>;

#[derive(Default, Deserialize)]
#[serde(default)]
struct GroupList {
    groups: List<Group>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Group {
    versions: List<Version>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Version {
    group_version: Text,
}

/// Returns the optional kinds of a listing whose API the server serves; all of them if the list of APIs
/// cannot be read.
pub(super) async fn served_kinds(
    api: &Api,
    listing: &ScopeListSpec,
    options: &RequestOptions,
) -> Vec<&'static Kind> {
    let known = lock(&api.served_apis)
        .clone()
        .filter(|(at, _)| at.elapsed() < MAX_AGE);
    let served = match known {
        Some((_, served)) => served,
        None => {
            let read = api.call("GetAPIVersions", "/apis", &[], options, decode);
            // The lists of the kinds report the problem.
            let Ok(read) = read.await else {
                return listing.optional_kinds.to_vec();
            };
            *lock(&api.served_apis) = Some((Instant::now(), read.data.clone()));
            read.data
        }
    };
    let kinds = listing.optional_kinds.iter().copied();
    kinds.filter(|kind| is_served(kind, &served)).collect()
}

fn is_served(kind: &Kind, served: &HashSet<String>) -> bool {
    let jobs = JOBS.iter().find(|jobs| jobs.kind() == kind);
    jobs.is_none_or(|jobs| jobs.apis().any(|api| served.contains(api)))
}

fn decode(body: &[u8]) -> Result<HashSet<String>, String> {
    let list: GroupList = lenient::decode_response(body)?;
    let versions = list.groups.0.into_iter().flat_map(|group| group.versions.0);
    let served: HashSet<String> = versions
        .filter_map(|version| version.group_version.0)
        .collect();
    match served.is_empty() {
        true => Err("the groups of the API".to_owned()),
        false => Ok(served),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::providers::kubernetes::CLOUD;

    fn served(versions: &[&str]) -> Vec<String> {
        let groups = versions.iter().map(|version| {
            let version = json!({"groupVersion": version});
            json!({"name": "g", "versions": [version], "preferredVersion": version})
        });
        let body = json!({"kind": "APIGroupList", "groups": groups.collect::<Vec<_>>()});
        let served = decode(body.to_string().as_bytes()).unwrap();
        let kinds = CLOUD.scope_listings[0].optional_kinds.iter();
        let kinds = kinds.filter(|kind| is_served(kind, &served));
        kinds.map(|kind| kind.template.kind.to_owned()).collect()
    }

    #[test]
    fn only_kinds_of_served_apis_are_listed() {
        assert!(served(&["batch/v1", "apps/v1"]).is_empty());
        assert_eq!(served(&["batch.volcano.sh/v1alpha1"]), ["volcano-job"]);
        assert_eq!(served(&["trainer.kubeflow.org/v1alpha1"]), ["kubeflow-job"]);
        let both = served(&["argoproj.io/v1alpha1", "jobset.x-k8s.io/v1alpha2"]);
        assert_eq!(both, ["jobset", "argo-workflow"]);
        assert!(served(&["jobset.x-k8s.io/v9"]).is_empty());
    }

    #[test]
    fn a_response_without_a_list_of_api_groups_is_an_error() {
        for body in ["{}", "[]", "<html>", r#"{"groups": "none"}"#] {
            assert!(decode(body.as_bytes()).is_err(), "{body}");
        }
    }
}
