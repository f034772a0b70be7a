use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex};

use crate::crypto;
use crate::model::{Notice, NoticeCode};
use crate::output;
use crate::sync::lock;

/// The notices of a run, without duplicates.
#[derive(Debug, Clone, Default)]
pub(in crate::commands) struct NoticeLog(Arc<Mutex<NoticeLogInner>>);

/// The notices in order of arrival, and a set of the known ones: a response can contain a hundred thousand
/// unrecognized states, which a linear search would make slow.
#[derive(Debug, Default)]
struct NoticeLogInner {
    notices: Vec<Notice>,
    /// Digests of all notices: a command can run for weeks.
    known_notices: HashSet<[u8; 16]>,
    shown_count: usize,
}

/// The maximum number of notices to keep after they were shown.
const MAX_SHOWN: usize = 100_000;

impl NoticeLog {
    /// Adds a notice, unless it is known.
    pub(in crate::commands) fn push(&self, notice: Notice) {
        self.is_new(notice);
    }

    /// Adds the notices that are not known.
    pub(in crate::commands) fn extend(&self, notices: Vec<Notice>) {
        notices.into_iter().for_each(|notice| self.push(notice));
    }

    /// Adds a notice of an account. Prints it to stderr at once, even with `-q`, if it is about a server that
    /// is not verified or a credential that a proxy can read.
    pub(in crate::commands) fn push_and_print(&self, notice: Notice) {
        let is_urgent = matches!(
            notice.code,
            NoticeCode::InsecureSkipVerify | NoticeCode::PlaintextProxy
        );
        if self.is_new(notice.clone()) && is_urgent {
            // A closed stderr does not stop the command.
            let _ = output::write_notice(&mut io::stderr().lock(), &notice);
        }
    }

    fn is_new(&self, notice: Notice) -> bool {
        let mut kept = lock(&self.0);
        let is_new = kept.known_notices.insert(digest(&notice));
        if is_new {
            kept.notices.push(notice);
        }
        is_new
    }

    /// Returns `true` if there are notices that [`Self::take_new`] has not returned yet.
    pub(in crate::commands) fn has_new(&self) -> bool {
        let kept = lock(&self.0);
        kept.shown_count < kept.notices.len()
    }

    /// Returns the notices since the last call. Of all notices that were returned, only the newest are kept.
    pub(in crate::commands) fn take_new(&self) -> Vec<Notice> {
        let mut kept = lock(&self.0);
        let new = kept.notices[kept.shown_count..].to_vec();
        let excess = kept.notices.len().saturating_sub(MAX_SHOWN);
        kept.notices.drain(..excess);
        kept.shown_count = kept.notices.len();
        new
    }

    /// Removes and returns all notices, so that a command without an end does not accumulate them.
    pub(in crate::commands) fn take_all(&self) -> Vec<Notice> {
        std::mem::take(&mut *lock(&self.0)).notices
    }

    /// Returns all notices so far that are kept.
    pub(in crate::commands) fn all(&self) -> Vec<Notice> {
        lock(&self.0).notices.clone()
    }
}

/// Returns the digest of a notice.
fn digest(notice: &Notice) -> [u8; 16] {
    let Notice {
        code,
        message,
        fields,
    } = notice;
    crypto::digest_128(format!("{code:?} {message:?} {fields:?}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_thousand_notices_are_deduplicated_quickly() {
        let collected = NoticeLog::default();
        for _ in 0..2 {
            for number in 0..100_000 {
                collected.push(Notice::new(NoticeCode::UnknownState, number.to_string()));
            }
        }
        assert_eq!(collected.all().len(), 100_000);
    }

    #[test]
    fn old_notices_that_were_shown_are_dropped_and_not_shown_again() {
        let collected = NoticeLog::default();
        let notice = |number: usize| Notice::new(NoticeCode::UnknownState, number.to_string());
        let all = MAX_SHOWN + 10;
        collected.extend((0..all).map(notice).collect());
        assert_eq!(collected.all().len(), all);
        assert_eq!(collected.take_new().len(), all);
        assert_eq!(collected.all().len(), MAX_SHOWN);
        collected.extend(vec![notice(0), notice(all)]);
        assert_eq!(collected.take_new(), [notice(all)]);
        assert_eq!(collected.all().last(), Some(&notice(all)));
    }
}
