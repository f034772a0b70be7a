//! Parse, run, exit code.

use std::process::ExitCode;

fn main() -> ExitCode {
    joblens::commands::install_panic_hook();
    ExitCode::from(joblens::commands::run(std::env::args_os()))
}
