//! Logs that come in pieces, from the bytes to the lines that are shown.

use super::lines::{Lines, Tail};
use super::printer::{Printer, Style};
use super::window::Window;
use crate::output::RecordWriter;
use crate::providers::LogSource;
use crate::secret::Redactor;

/// Prints a log whose pieces are separated by 0x1e, as a file and as a window that moves.
pub(crate) fn logs(data: &[u8]) {
    let redactor = Redactor::default();
    let mut window = Window::default();
    let pieces = || data.split(|byte| *byte == 0x1e);
    for piece in pieces() {
        let new = window.advance(piece.to_vec());
        assert!(new.is_none_or(|new| piece.ends_with(&new)));
    }
    let mut lines = Lines::default();
    let mut read: Vec<_> = pieces().flat_map(|piece| lines.push(piece)).collect();
    read.extend(lines.finish());
    assert_eq!(read.concat(), pieces().collect::<Vec<_>>().concat());
    let mut tail = Tail::new(3);
    tail.extend(read.clone());
    let last = tail.into_lines();
    assert!(last.len() <= 3 && read.concat().ends_with(&last.concat()));
    for style in [
        Style::Bytes,
        Style::Escaped,
        Style::Records(RecordWriter::default()),
    ] {
        let is_bytes = matches!(style, Style::Bytes);
        let mut printer = Printer {
            style,
            reference: "aliyun/job/c/1".to_owned(),
            has_prefix: data.len().is_multiple_of(2),
            has_timestamps: data.len().is_multiple_of(3),
            shows_timestamps: data.len().is_multiple_of(5),
            redactor: &redactor,
        };
        let mut out = Vec::new();
        for block in &read {
            printer.print(&mut out, &LogSource::default(), block);
        }
        let text = String::from_utf8(out);
        if !is_bytes {
            let text = text.expect("what is escaped is text");
            let control = text
                .chars()
                .find(|c| c.is_control() && !matches!(c, '\n' | '\t'));
            assert!(control.is_none(), "{control:?} in {text:?}");
        }
    }
}
