//! Reads the pods of a job or workload as its tasks, and the events of both.

mod reasons;
mod warnings;

use super::events::EventList;
use super::object::{ObjectList, ObjectMeta};
use super::pod::{self, PodObject, PodTask};
use super::{Api, events, path};
use crate::error::Problem;
use crate::model::{Job, NoticeCode, Reason, State, Task, Time};
use crate::providers::api::Decoded;
use crate::providers::lenient;
use crate::providers::{EventDetail, GetResult, RequestOptions};
use crate::sort::SortExt as _;
use reasons::explain_by_events;
pub(super) use warnings::SeenPods;

/// Maximum number of pods of a job that are read.
const MAX_PODS: &str = "500";

/// Maximum number of pods whose events are read individually to explain a state; each costs a request.
const MAX_PODS_WITH_EVENTS: usize = 5;

/// The same maximum if all events are needed. A list of the events of all pods in the namespace can take as many
/// requests.
const MAX_PODS_WITH_ALL_EVENTS: usize = 10;

/// How to find the pods and events of a job or workload.
pub(super) struct Parts<'a> {
    pub namespace: &'a str,
    /// The selector of its pods.
    pub selector: String,
    /// Kinds and names of the objects that own its pods (`ReplicaSet/web-1`); `None` if any owner is
    /// accepted.
    pub owners: Option<Vec<String>>,
    /// The job itself, if earlier jobs with its name can have left pods.
    pub owner: Option<Owner>,
    /// UIDs of the objects whose events belong to the job.
    pub uids: Vec<String>,
    /// UIDs of further objects whose events only a gate for warnings needs; `None` for a UID that cannot be
    /// read.
    pub more_uids: Vec<Option<String>>,
}

/// Parts that were read together with a job.
#[derive(Default)]
pub(super) struct ReadParts {
    /// The pods that its selector matches.
    pub pods: Option<PodList>,
    /// The events of all jobs that have had its name.
    pub events: Option<EventList>,
    /// Options with the deadline of further requests that do not affect the state, if it has already started.
    pub limited: Option<RequestOptions>,
}

/// The result of a list of pods.
pub(super) type PodList = Result<Decoded<Pods>, Problem>;

impl Parts<'_> {
    /// Adds the pods as tasks, derives the state from them where they decide it, and adds the events of all.
    /// Adds notices about parts that cannot be read.
    pub async fn add(
        mut self,
        api: &Api,
        result: &mut GetResult,
        read: ReadParts,
        options: &RequestOptions,
    ) {
        let mut limited = read
            .limited
            .unwrap_or_else(|| options.for_parts(&result.job));
        let pods = match read.pods {
            Some(pods) => pods,
            None if depends_on_pods(&result.job) => {
                let pods = list_pods(api, self.namespace, &self.selector, options).await;
                limited = options.for_parts(&result.job);
                pods
            }
            None => list_pods(api, self.namespace, &self.selector, &limited).await,
        };
        let (pods, options) = (self.pods(result, pods, options), &limited);
        note_contradicted(result, &pods.pods);
        if let Some(events) = read.events {
            let uids = std::mem::take(&mut self.uids);
            events::add_list(result, events, options, |(uid, _)| {
                uid.as_ref().is_none_or(|uid| uids.contains(uid))
            });
        }
        let seen = options
            .events
            .needs_all_warnings()
            .then(|| self.seen_pods(api, result.job.uid.as_ref(), &pods.pods));
        match &seen {
            Some(seen) if options.events == EventDetail::All => {
                self.uids.extend(seen.uids_to_read_individually());
            }
            _ => {
                let unwell = pods.pods.iter().filter(|pod| !needs_no_events(&pod.task));
                let mut uids: Vec<_> = unwell.filter_map(|pod| pod.uid.clone()).collect();
                if !options.events.needs_all_warnings() {
                    note_omitted(result, uids.len());
                }
                uids.truncate(MAX_PODS_WITH_EVENTS);
                self.uids.extend(uids);
            }
        }
        let are_all = pods.are_all;
        add_pods(&mut result.job, pods.pods, are_all);
        let selectors: Vec<_> = self
            .uids
            .iter()
            .map(|uid| events::uid_selector(uid))
            .collect();
        events::add(api, self.namespace, &selectors, result, options).await;
        explain_by_events(&mut result.job);
        if let Some(seen) = seen {
            if !are_all {
                events::note_unread(result, "not all of its pods were read");
            }
            self.add_other_events(api, result, seen, options).await;
        }
    }

    /// Returns the pods that belong to the job, out of those that were read.
    fn pods(&self, result: &mut GetResult, read: PodList, options: &RequestOptions) -> Pods {
        let mut pods = match read {
            Ok(read) => {
                result.notices.extend(read.unreadable);
                read.data
            }
            Err(problem) => {
                let notice = events::unread("pods", &result.job, &events::reason(&problem));
                result.notices.push(notice);
                if options.events.needs_all_warnings() {
                    result.mark_events_unread(&problem);
                }
                result.job.tasks_problem = Some(Box::new(problem));
                return Pods::default();
            }
        };
        if pods.has_more {
            let text = format!("only {MAX_PODS} pods of {} were read", result.job.reference);
            result.note(NoticeCode::PartsUnread, text);
        }
        if let Some(owners) = &self.owners {
            let is_own = |pod: &PodTask| {
                pod.details
                    .owner
                    .as_ref()
                    .is_none_or(|own| owners.contains(own))
            };
            pods.pods.retain(is_own);
        }
        if let Some(owner) = &self.owner {
            pods.pods.retain(|pod| owner.owns(pod));
        }
        pods
    }
}

