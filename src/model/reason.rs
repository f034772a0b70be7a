//! Defines the reason of a job's state.

use std::borrow::Cow;
use std::ops::Deref;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

/// Reason of a job's state. It is printed as a text; code that decides compares the variant, since a cloud can send
/// the same text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A word or code of the cloud, or one that a kind derives from other fields.
    Word(String),
    /// Subtasks or other parts could not all be read, or they contradict the state. If the cloud reports success,
    /// the job's state is unknown, although `state_raw` is known; if it is active, a subtask may have failed without
    /// being seen.
    SubtasksUnread,
}

impl Reason {
    /// The text of [`Self::SubtasksUnread`].
    pub const SUBTASKS_UNREAD: &'static str = "subtasks_unread";

    /// Returns the text that is printed.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Word(word) => word,
            Self::SubtasksUnread => Self::SUBTASKS_UNREAD,
        }
    }
}

impl Deref for Reason {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<String> for Reason {
    fn from(word: String) -> Self {
        Self::Word(word)
    }
}

impl From<&str> for Reason {
    fn from(word: &str) -> Self {
        Self::Word(word.to_owned())
    }
}

impl From<Reason> for String {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Word(word) => word,
            Reason::SubtasksUnread => Reason::SUBTASKS_UNREAD.to_owned(),
        }
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}

impl JsonSchema for Reason {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Reason".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_of_the_cloud_is_never_the_reason_of_unread_subtasks() {
        let word = Reason::from(Reason::SUBTASKS_UNREAD);
        assert_eq!(*word, *Reason::SubtasksUnread);
        assert_ne!(word, Reason::SubtasksUnread);
        let json = serde_json::to_string(&[word, Reason::SubtasksUnread]).unwrap();
        assert_eq!(json, r#"["subtasks_unread","subtasks_unread"]"#);
    }
}
