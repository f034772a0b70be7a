//! The summary of a list: its size, what is missing, and how to get the rest.

use super::options::ListOptions;
use super::report::{ListStatus, ScopeReport};
use crate::error::Problem;
use crate::model::{Notice, NoticeCode};
use crate::providers::{COMPARED_FIELDS, Truncation};

/// This many scopes are named before they are only counted.
const MAX_NAMED: usize = 3;

/// The lines for stderr. Where programs read the answer, a list that is whole needs none.
pub(super) fn lines(
    listed: &[ScopeReport],
    requested: Option<&str>,
    for_people: bool,
) -> Vec<String> {
    let words = requested.map_or_else(String::new, |words| format!(" ({words})"));
    let found: usize = listed.iter().map(|one| one.count).sum();
    let is_whole = listed.iter().all(ScopeReport::is_complete);
    let with: Vec<&ScopeReport> = listed.iter().filter(|one| one.count > 0).collect();
    let without = |is_it: fn(&ScopeReport) -> bool| -> Vec<&ScopeReport> {
        let all = listed.iter().filter(|one| one.count == 0 && !one.has_parts);
        all.filter(|one| is_it(one)).collect()
    };
    let empty = without(ScopeReport::is_answered);
    let unseen: Vec<&ScopeReport> = listed
        .iter()
        .filter(|one| one.count == 0 && one.failure().is_some() && !one.is_optional(listed))
        .collect();
    let mut lines = Vec::new();
    if found > 0 && (for_people || !is_whole) {
        let nothing = match empty.is_empty() {
            true => String::new(),
            false => format!("; nothing in {}", names(&empty)),
        };
        lines.push(format!("{found} found in {}{nothing}{words}", names(&with)));
    } else if found == 0 && !empty.is_empty() {
        lines.push(format!("nothing found in {}{words}", names(&empty)));
    }
    for one in listed {
        let scope = one.target.scope();
        match &one.status {
            // The rows are counted below.
            ListStatus::Truncated(Truncation::MissingIds(_)) => {}
            ListStatus::Truncated(cut) => {
                let total = one.total.filter(|_| requested.is_none());
                lines.push(format!("{scope}: {}", cut_short(cut, total)));
            }
            ListStatus::ActiveFirst { has_all_active } => {
                let total = one.total.filter(|_| requested.is_none());
                let shown = active_first(one.count, total, *has_all_active);
                lines.push(format!("{scope}: {shown}"));
            }
            ListStatus::Failed(_) if one.count > 0 => {
                lines.push(format!(
                    "{scope}: truncated after {} by an error",
                    one.count
                ));
            }
            // Printed as an error where it is a failure of the list.
            ListStatus::Failed(problem) if one.is_optional(listed) => {
                lines.push(format!("{scope}: could not be listed: {problem}"));
            }
            ListStatus::Unsupported(problem) if one.is_optional(listed) => {
                lines.push(format!("{}: skipped: {problem}", one.target.kinds_text()));
            }
            ListStatus::Pending
            | ListStatus::Complete
            | ListStatus::Failed(_)
            | ListStatus::Unsupported(_) => {}
        }
        if !one.unread.problems.is_empty() {
            let unread = one.unread.problems.len();
            lines.push(format!("{scope}: {unread} could not be read"));
        }
        if let Some(problem) = one.row_problem() {
            lines.push(format!("{scope}: {}", problem.message));
        }
        if !one.unread.failed_parts.is_empty() {
            lines.push(format!("{scope}: a part could not be listed"));
        }
    }
    if !unseen.is_empty() && listed.len() > 1 {
        lines.push(format!("could not list {}", names(&unseen)));
    }
    lines
}

/// Why a list may not be all there is, one notice for each scope of which that is true.
pub(super) fn notices(listed: &[ScopeReport]) -> Vec<Notice> {
    listed.iter().filter_map(notice).collect()
}

fn notice(one: &ScopeReport) -> Option<Notice> {
    let what = match &one.status {
        ListStatus::Unsupported(_) => one.target.kinds_text(),
        _ => one.target.scope(),
    };
    let message = format!("{what}: {}", incomplete(one)?);
    Some(Notice::new(NoticeCode::ListIncomplete, message))
}

/// One notice for each profile that names no user whose jobs could be listed.
pub(super) fn without_user(profiles: &[Problem]) -> impl Iterator<Item = Notice> {
    profiles.iter().map(|problem| {
        let hint = problem.hint.as_deref().unwrap_or_default();
        let message = format!("{problem}; its jobs are not listed; {hint}");
        Notice::new(NoticeCode::ScopeSkipped, message)
    })
}

