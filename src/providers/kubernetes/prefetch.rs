//! Requests the pods and events of a job by its name while the job itself is read.

use std::pin::pin;

use futures_util::future::{Either, join, maybe_done, select};
use tokio::time::{sleep, timeout};

use super::events::{self, EventList};
use super::parts::{Owner, Parts, PodList, ReadParts, depends_on_pods, list_pods};
use super::pod::PodTask;
use super::watch::JOB_LABEL;
use super::{Api, RequestOptions};
use crate::error::Problem;
use crate::model::Job;
use crate::reference::Reference;

/// Labels of pods with the UID of their job. The selector of a job is one of them.
const UID_LABELS: [&str; 2] = ["batch.kubernetes.io/controller-uid", "controller-uid"];

/// The number of requests for a job and its parts.
pub(super) const REQUESTS: usize = 3;

/// The parts of all jobs that have had the name of a job.
pub(super) struct Prefetched {
    pods: PodList,
    /// The selector with which the pods were listed.
    selector: String,
    events: EventList,
    /// Options with the deadline of further requests that do not affect the state.
    limited: RequestOptions,
}

/// Returns the selector of the pods of all jobs with this name.
fn name_selector(name: &str) -> String {
    format!("{JOB_LABEL}={name}")
}

/// Reads a job and, at the same time, the parts of all jobs with its name. Does not wait for the parts if
/// `job_of` returns `None`, and waits only a short time if they do not decide the state of the job.
///
/// # Errors
/// The job could not be read.
pub(super) async fn with_parts<T>(
    api: &Api,
    reference: &Reference,
    options: &RequestOptions,
    read: impl Future<Output = Result<T, Problem>>,
    job_of: impl Fn(&T) -> Option<&Job>,
) -> Result<(T, Option<Prefetched>), Problem> {
    let namespace = reference.segment("NAMESPACE").unwrap_or_default();
    let name = reference.id();
    let prefetch = RequestOptions {
        is_prefetch: true,
        ..options.clone()
    };
    let selectors = [
        name_selector(name),
        format!("involvedObject.kind=Job,involvedObject.name={name}"),
    ];
    let mut pods = pin!(maybe_done(list_pods(
        api,
        namespace,
        &selectors[0],
        &prefetch
    )));
    let mut events = pin!(maybe_done(events::list(
        api,
        namespace,
        &selectors[1],
        &prefetch
    )));
    let mut read = pin!(read);
    let parts = join(pods.as_mut(), events.as_mut());
    let first = match select(read.as_mut(), pin!(parts)).await {
        Either::Left((read, _)) => Some(read),
        Either::Right(_) => None,
    };
    let read = match first {
        Some(read) => read?,
        None => read.await?,
    };
    let Some(job) = job_of(&read) else {
        return Ok((read, None));
    };
    let mut limited = options.for_parts(job);
    let limit = limited.deadline.remaining();
    if limited.deadline >= options.deadline {
        join(pods.as_mut(), events.as_mut()).await;
    } else if depends_on_pods(job) {
        let pods_and_limit = async {
            pods.as_mut().await;
            sleep(limit).await;
        };
        select(pin!(pods_and_limit), events.as_mut()).await;
        pods.as_mut().await;
        limited = options.for_parts(job);
    } else {
        // Parts that have not arrived by then are reported as missing.
        let _ = timeout(limit, join(pods.as_mut(), events.as_mut())).await;
    }
    let deadline = limited.deadline;
    let missing = || deadline.exceeded("timed out before the response");
    let parts = Prefetched {
        pods: pods.take_output().unwrap_or_else(|| Err(missing())),
        events: events.take_output().unwrap_or_else(|| Err(missing())),
        selector: selectors[0].clone(),
        limited,
    };
    Ok((read, Some(parts)))
}

impl Prefetched {
    /// Returns the parts that a request for the parts of the job would also return.
    pub fn for_job(self, parts: &Parts<'_>) -> ReadParts {
        let job = parts.owner.as_ref();
        ReadParts {
            pods: job
                .and_then(|job| matching_pods(self.pods, &self.selector, &parts.selector, job)),
            events: Some(self.events),
            limited: Some(self.limited),
        }
    }
}

/// Returns the pods that `selector` matches, out of those that `read_by` matched. Returns `None` if they have
/// to be requested again, because the result could differ or is older than the known version of the job.
fn matching_pods(
    pods: PodList,
    read_selector: &str,
    selector: &str,
    job: &Owner,
) -> Option<PodList> {
    let Ok(mut read) = pods else {
        return Some(pods);
    };
    let is_new = is_not_older(read.data.version.as_deref(), job.version.as_deref());
    if selector == read_selector && is_new {
        return Some(Ok(read));
    }
    let uid = job.uid.as_deref()?;
    let mut labels = UID_LABELS.into_iter();
    let label = labels.find(|label| selector == format!("{label}={uid}"))?;
    let pods = &mut read.data;
    if pods.has_more || !is_new {
        return None;
    }
    let is_labeled = |pod: &PodTask| {
        let value = pod.task.labels.get(label)?.as_deref()?;
        Some(value == uid)
    };
    // If a pod lacks the label, or belongs to the job although its label differs, the server has to decide.
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

/// Returns `true` if a list is certainly not older than an object. Both versions are from the same store.
fn is_not_older(list: Option<&str>, object: Option<&str>) -> bool {
    let version = |text: Option<&str>| text?.parse::<u64>().ok();
    version(list)
        .zip(version(object))
        .is_some_and(|(list, object)| list >= object)
}

#[cfg(test)]
mod tests;
