//! The summary of a list: its size, the missing rows, and how to get them.

use super::options::ListOptions;
use super::report::{ListStatus, ScopeReport};
use crate::error::{Problem, Stop};
use crate::model::{Notice, NoticeCode, State};
use crate::providers::{COMPARED_FIELDS, Filter, Truncation};

/// Up to this many scopes are named; more are only counted.
const MAX_NAMED: usize = 3;
/// Up to this many scopes with the same message are named in its line; more are only counted.
const MAX_JOINED: usize = 8;

/// Returns the lines for stderr. For output that programs read, a complete list needs none.
pub(super) fn lines(
    listed: &[ScopeReport],
    requested: Option<&str>,
    is_human_readable: bool,
) -> Vec<String> {
    let words = requested.map_or_else(String::new, |words| format!(" ({words})"));
    let count = listed.iter().map(|report| report.count - report.repeated);
    let count: usize = count.sum();
    let is_complete = listed.iter().all(ScopeReport::is_complete);
    let with_rows: Vec<&ScopeReport> = listed.iter().filter(|report| report.count > 0).collect();
    let without = |is_included: fn(&ScopeReport) -> bool| -> Vec<&ScopeReport> {
        let all = listed
            .iter()
            .filter(|report| report.count == 0 && !report.has_parts);
        all.filter(|report| is_included(report)).collect()
    };
    let empty = without(ScopeReport::is_answered);
    let failed: Vec<&ScopeReport> = listed
        .iter()
        .filter(|report| {
            report.count == 0 && report.failure().is_some() && !report.is_optional(listed)
        })
        .collect();
    let mut lines = Vec::new();
    if count > 0 && (is_human_readable || !is_complete) {
        let nothing = match empty.is_empty() {
            true => String::new(),
            false => format!("; nothing in {}", names(&empty)),
        };
        lines.push(format!(
            "{count} found in {}{nothing}{words}",
            names(&with_rows)
        ));
    } else if count == 0 && !empty.is_empty() {
        lines.push(format!("nothing found in {}{words}", names(&empty)));
    }
    lines.extend(group_messages(
        listed.iter().flat_map(|report| messages(report, listed)),
    ));
    if !failed.is_empty() && listed.len() > 1 {
        lines.push(format!("could not list {}", names(&failed)));
    }
    lines
}

/// A message about a scope.
struct Message {
    scope: String,
    text: String,
    /// The same text without details of one scope, for several scopes.
    common: String,
}

/// Returns messages about the missing rows of a scope.
fn messages(report: &ScopeReport, listed: &[ScopeReport]) -> Vec<Message> {
    let mut messages = Vec::new();
    let mut add = |text: String, common: Option<String>| {
        messages.push(Message {
            scope: report.target.title(),
            common: common.unwrap_or_else(|| text.clone()),
            text,
        });
    };
    match &report.status {
        // Printed as an error.
        ListStatus::Truncated(Truncation::MissingIds(_)) => {}
        ListStatus::Truncated(cut) => add(
            truncation_text(cut, report.total),
            Some(truncation_text(&without_total(*cut), None)),
        ),
        ListStatus::ActiveFirst { has_all_active } => add(
            active_first(report.count, report.total, *has_all_active),
            Some(active_first(report.count, None, *has_all_active)),
        ),
        ListStatus::Failed(_) if report.count > 0 => {
            add(
                format!("truncated after {} by an error", report.count),
                None,
            );
        }
        // Otherwise the failure is printed as an error.
        ListStatus::Failed(problem) if report.is_optional(listed) => {
            add(format!("could not be listed: {problem}"), None);
        }
        ListStatus::Unsupported(problem) if report.is_optional(listed) => {
            messages.push(Message {
                scope: report.target.kinds_text(),
                text: format!("skipped: {problem}"),
                common: format!("skipped: {problem}"),
            });
        }
        ListStatus::Pending
        | ListStatus::Complete
        | ListStatus::Failed(_)
        | ListStatus::Unsupported(_) => {}
    }
    let mut add = |text: String| {
        messages.push(Message {
            scope: report.target.title(),
            common: text.clone(),
            text,
        });
    };
    if !report.unread.problems.is_empty() {
        add(format!(
            "{} could not be read",
            report.unread.problems.len()
        ));
    }
    if !report.unread.failed_parts.is_empty() {
        add("a part could not be listed".to_owned());
    }
    messages
}

