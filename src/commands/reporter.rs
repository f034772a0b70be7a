//! The messages of a long command on stderr while it runs.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use super::job_control::is_in_background;
use super::progress_line::ProgressLine;
use super::runtime::spawn_thread;
use crate::output::{Progress, ProgressRow, RenderContext, TerminalSize, escape};

/// How a long command reports its progress.
pub(super) enum Reporter {
    /// Not at all.
    Quiet,
    /// A line at a time.
    Lines(Sender<String>, JoinHandle<()>),
    /// One line a job on a terminal.
    Progress(TerminalProgress),
}

/// Lines that are drawn again and again on the terminal at stderr.
pub(super) struct TerminalProgress {
    progress: Progress,
    writer: Sender<String>,
    thread: JoinHandle<()>,
    /// Parts that are not written yet.
    backlog: Arc<AtomicUsize>,
}

impl Reporter {
    /// A line at a time, written by a thread of its own: a full pipe must not stop the command.
    /// `progress` is cleared meanwhile.
    pub(super) fn lines(progress: &ProgressLine) -> Self {
        let (lines, thread) = stderr_writer(Arc::default(), progress.clone());
        Self::Lines(lines, thread)
    }

    /// One line a job, on a terminal that may be drawn on.
    pub(super) fn progress() -> Self {
        let backlog = Arc::default();
        let (writer, thread) = stderr_writer(Arc::clone(&backlog), ProgressLine::default());
        Self::Progress(TerminalProgress {
            progress: Progress::default(),
            writer,
            thread,
            backlog,
        })
    }

    /// Prints a line.
    pub(super) fn println(&mut self, text: String) {
        match self {
            Self::Quiet => {}
            Self::Lines(lines, _) => {
                // The writer ends only with this reporter.
                let _ = lines.send(format!("{}\n", escape(&text)));
            }
            Self::Progress(terminal) => terminal.println(&text),
        }
    }

    /// The lines of jobs, if they have any, so that changes need not be reported.
    pub(super) fn terminal(&mut self) -> Option<&mut TerminalProgress> {
        match self {
            Self::Progress(terminal) => Some(terminal),
            Self::Quiet | Self::Lines(..) => None,
        }
    }

    /// True when jobs have lines of their own.
    pub(super) fn is_live(&self) -> bool {
        matches!(self, Self::Progress(_))
    }

    /// Ends: takes the live lines away, and waits until the last line is written, which may never be.
    pub(super) fn finish(self) {
        let thread = match self {
            Self::Quiet => return,
            Self::Progress(mut terminal) => {
                let cleared = terminal.progress.clear(size().width);
                terminal.write(cleared);
                terminal.thread
            }
            Self::Lines(lines, thread) => {
                drop(lines);
                thread
            }
        };
        // The writer panics at nothing it does.
        let _ = thread.join();
    }

    /// Ends, and waits for the last line no longer than this.
    pub(super) fn finish_within(self, limit: Duration) {
        let (sender, done) = mpsc::channel();
        spawn_thread(move || {
            self.finish();
            // The receiver is gone when the time is over.
            let _ = sender.send(());
        });
        let _ = done.recv_timeout(limit);
    }
}

impl TerminalProgress {
    /// Shows jobs and a status line in place of those shown before; see [`Progress::draw`].
    pub(super) fn draw(
        &mut self,
        is_final: &[bool],
        row: &dyn Fn(usize) -> ProgressRow,
        status: &str,
        context: &RenderContext,
    ) {
        if is_in_background(io::stderr()) {
            self.detach();
        } else if self.backlog.load(Ordering::Acquire) == 0 {
            // What a terminal has not taken yet would only be out of date.
            let text = self.progress.draw(is_final, row, status, context, size());
            self.write(text);
        }
    }

    /// The cursor has moved: the next lines are drawn where it is.
    pub(super) fn detach(&mut self) {
        self.progress.detach();
    }

    fn println(&mut self, text: &str) {
        let text = self.progress.println(text, size().width);
        self.write(text);
    }

    fn write(&self, text: String) {
        if !text.is_empty() {
            self.backlog.fetch_add(1, Ordering::AcqRel);
            // The writer ends only with this reporter.
            let _ = self.writer.send(text);
        }
    }
}

/// A thread that writes each text to stderr at once.
fn stderr_writer(
    backlog: Arc<AtomicUsize>,
    progress: ProgressLine,
) -> (Sender<String>, JoinHandle<()>) {
    let (sender, texts) = mpsc::channel::<String>();
    let thread = spawn_thread(move || {
        for text in texts {
            // Standard error that is gone is not a reason to stop.
            let _ = progress.suspend(|| io::stderr().lock().write_all(text.as_bytes()));
            backlog.fetch_sub(1, Ordering::AcqRel);
        }
    });
    (sender, thread)
}

/// The size of the terminal at stderr.
fn size() -> TerminalSize {
    TerminalSize::of(io::stderr())
}
