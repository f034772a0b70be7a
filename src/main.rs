//! Parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(joblens::commands::run(std::env::args_os()))
}