/// Returns one line per message, or one for all scopes with the same message if there are many.
fn group_messages(messages: impl Iterator<Item = Message>) -> Vec<String> {
    let mut groups: Vec<Vec<Message>> = Vec::new();
    for message in messages {
        let mut known = groups.iter_mut();
        match known.find(|group| group[0].common == message.common) {
            Some(group) => group.push(message),
            None => groups.push(vec![message]),
        }
    }
    let lines = groups.into_iter().flat_map(|group| {
        if group.len() <= MAX_NAMED {
            let lines = group.into_iter();
            let lines = lines.map(|message| format!("{}: {}", message.scope, message.text));
            return lines.collect();
        }
        let scopes = match group.len() {
            many if many > MAX_JOINED => format!("{many} scopes"),
            _ => {
                let scopes: Vec<&str> = group.iter().map(|message| &*message.scope).collect();
                scopes.join(", ")
            }
        };
        vec![format!("{scopes}: {}", group[0].common)]
    });
    lines.collect()
}

/// Returns a notice for each scope whose list may be incomplete, with the reason.
pub(super) fn notices(listed: &[ScopeReport]) -> Vec<Notice> {
    listed.iter().filter_map(notice).collect()
}

fn notice(report: &ScopeReport) -> Option<Notice> {
    let name = match &report.status {
        ListStatus::Unsupported(_) => report.target.kinds_text(),
        _ => report.target.title(),
    };
    let message = format!("{name}: {}", incomplete(report)?);
    Some(Notice::new(NoticeCode::ListIncomplete, message))
}

/// Returns the problem that these profiles (tables in the config file) name no user whose jobs could be listed.
pub(super) fn without_user(tables: &[String]) -> Problem {
    let message = match tables.len() {
        0..=MAX_NAMED => format!("-u me: no job_user in {}", tables.join(", ")),
        many => format!("-u me: {many} profiles have no job_user"),
    };
    Problem::usage(message).with_hint("set job_user in the config file, or name the user: -u NAME")
}

/// The same as a notice, if the jobs of other profiles are listed.
pub(super) fn skipped_users(tables: &[String]) -> Option<Notice> {
    let problem = Some(without_user(tables)).filter(|_| !tables.is_empty())?;
    let hint = problem.hint.as_deref().unwrap_or_default();
    let whose = if tables.len() == 1 { "its" } else { "their" };
    let message = format!("{problem}; {whose} jobs are not listed; {hint}");
    Some(Notice::new(NoticeCode::ScopeSkipped, message))
}

/// Returns a notice for each filter option that could not compare all rows.
pub(super) fn uncompared(listed: &[ScopeReport], filter: &Filter) -> Vec<Notice> {
    let mut notices = Vec::new();
    for (number, (option, lacks)) in COMPARED_FIELDS.into_iter().enumerate() {
        let reports = listed.iter().filter(|report| report.uncompared[number] > 0);
        let reports: Vec<&ScopeReport> = reports.collect();
        if reports.is_empty() {
            continue;
        }
        let count: usize = reports.iter().map(|report| report.uncompared[number]).sum();
        let (option, code) = match option {
            "--since" => (option, NoticeCode::CreatedAtUnknown),
            "--state" if filter.states == State::ACTIVE => ("--active", NoticeCode::UnknownState),
            "--state" => (option, NoticeCode::UnknownState),
            _ => (option, NoticeCode::UnreadableField),
        };
        let message = format!(
            "{}: {option} kept {count} without a {lacks}",
            names(&reports)
        );
        notices.push(Notice::new(code, message));
    }
    notices
}

