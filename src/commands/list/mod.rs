mod asking;
mod footer;
mod options;
mod scopes;
mod taking;
mod words;

use std::collections::HashMap;
use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;

pub(super) use options::Arguments;
pub(super) use scopes::{Place, default_scopes, nothing_configured};

use super::ending::{self, Signals};
use super::look_up::{Account, Lens, Options, check_columns};
use super::outlet::Outlet;
use super::remembered::Shown;
use super::{Session, runtime};
use crate::error::Problem;
use crate::model::{Coverage, Exit, Notice, Report};
use crate::output::{self, Form, Screen, Zone};
use asking::{Asking, Listed, Rows, Sender, instead, untells};
use options::{Plan, is_for_people};
use taking::{End, Taking};

/// An interrupted command ends soon, whatever its outputs do.
const PATIENCE: Duration = Duration::from_millis(60);

/// Lists what was named, or what all configured profiles have, and returns the exit code.
pub(super) fn run(session: &Session, arguments: &Arguments) -> u8 {
    match prepare(session, arguments) {
        Ok(listing) => {
            let runtime = runtime();
            let code = runtime.block_on(listing.run(session));
            // A DNS call that still hangs must not hold up the end.
            runtime.shutdown_background();
            code
        }
        Err(problems) => session.refuse("list", problems),
    }
}

/// What is listed, checked before the first call.
struct Listing {
    lens: Arc<Lens>,
    plan: Arc<Plan>,
    places: Vec<Place>,
    /// What would be asked but for a filter that its rows cannot answer, and for what of it.
    skipped: Vec<(Place, String)>,
}

fn prepare(session: &Session, arguments: &Arguments) -> Result<Listing, Vec<Problem>> {
    let one = |problem| vec![problem];
    let screen = session.screen(io::stdout().is_terminal());
    let zone = session.global.zone().unwrap_or(Zone::Local);
    let plan = arguments.plan(screen.now, zone).map_err(one)?;
    let settings = session.settings().map_err(one)?;
    let places = scopes::places(session, &settings, &arguments.scopes)?;
    if places.is_empty() {
        return Err(one(Problem::usage("no scope to list").hint(
            "name one, such as aliyun/job/CLUSTER, or none for all configured profiles",
        )));
    }
    let kinds = places.iter().filter_map(Place::kind);
    check_columns(session, kinds.map(|kind| &kind.template)).map_err(one)?;
    let told = places.into_iter().map(|place| {
        let untold = plan.untold_by(&place);
        (place, untold)
    });
    let (places, skipped): (Vec<_>, Vec<_>) = told.partition(|(_, untold)| untold.is_empty());
    let places: Vec<Place> = places.into_iter().map(|(place, _)| place).collect();
    if let Some((place, untold)) = skipped.first()
        && (places.is_empty() || !arguments.scopes.is_empty())
    {
        return Err(one(unanswerable(place, untold)));
    }
    let accounts = places.iter().map(Place::account).collect::<Vec<Account>>();
    let options = Options::default();
    let lens = Lens::over(session, settings, accounts, options, None);
    Ok(Listing {
        lens: Arc::new(lens.map_err(one)?),
        plan: Arc::new(plan),
        places,
        skipped,
    })
}

/// A filter asks for what the rows of a place do not tell: "nothing found" would be no answer.
fn unanswerable(place: &Place, untold: &str) -> Problem {
    let mut problem = Problem::usage(untells(place, untold));
    problem.reference = Some(place.scope());
    problem.input = Some(place.input().to_owned());
    problem.hint(instead(place))
}

impl Listing {
    async fn run(self, session: &Session) -> u8 {
        let outlet = match Outlet::open() {
            Ok(outlet) => outlet,
            Err(error) => return session.written(Err(error), 0),
        };
        let form = &session.form;
        let screen = session.screen(io::stdout().is_terminal());
        let mut taking = Taking {
            found: self.places.iter().map(|_| Vec::new()).collect(),
            listed: self.places.iter().cloned().map(Listed::new).collect(),
            shown: Shown::default(),
            rows: output::Rows::new(form, screen),
            streams: self.places.len() == 1 && session.sort.is_none(),
            signals: Signals::new(),
            outlet,
        };
        let (sender, mut news) = mpsc::unbounded_channel();
        let running = self.start(session, &sender);
        drop(sender);
        let end = taking.until_the_end(&mut news).await;
        // What is asked still would ask on while the last rows are written.
        drop(running);
        let signal = match end {
            End::Done => None,
            End::Stopped(code) => Some(code),
            End::Closed(error) => return session.written(Err(error), 0),
        };
        let Taking {
            found,
            mut listed,
            shown,
            rows,
            mut signals,
            outlet,
            ..
        } = taking;
        listed.extend(self.skipped.iter().map(Listed::skipped));
        let mut report = self.report(&listed, found, signal);
        let left_out = self.arrange(session, &mut report);
        let reason = footer::reason(&listed, left_out, signal);
        let made = ending::making(form, signal, || {
            last_part(rows, &report, reason.as_deref(), form, &screen)
        });
        match made {
            Ok(part) => outlet.write(part),
            Err(error) => return session.written(Err(error), 0),
        }
        if let Some(code) = signal {
            // What cannot be written by then is lost.
            let _ = tokio::time::timeout(PATIENCE, outlet.end()).await;
            return code;
        }
        let failure = tokio::select! {
            failure = outlet.end() => failure,
            code = signals.next() => return code,
        };
        if let Some(error) = failure {
            return session.written(Err(error), 0);
        }
        self.tell(session, &report, &listed, left_out);
        let code = report.exit.code;
        if code == 0 {
            shown.keep(&session.environment);
        }
        // The process ends here: to take thousands of jobs apart would be time for nothing.
        std::mem::forget(report);
        code
    }

