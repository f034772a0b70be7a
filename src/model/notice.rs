use std::fmt;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// A message for the user that is not an error.
#[derive(Debug, Clone, PartialEq, Eq, Hash, JsonSchema, Serialize)]
pub struct Notice {
    /// Stable code: `unknown_state`, `assumed_utc_offset`, `clock_corrected`, …
    #[schemars(with = "&'static str", extend("examples" = NoticeCode::words()))]
    pub code: NoticeCode,
    /// Message for the user.
    pub message: String,
    /// Paths of the affected fields without indices, such as `Tasks.Status`; `*` for fields that are not named.
    #[serde(skip)]
    pub fields: Vec<String>,
}

impl Notice {
    /// Creates a notice.
    pub fn new(code: NoticeCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            fields: Vec::new(),
        }
    }
}

macro_rules! notice_codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// The subject of a notice. Programs must accept codes that are added later.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum NoticeCode {
            $($(#[$doc])* $name,)*
        }

        impl NoticeCode {
            /// All codes in alphabetical order.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Returns the code in JSON.
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

notice_codes! {
    /// A cloud writes times without a zone, and no `utc_offset` is set.
    AssumedUtcOffset = "assumed_utc_offset",
    /// The local clock differs from the cloud's.
    ClockCorrected = "clock_corrected",
    /// A list shows the same job in different states.
    ConflictingRows = "conflicting_rows",
    /// A cloud's count differs from the number of rows it sent.
    CountMismatch = "count_mismatch",
    /// A filter by time kept a resource whose creation time is unknown.
    CreatedAtUnknown = "created_at_unknown",
    /// The expiry of a credential cannot be read.
    CredentialEndUnread = "credential_end_unread",
    /// A credential expires before the timeout of a gate, or has expired by the local clock.
    CredentialEnds = "credential_ends",
    /// A tool's file has several profiles of the same name.
    DuplicateProfile = "duplicate_profile",
    /// The cloud keeps more events than it returned, or than were read to explain the state of a job.
    EventsTruncated = "events_truncated",
    /// Some exit codes cannot be read.
    ExitCodesUnread = "exit_codes_unread",
    /// Parts of a job failed or may have failed, although the job succeeded.
    FailedParts = "failed_parts",
    /// Jobs were read from lists, which have fewer fields than a lookup of each.
    FromLists = "from_lists",
    /// A profile does not verify the certificate of its server.
    InsecureSkipVerify = "insecure_skip_verify",
    /// A list stopped early.
    ListIncomplete = "list_incomplete",
    /// A list without a start shows recent jobs only.
    ListWindow = "list_window",
    /// The log of a job that failed cannot be read.
    LogUnread = "log_unread",
    /// The API of a kind has no events, so a timeline contains only times of the job itself.
    NoEvents = "no_events",
    /// A cloud has not answered for a while.
    Outage = "outage",
    /// A tool's file sets hosts that are not used.
    OverridesNotUsed = "overrides_not_used",
    /// Parts or events of a job could not be read, since a further operation failed.
    PartsUnread = "parts_unread",
    /// Credentials go to a proxy without encryption.
    PlaintextProxy = "plaintext_proxy",
    /// The cloud's response is too large or too deeply nested to be included.
    RawOmitted = "raw_omitted",
    /// A file with a secret is readable by other users.
    ReadableByOthers = "readable_by_others",
    /// A cloud answers again.
    Recovered = "recovered",
    /// An API is used that its cloud has retired.
    RetiredApi = "retired_api",
    /// Scopes in a list of references were not looked up, or a profile was not listed.
    ScopeSkipped = "scope_skipped",
    /// The account is not allowed to list resources, so the subtasks of a job could not be checked.
    SubtasksUnchecked = "subtasks_unchecked",
    /// Tokens cannot be stored between runs.
    TokenCache = "token_cache",
    /// A cloud reported a state that joblens does not know.
    UnknownState = "unknown_state",
    /// Fields of a response have another type than expected, or contain invalid characters.
    UnreadableField = "unreadable_field",
    /// Jobs are polled for changes, since the cloud does not report them.
    WatchUnavailable = "watch_unavailable",
}

impl NoticeCode {
    /// Returns `true` if the notice may need action or makes the output less reliable. Other notices are information.
    pub fn is_warning(self) -> bool {
        !matches!(
            self,
            Self::AssumedUtcOffset
                | Self::ClockCorrected
                | Self::EventsTruncated
                | Self::ListWindow
                | Self::NoEvents
                | Self::OverridesNotUsed
                | Self::RawOmitted
                | Self::Recovered
                | Self::RetiredApi
        )
    }

    fn words() -> Vec<&'static str> {
        Self::ALL.iter().map(|code| code.as_str()).collect()
    }
}

impl fmt::Display for NoticeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl Serialize for NoticeCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notice_codes_are_sorted_distinct_snake_case_words() {
        let words = NoticeCode::words();
        assert!(words.is_sorted_by(|one, other| one < other), "{words:?}");
        let is_snake_case = |c: char| c.is_ascii_lowercase() || c == '_';
        for word in &words {
            assert!(word.chars().all(is_snake_case), "{word}");
        }
        let notice = Notice::new(NoticeCode::UnknownState, "text");
        let json = serde_json::to_value(&notice).unwrap();
        assert_eq!(
            json,
            serde_json::json!({"code": "unknown_state", "message": "text"})
        );
    }
}
