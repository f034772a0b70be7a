//! Following things until the end: what `watch` and `events --follow` share.

mod chronicle;
mod display;
mod ends;
mod rows;
mod scopes;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::SignalKind;
use tokio::time::Instant;

pub(super) use chronicle::Chronicle;
pub(super) use display::Display;

use super::look_up::Lens;
use super::outlet::Outlet;
use super::poll::{Change, Manner, Poller, Turn, is_weather};
use super::voice::Voice;
use super::{Session, closed, runtime, unwritable};
use crate::error::{self, Category, Problem};
use crate::gate::{Rules, Standing};
use crate::output::{self, Screen, Size, Summary};
use display::problem_lines;
use ends::{Ends, handler};
use rows::{rows, trouble};
use scopes::{News, Scopes};

/// Messages that are kept for the end while a table covers the terminal.
const MOST_HELD: usize = 200;
/// An interrupted command ends soon, whatever its outputs do.
const PATIENCE: Duration = Duration::from_millis(60);
/// Time for standard error to take what comes last.
const LAST_WORDS: Duration = Duration::from_secs(2);
/// Ages on a terminal are drawn again so often.
const TICK: Duration = Duration::from_secs(1);

/// How things are followed.
pub(super) struct Plan {
    /// When a thing needs no more looks.
    pub rules: Rules,
    /// A fixed time between two looks.
    pub interval: Option<Duration>,
    /// The codes of the notices that are said as they come.
    pub said: &'static [&'static str],
}

/// Follows what the lens names until the end, and returns the exit code; `opened` is what the
/// display begins with.
pub(super) fn run(
    session: &Session,
    lens: Arc<Lens>,
    plan: Plan,
    (display, opened): (Display, Vec<u8>),
) -> u8 {
    let runtime = runtime();
    let ended = runtime.block_on(follow(session, lens, plan, display, opened));
    // A DNS call that still hangs must not hold up the end.
    runtime.shutdown_background();
    ended
}

async fn follow(
    session: &Session,
    lens: Arc<Lens>,
    plan: Plan,
    display: Display,
    opened: Vec<u8>,
) -> u8 {
    let outlet = match Outlet::open() {
        Ok(outlet) => outlet,
        Err(error) => {
            session.complain(&unwritable(&error));
            return 5;
        }
    };
    outlet.write(opened);
    let manner = Manner {
        interval: plan.interval,
        needs_events: display.needs_events(),
        tells_reads: display.needs_events(),
        ..Manner::default()
    };
    let covers = matches!(display, Display::Live(_)) && io::stderr().is_terminal();
    let mut following = Following {
        session,
        poller: Poller::new(Arc::clone(&lens), manner),
        scopes: Scopes::new(&lens, plan.interval),
        lens,
        plan,
        display,
        outlet,
        voice: Voice::new(session.global.quiet, true, 0),
        told: Vec::new(),
        said: Vec::new(),
        held: covers.then(Vec::new),
    };
    let mut ends = Ends::new();
    let end = following.until_the_end(&mut ends).await;
    following.finish(end, &mut ends).await
}

/// How it came to its end.
enum End {
    /// Nothing is left to look at.
    Done,
    /// By a signal, with its exit code.
    Stopped(u8),
    /// Nothing can be written any more.
    Closed(io::Error),
}

/// What was last told of a thing that cannot be read: the kind of failure, and whether it is given up.
type Told = Option<(Category, bool)>;

struct Following<'a> {
    session: &'a Session,
    poller: Poller,
    scopes: Scopes,
    lens: Arc<Lens>,
    plan: Plan,
    display: Display,
    outlet: Outlet,
    voice: Voice,
    /// For each thing, in the order of the poller.
    told: Vec<Told>,
    /// The newest messages, which stand under a live table.
    said: Vec<String>,
    /// Messages that wait until the table no longer covers the terminal.
    held: Option<Vec<String>>,
}

