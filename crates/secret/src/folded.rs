//! Secrets in other spellings than their own: escaped, encoded, wrapped, cut or in another case.
//!
//! Texts and secrets are compared in a folded form: escapes of URLs, HTML and JSON decoded, capitals
//! as small letters, and neither blanks, nor `+`, which stands for one in URLs, nor `:` between hex digits.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Bytes that are compared at once.
pub(super) const GRAM: usize = 4;

/// A secret that is shorter when folded is looked for as it is only.
const MIN_LENGTH: usize = 7;

/// Nobody shows a longer secret in an encoded form.
const MAX_ENCODED_LENGTH: usize = 4096;

/// Shorter pieces of a secret are not recognized.
const MIN_PIECE: usize = 12;

/// Of secrets that are shorter only nearly the whole is recognized: their parts may be words.
const MIN_LENGTH_OF_CUT: usize = 16;

/// What else than a secret a text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// An ordinary word or number: letters or digits, and signs of ids, but not both.
    Plain,
    /// A short name, such as `node1`.
    Name,
    /// An id of digits or hex digits, but no part of a longer one.
    Id,
    /// Nothing else.
    Distinctive,
}

/// A folded secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct FoldedSecret {
    pub text: Vec<u8>,
    /// What is in its place.
    pub mask: String,
    /// What else it may be.
    pub kind: Kind,
}

impl FoldedSecret {
    /// A secret by itself, in hex digits, and in base64, once and twice, wherever it begins there; none
    /// when it is too short.
    pub(super) fn spellings(secret: &str, mask: &str, kind: Kind) -> Vec<Self> {
        let mut texts = vec![secret.to_owned()];
        if (8..=MAX_ENCODED_LENGTH).contains(&secret.len()) {
            texts.push(secret.bytes().map(|byte| format!("{byte:02x}")).collect());
            base64_parts(secret.as_bytes(), &mut texts);
            // As in a Secret of Kubernetes whose value is base64 itself.
            base64_parts(STANDARD_NO_PAD.encode(secret).as_bytes(), &mut texts);
        }
        let mut texts: Vec<_> = texts.iter().map(|text| fold(text).bytes).collect();
        // What looks like an escape may be a part of the secret.
        let own = secret.bytes().filter_map(fold_byte);
        texts.push(own.collect());
        texts.sort();
        texts.dedup();
        let folded = texts.into_iter().map(|text| Self {
            mask: mask.to_owned(),
            kind,
            text,
        });
        folded.filter(|one| one.text.len() >= MIN_LENGTH).collect()
    }

    /// Its bytes when it is folded.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// Bytes that a piece has at least.
    pub(super) fn min_piece(&self) -> usize {
        let length = self.text.len();
        let cut = match length {
            // Names that differ by one character are common, but not so long ones without a sign.
            _ if self.kind == Kind::Name && !self.is_long_word() => length,
            0..MIN_LENGTH_OF_CUT => (length * 9).div_ceil(10),
            _ => MIN_PIECE,
        };
        self.half().map_or(cut, |half| half.min(cut))
    }

    /// Bytes of the half of a password with a sign that names and ids do not have: so much of it is
    /// recognized, unless it is a word or a number.
    fn half(&self) -> Option<usize> {
        let is_password = self.kind == Kind::Distinctive && self.text.iter().any(is_sign);
        is_password.then(|| self.text.len().div_ceil(2).max(MIN_LENGTH))
    }

    /// True for letters and digits only that are as long as a piece.
    fn is_long_word(&self) -> bool {
        let has = |is: fn(&u8) -> bool| self.text.iter().any(is);
        self.text.len() >= MIN_PIECE
            && self.text.iter().all(u8::is_ascii_alphanumeric)
            && has(u8::is_ascii_digit)
            && has(u8::is_ascii_alphabetic)
    }

