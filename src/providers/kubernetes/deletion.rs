//! Compares when the deletion of an object was requested with when its programs ended.

use super::evidence::is_invalid;
use super::object::ObjectMeta;
use crate::model::Time;

/// Maximum difference in seconds between the clocks of a controller and of the API server.
pub(super) const MAX_SKEW: i64 = 2;

/// Which deletion contradicts a success, for times in whole seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DeletionRule {
    /// A request before the second of the end. A controller reports the end of a job a second or more after its last
    /// pod, and can delete the job in the second of its end (`ttlSecondsAfterFinished: 0`).
    Before,
    /// A request more than [`MAX_SKEW`] before the end, for a job that a controller deletes right after its end. The
    /// times are those of the clocks of the controller and of the API server.
    BeforeDespiteSkew,
    /// Also one in the second of the end: a program that handles SIGTERM often ends at once.
    BeforeOrAtOnce,
}

impl ObjectMeta {
    /// Describes how the deletion of an object that succeeded at this time contradicts its success, if it does: once
    /// its deletion is requested, its programs are told to stop, and they can then end early with exit code 0.
    pub fn contradicting_deletion(
        &self,
        ended_at: Option<Time>,
        rule: DeletionRule,
    ) -> Option<String> {
        if !self.is_deleted() {
            return None;
        }
        let Some(requested_at) = self.deletion_requested_at() else {
            return Some("the time at which its deletion was requested cannot be read".to_owned());
        };
        let Some(ended_at) = ended_at else {
            return Some("it is being deleted, and the time of its end is not known".to_owned());
        };
        let seconds = ended_at
            .whole_second()
            .seconds_since(requested_at.whole_second());
        let is_early = match rule {
            DeletionRule::Before => seconds > 0,
            DeletionRule::BeforeDespiteSkew => seconds > MAX_SKEW,
            DeletionRule::BeforeOrAtOnce => seconds >= 0,
        };
        is_early.then(|| {
            let [requested_at, ended_at] = [requested_at, ended_at].map(Time::rfc3339);
            format!("its deletion was requested at {requested_at}, and it ended at {ended_at}")
        })
    }

    /// Returns when the deletion was requested: `deletionTimestamp` is the end of the grace period of a pod.
    fn deletion_requested_at(&self) -> Option<Time> {
        let grace = &self.deletion_grace_period_seconds;
        let end = self.deletion_timestamp.value.utc()?;
        if is_invalid(grace) {
            return None;
        }
        let seconds = grace.value.0.unwrap_or(0);
        Time::from_unix(end.to_datetime().timestamp().checked_sub(seconds)?)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn contradiction(meta: Value, end: Option<&str>, rule: DeletionRule) -> Option<String> {
        let meta: ObjectMeta = serde_json::from_value(meta).unwrap();
        let end = end.map(|text| Time::from_rfc3339(text).unwrap());
        meta.contradicting_deletion(end, rule)
    }

    #[test]
    fn a_deletion_that_was_requested_before_the_end_contradicts_a_success() {
        use DeletionRule::{Before, BeforeDespiteSkew, BeforeOrAtOnce};
        let of_pod = json!({
            "deletionTimestamp": "2026-11-28T08:00:40Z", "deletionGracePeriodSeconds": 30,
        });
        let of_job =
            json!({"deletionTimestamp": "2026-11-28T08:00:10Z", "deletionGracePeriodSeconds": 0});
        let without_grace = json!({"deletionTimestamp": "2026-11-28T08:00:10Z"});
        for meta in [of_pod, of_job, without_grace] {
            for (end, before, at_once) in [
                ("2026-11-28T08:00:09Z", false, false),
                ("2026-11-28T08:00:10Z", false, true),
                ("2026-11-28T08:00:10.900Z", false, true),
                ("2026-11-28T08:00:11Z", true, true),
            ] {
                for (rule, expected) in [(Before, before), (BeforeOrAtOnce, at_once)] {
                    let found = contradiction(meta.clone(), Some(end), rule);
                    assert_eq!(found.is_some(), expected, "{meta} {end} {rule:?}");
                }
            }
        }
        let meta = json!({"deletionTimestamp": "2026-11-28T08:00:10Z"});
        for (end, expected) in [
            ("2026-11-28T08:00:12Z", false),
            ("2026-11-28T08:00:13Z", true),
        ] {
            let found = contradiction(meta.clone(), Some(end), BeforeDespiteSkew);
            assert_eq!(found.is_some(), expected, "{end}");
        }
        let found = contradiction(meta, Some("2026-11-28T08:00:11.500Z"), Before);
        let text = "its deletion was requested at 2026-11-28T08:00:10Z, and it ended at 2026-11-28T08:00:11Z";
        assert_eq!(found.as_deref(), Some(text));
        assert_eq!(contradiction(json!({}), None, Before), None);
    }

    #[test]
    fn a_deletion_at_an_unreadable_time_contradicts_a_success() {
        let unreadable = "the time at which its deletion was requested cannot be read";
        let at = "2026-11-28T08:00:10Z";
        for meta in [
            json!({"deletionTimestamp": "soon"}),
            json!({"deletionTimestamp": at, "deletionGracePeriodSeconds": "x"}),
            json!({"deletionTimestamp": at, "deletionGracePeriodSeconds": -1}),
        ] {
            let found = contradiction(
                meta.clone(),
                Some("2026-11-28T08:00:00Z"),
                DeletionRule::Before,
            );
            assert_eq!(found.as_deref(), Some(unreadable), "{meta}");
        }
        let found = contradiction(json!({"deletionTimestamp": at}), None, DeletionRule::Before);
        let unknown = "it is being deleted, and the time of its end is not known";
        assert_eq!(found.as_deref(), Some(unknown));
    }
}
