use std::future;
use std::io::{self, Write as _};
use std::path::{self, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::args::check_required;
use super::context::{CommandContext, CommandResult, program};
use super::runtime::block_on;
use crate::emulator::{self, AccessLog, DEFAULT_PORT, Emulator, Scenario, built_in_text};
use crate::error::{Problem, exit_code, file_error_text};
use crate::http::ServerTls;
use crate::output;
use crate::secret::shell_word;

/// Run a local emulator of the clouds
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  \
    joblens emulate --scenario outage.toml\n  \
    eval \"$(joblens emulate --print-env)\"")]
pub(super) struct Arguments {
    /// Port to listen on (0 picks a free port)
    #[arg(
        long,
        default_value_t = DEFAULT_PORT,
        value_name = "N",
        value_parser = port,
        allow_hyphen_values = true
    )]
    port: u16,
    /// Scenario file with jobs and faults [default: built-in scenario]
    #[arg(long, value_name = "FILE")]
    scenario: Option<PathBuf>,
    /// Serve TLS with this certificate (PEM)
    #[arg(long, value_name = "FILE")]
    tls_cert: Option<PathBuf>,
    /// Private key of the TLS certificate (PEM)
    #[arg(long, value_name = "FILE")]
    tls_key: Option<PathBuf>,
    /// CA certificates for client certificates of Kubernetes users (PEM)
    #[arg(long, value_name = "FILE")]
    client_ca: Option<PathBuf>,
    /// Print environment variables for using the emulator, then exit
    #[arg(long, conflicts_with = "scenario")]
    print_env: bool,
    /// Print the built-in scenario, then exit
    #[arg(long, conflicts_with_all = ["scenario", "print_env"])]
    print_scenario: bool,
}

fn port(text: &str) -> Result<u16, &'static str> {
    let port = text.parse();
    port.map_err(|_| "expected a number from 0 to 65535")
}

/// Serves until it is interrupted, or prints the variables for a shell.
pub(super) fn run(context: &CommandContext, arguments: &Arguments) -> CommandResult {
    Ok(serve(context, arguments)?)
}

fn serve(context: &CommandContext, arguments: &Arguments) -> Result<u8, Problem> {
    context.check_only_format("emulate prints text")?;
    arguments.check_tls()?;
    if arguments.print_env {
        if arguments.port == 0 {
            return Err(Problem::usage("--print-env requires a fixed port")
                .with_hint("pass the port of the running emulator: --port N"));
        }
        return Ok(context.print(exports(arguments), false));
    }
    if arguments.print_scenario {
        return Ok(context.print(built_in_text(), false));
    }
    let scenario = match &arguments.scenario {
        Some(path) => Scenario::read(path)?,
        None => Scenario::built_in()?,
    };
    let tls = arguments.tls()?;
    let quiet = context.global.quiet;
    let log: AccessLog = Arc::new(move |access| {
        if !quiet {
            let _ = output::write_line(&mut io::stderr().lock(), &access.to_string());
        }
    });
    block_on(async {
        let port = arguments.port;
        let started = match tls {
            Some(tls) => Emulator::start_tls(scenario, port, tls, log).await,
            None => Emulator::start(scenario, port, log).await,
        };
        let emulator = started.map_err(|error| {
            Problem::usage(format!(
                "cannot listen on 127.0.0.1:{port} ({})",
                file_error_text(&error)
            ))
            .with_hint("choose another with --port (0 picks a free port)")
        })?;
        if !quiet {
            let origin = emulator.origin();
            let port = origin.rsplit(':').next().unwrap_or_default();
            let _ = writeln!(
                io::stderr(),
                "emulated aliyun, sugon, huawei, tencent and kubernetes listening on {origin}\n\
                 to use it: eval \"$({} emulate --print-env --port {port}{})\"",
                program(),
                arguments.tls_options()
            );
        }
        future::pending::<()>().await;
        Ok(exit_code::OK)
    })
}

impl Arguments {
    /// Checks that the options for TLS are complete.
    ///
    /// # Errors
    /// Returns a usage error that names the missing option.
    fn check_tls(&self) -> Result<(), Problem> {
        let certificate = ("--tls-cert", self.tls_cert.is_some());
        let key = ("--tls-key", self.tls_key.is_some());
        check_required(certificate, key)?;
        check_required(key, certificate)?;
        check_required(("--client-ca", self.client_ca.is_some()), certificate)
    }

    /// Loads the TLS files, if TLS is used.
    ///
    /// # Errors
    /// Returns a usage error for an unusable file.
    fn tls(&self) -> Result<Option<ServerTls>, Problem> {
        let files = self.tls_cert.as_ref().zip(self.tls_key.as_ref());
        let read = |(certificate, key): (&PathBuf, &PathBuf)| {
            ServerTls::read(certificate, key, self.client_ca.as_deref())
        };
        files.map(read).transpose()
    }

    /// Returns the TLS options to repeat with `--print-env`.
    fn tls_options(&self) -> String {
        let options = [("--tls-cert", &self.tls_cert), ("--tls-key", &self.tls_key)];
        let given = options.into_iter().filter_map(|(name, path)| {
            let path = path.as_ref()?.display().to_string();
            Some(format!(" {name} {}", shell_word(&path)))
        });
        given.collect()
    }
}

/// Returns one `export` line per variable, quoted for a POSIX shell.
fn exports(arguments: &Arguments) -> String {
    let certificate = arguments.tls_cert.as_ref();
    let certificate = certificate.map(|path| {
        let absolute = path::absolute(path);
        absolute.as_ref().unwrap_or(path).display().to_string()
    });
    let scheme = if certificate.is_some() {
        "https"
    } else {
        "http"
    };
    let origin = format!("{scheme}://127.0.0.1:{}", arguments.port);
    emulator::shell_environment(&origin, certificate.as_deref())
        .into_iter()
        .map(|(name, value)| format!("export {name}='{}'\n", value.replace('\'', "'\\''")))
        .collect()
}
