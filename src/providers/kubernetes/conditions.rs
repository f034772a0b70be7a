//! The conditions of an object.

use serde::Deserialize;

use super::evidence::is_unreadable;
use crate::model::Time;
use crate::providers::lenient::{Checked, List, Required, Text, Timestamp};

/// A condition of an object.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Condition {
    r#type: Checked<Text>,
    status: Text,
    pub reason: Checked<Text>,
    pub message: Text,
    last_transition_time: Timestamp,
}

impl Condition {
    /// Returns `true` if the reason only repeats the type, as for every job of Kubeflow: `PyTorchJobCreated`.
    pub fn is_uninformative(&self) -> bool {
        let (kind, reason) = (self.r#type.value.trimmed(), self.reason.value.trimmed());
        let usual = kind.filter(|kind| ["Created", "Running"].contains(kind));
        usual
            .zip(reason)
            .is_some_and(|(kind, reason)| reason.ends_with(kind))
    }

    pub fn since(&self) -> Option<Time> {
        self.last_transition_time.utc()
    }

    /// Describes a condition of this type whose status is not one of [`STATUSES`].
    fn without_status(&self, kind: &str) -> String {
        match self.status.trimmed() {
            Some(_) => format!("the status of the condition {kind} is not True, False or Unknown"),
            None => format!("the condition {kind} has no status that can be read"),
        }
    }
}

/// The values of the status of a condition.
const STATUSES: [&str; 3] = ["True", "False", "Unknown"];

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

