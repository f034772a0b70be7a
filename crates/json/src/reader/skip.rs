use super::Reader;
use crate::error::Error;

impl Reader<'_> {
    /// Skips a value of any depth. Texts need not contain valid characters.
    pub(crate) fn skip(&mut self) -> Result<(), Error> {
        // The open brackets, so that nesting uses no stack.
        let mut open: Vec<u8> = Vec::new();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    self.skip_text()?;
                }
                Some(b'-' | b'0'..=b'9') => self.skip_number().map(drop)?,
                Some(b'n') => self.word(b"null")?,
                Some(b't') => self.word(b"true")?,
                Some(b'f') => self.word(b"false")?,
                Some(bracket @ (b'[' | b'{')) => {
                    self.at += 1;
                    // The code of a closing bracket is that of the opening one plus two.
                    open.push(bracket + 2);
                    if self.skip_to_value(&mut open, true)? {
                        continue;
                    }
                    return Ok(());
                }
                _ => return Err(self.unexpected()),
            }
            if !self.skip_to_value(&mut open, false)? {
                return Ok(());
            }
        }
    }

    /// Advances to the next value of the open lists and objects; returns `false` if all of them have ended.
    fn skip_to_value(&mut self, open: &mut Vec<u8>, mut is_first: bool) -> Result<bool, Error> {
        while let Some(end) = open.last() {
            if self.peek() == Some(*end) {
                self.at += 1;
                open.pop();
                is_first = false;
                continue;
            }
            if !is_first {
                match self.peek() {
                    Some(b',') => self.at += 1,
                    _ => return Err(self.unexpected()),
                }
            }
            if *end == b'}' {
                match self.peek() {
                    Some(b'"') => self.at += 1,
                    _ => return Err(self.unexpected()),
                }
                self.skip_text()?;
                self.colon()?;
            }
            return Ok(true);
        }
        Ok(false)
    }
}
