//! What joblens itself knows: the kinds of things and the words for their states.

use schemars::JsonSchema;
use serde::Serialize;

use super::Envelope;
use crate::model::State;

/// The document of `joblens kinds`.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct KindList {
    /// Version of the shape: `joblens/1`.
    #[schemars(extend("const" = Envelope::SCHEMA))]
    pub schema: &'static str,
    /// Name of the command: `kinds`.
    pub command: &'static str,
    /// Every kind of every cloud that was asked for.
    pub kinds: Vec<KindInfo>,
}

/// One kind of thing in a cloud.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct KindInfo {
    /// Long name of the cloud.
    pub cloud: &'static str,
    /// Bare kind.
    pub kind: &'static str,
    /// Form of its references.
    pub template: String,
    /// The same with short names, accepted on input.
    pub short: String,
    /// A reference as an example.
    pub sample: &'static str,
    /// The operation that looks it up, with the interface it belongs to.
    pub operation: &'static str,
    /// The permission that looking it up needs, as the cloud writes it.
    pub permission: &'static str,
    /// Form of the scopes that list it.
    pub scope: String,
    /// The operation that lists it; null where it cannot be listed.
    pub list_operation: Option<&'static str>,
    /// The permission that listing it needs, as the cloud writes it.
    pub list_permission: Option<&'static str>,
    /// Form of the scopes that list the places in which it lies, such as clusters; null where it
    /// lies in none.
    pub scopes_parent: Option<String>,
    /// The operation that lists these places.
    pub scopes_operation: Option<&'static str>,
    /// The permission that listing them needs, as the cloud writes it.
    pub scopes_permission: Option<&'static str>,
}

/// The document of `joblens states`.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct StateMap {
    /// Version of the shape: `joblens/1`.
    #[schemars(extend("const" = Envelope::SCHEMA))]
    pub schema: &'static str,
    /// Name of the command: `states`.
    pub command: &'static str,
    /// Every word that is known, by cloud, kind and level. Any other word is `unknown`.
    pub states: Vec<StateMapping>,
}

/// What a cloud's word means.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct StateMapping {
    /// Long name of the cloud.
    pub cloud: &'static str,
    /// Bare kind.
    pub kind: &'static str,
    /// `job` for the thing itself, `container`, or the `kind` of the tasks whose word it is.
    pub level: &'static str,
    /// The cloud's own word; null where the cloud reports none.
    pub word: Option<String>,
    /// Normalised state.
    pub state: State,
    /// True when the state can no longer change by itself.
    pub ended: bool,
    /// When the word has this state, or what else is to be known of it.
    pub note: Option<String>,
    /// Who says so.
    pub source: Source,
}

/// Who says what a word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// The cloud's documentation, as it is built in.
    BuiltIn,
    /// The config file.
    Settings,
}

impl Source {
    /// The word as it stands in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BuiltIn => "built_in",
            Self::Settings => "settings",
        }
    }
}
