//! Recognizes texts without secrets by reading only a part of each text.

use super::escapes::{fold_one, fold_plain};
use super::folded::{FoldedSecret, GRAM, gram_of};

/// The grams of secrets. A gram is a sequence of [`GRAM`] folded bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Filter {
    /// One bit for each hash of a gram.
    bits: Vec<u64>,
    /// Number of consecutive grams in the shortest piece.
    run: usize,
}

impl Filter {
    /// Creates the filter for these secrets.
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

    /// Returns the filter for the secrets of both filters.
    pub(super) fn union(&self, other: &Self) -> Self {
        let (large, small) = match self.bits.len() >= other.bits.len() {
            true => (self, other),
            false => (other, self),
        };
        if small.bits.is_empty() {
            return large.clone();
        }
        // The position of a gram in the small filter is its position in the large one modulo the size of the small
        // one.
        let bits = large.bits.iter().zip(small.bits.iter().cycle());
        Self {
            bits: bits.map(|(a, b)| a | b).collect(),
            run: self.run.min(other.run),
        }
    }

    /// Returns `true` if a text may contain a piece of a secret. Most texts are read only in part: between two grams
    /// that no secret contains, there must be room for the shortest piece.
    pub(super) fn may_contain_secret(&self, text: &str) -> bool {
        let text = text.as_bytes();
        let shortest = self.run.saturating_add(GRAM - 1);
        if self.bits.is_empty() || text.len() < shortest {
            return false;
        }
        // The bytes after one of these characters can be part of an escape.
        let has_escape = memchr::memchr3(b'%', b'&', b'\\', text).is_some();
        if has_escape || memchr::memchr2(b'<', b'\x1b', text).is_some() {
            return self.read(text, usize::MAX, fold_one).is_none()
                || self.read(text, usize::MAX, fold_plain).is_none();
        }
        let Some(from) = self.skip(text) else {
            return false;
        };
        // `=` before a line break and `:` between hex digits are left out, but can be a part of the secret.
        self.finds(&text[from..], fold_one) || self.finds(&text[from..], fold_plain)
    }

    /// Returns the first position after which there is room for a piece, however the bytes are folded.
    fn skip(&self, text: &[u8]) -> Option<usize> {
        let mut from = 0;
        loop {
            let room = text.get(from..from + self.run + GRAM - 1)?;
            match self.last_foreign(room) {
                Some(at) => from += at + 1,
                None => return Some(from),
            }
        }
    }

    /// Returns `true` if a text without escapes of several characters may contain a piece.
    fn finds(&self, mut text: &[u8], fold: impl Fn(&[u8]) -> (Option<u8>, usize) + Copy) -> bool {
        while let Some(from) = self.skip(text) {
            match self.read(&text[from..], 1, fold) {
                Some(length) => text = &text[from + length..],
                None => return true,
            }
        }
        false
    }

    /// Returns the position of the last gram that no secret contains and whose bytes are folded one by one.
    fn last_foreign(&self, text: &[u8]) -> Option<usize> {
        let mut at = text.len() - GRAM;
        loop {
            let bytes = &text[at..at + GRAM];
            let gram = [
                FOLDED_BYTES[usize::from(bytes[0])],
                FOLDED_BYTES[usize::from(bytes[1])],
                FOLDED_BYTES[usize::from(bytes[2])],
                FOLDED_BYTES[usize::from(bytes[3])],
            ];
            let is_plain = gram[0] != 0 && gram[1] != 0 && gram[2] != 0 && gram[3] != 0;
            if is_plain && !self.has(u32::from_be_bytes(gram)) {
                return Some(at);
            }
            at = at.checked_sub(1)?;
        }
    }

