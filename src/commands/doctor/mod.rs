mod accounts;
mod checks;
mod credential;
mod examine;
mod files;
mod hints;
mod log;
mod machine;

use std::collections::BTreeSet;
use std::io::{self, IsTerminal as _};

use clap::Args;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use super::context::{CommandContext, CommandResult};
use super::progress_line::SLOW_REQUEST;
use super::runtime::block_on;
use crate::collect::CollectExt as _;
use crate::error::{Problem, exit_code};
use crate::http::{KeyStates, Session};
use crate::output::document::{AccountCheck, Check, CheckName, DoctorReport, Envelope, Exit};
use crate::output::{self, DoctorPart, Format, OutputOptions, RenderContext};
use crate::settings::Settings;
use accounts::Candidate;
use examine::AccountProbe;

/// Diagnose configuration, network, clock and credentials
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  \
    joblens doctor\n  \
    joblens doctor aliyun sugon@lab\n  \
    joblens doctor -o markdown > ticket.md",
    after_help = "Sends one read-only list request per profile; if the cloud denies it, up to 6 more to find a scope, such as a namespace, that can be listed. After a failed check, the remaining checks of that profile are skipped.\n\
    Runs credential_command if configured. Secrets are never shown, so the output is safe to \
    paste into a ticket.\n\
    Exit codes: 0 ok (with or without warnings) · 2 usage or config error · 3 a configured resource \
    does not exist · 4 authentication or permission · 5 service or network error; the most severe wins"
)]
pub(super) struct Arguments {
    /// Clouds or profiles to check [default: all configured]
    #[arg(value_name = "CLOUD[@PROFILE]")]
    clouds: Vec<String>,
}

const DOCTOR: &str = "doctor";

/// Calls every account once, and shows the passed and failed checks.
pub(super) fn run(context: &CommandContext, arguments: &Arguments) -> CommandResult {
    context.check_catalog_format(DOCTOR)?;
    let mut page = PageWriter::new(context);
    context.show_progress();
    let diagnosis = diagnose(context, arguments, &mut page)?;
    record(context, &diagnosis);
    let printed = match page.is_used {
        true => {
            page.write(DoctorPart::Summary(&diagnosis.accounts));
            context.progress.stop();
            context.exit_code_after_write(page.written, exit_code::OK)
        }
        false => context.print_catalog(DOCTOR, |out, options, render_context| {
            output::write_diagnosis(out, &diagnosis, options, render_context)
        })?,
    };
    Ok(match printed {
        exit_code::OK => diagnosis.exit.code,
        printed => printed,
    })
}

/// Adds the findings to a recording, as text and as JSON.
fn record(context: &CommandContext, diagnosis: &DoctorReport) {
    let Session::Record(recorder) = &context.session else {
        return;
    };
    let render_context = RenderContext {
        width: None,
        color: false,
        ..context.render_context(false)
    };
    for (name, format) in [("doctor.txt", Format::Table), ("doctor.json", Format::Json)] {
        let options = OutputOptions {
            format,
            columns: None,
            headers: true,
            query: None,
        };
        let mut text = Vec::new();
        // Writing to a vector cannot fail.
        let _ = output::write_diagnosis(&mut text, diagnosis, &options, &render_context);
        recorder.add_file(name, &text);
    }
}

/// Writes the human-readable page while other accounts are still being checked.
struct PageWriter<'a> {
    context: &'a CommandContext,
    /// False for formats that are written at the end.
    is_used: bool,
    written: io::Result<()>,
}

impl<'a> PageWriter<'a> {
    fn new(context: &'a CommandContext) -> Self {
        let options = &context.output_options;
        Self {
            context,
            is_used: options.format == Format::Table && options.query.is_none(),
            written: Ok(()),
        }
    }

    fn write(&mut self, part: DoctorPart<'_>) {
        if !self.is_used || self.written.is_err() {
            return;
        }
        let mut out = io::stdout().lock();
        let render_context = self.context.render_context(out.is_terminal());
        let progress = &self.context.progress;
        self.written =
            progress.suspend(|| output::write_doctor_part(&mut out, part, &render_context));
    }
}

