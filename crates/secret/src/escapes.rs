//! Decodes escapes of URLs, HTML, JSON, shells and terminals within a secret.

/// Line breaks of HTML, and the `=` at the end of a line of quoted-printable text.
const LINE_BREAKS: [&[u8]; 6] = [b"<br>", b"<wbr>", b"<br/>", b"<br />", b"=\n", b"=\r\n"];

/// Maximum length of a terminal sequence after `ESC [`.
const MAX_SEQUENCE_LEN: usize = 16;

/// Maximum number of digits of a character of HTML.
const MAX_DIGITS: usize = 7;

/// Named characters of HTML.
const NAMES: [(&[u8], char); 9] = [
    (b"amp;", '&'),
    (b"lt;", '<'),
    (b"gt;", '>'),
    (b"quot;", '"'),
    (b"apos;", '\''),
    (b"plus;", '+'),
    (b"equals;", '='),
    (b"sol;", '/'),
    (b"nbsp;", ' '),
];

/// Returns the folded byte at the beginning of a text, `None` if it is left out, and the length of its spelling.
pub(super) fn fold_one(text: &[u8]) -> (Option<u8>, usize) {
    let byte = text[0];
    let decoded = match byte {
        b'%' => percent(text),
        b'&' => entity(text),
        b'\\' => Some(escape(text)),
        b'<' | b'=' | b'\x1b' => line_break(text),
        // `de:ad:be`
        b':' if text.get(1..3).is_some_and(|pair| hex(pair).is_some())
            && !text.get(3).is_some_and(u8::is_ascii_alphanumeric) =>
        {
            Some((None, 1))
        }
        // No-break and wide blanks, soft hyphens, line separators, and zero-width characters.
        0xc2 | 0xe2 | 0xe3 | 0xef => BLANKS
            .iter()
            .find(|blank| text.starts_with(blank.as_bytes()))
            .map(|blank| (None, blank.len())),
        _ => None,
    };
    let (c, length) = match decoded {
        Some((Some(c), length)) if c.is_ascii() => (Some(c as u8), length),
        // Keys contain only ASCII. Other characters end a key.
        Some((Some(_), length)) => (Some(0), length),
        Some((None, length)) => (None, length),
        None => (Some(byte), 1),
    };
    (c.and_then(fold_byte), length)
}

/// Folds the first byte without decoding escapes.
pub(super) fn fold_plain(text: &[u8]) -> (Option<u8>, usize) {
    (fold_byte(text[0]), 1)
}

/// Returns `true` if a text ends within what [`fold_one`] could read as one escape if more text follows.
pub(super) fn is_unfinished(text: &[u8]) -> bool {
    let (first, rest) = (text[0], &text[1..]);
    match first {
        b'%' => rest.len() < 2 + without(rest, b"25") && is_all(rest, u8::is_ascii_hexdigit),
        b'&' => is_unfinished_entity(&rest[without(rest, b"amp;")..]),
        b'\\' => is_unfinished_escape(&rest[without(rest, b"\\")..]),
        b'\x1b' => match rest.strip_prefix(b"[") {
            Some(rest) => {
                rest.len() < MAX_SEQUENCE_LEN && is_all(rest, |byte| !byte.is_ascii_alphabetic())
            }
            None => rest.is_empty(),
        },
        b':' => rest.len() < 3 && is_all(rest, u8::is_ascii_hexdigit),
        b'<' | b'=' => LINE_BREAKS.iter().any(|whole| begins(whole, text)),
        _ => false,
    }
}

fn is_unfinished_entity(text: &[u8]) -> bool {
    let mut names = NAMES.iter().map(|(name, _)| name);
    match text.strip_prefix(b"#") {
        Some(digits) => digits.len() <= MAX_DIGITS && is_all(digits, u8::is_ascii_alphanumeric),
        None => names.any(|name| begins(name, text)),
    }
}

fn is_unfinished_escape(text: &[u8]) -> bool {
    let Some((sign, digits)) = text.split_first() else {
        return true;
    };
    let length = match sign {
        b'u' => 4,
        b'U' => 8,
        b'x' | b'0'..=b'3' => 2,
        _ => 0,
    };
    digits.len() < length && is_all(digits, u8::is_ascii_hexdigit)
}

/// Returns `true` if a text is a prefix of `whole`, but not all of it.
fn begins(whole: &[u8], text: &[u8]) -> bool {
    text.len() < whole.len() && whole[..text.len()].eq_ignore_ascii_case(text)
}

/// Returns the length of all repetitions of `prefix` at the beginning of a text.
fn without(text: &[u8], prefix: &[u8]) -> usize {
    let repetitions = text.chunks(prefix.len());
    repetitions.take_while(|part| *part == prefix).count() * prefix.len()
}

