//! Prints metrics for Prometheus once, or serves them as an exporter.

mod accept;
mod details;
mod document;
mod ends;
mod exporter;
mod families;
mod jobs;
mod log;
mod options;
mod polled_target;
mod probes;
mod scopes;
mod targets;

use std::fs;
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::mpsc;

pub(super) use options::Arguments;

use super::account_problems::merge_account_problems;
use super::context::{CommandContext, CommandResult};
use super::lookup::Pacing;
use super::poll::MIN_CALL_INTERVAL;
use super::recording::incomplete_replay;
use super::reporter::Reporter;
use super::reports::{ReportSink, replace_atomic};
use super::runtime::block_on;
use super::signals::Signals;
use crate::error::{Category, Problem, Stop, exit_code, file_error_text};
use crate::http::{self, Handler, ServerLimits};
use crate::output::ExpositionFormat;
use document::MetricsDocument;
use exporter::Exporter;
use log::MessageLog;

/// Limits for the clients of the exporter.
const LIMITS: ServerLimits = ServerLimits {
    max_connections: 256,
    max_header_bytes: 16 << 10,
    connection_timeout: Some(Duration::from_secs(60)),
    keep_alive: false,
};

/// Time after which a rejected credential is tried again: an exporter runs for months, and the credential can have
/// been enabled in the meantime.
const AUTH_COOLDOWN: Duration = Duration::from_secs(600);

/// Prints metrics, or serves them until a signal arrives.
pub(super) fn run(context: &CommandContext, arguments: &Arguments) -> CommandResult {
    context.check_only_format("metrics prints the Prometheus text format")?;
    let options = arguments.options()?;
    let address = arguments.address()?;
    arguments.check_textfile()?;
    if address.is_some() {
        context.check_recording_of_exporter()?;
    }
    let inputs = arguments.inputs();
    if inputs.is_empty() && address.is_none() {
        let problem = Problem::usage("no references or scopes given").with_hint(
            "pass a reference such as aliyun/job/CLUSTER/JOB, a scope such as aliyun/job/CLUSTER/, or a cloud",
        );
        return Err(problem.into());
    }
    let textfile = arguments.textfile.as_deref();
    let textfile = textfile.map(writable_textfile).transpose()?;
    let pacing = Pacing {
        min_interval: address.map(|_| MIN_CALL_INTERVAL),
        auth_cooldown: address.map(|_| AUTH_COOLDOWN),
        ..Pacing::default()
    };
    let (lookup, targets) = targets::create_lookup(context, inputs, pacing)?;
    let profile = context.default_profile(&lookup.settings).to_owned();
    let (sender, lines) = mpsc::unbounded_channel();
    let log = match address {
        Some(_) => MessageLog::new(sender),
        None => MessageLog::default(),
    };
    let notices = lookup.notices.clone();
    let max_jobs = arguments.max_jobs;
    let exporter = Exporter::new(lookup, targets, &profile, options, max_jobs, log);
    match address {
        Some(address) => Ok(block_on(serve(context, exporter, address, lines))?),
        None => {
            context.show_progress();
            let document = block_on(exporter.metrics(None));
            context.progress.stop();
            let mut problems = exporter.problems();
            problems.extend(incomplete_replay(&context.session, &problems));
            let printed = merge_account_problems(&problems);
            printed.iter().for_each(|one| context.print_problem(one));
            let mut notices = notices.all();
            notices.retain(log::is_printed);
            context.print_notices(&notices);
            let code = exit_code::of(&problems);
            Ok(print(context, document, textfile.as_deref(), code))
        }
    }
}

