//! Finds secrets that are escaped, encoded, wrapped, cut or in another case.
//!
//! Texts and secrets are compared in a folded form: escapes of URLs, HTML and JSON are decoded, letters are in
//! lower case, and blanks, `+`, which encodes a blank in URLs, and `:` between hex digits are left out.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::escapes::{self, fold_byte, fold_one, fold_plain};

/// Number of bytes that are compared at once.
pub(super) const GRAM: usize = 4;

/// A secret that is shorter in folded form is searched for only as it is.
const MIN_LENGTH: usize = 7;

/// Longer secrets are not searched for in encoded form.
const MAX_ENCODED_LENGTH: usize = 4096;

/// Minimum length of a piece of a secret that is recognized.
const MIN_PIECE: usize = 12;

/// Shorter secrets are recognized only if nearly complete, since their parts can be words.
const MIN_LENGTH_OF_CUT: usize = 16;

/// Other meanings that the text of a secret can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// An ordinary word or number: either letters or digits, and characters of ids.
    Plain,
    /// A short name, such as `node1`.
    Name,
    /// An id of digits or hex digits. It is not masked as part of a longer one.
    Id,
    /// No other meaning.
    Distinctive,
}

/// A folded secret.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct FoldedSecret {
    pub text: Vec<u8>,
    /// The text that replaces it.
    pub mask: String,
    /// Its other possible meaning.
    pub kind: Kind,
}

impl FoldedSecret {
    /// Returns the spellings of a secret: itself, in hex digits, and in Base64, once and twice, at any position in
    /// the encoded text; empty if it is too short.
    pub(super) fn spellings(secret: &str, mask: &str, kind: Kind) -> Vec<Self> {
        let mut texts = vec![secret.to_owned()];
        if (8..=MAX_ENCODED_LENGTH).contains(&secret.len()) {
            texts.push(secret.bytes().map(|byte| format!("{byte:02x}")).collect());
            base64_parts(secret.as_bytes(), &mut texts);
            // A Kubernetes Secret contains the Base64 of a value that can itself be Base64.
            base64_parts(STANDARD_NO_PAD.encode(secret).as_bytes(), &mut texts);
        }
        let mut texts: Vec<_> = texts
            .iter()
            .map(|text| fold(text, fold_one).bytes)
            .collect();
        // Characters that look like an escape can be a part of the secret.
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

    /// Returns its length in folded form.
    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// Returns the minimum length of a piece.
    pub(super) fn min_piece(&self) -> usize {
        let length = self.text.len();
        let cut = match length {
            // Names often differ in only one character, except long ones of letters and digits only.
            _ if self.kind == Kind::Name && !self.is_long_word() => length,
            0..MIN_LENGTH_OF_CUT => (length * 9).div_ceil(10),
            _ => MIN_PIECE,
        };
        self.half().map_or(cut, |half| half.min(cut))
    }

    /// Returns half the length of a password that contains a character which names and ids do not contain. Half of
    /// such a password is recognized, unless the half is a word or a number.
    fn half(&self) -> Option<usize> {
        let is_password = self.kind == Kind::Distinctive && self.text.iter().any(is_sign);
        is_password.then(|| self.text.len().div_ceil(2).max(MIN_LENGTH))
    }

    /// Returns `true` if it consists of letters and digits only and is as long as a piece.
    fn is_long_word(&self) -> bool {
        let has = |is: fn(&u8) -> bool| self.text.iter().any(is);
        self.text.len() >= MIN_PIECE
            && self.text.iter().all(u8::is_ascii_alphanumeric)
            && has(u8::is_ascii_digit)
            && has(u8::is_ascii_alphabetic)
    }

    /// Returns `true` if a piece is specific to this secret and not a word in it.
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

/// Returns `true` if a character occurs neither in names nor in ids.
fn is_sign(byte: &u8) -> bool {
    !byte.is_ascii_alphanumeric() && !b"-_.:".contains(byte)
}

/// Appends the Base64 of `bytes` for each possible position in the encoded text.
fn base64_parts(bytes: &[u8], texts: &mut Vec<String>) {
    for (shift, cut) in [(0, 0), (1, 2), (2, 3)] {
        let bytes = [&vec![0; shift][..], bytes].concat();
        let whole = bytes.len() * 8 / 6;
        for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
            texts.push(engine.encode(&bytes)[cut..whole].to_owned());
        }
    }
}

/// For each gram: the secrets that contain it, by number, and its positions in them.
#[derive(Clone)]
pub(super) struct Index(HashMap<u32, Vec<(usize, usize)>, BuildHasherDefault<GramHasher>>);

impl Index {
    /// Creates the index of these secrets.
    pub(super) fn new(secrets: &[FoldedSecret]) -> Self {
        let mut places: HashMap<_, Vec<_>, _> = HashMap::default();
        for (number, secret) in secrets.iter().enumerate() {
            for (at, gram) in secret.text.windows(GRAM).enumerate() {
                places.entry(gram_of(gram)).or_default().push((number, at));
            }
        }
        Self(places)
    }
}

/// Hashes a gram by one multiplication. Each byte of a text that may contain a secret is looked up.
#[derive(Default)]
struct GramHasher(u64);

impl Hasher for GramHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u32(u32::from(*byte));
        }
    }

    fn write_u32(&mut self, gram: u32) {
        let product = (self.0 ^ u64::from(gram)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        // The map uses the lowest and the highest bits; the lowest of a product are the worst.
        self.0 = product ^ (product >> 32);
    }
}

