//! What a long command says on stderr while it works.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::model::State;
use crate::output::{Progress, escape};

/// How a long command speaks.
pub(super) enum Reporter {
    /// Not at all.
    Quiet,
    /// A line at a time, written by a thread of its own: a full pipe must not stop the command.
    Lines(Sender<String>, JoinHandle<()>),
    /// One line a job on a terminal.
    Progress(Progress),
}

impl Reporter {
    /// The reporter that fits stderr; `plain` keeps to lines even on a terminal.
    pub(super) fn new(quiet: bool, plain: bool, jobs: usize) -> Self {
        if quiet {
            return Self::Quiet;
        }
        let size = terminal_size::terminal_size_of(io::stderr());
        match size.filter(|_| io::stderr().is_terminal() && !plain) {
            Some((width, height)) => Self::Progress(Progress::new(
                jobs,
                usize::from(width.0),
                usize::from(height.0),
            )),
            None => {
                let (sender, lines) = mpsc::channel::<String>();
                let writer = thread::spawn(move || {
                    for line in lines {
                        // Standard error that is gone is not a reason to stop.
                        let _ = writeln!(io::stderr().lock(), "{}", escape(&line));
                    }
                });
                Self::Lines(sender, writer)
            }
        }
    }

    /// Says a line.
    pub(super) fn println(&self, text: String) {
        match self {
            Self::Quiet => {}
            Self::Lines(lines, _) => {
                // The writer ends only with this reporter.
                let _ = lines.send(text);
            }
            Self::Progress(progress) => progress.line(&text),
        }
    }

    /// True when jobs have lines of their own, so that changes need not be reported.
    pub(super) fn is_live(&self) -> bool {
        matches!(self, Self::Progress(_))
    }

    /// Shows a job's state and how long it has been in it.
    pub(super) fn update(
        &self,
        number: usize,
        reference: &str,
        state: Option<State>,
        seconds: i64,
    ) {
        if let Self::Progress(progress) = self {
            progress.set(number, reference, state, seconds);
        }
    }

    /// Marks a job as decided.
    pub(super) fn finish_job(&self, number: usize) {
        if let Self::Progress(progress) = self {
            progress.finish(number);
        }
    }

    /// Ends: takes the live lines away, or waits until the last line is written, which may never be.
    pub(super) fn finish(self) {
        match self {
            Self::Quiet => {}
            Self::Progress(progress) => progress.clear(),
            Self::Lines(lines, writer) => {
                drop(lines);
                // The writer panics at nothing it does.
                let _ = writer.join();
            }
        }
    }

    /// Ends, and gives up waiting for the last line after so long.
    pub(super) fn finish_within(self, limit: Duration) {
        let (sender, done) = mpsc::channel();
        thread::spawn(move || {
            self.finish();
            // Nobody listens any more when the time is over.
            let _ = sender.send(());
        });
        let _ = done.recv_timeout(limit);
    }
}
