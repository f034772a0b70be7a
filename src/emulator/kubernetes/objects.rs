//! Lookup, list and watch of a resource's objects.

use super::{TypeMeta, list, not_found, watch};
use crate::emulator::prelude::*;
use crate::sort::SortExt as _;

/// The objects for one kind of the scenario.
pub(super) struct Objects {
    /// Kind in the scenario.
    pub kind: &'static str,
    pub type_meta: TypeMeta,
    /// The name of the resource, including its group.
    pub resource: &'static str,
    /// The operations; see [`routes`].
    pub routes: &'static [Route],
    /// Returns the object of a resource of the scenario.
    pub make: fn(&JobView<'_>) -> Value,
}

/// Returns the routes of a resource, whose operations [`Objects`] handles.
macro_rules! routes {
    ($kind:literal, $api:literal, $plural:literal) => {
        &[
            Route::get(
                concat!("ReadNamespaced", $kind),
                concat!("/apis/", $api, "/namespaces/{}/", $plural, "/{}"),
            ),
            Route::get(
                concat!("ListNamespaced", $kind),
                concat!("/apis/", $api, "/namespaces/{}/", $plural),
            ),
            Route::get(
                concat!("ListNamespaced", $kind),
                concat!("/apis/", $api, "/", $plural),
            ),
            Route::get(
                concat!("WatchNamespaced", $kind),
                concat!("/apis/", $api, "/namespaces/{}/", $plural),
            ),
            Route::get(
                concat!("WatchNamespaced", $kind),
                concat!("/apis/", $api, "/", $plural),
            ),
        ]
    };
}

pub(super) use routes;

impl EmulatedKind for Objects {
    fn routes(&self) -> &'static [Route] {
        self.routes
    }

    fn respond(&self, call: &EmulatedCall<'_>) -> HandlerResult {
        if call.operation.starts_with("Read") {
            let segments: Vec<&str> = call.segments.iter().map(String::as_str).collect();
            let missing = |_| EmulatedError::Response(not_found(self.resource, segments[1]));
            let view = call.find(self.kind, &segments).map_err(missing)?;
            return call.resource_response(&view, || (self.make)(&view));
        }
        if call.operation.starts_with("Watch") {
            let list = watch::WatchedList {
                call,
                type_meta: self.type_meta,
                resources: &[self.kind],
                objects: &|view| vec![(self.make)(view)],
            };
            return watch::respond(call, &list);
        }
        let rows = rows(call, self.kind).into_iter().map(|view| {
            let object = (self.make)(&view);
            // Only list items of custom resources contain their kind.
            match self.type_meta.api_version.contains('.') {
                true => object,
                false => without_kind(object),
            }
        });
        list::respond(call, self.type_meta, rows.collect())
    }
}

/// Returns the resources of a kind in the requested namespace, sorted by name.
pub(super) fn rows<'a>(call: &'a EmulatedCall<'_>, kind: &str) -> Vec<JobView<'a>> {
    let namespace = call.segments.first();
    let mut rows = call.rows(kind);
    rows.retain(|view| namespace.is_none_or(|own| view.job.segments.first() == Some(own)));
    rows.order_by_key(|view| view.job.segments.clone());
    rows
}

/// Removes the kind, because list items do not contain it.
pub(super) fn without_kind(mut object: Value) -> Value {
    if let Value::Object(fields) = &mut object {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    object
}