fn is_all(text: &[u8], is: impl Fn(&u8) -> bool) -> bool {
    text.iter().all(is)
}

/// Returns the folded form of a byte; `None` for a blank, for `+`, which encodes a blank, and for NUL.
pub(super) fn fold_byte(byte: u8) -> Option<u8> {
    let is_blank = byte.is_ascii_whitespace() || matches!(byte, b'+' | 0);
    (!is_blank).then(|| byte.to_ascii_lowercase())
}

/// Characters beyond ASCII that are ignored within a secret.
const BLANKS: [&str; 13] = [
    "\u{a0}", "\u{ad}", "\u{200b}", "\u{200c}", "\u{200d}", "\u{200e}", "\u{200f}", "\u{2028}",
    "\u{2029}", "\u{2060}", "\u{3000}", "\u{feff}", "\u{202f}",
];

/// Returns the length of a line break or color: `<br>` and `<wbr>` of HTML, the `=` at the end of a line of
/// quoted-printable text, and `ESC [ 31 m`.
fn line_break(text: &[u8]) -> Option<Decoded> {
    let is_begin = |start: &&&[u8]| {
        let begin = text.get(..start.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(start))
    };
    if let Some(found) = LINE_BREAKS.iter().find(is_begin) {
        return Some((None, found.len()));
    }
    let sequence = text.strip_prefix(b"\x1b[")?;
    let sequence = sequence.iter().take(MAX_SEQUENCE_LEN);
    let end = sequence.take_while(|byte| !byte.is_ascii_alphabetic());
    Some((None, (end.count() + 3).min(text.len())))
}

/// The character that an escape encodes, if any, and the length of the escape in bytes.
type Decoded = (Option<char>, usize);

/// Decodes `%2B` and `%252B`.
fn percent(text: &[u8]) -> Option<Decoded> {
    let mut at = 1;
    while text[at..].starts_with(b"25") && hex(text.get(at + 2..at + 4)?).is_some() {
        at += 2;
    }
    let code = hex(text.get(at..at + 2)?)?;
    Some((char::from_u32(code), at + 2))
}

/// Decodes `&#x2B;`, `&#43;`, `&plus;`, and `&amp;#43;`.
fn entity(text: &[u8]) -> Option<Decoded> {
    let mut at = 1;
    while text[at..].starts_with(b"amp;") {
        at += 4;
    }
    let rest = &text[at..];
    if let Some(number) = rest.strip_prefix(b"#") {
        let is_hex = matches!(number.first(), Some(b'x' | b'X'));
        let (radix, digits) = match is_hex {
            true => (16, &number[1..]),
            false => (10, number),
        };
        let is_digit = |byte: &&u8| char::from(**byte).is_digit(radix);
        let length = digits.iter().take(MAX_DIGITS).take_while(is_digit).count();
        let code = code(&digits[..length], radix)?;
        // Browsers also accept it without the semicolon.
        let end = usize::from(digits.get(length) == Some(&b';'));
        let start = at + 1 + usize::from(is_hex);
        return Some((char::from_u32(code), start + length + end));
    }
    let named = NAMES.iter().find(|(name, _)| rest.starts_with(name));
    match named {
        Some((name, c)) => Some((Some(*c), at + name.len())),
        None if at > 1 => Some((Some('&'), at)),
        None => None,
    }
}

/// Decodes `\u002b`, `\U0000002b`, `\x2b`, `\053`, the line end `\n`, and any other character after a backslash.
fn escape(text: &[u8]) -> Decoded {
    let slashes = text.iter().take_while(|byte| **byte == b'\\').count();
    let rest = &text[slashes..];
    let (sign, digits, radix) = match rest.first() {
        Some(b'u') => (1, rest.get(1..5), 16),
        Some(b'U') => (1, rest.get(1..9), 16),
        Some(b'x') => (1, rest.get(1..3), 16),
        Some(b'0'..=b'3') => (0, rest.get(..3), 8),
        Some(b'n' | b'r' | b't') => return (None, slashes + 1),
        _ => (0, None, 16),
    };
    match digits.and_then(|digits| Some((code(digits, radix)?, digits.len()))) {
        Some((code, length)) => (char::from_u32(code), slashes + sign + length),
        None => (None, slashes),
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    code(digits, 16)
}

/// Returns the number with these digits.
fn code(digits: &[u8], radix: u32) -> Option<u32> {
    let is_number = digits.iter().all(|byte| char::from(*byte).is_digit(radix));
    let text = std::str::from_utf8(digits).ok().filter(|_| is_number)?;
    u32::from_str_radix(text, radix).ok()
}
