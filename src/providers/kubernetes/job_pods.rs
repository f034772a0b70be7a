//! Reads the pods of the jobs on a page of a list with one request, and derives the states of the jobs from them
//! as a lookup of each would.

use std::collections::{BTreeSet, HashMap};
use std::sync::Mutex;
use std::time::Duration;

use super::parts::{self, Owner, Pods, decode_pods, depends_on_pods};
use super::pod::{self, PodTask};
use super::selector::Selector;
use super::{Api, path};
use crate::providers::get_result::summarize;
use crate::providers::prelude::*;
use crate::sync::lock;

/// Maximum number of jobs that the selector of a list of pods names.
pub(super) const MAX_NAMES: usize = 50;

/// Maximum length of the value of a label: a selector with a longer name of a job is rejected.
const MAX_LABEL: usize = 63;

/// Maximum number of pods that a list reads.
pub(super) const MAX_PODS: &str = "2000";

/// How long a list of jobs waits for the pods of the jobs of a page.
const PODS_TIMEOUT: Duration = Duration::from_secs(5);

/// The field selector that excludes pods that have ended.
const ACTIVE: &str = "status.phase!=Succeeded,status.phase!=Failed";

/// The states that pods can decide.
const DERIVED: [State; 3] = [State::Pending, State::Starting, State::Running];

/// How the pods of a job are recognized among those of other jobs.
pub(super) struct JobPods {
    namespace: String,
    pub selector: Selector,
    pub owner: Owner,
    /// True if all its pods have the label with the name of the job.
    pub has_name_label: bool,
}

impl JobPods {
    /// Describes the pods of a job that a selector matches. `has_name_label` is true if all of them have the
    /// label with the name of the job.
    pub fn new(
        namespace: &str,
        name: &str,
        selector: Selector,
        owner: Owner,
        has_name_label: bool,
    ) -> Self {
        Self {
            namespace: namespace.to_owned(),
            selector,
            owner,
            // No label has a longer value.
            has_name_label: has_name_label && name.len() <= MAX_LABEL,
        }
    }

    /// Describes the pods of a job that have this label with its name.
    pub fn with_name_label(namespace: &str, name: &str, label: &str, owner: Owner) -> Self {
        let selector = Selector::of_label(label, name);
        Self::new(namespace, name, selector, owner, true)
    }

    /// Returns `true` for a pod that a lookup of the job would read.
    fn contains(&self, pod: &PodTask) -> bool {
        let namespace = pod.namespace.as_deref();
        namespace.is_none_or(|namespace| namespace == self.namespace)
            && self.owner.owns(pod)
            && self.selector.matches(&pod.task.labels)
    }
}

/// The pods of many jobs. Pods are found by the UID of their owner, since there can be thousands of jobs.
pub(super) struct PodIndex {
    pods: Vec<Option<PodTask>>,
    by_owner: HashMap<String, Vec<usize>>,
    without_owner: Vec<usize>,
}

impl PodIndex {
    pub fn new(pods: Vec<PodTask>) -> Self {
        let mut by_owner: HashMap<String, Vec<usize>> = HashMap::new();
        let mut without_owner = Vec::new();
        for (number, pod) in pods.iter().enumerate() {
            match &pod.owner_uid {
                Some(owner) => by_owner.entry(owner.clone()).or_default().push(number),
                None => without_owner.push(number),
            }
        }
        Self {
            pods: pods.into_iter().map(Some).collect(),
            by_owner,
            without_owner,
        }
    }

    /// Takes the pods of a job.
    pub fn take(&mut self, job: &JobPods) -> Vec<PodTask> {
        let numbers: Vec<usize> = match job.owner.direct_uid() {
            Some(uid) => {
                let owned = self.by_owner.remove(uid).unwrap_or_default();
                owned.iter().chain(&self.without_owner).copied().collect()
            }
            None => (0..self.pods.len()).collect(),
        };
        let mut taken = Vec::new();
        for number in numbers {
            taken.extend(self.pods[number].take_if(|pod| job.contains(pod)));
        }
        taken
    }
}

/// Returns the selector of the pods of the jobs with these names, and whether it contains the names.
pub(super) fn selector(label: &str, names: &BTreeSet<&str>) -> (String, bool) {
    let names: Vec<&str> = names.iter().copied().collect();
    match (1..=MAX_NAMES).contains(&names.len()) {
        true => (format!("{label} in ({})", names.join(",")), true),
        false => (label.to_owned(), false),
    }
}

/// The jobs of a page whose pods decide their states, by reference.
#[derive(Default)]
pub(super) struct DerivedJobs(Mutex<HashMap<String, JobPods>>);

impl DerivedJobs {
    /// Adds a job if its pods decide its state.
    pub fn add(&self, job: &Job, pods: JobPods) {
        if depends_on_pods(job) {
            lock(&self.0).insert(job.reference.clone(), pods);
        }
    }