/// Lists the pods that a selector matches.
///
/// # Errors
/// An error of the server or of the connection.
pub(super) async fn list_pods(
    api: &Api,
    namespace: &str,
    selector: &str,
    options: &RequestOptions,
) -> PodList {
    let query = [("labelSelector", selector), ("limit", MAX_PODS)];
    let path = path("/api/v1", Some(namespace), pod::RESOURCE);
    api.call(pod::LIST.name, &path, &query, options, decode_pods)
        .await
}

/// The label of a pod with the UID of its JobSet.
const JOBSET_UID: &str = "jobset.sigs.k8s.io/jobset-uid";

/// The object of a job, as the owner of its pods.
#[derive(Default)]
pub(super) struct Owner {
    /// Its kind and name, as in the owner references of its pods: `Job/train`.
    title: String,
    pub uid: Option<String>,
    pub version: Option<String>,
    created_at: Option<Time>,
}

impl Owner {
    pub fn new(kind: &str, meta: &ObjectMeta) -> Self {
        let name = meta.name.value.trimmed().unwrap_or_default();
        Self {
            title: format!("{kind}/{name}"),
            uid: meta.uid.0.clone(),
            version: meta.resource_version.0.clone(),
            created_at: meta.creation_timestamp.utc(),
        }
    }

    /// Returns its UID if it owns its pods directly: a pod with the UID of another owner does not belong to it.
    pub fn direct_uid(&self) -> Option<&str> {
        let is_direct = self.title.starts_with("Job/");
        self.uid.as_deref().filter(|_| is_direct)
    }

    /// Returns false for a pod of an earlier object of the same name, and for a pod that another object owns if
    /// this object owns its pods directly. If the pod does not name this object as its owner, its age decides:
    /// it must not be older than the object.
    pub fn owns(&self, pod: &PodTask) -> bool {
        let is_direct = self.title.starts_with("Job/");
        let is_named = pod.details.owner.as_ref() == Some(&self.title);
        let of_owner = pod.owner_uid.as_ref().filter(|_| is_direct || is_named);
        let of_label = pod.task.labels.get(JOBSET_UID).and_then(Option::as_ref);
        let of_label = of_label.filter(|_| self.title.starts_with("JobSet/"));
        match (of_owner.or(of_label), &self.uid) {
            (Some(owner), Some(uid)) => owner == uid,
            _ if is_direct && !is_named && pod.details.owner.is_some() => false,
            _ => {
                let mut times = pod.task.created_at.iter().zip(&self.created_at);
                times.all(|(pod, object)| pod >= object)
            }
        }
    }
}

/// The pods of a list.
#[derive(Default)]
pub(super) struct Pods {
    pub pods: Vec<PodTask>,
    /// True if the list has more pods.
    pub has_more: bool,
    /// False if the list has more pods or some could not be read.
    pub are_all: bool,
    /// The `resourceVersion` of the list.
    pub version: Option<String>,
}

/// Decodes a list of pods.
///
/// # Errors
/// An error if the body is not such a list.
pub(super) fn decode_pods(body: &[u8]) -> Result<Pods, String> {
    let mut list: ObjectList<PodObject> = lenient::decode_response(body)?;
    let mut pods = list.take_rows()?;
    let count = pods.len();
    pods.retain(|pod| pod.name().is_some());
    let has_more = list.metadata.0.r#continue.trimmed().is_some();
    let are_all = pods.len() == count && !has_more;
    let pods = pods.into_iter().map(|pod| pod.into_task(&mut Vec::new()));
    Ok(Pods {
        pods: pods.collect(),
        has_more,
        are_all,
        version: list.metadata.0.resource_version.0,
    })
}

