//! Secrets in other spellings than their own: escaped, encoded, wrapped, cut or in another case.
//!
//! Texts and secrets are compared in a folded form: escapes of URLs, HTML and JSON decoded, capitals
//! as small letters, and neither blanks nor `+`, which stands for one in URLs.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// Bytes that are compared at once.
const GRAM: usize = 4;

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
    text: Vec<u8>,
    /// What stands in its place.
    pub mask: String,
    /// What else it may be.
    pub kind: Kind,
}

impl FoldedSecret {
    /// A secret by itself, in hex digits, and in base64 wherever it begins there; none when it is too short.
    pub(super) fn spellings(secret: &str, mask: &str, kind: Kind) -> Vec<Self> {
        let mut texts = vec![secret.to_owned()];
        if (8..=MAX_ENCODED_LENGTH).contains(&secret.len()) {
            texts.push(secret.bytes().map(|byte| format!("{byte:02x}")).collect());
            for (shift, cut) in [(0, 0), (1, 2), (2, 3)] {
                let bytes = [&vec![0; shift][..], secret.as_bytes()].concat();
                let whole = bytes.len() * 8 / 6;
                let part = |text: String| text[cut..whole].to_owned();
                texts.push(part(STANDARD_NO_PAD.encode(&bytes)));
                texts.push(part(URL_SAFE_NO_PAD.encode(&bytes)));
            }
        }
        texts.sort();
        texts.dedup();
        let folded = texts.into_iter().map(|text| Self {
            mask: mask.to_owned(),
            kind,
            text: fold(&text).bytes,
        });
        folded.filter(|one| one.text.len() >= MIN_LENGTH).collect()
    }

    /// Its bytes when it is folded.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// Bytes that a piece has at least.
    fn min_piece(&self) -> usize {
        let length = self.text.len();
        match length {
            _ if self.kind == Kind::Name => length,
            0..MIN_LENGTH_OF_CUT => (length * 9).div_ceil(10),
            _ => MIN_PIECE,
        }
    }

    /// True when a piece is a part of this secret alone, and not a word that it holds.
    fn is_piece(&self, piece: &[u8]) -> bool {
        let length = self.text.len();
        piece.len() >= self.min_piece()
            && (length < MIN_LENGTH_OF_CUT
                || piece.len() >= MIN_LENGTH_OF_CUT
                || piece.len() * 3 >= length * 2
                || piece.iter().any(u8::is_ascii_digit))
    }
}

/// Finds texts without a secret at the cost of reading a part of each.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    /// A bit for each hash of a gram.
    bits: Vec<u64>,
    /// How many grams in a row the shortest piece has.
    run: usize,
}

impl Filter {
    /// The filter for these secrets.
    pub(super) fn new(secrets: &[FoldedSecret]) -> Self {
        let grams: usize = secrets.iter().map(|secret| secret.text.len()).sum();
        let shortest = secrets.iter().map(FoldedSecret::min_piece).min();
        let mut filter = Self {
            bits: vec![0; (grams / 2).next_power_of_two().max(64)],
            run: shortest.map_or(usize::MAX, |length| length - (GRAM - 1)),
        };
        for gram in secrets.iter().flat_map(|secret| secret.text.windows(GRAM)) {
            let (at, bit) = filter.place(gram_of(gram));
            filter.bits[at] |= bit;
        }
        filter
    }

    /// The filter for the secrets of both.
    pub(super) fn union(&self, other: &Self) -> Self {
        let (large, small) = match self.bits.len() >= other.bits.len() {
            true => (self, other),
            false => (other, self),
        };
        if small.bits.is_empty() {
            return large.clone();
        }
        // The place of a gram in the small one is that in the large one, by the length of the small one.
        let bits = large.bits.iter().zip(small.bits.iter().cycle());
        Self {
            bits: bits.map(|(a, b)| a | b).collect(),
            run: self.run.min(other.run),
        }
    }

    /// True when a text may hold a piece of a secret. Most texts are read in part only: between two grams
    /// that no secret has, a piece can stand only where there is room for the shortest one.
    pub(super) fn may_hold_secret(&self, text: &str) -> bool {
        let text = text.as_bytes();
        let shortest = self.run.saturating_add(GRAM - 1);
        if self.bits.is_empty() || text.len() < shortest {
            return false;
        }
        // What follows one of these may be a part of an escape.
        if memchr::memchr3(b'%', b'&', b'\\', text).is_some() {
            return self.read(text, usize::MAX).is_none();
        }
        let mut from = 0;
        while let Some(room) = text.get(from..from + shortest) {
            match self.last_foreign(room) {
                Some(at) => from += at + 1,
                None => match self.read(&text[from..], 1) {
                    Some(length) => from += length,
                    None => return true,
                },
            }
        }
        false
    }

    /// Where the last gram stands that no secret has, and whose bytes are folded one by one.
    fn last_foreign(&self, text: &[u8]) -> Option<usize> {
        let mut at = text.len() - GRAM;
        loop {
            let mut gram = 0;
            let mut is_plain = true;
            for byte in &text[at..at + GRAM] {
                let folded = FOLDED_BYTES[usize::from(*byte)];
                gram = (gram << 8) | u32::from(folded);
                is_plain &= folded != 0;
            }
            if is_plain && !self.has(gram) {
                return Some(at);
            }
            at = at.checked_sub(1)?;
        }
    }

