use std::future;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::context::{CommandContext, program};
use super::runtime::block_on;
use crate::emulator::{self, AccessLog, DEFAULT_PORT, Emulator, Scenario};
use crate::error::Problem;
use crate::output;

/// Serve the four clouds on loopback, for scripts and tests
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    joblens emulate --scenario outage.toml\n  \
    eval \"$(joblens emulate --print-env)\"")]
pub(super) struct Arguments {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = DEFAULT_PORT, value_name = "N")]
    port: u16,
    /// Jobs, their states over time, and faults; the built-in ones if none is given
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Print the variables that make a shell use the emulator, and exit
    #[arg(long, conflicts_with = "scenario")]
    print_env: bool,
}

/// Serves until it is interrupted, or prints the variables of a shell.
pub(super) fn run(session: &CommandContext, arguments: &Arguments) -> u8 {
    match serve(session, arguments) {
        Ok(code) => code,
        Err(problem) => session.usage_error("emulate", vec![problem]),
    }
}

fn serve(session: &CommandContext, arguments: &Arguments) -> Result<u8, Problem> {
    if arguments.print_env {
        if arguments.port == 0 {
            return Err(Problem::usage(
                "--print-env needs the port that will be used",
            ));
        }
        return Ok(session.print(exports(arguments.port), false));
    }
    let scenario = match &arguments.scenario {
        Some(path) => Scenario::read(path)?,
        None => Scenario::built_in()?,
    };
    let quiet = session.global.quiet;
    let log: AccessLog = Arc::new(move |access| {
        if !quiet {
            let _ = output::write_trace(&mut io::stderr().lock(), &access.to_string());
        }
    });
    block_on(async {
        let port = arguments.port;
        let emulator = Emulator::start(scenario, port, log)
            .await
            .map_err(|error| {
                Problem::usage(format!("port {port} of 127.0.0.1 cannot be had ({error})"))
                    .with_hint("choose another with --port, or 0 for a free one")
            })?;
        if !quiet {
            let origin = emulator.origin();
            let port = origin.rsplit(':').next().unwrap_or_default();
            let _ = writeln!(
                io::stderr(),
                "emulating aliyun, sugon, huawei and tencent on {origin}\n\
                 in another shell: eval \"$({} emulate --print-env --port {port})\"",
                program()
            );
        }
        future::pending::<()>().await;
        Ok(0)
    })
}

/// One `export` line a variable, quoted for a POSIX shell.
fn exports(port: u16) -> String {
    emulator::shell_environment(&format!("http://127.0.0.1:{port}"))
        .into_iter()
        .map(|(name, value)| format!("export {name}='{}'\n", value.replace('\'', "'\\''")))
        .collect()
}
