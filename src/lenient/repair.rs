//! Repairs JSON with texts that were cut within a character, or with invalid numbers.

use std::borrow::Cow;

/// A value in place of an invalid number, from which no type is read.
pub(super) const UNREADABLE_VALUE: &str = "{\"$unreadable\":0}";

/// A repaired document.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct RepairedDocument {
    /// The document.
    pub body: String,
    /// Position at which each invalid value ends, and what is wrong with it.
    pub invalid_values: Vec<(usize, &'static str)>,
}

pub(super) const NOT_A_NUMBER: &str = "not a JSON number";

/// Marks a repair. U+FFFE is a noncharacter that never occurs in text.
const MARK: char = '\u{fffe}';

impl RepairedDocument {
    /// Returns the document with a mark at the end of each repaired text, and with a marked text in place of each
    /// number.
    pub(super) fn with_marks(self) -> String {
        let Self {
            mut body,
            invalid_values: ends,
        } = self;
        body = body.replace(MARK, "\u{fffd}");
        for (end, reason) in ends.into_iter().rev() {
            match reason == NOT_A_NUMBER {
                true => {
                    body.replace_range(end - UNREADABLE_VALUE.len()..end, &format!("\"{MARK}NaN\""))
                }
                false => body.insert(end - 1, MARK),
            }
        }
        body
    }
}

/// Restores faults at the marks of a document, so that reading the text reports the same fields.
pub fn with_faults(document: &str) -> String {
    let text = document.replace(&format!("\"{MARK}NaN\""), "NaN");
    let mut parts = text.split(MARK);
    let mut faulty = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let at = faulty.rfind('\u{fffd}');
        match at.filter(|at| !faulty[*at..].contains('"')) {
            Some(at) => faulty.replace_range(at..at + '\u{fffd}'.len_utf8(), r"\ud800"),
            // The replacement character itself was masked.
            None => faulty.push_str(r"\ud800"),
        }
        faulty.push_str(part);
    }
    faulty
}

/// Replaces invalid UTF-8, unpaired surrogates and invalid escapes by U+FFFD, escapes control characters within
/// texts, and replaces invalid numbers such as `NaN` by [`UNREADABLE_VALUE`]. `None` if nothing was replaced, or if
/// there are too many invalid numbers.
pub(super) fn repair(body: &[u8]) -> Option<RepairedDocument> {
    /// Maximum number of invalid numbers, since each becomes longer.
    const MAX_NUMBERS: usize = 1_000_000;
    let mut numbers = 0;
    let (text, replaced) = lossy(body);
    let mut replaced = replaced.into_iter().peekable();
    let (mut repaired, mut ends) = (Vec::with_capacity(text.len()), Vec::new());
    let (mut is_in_text, mut is_broken, mut at) = (false, false, 0);
    while let Some(byte) = text.get(at) {
        is_broken |= replaced.next_if_eq(&at).is_some();
        let mut length = 1;
        match byte {
            b'"' => {
                repaired.push(b'"');
                if is_in_text && is_broken {
                    ends.push((repaired.len(), "invalid characters"));
                }
                (is_in_text, is_broken) = (!is_in_text, false);
            }
            b'\\' if is_in_text => {
                let is_valid;
                (length, is_valid) = escape(&text[at..]);
                is_broken |= !is_valid;
                repaired.extend(match is_valid {
                    true => &text[at..at + length],
                    false => br"\ufffd",
                });
            }
            control @ 0..0x20 if is_in_text => {
                let escaped = format!("\\u{control:04x}");
                repaired.extend(escaped.as_bytes());
            }
            b'N' | b'I' | b'-' if !is_in_text && number_length(&text[at..]) > 1 => {
                length = number_length(&text[at..]);
                numbers += 1;
                if numbers > MAX_NUMBERS {
                    return None;
                }
                repaired.extend(UNREADABLE_VALUE.as_bytes());
                ends.push((repaired.len(), NOT_A_NUMBER));
            }
            byte => repaired.push(*byte),
        }
        at += length;
    }
    let is_changed = repaired != body;
    let body = String::from_utf8(repaired).ok()?;
    is_changed.then_some(RepairedDocument {
        body,
        invalid_values: ends,
    })
}

