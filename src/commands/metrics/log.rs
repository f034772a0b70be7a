//! Collects the messages that an exporter prints on stderr.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use tokio::sync::mpsc::UnboundedSender;

use crate::commands::notices::NoticeLog;
use crate::commands::run_loop::NOTICE_CODES;
use crate::model::{Notice, NoticeCode};
use crate::output;
use crate::sync::lock;

/// Maximum number of different notices to print, since an exporter can run for months.
const MAX_NOTICES: usize = 1000;

/// Returns `true` if a notice is printed. In metrics this includes states that are not confirmed by a lookup.
pub(super) fn is_printed(notice: &Notice) -> bool {
    let codes = [NoticeCode::FromLists, NoticeCode::ScopeSkipped];
    NOTICE_CODES.contains(&notice.code) || codes.contains(&notice.code)
}

/// Receives the messages of all polls.
#[derive(Clone, Default)]
pub(super) struct MessageLog {
    lines: Option<UnboundedSender<String>>,
    notices: Arc<Mutex<HashSet<Notice>>>,
}

impl MessageLog {
    /// Creates a log that sends its lines to a receiver. The default log drops them.
    pub(super) fn new(lines: UnboundedSender<String>) -> Self {
        Self {
            lines: Some(lines),
            ..Self::default()
        }
    }

    /// Writes a line.
    pub(super) fn line(&self, line: String) {
        if let Some(lines) = &self.lines {
            // The receiver is dropped when the command ends.
            let _ = lines.send(line);
        }
    }

    /// Writes each new notice once. Without a receiver, leaves them in `notices`.
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
