use super::*;
use crate::secret::Secret;

fn print(style: Style, prefix: bool, timestamps: bool, line: &[u8]) -> Vec<u8> {
    let redactor = Redactor::default();
    redactor.add([&Secret::new("tok-s3cret-value-77")]);
    let mut printer = Printer {
        style,
        reference: "aliyun/job/c/1".to_owned(),
        has_prefix: prefix,
        has_timestamps: timestamps,
        shows_timestamps: false,
        redactor: &redactor,
        open_line: None,
    };
    let source = LogSource {
        task: Some("eci-1".to_owned()),
        container: Some("main".to_owned()),
        ..LogSource::default()
    };
    let mut out = Vec::new();
    let mut printed = PrintedLine::default();
    for piece in line.split_inclusive(|byte| *byte == b'|') {
        printer.print(&mut out, &source, &mut printed, piece);
    }
    out.extend_from_slice(printer.take_line_end());
    out
}

#[test]
fn a_timestamp_inside_a_line_that_arrives_in_pieces_is_text() {
    let times = "2026-01-02T03:00:10Z |2020-01-01T00:00:00Z |2020-01-01T00:00:00Z x\n";
    let printed = print(Style::Bytes, false, true, times.as_bytes());
    assert_eq!(String::from_utf8(printed).unwrap(), times[21..]);
    let records = print(
        Style::Records(RecordWriter::default()),
        false,
        true,
        times.as_bytes(),
    );
    for record in records.split_inclusive(|byte| *byte == b'\n') {
        let record: serde_json::Value = serde_json::from_slice(record).unwrap();
        assert_eq!(record["at"], "2026-01-02T03:00:10Z");
    }
}

#[test]
fn records_and_lines_with_a_prefix_are_never_partial_lines() {
    let redactor = Redactor::default();
    let joins_pieces = |style: Style, has_prefix: bool| {
        let printer = Printer {
            style,
            reference: String::new(),
            has_prefix,
            has_timestamps: false,
            shows_timestamps: false,
            redactor: &redactor,
            open_line: None,
        };
        printer.joins_pieces()
    };
    assert!(joins_pieces(Style::Bytes, false) && joins_pieces(Style::Escaped, false));
    assert!(!joins_pieces(Style::Bytes, true));
    assert!(!joins_pieces(
        Style::Records(RecordWriter::default()),
        false
    ));
}

#[test]
fn raw_bytes_are_kept_and_secrets_are_masked() {
    let line = b"\xff\x1b[31m\xe5\xae token tok-s3cret-value-77\r\n";
    let shown = print(Style::Bytes, false, false, line);
    assert!(shown.starts_with(b"\xff\x1b[31m\xe5\xae token ") && shown.ends_with(b"\r\n"));
    assert!(!String::from_utf8_lossy(&shown).contains("tok-s3cret"));
    assert_eq!(print(Style::Bytes, false, false, b"half"), b"half");
    assert_eq!(
        print(Style::Bytes, true, false, b"half"),
        b"eci-1/main half\n"
    );
}

#[test]
fn control_characters_and_ci_commands_of_a_log_are_escaped() {
    let shown = print(
        Style::Escaped,
        false,
        false,
        "\u{1b}[2J损失\t1\r\n".as_bytes(),
    );
    assert_eq!(String::from_utf8(shown).unwrap(), "\\u{1b}[2J损失\t1\n");
    let command = print(Style::Escaped, false, false, b"::error::x\n");
    assert_eq!(command, b"\\u{3a}:error::x\n");
}

