//! First steps: a config file to fill in.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

#[path = "../support/mod.rs"]
mod support;

mod completion;
mod config;
mod man;
mod shells;

/// One resource of a cloud that needs no scope.
const WORLD: &str = r#"
[[job]]
ref = "sugon/instance/i-0123456789"
age = "2h"
states = [{ after = "0s", state = "Running" }]
"#;