/// Returns `true` for a job whose pods decide its state.
pub(super) fn depends_on_pods(job: &Job) -> bool {
    job.state == State::Starting && job.state_raw.is_none()
}

/// Adds a notice for the first pod whose success is contradicted if the job has succeeded. The controller of the job
/// counts such a pod as succeeded.
fn note_contradicted(result: &mut GetResult, pods: &[PodTask]) {
    let mut contradicted = pods.iter().filter(|pod| pod.is_contradicted);
    if result.job.state != State::Succeeded {
        return;
    }
    if let Some(PodTask { task, .. }) = contradicted.next() {
        let [name, message] = [&task.id, &task.message].map(|text| text.as_deref().unwrap_or("?"));
        let reference = &result.job.reference;
        let text =
            format!("{reference}: the job has succeeded, but pod {name} is unknown: {message}");
        result.note(NoticeCode::FailedParts, text);
    }
}

/// Adds a notice if the events of some of the pods that may need an explanation are not read.
fn note_omitted(result: &mut GetResult, count: usize) {
    if count > MAX_PODS_WITH_EVENTS {
        let reference = &result.job.reference;
        let text = format!(
            "only the events of {MAX_PODS_WITH_EVENTS} of {count} pods were read for {reference}; \
             joblens events reads all"
        );
        result.note(NoticeCode::EventsTruncated, text);
    }
}

/// Returns `true` for a pod in a normal state, whose events explain nothing.
fn needs_no_events(pod: &Task) -> bool {
    let is_ready = || {
        pod.containers
            .iter()
            .all(|one| one.init || one.ready != Some(false))
    };
    pod.state == State::Succeeded
        || (pod.state == State::Running && pod.reason.is_none() && is_ready())
}

/// Adds the pods and derives the state of the job from them where they decide it. If `are_all` is false,
/// there can be other pods. An active job without pods is starting.
pub(super) fn add_pods(job: &mut Job, pods: Vec<PodTask>, are_all: bool) {
    job.tasks = pods.into_iter().map(|pod| pod.task).collect();
    job.tasks.order_by_key(|pod| pod.created_at);
    // A state that the object itself reports is not changed.
    if depends_on_pods(job) {
        let mut pods = job.tasks.iter().filter(|pod| !pod.ended).peekable();
        let runs = |pod: &Task| {
            let has_running = || pod.containers.iter().any(|one| one.state == State::Running);
            pod.state == State::Running && has_running()
        };
        if pods.clone().any(runs) {
            job.state = State::Running;
        } else if pods.peek().is_some() {
            if are_all && pods.all(|pod| pod.node.is_none()) {
                job.state = State::Pending;
            }
        } else if let Some(newest) = job.tasks.last()
            && are_all
            && newest.state != State::Failed
        {
            // Its pods have run, but their end is not counted yet. After a failure, the job waits for a retry.
            job.state = State::Running;
        }
    }
    let has_run = || job.has_started || job.tasks.iter().any(|pod| pod.started_at.is_some());
    if are_all && matches!(job.state, State::Pending | State::Starting) && !has_run() {
        // `startTime` is when the controller first processed the job, not when it ran.
        job.started_at = None;
    }
    let stuck = || {
        job.tasks
            .iter()
            .find(|pod| !pod.ended && pod.reason.is_some())
    };
    match job.state {
        State::Succeeded => {
            let mut pods = job.tasks.iter();
            let succeeded = pods.any(|pod| pod.state == State::Succeeded);
            job.exit_code = succeeded.then_some(0);
        }
        State::Failed | State::Stopping => {
            let failed = job.failed_task();
            let failed = failed.filter(|pod| pod.state == State::Failed);
            let code = failed.and_then(|pod| pod.exit_code);
            let cause = failed.or_else(stuck).and_then(|pod| {
                let why = pod.message.as_deref().or(pod.reason.as_deref())?;
                Some(format!("pod {}: {why}", pod.id.as_deref()?))
            });
            job.exit_code = code;
            let parts = [job.message.take(), cause];
            job.message = joined(parts);
        }
        State::Pending | State::Starting | State::Running if job.reason.is_none() => {
            if let Some((reason, message)) =
                stuck().map(|pod| (pod.reason.clone(), pod.message.clone()))
            {
                (job.reason, job.message) = (reason.map(Reason::from), message);
            }
        }
        _ => {}
    }
}

/// Joins texts with `; `, without the full stop at the end of the earlier ones.
pub(super) fn joined(parts: impl IntoIterator<Item = Option<String>>) -> Option<String> {
    let join = |one: String, other: String| format!("{}; {other}", one.trim_end_matches('.'));
    parts.into_iter().flatten().reduce(join)
}

#[cfg(test)]
mod tests;