#[test]
fn a_ci_command_that_arrives_in_pieces_is_escaped() {
    for (pieces, expected) in [
        (":|:error::x\n", ":|\\u{3a}error::x\n"),
        (" |:|:error::x\n", " |:|\\u{3a}error::x\n"),
        ("#|#vso[task]a\n", "#|\\u{23}vso[task]a\n"),
        ("a ##|vso|[task]\n", "a ##|vso|\\u{5b}task]\n"),
        ("##[a]|b\n", "#\\u{23}[a]|b\n"),
        ("a |b::c\n", "a |b::c\n"),
    ] {
        let mut printed = PrintedLine::default();
        let pieces = pieces
            .trim_end()
            .split('|')
            .map(|piece| printed.escape(piece));
        let shown = pieces.collect::<Vec<_>>().join("|");
        assert_eq!(shown, expected.trim_end(), "{expected}");
    }
    let mut printed = PrintedLine::default();
    let blanks = " ".repeat(100);
    assert_eq!(printed.escape(&blanks), blanks);
    assert_eq!(printed.escape(":"), ":");
    assert_eq!(printed.escape(":x"), "\\u{3a}x");
    assert_eq!(printed.escape(&"a".repeat(100)), "a".repeat(100));
    assert_eq!(printed.escape("b::x"), "b::x");
}

#[test]
fn the_timestamp_of_a_line_is_removed_and_put_into_its_record() {
    let line = "2026-01-02T03:00:10.123456789Z epoch 1\n".as_bytes();
    assert_eq!(print(Style::Bytes, false, true, line), b"epoch 1\n");
    let record = print(Style::Records(RecordWriter::default()), false, true, line);
    let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
    assert_eq!(record["at"], "2026-01-02T03:00:10Z");
    assert_eq!(
        (&record["type"], &record["line"]),
        (&"log".into(), &"epoch 1".into())
    );
    assert_eq!(
        (&record["task"], &record["container"]),
        (&"eci-1".into(), &"main".into())
    );
    let records = || Style::Records(RecordWriter::default());
    for (has_times, line) in [(true, "epoch 1\n"), (false, "2026-01-02T03:00:10Z a\n")] {
        let record = print(records(), false, has_times, line.as_bytes());
        let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
        assert_eq!(record["at"], serde_json::Value::Null, "{line}");
    }
    for without in ["epoch 1\n", "2026 epoch\n", "\n", ""] {
        assert_eq!(
            print(Style::Bytes, false, true, without.as_bytes()),
            without.as_bytes()
        );
    }
    let window = b"2026-01-02T03:00:10Z a\n2026-01-02T03:00:12Z b\n";
    assert_eq!(
        last_timestamp(window).unwrap().rfc3339(),
        "2026-01-02T03:00:12Z"
    );
}

#[test]
fn the_records_of_a_long_line_are_marked_as_continued() {
    let style = Style::Records(RecordWriter::default());
    let records = print(style, false, false, b"a\nlong| line|!\nb\n");
    let records = records.split_inclusive(|byte| *byte == b'\n');
    let continued = records.map(|record| {
        let record: serde_json::Value = serde_json::from_slice(record).unwrap();
        (record["line"].clone(), record["continued"].clone())
    });
    let expected = [
        ("a", false),
        ("long|", false),
        (" line|", true),
        ("!", true),
        ("b", false),
    ];
    let expected = expected.map(|(line, is_continued)| (line.into(), is_continued.into()));
    assert_eq!(continued.collect::<Vec<_>>(), expected);
}

#[test]
fn a_long_line_with_a_prefix_is_split_only_by_lines_of_other_logs() {
    let shown = print(Style::Bytes, true, false, b"a\nlong| line|!\nb\n");
    let expected = "eci-1/main a\neci-1/main long| line|!\neci-1/main b\n";
    assert_eq!(String::from_utf8(shown).unwrap(), expected);
    let redactor = Redactor::default();
    let mut printer = Printer {
        style: Style::Escaped,
        reference: String::new(),
        has_prefix: true,
        has_timestamps: false,
        shows_timestamps: false,
        redactor: &redactor,
        open_line: None,
    };
    let [a, b] = ["a", "b"].map(|name| LogSource {
        container: Some(name.to_owned()),
        ..LogSource::default()
    });
    let (mut out, mut of_a, mut of_b) =
        (Vec::new(), PrintedLine::default(), PrintedLine::default());
    printer.print(&mut out, &a, &mut of_a, b"long");
    printer.print(&mut out, &b, &mut of_b, b"1\n");
    printer.print(&mut out, &a, &mut of_a, b" line\n");
    printer.print(&mut out, &b, &mut of_b, b"end");
    out.extend_from_slice(printer.take_line_end());
    let expected = "a long\nb 1\na  line\nb end\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}
