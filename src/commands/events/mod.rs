mod options;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

pub(super) use options::Arguments;

use super::follow::{self, Chronicle, Display, Plan};
use super::look_up::{Lens, Options, Outcome};
use super::poll::PACE;
use super::references::Allowed;
use super::{Session, runtime};
use crate::error::Problem;
use crate::model::{Job, Notice, Sieve, Timeline};
use crate::output::{self, EventColumn, Format, Page, Records, Screen, Zone};

/// Shows what happened to what was named, and returns the exit code.
pub(super) fn run(session: &Session, arguments: &Arguments) -> u8 {
    match prepare(session, arguments) {
        Ok(prepared) => match prepared.plan {
            None => once(session, &prepared),
            Some(plan) => {
                let display = display(session, &prepared.lens, prepared.sieve);
                follow::run(session, prepared.lens, plan, (display, Vec::new()))
            }
        },
        Err(problems) => {
            let timeline = Timeline::new("events", &[], problems, Vec::new());
            finish(session, &timeline, None)
        }
    }
}

/// Everything that is needed, checked before the first call.
struct Prepared {
    lens: Arc<Lens>,
    /// What is wanted of a timeline.
    sieve: Sieve,
    /// The columns, where some were chosen.
    columns: Option<Vec<EventColumn>>,
    /// How things are followed, if they are.
    plan: Option<Plan>,
}

fn prepare(session: &Session, arguments: &Arguments) -> Result<Prepared, Vec<Problem>> {
    let one = |problem| vec![problem];
    if arguments.references.is_empty() {
        return Err(one(Problem::usage("nothing to look at").hint(
            "name a reference, such as aliyun/job/CLUSTER/JOB, or - for standard input",
        )));
    }
    if session.global.sort_by.is_some() {
        let problem = Problem::usage("events come in the order of time, so --sort-by has no place");
        return Err(one(problem.hint("-o csv or --jq can be sorted")));
    }
    let columns = columns(session).map_err(one)?;
    let screen = session.screen(io::stdout().is_terminal());
    let zone = session.global.zone().unwrap_or(Zone::Local);
    let sieve = arguments.sieve(screen.now, zone).map_err(one)?;
    let is_plain = columns.is_none() && session.form.query.is_none();
    let plan = arguments
        .follow
        .then(|| arguments.plan(session.form.format, is_plain));
    let plan = plan.transpose().map_err(one)?;
    let options = Options {
        trust_finished: arguments.trust_finished,
        allowed: Allowed {
            newest: true,
            ..Allowed::default()
        },
        ..Options::default()
    };
    let settings = session.settings().map_err(one)?;
    let pace = plan.is_some().then_some(PACE);
    let lens = Lens::prepare(session, settings, &arguments.references, options, pace)?;
    Ok(Prepared {
        lens: Arc::new(lens),
        sieve,
        columns,
        plan,
    })
}

/// The columns that were chosen.
fn columns(session: &Session) -> Result<Option<Vec<EventColumn>>, Problem> {
    let names = session.global.columns.iter();
    let columns: Vec<EventColumn> = names
        .map(|name| EventColumn::named(name))
        .collect::<Result<_, _>>()?;
    Ok(Some(columns).filter(|columns| !columns.is_empty()))
}

fn once(session: &Session, prepared: &Prepared) -> u8 {
    let lens = &prepared.lens;
    let runtime = runtime();
    let outcomes = runtime.block_on(lens.outcomes());
    // A DNS call that still hangs must not hold up the answer.
    runtime.shutdown_background();
    let (jobs, problems) = parted(outcomes);
    let mut timeline = Timeline {
        calls: lens.wire.calls(),
        ..Timeline::new("events", &jobs, problems, lens.told.all())
    };
    timeline.sift(prepared.sieve);
    let code = finish(session, &timeline, prepared.columns.as_deref());
    // The process ends here: to take what was found apart would be time for nothing.
    std::mem::forget((jobs, timeline));
    code
}

fn parted(outcomes: Vec<Outcome>) -> (Vec<Job>, Vec<Problem>) {
    let (mut jobs, mut problems) = (Vec::new(), Vec::new());
    for outcome in outcomes {
        match outcome {
            Ok(job) => jobs.push(job),
            Err(problem) => problems.push(problem),
        }
    }
    (jobs, problems)
}

/// What will be followed, as far as its references are known.
fn references(lens: &Lens) -> Vec<String> {
    let newest = lens.newest.iter().map(|(_, scope)| scope.to_string());
    let things = lens.references.iter().map(ToString::to_string);
    things.chain(newest).collect()
}

/// Prints the timeline and then what it does not hold: what failed, and what a cloud does not keep.
fn finish(session: &Session, timeline: &Timeline, columns: Option<&[EventColumn]>) -> u8 {
    let (form, screen) = (&session.form, page_screen(session));
    let mut out = io::stdout().lock();
    let written = output::write_timeline(&mut out, timeline, columns, form, &screen);
    drop(out);
    if !session.global.quiet {
        tell(session, timeline, form.format);
    }
    session.written(written, timeline.exit.code)
}

fn tell(session: &Session, timeline: &Timeline, format: Format) {
    let is_page = matches!(format, Format::Table | Format::Wide);
    if is_page && timeline.events.is_empty() && timeline.errors.is_empty() {
        // Whether standard error takes it changes nothing.
        let _ = session.say(
            "joblens: nothing of what was asked for has happened\n".to_owned(),
            true,
        );
    }
    let is_told =
        |notice: &&Notice| notice.code == "events_truncated" || session.is_worth_a_line(notice);
    for notice in timeline.notices.iter().filter(is_told) {
        let _ = output::write_notice(&mut io::stderr().lock(), notice);
    }
    for problem in &timeline.errors {
        session.complain(problem);
    }
}

fn display(session: &Session, lens: &Lens, sieve: Sieve) -> Display {
    let chronicle = Chronicle::new(sieve);
    match session.form.format {
        Format::Jsonl => Display::Events(Records::default(), chronicle),
        _ => Display::Page(
            Page::new(page_screen(session), &references(lens)),
            chronicle,
        ),
    }
}

/// A timeline is read in the reader's own time, on a terminal or not.
fn page_screen(session: &Session) -> Screen {
    Screen {
        zone: session.global.zone().unwrap_or(Zone::Local),
        ..session.screen(io::stdout().is_terminal())
    }
}
