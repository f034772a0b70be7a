use std::io::{self, Write};
use std::ops::Range;

use super::super::style::state_style;
use super::super::text::width;
use super::super::wrap::wrap;
use super::super::{RenderContext, escape, human};
use super::command_line;
use crate::model::{State, Time};

/// The width of a page without a terminal.
const DEFAULT_WIDTH: usize = 100;
/// The minimum width of a page.
const MIN_WIDTH: usize = 40;
/// Wider labels have a separate line.
const MAX_LABEL_WIDTH: usize = 24;
/// The indentation of a label or value that does not fit next to the other and is written below it.
const HANGING_INDENT: usize = 2;

/// How a word is highlighted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// In the style of the state that it names.
    State(State),
    /// As a problem.
    Warning,
    /// As a heading.
    Bold,
    /// Not highlighted.
    Plain,
}

impl Style {
    fn code(self) -> &'static str {
        match self {
            Self::Bold => "1",
            Self::Plain => "0",
            Self::Warning => "33",
            Self::State(state) => state_style(state),
        }
    }
}

/// A value next to a label or in a paragraph. Texts of a cloud are not escaped yet.
#[derive(Debug, Clone)]
pub(super) enum Value {
    /// Text, wrapped at spaces; its line ends are kept.
    Text(String),
    /// Text whose first part is highlighted.
    Lead(Style, String, String),
    /// A name in bold, its state if known, and more text.
    Titled(String, Option<State>, String),
    /// A text that is copied as a whole, such as a reference, image or URL; never wrapped.
    NoBreak(String),
    /// Words of a shell command, wrapped only between them.
    Command(Vec<String>),
}

/// Labels with their values.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<(String, Vec<Value>)>);

impl Fields {
    /// Adds a field, unless the text is blank.
    pub(super) fn text(&mut self, label: &str, text: Option<impl Into<String>>) {
        if let Some(text) = text.map(Into::into).filter(|text| !text.trim().is_empty()) {
            self.add(label, vec![Value::Text(text)]);
        }
    }

    /// Adds a field that is copied as a whole, unless the text is blank.
    pub(super) fn no_break(&mut self, label: &str, text: Option<&str>) {
        if let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) {
            self.add(label, vec![Value::NoBreak(text.to_owned())]);
        }
    }

    /// Adds a field with any number of values, one below the other, unless there are none.
    pub(super) fn add(&mut self, label: &str, values: Vec<Value>) {
        if !values.is_empty() {
            self.0.push((label.to_owned(), values));
        }
    }

    /// Returns `true` if there is nothing to show.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A line, and the byte ranges that are highlighted.
struct Line {
    text: String,
    styles: Vec<(Range<usize>, Style)>,
}

impl From<String> for Line {
    fn from(text: String) -> Self {
        let styles = Vec::new();
        Self { text, styles }
    }
}

/// Writes a page from top to bottom.
pub(super) struct PageWriter<'a> {
    out: &'a mut dyn Write,
    context: &'a RenderContext,
    width: usize,
}

impl<'a> PageWriter<'a> {
    pub(super) fn new(out: &'a mut dyn Write, context: &'a RenderContext) -> Self {
        let width = context.width.unwrap_or(DEFAULT_WIDTH).max(MIN_WIDTH);
        Self {
            out,
            context,
            width,
        }
    }

    /// Returns the current time.
    pub(super) fn now(&self) -> Time {
        self.context.now
    }

    /// Returns for example `2026-01-02 11:04:05 +08:00`.
    pub(super) fn clock(&self, time: Time) -> String {
        self.context.moment(time)
    }

    /// Returns for example `2026-01-02 11:04:05 +08:00 (2h05m ago)`.
    pub(super) fn moment(&self, time: Time) -> String {
        format!("{} ({})", self.clock(time), self.age(time))
    }

    /// Returns for example `2h05m ago`, or `in 5m` if a cloud's clock is ahead.
    pub(super) fn age(&self, time: Time) -> String {
        match self.now().seconds_since(time) {
            seconds @ 0.. => format!("{} ago", human::duration(seconds)),
            seconds => format!("in {}", human::duration(-seconds)),
        }
    }

    /// Returns `true` if a text fits on one line.
    pub(super) fn fits(&self, indent: usize, text: &str) -> bool {
        indent + width(&escape(text)) <= self.width
    }

