//! What is said beside a list: how much it is, what it is not, and how to get the rest.

use super::asking::Listed;
use crate::model::Notice;
use crate::providers::Cut;

/// So many scopes are named before they are only counted.
const MOST_NAMED: usize = 3;

/// The lines for standard error. Where programs read the answer, a list that is whole needs none.
pub(super) fn lines(listed: &[Listed], asked_for: Option<&str>, for_people: bool) -> Vec<String> {
    let words = asked_for.map_or_else(String::new, |words| format!(" ({words})"));
    let found: usize = listed.iter().map(|one| one.found).sum();
    let is_whole = listed.iter().all(Listed::is_complete);
    let with: Vec<&Listed> = listed.iter().filter(|one| one.found > 0).collect();
    let without = |failed: bool| -> Vec<&Listed> {
        let is_it = |one: &&Listed| one.found == 0 && one.failure().is_some() == failed;
        listed.iter().filter(is_it).collect()
    };
    let (empty, unseen) = (without(false), without(true));
    let mut lines = Vec::new();
    if found > 0 && (for_people || !is_whole) {
        lines.push(format!("{found} found in {}{words}", names(&with)));
    } else if found == 0 && !empty.is_empty() {
        lines.push(format!("nothing found in {}{words}", names(&empty)));
    }
    for one in listed {
        let scope = one.place.scope();
        if let Some(cut) = one.cut() {
            let total = one.total.filter(|_| asked_for.is_none());
            lines.push(format!("{scope}: {}", cut_short(cut, total)));
        }
        if one.found > 0 && one.failure().is_some() {
            lines.push(format!(
                "{scope}: cut short after {} by an error",
                one.found
            ));
        }
        if !one.problems.is_empty() {
            let unread = one.problems.len();
            lines.push(format!("{scope}: {unread} could not be looked at"));
        }
    }
    if !unseen.is_empty() && listed.len() > 1 {
        lines.push(format!("could not look in {}", names(&unseen)));
    }
    lines
}

/// Why a list may not be all there is, one notice for each scope of which that is true.
pub(super) fn notices(listed: &[Listed]) -> Vec<Notice> {
    let incomplete = listed.iter().filter_map(|one| {
        let message = format!("{}: {}", one.place.scope(), incomplete(one)?);
        Some(Notice::new("list_incomplete", message))
    });
    incomplete.collect()
}

/// Why the rows are not all there are, for the line that ends a list of references.
pub(super) fn reason(listed: &[Listed], left_out: usize, signal: Option<u8>) -> Option<String> {
    match signal {
        Some(130) => return Some("interrupted".to_owned()),
        Some(_) => return Some("terminated".to_owned()),
        None => {}
    }
    let notices = notices(listed).into_iter();
    let sorted = (left_out > 0).then(|| format!("{left_out} left out by --limit"));
    let reasons: Vec<String> = notices.map(|notice| notice.message).chain(sorted).collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// How many are shown of those that were sorted.
pub(super) fn left_out(shown: usize, left_out: usize) -> String {
    let all = shown + left_out;
    format!("the first {shown} of {all} are shown; --limit none shows all of them")
}

fn incomplete(one: &Listed) -> Option<String> {
    if let Some(problem) = one.failure() {
        return Some(match one.found {
            0 => format!("could not be listed: {}", problem.message),
            found => format!("cut short after {found}: {}", problem.message),
        });
    }
    if let Some(problem) = one.problems.first() {
        let unread = one.problems.len();
        return Some(format!(
            "{unread} could not be looked at: {}",
            problem.message
        ));
    }
    match one.cut() {
        Some(cut) => Some(cut_short(cut, one.total)),
        None => one
            .end
            .is_none()
            .then(|| "stopped before its end".to_owned()),
    }
}

fn cut_short(cut: &Cut, total: Option<u64>) -> String {
    match (cut, total) {
        (Cut::Limit(limit), Some(total)) if total > *limit as u64 => {
            format!("the first {limit} of {total}; --limit none gives all of them")
        }
        (Cut::Limit(limit), _) => {
            format!("cut after {limit}, and there is more; --limit none gives all of it")
        }
        (cut, _) => format!("{cut}, so that there may be more"),
    }
}

/// The scopes by name while they are few.
fn names(listed: &[&Listed]) -> String {
    let names: Vec<String> = listed.iter().map(|one| one.place.scope()).collect();
    match names.len() {
        0..=MOST_NAMED => names.join(", "),
        many => format!("{many} scopes"),
    }
}
