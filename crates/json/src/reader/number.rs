use super::{Reader, Token};
use crate::error::{Error, ErrorKind};

impl<'de> Reader<'de> {
    /// Reads a number. Whole numbers that fit an integer type are returned as such, all others as their digits.
    pub(super) fn number(&mut self) -> Result<Token<'de>, Error> {
        let start = self.at;
        let is_whole = self.skip_number()?;
        let digits = &self.text[start..self.at];
        let whole = match digits.starts_with('-') {
            true => digits.parse().ok().map(Token::Signed),
            false => digits.parse().ok().map(Token::Unsigned),
        };
        // An integer would lose the sign of -0.
        let whole = whole.filter(|_| is_whole && digits != "-0");
        Ok(whole.unwrap_or(Token::Number(digits)))
    }

    /// Skips a number; returns whether it is a whole number.
    pub(super) fn skip_number(&mut self) -> Result<bool, Error> {
        if self.next_byte() == Some(b'-') {
            self.at += 1;
        }
        match self.next_byte() {
            Some(b'0') => {
                self.at += 1;
                if matches!(self.next_byte(), Some(b'0'..=b'9')) {
                    return Err(self.unexpected());
                }
            }
            Some(b'1'..=b'9') => self.skip_digits(),
            Some(_) => {
                self.at += 1;
                return Err(self.error(ErrorKind::Syntax));
            }
            None => return Err(self.error(ErrorKind::UnexpectedEnd)),
        }
        let mut is_whole = true;
        if self.next_byte() == Some(b'.') {
            is_whole = false;
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.next_byte(), Some(b'e' | b'E')) {
            is_whole = false;
            self.at += 1;
            if matches!(self.next_byte(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok(is_whole)
    }

    fn some_digits(&mut self) -> Result<(), Error> {
        let start = self.at;
        self.skip_digits();
        match self.at > start {
            true => Ok(()),
            false => Err(self.unexpected()),
        }
    }

    fn skip_digits(&mut self) {
        while matches!(self.next_byte(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
    }
}
