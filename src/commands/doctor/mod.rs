mod accounts;
mod checks;
mod credential;
mod examine;
mod files;
mod hints;
mod log;
mod machine;

use std::collections::HashMap;
use std::sync::Arc;

use clap::Args;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::context::CommandContext;
use super::runtime::block_on;
use crate::error::{self, Problem};
use crate::output;
use crate::output::document::{AccountCheck, Check, CheckName, DoctorReport, Envelope, Exit};
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
    after_help = "Makes one read-only list request per profile. Checks after the first failure are skipped.\n\
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

/// Asks every account once, and shows what is well and what is not.
pub(super) fn run(session: &CommandContext, arguments: &Arguments) -> u8 {
    if let Err(problem) = session.check_catalog_format(DOCTOR) {
        return session.usage_error(DOCTOR, vec![problem]);
    }
    let diagnosis = match diagnose(session, arguments) {
        Ok(diagnosis) => diagnosis,
        Err(problems) => return session.usage_error(DOCTOR, problems),
    };
    let told = session.print_catalog(DOCTOR, |out, form, screen| {
        output::write_diagnosis(out, &diagnosis, form, screen)
    });
    match told {
        0 => diagnosis.exit.code,
        told => told,
    }
}

/// # Errors
/// A usage error of the command line only: problems of the settings are part of the report.
fn diagnose(session: &CommandContext, arguments: &Arguments) -> Result<DoctorReport, Vec<Problem>> {
    let settings = match session.settings() {
        Ok(settings) => settings,
        Err(problem) => {
            let check = machine::broken(CheckName::Settings, problem);
            return Ok(diagnosis(None, vec![check], Vec::new()));
        }
    };
    let one = |problem| vec![problem];
    let limits = session
        .global
        .client_options(settings.file())
        .map_err(one)?;
    let candidates = accounts::candidates(session, &settings, &arguments.clouds)?;
    let mut checks = vec![machine::settings(session, &settings)];
    match machine::network(session, &settings, &limits) {
        Ok(of_network) => checks.extend(of_network),
        Err(check) => {
            checks.push(*check);
            return Ok(diagnosis(Some(&settings), checks, Vec::new()));
        }
    }
    checks.push(accounts::accounts_check(session, &settings, &candidates));
    let patients = candidates
        .into_iter()
        .map(|candidate| probe(session, &settings, candidate));
    let patients = patients.collect::<Result<Vec<_>, _>>().map_err(one)?;
    let examined = block_on(run_all(patients, limits.concurrency));
    Ok(diagnosis(Some(&settings), checks, examined))
}

fn probe(
    session: &CommandContext,
    settings: &Settings,
    candidate: Candidate,
) -> Result<AccountProbe, Problem> {
    let log = log::Log::default();
    let wire = log::transport(session, settings, &log)?;
    let credentials = session.credentials(settings);
    Ok(AccountProbe::new(&credentials, candidate, wire, log))
}

/// Examines all side by side, those of one cloud as many at once as calls may be in flight.
async fn run_all(patients: Vec<AccountProbe>, at_once: usize) -> Vec<AccountCheck> {
    let mut places: HashMap<&str, Arc<Semaphore>> = HashMap::new();
    let mut running = JoinSet::new();
    let mut examined: Vec<Option<AccountCheck>> = patients.iter().map(|_| None).collect();
    for (number, patient) in patients.into_iter().enumerate() {
        let place = places
            .entry(patient.cloud())
            .or_insert_with(|| Arc::new(Semaphore::new(at_once)));
        let place = Arc::clone(place);
        running.spawn(async move {
            let _place = place
                .acquire()
                .await
                .expect("the semaphore is never closed");
            (number, patient.run().await)
        });
    }
    while let Some(joined) = running.join_next().await {
        let (number, one) = joined.expect("an examination neither panics nor is cancelled");
        examined[number] = Some(one);
    }
    let examined = examined.into_iter();
    examined
        .map(|one| one.expect("every account was examined"))
        .collect()
}

fn diagnosis(
    settings: Option<&Settings>,
    checks: Vec<Check>,
    accounts: Vec<AccountCheck>,
) -> DoctorReport {
    let all = accounts.iter().flat_map(|account| &account.checks);
    let problems: Vec<Problem> = checks
        .iter()
        .chain(all)
        .filter_map(|check| Some(Problem::new(check.category?, &*check.message)))
        .collect();
    DoctorReport {
        schema: Envelope::SCHEMA,
        command: DOCTOR,
        machine: machine::host_info(settings),
        checks,
        accounts,
        exit: Exit::new(error::exit_code(&problems)),
    }
}
