//! Wraps texts into lines: at spaces, next to Chinese characters, and otherwise within words that are longer than a
//! line.

use std::ops::Range;

use unicode_width::UnicodeWidthChar as _;

use super::text::{escape_ci_commands, escape_columns, take_columns, truncate_width, width};

/// A word that is longer than a line is started on the current line only if at least this many columns are left.
const MIN_PIECE_WIDTH: usize = 8;

/// The minimum width of the lines of [`wrap_at_most`].
const MIN_WIDTH: usize = 10;

/// Maximum number of characters that move to the next line so that a line does not begin or end with a wrong mark.
const MAX_MOVED_CHARS: usize = 8;

/// Punctuation that never begins a line, even after a space.
const CLOSING: &str = "，。；：、）！？》」』】〉〕％．…";

/// Punctuation that never ends a line, even before a space.
const OPENING: &str = "（《「『【〈〔";

/// ASCII punctuation and quotes that are not separated from a Chinese character before them.
const NARROW_CLOSING: &str = ",.;:!?)]}%”’";

/// ASCII punctuation and quotes that are not separated from a Chinese character after them.
const NARROW_OPENING: &str = "([{“‘";

/// Wraps one escaped line of text into lines of this many columns. Only spaces at the breaks are lost, and no line is
/// a command of a CI system.
///
/// Takes linear time, because a response can contain megabytes.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let lines = line_ranges(text, columns).into_iter();
    let line = |range| escape_ci_commands(&text[range]).into_owned();
    lines.map(line).collect()
}

/// Wraps an escaped text like [`wrap`] into at most `most` lines; if the text is longer, the last one ends with `…`.
pub(super) fn wrap_at_most(text: &str, columns: usize, most: usize) -> Vec<String> {
    let (text, columns) = (text.trim(), columns.max(MIN_WIDTH));
    let ranges = line_ranges(text, columns);
    let mut lines: Vec<&str> = ranges
        .iter()
        .take(most)
        .map(|range| &text[range.clone()])
        .collect();
    let last = ranges.get(most.saturating_sub(1));
    let rest = last.filter(|_| ranges.len() > most).map(|range| {
        let rest = &text[range.start..];
        truncate_width(rest, columns - escape_columns(rest))
    });
    if let (Some(rest), Some(line)) = (&rest, lines.last_mut()) {
        *line = rest;
    }
    let lines = lines.into_iter();
    lines
        .map(|line| escape_ci_commands(line).into_owned())
        .collect()
}

/// Returns the ranges of the lines, without the spaces at the breaks.
fn line_ranges(text: &str, columns: usize) -> Vec<Range<usize>> {
    let mut lines = Vec::new();
    if fits(text, columns) {
        // In a pipe the width is unlimited.
        let end = text.trim_end_matches(' ').len();
        lines.extend((end > 0).then_some(0..end));
        return lines;
    }
    let mut line = 0..0;
    for word in words(text, columns) {
        if fits(&text[line.start..word.end], columns) {
            line.end = word.end;
            continue;
        }
        let is_long = !fits(&text[word.clone()], columns);
        let used = width(&text[line.start..word.start]);
        if !is_long || used + MIN_PIECE_WIDTH > columns {
            if line.end > line.start {
                lines.push(line);
            }
            line = word.start..word.start;
        }
        if is_long {
            line.start = cut_long_word(text, line.start..word.end, word.start, columns, &mut lines);
        }
        line.end = word.end;
    }
    if line.end > line.start {
        lines.push(line);
    }
    lines
}

fn fits(line: &str, columns: usize) -> bool {
    width(line) + escape_columns(line) <= columns
}

