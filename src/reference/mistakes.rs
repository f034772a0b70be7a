//! Recognizes texts that are not references, such as URLs and paths.

use std::ops::Range;

use crate::error::Problem;

/// The hint for a text that is not a reference.
pub const HINT: &str = "expected CLOUD/KIND/SEGMENT…; see: joblens kinds";

/// Characters that look like a slash.
const SLASHES: [char; 5] = ['／', '⁄', '∕', '＼', '\\'];
/// Quotes that a shell does not remove.
const QUOTES: [char; 8] = ['"', '\'', '“', '”', '‘', '’', '＂', '＇'];
/// Characters that separate the items of a list.
const COMMAS: [char; 5] = [',', ';', '，', '；', '、'];
/// Characters that other tools use between segments.
const COLONS: [char; 2] = [':', '：'];

/// Dashes that are written instead of `-` or `--`, by editors and input methods.
const DASHES: [char; 6] = ['—', '–', '－', '―', '‒', '−'];
/// The `@` of an input method.
const FULL_WIDTH_AT: char = '＠';

/// Returns the mistake and the corrected text of a word that begins with a character similar to the one of an option
/// or of a row.
pub fn find_first_character(word: &str) -> Option<(&'static str, String)> {
    if let Some(row) = word.strip_prefix('％') {
        return Some(("the rows of a list begin with '%'", format!("%{row}")));
    }
    let rest = word.trim_start_matches(DASHES);
    let dashes = &word[..word.len() - rest.len()];
    let first = dashes.chars().next()?;
    // Editors replace `--` with one dash.
    let is_replaced = first != '－' && rest.chars().count() > 1;
    let is_long = is_replaced || dashes.chars().count() > 1;
    let dashes = if is_long { "--" } else { "-" };
    Some(("options begin with '-'", format!("{dashes}{rest}")))
}

/// Returns a usage error for a URL, a path, another character instead of the slash, or a wildcard.
/// `resembles_cloud` reports whether a text is similar to the name of a cloud.
pub fn find(input: &str, resembles_cloud: &dyn Fn(&str) -> bool) -> Option<Problem> {
    let (message, hint, at) = mistake(input, resembles_cloud)?;
    let mut problem = Problem::usage(message).with_hint(hint);
    problem.input = Some(input.to_owned());
    problem.span = Some(at);
    Some(problem)
}

/// Returns the mistake, a hint and the wrong part of the text.
fn mistake(
    input: &str,
    resembles_cloud: &dyn Fn(&str) -> bool,
) -> Option<(&'static str, String, Range<usize>)> {
    if let Some(at) = input.find("://") {
        return Some(("this is a URL, not a reference", HINT.into(), 0..at + 3));
    }
    let trimmed = input.trim();
    if trimmed.len() < input.len() && !trimmed.is_empty() {
        let hint = format!("did you mean '{trimmed}'?");
        return Some(("leading or trailing whitespace", hint, 0..input.len()));
    }
    if let Some((message, corrected)) = find_first_character(input) {
        let hint = format!("did you mean '{corrected}'?");
        return Some((message, hint, 0..input.len()));
    }
    if let Some(mistake) = several_words(input, resembles_cloud) {
        return Some(mistake);
    }
    if let Some(mistake) = quotes_or_backslash(input) {
        return Some(mistake);
    }
    let with_slashes = input.replace(SLASHES, "/");
    let relative = with_slashes.trim_start_matches('/');
    let head = relative.split(['/', '@', FULL_WIDTH_AT, ':', '：']).next();
    if relative.is_empty() {
        return None;
    }
    let names_cloud = head.is_some_and(resembles_cloud);
    let is_rooted = relative.len() < with_slashes.len();
    if is_path(&with_slashes) || (is_rooted && !names_cloud) {
        let message = "this is a path, not a reference";
        return Some((message, HINT.into(), 0..input.len()));
    }
    if let Some(mistake) = full_width_at(input).filter(|_| names_cloud) {
        return Some(mistake);
    }
    let (head, rest) = relative.split_at(relative.find('/').unwrap_or(relative.len()));
    let separates = names_cloud && head.contains(COLONS) && !head.contains('@');
    let corrected = match separates {
        true => head.replace(COLONS, "/") + rest,
        false => relative.to_owned(),
    };
    let is_wrong_separator = |c: char| SLASHES.contains(&c) || (separates && COLONS.contains(&c));
    let did_you_mean = || format!("did you mean '{corrected}'?");
    if let Some((at, c)) = input.char_indices().find(|(_, c)| is_wrong_separator(*c)) {
        let at = at..at + c.len_utf8();
        return Some(("segments are separated by '/'", did_you_mean(), at));
    }
    if is_rooted {
        let slashes = input.len() - relative.len();
        return Some((
            "a reference does not begin with '/'",
            did_you_mean(),
            0..slashes,
        ));
    }
    range_or_wildcard(input)
}

