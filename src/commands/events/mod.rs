mod options;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

use chrono::Utc;

pub(super) use options::Arguments;

use super::follow::{self, Chronicle, Display, Plan};
use super::look_up::{Lens, Options, Outcome};
use super::poll::PACE;
use super::{Session, runtime};
use crate::error::Problem;
use crate::model::{Job, Notice, Sieve, Timeline};
use crate::output::{self, Format, Page, Records, Screen, Zone};

/// Shows what happened to what was named, and returns the exit code.
pub(super) fn run(session: &Session, arguments: &Arguments) -> u8 {
    match prepare(session, arguments) {
        Ok((lens, sieve, None)) => once(session, &lens, sieve),
        Ok((lens, sieve, Some(plan))) => {
            let display = display(session, &lens, sieve);
            follow::run(session, lens, plan, (display, Vec::new()))
        }
        Err(problems) => {
            let timeline = Timeline::new("events", &[], problems, Vec::new());
            finish(session, &timeline, &[], 0)
        }
    }
}

/// What is looked at, what is wanted of it, and how it is followed, if it is.
type Prepared = (Arc<Lens>, Sieve, Option<Plan>);

fn prepare(session: &Session, arguments: &Arguments) -> Result<Prepared, Vec<Problem>> {
    let one = |problem| vec![problem];
    if arguments.references.is_empty() {
        return Err(one(Problem::usage("nothing to look at").hint(
            "name a reference, such as aliyun/job/CLUSTER/JOB, or - for standard input",
        )));
    }
    let format = session.global.format();
    check(format).map_err(one)?;
    let sieve = arguments.sieve(Utc::now()).map_err(one)?;
    let plan = arguments.follow.then(|| arguments.plan(format)).transpose();
    let plan = plan.map_err(one)?;
    let options = Options {
        trust_finished: arguments.trust_finished,
        ..Options::default()
    };
    let settings = session.settings().map_err(one)?;
    let pace = plan.is_some().then_some(PACE);
    let lens = Lens::prepare(session, settings, &arguments.references, options, pace)?;
    Ok((Arc::new(lens), sieve, plan))
}

/// The one place where the forms that are not written yet are refused.
fn check(format: Format) -> Result<(), Problem> {
    match format {
        Format::Yaml | Format::Csv | Format::Tsv | Format::Markdown => {
            Err(Problem::usage("events come as table, json, jsonl or name")
                .hint("-o json holds everything"))
        }
        _ => Ok(()),
    }
}

fn once(session: &Session, lens: &Arc<Lens>, sieve: Sieve) -> u8 {
    let runtime = runtime();
    let outcomes = runtime.block_on(lens.outcomes());
    // A DNS call that still hangs must not hold up the answer.
    runtime.shutdown_background();
    let (jobs, problems) = parted(outcomes);
    let mut timeline = Timeline::new("events", &jobs, problems, lens.told.all());
    timeline.sift(sieve);
    let code = finish(session, &timeline, &references(lens), lens.wire.calls());
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

fn references(lens: &Lens) -> Vec<String> {
    lens.references.iter().map(ToString::to_string).collect()
}

/// Prints the timeline and then what it does not hold: what failed, and what a cloud does not keep.
fn finish(session: &Session, timeline: &Timeline, references: &[String], calls: u64) -> u8 {
    let form = session.global.form();
    let screen = page_screen(session);
    let mut out = io::stdout().lock();
    let written = output::write_timeline(&mut out, timeline, references, calls, &form, &screen);
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
    match session.global.format() {
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
