use super::owner::OWNERS;
use super::{list, not_found, pod, time};
use crate::emulator::prelude::*;

/// kubectl requests the namespace if it does not find an object.
const READ: &str = "ReadNamespace";

/// The namespaces of the scenario.
pub struct Namespaces;

impl EmulatedKind for Namespaces {
    fn routes(&self) -> &'static [Route] {
        const {
            &[
                Route::get("ListNamespace", "/api/v1/namespaces"),
                Route::get(READ, "/api/v1/namespaces/{}"),
            ]
        }
    }

    fn respond(&self, call: &EmulatedCall<'_>) -> Answer {
        let kinds = OWNERS.iter().map(|owner| owner.kind);
        let kinds: Vec<&str> = kinds.chain([pod::KIND]).collect();
        let mut namespaces = call.state.clusters(&kinds);
        namespaces.sort_unstable();
        let object = |(name, created_at)| {
            json!({
                "metadata": {"name": name, "creationTimestamp": time(created_at)},
                "status": {"phase": "Active"},
            })
        };
        if call.operation == READ {
            let name = &call.segments[0];
            let mut known = namespaces.into_iter().filter(|(known, _)| known == name);
            let missing = || EmulatedError::Response(not_found("namespaces", name));
            let mut found = object(known.next().ok_or_else(missing)?);
            (found["kind"], found["apiVersion"]) = ("Namespace".into(), "v1".into());
            return call.data(found);
        }
        let rows: Vec<Value> = namespaces.into_iter().map(object).collect();
        list::respond(call, "Namespace", "v1", rows)
    }
}
