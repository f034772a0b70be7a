use schemars::JsonSchema;
use serde::Serialize;

/// Something a reader should know that is no failure.
#[derive(Debug, Clone, PartialEq, Eq, Hash, JsonSchema, Serialize)]
pub struct Notice {
    /// Stable word: `unknown_state`, `assumed_utc_offset`, `clock_corrected`, …
    pub code: &'static str,
    /// What it means here.
    pub message: String,
}

impl Notice {
    /// A notice with a stable word.
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
        }
    }
}