/// Writes metrics to stdout or to a file, and returns the exit code.
fn print(
    context: &CommandContext,
    document: MetricsDocument,
    textfile: Option<&Path>,
    code: u8,
) -> u8 {
    let mut pieces = document.pieces(ExpositionFormat::Text);
    let Some(path) = textfile else {
        let mut stdout = io::stdout().lock();
        let written = pieces.try_for_each(|piece| stdout.write_all(piece.as_bytes()));
        return context.exit_code_after_write(written, code);
    };
    let text: String = pieces.collect();
    match replace_atomic(path, text.as_bytes()) {
        Ok(()) => code,
        Err(error) => {
            context.print_problem(&unwritable(path, &error, Category::ServiceError));
            exit_code::with_lost_output(code)
        }
    }
}

/// Returns the file to replace, after a check that it can be written. For a symbolic link this is its target, so that
/// the link is kept.
///
/// # Errors
/// Returns a usage error if the file cannot be written, or if a link points to a file that a collector of the link's
/// directory would not read: others could have created the link in a shared directory to have that file replaced.
fn writable_textfile(path: &Path) -> Result<PathBuf, Problem> {
    let is_link = path.is_symlink();
    let file = match is_link {
        true => path.canonicalize(),
        false => Ok(path.to_owned()),
    };
    if let (true, Ok(target)) = (is_link, &file) {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let is_beside = folder
            .canonicalize()
            .is_ok_and(|folder| target.parent() == Some(&*folder));
        if !is_beside || !options::is_read_by_collector(target) {
            let message = format!(
                "{} is a symbolic link to {}, which is not a .prom file in the same directory",
                path.display(),
                target.display()
            );
            return Err(
                Problem::usage(message).with_hint("pass the path of the file itself to --textfile")
            );
        }
    }
    let checked = file.and_then(|file| {
        // A missing directory is probably a typing error, since the collector reads an existing one. It is not created.
        let folder = file
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        folder.map_or(Ok(()), |folder| fs::metadata(folder).map(drop))?;
        ReportSink::from_path(&file).check().map(|()| file)
    });
    checked.map_err(|error| unwritable(path, &error, Category::Usage))
}

fn unwritable(path: &Path, error: &io::Error, category: Category) -> Problem {
    let reason = file_error_text(error);
    let message = format!("cannot write {} ({reason})", path.display());
    Problem::new(category, message).with_hint("check the path of --textfile and its permissions")
}

/// Serves metrics until a signal arrives, and returns the exit code.
async fn serve(
    context: &CommandContext,
    exporter: Exporter,
    address: SocketAddr,
    mut lines: mpsc::UnboundedReceiver<String>,
) -> Result<u8, Problem> {
    let listener = TcpListener::bind(address).await;
    let listener = listener.map_err(|error| cannot_listen(address, &error))?;
    let local = listener.local_addr();
    let local = local.map_err(|error| cannot_listen(address, &error))?;
    let mut reporter = match context.global.quiet {
        true => Reporter::Quiet,
        false => Reporter::lines(&context.progress),
    };
    if !local.ip().to_canonical().is_loopback() {
        reporter.println(format!(
            "warning: everyone who can connect to {local} can read the metrics"
        ));
    }
    reporter.println(format!("listening on http://{local}/metrics"));
    let exporter = Arc::new(exporter);
    let handler: Handler = Arc::new(move |request| {
        let exporter = Arc::clone(&exporter);
        Box::pin(async move { exporter.respond(request).await })
    });
    let mut signals = Signals::new();
    let mut serving = pin!(http::serve(listener, None, LIMITS, handler));
    loop {
        tokio::select! {
            biased;
            stop = signals.next() => return Ok(exporter_exit_code(stop)),
            Some(line) = lines.recv() => reporter.println(line),
            never = &mut serving => match never {},
        }
    }
}

/// Returns the exit code of an exporter that a signal ended: 0 for SIGTERM, which is the usual end of a service.
fn exporter_exit_code(stop: Stop) -> u8 {
    match stop {
        Stop::Terminated => exit_code::OK,
        stop => stop.exit_code(),
    }
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> Problem {
    let reason = file_error_text(error);
    Problem::usage(format!("cannot listen on {address} ({reason})"))
        .with_hint("choose another address with --listen (port 0 picks a free port)")
}
