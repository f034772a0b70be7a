//! The last lines that the first request of a log contains.

use super::SourceLog;
use crate::providers::LogPosition;

/// How many lines before the requested last ones are read if a log whose lines have times is followed. A later response
/// begins with all lines of the last second, so those before the printed ones must be known.
const CONTEXT_LINES: u64 = 100;

/// Maximum number of lines that are requested because of [`CONTEXT_LINES`]; more can exceed the limit of an API.
const MAX_LINES_WITH_CONTEXT: u64 = 2000;

impl SourceLog {
    /// Returns how many of the last lines the first response contains.
    pub(super) fn requested_tail(&self) -> Option<u64> {
        let lines = self.params.tail_lines.filter(|_| !self.is_opened)?;
        let context = match self.params.timestamps && self.params.follow {
            true => CONTEXT_LINES,
            false => 0,
        };
        let with_context = lines.saturating_add(context).min(MAX_LINES_WITH_CONTEXT);
        // No API accepts 0 lines. The text of the first reading is then not printed.
        Some(lines.max(with_context).max(1))
    }

    /// Returns `true` if the first response contains all of the requested last lines: more lines than these, because
    /// its first line can be incomplete.
    pub(super) fn has_requested_lines(&self, data: &[u8]) -> bool {
        let is_first = !self.is_opened && self.position == LogPosition::Start;
        let lines = self.params.tail_lines.filter(|_| is_first);
        let count = data.split_inclusive(|byte| *byte == b'\n').count() as u64;
        lines.is_some_and(|lines| count > lines)
    }
}
