use super::*;
use crate::secret::Secret;

#[test]
fn lines_are_assembled_from_pieces() {
    let mut lines = Lines::default();
    assert_eq!(lines.push("损".as_bytes()), Vec::<Block>::new());
    assert_eq!(
        lines.push("失\r\nb\nc".as_bytes()),
        ["损失\r\nb\n".as_bytes()]
    );
    let none = Redactor::default();
    assert_eq!(lines.take_partial_line(&none), Some(b"c".to_vec()));
    assert_eq!(lines.finish(), None);
}

#[test]
fn a_line_without_an_end_is_not_joined_with_other_text() {
    let mut lines = Lines::default();
    assert_eq!(lines.break_line(), None);
    lines.push("损失".as_bytes());
    assert_eq!(lines.break_line(), Some("损失\n".as_bytes().to_vec()));
    assert_eq!(lines.break_line(), None);
    lines.push(b"50%");
    let none = Redactor::default();
    assert_eq!(lines.take_partial_line(&none), Some(b"50%".to_vec()));
    assert_eq!(lines.break_line(), Some(b"\n".to_vec()));
    assert_eq!(lines.push(b"a\n"), [b"a\n"]);
    assert_eq!(lines.break_line(), None);
}

#[test]
fn the_pieces_of_a_long_line_take_no_more_memory_than_the_line() {
    let mut lines = Lines::default();
    let line = vec![b'x'; 16 << 20];
    lines.push(&line);
    let pieces = lines.take_long(&Redactor::default());
    let capacity: usize = pieces.iter().map(Vec::capacity).sum();
    assert!(capacity <= line.len(), "{capacity}");
    assert!(lines.pending.capacity() <= 2 * MAX_LINE_BYTES);
    let rest = lines.finish().unwrap_or_default();
    assert_eq!([pieces.concat(), rest].concat(), line);
}

#[test]
fn a_secret_that_arrives_in_pieces_is_passed_on_whole() {
    let redactor = Redactor::default();
    redactor.add([&Secret::new("tok-s3cret-value-77")]);
    let mut lines = Lines::default();
    lines.push("\u{fffd} 密钥=tok-s3cret".as_bytes());
    let shown = lines.take_partial_line(&redactor);
    assert_eq!(shown, Some("\u{fffd} 密钥=".as_bytes().to_vec()));
    assert_eq!(lines.take_partial_line(&redactor), None);
    assert_eq!(lines.take_partial_line(&redactor), None);
    let whole = lines.push(b"-value-77 end\n");
    assert_eq!(whole, [b"tok-s3cret-value-77 end\n"]);
    lines.push(b"tok-\xff");
    assert_eq!(
        lines.take_partial_line(&redactor),
        Some(b"tok-\xff".to_vec())
    );
}

/// Returns the output of a line that pauses after these positions.
fn shown(line: &[u8], pauses: &[usize], redactor: &Redactor) -> String {
    let (mut lines, mut shown, mut from) = (Lines::default(), String::new(), 0);
    let mut show = |block: Block| {
        let mut text = String::from_utf8_lossy(&block).into_owned();
        redactor.text(&mut text);
        shown.push_str(&text);
    };
    for at in pauses.iter().copied().chain([line.len()]) {
        lines.push(&line[from..at]);
        from = at;
        lines
            .take_partial_line(redactor)
            .into_iter()
            .for_each(&mut show);
    }
    lines.finish().into_iter().for_each(&mut show);
    shown
}

#[test]
fn a_line_that_pauses_anywhere_within_a_secret_does_not_show_it() {
    const SECRET: &str = "Zk9/Q2+X7pR4tW8mN3sB";
    let redactor = Redactor::default();
    redactor.add([
        &Secret::new(SECRET),
        &Secret::new("nab12!c9"),
        &Secret::new("41bX!c9z"),
    ]);
    let hex = |sign: &str, end: &str| -> String {
        SECRET
            .bytes()
            .map(|byte| format!("{sign}{byte:02x}{end}"))
            .collect()
    };
    let spelled = [
        SECRET.to_owned(),
        "Zk9%2FQ2%2BX7pR4tW8mN3sB".to_owned(),
        "Zk9%252FQ2%252BX7pR4tW8mN3sB".to_owned(),
        hex("%", ""),
        hex("\\u00", ""),
        hex("\\\\x", ""),
        hex("&#x", ";"),
        hex("", ":"),
        hex("", ""),
        "Zk9/Q2\u{1b}[1;31m+X7pR4tW8mN3sB".to_owned(),
        "Zk9/Q2\u{200b}+X7pR<wbr>4tW8mN3sB".to_owned(),
        "Wms5L1EyK1g3cFI0dFc4bU4zc0I=".to_owned(),
        "nab12!c9".to_owned(),
        "41bX!c9z".to_owned(),
    ];
    let before = [
        "",
        "密",
        "\u{1b}[",
        "a\u{1b}[>[[\u{1b}\u{1b}",
        "%",
        "%2",
        "&",
        "&#",
        "&amp;",
        "\\",
        "\\\\",
        "\\x",
        "\\u0",
        "<",
        "=",
        "a:",
    ];
    for (secret, before) in spelled
        .iter()
        .flat_map(|one| before.map(|before| (one, before)))
    {
        let line = format!("{before}{secret} end").into_bytes();
        let [from, to] = [before.len(), before.len() + secret.len()];
        let mut pauses: Vec<Vec<usize>> = (1..=4)
            .map(|size| (1..to).step_by(size).collect())
            .collect();
        pauses.extend((from..to).map(|at| vec![at]));
        pauses.push(vec![from + 1, from + secret.len() / 2]);
        for pauses in pauses {
            let text = shown(&line, &pauses, &redactor);
            assert!(
                !text.contains(&secret[1..]),
                "{before:?} {secret} {pauses:?}: {text}"
            );
            assert!(text.ends_with(" end"), "{text}");
        }
    }
}

