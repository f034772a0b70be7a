//! The `joblens` program: runs the command line and exits with its code.

use std::process::ExitCode;

fn main() -> ExitCode {
    joblens::commands::install_panic_hook();
    let run = || joblens::commands::run(std::env::args_os());
    ExitCode::from(joblens::commands::on_sufficient_stack(run))
}