    /// Writes an empty line.
    pub(super) fn blank_line(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    /// Writes a rule across the page with a reference in it.
    pub(super) fn rule(&mut self, reference: &str) -> io::Result<()> {
        let reference = escape(reference);
        let rest = self.width.saturating_sub(width(&reference) + 4);
        let text = format!("── {reference} {}", "─".repeat(rest));
        let text = text.trim_end().to_owned();
        let styles = vec![(0..text.len(), Style::Bold)];
        self.line(0, Line { text, styles })
    }

    /// Writes the heading of a section, after an empty line; `more` is not highlighted.
    pub(super) fn heading(&mut self, head: &str, more: &str) -> io::Result<()> {
        self.blank_line()?;
        let value = Value::Lead(Style::Bold, head.to_owned(), more.to_owned());
        self.paragraph(0, &value)
    }

    /// Writes a paragraph with hanging indentation.
    pub(super) fn paragraph(&mut self, indent: usize, value: &Value) -> io::Result<()> {
        let max_width = self.width.saturating_sub(indent);
        let mut lines = render_lines(value, max_width).into_iter();
        let Some(first) = lines.next() else {
            return Ok(());
        };
        let rest: Vec<Line> = lines.collect();
        if rest.is_empty() {
            return self.line(indent, first);
        }
        // Further lines are narrower, so wrap all lines for this width.
        for (number, line) in render_lines(value, max_width.saturating_sub(HANGING_INDENT))
            .into_iter()
            .enumerate()
        {
            self.line(indent + HANGING_INDENT * usize::from(number > 0), line)?;
        }
        Ok(())
    }

    /// Writes labels in one column, and their values in another.
    pub(super) fn fields(&mut self, indent: usize, fields: &Fields) -> io::Result<()> {
        let labels = fields.0.iter().map(|(label, _)| width(label));
        let widest = labels.filter(|wide| *wide <= MAX_LABEL_WIDTH).max();
        let column = indent + widest.unwrap_or(0) + 2;
        for (label, values) in &fields.0 {
            let label = escape(label).into_owned();
            let lines = self.lines(values, column);
            let has_room = width(&label) + indent + 2 <= column;
            if has_room && self.fit(&lines, column) {
                let padding = column - indent - width(&label);
                let mut lines = lines.into_iter();
                if let Some(first) = lines.next() {
                    write!(self.out, "{}{label}", " ".repeat(indent))?;
                    self.line(padding, first)?;
                }
                lines.try_for_each(|line| self.line(column, line))?;
                continue;
            }
            // A long label with a short value is not aligned; both are on one line.
            let beside = indent + width(&label) + 2;
            let mut lines = self.lines(values, beside);
            if lines.len() == 1 && self.fit(&lines, beside) {
                write!(self.out, "{}{label}", " ".repeat(indent))?;
                self.line(2, lines.remove(0))?;
                continue;
            }
            // A value that does not fit next to its label gets the full width below it.
            for line in wrapped_lines(&label, self.width.saturating_sub(indent)) {
                self.line(indent, line)?;
            }
            for line in self.lines(values, indent + HANGING_INDENT) {
                self.line(indent + HANGING_INDENT, line)?;
            }
        }
        Ok(())
    }

    fn lines(&self, values: &[Value], column: usize) -> Vec<Line> {
        let max_width = self.width.saturating_sub(column);
        values
            .iter()
            .flat_map(|value| render_lines(value, max_width))
            .collect()
    }

    fn fit(&self, lines: &[Line], column: usize) -> bool {
        lines
            .iter()
            .all(|line| column + width(&line.text) <= self.width)
    }

    fn line(&mut self, indent: usize, line: Line) -> io::Result<()> {
        write!(self.out, "{}", " ".repeat(indent))?;
        let text = line.text.trim_end_matches(' ');
        let mut at = 0;
        for (part, style) in line.styles.into_iter().filter(|_| self.context.color) {
            let (before, word) = (&text[at..part.start], &text[part.start..part.end]);
            write!(self.out, "{before}\u{1b}[{}m{word}\u{1b}[0m", style.code())?;
            at = part.end;
        }
        writeln!(self.out, "{}", &text[at..])
    }
}

/// Returns the lines of a value, wrapped at this many columns.
fn render_lines(value: &Value, max_width: usize) -> Vec<Line> {
    match value {
        Value::Text(text) => wrapped_lines(text, max_width),
        Value::Lead(style, word, rest) => {
            let mut lines = wrapped_lines(&joined(word, rest), max_width);
            highlight_prefix(&mut lines, &[(word, *style)]);
            lines
        }
        Value::Titled(title, state, rest) => {
            // A name with several lines would break the title.
            let title = title.lines().collect::<Vec<_>>().join(" ");
            let mut text = title.clone();
            let mut parts = vec![(title.as_str(), Style::Bold)];
            if let Some(state) = state {
                text = format!("{title}: {state}");
                parts.extend([(": ", Style::Plain), (state.as_str(), Style::State(*state))]);
            }
            let mut lines = wrapped_lines(&joined(&text, rest), max_width);
            highlight_prefix(&mut lines, &parts);
            lines
        }
        Value::NoBreak(text) => vec![escape(text).into_owned().into()],
        Value::Command(words) => command_line::lines(words, max_width)
            .into_iter()
            .map(Line::from)
            .collect(),
    }
}

/// Joins a word and the text after it, with a space between them unless the text begins with a mark.
fn joined(word: &str, rest: &str) -> String {
    match rest.starts_with([',', ':', ' ']) || rest.is_empty() {
        true => format!("{word}{rest}"),
        false => format!("{word} {rest}"),
    }
}

/// Highlights the parts at the beginning of a text, if all of them fit on the first line.
fn highlight_prefix(lines: &mut [Line], parts: &[(&str, Style)]) {
    let Some(first) = lines.first_mut() else {
        return;
    };
    let mut styles = Vec::new();
    let mut end = 0;
    for (part, style) in parts {
        let part = escape(part);
        if !first.text[end..].starts_with(part.as_ref()) {
            return;
        }
        let start = end;
        end += part.len();
        if *style != Style::Plain {
            styles.push((start..end, *style));
        }
    }
    first.styles = styles;
}

fn wrapped_lines(text: &str, max_width: usize) -> Vec<Line> {
    const ESCAPE_WIDTH: usize = 5;
    // If a line begins with `::`, one colon is escaped, which makes the line longer.
    let max_width = if text.contains("::") {
        max_width.saturating_sub(ESCAPE_WIDTH)
    } else {
        max_width
    };
    text.trim_end()
        .lines()
        .flat_map(|line| wrap(&escape(line), max_width))
        .map(|line| escape(&line).into_owned().into())
        .collect()
}
