//! Reads JSON token by token.
//!
//! This code does not depend on the type that is read, so that it is compiled once and optimized for speed.

mod number;
mod skip;
mod text;

use crate::error::{Error, ErrorKind};

/// Maximum nesting depth of lists and objects.
pub(crate) const MAX_DEPTH: u8 = 127;

/// A value, or the beginning of one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Token<'de> {
    Null,
    Flag(bool),
    /// A text without escapes.
    Text(&'de str),
    /// A text with escapes, decoded in [`Reader::decoded`].
    Decoded,
    Unsigned(u64),
    Signed(i64),
    /// The digits of any other number.
    Number(&'de str),
    List,
    Object,
}

/// A document and the position up to which it was read.
#[derive(Debug)]
pub(crate) struct Reader<'de> {
    text: &'de str,
    at: usize,
    /// The decoded content of the last text with escapes.
    pub(crate) decoded: String,
}

impl<'de> Reader<'de> {
    pub(crate) fn new(text: &'de str) -> Self {
        Self {
            text,
            at: 0,
            decoded: String::new(),
        }
    }

    /// Returns the number of bytes read.
    pub(crate) fn offset(&self) -> usize {
        self.at
    }

    /// Returns the next byte after blanks, without reading it.
    pub(crate) fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b' ' | b'\n' | b'\t' | b'\r' => self.at += 1,
                byte => return Some(*byte),
            }
        }
        None
    }

    /// Returns `true` if the next bytes are those of this text.
    pub(crate) fn is_next(&self, text: &str) -> bool {
        let rest = self.text.as_bytes().get(self.at..);
        rest.is_some_and(|rest| rest.starts_with(text.as_bytes()))
    }

    fn next_byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Returns an error at the last byte that was read.
    fn error(&self, kind: ErrorKind) -> Error {
        Error::at(kind, self.at)
    }

    /// Returns an error at the next byte: the end of the document, or an unexpected byte.
    pub(crate) fn unexpected(&self) -> Error {
        match self.at < self.text.len() {
            true => Error::at(ErrorKind::Syntax, self.at + 1),
            false => Error::at(ErrorKind::UnexpectedEnd, self.at),
        }
    }

    /// Reads a scalar, or the opening bracket of a list or an object.
    pub(crate) fn token(&mut self) -> Result<Token<'de>, Error> {
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                self.read_text()
            }
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b'{') => {
                self.at += 1;
                Ok(Token::Object)
            }
            Some(b'[') => {
                self.at += 1;
                Ok(Token::List)
            }
            Some(b'n') => self.word(b"null").map(|()| Token::Null),
            Some(b't') => self.word(b"true").map(|()| Token::Flag(true)),
            Some(b'f') => self.word(b"false").map(|()| Token::Flag(false)),
            _ => Err(self.unexpected()),
        }
    }

    /// Reads a keyword whose first byte is known.
    fn word(&mut self, word: &[u8]) -> Result<(), Error> {
        self.at += 1;
        for expected in &word[1..] {
            let Some(byte) = self.next_byte() else {
                return Err(self.error(ErrorKind::UnexpectedEnd));
            };
            self.at += 1;
            if byte != *expected {
                return Err(self.error(ErrorKind::Syntax));
            }
        }
        Ok(())
    }

    /// Reads null; returns `false` for any other value and reads nothing.
    pub(crate) fn null(&mut self) -> Result<bool, Error> {
        match self.peek() {
            Some(b'n') => self.word(b"null").map(|()| true),
            _ => Ok(false),
        }
    }

    /// Advances to the next element of a list; returns `false` at its end, which is not read.
    pub(crate) fn next_element(&mut self, is_first: bool) -> Result<bool, Error> {
        match self.peek() {
            Some(b']') => Ok(false),
            Some(_) if is_first => Ok(true),
            Some(b',') => {
                self.at += 1;
                match self.peek() {
                    None | Some(b']') => Err(self.unexpected()),
                    Some(_) => Ok(true),
                }
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Reads the next key of an object; `None` at its end, which is not read.
    pub(crate) fn next_key(&mut self, is_first: bool) -> Result<Option<Token<'de>>, Error> {
        match self.peek() {
            Some(b'}') => return Ok(None),
            Some(_) if is_first => {}
            Some(b',') => self.at += 1,
            _ => return Err(self.unexpected()),
        }
        match self.peek() {
            Some(b'"') => {
                self.at += 1;
                self.read_text().map(Some)
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Reads the colon between a key and its value.
    pub(crate) fn colon(&mut self) -> Result<(), Error> {
        match self.peek() {
            Some(b':') => {
                self.at += 1;
                Ok(())
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Reads the closing bracket of a list or an object.
    pub(crate) fn end(&mut self, bracket: u8) -> Result<(), Error> {
        match self.peek() {
            Some(byte) if byte == bracket => {
                self.at += 1;
                Ok(())
            }
            _ => Err(self.unexpected()),
        }
    }

    /// Checks that only blanks follow.
    pub(crate) fn end_of_document(&mut self) -> Result<(), Error> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.unexpected()),
        }
    }
}