/// Examines the accounts, and writes each part of the page as soon as it is known.
///
/// # Errors
/// Returns only usage errors of the command line: problems of the settings are part of the report.
fn diagnose(
    context: &CommandContext,
    arguments: &Arguments,
    page: &mut PageWriter<'_>,
) -> Result<DoctorReport, Vec<Problem>> {
    let settings = match context.settings() {
        Ok(settings) => settings,
        Err(problem) => {
            let check = machine::broken(CheckName::Settings, problem);
            return Ok(diagnosis(context, None, vec![check], page));
        }
    };
    let limits = context.global.client_options(settings.file())?;
    let candidates = accounts::candidates(context, &settings, &arguments.clouds)?;
    let mut checks = vec![machine::settings(context, &settings)];
    let network = || machine::network(context, &settings, &limits);
    match context.session.recorded_value("network", network) {
        Ok(of_network) => checks.extend(of_network),
        Err(check) => {
            checks.push(*check);
            return Ok(diagnosis(context, Some(&settings), checks, page));
        }
    }
    checks.push(accounts::accounts_check(context, &settings, &candidates));
    let probes = candidates
        .into_iter()
        .map(|candidate| probe(context, &settings, candidate, &limits.key_states));
    let probes = probes.collect::<Result<Vec<_>, _>>()?;
    let mut report = diagnosis(context, Some(&settings), checks, page);
    let on_account = |account: &AccountCheck| page.write(DoctorPart::Account(account));
    report.accounts = block_on(run_all(probes, on_account));
    report.exit = exit(&report);
    Ok(report)
}

fn probe(
    context: &CommandContext,
    settings: &Settings,
    candidate: Candidate,
    keys: &KeyStates,
) -> Result<AccountProbe, Problem> {
    let log = log::Log::default();
    let transport = log::transport(context, settings, &log, keys)?;
    let credentials = context.credentials(settings);
    Ok(AccountProbe::new(&credentials, candidate, transport, log))
}

/// Checks all accounts concurrently. Calls `on_account` for each, in order unless an earlier one takes long.
async fn run_all(
    probes: Vec<AccountProbe>,
    mut on_account: impl FnMut(&AccountCheck),
) -> Vec<AccountCheck> {
    let mut running = JoinSet::new();
    let mut checked: Vec<Option<AccountCheck>> = probes.iter().map(|_| None).collect();
    for (number, probe) in probes.into_iter().enumerate() {
        running.spawn(async move { (number, probe.run().await) });
    }
    let mut unshown: BTreeSet<usize> = (0..checked.len()).collect_set();
    let mut flush_at: Option<Instant> = None;
    loop {
        let joined = match flush_at {
            Some(at) => timeout_at(at, running.join_next()).await,
            None => Ok(running.join_next().await),
        };
        let in_order = joined.is_ok();
        match joined {
            Ok(None) => break,
            Ok(Some(joined)) => {
                let (number, account) = joined.expect("a check neither panics nor is cancelled");
                checked[number] = Some(account);
            }
            Err(_) => {}
        }
        let is_known = |number: &&usize| checked[**number].is_some();
        let ready: Vec<usize> = match in_order {
            true => unshown.iter().take_while(is_known).copied().collect(),
            false => unshown.iter().filter(is_known).copied().collect(),
        };
        for number in ready {
            checked[number].iter().for_each(&mut on_account);
            unshown.remove(&number);
        }
        let is_waiting = unshown.iter().any(|number| checked[*number].is_some());
        let later = || Instant::now() + SLOW_REQUEST;
        flush_at = is_waiting.then(|| flush_at.unwrap_or_else(later));
    }
    let checked = checked.into_iter();
    checked
        .map(|account| account.expect("every account was checked"))
        .collect()
}

/// Returns a report without accounts, and writes its sections at once.
fn diagnosis(
    context: &CommandContext,
    settings: Option<&Settings>,
    checks: Vec<Check>,
    page: &mut PageWriter<'_>,
) -> DoctorReport {
    let mut report = DoctorReport {
        schema: Envelope::SCHEMA,
        command: DOCTOR,
        machine: machine::host_info(context, settings),
        checks,
        accounts: Vec::new(),
        exit: Exit::new(exit_code::OK),
    };
    page.write(DoctorPart::Host(&report.machine));
    for check in &report.checks {
        page.write(DoctorPart::Check(check));
    }
    report.exit = exit(&report);
    report
}

/// Returns the exit code of the most severe failure.
fn exit(report: &DoctorReport) -> Exit {
    let accounts = report.accounts.iter().flat_map(|account| &account.checks);
    let problems: Vec<Problem> = report
        .checks
        .iter()
        .chain(accounts)
        .filter_map(|check| Some(Problem::new(check.category?, &*check.message)))
        .collect();
    Exit::new(exit_code::of(&problems))
}
