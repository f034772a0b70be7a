//! Fields that all objects have in common: metadata, quantities.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::collect::CollectExt as _;
use crate::crypto::percent_encode;
use crate::providers::lenient::{
    self, Checked, DefaultObject, Flag, Int, List, Map, Required, Text, Timestamp,
};
use crate::reference::Reference;

/// The annotation in which `kubectl apply` stores a copy of the applied object.
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The label with the queue of a job that Kueue manages.
pub(super) const QUEUE_LABEL: &str = "kueue.x-k8s.io/queue-name";

/// An object of the API.
pub(super) trait ApiObject: DeserializeOwned + Default + Send {
    fn metadata(&self) -> &ObjectMeta;

    /// Decodes the object of a response.
    ///
    /// # Errors
    /// The response cannot be decoded, or is about another object.
    fn decode(body: &[u8], reference: &Reference) -> Result<Self, String> {
        let object: Self = lenient::decode_response(body)?;
        match object.metadata().name.value.trimmed() == Some(reference.id()) {
            true => Ok(object),
            false => Err(expected(reference)),
        }
    }
}

/// Returns the path of the objects of a resource, in a namespace or in all namespaces.
pub(super) fn path(api: &str, namespace: Option<&str>, resource: &str) -> String {
    match namespace {
        Some(namespace) => format!("{api}/namespaces/{}/{resource}", percent_encode(namespace)),
        None => format!("{api}/{resource}"),
    }
}

/// Returns the path of one object of a resource.
pub(super) fn object_path(resource: (&str, &str), reference: &Reference) -> String {
    let objects = path(resource.0, reference.segment("NAMESPACE"), resource.1);
    format!("{objects}/{}", percent_encode(reference.id()))
}

/// Describes the expected object, for a response that contains a different one.
pub(super) fn expected(reference: &Reference) -> String {
    format!("the requested {}", reference.kind.template.kind)
}

/// The metadata of an object.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ObjectMeta {
    pub name: Checked<Text>,
    pub namespace: Checked<Text>,
    pub uid: Text,
    pub resource_version: Text,
    pub labels: Map<Text>,
    pub annotations: Map<Text>,
    pub generation: Checked<Int>,
    pub creation_timestamp: Timestamp,
    pub deletion_timestamp: Checked<Timestamp>,
    pub deletion_grace_period_seconds: Checked<Int>,
    pub owner_references: List<OwnerReference>,
}

/// A reference to the owner of an object.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OwnerReference {
    pub kind: Text,
    pub name: Text,
    pub uid: Text,
    controller: Flag,
}

impl ObjectMeta {
    /// Returns the owner that controls the object, or the first owner if none is marked as its controller.
    pub fn controller(&self) -> Option<&OwnerReference> {
        let List(owners) = &self.owner_references;
        let mut controllers = owners.iter();
        let controller = controllers.find(|owner| owner.controller.0 == Some(true));
        controller.or(owners.first())
    }

    /// Returns the namespace and the name, or `None` if they cannot be read.
    pub fn address(&self) -> Option<(&str, &str)> {
        self.namespace
            .value
            .trimmed()
            .zip(self.name.value.trimmed())
    }

    /// Returns `true` while the object is being deleted, and also if `deletionTimestamp` cannot be read.
    pub fn is_deleted(&self) -> bool {
        self.deletion_timestamp.is_unreadable || self.deletion_timestamp.value.utc().is_some()
    }

    pub fn labels(&mut self) -> BTreeMap<String, Option<String>> {
        let Map(labels) = std::mem::take(&mut self.labels);
        labels
            .into_iter()
            .map(|(name, value)| (name, value.0))
            .collect_map()
    }
}

/// A list of objects.
#[derive(Default, Deserialize)]
#[serde(default, bound = "T: Default + Deserialize<'de>")]
pub(super) struct ObjectList<T> {
    kind: Text,
    pub metadata: DefaultObject<ListMeta>,
    items: Required<List<T>>,
}

