//! Escapes characters that must not be shown.

use std::io::{self, Write};

/// Returns `true` if a character must be escaped: control characters (C0, DEL, C1), line and paragraph separators,
/// direction marks, overrides and isolates, and the byte order mark.
pub fn needs_escape(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '\u{61c}'
                | '\u{200e}'
                | '\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
                | '\u{feff}'
                // Not valid in YAML and XML.
                | '\u{fffe}'
                | '\u{ffff}'
        )
}

/// Writes a part of a JSON string. Escapes everything that could move a cursor or be a command in a CI log, in one
/// pass, since a response can contain millions of such characters.
pub fn write_escaped<W: ?Sized + Write>(writer: &mut W, fragment: &str) -> io::Result<()> {
    // Commands of CI logs begin with `#`.
    if fragment.is_ascii() && memchr::memchr2(0x7f, b'#', fragment.as_bytes()).is_none() {
        return writer.write_all(fragment.as_bytes());
    }
    let (mut written, mut hashes) = (0, 0);
    // Position of the second `#` of `##word`, which is escaped if a bracket follows.
    let mut mark = None;
    for (at, c) in fragment.char_indices() {
        let to_escape = match c {
            '#' => {
                hashes += 1;
                mark = (hashes > 1).then_some(at);
                continue;
            }
            c if c.is_ascii_alphabetic() => {
                hashes = 0;
                continue;
            }
            '[' => mark,
            c => needs_escape(c).then_some(at),
        };
        (hashes, mark) = (0, None);
        if let Some(at) = to_escape {
            let c = fragment[at..].chars().next();
            let c = c.expect("there is a character where one was found");
            // All of them are below U+10000, so one escape is enough.
            write!(writer, "{}\\u{:04x}", &fragment[written..at], u32::from(c))?;
            written = at + c.len_utf8();
        }
    }
    writer.write_all(&fragment.as_bytes()[written..])
}
