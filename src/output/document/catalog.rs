//! Catalogs of joblens itself: resource kinds and state mappings.

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
    /// Every requested kind.
    pub kinds: Vec<KindInfo>,
}

/// The document of `joblens config path` and `joblens config init`.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct ConfigPath {
    /// Version of the shape: `joblens/1`.
    #[schemars(extend("const" = Envelope::SCHEMA))]
    pub schema: &'static str,
    /// Name of the command: `config path` or `config init`.
    pub command: &'static str,
    /// The path of the config file, which may not exist yet.
    pub path: String,
}

/// One kind of resource in a cloud.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct KindInfo {
    /// Long name of the cloud.
    pub cloud: &'static str,
    /// Bare kind.
    pub kind: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    /// Template of its references.
    pub template: String,
    /// The same with short names, accepted on input.
    pub short: String,
    /// A reference as an example.
    pub sample: &'static str,
    /// The operation that gets it, with the API it belongs to.
    pub operation: &'static str,
    /// The permission that getting it requires, as the cloud writes it.
    pub permission: &'static str,
    /// Template of the scopes that list it.
    pub scope: String,
    /// The operation that lists it; null where it cannot be listed.
    pub list_operation: Option<&'static str>,
    /// The permission that listing it requires, as the cloud writes it.
    pub list_permission: Option<&'static str>,
    /// True when lists look up many of them in few requests.
    pub batch: bool,
    /// The operation that reads its logs; null where the API has none.
    pub logs_operation: Option<&'static str>,
    /// The permission that reading them requires, as the cloud writes it.
    pub logs_permission: Option<&'static str>,
    /// Template of the scopes that list its parent scopes, such as clusters; null where it has
    /// none.
    pub scopes_parent: Option<String>,
    /// The operation that lists these parent scopes.
    pub scopes_operation: Option<&'static str>,
    /// The permission that listing them requires, as the cloud writes it.
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
    /// Every recognized state, by cloud, kind and level. Any other state is `unknown`.
    pub states: Vec<StateMapping>,
}

/// What a cloud's state means.
#[derive(Debug, Clone, JsonSchema, Serialize)]
pub struct StateMapping {
    /// Long name of the cloud.
    pub cloud: &'static str,
    /// Bare kind.
    pub kind: &'static str,
    /// `job` for the resource itself, `container`, or the `kind` of the tasks that report it.
    pub level: &'static str,
    /// The cloud's value; null where the cloud reports none.
    pub word: Option<String>,
    /// Normalised state.
    pub state: State,
    /// True when the state can no longer change by itself.
    pub ended: bool,
    /// When the value means this state, or another note on it.
    pub note: Option<String>,
    /// The origin of the mapping.
    pub source: MappingSource,
}

/// The origin of a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "MappingSource")]
pub enum MappingSource {
    /// Built in, from the cloud's documentation.
    BuiltIn,
    /// The config file.
    Settings,
}
