//! Determines which of several resources contains a job.

use super::super::not_found::is_not_served;
use super::{CustomJobs, ResourceJob};
use crate::providers::prelude::*;

impl CustomJobs {
    /// Returns the only job that was found. Two versions of a resource contain the same object. A resource
    /// that cannot be read could contain another job with the name: this is an error, or only a notice if the
    /// permission to read it is missing.
    pub(super) fn choose(
        &self,
        outcomes: Vec<Result<ResourceJob, Problem>>,
        reference: &Reference,
    ) -> Result<(ResourceJob, Option<Notice>), Problem> {
        let mut problems = Vec::new();
        let mut jobs: Vec<ResourceJob> = Vec::new();
        for (number, outcome) in outcomes.into_iter().enumerate() {
            match outcome {
                Ok(job)
                    if job.object.uid.is_some()
                        && jobs.iter().any(|other| other.object.uid == job.object.uid) => {}
                Ok(job) => jobs.push(job),
                Err(problem) => problems.push((number, problem)),
            }
        }
        if jobs.len() > 1 {
            let numbers: Vec<usize> = jobs.iter().map(|job| job.number).collect();
            let message = self.ambiguity(reference.id(), &numbers);
            return Err(Problem::new(Category::InvalidArgument, message)
                .with_hint("joblens cannot choose between jobs of the same name"));
        }
        let Some(job) = jobs.pop() else {
            let problems = problems.into_iter().map(|(_, problem)| problem);
            return Err(most_specific(problems));
        };
        problems.retain(|(_, problem)| may_hide_job(problem));
        let is_denied = |(_, problem): &(usize, Problem)| is_denied(problem);
        let (denied, broken): (Vec<_>, Vec<_>) = problems.into_iter().partition(is_denied);
        if let Some((_, problem)) = broken.into_iter().next() {
            return Err(problem);
        }
        let denied = denied.into_iter().map(|(number, _)| number);
        let notice = self.denied_notice(denied, reference);
        Ok((job, notice))
    }

    /// Describes a name that several resources contain.
    pub(super) fn ambiguity(&self, name: &str, numbers: &[usize]) -> String {
        let resources = numbers.iter();
        let resources = resources.map(|number| self.resources[*number].objects.path.1);
        let resources: Vec<&str> = resources.collect();
        format!("{name} is in several resources: {}", resources.join(", "))
    }

    /// Returns the notice about resources that must not be read. It is the same for all jobs of a namespace, so that
    /// each command prints it once.
    pub(super) fn denied_notice(
        &self,
        numbers: impl Iterator<Item = usize>,
        reference: &Reference,
    ) -> Option<Notice> {
        let names = self.names(numbers)?;
        let namespace = reference.segment("NAMESPACE").unwrap_or_default();
        let text = format!(
            "no permission to read {names} in namespace {namespace}, which may contain jobs with the same names"
        );
        Some(Notice::new(NoticeCode::PartsUnread, text))
    }

    /// Returns the names of resources, without those of other versions; `None` if there are none.
    pub(super) fn names(&self, numbers: impl Iterator<Item = usize>) -> Option<String> {
        let mut names: Vec<&str> = Vec::new();
        for number in numbers {
            let (_, name) = self.resources[number].objects.path;
            if !names.contains(&name) {
                names.push(name);
            }
        }
        (!names.is_empty()).then(|| names.join(", "))
    }
}

/// Returns the most specific problem of a job that was not found.
fn most_specific(problems: impl Iterator<Item = Problem>) -> Problem {
    let rank = |problem: &Problem| match problem.category {
        Category::NotFound => 1,
        _ if is_not_served(problem) => 0,
        _ => 2,
    };
    let most_specific = problems.reduce(|one, other| match rank(&other) > rank(&one) {
        true => other,
        false => one,
    });
    most_specific.expect("a kind has a resource")
}

/// Returns true if the resource with this problem could still contain the job.
pub(super) fn may_hide_job(problem: &Problem) -> bool {
    problem.category != Category::NotFound && !is_not_served(problem)
}

/// Returns true if the permission to read a resource is missing.
pub(super) fn is_denied(problem: &Problem) -> bool {
    problem.category == Category::PermissionDenied
}
