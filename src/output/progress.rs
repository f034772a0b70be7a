use std::io;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::text::truncate_width;
use super::{escape, human, terminal};
use crate::model::State;

/// One line a job on a terminal, with a spinner while the job is active; cleared at the end.
#[derive(Debug)]
pub struct Progress {
    all: MultiProgress,
    lines: Vec<ProgressBar>,
    rest: Option<ProgressBar>,
    width: usize,
    _hide_caret_echo: HideCaretEcho,
}

/// Frames of the spinner a second.
const REDRAW_INTERVAL: Duration = Duration::from_millis(120);

impl Progress {
    /// Lines for so many jobs on a terminal of so many columns and rows, drawn on stderr.
    ///
    /// What lies beyond the terminal's height is summed up in a last line.
    pub fn new(count: usize, width: usize, height: usize) -> Self {
        let all = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        let room = height.saturating_sub(2).max(1);
        let shown = if count > room {
            room.saturating_sub(1).max(1)
        } else {
            count
        };
        let line = || {
            let style = ProgressStyle::with_template("{spinner} {wide_msg}")
                .expect("the template is well formed");
            let bar = all.add(ProgressBar::new_spinner().with_style(style));
            bar.enable_steady_tick(REDRAW_INTERVAL);
            bar
        };
        let lines = (0..shown).map(|_| line()).collect();
        let rest = (count > shown).then(|| {
            let bar = line();
            bar.set_message(format!("and {} more", count - shown));
            bar
        });
        Self {
            all,
            lines,
            rest,
            width,
            _hide_caret_echo: HideCaretEcho::set(),
        }
    }

    /// Shows a job's state and how long it has been in it.
    pub fn set(&self, number: usize, reference: &str, state: Option<State>, seconds: i64) {
        if let Some(line) = self.lines.get(number) {
            let word = state.map_or("…", State::as_str);
            let text = format!("{word:<9} {:>6}  {reference}", human::duration(seconds));
            let room = self.width.saturating_sub(3);
            line.set_message(truncate_width(&escape(&text), room).into_owned());
        }
    }

    /// Marks a job as decided: its spinner stands still.
    pub fn finish(&self, number: usize) {
        if let Some(line) = self.lines.get(number) {
            // A finished line would be left behind when the others are taken away.
            line.disable_steady_tick();
        }
    }

    /// Prints a line above the others.
    pub fn line(&self, text: &str) {
        // A terminal that is gone is not a reason to stop waiting.
        let _ = self.all.println(escape(text));
    }

    /// Takes the lines away and shows the cursor again.
    pub fn clear(&self) {
        for line in self.lines.iter().chain(&self.rest) {
            line.disable_steady_tick();
        }
        // A terminal that is gone needs no clearing.
        let _ = self.all.clear();
    }
}

/// Keeps the terminal from writing `^C` behind the last line, which fills the whole width: what is
/// taken away at the end would be one line too few. Ctrl-C itself works as ever.
#[derive(Debug)]
struct HideCaretEcho;

impl HideCaretEcho {
    fn set() -> Self {
        if let Ok(mut modes) = tcgetattr(io::stderr()) {
            terminal::keep_modes(modes.clone());
            modes.local_modes.remove(LocalModes::ECHOCTL);
            // Where the terminal keeps its ways, only a line stays behind.
            let _ = tcsetattr(io::stderr(), OptionalActions::Now, &modes);
        }
        Self
    }
}

impl Drop for HideCaretEcho {
    fn drop(&mut self) {
        let _ = terminal::restore_modes();
    }
}