impl Following<'_> {
    async fn until_the_end(&mut self, ends: &mut Ends) -> End {
        let mut resized = handler(SignalKind::window_change());
        loop {
            self.settle();
            self.draw();
            let is_done = self.poller.watched.iter().all(|watched| watched.done);
            if is_done && self.scopes.are_over() {
                return End::Done;
            }
            self.poller.start_due();
            self.scopes.start_due(self.poller.elapsed());
            let (busy, listing) = (self.poller.is_busy(), self.scopes.is_busy());
            let (started, wake_at) = (self.poller.started(), self.wake_at());
            tokio::select! {
                biased;
                code = ends.next() => return End::Stopped(code),
                error = self.outlet.failed() => return End::Closed(error),
                _ = resized.recv() => self.display.forget(),
                changes = self.poller.next(), if busy => self.take(&changes),
                news = self.scopes.next(|| started.elapsed()), if listing => self.take_news(news),
                () = tokio::time::sleep_until(wake_at) => {}
            }
        }
    }

    /// When to look up from waiting: the next look, or the next second of a live table.
    fn wake_at(&self) -> Instant {
        let now = self.poller.elapsed();
        let tick = matches!(self.display, Display::Live(_)).then(|| now + TICK);
        let due = self.poller.next_due().into_iter();
        let wake = due.chain(self.scopes.next_due()).chain(tick).min();
        // Without either, a look is under way and ends the waiting.
        Instant::now() + wake.map_or(TICK, |wake| wake.saturating_sub(now))
    }

    fn take(&mut self, changes: &[Change]) {
        let at = self.screen().now;
        let clock = output::duration(self.poller.elapsed().as_secs() as i64);
        for change in changes {
            match change {
                Change::State(number, previous) => {
                    let job = self.poller.watched[*number].job.as_ref();
                    let job = job.expect("a thing in a state was read");
                    let part = self.display.transition(at, job, *previous);
                    self.outlet.write(part);
                }
                Change::Read(number) => {
                    let job = self.poller.watched[*number].job.as_ref();
                    let job = job.expect("what was just read is kept");
                    let part = self.display.read(at, job);
                    self.outlet.write(part);
                }
                // Told as soon as it is known whether it is believed.
                Change::Problem(_) => {}
                Change::Weather(Turn::Outage(cloud, message)) => self.say(format!(
                    "joblens: {clock} {cloud} does not answer ({message}); looking on"
                )),
                Change::Weather(Turn::Recovered(cloud, after)) => {
                    let after = output::duration(after.as_secs() as i64);
                    self.say(format!(
                        "joblens: {clock} {cloud} answers again after {after}"
                    ));
                }
            }
        }
        for notice in self.lens.told.fresh() {
            if self.plan.said.contains(&notice.code) {
                self.say(format!("joblens: note: {}", notice.message));
            }
        }
    }

    /// Follows what has appeared in a scope, and tells when a scope cannot be listed.
    fn take_news(&mut self, news: Option<News>) {
        match news {
            None => {}
            Some(News::Appeared(references)) => {
                for reference in references {
                    let watched = &self.poller.watched;
                    let canonical = reference.to_string();
                    if !watched
                        .iter()
                        .any(|one| one.reference.to_string() == canonical)
                    {
                        self.poller.add(&reference);
                    }
                }
            }
            Some(News::Trouble(problem, is_final)) => self.complain(&problem, is_final),
        }
    }

    /// Lets go what needs no more looks, and tells what cannot be read.
    fn settle(&mut self) {
        let now = self.poller.elapsed();
        self.told.resize(self.poller.watched.len(), None);
        for number in 0..self.poller.watched.len() {
            let watched = &mut self.poller.watched[number];
            let standing = watched.track.standing(&self.plan.rules, now);
            let settled = match &standing {
                Standing::Open(open) => open.settled,
                Standing::Yes | Standing::No(_) => true,
            };
            watched.done = settled;
            let fresh = trouble(watched, &standing);
            let told = fresh.as_ref().map(|problem| (problem.category, settled));
            if let Some(problem) = fresh.filter(|_| told != self.told[number]) {
                self.complain(&problem, settled);
            }
            self.told[number] = told;
        }
    }

    /// Tells that a thing cannot be read; `settled` when it is given up.
    fn complain(&mut self, problem: &Problem, settled: bool) {
        let screen = self.screen();
        let part = self.display.error(screen.now, problem);
        self.outlet.write(part);
        if settled {
            let colourless = Screen {
                colour: false,
                ..screen
            };
            for line in problem_lines(problem, &colourless) {
                self.whisper(line);
            }
        } else if !is_weather(problem.category) {
            let clock = output::duration(self.poller.elapsed().as_secs() as i64);
            let reference = problem.reference.as_deref().unwrap_or_default();
            let message = &problem.message;
            self.whisper(format!(
                "joblens: {clock} {reference}: {message}; looking on"
            ));
        }
    }

    /// Says a line that no row of a live table tells.
    fn say(&mut self, line: String) {
        if !self.session.global.quiet {
            keep(&mut self.said, line.clone());
        }
        self.whisper(line);
    }

    /// Says a line on standard error, as soon as no live table is in the way.
    fn whisper(&mut self, line: String) {
        match &mut self.held {
            Some(held) => keep(held, line),
            None => self.voice.line(line),
        }
    }

    fn draw(&mut self) {
        // What a terminal has not taken yet would only be out of date.
        if !matches!(self.display, Display::Live(_)) || self.outlet.is_behind() {
            return;
        }
        let size = terminal_size::terminal_size_of(io::stdout()).map_or(
            Size {
                width: 80,
                height: 24,
            },
            |(width, height)| Size {
                width: usize::from(width.0),
                height: usize::from(height.0),
            },
        );
        let screen = Screen {
            width: Some(size.width),
            ..self.screen()
        };
        let rows = rows(&self.poller, &self.plan.rules);
        let frame = self.display.frame(&rows, &self.said, &screen, size);
        self.outlet.write(frame);
    }

    fn screen(&self) -> Screen {
        self.session.screen(io::stdout().is_terminal())
    }

    /// Writes what comes last, and returns the exit code. A reader that takes nothing can be waited
    /// for, but neither after a signal nor through one.
    async fn finish(self, end: End, ends: &mut Ends) -> u8 {
        let screen = self.screen();
        let rows = rows(&self.poller, &self.plan.rules);
        let watched = &self.poller.watched;
        let problems = watched.iter().filter_map(|one| one.problem.as_ref());
        let problems: Vec<&Problem> = problems.chain(self.scopes.problems()).collect();
        let summary = Summary {
            jobs: watched.iter().filter(|one| one.job.is_some()).count() as u64,
            errors: problems.len() as u64,
            calls: self.lens.wire.calls(),
            complete: problems.is_empty(),
        };
        let done = error::exit_code(problems);
        let closing = self.display.close(&rows, &screen, summary);
        self.outlet.write(closing);
        let end = match end {
            End::Done => tokio::select! {
                failure = self.outlet.end() => failure.map_or(End::Done, End::Closed),
                code = ends.next() => End::Stopped(code),
            },
            stopped_or_closed => {
                // What cannot be written by then is lost.
                let _ = tokio::time::timeout(PATIENCE, self.outlet.end()).await;
                stopped_or_closed
            }
        };
        for line in self.held.into_iter().flatten() {
            self.voice.line(line);
        }
        let code = match &end {
            End::Done => done,
            End::Stopped(code) => *code,
            End::Closed(error) if error.kind() == io::ErrorKind::BrokenPipe => closed(),
            End::Closed(error) => {
                for line in problem_lines(&unwritable(error), &screen) {
                    self.voice.line(line);
                }
                5
            }
        };
        self.voice.end_within(match end {
            End::Stopped(_) => PATIENCE,
            End::Done | End::Closed(_) => LAST_WORDS,
        });
        code
    }
}

fn keep(lines: &mut Vec<String>, line: String) {
    if lines.len() == MOST_HELD {
        lines.remove(0);
    }
    lines.push(line);
}
