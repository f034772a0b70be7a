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
        let unnamed = (self.count > self.named.len()).then_some("*");
        let fields = self.named.iter().map(|field| last_key(field));
        let fields = fields.chain(unnamed).map(str::to_owned).collect();
        (self.count > 0).then(|| Notice {
            fields,
            ..Notice::new(NoticeCode::UnreadableField, message)
        })
    }
}

/// The last key of the path in `items[0].code (expected a number)`.
fn last_key(field: &str) -> &str {
    let path = field.split(" (").next().unwrap_or_default();
    let key = path.rsplit('.').next().unwrap_or_default();
    key.split('[').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_has_the_names_of_its_fields() {
        let named = [
            "a.items[0].code (expected a number)",
            "codes[1] (expected text)",
        ];
        let fields = UnreadableFields {
            named: named.map(str::to_owned).to_vec(),
            count: 3,
        };
        let notice = fields.notice("GetJob").unwrap();
        assert_eq!(notice.fields, ["code", "codes", "*"]);
    }
}