/// Cuts a line that ends with a word longer than a line into lines. Returns where the last of them begins.
fn cut_long_word(
    text: &str,
    line: Range<usize>,
    word_start: usize,
    columns: usize,
    lines: &mut Vec<Range<usize>>,
) -> usize {
    let mut start = line.start;
    loop {
        let rest = &text[start..line.end];
        let head = take_columns(rest, columns.saturating_sub(escape_columns(rest)));
        if head.len() == rest.len() {
            return start;
        }
        let min = word_start.max(start) - start;
        let mut cut = unmarked_cut(rest, head.len(), min);
        if cut == 0 {
            // Not even one character fits on a line.
            cut = rest.chars().next().map_or(rest.len(), char::len_utf8);
        }
        lines.push(start..start + text[start..start + cut].trim_end_matches(' ').len());
        let rest = &rest[cut..];
        start += cut + rest.len() - rest.trim_start_matches(' ').len();
    }
}

/// Returns the last position up to `end`, but after `min`, where a line can end without a wrong mark. Returns `end` if
/// there are only marks.
fn unmarked_cut(text: &str, end: usize, min: usize) -> usize {
    let positions = text[..end].char_indices().rev().map(|(at, _)| at);
    let mut positions = std::iter::once(end)
        .chain(positions)
        .take(MAX_MOVED_CHARS)
        .take_while(|at| *at > min);
    let is_good = |at: &usize| {
        let before = text[..*at].trim_end_matches(' ').chars().next_back();
        let after = text[*at..].trim_start_matches(' ').chars().next();
        let is_combined = text[*at..].chars().next().is_some_and(is_combining);
        !is_combined
            && !before.is_some_and(|c| OPENING.contains(c))
            && !after.is_some_and(|c| CLOSING.contains(c))
    };
    positions.find(is_good).unwrap_or(end)
}

/// Returns the parts of a text that are not broken unless they are longer than a line: words, paths that fit on a line,
/// and Chinese characters with their punctuation.
fn words(text: &str, columns: usize) -> impl Iterator<Item = Range<usize>> {
    let mut start = text.len() - text.trim_start_matches(' ').len();
    let mut checked = start;
    let mut is_path = false;
    std::iter::from_fn(move || {
        if start == text.len() {
            return None;
        }
        if start >= checked {
            let part = text[start..].split(' ').next().unwrap_or_default();
            checked = start + part.len();
            is_path = part.contains('/') && fits(part, columns);
        }
        let mut chars = text[start..].char_indices().peekable();
        let (mut base, mut last) = (' ', ' ');
        while let Some((at, c)) = chars.next() {
            let at = start + at;
            if c == ' ' {
                while chars.next_if(|(_, c)| *c == ' ').is_some() {}
                let Some((next, after)) = chars.peek().map(|(at, c)| (start + at, *c)) else {
                    return Some(end_word(&mut start, at, text.len()));
                };
                if !OPENING.contains(last) && !CLOSING.contains(after) {
                    return Some(end_word(&mut start, at, next));
                }
                base = ' ';
                continue;
            }
            let is_whole = is_path && at < checked;
            if base != ' ' && !is_whole && can_break(base, last, c) {
                return Some(end_word(&mut start, at, at));
            }
            if !is_combining(c) {
                base = c;
            }
            last = c;
        }
        Some(end_word(&mut start, text.len(), text.len()))
    })
}

/// Returns the range from `start` to `end`, and continues at `next`.
fn end_word(start: &mut usize, end: usize, next: usize) -> Range<usize> {
    let word = *start..end;
    *start = next;
    word
}

/// Returns `true` if a line can end between two characters without a space between them. `last` is the character before
/// `next`, and `base` the one that it combines with.
fn can_break(base: char, last: char, next: char) -> bool {
    const JOINER: char = '\u{200d}';
    let is_wide = |c: char| c.width() == Some(2);
    (is_wide(base) || is_wide(next))
        && last != JOINER
        && !is_combining(next)
        && !CLOSING.contains(next)
        && !NARROW_CLOSING.contains(next)
        && !OPENING.contains(base)
        && !NARROW_OPENING.contains(base)
}

/// Returns `true` if a character is drawn together with the one before it.
fn is_combining(c: char) -> bool {
    const SKIN_TONES: std::ops::RangeInclusive<char> = '\u{1f3fb}'..='\u{1f3ff}';
    c.width() == Some(0) || SKIN_TONES.contains(&c)
}

#[cfg(test)]
mod tests;
