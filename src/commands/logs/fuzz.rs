//! Fuzzing of logs that come in pieces, from the bytes to the printed lines.

use super::lines::{Lines, Tail};
use super::printer::{PrintedLine, Printer, Style};
use super::window::Window;
use crate::output::RecordWriter;
use crate::providers::LogSource;
use crate::secret::{Redactor, Secret};

/// A secret that cannot be a word. It replaces the byte 0x1f in a log.
const SECRET: &str = "Zk9vQ2xX7pR4tW8mN3sB6yH1cJ5dFg";

/// Prints a log whose pieces are separated by 0x1e, as a file and as a moving window.
pub(crate) fn logs(data: &[u8]) {
    let redactor = Redactor::default();
    redactor.add([&Secret::new(SECRET)]);
    let parts = data.split(|byte| *byte == 0x1f);
    let data = &parts.collect::<Vec<_>>().join(SECRET.as_bytes())[..];
    let log: Vec<u8> = data.iter().copied().filter(|byte| *byte != 0x1e).collect();
    follow(&log, &redactor, 1 + data.len() % 37);
    let mut window = Window::default();
    let pieces = || data.split(|byte| *byte == 0x1e);
    for piece in pieces() {
        let new = window.advance(piece.to_vec(), data.len().is_multiple_of(3));
        assert!(new.is_none_or(|new| piece.ends_with(&new)));
    }
    let mut lines = Lines::default();
    let mut read = Vec::new();
    for piece in pieces() {
        read.extend(lines.push(piece));
        read.extend(lines.take_long(&redactor));
    }
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
            open_line: None,
        };
        let (mut out, mut printed) = (Vec::new(), PrintedLine::default());
        for block in &read {
            printer.print(&mut out, &LogSource::default(), &mut printed, block);
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

/// Prints a log that pauses at each piece, and in pieces of a few bytes, as `--follow` does. Checks that no secret
/// is printed, wherever the pieces end.
fn follow(log: &[u8], redactor: &Redactor, size: usize) {
    let mut printer = Printer {
        style: Style::Bytes,
        reference: "aliyun/job/c/1".to_owned(),
        has_prefix: false,
        has_timestamps: false,
        shows_timestamps: false,
        redactor,
        open_line: None,
    };
    let mut lines = Lines::default();
    let (mut out, source) = (Vec::new(), LogSource::default());
    let mut printed = PrintedLine::default();
    for piece in log.chunks(size) {
        let mut read = lines.push(piece);
        read.extend(lines.take_long(redactor));
        read.extend(lines.take_partial_line(redactor));
        for block in read {
            printer.print(&mut out, &source, &mut printed, &block);
        }
    }
    if let Some(block) = lines.finish() {
        printer.print(&mut out, &source, &mut printed, &block);
    }
    let found = memchr::memmem::find(&out, SECRET.as_bytes());
    assert!(found.is_none(), "{}", String::from_utf8_lossy(&out));
}
