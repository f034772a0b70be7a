//! Which resources the API server has, as kubectl asks before anything else.

use serde_json::{Value, json};

use crate::emulator::api::{Answer, EmulatedCall, EmulatedError, EmulatedKind, Route};

/// The groups of the API with their resources.
pub struct Discovery;

const GROUPS: &str = "GetAPIGroups";
const RESOURCES: &str = "GetAPIResources";

/// Group and version, name and kind of a resource, its short name, and whether it is in namespaces.
const ALL: &[(&str, &str, &str, &str, bool)] = &[
    ("v1", "pods", "Pod", "po", true),
    ("v1", "events", "Event", "ev", true),
    ("v1", "namespaces", "Namespace", "ns", false),
    ("batch/v1", "jobs", "Job", "", true),
];

impl EmulatedKind for Discovery {
    fn routes(&self) -> &'static [Route] {
        const {
            &[
                Route::get(GROUPS, "/api"),
                Route::get(GROUPS, "/apis"),
                Route::get(RESOURCES, "/api/{}"),
                Route::get(RESOURCES, "/apis/{}/{}"),
            ]
        }
    }

    fn respond(&self, call: &EmulatedCall<'_>) -> Answer {
        let version = call.segments.join("/");
        if call.operation == RESOURCES {
            let own = ALL.iter().filter(|(of, ..)| *of == version);
            let resources: Vec<Value> = own
                .map(|(_, name, kind, short, namespaced)| {
                    let short: Vec<&str> = Some(*short).filter(|short| !short.is_empty()).into_iter().collect();
                    json!({
                        "name": name, "singularName": kind.to_lowercase(), "kind": kind,
                        "shortNames": short, "namespaced": namespaced, "verbs": ["get", "list", "watch"],
                    })
                })
                .collect();
            return match resources.is_empty() {
                true => Err(EmulatedError::UnknownOperation),
                false => call.data(json!({
                    "kind": "APIResourceList", "groupVersion": version, "resources": resources,
                })),
            };
        }
        if call.request.path == "/api" {
            return call.data(json!({"kind": "APIVersions", "versions": ["v1"]}));
        }
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
}