    /// Reads a text until `max` grams were found that no secret has, and returns where the last of them
    /// begins, or the end; `None` where a piece of a secret may stand before.
    fn read(&self, text: &[u8], max: usize) -> Option<usize> {
        let (mut gram, mut starts, mut length) = (0_u32, [0; GRAM], 0);
        let (mut run, mut foreign, mut at) = (0, 0, 0);
        while at < text.len() {
            let (folded, bytes) = fold_one(&text[at..]);
            if let Some(byte) = folded {
                gram = (gram << 8) | u32::from(byte);
                starts.rotate_left(1);
                starts[GRAM - 1] = at;
                length += 1;
                if length >= GRAM && self.has(gram) {
                    run += 1;
                } else if length >= GRAM {
                    (run, foreign) = (0, foreign + 1);
                }
                if run >= self.run {
                    return None;
                }
                if foreign == max {
                    return Some(starts[0] + 1);
                }
            }
            at += bytes;
        }
        Some(text.len())
    }

    fn has(&self, gram: u32) -> bool {
        let (at, bit) = self.place(gram);
        self.bits[at] & bit != 0
    }

    fn place(&self, gram: u32) -> (usize, u64) {
        let hash = gram.wrapping_mul(0x9e37_79b1) as usize >> 7;
        ((hash >> 6) & (self.bits.len() - 1), 1 << (hash & 63))
    }
}

/// What stands for a byte that is folded by itself; 0 for one that may be left out or be a part of an
/// escape.
const FOLDED_BYTES: [u8; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < table.len() {
        table[at] = match at as u8 {
            b'%' | b'&' | b'\\' | b'+' => 0,
            // Those of the characters without a width.
            0xc2 | 0xa0 | 0xad | 0xe2 | 0x80 | 0x8b => 0,
            byte if byte.is_ascii_whitespace() => 0,
            byte => byte.to_ascii_lowercase(),
        };
        at += 1;
    }
    table
};

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

fn gram_of(bytes: &[u8]) -> u32 {
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
fn fold_one(text: &[u8]) -> (Option<u8>, usize) {
    let byte = text[0];
    let decoded = match byte {
        b'%' => percent(text),
        b'&' => entity(text),
        b'\\' => Some(escape(text)),
        // Non-breaking blanks, soft hyphens, and what has no width.
        0xc2 if text.starts_with(b"\xc2\xa0") || text.starts_with(b"\xc2\xad") => Some((None, 2)),
        0xe2 if text.starts_with(b"\xe2\x80\x8b") => Some((None, 3)),
        _ => None,
    };
    let (c, length) = match decoded {
        Some((Some(c), length)) if c.is_ascii() => (Some(c as u8), length),
        // What is not ASCII is not part of a key; a character of a word ends it.
        Some((Some(_), length)) => (Some(0), length),
        Some((None, length)) => (None, length),
        None => (Some(byte), 1),
    };
    let folded = c.filter(|c| !c.is_ascii_whitespace() && *c != b'+');
    (folded.map(|c| c.to_ascii_lowercase()), length)
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
    if let Some(digits) = rest.strip_prefix(b"#") {
        let length = digits.iter().take(8).position(|byte| *byte == b';')?;
        let code = match digits[..length]
            .strip_prefix(b"x")
            .or(digits[..length].strip_prefix(b"X"))
        {
            Some(digits) => hex(digits)?,
            None => std::str::from_utf8(&digits[..length]).ok()?.parse().ok()?,
        };
        return Some((char::from_u32(code), at + length + 2));
    }
    let named = NAMES.iter().find(|(name, _)| rest.starts_with(name));
    match named {
        Some((name, c)) => Some((Some(*c), at + name.len())),
        None if at > 1 => Some((Some('&'), at)),
        None => None,
    }
}

/// `\u002b`, `\x2b`, the line end `\n`, and any other character after a backslash.
fn escape(text: &[u8]) -> Decoded {
    let slashes = text.iter().take_while(|byte| **byte == b'\\').count();
    let rest = &text[slashes..];
    let digits = match rest.first() {
        Some(b'u') => rest.get(1..5),
        Some(b'x') => rest.get(1..3),
        Some(b'n' | b'r' | b't') => return (None, slashes + 1),
        _ => None,
    };
    match digits.and_then(|digits| Some((hex(digits)?, digits.len()))) {
        Some((code, length)) => (char::from_u32(code), slashes + 1 + length),
        None => (None, slashes),
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    let is_hex = digits.iter().all(u8::is_ascii_hexdigit);
    let text = std::str::from_utf8(digits).ok().filter(|_| is_hex)?;
    u32::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "CAISstsTok+en/abc==xyzLONGLONG";

    proptest::proptest! {
        #[test]
        fn a_filter_misses_no_text_with_a_piece(
            head in "[a-zA-Z0-9 +%&密\u{a0}\u{200b}]{0,20}",
            from in 0_usize..14,
            gap in "[ +\n\u{200b}]{0,3}",
            tail in "[a-zA-Z0-9 +%密]{0,20}",
        ) {
            let secrets = FoldedSecret::spellings(SECRET, "***", Kind::Distinctive);
            let filter = Filter::new(&secrets);
            let (a, b) = (&SECRET[from..from + 5], &SECRET[from + 5..from + 16]);
            let text = format!("{head}{a}{gap}{b}{tail}");
            proptest::prop_assert!(filter.may_hold_secret(&text));
        }
    }

    #[test]
    fn a_union_holds_the_secrets_of_both_filters() {
        let filter =
            |secret: &str| Filter::new(&FoldedSecret::spellings(secret, "***", Kind::Distinctive));
        let long = "x8Y-".repeat(200);
        let both = filter(SECRET)
            .union(&filter(&long))
            .union(&Filter::default());
        for secret in [SECRET, &long] {
            assert!(both.may_hold_secret(secret), "{secret}");
        }
        assert!(!both.may_hold_secret("Successfully assigned default/sweep to cn-hangzhou-i"));
    }
}
