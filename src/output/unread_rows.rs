//! Creates rows for references of a gate that were never read.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::error::Problem;
use crate::model::{Job, State};
use crate::output::document::Envelope;

/// Adds a row for each reference of a gate that was never read, so that a table contains all of them: its state is
/// unknown, and its message contains the error.
pub(super) fn with_unread(envelope: &Envelope) -> Cow<'_, Envelope> {
    let known: HashSet<&str> = envelope
        .content
        .jobs
        .iter()
        .map(|job| job.reference.as_str())
        .collect();
    let unread = envelope.errors.iter().filter_map(|problem| {
        let reference = problem.reference.as_deref()?;
        let is_unread = envelope.gate.is_some() && !known.contains(reference);
        is_unread.then(|| unread_row(reference, problem))
    });
    let rows: Vec<Job> = unread.collect();
    if rows.is_empty() {
        return Cow::Borrowed(envelope);
    }
    let mut all = envelope.clone();
    all.content.jobs.extend(rows);
    Cow::Owned(all)
}

fn unread_row(reference: &str, problem: &Problem) -> Job {
    let kind = reference.split('/').nth(1).unwrap_or_default();
    let id = reference.rsplit('/').next().unwrap_or_default();
    Job {
        reference: reference.to_owned(),
        input: problem.input.clone().unwrap_or_default().into(),
        cloud: problem.cloud.clone().unwrap_or_default().into(),
        kind: kind.to_owned().into(),
        id: id.to_owned(),
        state: State::Unknown,
        verdict: Some("pending".to_owned()),
        message: Some(problem.message.clone()),
        ..Job::default()
    }
}

#[cfg(test)]
mod tests {
    use super::super::test_case::tests::{envelope, job, unread};
    use super::*;
    use crate::error::Category;
    use crate::gate::Verdict;

    #[test]
    fn an_unread_reference_has_a_row_only_in_a_gate() {
        let read = job("5", State::Failed, "unmet");
        let errors = vec![
            unread("aliyun/job/c/6", Category::NotFound, "not found"),
            unread(&read.reference, Category::Network, "no route"),
        ];
        let mut envelope = envelope(vec![read], errors, Verdict::Failed, 1);
        let rows = with_unread(&envelope).into_owned().content.jobs;
        let texts: Vec<_> = rows
            .iter()
            .map(|row| (&*row.id, row.message.as_deref()))
            .collect();
        assert_eq!(texts, [("5", None), ("6", Some("not found"))]);
        assert_eq!((&*rows[1].kind, rows[1].state), ("job", State::Unknown));
        envelope.gate = None;
        assert_eq!(with_unread(&envelope).content.jobs.len(), 1);
    }
}