/// Returns the length of an invalid number at the beginning of `text`; 0 for anything else.
fn number_length(text: &[u8]) -> usize {
    const NUMBERS: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];
    let found = NUMBERS.iter().find(|number| text.starts_with(number));
    found.map_or(0, |number| number.len())
}

/// Returns the document as UTF-8, and the positions of the U+FFFD that were inserted.
fn lossy(body: &[u8]) -> (Cow<'_, [u8]>, Vec<usize>) {
    if std::str::from_utf8(body).is_ok() {
        return (Cow::Borrowed(body), Vec::new());
    }
    let (mut text, mut replaced) = (Vec::with_capacity(body.len()), Vec::new());
    for chunk in body.utf8_chunks() {
        text.extend(chunk.valid().as_bytes());
        if !chunk.invalid().is_empty() {
            replaced.push(text.len());
            text.extend("\u{fffd}".as_bytes());
        }
    }
    (Cow::Owned(text), replaced)
}

/// Returns the length of the escape at the beginning of `text`, and whether it is valid.
fn escape(text: &[u8]) -> (usize, bool) {
    let unit = |at: usize| {
        let digits = text.get(at..)?.strip_prefix(b"\\u")?.get(..4)?;
        let digits = std::str::from_utf8(digits).ok()?;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| u32::from_str_radix(digits, 16).ok())?
    };
    match (text.get(1), unit(0)) {
        (Some(b'u'), Some(0xd800..=0xdbff)) => match unit(6) {
            Some(0xdc00..=0xdfff) => (12, true),
            _ => (6, false),
        },
        (Some(b'u'), Some(unit)) => (6, !(0xdc00..=0xdfff).contains(&unit)),
        (Some(b'u'), None) => {
            let digits = text[2..].iter().take(4);
            let digits = digits.take_while(|byte| byte.is_ascii_hexdigit());
            (2 + digits.count(), false)
        }
        (Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't'), _) => (2, true),
        _ => (1, false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_invalid_characters_and_numbers_are_repaired() {
        let fffd = "\u{fffd}";
        for (broken, expected, ends) in [
            (
                &br#"{"a":"x\ud83d","b":"\ud83d\ude00"}"#[..],
                r#"{"a":"x\ufffd","b":"\ud83d\ude00"}"#.to_owned(),
                &[14][..],
            ),
            (
                br#"["\ude00","\ud83d\u4e2d","\ud8"]"#,
                r#"["\ufffd","\ufffd\u4e2d","\ufffd"]"#.to_owned(),
                &[9, 24, 33],
            ),
            (
                b"[\"\xe6\x88\xaa\xe6\x96\",\"\xef\xbf\xbd\"]",
                format!("[\"截{fffd}\",\"{fffd}\"]"),
                &[9],
            ),
            (
                br#"["\x", "\\x"]"#,
                r#"["\ufffdx", "\\x"]"#.to_owned(),
                &[10],
            ),
            (b"[\"a\tb\"\n]", "[\"a\\u0009b\"\n]".to_owned(), &[]),
            (
                br#"{"a": NaN, "b":[-Infinity,-1],"NaN":"NaN"}"#,
                r#"{"a": {"$unreadable":0}, "b":[{"$unreadable":0},-1],"NaN":"NaN"}"#.to_owned(),
                &[23, 47],
            ),
        ] {
            let repaired = repair(broken).unwrap();
            assert_eq!(repaired.body, expected);
            let found: Vec<_> = repaired
                .invalid_values
                .iter()
                .map(|(end, _)| *end)
                .collect();
            assert_eq!(found, ends, "{expected}");
        }
        assert_eq!(repair("{\"a\": \"好\u{fffd}\\n\"}".as_bytes()), None);
        assert_eq!(repair(b"<html>\\ud83d"), None);
    }
}
