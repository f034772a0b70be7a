//! Jobs that are custom resources of Volcano, Kubeflow, JobSet and Argo Workflows. Their differences are
//! described as data.

mod cache;
mod choice;
mod kinds;
mod list;
mod many;
mod response;

use futures_util::future::join_all;

use super::not_found::is_not_served;
use super::object::ApiObject;
use super::objects::{self, FoundJob};
use super::parts::{Owner, Parts, ReadParts};
use super::{Api, attach_raw, logs, object_path};
use crate::providers::prelude::*;
pub(super) use cache::Cache;
pub(super) use kinds::{
    ARGO_WORKFLOW, ARGO_WORKFLOWS, JOBSET, JOBSETS, KUBEFLOW_JOB, KUBEFLOW_JOBS, VOLCANO_JOB,
    VOLCANO_JOBS,
};
use response::CustomObject;

/// All kinds of jobs that are custom resources.
pub(super) static JOBS: [&CustomJobs; 4] =
    [&VOLCANO_JOBS, &KUBEFLOW_JOBS, &JOBSETS, &ARGO_WORKFLOWS];

/// A kind of jobs that are custom resources.
pub(super) struct CustomJobs {
    kind: &'static Kind,
    /// The product that has to be installed in the cluster.
    product: &'static str,
    /// The resources that can contain a job.
    resources: &'static [CustomResource],
    /// The field with the state, in addition to conditions or instead of them.
    state_field: StateField,
}

/// The field of `status` with the word for the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum StateField {
    /// `state.phase`, instead of conditions.
    StatePhase,
    /// `phase`, instead of conditions.
    Phase,
    /// `terminalState` once the job has ended; conditions before.
    TerminalState,
    /// No field, only conditions.
    None,
}

impl StateField {
    /// Returns `true` if the state is a phase.
    fn is_phase(self) -> bool {
        matches!(self, Self::StatePhase | Self::Phase)
    }

    /// Returns the name of the field in messages.
    fn name(self) -> &'static str {
        match self {
            Self::TerminalState => "terminal state",
            _ => "phase",
        }
    }
}

/// A custom resource.
struct CustomResource {
    get: Operation,
    objects: objects::Resource,
    /// The label of its pods with the name of the job.
    pods_label: &'static str,
}

/// A job that was found, with its object and the index of its resource.
struct ResourceJob {
    result: GetResult,
    object: Owner,
    number: usize,
    /// True if it no longer exists or has ended, so that its parts are not read.
    has_ended: bool,
}

#[async_trait]
impl KindOps<Api> for CustomJobs {
    /// Reads a job with its pods as tasks, and the events of both. Until it is known which resource contains
    /// the job, all resources are read.
    async fn get(&self, api: &Api, lookup: GetRequest<'_>) -> Result<GetResult, Problem> {
        let GetRequest { reference, options } = lookup;
        if let Some(problem) = api.custom_jobs.take_failure(reference) {
            return Err(problem);
        }
        let job = self.find(api, lookup).await?;
        let mut result = job.result;
        result.notices.extend(api.custom_jobs.take_notices());
        if job.has_ended {
            return Ok(result);
        }
        let label = self.resources[job.number].pods_label;
        let parts = Parts {
            namespace: reference.segment("NAMESPACE").unwrap_or_default(),
            selector: format!("{label}={}", reference.id()),
            owners: None,
            uids: job.object.uid.iter().cloned().collect(),
            more_uids: Vec::new(),
            owner: Some(job.object),
        };
        let read = ReadParts::default();
        parts.add(api, &mut result, read, options).await;
        add_start(&mut result.job);
        Ok(result)
    }

    async fn batch_get(&self, api: &Api, batch: BatchRequest<'_>) -> BatchResult {
        many::batch_get(self, api, batch).await.map(Some)
    }

    async fn list(&self, api: &Api, list: ListRequest<'_>) -> Result<Page, Problem> {
        list::page(self, api, list).await
    }

    async fn read_log(&self, api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
        logs::read(api, request).await
    }
}

