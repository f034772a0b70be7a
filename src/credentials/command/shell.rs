//! Parses assignments in shell syntax, such as `export ID='i'; export KEY="k"  # comment`.

use std::iter::Peekable;
use std::str::Chars;

/// Returns the names and values that a line assigns; `None` if it does anything else.
pub(super) fn assignments(line: &str) -> Option<Vec<(String, String)>> {
    let mut pairs = Vec::new();
    for statement in statements(line)? {
        let words: Vec<&str> = statement.iter().map(String::as_str).collect();
        let (words, is_export) = match words.as_slice() {
            ["export", words @ ..] | ["declare" | "typeset", "-x", words @ ..] => (words, true),
            words => (words, false),
        };
        for word in words {
            match word.split_once('=') {
                Some((name, value)) if is_name(name) => {
                    pairs.push((name.to_owned(), value.to_owned()));
                }
                None if is_export && is_name(word) => {}
                _ => return None,
            }
        }
    }
    Some(pairs)
}

fn is_name(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit())
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c))
}

/// Splits a line into statements and words, and removes quotes; `None` if only a shell could evaluate it.
fn statements(line: &str) -> Option<Vec<Vec<String>>> {
    let mut statements = vec![Vec::new()];
    let mut word: Option<String> = None;
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        let is_end = c == ';' || c == '&' && rest.next_if_eq(&'&').is_some();
        if is_end || c.is_whitespace() {
            statements.last_mut()?.extend(word.take());
            if is_end {
                statements.push(Vec::new());
            }
            continue;
        }
        if c == '#' && word.is_none() {
            break;
        }
        let word = word.get_or_insert_default();
        match c {
            '\'' => quoted(&mut rest, word, c, |_| false)?,
            '"' => quoted(&mut rest, word, c, |next| "\"\\$`".contains(next))?,
            '$' if rest.next_if_eq(&'\'').is_some() => quoted(&mut rest, word, '\'', |_| true)?,
            '\\' => word.push(rest.next()?),
            '&' | '|' | '<' | '>' | '(' | ')' | '`' => return None,
            _ => word.push(c),
        }
    }
    statements.last_mut()?.extend(word);
    Some(statements)
}

/// Reads the rest of a quoted text. A backslash escapes the characters that `escapes` accepts.
fn quoted(
    rest: &mut Peekable<Chars<'_>>,
    word: &mut String,
    end: char,
    escapes: impl Fn(char) -> bool,
) -> Option<()> {
    loop {
        match rest.next()? {
            c if c == end => return Some(()),
            '\\' => word.push(rest.next_if(|next| escapes(*next)).unwrap_or('\\')),
            c => word.push(c),
        }
    }
}