#[test]
fn a_paused_line_is_shown_up_to_a_possible_start_of_a_secret() {
    let redactor = Redactor::default();
    redactor.add([&Secret::new("Zk9vQ2xX7pR4tW8mN3sB6yH1cJ5dFg")]);
    for (line, expected) in [
        ("Continue? (:", "Continue? (:"),
        ("key=", "key="),
        ("a < b: 1\u{1b}[31", "a < b: 1\u{1b}[31"),
        ("50%", "50"),
        ("50%|", "50%|"),
        ("Zk9vQ\u{1b}", ""),
    ] {
        let mut lines = Lines::default();
        lines.push(line.as_bytes());
        let shown = lines.take_partial_line(&redactor).unwrap_or_default();
        assert_eq!(String::from_utf8(shown).unwrap(), expected);
    }
}

#[test]
fn a_long_line_is_split_without_losing_bytes() {
    let (mut lines, none) = (Lines::default(), Redactor::default());
    let text = "x".repeat(300_000) + "\n";
    let mut all = Vec::new();
    for piece in text.as_bytes().chunks(1000) {
        all.extend(lines.push(piece));
        all.extend(lines.take_long(&none));
        assert!(lines.pending.len() <= MAX_LINE_BYTES);
    }
    assert!(all.len() > 4 && all.concat() == text.as_bytes());
    let text = "损".repeat(60_000);
    lines.push(text.as_bytes());
    let all = lines.take_long(&none);
    assert!(all.len() > 1 && all.iter().all(|line| std::str::from_utf8(line).is_ok()));
    let redactor = Redactor::default();
    redactor.add([&Secret::new("tok-s3cret-value-77")]);
    let mut lines = Lines::new(true);
    lines.push(format!("2026-01-02T03:04:05.5Z {}", "x".repeat(90_000)).as_bytes());
    assert!(lines.take_long(&redactor)[0].len() > 1000);
}

#[test]
fn a_timestamp_is_passed_on_only_when_complete() {
    let (mut lines, redactor) = (Lines::new(true), Redactor::default());
    for piece in ["2", "026-01-02T0", "3:04:05.5", "Z", " "] {
        lines.push(piece.as_bytes());
        assert_eq!(lines.take_partial_line(&redactor), None, "{piece}");
    }
    lines.push(b"10%, 20 \r");
    let begun = b"2026-01-02T03:04:05.5Z 10%, 20 ";
    assert_eq!(lines.take_partial_line(&redactor), Some(begun.to_vec()));
    lines.push(b"2026: ");
    assert_eq!(
        lines.take_partial_line(&redactor),
        Some(b"\r2026: ".to_vec())
    );
}

#[test]
fn a_long_line_is_not_cut_within_a_secret() {
    let redactor = Redactor::default();
    redactor.add([&Secret::new("tok-s3cret-value-77")]);
    for secret in ["tok-s3cret-value-77", "tok-s3cr et-value-77"] {
        for at in 1..secret.len() {
            let mut lines = Lines::default();
            let before = "x".repeat(MAX_LINE_BYTES - KEPT_BYTES - at);
            lines.push((before.clone() + secret + &"y".repeat(9000)).as_bytes());
            let first = lines.take_long(&redactor).remove(0);
            let expected = before.len()..=before.len() + secret.len();
            assert!(expected.contains(&first.len()), "{at}: {}", first.len());
            assert!(!first.ends_with(b"tok"), "{at}");
        }
    }
}

#[test]
fn the_tail_keeps_only_the_last_lines() {
    let mut tail = Tail::new(2);
    tail.extend(vec![b"a\nb\n".to_vec(), b"c".to_vec()]);
    assert_eq!(tail.into_lines(), [&b"b\n"[..], b"c"]);
    let mut pieces = Tail::new(2);
    pieces.extend(
        [
            b"a\n".to_vec(),
            b"b".to_vec(),
            b"c".to_vec(),
            b"d\n".to_vec(),
        ]
        .into(),
    );
    assert_eq!(pieces.into_lines(), [&b"a\n"[..], b"bcd\n"]);
    let mut none = Tail::new(0);
    none.extend(vec![b"a".to_vec()]);
    assert!(none.into_lines().is_empty());
}
