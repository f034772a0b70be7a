//! Reads the events of all parts of a job: its warnings for a gate, including those of deleted pods, or all events.

use std::collections::BTreeSet;

use super::super::pod::PodTask;
use super::super::{Api, events};
use super::{MAX_PODS_WITH_ALL_EVENTS, MAX_PODS_WITH_EVENTS, Parts};
use crate::providers::{EventDetail, GetResult, RequestOptions};
use crate::sync::lock;

/// The pods of a job that were seen during a run.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct SeenPods {
    uids: BTreeSet<String>,
    /// The parts of the names of its pods before the generated part.
    bases: BTreeSet<String>,
    /// True if a pod of the latest list has no UID.
    lacks_uid: bool,
}

impl SeenPods {
    /// Adds the pods of a list, and the name bases of all pods of the same owners.
    fn add(&mut self, parts: &Parts<'_>, pods: &[PodTask]) {
        let uids = pods.iter().filter_map(|pod| pod.uid.clone());
        self.uids.extend(uids);
        self.lacks_uid = pods.iter().any(|pod| pod.uid.is_none());
        let titles = parts.owners.iter().flatten();
        let titles = titles.chain(parts.owner.iter().map(|owner| &owner.title));
        let owners = titles.chain(pods.iter().filter_map(|pod| pod.details.owner.as_ref()));
        let names = pods.iter().filter_map(|pod| pod.task.id.as_deref());
        let bases = owners.filter_map(|owner| base_of_owner(owner));
        let bases = bases.chain(names.filter_map(base).map(str::to_owned));
        self.bases.extend(bases);
    }

    /// Returns the UIDs of the pods if they are few enough to read the events of each, or else none.
    pub(super) fn uids_to_read_individually(&self) -> Vec<String> {
        match self.uids.len() <= MAX_PODS_WITH_ALL_EVENTS {
            true => self.uids.iter().cloned().collect(),
            false => Vec::new(),
        }
    }

    /// Returns `true` if an owner of these pods generates such a name.
    fn has_name(&self, name: &str) -> bool {
        base(name).is_some_and(|base| self.bases.contains(base))
    }
}

/// Maximum length of the base of a generated name.
const MAX_BASE: usize = 58;
/// The length of the generated part of a name, and its possible characters.
const GENERATED: (usize, &[u8]) = (5, b"bcdfghjklmnpqrstvwxz2456789");

/// Returns the part of a name before the generated part; `None` for a name that was not generated.
fn base(name: &str) -> Option<&str> {
    let (length, characters) = GENERATED;
    let (base, end) = name.split_at_checked(name.len().checked_sub(length)?)?;
    let is_generated = end.bytes().all(|byte| characters.contains(&byte));
    let is_base = base.ends_with('-') || base.len() == MAX_BASE;
    (is_generated && is_base).then_some(base)
}

/// Returns the base of the names of the pods of an owner (`Job/train`), if it generates their names.
fn base_of_owner(owner: &str) -> Option<String> {
    let (kind, name) = owner.split_once('/')?;
    let has_generated = ["Job", "ReplicaSet"].contains(&kind) && !name.is_empty();
    let base = has_generated.then(|| format!("{name}-"))?;
    Some(base.chars().take(MAX_BASE).collect())
}

impl Parts<'_> {
    /// Stores the pods of a job, and returns all that were seen so far. Pods of an object without a UID are
    /// not stored.
    pub(super) fn seen_pods(&self, api: &Api, uid: Option<&String>, pods: &[PodTask]) -> SeenPods {
        let mut by_job = lock(&api.seen_pods);
        let mut other = SeenPods::default();
        let seen = match uid {
            Some(uid) => by_job.entry(uid.clone()).or_default(),
            None => &mut other,
        };
        seen.add(self, pods);
        seen.clone()
    }

    /// Adds the events of all objects whose events were not read; for a gate only warnings. Those of pods are read with
    /// one list of the namespace. For a gate, that includes deleted pods, and pods that existed only between two
    /// polls. Those of other objects are read individually if there are few.
    pub(super) async fn add_other_events(
        self,
        api: &Api,
        result: &mut GetResult,
        seen: SeenPods,
        options: &RequestOptions,
    ) {
        let lacks_uid = seen.lacks_uid || self.more_uids.iter().any(Option::is_none);
        if result.job.uid.is_none() || lacks_uid {
            events::note_unread(result, "it or a part of it has no UID");
        }
        let are_all_needed = options.events == EventDetail::All;
        let restriction = match are_all_needed {
            true => None,
            false => Some(events::WARNINGS.to_owned()),
        };
        let restricted = |selector: String| -> String {
            let terms = [Some(selector), restriction.clone()];
            let terms: Vec<_> = terms.into_iter().flatten().collect();
            terms.join(",")
        };
        let is_unread = |uid: &String| !self.uids.contains(uid);
        let others = self.more_uids.iter().flatten().filter(|uid| is_unread(uid));
        let mut others: BTreeSet<String> = others.cloned().collect();
        let mut selector = restriction.clone().unwrap_or_default();
        if others.len() <= MAX_PODS_WITH_EVENTS {
            let selectors = others.iter().map(|uid| events::uid_selector(uid));
            let selectors: Vec<_> = selectors.map(restricted).collect();
            events::add(api, self.namespace, &selectors, result, options).await;
            others.clear();
            selector = restricted("involvedObject.kind=Pod".to_owned());
        }
        let needs_list_of_pods = match are_all_needed {
            true => seen.uids.iter().any(is_unread),
            false => !seen.uids.is_empty() || !seen.bases.is_empty(),
        };
        if others.is_empty() && !needs_list_of_pods {
            return;
        }
        let list = events::list(api, self.namespace, &selector, options).await;
        let pods = result.job.tasks.iter();
        let pods: BTreeSet<_> = pods.filter_map(|pod| pod.id.clone()).collect();
        events::add_list(result, list, options, |(uid, event)| match uid {
            Some(uid) => {
                // Such a pod may be one of an earlier job with the name of this one.
                let has_name = |name: &String| !are_all_needed && seen.has_name(name);
                let is_named = || event.task.as_ref().is_some_and(has_name);
                let is_own = seen.uids.contains(uid) || others.contains(uid) || is_named();
                is_own && is_unread(uid)
            }
            None => {
                let name = event.object.name.as_ref();
                name.is_none_or(|name| pods.contains(name))
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generated_pod_name_is_reduced_to_its_base() {
        assert_eq!(base("train-x7k2p"), Some("train-"));
        assert_eq!(base("train-0-x7k2p"), Some("train-0-"));
        for name in [
            "train-eval",
            "train-0",
            "x7k2p",
            "trainx7k2p",
            "",
            "模型-模型",
        ] {
            assert_eq!(base(name), None, "{name}");
        }
        let long = "a".repeat(63);
        let of_long = base_of_owner(&format!("Job/{long}")).unwrap();
        assert_eq!(base(&format!("{of_long}x7k2p")), Some(of_long.as_str()));
        assert_eq!(base_of_owner("ReplicaSet/web-5").as_deref(), Some("web-5-"));
        assert_eq!(base_of_owner("PyTorchJob/web"), None);
    }
}
