//! What all objects have in common: metadata, conditions, quantities.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::Time;
use crate::providers::lenient::{
    Checked, DefaultObject, List, Map, OptionalObject, Required, Text, Timestamp,
};

/// The annotation that repeats an object as it was applied.
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The metadata of an object.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ObjectMeta {
    pub name: Checked<Text>,
    pub namespace: Checked<Text>,
    pub uid: Text,
    pub labels: Map<Text>,
    pub annotations: Map<Text>,
    pub creation_timestamp: Timestamp,
    pub deletion_timestamp: Checked<Timestamp>,
    pub owner_references: List<OwnerReference>,
}

/// An object that another one belongs to.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct OwnerReference {
    pub kind: Text,
    pub name: Text,
    pub uid: Text,
}

impl ObjectMeta {
    /// True while the object is being deleted, or where that cannot be read.
    pub fn is_deleted(&self) -> bool {
        self.deletion_timestamp.is_unreadable || self.deletion_timestamp.value.utc().is_some()
    }

    pub fn labels(&mut self) -> BTreeMap<String, Option<String>> {
        let Map(labels) = std::mem::take(&mut self.labels);
        labels
            .into_iter()
            .map(|(name, value)| (name, value.0))
            .collect()
    }
}

/// One condition of an object.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Condition {
    r#type: Checked<Text>,
    status: Checked<Text>,
    pub reason: Text,
    pub message: Text,
    last_transition_time: Timestamp,
}

impl Condition {
    pub fn since(&self) -> Option<Time> {
        self.last_transition_time.utc()
    }
}

/// The conditions of an object.
#[derive(Debug, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Conditions(Required<List<Condition>>);

impl Conditions {
    fn all(&self) -> &[Condition] {
        match &self.0 {
            Required::Present(List(conditions)) => conditions,
            _ => &[],
        }
    }

    /// False where a condition could not be read, which may be any.
    pub fn are_readable(&self) -> bool {
        let is_readable = |condition: &Condition| {
            let word = |text: &Checked<Text>| !text.is_unreadable && text.value.trimmed().is_some();
            word(&condition.r#type) && word(&condition.status)
        };
        !matches!(self.0, Required::Unreadable) && self.all().iter().all(is_readable)
    }

    /// The condition of this type, with this status.
    pub fn find(&self, kind: &str, status: &str) -> Option<&Condition> {
        self.all().iter().find(|condition| {
            condition.r#type.value.trimmed() == Some(kind)
                && condition.status.value.trimmed() == Some(status)
        })
    }

    /// The condition of this type, if it holds.
    pub fn holds(&self, kind: &str) -> Option<&Condition> {
        self.find(kind, "True")
    }
}

/// A list of objects.
#[derive(Default, Deserialize)]
#[serde(default, bound = "T: Default + Deserialize<'de>")]
pub(super) struct ObjectList<T> {
    pub metadata: DefaultObject<ListMeta>,
    pub items: Required<List<T>>,
}

/// The metadata of a list.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct ListMeta {
    pub r#continue: Text,
}

/// A number with a suffix, such as `500m`, `2Gi` or `1e3`.
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

/// The object of a field, and false where it could not be read.
pub(super) fn object<T: Default>(field: Required<OptionalObject<T>>) -> (T, bool) {
    match field {
        Required::Present(OptionalObject(Some(object))) => (*object, true),
        Required::Unreadable => (T::default(), false),
        _ => (T::default(), true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