    /// Asks all places side by side, of each cloud so many at once as calls may be in flight.
    fn start(&self, session: &Session, sender: &Sender) -> JoinSet<()> {
        let mut turns: HashMap<&str, Arc<Semaphore>> = HashMap::new();
        let mut running = JoinSet::new();
        for (number, place) in self.places.iter().enumerate() {
            let concurrency = self.lens.wire.limits().concurrency;
            let turn = turns
                .entry(place.account().0)
                .or_insert_with(|| Arc::new(Semaphore::new(concurrency)));
            let (turn, sender) = (Arc::clone(turn), sender.clone());
            let asking = Asking {
                number,
                place: place.clone(),
                lens: Arc::clone(&self.lens),
                plan: Arc::clone(&self.plan),
                format: session.form.format,
                sorts: session.sort.is_some(),
            };
            running.spawn(async move {
                // The time of a page starts when its turn has come.
                let _turn = turn.acquire().await.expect("the semaphore is never closed");
                asking.run(sender).await;
            });
        }
        running
    }

    fn report(&self, listed: &[Listed], found: Vec<Vec<Rows>>, signal: Option<u8>) -> Report {
        let (mut jobs, mut scopes) = (Vec::new(), Vec::new());
        for rows in found.into_iter().flatten() {
            match rows {
                Rows::Things(more) => jobs.extend(more),
                Rows::Places(more) => scopes.extend(more),
            }
        }
        let problems = listed.iter().flat_map(Listed::all_problems).cloned();
        let mut notices = self.lens.told.all();
        notices.extend(footer::notices(listed));
        if self.plan.filter.since.is_some() {
            notices.extend(footer::undated(listed));
        }
        let mut report = Report::new("list", jobs, problems.collect(), notices);
        report.scopes = scopes;
        report.calls = self.lens.wire.calls();
        report.coverage = Coverage {
            complete: listed.iter().all(Listed::is_complete),
            asked: listed.len() as u64,
            answered: listed.iter().filter(|one| one.is_answered()).count() as u64,
        };
        if let Some(code) = signal {
            report.exit = Exit::new(code);
        }
        report
    }

    /// Sorts where that was asked for. All was asked for then, so that the limit is kept only here;
    /// tells how many things it leaves out.
    fn arrange(&self, session: &Session, report: &mut Report) -> usize {
        if session.sort.is_none() {
            return 0;
        }
        session.sort(&mut report.jobs);
        let shown = self.plan.limit_after_sorting(session.form.format);
        let left_out = shown.map_or(0, |shown| report.jobs.len().saturating_sub(shown));
        if left_out > 0 {
            report.jobs.truncate(report.jobs.len() - left_out);
            report.coverage.complete = false;
            let message = footer::left_out(report.jobs.len(), left_out);
            report.notices.push(Notice::new("list_incomplete", message));
        }
        left_out
    }

    /// Says on standard error what failed, what is worth knowing, and how much was found.
    fn tell(&self, session: &Session, report: &Report, listed: &[Listed], left_out: usize) {
        if session.global.quiet {
            return;
        }
        session.tell(report);
        let for_people = is_for_people(session.form.format);
        let mut lines = footer::lines(listed, self.plan.asked_for.as_deref(), for_people);
        if left_out > 0 {
            lines.push(footer::left_out(report.jobs.len(), left_out));
        }
        for line in lines {
            let _ = output::write_remark(&mut io::stderr().lock(), &line);
        }
    }
}

/// What is not written yet, and what comes after the rows.
fn last_part(
    rows: Option<output::Rows<'_>>,
    report: &Report,
    incomplete: Option<&str>,
    form: &Form,
    screen: &Screen,
) -> io::Result<Vec<u8>> {
    let mut part = Vec::new();
    match rows {
        Some(mut rows) => {
            rows.scopes(&mut part, &report.scopes)?;
            rows.jobs(&mut part, &report.jobs)?;
            rows.end(&mut part, report, incomplete)?;
        }
        // Half a table is none; a program reads in the envelope how it ended.
        None if is_for_people(form.format) && report.exit.code > 128 => {}
        None => output::write(&mut part, report, form, screen)?,
    }
    Ok(part)
}
