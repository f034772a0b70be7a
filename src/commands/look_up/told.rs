use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::Notice;

/// Notices of a run, each once.
#[derive(Debug, Clone, Default)]
pub(in crate::commands) struct Collected(Arc<Mutex<Kept>>);

/// Notices in the order in which they came. An answer can hold a hundred thousand words that no
/// table knows, so that what was kept is not searched one by one.
#[derive(Debug, Default)]
struct Kept {
    notices: Vec<Notice>,
    known: HashSet<Notice>,
    shown: usize,
}

impl Collected {
    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a notice, unless it was kept before.
    pub(in crate::commands) fn keep(&self, notice: Notice) {
        let mut kept = self.kept();
        if kept.known.insert(notice.clone()) {
            kept.notices.push(notice);
        }
    }

    /// The notices that came since this was last asked.
    pub(in crate::commands) fn fresh(&self) -> Vec<Notice> {
        let mut kept = self.kept();
        let fresh = kept.notices[kept.shown..].to_vec();
        kept.shown = kept.notices.len();
        fresh
    }

    /// All notices so far.
    pub(in crate::commands) fn all(&self) -> Vec<Notice> {
        self.kept().notices.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_thousand_notices_take_no_time_and_come_once_each() {
        let collected = Collected::default();
        for _ in 0..2 {
            for number in 0..100_000 {
                collected.keep(Notice::new("unknown_state", number.to_string()));
            }
        }
        assert_eq!(collected.all().len(), 100_000);
    }
}
