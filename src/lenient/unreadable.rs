//! Collects the fields of a response that could not be read.

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
    /// The first fields, each with its path and what was expected.
    pub named: Vec<String>,
    /// Number of fields.
    pub count: usize,
}

/// Records fields of the response that is decoded on this thread. A response can be decoded several times, into
/// different types; fields that were already recorded are not counted again.
pub(super) fn record_fields(named: Vec<String>, count: usize) {
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

/// Runs `decode` and returns its result with the fields that [`super::decode_response`] could not read.
pub fn collect_unreadable<T>(decode: impl FnOnce() -> T) -> (T, UnreadableFields) {
    FIELDS.take();
    let decoded = decode();
    (decoded, FIELDS.take())
}

impl UnreadableFields {
    /// Returns the notice about the response of `operation`; `None` if all fields could be read.
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
        let fields = self.named.iter().map(|field| path_of(field));
        let fields = fields.chain(unnamed.map(str::to_owned)).collect();
        (self.count > 0).then(|| Notice {
            fields,
            ..Notice::new(NoticeCode::UnreadableField, message)
        })
    }
}

/// Returns the path of `items[0].code (expected a number)` without indices: `items.code`.
fn path_of(field: &str) -> String {
    let path = field.split(" (").next().unwrap_or_default();
    let keys = path.split('.').map(|key| key.split('[').next());
    Vec::from_iter(keys.flatten()).join(".")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_notice_has_the_paths_of_its_fields() {
        let named = [
            "a.items[0].code (expected a number)",
            "codes[1] (expected text)",
        ];
        let fields = UnreadableFields {
            named: named.map(str::to_owned).to_vec(),
            count: 3,
        };
        let notice = fields.notice("GetJob").unwrap();
        assert_eq!(notice.fields, ["a.items.code", "codes", "*"]);
    }
}
