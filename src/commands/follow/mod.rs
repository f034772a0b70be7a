//! Following resources until the end: what `watch` and `events --follow` share.

mod dedup;
mod display;
mod ends;
mod rows;
mod scopes;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::SignalKind;
use tokio::time::Instant;

pub(super) use dedup::EventDeduplicator;
pub(super) use display::FollowOutput;

use super::context::CommandContext;
use super::lookup::Lookup;
use super::poll::{OutageEvent, PollEvent, PollOptions, Poller, is_transient};
use super::print::{closed, write_problem};
use super::reporter::Reporter;
use super::runtime::block_on;
use super::stdout_writer::StdoutWriter;
use crate::error::{self, Category, Problem};
use crate::gate::{Evaluation, GatePolicy};
use crate::model::NoticeCode;
use crate::output::{self, RenderContext, Summary, TerminalSize};
use display::problem_lines;
use ends::{Ends, handler};
use rows::{read_failure, rows};
use scopes::{ScopeEvent, ScopeWatcher};

/// Messages that are kept for the end while a table covers the terminal.
const MAX_DEFERRED_LINES: usize = 200;
/// An interrupted command ends soon, whatever its outputs do.
const STDOUT_FLUSH_TIMEOUT: Duration = Duration::from_millis(60);
/// Time for stderr to take what comes last.
const STDERR_FLUSH_TIMEOUT: Duration = Duration::from_secs(2);
/// Ages on a terminal are drawn again so often.
const REDRAW_INTERVAL: Duration = Duration::from_secs(1);

/// How resources are followed.
pub(super) struct FollowOptions {
    /// When a resource needs no more checks.
    pub policy: GatePolicy,
    /// A fixed polling interval.
    pub interval: Option<Duration>,
    /// The codes of the notices that are said as they come.
    pub notice_codes: &'static [NoticeCode],
}

/// Follows what the lookup names until the end, and returns the exit code; `opened` is what the
/// display begins with.
pub(super) fn run(
    session: &CommandContext,
    lookup: Arc<Lookup>,
    plan: FollowOptions,
    (display, opened): (FollowOutput, Vec<u8>),
) -> u8 {
    block_on(follow(session, lookup, plan, display, opened))
}

async fn follow(
    session: &CommandContext,
    lookup: Arc<Lookup>,
    plan: FollowOptions,
    display: FollowOutput,
    opened: Vec<u8>,
) -> u8 {
    let outlet = match StdoutWriter::open() {
        Ok(outlet) => outlet,
        Err(error) => {
            session.print_problem(&write_problem(&error));
            return 5;
        }
    };
    outlet.write(opened);
    let manner = PollOptions {
        interval: plan.interval,
        needs_events: display.needs_events(),
        emit_reads: display.needs_events(),
        ..PollOptions::default()
    };
    let covers = matches!(display, FollowOutput::Live(_)) && io::stderr().is_terminal();
    let mut following = FollowLoop {
        context: session,
        poller: Poller::new(Arc::clone(&lookup), manner),
        scopes: ScopeWatcher::new(&lookup, plan.interval),
        lookup,
        options: plan,
        display,
        stdout: outlet,
        reporter: Reporter::new(session.global.quiet, true, 0),
        last_reported: Vec::new(),
        notes: Vec::new(),
        deferred: covers.then(Vec::new),
    };
    let mut ends = Ends::new();
    let end = following.until_the_end(&mut ends).await;
    following.finish(end, &mut ends).await
}

/// How it came to its end.
enum FollowEnd {
    /// Nothing is left to check.
    Done,
    /// By a signal, with its exit code.
    Stopped(u8),
    /// Nothing can be written any more.
    Closed(io::Error),
}

/// What was last reported of an unreadable resource: the kind of failure, and whether it was given
/// up.
type LastReported = Option<(Category, bool)>;

struct FollowLoop<'a> {
    context: &'a CommandContext,
    poller: Poller,
    scopes: ScopeWatcher,
    lookup: Arc<Lookup>,
    options: FollowOptions,
    display: FollowOutput,
    stdout: StdoutWriter,
    reporter: Reporter,
    /// For each resource, in the order of the poller.
    last_reported: Vec<LastReported>,
    /// The newest messages, which stand under a live table.
    notes: Vec<String>,
    /// Messages that wait until the table no longer covers the terminal.
    deferred: Option<Vec<String>>,
}

