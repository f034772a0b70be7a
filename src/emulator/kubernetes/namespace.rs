use super::owner::OWNERS;
use super::{list, pod, time};
use crate::emulator::prelude::*;

/// The namespaces of the scenario.
pub struct Namespaces;

impl EmulatedKind for Namespaces {
    fn routes(&self) -> &'static [Route] {
        const { &[Route::get("ListNamespace", "/api/v1/namespaces")] }
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
        let rows: Vec<Value> = namespaces.into_iter().map(object).collect();
        list::respond(call, "Namespace", "v1", rows)
    }
}
