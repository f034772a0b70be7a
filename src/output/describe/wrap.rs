use super::super::text::{escape, escape_columns, width};

/// A word that is longer than a line is started on the current line only if at least this many columns are left.
const MIN_PIECE_WIDTH: usize = 8;

/// Wraps one line of text into lines of this many columns, at spaces if possible, otherwise within words that are
/// longer than a line. Nothing is cut off, and no line is a command of a CI system.
///
/// Takes linear time, because a response can contain megabytes.
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
        if width(&lines.line) + gap.len() + MIN_PIECE_WIDTH > columns {
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
        let used = width(&lines.line) + escape_columns(&start);
        let room = columns.saturating_sub(used);
        let mut head = beginning(rest, room);
        if head.is_empty() && lines.is_fresh {
            // Not even one character fits on a line.
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
    /// Nothing is on the line, not even a space.
    is_fresh: bool,
}

impl Lines {
    fn add(&mut self, gap: &str, word: &str) {
        self.line.push_str(gap);
        self.line.push_str(word);
        self.is_fresh = false;
    }

    /// Adds a word if it fits on the line.
    fn take(&mut self, gap: &str, word: &str, columns: usize) -> bool {
        let before = self.line.len();
        let was_fresh = self.is_fresh;
        self.add(gap, word);
        // The width of two words together is not always the sum of their widths.
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

/// Returns the longest prefix of at most this many columns. Limits the number of
/// characters, since some have no width.
fn beginning(text: &str, columns: usize) -> &str {
    let most = columns * 4;
    let mut end = 0;
    // A character can combine with those before it (ZWJ, flags), so measure the whole prefix.
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
    fn breaks_lines_at_spaces_and_inside_words_longer_than_a_line() {
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
    fn a_text_of_256_kib_is_wrapped_quickly() {
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
    fn a_line_like_a_ci_command_leaves_room_for_its_escape() {
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
        fn no_line_exceeds_the_width_and_only_spaces_are_lost(
            text in "[ 一👩\u{200d}\u{301}[\\PC&&[^\\p{Zl}\\p{Zp}]]]{0,80}", columns in 4_usize..40,
        ) {
            // The escaped colon at the beginning of a CI command.
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