impl FollowLoop<'_> {
    async fn until_the_end(&mut self, ends: &mut Ends) -> FollowEnd {
        let mut resized = handler(SignalKind::window_change());
        loop {
            self.update_final();
            self.redraw();
            let is_done = self.poller.jobs.iter().all(|watched| watched.is_final);
            if is_done && self.scopes.is_done() {
                return FollowEnd::Done;
            }
            self.poller.start_due();
            self.scopes.start_due(self.poller.elapsed());
            let (busy, listing) = (self.poller.is_busy(), self.scopes.is_busy());
            let (started, wake_at) = (self.poller.started(), self.wake_at());
            tokio::select! {
                biased;
                code = ends.next() => return FollowEnd::Stopped(code),
                error = self.stdout.closed() => return FollowEnd::Closed(error),
                _ = resized.recv() => self.display.invalidate(),
                changes = self.poller.next(), if busy => self.take(&changes),
                news = self.scopes.next(|| started.elapsed()), if listing => self.take_scope_event(news),
                () = tokio::time::sleep_until(wake_at) => {}
            }
        }
    }

    /// When to wake up: the next check, or the next second of a live table.
    fn wake_at(&self) -> Instant {
        let now = self.poller.elapsed();
        let tick = matches!(self.display, FollowOutput::Live(_)).then(|| now + REDRAW_INTERVAL);
        let due = self.poller.next_due().into_iter();
        let wake = due.chain(self.scopes.next_due()).chain(tick).min();
        // Without either, a look is under way and ends the waiting.
        Instant::now() + wake.map_or(REDRAW_INTERVAL, |wake| wake.saturating_sub(now))
    }

    fn take(&mut self, changes: &[PollEvent]) {
        let at = self.render_context().now;
        let clock = output::duration(self.poller.elapsed().as_secs() as i64);
        for change in changes {
            match change {
                PollEvent::State(number, previous) => {
                    let job = self.poller.jobs[*number].job.as_ref();
                    let job = job.expect("a resource with a state was read");
                    let part = self.display.transition(at, job, *previous);
                    self.stdout.write(part);
                }
                PollEvent::Read(number) => {
                    let job = self.poller.jobs[*number].job.as_ref();
                    let job = job.expect("the job that was just read is kept");
                    let part = self.display.on_read(at, job);
                    self.stdout.write(part);
                }
                // Told as soon as it is known whether it is believed.
                PollEvent::Problem(_) => {}
                PollEvent::Outage(OutageEvent::Started(cloud, message)) => self.show_note(format!(
                    "{clock} {cloud} is unreachable ({message}); retrying"
                )),
                PollEvent::Outage(OutageEvent::Ended(cloud, after)) => {
                    let after = output::duration(after.as_secs() as i64);
                    self.show_note(format!("{clock} {cloud} is reachable again after {after}"));
                }
            }
        }
        for notice in self.lookup.notices.take_new() {
            if self.options.notice_codes.contains(&notice.code) {
                self.show_note(output::notice_line(&notice));
            }
        }
    }

    /// Watches what has appeared in a scope, and reports when a scope cannot be listed.
    fn take_scope_event(&mut self, news: Option<ScopeEvent>) {
        match news {
            None => {}
            Some(ScopeEvent::Added(references, failed_part)) => {
                for reference in references {
                    let watched = &self.poller.jobs;
                    let canonical = reference.to_string();
                    if !watched
                        .iter()
                        .any(|one| one.reference.to_string() == canonical)
                    {
                        self.poller.add(&reference);
                    }
                }
                if let Some(problem) = failed_part {
                    self.report_failure(&problem, false);
                }
            }
            Some(ScopeEvent::Error(problem, is_final)) => self.report_failure(&problem, is_final),
        }
    }

    /// Drops what needs no more checks, and reports what cannot be read.
    fn update_final(&mut self) {
        let now = self.poller.elapsed();
        self.last_reported.resize(self.poller.jobs.len(), None);
        for number in 0..self.poller.jobs.len() {
            let watched = &mut self.poller.jobs[number];
            let evaluation = watched.history.evaluate(&self.options.policy, now);
            let settled = match &evaluation {
                Evaluation::Pending(open) => open.is_final,
                Evaluation::Met | Evaluation::Unmet(_) => true,
            };
            watched.is_final = settled;
            let fresh = read_failure(watched, &evaluation);
            let told = fresh.as_ref().map(|problem| (problem.category, settled));
            if let Some(problem) = fresh.filter(|_| told != self.last_reported[number]) {
                self.report_failure(&problem, settled);
            }
            self.last_reported[number] = told;
        }
    }

    /// Reports that a resource cannot be read; `settled` when it is given up.
    fn report_failure(&mut self, problem: &Problem, settled: bool) {
        let screen = self.render_context();
        let part = self.display.error(screen.now, problem);
        self.stdout.write(part);
        if settled {
            let colourless = RenderContext {
                colour: false,
                ..screen
            };
            for line in problem_lines(problem, &colourless) {
                self.log_line(line);
            }
        } else if !is_transient(problem.category) {
            let clock = output::duration(self.poller.elapsed().as_secs() as i64);
            let reference = problem.reference.as_deref().unwrap_or_default();
            let message = &problem.message;
            self.log_line(format!("{clock} {reference}: {message}; retrying"));
        }
    }

    /// Prints a line that no row of a live table shows.
    fn show_note(&mut self, line: String) {
        if !self.context.global.quiet {
            push_bounded(&mut self.notes, line.clone());
        }
        self.log_line(line);
    }

    /// Says a line on stderr, as soon as no live table is in the way.
    fn log_line(&mut self, line: String) {
        match &mut self.deferred {
            Some(held) => push_bounded(held, line),
            None => self.reporter.println(line),
        }
    }

    fn redraw(&mut self) {
        // What a terminal has not taken yet would only be out of date.
        if !matches!(self.display, FollowOutput::Live(_)) || self.stdout.has_backlog() {
            return;
        }
        let size = terminal_size::terminal_size_of(io::stdout()).map_or(
            TerminalSize {
                width: 80,
                height: 24,
            },
            |(width, height)| TerminalSize {
                width: usize::from(width.0),
                height: usize::from(height.0),
            },
        );
        let screen = RenderContext {
            width: Some(size.width),
            ..self.render_context()
        };
        let rows = rows(&self.poller, &self.options.policy);
        let frame = self.display.frame(&rows, &self.notes, &screen, size);
        self.stdout.write(frame);
    }

    fn render_context(&self) -> RenderContext {
        self.context.render_context(io::stdout().is_terminal())
    }

    /// Writes what comes last, and returns the exit code. A reader that takes nothing can be waited
    /// for, but neither after a signal nor through one.
    async fn finish(self, end: FollowEnd, ends: &mut Ends) -> u8 {
        let screen = self.render_context();
        let rows = rows(&self.poller, &self.options.policy);
        let watched = &self.poller.jobs;
        let problems = watched.iter().filter_map(|one| one.problem.as_ref());
        let problems: Vec<&Problem> = problems.chain(self.scopes.problems()).collect();
        let summary = Summary {
            jobs: watched.iter().filter(|one| one.job.is_some()).count() as u64,
            errors: problems.len() as u64,
            requests: self.lookup.transport.calls(),
            complete: problems.is_empty(),
        };
        let done = error::exit_code(problems);
        let closing = self.display.close(&rows, &screen, summary);
        self.stdout.write(closing);
        let end = match end {
            FollowEnd::Done => tokio::select! {
                failure = self.stdout.close() => failure.map_or(FollowEnd::Done, FollowEnd::Closed),
                code = ends.next() => FollowEnd::Stopped(code),
            },
            stopped_or_closed => {
                // What cannot be written by then is lost.
                let _ = tokio::time::timeout(STDOUT_FLUSH_TIMEOUT, self.stdout.close()).await;
                stopped_or_closed
            }
        };
        for line in self.deferred.into_iter().flatten() {
            self.reporter.println(line);
        }
        let code = match &end {
            FollowEnd::Done => done,
            FollowEnd::Stopped(code) => *code,
            FollowEnd::Closed(error) if error.kind() == io::ErrorKind::BrokenPipe => closed(),
            FollowEnd::Closed(error) => {
                for line in problem_lines(&write_problem(error), &screen) {
                    self.reporter.println(line);
                }
                5
            }
        };
        self.reporter.finish_within(match end {
            FollowEnd::Stopped(_) => STDOUT_FLUSH_TIMEOUT,
            FollowEnd::Done | FollowEnd::Closed(_) => STDERR_FLUSH_TIMEOUT,
        });
        code
    }
}

fn push_bounded(lines: &mut Vec<String>, line: String) {
    if lines.len() == MAX_DEFERRED_LINES {
        lines.remove(0);
    }
    lines.push(line);
}
