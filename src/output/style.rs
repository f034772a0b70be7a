//! Colors, and texts next to their labels.

use std::io::{self, Write};

use super::text::wrap;
use super::{RenderContext, escape};
use crate::model::State;

/// Returns the style of a state, one of the eight ANSI colors.
pub(super) fn state_style(state: State) -> &'static str {
    const RED: &str = "31";
    const GREEN: &str = "32";
    const YELLOW: &str = "33";
    const BLUE: &str = "34";
    const MAGENTA: &str = "35";
    const CYAN: &str = "36";
    match state {
        State::Succeeded => GREEN,
        State::Failed => RED,
        State::Canceled | State::Stopping => YELLOW,
        State::Running => CYAN,
        State::Pending | State::Starting => BLUE,
        State::Unknown => MAGENTA,
    }
}

/// Returns a text in an ANSI style, such as `1` for bold and `31` for red, if colors can be used.
pub(super) fn styled(style: &str, text: &str, context: &RenderContext) -> String {
    match context.colour {
        true => format!("\u{1b}[{style}m{text}\u{1b}[0m"),
        false => text.to_owned(),
    }
}

/// Writes a text next to its label, wrapped to several lines if needed; `columns` is the width of the label.
///
/// # Errors
/// Returns errors of the writer.
pub(super) fn write_labelled(
    out: &mut dyn Write,
    label: &str,
    columns: usize,
    text: &str,
    context: &RenderContext,
) -> io::Result<()> {
    let max_width = context.width;
    let max_width = max_width.map_or(usize::MAX, |width| width.saturating_sub(columns));
    let blank = " ".repeat(columns);
    for (number, part) in wrap(&escape(text), max_width, usize::MAX)
        .iter()
        .enumerate()
    {
        let before = if number == 0 { label } else { &blank };
        writeln!(out, "{before}{part}")?;
    }
    Ok(())
}
