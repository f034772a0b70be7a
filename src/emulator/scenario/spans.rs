//! Values of a scenario file, and errors that name their lines.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use toml::Spanned;

use crate::error::{Problem, kind_text};
use crate::kind::Kind;
use crate::settings;

/// A text with its position, so that an error can name the line.
pub(super) type Text = Spanned<String>;

/// Maximum duration: ten years. Longer durations could exceed the range of calendar dates.
const MAX_DURATION: Duration = Duration::from_secs(3650 * 86_400);

/// Returns the text of a file, or an error message.
pub(super) fn contents(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| match error.kind() {
        ErrorKind::InvalidData => "is not UTF-8 text".to_owned(),
        kind => format!("cannot be read ({})", kind_text(kind)),
    })
}

/// The text of a scenario during parsing.
pub(super) struct ScenarioParser<'a> {
    pub text: &'a str,
    pub path: &'a Path,
    pub kinds: &'a [&'static Kind],
}

impl ScenarioParser<'_> {
    pub fn duration_or_zero(&self, text: Option<&Text>) -> Result<Duration, Problem> {
        text.map_or(Ok(Duration::ZERO), |text| self.duration(text))
    }

    /// Parses a period that is relative to the emulator's start: its start, and its end if it has one.
    pub fn span(
        &self,
        from: Option<&Text>,
        until: Option<&Text>,
    ) -> Result<(Duration, Option<Duration>), Problem> {
        let begins = self.duration_or_zero(from)?;
        let Some(until) = until else {
            return Ok((begins, None));
        };
        let ends = self.duration(until)?;
        if ends <= begins {
            return Err(self.error_at_text(until, "must be after the start"));
        }
        Ok((begins, Some(ends)))
    }

    pub fn duration(&self, text: &Text) -> Result<Duration, Problem> {
        self.duration_of(text, text.get_ref())
    }

    /// Parses the duration in a part of a text.
    pub(super) fn duration_of(&self, location: &Text, text: &str) -> Result<Duration, Problem> {
        let duration = settings::duration(text).ok_or_else(|| {
            self.error_at_text(
                location,
                "is not a valid duration; use e.g. 90s, 15m, 2h30m, 1d or 500ms",
            )
        })?;
        if duration > MAX_DURATION {
            return Err(self.error_at_text(location, "is longer than ten years"));
        }
        Ok(duration)
    }

    /// Returns a usage error that quotes a text and names its line.
    pub fn error_at_text(&self, text: &Text, message: &str) -> Problem {
        let quoted = text.get_ref();
        self.error_at_offset(text.span().start, &format!("'{quoted}' {message}"))
    }

    /// Returns a usage error with the line of a byte in the file.
    pub fn error_at_offset(&self, at: usize, message: &str) -> Problem {
        let before = &self.text.as_bytes()[..at.min(self.text.len())];
        let line = 1 + before.iter().filter(|byte| **byte == b'\n').count();
        Problem::usage(format!("{}:{line}: {message}", self.path.display()))
    }
}