/// What filters could not compare, a notice for each option of each scope of which that is true.
pub(super) fn uncompared(listed: &[ScopeReport]) -> Vec<Notice> {
    let mut notices = Vec::new();
    for one in listed {
        let counts = COMPARED_FIELDS.into_iter().zip(one.uncompared);
        for ((option, field), count) in counts.filter(|(_, count)| *count > 0) {
            let scope = one.target.scope();
            let message = format!("{scope}: {option} kept {count} without a readable {field}");
            let code = match option {
                "--since" => NoticeCode::CreatedAtUnknown,
                _ => NoticeCode::UnreadableField,
            };
            notices.push(Notice::new(code, message));
        }
    }
    notices
}

/// Why the rows are not all that was requested, for the line that ends a list of references. A
/// limit that the user set does not count.
pub(super) fn reason(
    listed: &[ScopeReport],
    left_out: usize,
    options: &ListOptions,
    signal: Option<u8>,
) -> Option<String> {
    match signal {
        Some(130) => return Some("interrupted".to_owned()),
        Some(_) => return Some("terminated".to_owned()),
        None => {}
    }
    let has_limit = options.has_limit();
    let is_excused =
        |one: &ScopeReport| (has_limit && one.is_limited()) || one.cannot_match(&options.filter);
    let missing = listed.iter().filter(|one| !is_excused(one));
    let notices = missing.filter_map(notice);
    let sorted = (left_out > 0 && !has_limit).then(|| format!("{left_out} left out by --limit"));
    let reasons: Vec<String> = notices.map(|notice| notice.message).chain(sorted).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// How many are shown of those that were sorted.
pub(super) fn left_out(shown: usize, left_out: usize) -> String {
    let all = shown + left_out;
    format!("showing the first {shown} of {all}; use --limit none to show all")
}

fn incomplete(one: &ScopeReport) -> Option<String> {
    let unread = || {
        if let Some(problem) = one.unread.failed_parts.first() {
            return Some(format!("a part could not be listed: {}", problem.message));
        }
        let Some(problem) = one.unread.problems.first() else {
            return one.row_problem().map(|problem| problem.message);
        };
        let count = one.unread.problems.len();
        Some(format!("{count} could not be read: {}", problem.message))
    };
    match (&one.status, one.count) {
        (ListStatus::Failed(problem), 0) => {
            Some(format!("could not be listed: {}", problem.message))
        }
        (ListStatus::Unsupported(problem), 0) => Some(format!("skipped: {}", problem.message)),
        (ListStatus::Failed(problem) | ListStatus::Unsupported(problem), found) => {
            Some(format!("truncated after {found}: {}", problem.message))
        }
        (ListStatus::Pending, _) => Some("stopped early".to_owned()),
        (ListStatus::Truncated(cut), _) => {
            Some(unread().unwrap_or_else(|| cut_short(cut, one.total)))
        }
        (ListStatus::ActiveFirst { has_all_active }, count) => {
            Some(unread().unwrap_or_else(|| active_first(count, one.total, *has_all_active)))
        }
        (ListStatus::Complete, _) => unread(),
    }
}

fn cut_short(cut: &Truncation, total: Option<u64>) -> String {
    match (cut, total) {
        (Truncation::Limit(limit), Some(total)) if total > *limit as u64 => {
            format!("showing the first {limit} of {total}; use --limit none to show all")
        }
        (Truncation::Limit(limit), _) => {
            format!(
                "showing {limit} result{}; use --limit none to show all",
                if *limit == 1 { "" } else { "s" }
            )
        }
        (cut, _) => format!("{cut}; there may be more"),
    }
}

/// How many are shown where active jobs come first.
fn active_first(shown: usize, total: Option<u64>, has_all_active: bool) -> String {
    let of = total.filter(|total| *total > shown as u64);
    let of = of.map_or_else(String::new, |total| format!(" of {total}"));
    let active = match has_all_active {
        true => ", including all active ones",
        false => "; older active ones may be missing",
    };
    format!("showing {shown}{of}{active}; use --limit none to show all")
}

/// The scopes by name while they are few.
fn names(listed: &[&ScopeReport]) -> String {
    let names: Vec<String> = listed.iter().map(|one| one.target.scope()).collect();
    match names.len() {
        0..=MAX_NAMED => names.join(", "),
        many => format!("{many} scopes"),
    }
}