    /// True when a piece is a part of this secret alone, and not a word that it holds.
    fn is_piece(&self, piece: &[u8]) -> bool {
        let length = self.text.len();
        if piece.len() < self.min_piece() {
            return false;
        }
        let has = |is: fn(&u8) -> bool| piece.iter().any(is);
        let is_mixed = || has(is_sign) || (has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic));
        if self.half().is_some_and(|half| piece.len() >= half) && is_mixed() {
            return true;
        }
        match length {
            0..MIN_LENGTH_OF_CUT => piece.len() * 10 >= length * 9,
            _ => {
                piece.len() >= MIN_PIECE
                    && (piece.len() >= MIN_LENGTH_OF_CUT
                        || piece.len() * 3 >= length * 2
                        || has(u8::is_ascii_digit))
            }
        }
    }
}

/// True for a sign that neither names nor ids have.
fn is_sign(byte: &u8) -> bool {
    !byte.is_ascii_alphanumeric() && !b"-_.:".contains(byte)
}

/// What `bytes` become in base64 where they begin at any byte of the text that is encoded.
fn base64_parts(bytes: &[u8], texts: &mut Vec<String>) {
    for (shift, cut) in [(0, 0), (1, 2), (2, 3)] {
        let bytes = [&vec![0; shift][..], bytes].concat();
        let whole = bytes.len() * 8 / 6;
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            texts.push(engine.encode(&bytes)[cut..whole].to_owned());
        }
    }
}

/// The text with `secrets` and pieces of them masked.
pub(super) fn mask(text: &str, secrets: &[&FoldedSecret]) -> String {
    let mut index: HashMap<u32, Vec<(usize, usize)>> = HashMap::new();
    for (number, secret) in secrets.iter().enumerate() {
        for (at, gram) in secret.text.windows(GRAM).enumerate() {
            index.entry(gram_of(gram)).or_default().push((number, at));
        }
    }
    let folded = fold(text);
    let bytes = &folded.bytes;
    let mut masked = String::with_capacity(text.len());
    let (mut shown, mut at) = (0, 0);
    while at + GRAM <= bytes.len() {
        let places = index.get(&gram_of(&bytes[at..at + GRAM]));
        let lengths = places.into_iter().flatten().map(|&(number, from)| {
            let pairs = secrets[number].text[from..].iter().zip(&bytes[at..]);
            (pairs.take_while(|(a, b)| a == b).count(), number)
        });
        let pieces =
            lengths.filter(|&(length, number)| secrets[number].is_piece(&bytes[at..at + length]));
        let Some((length, number)) = pieces.max() else {
            at += 1;
            continue;
        };
        // A `+` is not compared, and may be a part of the secret.
        let from = text[shown..folded.starts[at]].trim_end_matches('+').len() + shown;
        let end = folded.ends[at + length - 1];
        let end = text.len() - text[end..].trim_start_matches('+').len();
        masked.push_str(&text[shown..from]);
        masked.push_str(match length == secrets[number].text.len() {
            true => &secrets[number].mask,
            false => super::MASK,
        });
        shown = end;
        at += length;
    }
    masked + &text[shown..]
}

/// How many bytes a text has before an end that may be the beginning of one of `secrets`.
pub(super) fn complete_length(text: &str, secrets: &[FoldedSecret]) -> usize {
    let Folded { bytes, starts, .. } = fold(text);
    let begins = secrets.iter().filter_map(|secret| {
        let from = bytes.len().saturating_sub(secret.text.len());
        let mut places = from..bytes.len();
        places.find(|at| secret.text.starts_with(&bytes[*at..]))
    });
    begins.min().map_or(text.len(), |at| starts[at])
}

pub(super) fn gram_of(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |gram, byte| (gram << 8) | u32::from(*byte))
}

/// A folded text, and where each of its bytes comes from.
#[derive(Default)]
struct Folded {
    bytes: Vec<u8>,
    starts: Vec<usize>,
    ends: Vec<usize>,
}

fn fold(text: &str) -> Folded {
    let mut folded = Folded::default();
    let text = text.as_bytes();
    let mut at = 0;
    while at < text.len() {
        let (byte, length) = fold_one(&text[at..]);
        if let Some(byte) = byte {
            folded.bytes.push(byte);
            folded.starts.push(at);
            folded.ends.push(at + length);
        }
        at += length;
    }
    folded
}

