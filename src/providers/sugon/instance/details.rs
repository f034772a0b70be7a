use schemars::JsonSchema;
use serde::Serialize;

/// What only a Sugon instance has.
#[derive(Debug, JsonSchema, Serialize)]
#[schemars(rename = "SugonInstance")]
pub struct InstanceDetails {
    /// What runs in it: `ssh`, `jupyter`, `codeserver`, `rstudio`.
    pub task_type: Option<String>,
    /// Number of containers; `resources` are those of one.
    pub task_count: Option<i64>,
    /// Current index of the container; the vendor explains it no further.
    pub current_index: Option<i64>,
    /// `unlimited` or `HH:MM:SS`.
    pub time_limit: Option<String>,
    /// How long it has run, in the cloud's words.
    pub duration_text: Option<String>,
    /// How long it may still run, in the cloud's words.
    pub remaining_text: Option<String>,
    /// The resources in the cloud's words.
    pub resource_spec: Option<String>,
    /// The owner's description.
    pub description: Option<String>,
    /// Name of the image; its address is the container's `image`.
    pub image_name: Option<String>,
    /// The TensorBoard beside it.
    pub tensorboard: Tensorboard,
    /// The script run at its start.
    pub start_script: StartScript,
}

/// The TensorBoard beside an instance.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Tensorboard {
    /// The cloud's id.
    pub id: Option<String>,
    /// Folder of the logs.
    pub path: Option<String>,
}

/// The script run at the start of an instance.
#[derive(Debug, JsonSchema, Serialize)]
pub struct StartScript {
    /// True when it is used.
    pub enabled: Option<bool>,
    /// `all` containers or `header`, the first one.
    pub scope: Option<String>,
    /// Path, with masked arguments.
    pub path: Option<String>,
    /// Content; masked unless secrets were asked for.
    pub content: Option<String>,
}