/// Masks the `chosen` secrets, and pieces of them, in a text. `index` is that of all secrets.
pub(super) fn mask(
    text: &str,
    secrets: &[FoldedSecret],
    index: &Index,
    chosen: impl Fn(&FoldedSecret) -> bool,
) -> String {
    let text = mask_folded(text, fold(text, fold_one), secrets, index, &chosen);
    // Characters that look like an escape can contain the beginning of a secret.
    mask_folded(&text, fold(&text, fold_plain), secrets, index, &chosen)
}

fn mask_folded(
    text: &str,
    folded: Folded,
    secrets: &[FoldedSecret],
    index: &Index,
    chosen: &impl Fn(&FoldedSecret) -> bool,
) -> String {
    let bytes = &folded.bytes;
    let mut masked = String::with_capacity(text.len());
    let (mut shown, mut at) = (0, 0);
    while at + GRAM <= bytes.len() {
        let places = index.0.get(&gram_of(&bytes[at..at + GRAM]));
        let places = places.into_iter().flatten();
        let places = places.filter(|(number, _)| chosen(&secrets[*number]));
        let lengths = places.map(|&(number, from)| {
            let pairs = secrets[number].text[from..].iter().zip(&bytes[at..]);
            (pairs.take_while(|(a, b)| a == b).count(), number)
        });
        let pieces =
            lengths.filter(|&(length, number)| secrets[number].is_piece(&bytes[at..at + length]));
        let Some((length, number)) = pieces.max() else {
            at += 1;
            continue;
        };
        // `+` is not compared, but can be a part of the secret.
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

/// Returns the number of bytes of a text before an end that may begin one of `secrets`. Any character can be the
/// start of a secret, even within an escape, since the part before it is shown separately.
pub(super) fn complete_length(text: &str, secrets: &[FoldedSecret]) -> usize {
    let bytes = text.as_bytes();
    if secrets.is_empty() {
        return bytes.len();
    }
    let may_begin = |at: &usize| {
        let end = &bytes[*at..];
        match fold_one(end) {
            _ if matches!(end[0], b'%' | b'&' | b'\\') && escapes::is_unfinished(end) => true,
            (Some(first), _) => {
                let has_first = |secret: &&FoldedSecret| secret.text.first() == Some(&first);
                let mut secrets = secrets.iter().filter(has_first);
                secrets.any(|secret| may_continue(end, &secret.text))
            }
            (None, _) => false,
        }
    };
    let mut places = (0..bytes.len()).filter(|at| text.is_char_boundary(*at));
    places.find(may_begin).unwrap_or(bytes.len())
}

/// Returns `true` if a text is a prefix of a secret, or can become one if more text follows.
fn may_continue(mut text: &[u8], mut secret: &[u8]) -> bool {
    while !text.is_empty() && !escapes::is_unfinished(text) {
        let (byte, length) = fold_one(text);
        if let Some(byte) = byte {
            match secret.split_first() {
                Some((first, rest)) if *first == byte => secret = rest,
                _ => return false,
            }
        }
        text = &text[length..];
    }
    true
}

pub(super) fn gram_of(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .fold(0, |gram, byte| (gram << 8) | u32::from(*byte))
}

/// A folded text with the position of each of its bytes in the original text.
#[derive(Default)]
struct Folded {
    bytes: Vec<u8>,
    starts: Vec<usize>,
    ends: Vec<usize>,
}

fn fold(text: &str, fold_one: impl Fn(&[u8]) -> (Option<u8>, usize)) -> Folded {
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
