//! What is known about jobs that are custom resources, between requests.

use std::collections::HashMap;
use std::sync::Mutex;

use crate::crypto::digest_128;
use crate::error::Problem;
use crate::model::{Job, Notice};
use crate::reference::{Reference, Scope};
use crate::sync::lock;

/// What is known about the jobs of a cluster that are custom resources.
#[derive(Default)]
pub(in super::super) struct Cache {
    /// Indexes (into `CustomJobs::resources`) of the resources that contain jobs, by reference.
    resources: Mutex<HashMap<String, usize>>,
    /// Problems of jobs that a batch lookup looked up individually, by reference. The lookup that follows
    /// returns them instead of sending the request again.
    failed_lookups: Mutex<HashMap<String, Problem>>,
    /// Notices about resources that must not be read, for the next result.
    notices: Mutex<Vec<Notice>>,
    /// The jobs of the lists that are being read, by scope.
    listed: Mutex<HashMap<String, ListedJobs>>,
}

/// The resource and the UID of each job of a list, by reference. References and UIDs are digests of a short fixed
/// length, so that a list of a hundred thousand rows needs little memory.
type ListedJobs = HashMap<[u8; 16], (usize, Option<[u8; 16]>)>;

impl Cache {
    /// Drops the problem of a job that was looked up individually.
    pub fn forget(&self, reference: &Reference) {
        self.take_failure(reference);
    }

    /// Returns and drops the problem of a job that was looked up individually.
    pub(super) fn take_failure(&self, reference: &Reference) -> Option<Problem> {
        lock(&self.failed_lookups).remove(&reference.to_string())
    }

    /// Stores the problem of a job that was looked up individually.
    pub(super) fn set_failure(&self, reference: &Reference, problem: Problem) {
        lock(&self.failed_lookups).insert(reference.to_string(), problem);
    }

    /// Returns the index of the resource that contains a job, if it is known.
    pub(super) fn resource(&self, reference: &Reference) -> Option<usize> {
        lock(&self.resources).get(&reference.to_string()).copied()
    }

    /// Stores the index of the resource that contains a job.
    pub(super) fn set_resource(&self, reference: &Reference, number: usize) {
        lock(&self.resources).insert(reference.to_string(), number);
    }

    /// Adds a notice to the next result.
    pub(super) fn add_notice(&self, notice: Option<Notice>) {
        lock(&self.notices).extend(notice);
    }

    /// Returns and drops the notices for the next result.
    pub(super) fn take_notices(&self) -> Vec<Notice> {
        std::mem::take(&mut *lock(&self.notices))
    }

    /// Begins a list of a scope.
    pub(super) fn begin_list(&self, scope: &Scope) {
        lock(&self.listed).insert(scope.to_string(), ListedJobs::new());
    }

    /// Drops the jobs of a list.
    pub(super) fn end_list(&self, scope: &Scope) {
        lock(&self.listed).remove(&scope.to_string());
    }

    /// Stores rows of the list of the resource `number`. Returns for each the index of an earlier resource of the list
    /// that contains another object with the same name. Two versions of a resource contain the same object.
    pub(super) fn other_resources<'a>(
        &self,
        scope: &Scope,
        number: usize,
        rows: impl Iterator<Item = &'a Job>,
    ) -> Vec<Option<usize>> {
        let mut listed = lock(&self.listed);
        let jobs = listed.entry(scope.to_string()).or_default();
        let others = rows.map(|job| {
            let uid = job.uid.as_deref().map(|uid| digest_128(uid.as_bytes()));
            let reference = digest_128(job.reference.as_bytes());
            let (other, other_uid) = *jobs.entry(reference).or_insert((number, uid));
            (other != number && (uid.is_none() || uid != other_uid)).then_some(other)
        });
        others.collect()
    }
}
