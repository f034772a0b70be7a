use super::owner::OWNERS;
use super::{TypeMeta, list, not_found, pod, time};
use crate::emulator::prelude::*;
use crate::sort::SortExt as _;

/// Routes of the namespaces of the scenario. kubectl requests the namespace if it does not find an object.
pub(super) static NAMESPACES: &[Route] = &[
    Route::get("ListNamespace", "/api/v1/namespaces").to(|call| {
        let rows = namespaces(call).into_iter();
        let rows = rows.map(|(name, created_at)| object(name, created_at));
        list::respond(call, TypeMeta::new("Namespace", "v1"), rows.collect())
    }),
    Route::get("ReadNamespace", "/api/v1/namespaces/{}").to(|call| {
        let name = &call.segments[0];
        let mut known = namespaces(call).into_iter();
        let found = known.find(|(known, _)| known == name);
        let (name, created_at) =
            found.ok_or_else(|| EmulatedError::Response(not_found("namespaces", name)))?;
        let mut found = object(name, created_at);
        (found["kind"], found["apiVersion"]) = ("Namespace".into(), "v1".into());
        call.data(found)
    }),
];

/// Returns the names of the namespaces and when they were created, by name.
fn namespaces<'a>(call: &'a EmulatedCall<'_>) -> Vec<(&'a str, DateTime<Utc>)> {
    let kinds = OWNERS.iter().map(|owner| owner.kind);
    let kinds: Vec<&str> = kinds.chain([pod::KIND]).collect();
    let mut namespaces = call.state.clusters(&kinds);
    namespaces.order();
    namespaces
}

fn object(name: &str, created_at: DateTime<Utc>) -> Value {
    json!({
        "metadata": {"name": name, "creationTimestamp": time(created_at)},
        "status": {"phase": "Active"},
    })
}
