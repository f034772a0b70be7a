use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A source of credentials that is not used.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct SkippedSource {
    /// The source: `environment`, `config file`, the name of a tool.
    pub source: String,
    /// The reason why it is not used.
    pub why: String,
}
