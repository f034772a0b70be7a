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
            return Err(self.none_found(problems, reference));
        };
        problems.retain(|(_, problem)| may_hide_job(problem));
        let is_denied = |(_, problem): &(usize, Problem)| is_denied(problem);
        let (denied, broken): (Vec<_>, Vec<_>) = problems.into_iter().partition(is_denied);
        let unread = self.names(broken.iter().map(|(number, _)| *number));
        if let Some((unread, (_, problem))) = unread.zip(broken.into_iter().next()) {
            let (name, found) = (reference.id(), self.resources[job.number].objects.path.1);
            let message = format!(
                "{name} is in {found}, but {unread} cannot be read and may contain another job with this name: {}",
                problem.message
            );
            return Err(Problem { message, ..problem });
        }
        let denied = denied.into_iter().map(|(number, _)| number);
        let notice = self.denied_notice(denied, reference);
        Ok((job, notice))
    }

    /// Returns the most specific problem of a job that no resource contains. If several resources were requested, it
    /// names them instead of one of them.
    fn none_found(&self, problems: Vec<(usize, Problem)>, reference: &Reference) -> Problem {
        let has_problem = |name: &str, is: fn(&Problem) -> bool| {
            let mut problems = problems.iter();
            problems.any(|(number, one)| self.resources[*number].objects.path.1 == name && is(one))
        };
        let names = |is: fn(&Problem) -> bool| {
            let matching = problems.iter().filter(|(_, problem)| is(problem));
            self.names(matching.map(|(number, _)| *number))
        };
        // Another version of a resource can be served.
        let is_missing = |(number, problem): &&(usize, Problem)| {
            let (_, name) = self.resources[*number].objects.path;
            is_not_served(problem) && !has_problem(name, |problem| !is_not_served(problem))
        };
        let missing = problems.iter().filter(is_missing);
        let missing = self.names(missing.map(|(number, _)| *number));
        let parts = [
            (
                "searched",
                names(|problem| problem.category == Category::NotFound),
            ),
            ("no permission to read", names(is_denied)),
            ("not served:", missing),
        ];
        let parts = parts.into_iter();
        let parts = parts.filter_map(|(label, names)| Some(format!("{label} {}", names?)));
        let searched = parts.collect::<Vec<_>>().join("; ");
        let is_one = problems.len() == 1;
        let problem = most_specific(problems.into_iter().map(|(_, problem)| problem));
        if is_one {
            return problem;
        }
        let job = self.describe(reference);
        let message = match problem.category {
            Category::NotFound => format!("no {job} ({searched})"),
            Category::PermissionDenied => {
                format!("found no {job} ({searched}): {}", problem.message)
            }
            _ => return problem,
        };
        Problem { message, ..problem }
    }

    /// Describes a job by its product, its name and its namespace.
    pub(super) fn describe(&self, reference: &Reference) -> String {
        let namespace = reference.segment("NAMESPACE").unwrap_or_default();
        format!(
            "{} job '{}' in namespace {namespace}",
            self.product,
            reference.id()
        )
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
        Category::PermissionDenied => 2,
        _ if is_not_served(problem) => 0,
        _ => 3,
    };
    let most_specific = problems.reduce(|one, other| match rank(&other) > rank(&one) {
        true => other,
        false => one,
    });
    most_specific.expect("a kind has a resource")
}

/// Returns `true` if the resource with this problem could still contain the job.
pub(super) fn may_hide_job(problem: &Problem) -> bool {
    problem.category != Category::NotFound && !is_not_served(problem)
}

/// Returns `true` if the permission to read a resource is missing.
pub(super) fn is_denied(problem: &Problem) -> bool {
    problem.category == Category::PermissionDenied
}
