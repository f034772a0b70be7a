use super::super::text::{escape, escape_columns, width};

/// A word that is longer than a line begins on the line that is being filled only if this many columns
/// of it are left.
const WORTH_BEGINNING: usize = 8;

/// Breaks one line of a text into lines of this many columns, at blanks where there are any and inside
/// words that are longer than a line. Nothing is cut, and no line is a command of a CI system.
///
/// The time it takes grows with the text, not with its square: an answer may contain megabytes.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Lines::default();
    for (number, word) in text.split(' ').enumerate() {
        let gap = if number > 0 && !lines.is_fresh {
            " "
        } else {
            ""
        };
        if lines.take(gap, word, columns) {
            continue;
        }
        if width(word) <= columns {
            lines.end();
            lines.add("", word);
            continue;
        }
        if width(&lines.line) + gap.len() + WORTH_BEGINNING > columns {
            lines.end();
        } else {
            lines.add(gap, "");
        }
        add_in_pieces(&mut lines, word, columns);
    }
    lines.end();
    lines.done
}

fn add_in_pieces(lines: &mut Lines, word: &str, columns: usize) {
    let mut rest = word;
    while !rest.is_empty() {
        // Only the beginning of a line decides whether it is escaped.
        let start: String = lines.line.chars().chain(rest.chars().take(16)).collect();
        let begun = width(&lines.line) + escape_columns(&start);
        let room = columns.saturating_sub(begun);
        let mut head = beginning(rest, room);
        if head.is_empty() && lines.is_fresh {
            // Not even one character has room on a line of its own.
            let first = rest.chars().next().map_or(0, char::len_utf8);
            head = &rest[..first];
        }
        lines.add("", head);
        rest = &rest[head.len()..];
        if !rest.is_empty() {
            lines.end();
        }
    }
}

#[derive(Default)]
struct Lines {
    done: Vec<String>,
    line: String,
    /// True when nothing is on the line, not even a blank.
    is_fresh: bool,
}

impl Lines {
    fn add(&mut self, gap: &str, word: &str) {
        self.line.push_str(gap);
        self.line.push_str(word);
        self.is_fresh = false;
    }

    /// Adds a word if the line has room for it.
    fn take(&mut self, gap: &str, word: &str, columns: usize) -> bool {
        let before = self.line.len();
        let was_fresh = self.is_fresh;
        self.add(gap, word);
        // What two words take together is not always the sum of what each takes.
        let has_room = width(&self.line) + escape_columns(&self.line) <= columns;
        if !has_room {
            self.line.truncate(before);
            self.is_fresh = was_fresh;
        }
        has_room
    }

    fn end(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = line.trim_end_matches(' ');
        if !line.is_empty() {
            self.done.push(escape(line).into_owned());
        }
        self.is_fresh = true;
    }
}

/// The longest beginning that takes at most this many columns and is not endless where characters
/// take none.
fn beginning(text: &str, columns: usize) -> &str {
    let most = columns * 4;
    let mut end = 0;
    // A character may join those before it (ZWJ, flags), so the width is that of the whole beginning.
    for (at, c) in text.char_indices().take(most) {
        let next = at + c.len_utf8();
        if width(&text[..next]) > columns {
            break;
        }
        end = next;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn breaks_at_blanks_and_inside_what_is_longer_than_a_line() {
        assert_eq!(wrap("one two  three", 8), ["one two", "three"]);
        assert_eq!(wrap("  in  dented", 20), ["  in  dented"]);
        assert_eq!(wrap("一二三四五六七", 10), ["一二三四五", "六七"]);
        assert_eq!(
            wrap("a 0123456789012345678", 12),
            ["a 0123456789", "012345678"]
        );
        assert_eq!(
            wrap("abcdefgh 0123456789012345678", 12),
            ["abcdefgh", "012345678901", "2345678"]
        );
        assert_eq!(wrap("", 10), Vec::<String>::new());
    }

    #[test]
    fn a_quarter_of_a_megabyte_takes_no_time() {
        for part in ["word ", "字", "a\u{301}", "\u{200d}"] {
            let text = part.repeat((1 << 18) / part.len());
            let started = std::time::Instant::now();
            assert_eq!(
                wrap(&text, 60).concat().replace(' ', ""),
                text.replace(' ', "")
            );
            assert!(started.elapsed().as_secs() < 20, "{part:?}");
        }
    }

    #[test]
    fn a_line_that_would_be_a_command_has_room_for_its_escape() {
        assert_eq!(wrap("one two ::x", 10), ["one two", "\\u{3a}:x"]);
        assert_eq!(wrap("0 0A0!! ::", 12), ["0 0A0!! ::"]);
        for text in [
            ":: 0123456789012345678",
            "::0123456789012345678",
            "  ::0123456789012345678",
        ] {
            for columns in 9..16 {
                let lines = wrap(text, columns);
                let widest = lines.iter().map(|line| width(line)).max().unwrap();
                assert!(widest <= columns, "{columns}: {lines:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn no_line_exceeds_the_width_and_nothing_but_blanks_is_lost(
            text in "[ 一👩\u{200d}\u{301}[\\PC&&[^\\p{Zl}\\p{Zp}]]]{0,80}", columns in 4_usize..40,
        ) {
            // The escape of a colon that begins a command of a CI system.
            const ESCAPED: &str = "\\u{3a}:";
            let lines = wrap(&text, columns);
            for line in &lines {
                let is_escaped = line.trim_start().starts_with(ESCAPED);
                let room = if is_escaped { columns.max(ESCAPED.len() + 2) } else { columns };
                prop_assert!(width(line) <= room, "{line:?}");
            }
            let shown = lines.concat().replace(ESCAPED, "::");
            prop_assert_eq!(shown.replace(' ', ""), text.replace(' ', ""));
        }
    }
}