/// Returns why the rows are not all that was requested, for the last line of a list of
/// references. A limit that the user set does not count if as many rows were found.
pub(super) fn reason(
    listed: &[ScopeReport],
    left_out: usize,
    options: &ListOptions,
    stop: Option<Stop>,
) -> Option<String> {
    match stop {
        Some(Stop::Interrupted | Stop::Quit) => return Some("interrupted".to_owned()),
        Some(Stop::Terminated) => return Some("terminated".to_owned()),
        Some(Stop::EndOfRecording) | None => {}
    }
    let has_limit = options.has_limit();
    let is_excused = |report: &ScopeReport| {
        (has_limit && report.is_limited()) || report.cannot_match(&options.filter)
    };
    let missing = listed.iter().filter(|report| !is_excused(report));
    let notices = missing.filter_map(notice);
    let sorted = (left_out > 0 && !has_limit).then(|| format!("{left_out} left out by --limit"));
    let reasons: Vec<String> = notices.map(|notice| notice.message).chain(sorted).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// Describes how many of the sorted rows are shown.
pub(super) fn left_out(shown: usize, left_out: usize) -> String {
    let all = shown + left_out;
    format!("showing the first {shown} of {all}; use --limit none to show all")
}

fn incomplete(report: &ScopeReport) -> Option<String> {
    let unread = || {
        if let Some(problem) = report.unread.failed_parts.first() {
            return Some(format!("a part could not be listed: {}", problem.message));
        }
        let Some(problem) = report.unread.problems.first() else {
            return report.row_problem().map(|problem| problem.message);
        };
        let count = report.unread.problems.len();
        Some(format!("{count} could not be read: {}", problem.message))
    };
    match (&report.status, report.count) {
        (ListStatus::Failed(problem), 0) => {
            Some(format!("could not be listed: {}", problem.message))
        }
        (ListStatus::Unsupported(problem), 0) => Some(format!("skipped: {}", problem.message)),
        (ListStatus::Failed(problem) | ListStatus::Unsupported(problem), found) => {
            Some(format!("truncated after {found}: {}", problem.message))
        }
        (ListStatus::Pending, _) => Some("stopped early".to_owned()),
        (ListStatus::Truncated(cut), _) => {
            Some(unread().unwrap_or_else(|| truncation_text(cut, report.total)))
        }
        (ListStatus::ActiveFirst { has_all_active }, count) => {
            Some(unread().unwrap_or_else(|| active_first(count, report.total, *has_all_active)))
        }
        (ListStatus::Complete, _) => unread(),
    }
}

fn truncation_text(cut: &Truncation, total: Option<u64>) -> String {
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
        (Truncation::LookupLimit { examined, total }, _) => {
            let examined = match total {
                Some(total) => format!("examined the first {examined} of {total}"),
                None => format!("examined only the first {examined}"),
            };
            format!("{examined}; use --limit none to examine all")
        }
        (cut, _) => format!("{cut}; there may be more"),
    }
}

/// Returns the same reason without the number of rows of one scope.
fn without_total(cut: Truncation) -> Truncation {
    match cut {
        Truncation::LookupLimit { examined, .. } => Truncation::LookupLimit {
            examined,
            total: None,
        },
        cut => cut,
    }
}

/// Describes how many rows are shown if active jobs come first.
fn active_first(shown: usize, total: Option<u64>, has_all_active: bool) -> String {
    let of_total = total.filter(|total| *total > shown as u64);
    let of_total = of_total.map_or_else(String::new, |total| format!(" of {total}"));
    let active = match has_all_active {
        true => ", including all active ones",
        false => "; older active ones may be missing",
    };
    format!("showing {shown}{of_total}{active}; use --limit none to show all")
}

/// Names the scopes if there are few, or counts them.
fn names(listed: &[&ScopeReport]) -> String {
    let names: Vec<String> = listed.iter().map(|report| report.target.title()).collect();
    match names.len() {
        0..=MAX_NAMED => names.join(", "),
        many => format!("{many} scopes"),
    }
}
