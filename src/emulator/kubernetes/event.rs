use super::job::names;
use super::owner::OWNERS;
use super::pod::{self, pods};
use super::{TypeMeta, list, time, uid};
use crate::emulator::prelude::*;

/// Routes of the events of pods and of their owners.
pub(super) static EVENTS: &[Route] = &[
    Route::get("ListNamespacedEvent", "/api/v1/namespaces/{}/events").to(list_events),
    Route::get("ListNamespacedEvent", "/api/v1/events").to(list_events),
];

fn list_events(call: &EmulatedCall<'_>) -> HandlerResult {
    let mut events: Vec<Value> = Vec::new();
    for owner in &OWNERS {
        for view in call.rows(owner.kind) {
            let [namespace, name] = names(&view);
            let object = json!({
                "kind": owner.type_meta.kind, "namespace": namespace, "name": name,
                "uid": owner.uid(&view), "apiVersion": owner.type_meta.api_version,
            });
            events.extend(of(&view, &object));
        }
    }
    for pod in pods(call) {
        let namespace = names(&pod.view)[0];
        let object = json!({
            "kind": "Pod", "namespace": namespace, "name": pod.name, "uid": pod.uid(),
            "apiVersion": "v1",
        });
        let is_own = pod.view.job.kind == pod::KIND;
        events.extend(of(&pod.view, &object).into_iter().filter(|_| is_own));
    }
    if let Some(namespace) = call.segments.first() {
        events.retain(|event| event["metadata"]["namespace"] == namespace.as_str());
    }
    list::respond(call, TypeMeta::new("Event", "v1"), events)
}

/// Converts the warnings of a resource to events of an object.
fn of(view: &JobView<'_>, object: &Value) -> Vec<Value> {
    let warnings = view.warnings().enumerate();
    let events = warnings.map(|(number, (warning, at))| {
        let name = format!("{}.{number:x}", object["name"].as_str().unwrap_or_default());
        json!({
            "metadata": {
                "name": name, "namespace": object["namespace"], "creationTimestamp": time(at),
                "uid": uid("Event", "", &name),
            },
            "involvedObject": object, "reason": warning.reason, "message": warning.message,
            "type": "Warning", "count": warning.count, "firstTimestamp": time(at),
            "lastTimestamp": time(at), "eventTime": null, "source": {"component": "emulator"},
        })
    });
    events.collect()
}
