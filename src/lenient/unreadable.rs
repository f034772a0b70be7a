//! The fields of a response that could not be read.

use std::cell::RefCell;

use super::MAX_NAMED;
use crate::model::{Notice, NoticeCode};

thread_local! {
    static FIELDS: RefCell<UnreadableFields> = const {
        RefCell::new(UnreadableFields { named: Vec::new(), count: 0 })
    };
}

/// The fields of one response that could not be read.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct UnreadableFields {
    /// The first of them, each with its path and what was expected.
    pub named: Vec<String>,
    /// How many there are.
    pub count: usize,
}

/// Notes fields of the response that is being decoded on this thread. A response may be decoded more
/// than once, into different types; what is named already is not counted again.
pub(super) fn note(named: Vec<String>, count: usize) {
    if count == 0 {
        return;
    }
    FIELDS.with_borrow_mut(|fields| {
        let more = count.saturating_sub(named.len());
        for field in named {
            if !fields.named.contains(&field) {
                fields.named.push(field);
                fields.count += 1;
            }
        }
        fields.count += more;
    });
}

/// Runs `decode` and gives its result with the fields that [`super::decode_response`] could not read
/// in it.
pub fn collect_unreadable<T>(decode: impl FnOnce() -> T) -> (T, UnreadableFields) {
    FIELDS.take();
    let decoded = decode();
    (decoded, FIELDS.take())
}

impl UnreadableFields {
    /// The notice about the response of `operation`; `None` when all of it could be read.
    pub fn notice(mut self, operation: &str) -> Option<Notice> {
        self.named.truncate(MAX_NAMED as usize);
        let more = match self.count - self.named.len() {
            0 => String::new(),
            more => format!(", and {more} more"),
        };
        let message = format!(
            "unreadable fields in the response of {operation}: {}{more}",
            self.named.join(", ")
        );
        (self.count > 0).then(|| Notice::new(NoticeCode::UnreadableField, message))
    }
}
