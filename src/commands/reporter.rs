//! Prints the messages of a long command to stderr while it runs.

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
    /// No progress.
    Quiet,
    /// One line per message.
    Lines(Sender<String>, JoinHandle<()>),
    /// One redrawn line per job, on a terminal.
    Progress(TerminalProgress),
}

/// Lines that are redrawn on the terminal at stderr.
pub(super) struct TerminalProgress {
    progress: Progress,
    writer: Sender<String>,
    thread: JoinHandle<()>,
    /// The number of texts that are not written yet.
    backlog: Arc<AtomicUsize>,
}

impl Reporter {
    /// Prints one line per message. A separate thread writes them, because a full pipe must not stop the
    /// command. Clears `progress` during each write.
    pub(super) fn lines(progress: &ProgressLine) -> Self {
        let (lines, thread) = stderr_writer(Arc::default(), progress.clone());
        Self::Lines(lines, thread)
    }

    /// Draws one line per job, on a terminal that can be redrawn.
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

    /// Returns the terminal with one line per job, if there is one. Changes then need no message.
    pub(super) fn terminal(&mut self) -> Option<&mut TerminalProgress> {
        match self {
            Self::Progress(terminal) => Some(terminal),
            Self::Quiet | Self::Lines(..) => None,
        }
    }

    /// Returns `true` if each job has its own redrawn line.
    pub(super) fn is_live(&self) -> bool {
        matches!(self, Self::Progress(_))
    }

    /// Clears the live lines and waits until the last line is written, which can take forever.
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
        // The writer has no code that panics.
        let _ = thread.join();
    }

    /// Finishes, but waits at most `limit` for the last line.
    pub(super) fn finish_within(self, limit: Duration) {
        let (sender, done) = mpsc::channel();
        spawn_thread(move || {
            self.finish();
            // The receiver is gone after the limit.
            let _ = sender.send(());
        });
        let _ = done.recv_timeout(limit);
    }
}

impl TerminalProgress {
    /// Draws jobs and a status line in place of the last ones; see [`Progress::draw`].
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
            // Skip this if the terminal is slow: a queued text would be out of date.
            let text = self.progress.draw(is_final, row, status, context, size());
            self.write(text);
        }
    }

    /// Draws the next lines at the cursor, because it was moved.
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

/// Starts a thread that writes each text to stderr at once.
fn stderr_writer(
    backlog: Arc<AtomicUsize>,
    progress: ProgressLine,
) -> (Sender<String>, JoinHandle<()>) {
    let (sender, texts) = mpsc::channel::<String>();
    let thread = spawn_thread(move || {
        for text in texts {
            // A closed stderr does not stop the command.
            let _ = progress.suspend(|| io::stderr().lock().write_all(text.as_bytes()));
            backlog.fetch_sub(1, Ordering::AcqRel);
        }
    });
    (sender, thread)
}

/// Returns the size of the terminal at stderr.
fn size() -> TerminalSize {
    TerminalSize::of(io::stderr())
}
