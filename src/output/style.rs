//! Colours, and texts next to their labels.

use std::io::{self, Write};

use super::text::wrap;
use super::{RenderContext, escape};
use crate::model::State;

/// The style of a state's colour, one of the eight of ANSI.
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

/// A text in a style of ANSI, such as `1` for bold and `31` for red, where colours may be used.
pub(super) fn styled(style: &str, text: &str, context: &RenderContext) -> String {
    match context.colour {
        true => format!("\u{1b}[{style}m{text}\u{1b}[0m"),
        false => text.to_owned(),
    }
}

/// Writes a text next to its label, which takes this many columns, in as many lines as it takes.
///
/// # Errors
/// Those of the writer.
pub(super) fn write_labelled(
    out: &mut dyn Write,
    label: &str,
    columns: usize,
    text: &str,
    context: &RenderContext,
) -> io::Result<()> {
    let room = context.width;
    let room = room.map_or(usize::MAX, |width| width.saturating_sub(columns));
    let blank = " ".repeat(columns);
    for (number, part) in wrap(&escape(text), room, usize::MAX).iter().enumerate() {
        let before = if number == 0 { label } else { &blank };
        writeln!(out, "{before}{part}")?;
    }
    Ok(())
}
