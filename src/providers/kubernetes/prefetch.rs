//! The pods and events of a job, requested by its name while the job itself is read.

use std::pin::pin;

use futures_util::future::{Either, join, select};

use super::events::{self, EventList};
use super::parts::{Owner, Parts, PodList, ReadParts, list_pods};
use super::pod::PodTask;
use super::{Api, GetOptions};
use crate::error::Problem;
use crate::reference::Reference;

/// The labels of pods that have the UID of their job, of which its selector is one.
const UID_LABELS: [&str; 2] = ["batch.kubernetes.io/controller-uid", "controller-uid"];

/// The number of requests for a job and its parts.
pub(super) const REQUESTS: usize = 3;

/// The parts of all objects that have had the name of a job.
pub(super) struct Prefetched {
    pods: PodList,
    events: EventList,
}

/// The selector of the pods of all jobs with this name.
pub(super) fn name_selector(name: &str) -> String {
    format!("job-name={name}")
}

/// Reads a job, and at the same time the parts of the jobs of its name. They are not waited for where there is no
/// such job.
///
/// # Errors
/// Why the job was not read.
pub(super) async fn with_parts<T>(
    api: &Api,
    reference: &Reference,
    options: &GetOptions,
    read: impl Future<Output = Result<T, Problem>>,
    needs_parts: impl Fn(&T) -> bool,
) -> Result<(T, Option<Prefetched>), Problem> {
    let parts = async {
        let namespace = reference.segment("NAMESPACE").unwrap_or_default();
        let name = reference.id();
        let selectors = [
            name_selector(name),
            format!("involvedObject.kind=Job,involvedObject.name={name}"),
        ];
        let pods = list_pods(api, namespace, &selectors[0], options);
        let events = events::list(api, namespace, &selectors[1], options);
        let (pods, events) = join(pods, events).await;
        Prefetched { pods, events }
    };
    match select(pin!(read), pin!(parts)).await {
        Either::Left((read, parts)) => {
            let read = read?;
            let parts = match needs_parts(&read) {
                true => Some(parts.await),
                false => None,
            };
            Ok((read, parts))
        }
        Either::Right((parts, read)) => Ok((read.await?, Some(parts))),
    }
}

impl Prefetched {
    /// What of it a request for the parts of a job would find as well.
    pub fn of(self, parts: &Parts<'_>) -> ReadParts {
        let job = parts.owner.as_ref();
        ReadParts {
            pods: job.and_then(|job| pods_of(self.pods, &parts.selector, job)),
            events: Some(self.events),
        }
    }
}

/// The pods that a selector of a job chooses; `None` where a request with it is necessary: they may be
/// others, or older than what is known of the job.
fn pods_of(pods: PodList, selector: &str, job: &Owner) -> Option<PodList> {
    let Ok(mut read) = pods else {
        return Some(pods);
    };
    let uid = job.uid.as_deref()?;
    let mut labels = UID_LABELS.into_iter();
    let label = labels.find(|label| selector == format!("{label}={uid}"))?;
    let pods = &mut read.data;
    if pods.has_more || !is_as_new(pods.version.as_deref(), job.version.as_deref()) {
        return None;
    }
    let is_labeled = |pod: &PodTask| {
        let value = pod.task.labels.get(label)?.as_deref()?;
        Some(value == uid)
    };
    // Pods that lack the label, or are the job's in spite of it, are left to the server.
    let is_unclear = |pod: &PodTask| match is_labeled(pod) {
        Some(true) => false,
        Some(false) => pod.owner_uid.as_deref() == Some(uid),
        None => true,
    };
    if pods.pods.iter().any(is_unclear) {
        return None;
    }
    pods.pods.retain(|pod| is_labeled(pod) == Some(true));
    Some(Ok(read))
}

/// True where a list is surely not older than an object. Versions are those of one store.
fn is_as_new(list: Option<&str>, object: Option<&str>) -> bool {
    let version = |text: Option<&str>| text?.parse::<u64>().ok();
    version(list)
        .zip(version(object))
        .is_some_and(|(list, object)| list >= object)
}

#[cfg(test)]
mod tests;