/// Returns the mistake of a range in brackets, or of a wildcard.
fn range_or_wildcard(input: &str) -> Option<(&'static str, String, Range<usize>)> {
    if let Some((at, range)) = bracketed_range(input) {
        let (job, brackets) = input.split_at(at);
        let encoded = brackets.replace('[', "%5B").replace(']', "%5D");
        let hint = format!("did you mean '{job}{range}'? (an id with brackets is {job}{encoded})");
        let message = "a range of subtasks has no brackets";
        return Some((message, hint, at..input.len()));
    }
    let at = input.find('*')?;
    let hint = "to filter by name: joblens list SCOPE --name GLOB -o name";
    Some((
        "wildcards are not supported in references",
        hint.into(),
        at..at + 1,
    ))
}

/// Returns the mistake of a text in quotes, or with a backslash at its end.
fn quotes_or_backslash(input: &str) -> Option<(&'static str, String, Range<usize>)> {
    let bare = input.trim_matches(QUOTES);
    if bare.len() < input.len() {
        let hint = format!("did you mean '{bare}'?");
        return Some(("the quotes are a part of it", hint, 0..input.len()));
    }
    let bare = input.strip_suffix('\\')?;
    let hint = format!("did you mean '{bare}'?");
    Some(("it ends with a backslash", hint, bare.len()..input.len()))
}

/// Returns the mistake of a full-width `＠` before the profile or before `latest`.
fn full_width_at(input: &str) -> Option<(&'static str, String, Range<usize>)> {
    let is_wrong = |at: usize| {
        let (before, after) = input.split_at(at);
        !before.contains('/') || after == "＠latest"
    };
    let (at, _) = input
        .match_indices(FULL_WIDTH_AT)
        .find(|(at, _)| is_wrong(*at))?;
    let span = at..at + FULL_WIDTH_AT.len_utf8();
    let hint = format!("did you mean '{}@{}'?", &input[..at], &input[span.end..]);
    Some(("a profile and latest follow '@'", hint, span))
}

/// Returns `true` if a text begins like a path of a file system.
fn is_path(text: &str) -> bool {
    let roots = ["./", "../", "~/"];
    is_drive(text) || roots.iter().any(|root| text.starts_with(root))
}

/// Returns the mistake of a text that begins like a reference and contains a blank, or a comma before another
/// reference.
fn several_words(
    input: &str,
    resembles_cloud: &dyn Fn(&str) -> bool,
) -> Option<(&'static str, String, Range<usize>)> {
    let is_reference = |text: &str| {
        let text = text.trim_start_matches(QUOTES);
        let head = text.split(['/', '@']).next();
        text.contains('/') && head.is_some_and(resembles_cloud)
    };
    if !is_reference(input) {
        return None;
    }
    let is_separator = |c: char| c.is_whitespace() || COMMAS.contains(&c);
    for (at, separator) in input.char_indices().filter(|(_, c)| is_separator(*c)) {
        let span = at..at + separator.len_utf8();
        let rest = input[at..].trim_start_matches(is_separator);
        if is_reference(rest) {
            let hint = "write one reference per line, or pass each as an argument";
            return Some(("these are several references", hint.to_owned(), span));
        }
        if rest.starts_with('#') {
            let hint = "write the comment on a line of its own";
            return Some(("a comment follows the reference", hint.to_owned(), span));
        }
    }
    let (at, blank) = input.char_indices().find(|(_, c)| c.is_whitespace())?;
    let hint = "write one reference per line, and %20 for a blank in an ID; to print references: joblens list -o name";
    let span = at..at + blank.len_utf8();
    Some(("a reference contains no blanks", hint.to_owned(), span))
}

/// Returns the position and the range of `10_[1-3]`, the notation of Slurm and shells.
fn bracketed_range(input: &str) -> Option<(usize, &str)> {
    let at = input.rfind("_[")? + 1;
    let range = input[at..].strip_prefix('[')?.strip_suffix(']')?;
    let (start, end) = range.split_once('-')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    (is_number(start) && is_number(end)).then_some((at, range))
}

/// Returns `true` if a path begins with a drive letter, such as `C:/jobs`.
fn is_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'/', ..] if letter.is_ascii_alphabetic())
}