impl CustomJobs {
    /// Returns the kind of the jobs.
    pub(super) fn kind(&self) -> &'static Kind {
        self.kind
    }

    /// Returns the group versions of its resources.
    pub(super) fn apis(&self) -> impl Iterator<Item = &'static str> {
        let paths = self
            .resources
            .iter()
            .map(|resource| resource.objects.path.0);
        paths.filter_map(|path| path.strip_prefix("/apis/"))
    }

    /// Reads a job, and stores which resource contains it.
    ///
    /// # Errors
    /// The job was not found, or several resources contain a job with its name.
    async fn find(&self, api: &Api, lookup: GetRequest<'_>) -> Result<ResourceJob, Problem> {
        let reference = lookup.reference;
        let was_found = self.was_found(api, reference);
        let known = self.number(api, reference);
        let numbers = known.map_or(0..self.resources.len(), |number| number..number + 1);
        let requests = numbers.map(|number| self.read(api, number, lookup));
        let (job, notice) = match self.choose(join_all(requests).await, reference) {
            Err(problem) if is_not_served(&problem) => {
                let resources = self.resources.iter();
                let paths: Vec<String> = resources
                    .map(|resource| object_path(resource.objects.path, reference))
                    .collect();
                let mut problem = api.explain_custom(&paths, problem, lookup.options).await;
                if problem.category == Category::NotFound && self.resources.len() > 1 {
                    problem.message = format!("no {}", self.describe(reference));
                }
                return Err(self.not_installed(problem, was_found));
            }
            found => found?,
        };
        api.custom_jobs.set_resource(reference, job.number);
        api.custom_jobs.add_notice(notice);
        Ok(job)
    }

    async fn read(
        &self,
        api: &Api,
        number: usize,
        lookup: GetRequest<'_>,
    ) -> Result<ResourceJob, Problem> {
        let decode = |body: &[u8]| {
            let object = CustomObject::decode(body, lookup.reference)?;
            let owner = object.owner();
            Ok((object.into_result(self, lookup.reference, api), owner))
        };
        let objects = &self.resources[number].objects;
        let outcome = objects::lookup(api, objects, lookup, decode).await?;
        let (result, object, has_ended) = match outcome {
            FoundJob::Fetched(result, owner) => (*result, owner, false),
            FoundJob::FromWatch(result) => (*result, Owner::default(), true),
        };
        Ok(ResourceJob {
            result,
            object,
            number,
            has_ended,
        })
    }

    /// Returns `true` if the job was found before.
    fn was_found(&self, api: &Api, reference: &Reference) -> bool {
        api.custom_jobs.resource(reference).is_some()
    }

    /// Returns the index of the resource that contains a job, if it is known.
    fn number(&self, api: &Api, reference: &Reference) -> Option<usize> {
        match self.resources.len() {
            1 => Some(0),
            _ => api.custom_jobs.resource(reference),
        }
    }

    /// Reports an API that the server does not serve as a product that is not installed. The problem is
    /// permanent, unless the server has returned a job before: then the server could be restarting.
    fn not_installed(&self, mut problem: Problem, was_found: bool) -> Problem {
        if is_not_served(&problem) {
            problem.message = format!("{} is not installed in the cluster", self.product);
            let (path, _) = self.resources[0].objects.path;
            let group = path.split('/').nth(2).unwrap_or_default();
            problem.hint = Some(format!("see: kubectl api-resources --api-group={group}"));
            if !was_found {
                (problem.category, problem.retryable) = (Category::InvalidArgument, false);
            }
        }
        problem
    }
}

/// Decodes an object as a job of its kind.
fn read_object(body: &[u8], api: &Api, lookup: GetRequest<'_>) -> Result<GetResult, String> {
    let GetRequest { reference, options } = lookup;
    let jobs = JOBS.iter().find(|jobs| jobs.kind == reference.kind);
    let jobs = jobs.ok_or("an object of the kind")?;
    let object = CustomObject::decode(body, reference)?;
    let mut result = object.into_result(jobs, reference, api);
    attach_raw(&mut result, body, options);
    Ok(result)
}

/// Sets the start time to that of the first pod, if the resource has none.
fn add_start(job: &mut Job) {
    if job.started_at.is_none() {
        job.started_at = job.tasks.iter().filter_map(|pod| pod.started_at).min();
    }
}

#[cfg(test)]
mod tests;