/// The byte at the beginning of a text when it is folded, if anything stands for it, and the length of its
/// spelling.
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
        // Non-breaking and wide blanks, soft hyphens, line separators, and what has no width.
        0xc2 | 0xe2 | 0xe3 | 0xef => BLANKS
            .iter()
            .find(|blank| text.starts_with(blank.as_bytes()))
            .map(|blank| (None, blank.len())),
        _ => None,
    };
    let (c, length) = match decoded {
        Some((Some(c), length)) if c.is_ascii() => (Some(c as u8), length),
        // What is not ASCII is not part of a key; a character of a word ends it.
        Some((Some(_), length)) => (Some(0), length),
        Some((None, length)) => (None, length),
        None => (Some(byte), 1),
    };
    (c.and_then(fold_byte), length)
}

/// What stands for a character; `None` for a blank, for `+`, which stands for one, and for NUL.
fn fold_byte(byte: u8) -> Option<u8> {
    let is_blank = byte.is_ascii_whitespace() || matches!(byte, b'+' | 0);
    (!is_blank).then(|| byte.to_ascii_lowercase())
}

/// Characters beyond ASCII that mean nothing within a secret.
const BLANKS: [&str; 13] = [
    "\u{a0}", "\u{ad}", "\u{200b}", "\u{200c}", "\u{200d}", "\u{200e}", "\u{200f}", "\u{2028}",
    "\u{2029}", "\u{2060}", "\u{3000}", "\u{feff}", "\u{202f}",
];

/// Where a line is broken or coloured: `<br>` and `<wbr>` of HTML, the `=` at the end of a line of
/// quoted-printable text, and `ESC [ 31 m`.
fn line_break(text: &[u8]) -> Option<Decoded> {
    const TAGS: [&[u8]; 4] = [b"<br>", b"<wbr>", b"<br/>", b"<br />"];
    const BREAKS: [&[u8]; 2] = [b"=\n", b"=\r\n"];
    const MAX_SEQUENCE_LEN: usize = 16;
    let is_begin = |start: &&&[u8]| {
        let begin = text.get(..start.len());
        begin.is_some_and(|begin| begin.eq_ignore_ascii_case(start))
    };
    if let Some(found) = TAGS.iter().chain(&BREAKS).find(is_begin) {
        return Some((None, found.len()));
    }
    let sequence = text.strip_prefix(b"\x1b[")?;
    let sequence = sequence.iter().take(MAX_SEQUENCE_LEN);
    let end = sequence.take_while(|byte| !byte.is_ascii_alphabetic());
    Some((None, (end.count() + 3).min(text.len())))
}

/// What an escape stands for, if anything, and its bytes.
type Decoded = (Option<char>, usize);

/// `%2B`, and `%252B` as well.
fn percent(text: &[u8]) -> Option<Decoded> {
    let mut at = 1;
    while text[at..].starts_with(b"25") && hex(text.get(at + 2..at + 4)?).is_some() {
        at += 2;
    }
    let code = hex(text.get(at..at + 2)?)?;
    Some((char::from_u32(code), at + 2))
}

/// `&#x2B;`, `&#43;`, `&plus;`, and `&amp;#43;` as well.
fn entity(text: &[u8]) -> Option<Decoded> {
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
    let mut at = 1;
    while text[at..].starts_with(b"amp;") {
        at += 4;
    }
    let rest = &text[at..];
    if let Some(number) = rest.strip_prefix(b"#") {
        const MAX_DIGITS: usize = 7;
        let is_hex = matches!(number.first(), Some(b'x' | b'X'));
        let (radix, digits) = match is_hex {
            true => (16, &number[1..]),
            false => (10, number),
        };
        let is_digit = |byte: &&u8| char::from(**byte).is_digit(radix);
        let length = digits.iter().take(MAX_DIGITS).take_while(is_digit).count();
        let code = code(&digits[..length], radix)?;
        // Browsers do without the semicolon.
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

/// `\u002b`, `\U0000002b`, `\x2b`, `\053`, the line end `\n`, and any other character after a backslash.
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

/// The number that digits stand for.
fn code(digits: &[u8], radix: u32) -> Option<u32> {
    let is_number = digits.iter().all(|byte| char::from(*byte).is_digit(radix));
    let text = std::str::from_utf8(digits).ok().filter(|_| is_number)?;
    u32::from_str_radix(text, radix).ok()
}