impl<T> ObjectList<T> {
    /// Takes the objects out of the list; `null` is an empty list.
    ///
    /// # Errors
    /// `items` is missing or is not a list, or an empty list is not from an API server; see
    /// [`check_empty_list`].
    pub fn take_rows(&mut self) -> Result<Vec<T>, String> {
        let rows = match std::mem::replace(&mut self.items, Required::Missing) {
            Required::Null => Vec::new(),
            items => items.rows("items", None)?,
        };
        if rows.is_empty() {
            check_empty_list(self.kind.trimmed())?;
        }
        Ok(rows)
    }
}

/// Checks the `kind` of an empty list. API servers always set it to that of a list, such as `JobList`; without
/// it, the response can be that of another application, such as the default backend of an ingress.
///
/// # Errors
/// The kind is missing or is not that of a list.
pub(super) fn check_empty_list(kind: Option<&str>) -> Result<(), String> {
    match kind.is_some_and(|kind| kind.ends_with("List")) {
        true => Ok(()),
        false => Err("a list with a kind such as JobList".to_owned()),
    }
}

/// The metadata of a list.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ListMeta {
    pub r#continue: Text,
    pub resource_version: Text,
}

/// Parses a number with an optional suffix, such as `500m`, `2Gi` or `1e3`.
pub(super) fn quantity(text: &str) -> Option<f64> {
    const SUFFIXES: [(&str, f64); 15] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("Ei", 1_152_921_504_606_846_976.0),
        ("n", 1e-9),
        ("u", 1e-6),
        ("m", 1e-3),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("E", 1e18),
    ];
    let mut suffixes = SUFFIXES.iter();
    let suffix = suffixes.find_map(|(suffix, scale)| Some((text.strip_suffix(suffix)?, *scale)));
    let (number, scale) = suffix.unwrap_or((text, 1.0));
    let number: f64 = number.parse().ok()?;
    Some(number * scale).filter(|value| (0.0..1e19).contains(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_owner_of_an_object_is_its_controller_or_else_the_first_owner() {
        let controller = |owners: serde_json::Value| {
            let meta = serde_json::json!({ "ownerReferences": owners });
            let meta: ObjectMeta = serde_json::from_value(meta).unwrap();
            meta.controller().and_then(|owner| owner.uid.0.clone())
        };
        let owner = |uid: &str, flag: serde_json::Value| serde_json::json!({"uid": uid, "controller": flag});
        let null = serde_json::Value::Null;
        let first = || owner("first", false.into());
        let owners = serde_json::json!([first(), owner("second", true.into())]);
        assert_eq!(controller(owners).as_deref(), Some("second"));
        let owners = serde_json::json!([first(), owner("second", null.clone())]);
        assert_eq!(controller(owners).as_deref(), Some("first"));
        assert_eq!(controller(null), None);
    }

    #[test]
    fn an_empty_list_may_be_null_and_has_a_kind() {
        let read = |body: &str| {
            let mut list: ObjectList<OwnerReference> = serde_json::from_str(body).unwrap();
            list.take_rows().map(|rows| rows.len())
        };
        assert_eq!(read(r#"{"kind": "JobList", "items": null}"#), Ok(0));
        assert_eq!(read(r#"{"kind": "List", "items": []}"#), Ok(0));
        assert_eq!(read(r#"{"items": [{"kind": "Job"}]}"#), Ok(1));
        assert!(read(r#"{"kind": "JobList"}"#).is_err());
        for body in [
            r#"{"items": []}"#,
            r#"{"items": null}"#,
            r#"{"kind": "Page", "items": []}"#,
            r#"{"kind": null, "apiVersion": "v1", "items": []}"#,
        ] {
            let expected = "a list with a kind such as JobList";
            assert_eq!(read(body), Err(expected.to_owned()), "{body}");
        }
    }

    #[test]
    fn quantities_have_decimal_and_binary_suffixes() {
        for (text, value) in [
            ("500m", Some(0.5)),
            ("2Gi", Some(2_147_483_648.0)),
            ("1k", Some(1000.0)),
            ("1e3", Some(1000.0)),
            ("0.5", Some(0.5)),
            ("128974848", Some(128_974_848.0)),
            ("100Ei", None),
            ("-1", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(quantity(text), value, "{text}");
        }
    }
}
