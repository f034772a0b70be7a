use super::{Reader, Token};
use crate::error::{Error, ErrorKind};

impl<'de> Reader<'de> {
    /// Reads a text after its first quote.
    pub(super) fn read_text(&mut self) -> Result<Token<'de>, Error> {
        let mut start = self.at;
        let mut is_decoded = false;
        loop {
            self.at += plain_length(&self.text.as_bytes()[self.at..]);
            match self.next_byte() {
                Some(b'"') => {
                    let text = &self.text[start..self.at];
                    self.at += 1;
                    if !is_decoded {
                        return Ok(Token::Text(text));
                    }
                    self.decoded.push_str(text);
                    return Ok(Token::Decoded);
                }
                Some(b'\\') => {
                    if !is_decoded {
                        self.decoded.clear();
                        is_decoded = true;
                    }
                    self.decoded.push_str(&self.text[start..self.at]);
                    self.at += 1;
                    let c = self.escape()?;
                    self.decoded.push(c);
                    start = self.at;
                }
                _ => return Err(self.control()),
            }
        }
    }

    /// Skips a text after its first quote. Escapes need not be valid characters.
    pub(super) fn skip_text(&mut self) -> Result<(), Error> {
        loop {
            self.at += plain_length(&self.text.as_bytes()[self.at..]);
            match self.next_byte() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(b'\\') => {
                    self.at += 1;
                    match self.escaped()? {
                        b'u' => self.unit().map(drop)?,
                        sign => self.short_escape(sign).map(drop)?,
                    }
                }
                _ => return Err(self.control()),
            }
        }
    }

    /// Returns the error for the byte that ends the plain part of a text and is neither a quote nor a backslash.
    fn control(&mut self) -> Error {
        match self.at < self.text.len() {
            true => {
                self.at += 1;
                self.error(ErrorKind::Syntax)
            }
            false => self.error(ErrorKind::UnexpectedEnd),
        }
    }

    /// Reads the byte after a backslash.
    fn escaped(&mut self) -> Result<u8, Error> {
        let byte = self.next_byte();
        let byte = byte.ok_or_else(|| self.error(ErrorKind::UnexpectedEnd))?;
        self.at += 1;
        Ok(byte)
    }

    /// Reads an escape after its backslash.
    fn escape(&mut self) -> Result<char, Error> {
        let first = match self.escaped()? {
            b'u' => self.unit()?,
            sign => return self.short_escape(sign),
        };
        if let Some(c) = char::from_u32(first) {
            return Ok(c);
        }
        if first < 0xdc00 {
            return self.second_half(first);
        }
        Err(self.error(ErrorKind::Syntax))
    }

    /// Reads the second escape of a surrogate pair.
    fn second_half(&mut self, first: u32) -> Result<char, Error> {
        for sign in *b"\\u" {
            if self.escaped()? != sign {
                return Err(self.error(ErrorKind::Syntax));
            }
        }
        let low = self.unit()?.wrapping_sub(0xdc00);
        let c = (low < 0x400).then(|| char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + low));
        c.flatten().ok_or_else(|| self.error(ErrorKind::Syntax))
    }

    fn short_escape(&mut self, sign: u8) -> Result<char, Error> {
        Ok(match sign {
            b'"' | b'\\' | b'/' => char::from(sign),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            _ => return Err(self.error(ErrorKind::Syntax)),
        })
    }

    /// Reads the four digits of a UTF-16 code unit.
    fn unit(&mut self) -> Result<u32, Error> {
        let Some(digits) = self.text.as_bytes().get(self.at..self.at + 4) else {
            self.at = self.text.len();
            return Err(self.error(ErrorKind::UnexpectedEnd));
        };
        self.at += 4;
        let unit = digits.iter().try_fold(0, |unit, digit| {
            Some(16 * unit + char::from(*digit).to_digit(16)?)
        });
        unit.ok_or_else(|| self.error(ErrorKind::Syntax))
    }
}

/// Returns the number of bytes before the first quote, backslash or control character.
fn plain_length(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().enumerate() {
        let found = special_bytes(*word);
        if found != 0 {
            return 8 * at + found.trailing_zeros() as usize / 8;
        }
    }
    let is_special = |byte: &u8| matches!(byte, 0..b' ' | b'"' | b'\\');
    let plain = rest.iter().position(is_special).unwrap_or(rest.len());
    8 * words.len() + plain
}

/// Returns a word in which the lowest set bit is the highest bit of the first byte that is a quote, a backslash or
/// a control character; 0 if there is none. Bits of later bytes can be wrong. All bytes are tested together, since
/// most texts are short.
fn special_bytes(word: [u8; 8]) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    let word = u64::from_le_bytes(word);
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word;
    let quote = below(word ^ (ONES * u64::from(b'"')), 1);
    let backslash = below(word ^ (ONES * u64::from(b'\\')), 1);
    (quote | backslash | below(word, b' ')) & (ONES << 7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_special_byte_is_found_at_every_position() {
        for byte in 0..=u8::MAX {
            let is_special = byte < b' ' || b"\"\\".contains(&byte);
            for length in 1..20 {
                for at in 0..length {
                    let mut text = vec![b'a'; length];
                    text[at] = byte;
                    let expected = if is_special { at } else { length };
                    assert_eq!(plain_length(&text), expected, "{text:?}");
                }
            }
        }
    }
}
