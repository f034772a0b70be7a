//! Colors, and texts next to their labels.

use std::io::{self, Write};

use super::text::width;
use super::wrap::wrap_at_most;
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
    match context.color {
        true => format!("\u{1b}[{style}m{text}\u{1b}[0m"),
        false => text.to_owned(),
    }
}

/// The minimum width of a text next to its label; if less is left, the text is below it.
const MIN_TEXT_WIDTH: usize = 18;

/// The indentation of a text below its label.
const BELOW_INDENT: usize = 4;

/// Writes a text next to its label, wrapped to several lines if needed; `columns` is the width of the label. If the
/// terminal is too narrow for both, the text is below the label.
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
    let text = escape(text);
    let room = context
        .width
        .map_or(usize::MAX, |limit| limit.saturating_sub(columns));
    let is_below = room < MIN_TEXT_WIDTH && room < width(&text);
    let indent = if is_below { BELOW_INDENT } else { columns };
    let max_width = context
        .width
        .map_or(usize::MAX, |limit| limit.saturating_sub(indent));
    if is_below {
        writeln!(out, "{}", label.trim_end())?;
    }
    let blank = " ".repeat(indent);
    for (number, part) in wrap_at_most(&text, max_width, usize::MAX)
        .iter()
        .enumerate()
    {
        let before = if number == 0 && !is_below {
            label
        } else {
            &blank
        };
        writeln!(out, "{before}{part}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::Zone;
    use super::*;
    use crate::model::Time;

    #[test]
    fn a_text_without_room_next_to_its_label_is_below_it() {
        let written = |text: &str, width| {
            let context = RenderContext {
                width,
                color: false,
                now: Time::from_unix(1_700_000_000).unwrap(),
                zone: Zone::Utc,
            };
            let mut out = Vec::new();
            let label = "  aliyun/job/CLUSTER/JOB  ";
            write_labelled(&mut out, label, 26, text, &context).unwrap();
            String::from_utf8(out).unwrap()
        };
        let text = "E-HPC cluster, with all jobs";
        assert_eq!(
            written(text, Some(30)),
            "  aliyun/job/CLUSTER/JOB\n    E-HPC cluster, with all\n    jobs\n"
        );
        assert_eq!(
            written("jobs", Some(30)),
            "  aliyun/job/CLUSTER/JOB  jobs\n"
        );
        assert_eq!(
            written(text, Some(44)),
            "  aliyun/job/CLUSTER/JOB  E-HPC cluster,\n                          with all jobs\n"
        );
        assert!(written(text, None).ends_with("JOB  E-HPC cluster, with all jobs\n"));
    }
}