    /// Sets the states and reasons of the jobs, as a lookup of each would, with one list of pods for all of
    /// them. `label` is that of their pods with the name of the job; `finish` sets further fields from the pods
    /// of a job. Jobs whose pods cannot be read or selected remain starting, with a notice. If the list has a
    /// filter for states, it is then incomplete. Later pages send no request after a failure.
    pub async fn add_states(
        self,
        api: &Api,
        list: ListRequest<'_>,
        label: &str,
        page: &mut Page,
        finish: impl Fn(&mut Job),
    ) {
        let mut own = std::mem::take(&mut *lock(&self.0));
        let rows = page.rows.iter_mut();
        let jobs = rows.filter_map(|row| {
            let pods = own.remove(&row.job.reference)?;
            Some((&mut row.job, pods))
        });
        let mut jobs: Vec<(&mut Job, JobPods)> = jobs.collect();
        let states = &list.filter.states;
        if jobs.is_empty() || !states.is_empty() && !DERIVED.iter().any(|one| states.contains(one))
        {
            return;
        }
        let path = path("/api/v1", list.scope.segment("NAMESPACE"), pod::RESOURCE);
        let key = format!("{path}?{label}");
        if list.cursor.page == 1 {
            lock(&api.unread_pods).remove(&key);
        } else if lock(&api.unread_pods).contains(&key) {
            return;
        }
        let selection = Selection::of(label, &jobs);
        let problem = match selection.read(api, &path, list.options).await {
            Ok(pods) => {
                let are_all = pods.are_all;
                let undecided = selection.decide(&mut jobs, pods, finish);
                if are_all {
                    undecided.map(|reason| Problem::new(Category::InvalidResponse, reason))
                } else {
                    lock(&api.unread_pods).insert(key);
                    let message =
                        format!("some pods could not be read, or there are more than {MAX_PODS}");
                    Some(Problem::new(Category::InvalidResponse, message))
                }
            }
            Err(problem) => {
                lock(&api.unread_pods).insert(key);
                Some(problem)
            }
        };
        if let Some(problem) = problem {
            report(list, page, problem);
        }
    }
}

/// Reports that the states of starting jobs could not be derived.
fn report(list: ListRequest<'_>, page: &mut Page, problem: Problem) {
    if list.filter.states.is_empty() {
        let (scope, reason) = (list.scope, summarize(&problem));
        let text = format!(
            "cannot read the pods of the jobs in {scope} that are starting, which may be pending or run: {reason}"
        );
        page.notices
            .push(Notice::new(NoticeCode::PartsUnread, text));
    } else {
        let message = format!(
            "cannot filter by the states that pods decide: {}",
            problem.message
        );
        page.failed_parts.push(Problem { message, ..problem });
    }
}

/// How a list selects the pods of the jobs of a page.
struct Selection<'a> {
    label: &'a str,
    /// The selector; `None` if no list contains the pods of the jobs.
    selector: Option<String>,
    /// True if it selects the pods by the label with the name of their job.
    is_by_name: bool,
    /// True if it excludes pods that have ended.
    is_active_only: bool,
}

impl<'a> Selection<'a> {
    /// Selects pods by the names of those jobs whose pods have the label. If none have it, uses the selector of
    /// the jobs, provided that they have the same one.
    fn of(label: &'a str, jobs: &[(&mut Job, JobPods)]) -> Self {
        let named = jobs.iter().filter(|(_, pods)| pods.has_name_label);
        let names: BTreeSet<&str> = named.map(|(job, _)| job.id.as_str()).collect();
        let is_by_name = !names.is_empty();
        let (selector, has_names) = match is_by_name {
            true => {
                let (selector, has_names) = selector(label, &names);
                (Some(selector), has_names)
            }
            false => {
                let own: BTreeSet<String> =
                    jobs.iter().map(|(_, own)| own.selector.text()).collect();
                let is_one = own.len() == 1;
                (own.into_iter().next().filter(|_| is_one), true)
            }
        };
        Self {
            label,
            selector,
            is_by_name,
            is_active_only: !has_names,
        }
    }

    /// Lists the pods. Reads nothing without a selector.
    ///
    /// # Errors
    /// An error of the server or of the connection.
    async fn read(&self, api: &Api, path: &str, options: &RequestOptions) -> Result<Pods, Problem> {
        let Some(selector) = &self.selector else {
            return Ok(Pods {
                are_all: true,
                ..Pods::default()
            });
        };
        let options = RequestOptions {
            details_timeout: options.details_timeout.or(Some(PODS_TIMEOUT)),
            ..options.clone()
        };
        let options = options.for_details();
        let mut query = vec![("labelSelector", selector.as_str()), ("limit", MAX_PODS)];
        if self.is_active_only {
            query.push(("fieldSelector", ACTIVE));
        }
        let response = api.call(pod::LIST.name, path, &query, &options, decode_pods);
        Ok(response.await?.data)
    }

    /// Derives the states of the jobs from the pods. Returns why pods that were not selected could decide
    /// another state of a job, if there is such a job.
    fn decide(
        &self,
        jobs: &mut [(&mut Job, JobPods)],
        read: Pods,
        finish: impl Fn(&mut Job),
    ) -> Option<String> {
        let are_all = read.are_all;
        let mut pods = PodIndex::new(read.pods);
        let mut undecided = None;
        for (job, own) in jobs {
            let selected = pods.take(own);
            let reason = if self.selector.is_none() || self.is_by_name && !own.has_name_label {
                let label = self.label;
                Some(format!(
                    "the pod templates of some jobs have no label {label} with the name of the job"
                ))
            } else if self.is_active_only && selected.is_empty() {
                // All its pods may have ended, or it has none.
                Some(format!(
                    "pods that have ended are not read for more than {MAX_NAMES} jobs"
                ))
            } else {
                None
            };
            parts::add_pods(job, selected, are_all && reason.is_none());
            finish(job);
            job.tasks.clear();
            undecided = undecided.or(reason.filter(|_| job.state == State::Starting));
        }
        undecided
    }
}
