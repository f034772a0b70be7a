//! The messages of an exporter on stderr.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc::UnboundedSender;

use crate::commands::notices::NoticeLog;
use crate::commands::run_loop::NOTICE_CODES;
use crate::model::{Notice, NoticeCode};
use crate::output;
use crate::sync::lock;

/// This many different notices are printed; a run of months may have any number.
const MAX_NOTICES: usize = 1000;

/// True for what is printed: what a list leaves open may also be a wrong state.
pub(super) fn is_printed(notice: &Notice) -> bool {
    let codes = [NoticeCode::FromLists, NoticeCode::ScopeSkipped];
    NOTICE_CODES.contains(&notice.code) || codes.contains(&notice.code)
}

/// Takes the messages of all polls.
#[derive(Clone, Default)]
pub(super) struct MessageLog {
    lines: Option<UnboundedSender<String>>,
    notices: Arc<Mutex<HashSet<Notice>>>,
}

impl MessageLog {
    /// A log whose lines are received elsewhere; the default drops them.
    pub(super) fn new(lines: UnboundedSender<String>) -> Self {
        Self {
            lines: Some(lines),
            ..Self::default()
        }
    }

    /// Writes a line.
    pub(super) fn line(&self, line: String) {
        if let Some(lines) = &self.lines {
            // The receiver is gone when the command ends.
            let _ = lines.send(line);
        }
    }

    /// Writes the notices of a run, each once; without a receiver they stay where they are.
    pub(super) fn notices(&self, notices: &NoticeLog) {
        if self.lines.is_none() {
            return;
        }
        let mut known = lock(&self.notices);
        for notice in notices.take_all() {
            if is_printed(&notice) && known.len() < MAX_NOTICES && known.insert(notice.clone()) {
                self.line(output::notice_line(&notice));
            }
        }
    }
}
