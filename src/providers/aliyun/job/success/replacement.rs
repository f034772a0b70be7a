//! Finds the container groups that failed and were followed by another one.
//!
//! The documentation does not describe the groups of a retried job, so only names and times show which group
//! replaced which.

use std::any::Any;
use std::collections::HashMap;

use super::super::details::GroupDetails;
use super::contradiction::failure_of_deleted;
use crate::model::{State, Task, Time};
use crate::sort::SortExt as _;

/// Minimum length of the random suffix of a name.
const MIN_SUFFIX: usize = 5;

/// The characters of the suffixes that Kubernetes generates.
const SUFFIX_CHARACTERS: &str = "bcdfghjklmnpqrstvwxz2456789";

/// The group that followed a failed one, by its position in the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Successor {
    /// It has the same name, except for a random suffix, so it has replaced the failed group.
    Replacement(usize),
    /// It is not certain that it has replaced the failed group: `rank-1` after `rank-0`, or the end of the failed group
    /// is not known.
    Other(usize),
}

/// Returns the successor of each failed group, which was created after its end. A group is the successor of at most
/// one other group.
pub(super) fn successors(groups: &[Task]) -> Vec<Option<Successor>> {
    let numbered = || groups.iter().enumerate();
    let created = numbered().filter_map(|(at, group)| Some((group.created_at?, at)));
    let mut created: Vec<(Time, usize)> = created.collect();
    created.order_by_key(|(start, _)| *start);
    let ended = numbered().filter_map(|(at, group)| Some((end_of_failed(group)?, at)));
    let mut failed: Vec<(Time, usize)> = ended.collect();
    failed.order_by_key(|(end, _)| *end);

    let mut created_by_role: HashMap<&str, Vec<(Time, usize)>> = HashMap::new();
    for (start, at) in &created {
        if let Some(role) = role(&groups[*at]) {
            created_by_role.entry(role).or_default().push((*start, *at));
        }
    }
    let mut created_by_role: HashMap<&str, _> = created_by_role
        .into_iter()
        .map(|(role, created)| (role, created.into_iter()))
        .collect();
    let mut successors = vec![None; groups.len()];
    let mut is_successor = vec![false; groups.len()];
    for (end, at) in &failed {
        let same = role(&groups[*at]).and_then(|role| created_by_role.get_mut(role));
        let next = same.and_then(|created| created.find(|(start, _)| start > end));
        if let Some((_, next)) = next {
            is_successor[next] = true;
            successors[*at] = Some(Successor::Replacement(next));
        }
    }
    for (at, next) in uncertain_replacements(groups, &is_successor) {
        is_successor[next] = true;
        successors[at] = Some(Successor::Other(next));
    }
    let mut others = created.into_iter().filter(|(_, at)| !is_successor[*at]);
    for (end, at) in failed {
        if successors[at].is_none() {
            let next = others.find(|(start, _)| *start > end);
            successors[at] = next.map(|(_, next)| Successor::Other(next));
        }
    }
    successors
}

/// Returns the failed groups that are being deleted and whose end is not known, each with a group with the same name
/// that was created later, or that succeeded and may have been created later. `is_taken` marks the groups that have
/// already replaced another one.
fn uncertain_replacements(groups: &[Task], is_taken: &[bool]) -> Vec<(usize, usize)> {
    let mut by_role: HashMap<&str, Vec<usize>> = HashMap::new();
    for (at, group) in groups.iter().enumerate() {
        if let Some(role) = role(group) {
            by_role.entry(role).or_default().push(at);
        }
    }
    let mut is_taken = is_taken.to_vec();
    let mut found = Vec::new();
    for (at, group) in groups.iter().enumerate() {
        let has_failed = group.state == State::Stopping && group.exit_code.is_some();
        if !has_failed || end_of_failed(group).is_some() {
            continue;
        }
        let same = role(group).and_then(|role| by_role.get(role));
        let mut same = same.into_iter().flatten().copied();
        let next = same.find(|next| {
            let is_later = match groups[*next].created_at.zip(group.created_at) {
                Some((next, own)) => next > own,
                None => groups[*next].state == State::Succeeded,
            };
            *next != at && !is_taken[*next] && is_later
        });
        if let Some(next) = next {
            is_taken[next] = true;
            found.push((at, next));
        }
    }
    found
}

/// Returns when a failed group ended; `None` for other groups, or if it is not known. A group that is being deleted
/// can have failed.
fn end_of_failed(group: &Task) -> Option<Time> {
    let end = match group.state {
        State::Failed => group.finished_at,
        State::Stopping if group.exit_code.is_some() || failure_of_deleted(group).is_some() => {
            let ends = group.containers.iter().map(|one| one.finished_at);
            failed_at(group).or(ends.flatten().max())
        }
        _ => None,
    };
    // A group with a creation time after its end would be its own successor.
    end.filter(|end| group.created_at.is_none_or(|start| start <= *end))
}

fn failed_at(group: &Task) -> Option<Time> {
    let details = group.details.as_deref()? as &dyn Any;
    details.downcast_ref::<GroupDetails>()?.failed_at
}

/// Returns the name of a group without a random suffix. A number at its end is kept, because the groups of a job can
/// be numbered.
fn role(group: &Task) -> Option<&str> {
    let name = group.name.as_deref().map(str::trim);
    let name = name.filter(|name| !name.is_empty())?;
    let base = name.rsplit_once('-').filter(|(_, suffix)| {
        let is_number = suffix.bytes().all(|byte| byte.is_ascii_digit());
        let mut characters = suffix.chars();
        let is_generated = characters.all(|character| SUFFIX_CHARACTERS.contains(character));
        suffix.len() >= MIN_SUFFIX && is_generated && !is_number
    });
    Some(base.map_or(name, |(base, _)| base))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_random_suffix_is_not_part_of_a_role_and_a_number_is() {
        let role_of = |name: &str| {
            let group = Task {
                name: Some(name.to_owned()),
                ..Task::default()
            };
            role(&group).map(str::to_owned)
        };
        for (name, expected) in [
            ("rank-0", Some("rank-0")),
            (" rank-0 ", Some("rank-0")),
            ("rank-0-7xk2p", Some("rank-0")),
            ("rank-xkzpq", Some("rank")),
            ("rank-24567", Some("rank-24567")),
            ("rank-0-retry1", Some("rank-0-retry1")),
            ("train-7-1", Some("train-7-1")),
            ("job-worker2", Some("job-worker2")),
            ("", None),
        ] {
            assert_eq!(role_of(name).as_deref(), expected, "{name}");
        }
    }
}