    /// Reads a text until it has found `max` grams that no secret contains. Returns the position after the start of
    /// the last of them, or the end of the text; `None` if a piece of a secret may precede it.
    fn read(
        &self,
        text: &[u8],
        max: usize,
        fold_one: impl Fn(&[u8]) -> (Option<u8>, usize),
    ) -> Option<usize> {
        let (mut gram, mut starts, mut length) = (0_u32, [0; GRAM], 0);
        let (mut run, mut foreign, mut at) = (0, 0, 0);
        while at < text.len() {
            let (folded, bytes) = fold_one(&text[at..]);
            if let Some(byte) = folded {
                gram = (gram << 8) | u32::from(byte);
                starts[length % GRAM] = at;
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
                    return Some(starts[length % GRAM] + 1);
                }
            }
            at += bytes;
        }
        Some(text.len())
    }

    // These functions are called for every few bytes of the whole output.
    #[inline(always)]
    fn has(&self, gram: u32) -> bool {
        let (at, bit) = self.place(gram);
        self.bits[at] & bit != 0
    }

    #[inline(always)]
    fn place(&self, gram: u32) -> (usize, u64) {
        let hash = gram.wrapping_mul(0x9e37_79b1) as usize >> 7;
        ((hash >> 6) & (self.bits.len() - 1), 1 << (hash & 63))
    }
}

/// Folded form of each byte; 0 for a byte that may be left out or be a part of an escape.
const FOLDED_BYTES: [u8; 256] = {
    let mut table = [0; 256];
    let mut at = 0;
    while at < table.len() {
        table[at] = match at as u8 {
            b'%' | b'&' | b'\\' | b'+' | b':' | b'<' | b'=' | 0 | 0x1b => 0,
            // Bytes of blanks beyond ASCII and of zero-width characters.
            0xc2 | 0xa0 | 0xad | 0xe2 | 0xe3 | 0xef => 0,
            0x80 | 0x81 | 0x8b..=0x8f | 0xa8 | 0xa9 | 0xaf | 0xbb | 0xbf => 0,
            byte if byte.is_ascii_whitespace() => 0,
            byte => byte.to_ascii_lowercase(),
        };
        at += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::escapes::fold_byte;
    use crate::folded::Kind;

    const SECRET: &str = "CAISstsTok+en/abc==xyzLONGLONG";

    proptest::proptest! {
        #[test]
        fn a_filter_matches_every_text_with_a_piece_of_a_secret(
            head in "[a-zA-Z0-9 +%&<=密\u{a0}\u{200b}]{0,20}",
            from in 0_usize..14,
            gap in "[ +\n\u{200b}\u{2028}\u{2060}\u{3000}\u{feff}\u{0}]{0,3}(<br>|<WBR>|=\r\n|\u{1b}\\[0;31m)?",
            tail in "[a-zA-Z0-9 +%密]{0,20}",
        ) {
            let secrets = FoldedSecret::spellings(SECRET, "***", Kind::Distinctive);
            let filter = Filter::new(&secrets);
            let (a, b) = (&SECRET[from..from + 5], &SECRET[from + 5..from + 16]);
            // Masking leaves out a `=` before a line break if other escapes follow, and does not find such a piece.
            let is_escape = gap.bytes().any(|byte| fold_byte(byte).is_some());
            proptest::prop_assume!(!(a.ends_with('=') && gap.starts_with('\n') && is_escape));
            let text = format!("{head}{a}{gap}{b}{tail}");
            proptest::prop_assert!(filter.may_contain_secret(&text));
        }
    }

    #[test]
    fn a_sign_that_masking_may_leave_out_can_be_a_part_of_a_secret() {
        for (secret, text) in [
            (SECRET, "/abc=\n=xyzLONGL"),
            ("9f#Tq/ab:0c;=Lw2", "9f#Tq/ab:0c;=Lw2"),
            ("AAAAAAA::bA=#=", "A:bA=#="),
        ] {
            let secrets = FoldedSecret::spellings(secret, "***", Kind::Distinctive);
            let filter = Filter::new(&secrets);
            assert!(filter.may_contain_secret(text), "{text}");
        }
    }

    #[test]
    fn a_union_contains_the_secrets_of_both_filters() {
        let filter =
            |secret: &str| Filter::new(&FoldedSecret::spellings(secret, "***", Kind::Distinctive));
        let long = "x8Y-".repeat(200);
        let both = filter(SECRET)
            .union(&filter(&long))
            .union(&Filter::default());
        for secret in [SECRET, &long] {
            assert!(both.may_contain_secret(secret), "{secret}");
        }
        assert!(!both.may_contain_secret("Successfully assigned default/sweep to cn-hangzhou-i"));
    }
}
