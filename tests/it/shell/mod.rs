//! The command line and its use in shells: help, completion, man pages.

mod command_line;
mod completion;
mod demo;
mod first_process;
mod man;
mod shells;
mod short_references;

/// One resource of a cloud that needs no scope.
const WORLD: &str = r#"
[[job]]
ref = "sugon/instance/i-0123456789"
age = "2h"
states = [{ after = "0s", state = "Running" }]
"#;