    /// Describes why the conditions do not show the state of their object, if they do not: one of a type that decides
    /// the state (`decides`) cannot be read or contradicts another of its type, or one could be of any type. A
    /// condition with which the object has failed (the type `failure`) needs no other condition.
    pub fn undecided(
        &self,
        decides: impl Fn(&str) -> bool,
        failure: Option<&str>,
    ) -> Option<String> {
        if failure.is_some_and(|kind| self.conflict(kind).is_none()) {
            return None;
        }
        if matches!(self.0, Required::Unreadable) {
            return Some("the conditions cannot be read".to_owned());
        }
        self.all().iter().find_map(|condition| {
            let Some(kind) = condition.r#type.value.trimmed() else {
                return Some("a condition has no type that can be read".to_owned());
            };
            if is_unreadable(&condition.r#type) {
                return Some("the type of a condition cannot be read".to_owned());
            }
            let is_known = STATUSES.contains(&condition.status.trimmed().unwrap_or_default());
            match decides(kind) {
                false => None,
                true if is_known => self.conflict(kind),
                true => Some(condition.without_status(kind)),
            }
        })
    }

    /// Describes two different conditions of a type.
    fn conflict(&self, kind: &str) -> Option<String> {
        let all = self.all().iter();
        let mut same = all.filter(|one| one.r#type.value.trimmed() == Some(kind));
        let first = same.next()?.status.trimmed();
        let other = same.find(|one| one.status.trimmed() != first)?;
        let words = [first, other.status.trimmed()].map(|word| word.unwrap_or("without a status"));
        Some(format!(
            "the condition {kind} is both {} and {}",
            words[0], words[1]
        ))
    }

    /// Returns the condition with this type and status.
    pub fn find(&self, kind: &str, status: &str) -> Option<&Condition> {
        self.all().iter().find(|condition| {
            condition.r#type.value.trimmed() == Some(kind)
                && condition.status.trimmed() == Some(status)
        })
    }

    /// Returns the conditions with status `True` and their types.
    pub fn all_true(&self) -> impl Iterator<Item = (&str, &Condition)> {
        let all_true = self
            .all()
            .iter()
            .filter(|one| one.status.trimmed() == Some("True"));
        all_true.filter_map(|one| Some((one.r#type.value.trimmed()?, one)))
    }

    /// Returns the time at which the job first ran. Conditions of Volcano have no type; their status is a
    /// phase.
    pub fn running_since(&self) -> Option<Time> {
        let is_running = |one: &&Condition| {
            let kind = one.r#type.value.trimmed();
            let status = one.status.trimmed();
            match kind {
                Some(kind) => kind == "Running" && status == Some("True"),
                None => status == Some("Running"),
            }
        };
        let mut running = self.all().iter().filter(is_running);
        running.find_map(Condition::since)
    }

    /// Returns the condition with this type and status `True`.
    pub fn find_true(&self, kind: &str) -> Option<&Condition> {
        self.find(kind, "True")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn undecided(conditions: &Value, failure: Option<&str>) -> Option<String> {
        let conditions: Conditions = serde_json::from_value(conditions.clone()).unwrap();
        conditions.undecided(|kind| ["Complete", "Failed"].contains(&kind), failure)
    }

    #[test]
    fn a_condition_that_decides_and_cannot_be_read_is_named() {
        let of = |kind: &str, status: Value| json!({"type": kind, "status": status});
        let complete = |status: Value| json!([of("Complete", status)]);
        let both = |statuses: [&str; 2]| json!(statuses.map(|one| of("Complete", one.into())));
        let untyped = "a condition has no type that can be read";
        let no_status = "the condition Complete has no status that can be read";
        let other_status = "the status of the condition Complete is not True, False or Unknown";
        for (conditions, expected) in [
            (complete("False".into()), None),
            (complete(true.into()), Some(other_status)),
            (complete("true".into()), Some(other_status)),
            (complete(json!(["True"])), Some(no_status)),
            (json!([{"type": "Complete"}]), Some(no_status)),
            (json!([{"status": "True"}]), Some(untyped)),
            (json!(["Complete"]), Some(untyped)),
            (
                json!([of("Fail\u{fffd}d", "True".into())]),
                Some("the type of a condition cannot be read"),
            ),
            (json!("x"), Some("the conditions cannot be read")),
            (json!([{"type": "MyCheck"}]), None),
            (json!([of("MyCheck", json!(["True"]))]), None),
            (
                json!([of("MyCheck", "True".into()), of("MyCheck", "False".into())]),
                None,
            ),
            (both(["True", "True"]), None),
            (
                both(["False", "True"]),
                Some("the condition Complete is both False and True"),
            ),
            (
                both(["True", "Unknown"]),
                Some("the condition Complete is both True and Unknown"),
            ),
        ] {
            assert_eq!(
                undecided(&conditions, None).as_deref(),
                expected,
                "{conditions}"
            );
        }
    }

    #[test]
    fn a_failure_needs_no_other_condition_unless_it_is_contradicted() {
        let failed = json!({"type": "Failed", "status": "True"});
        for other in [
            json!({"type": "Complete"}),
            json!({"status": "True"}),
            json!("x"),
        ] {
            let conditions = json!([other, failed]);
            assert!(undecided(&conditions, None).is_some(), "{conditions}");
            assert_eq!(undecided(&conditions, Some("Failed")), None);
        }
        let conditions = json!([failed, {"type": "Failed", "status": "False"}]);
        assert_eq!(
            undecided(&conditions, Some("Failed")).as_deref(),
            Some("the condition Failed is both True and False")
        );
        let conditions = json!([failed, {"type": "Failed"}]);
        assert!(undecided(&conditions, Some("Failed")).is_some());
    }

    #[test]
    fn a_job_started_at_its_first_running_condition() {
        let read = |conditions: Value| -> Option<String> {
            let conditions: Conditions = serde_json::from_value(conditions).unwrap();
            conditions.running_since().map(Time::rfc3339)
        };
        let at = |second: u32| format!("2026-11-27T02:20:0{second}Z");
        let volcano = json!([
            {"status": "Pending", "lastTransitionTime": at(0)},
            {"status": "Running", "lastTransitionTime": at(1)},
            {"status": "Running", "lastTransitionTime": at(2)},
        ]);
        assert_eq!(read(volcano), Some(at(1)));
        let kubeflow = |status: &str| json!([{"type": "Running", "status": status, "lastTransitionTime": at(3)}]);
        assert_eq!(read(kubeflow("True")), Some(at(3)));
        assert_eq!(read(kubeflow("False")), None);
    }
}
