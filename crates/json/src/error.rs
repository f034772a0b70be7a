use std::error;
use std::fmt::{self, Display};

use serde::de;

/// Why a document could not be read, and where. Boxed, since every value is read with a result that may be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Box<Failure>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Failure {
    kind: ErrorKind,
    /// How many bytes had been read; `None` until it is known.
    offset: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// The document ends too early.
    UnexpectedEnd,
    /// It is not JSON, or is nested too deep.
    Syntax,
    /// It is JSON, but not what the type expects.
    Data(String),
}

impl Error {
    #[cold]
    pub(crate) fn at(kind: ErrorKind, offset: usize) -> Self {
        let offset = Some(offset);
        Self(Box::new(Failure { kind, offset }))
    }

    /// Sets the position of an error of a type, which has none of its own.
    #[cold]
    pub(crate) fn or_at(mut self, offset: usize) -> Self {
        self.0.offset.get_or_insert(offset);
        self
    }

    /// True when the document ends too early.
    pub fn is_end(&self) -> bool {
        self.0.kind == ErrorKind::UnexpectedEnd
    }

    /// True when the document is not JSON, or is nested too deep.
    pub fn is_syntax(&self) -> bool {
        self.0.kind == ErrorKind::Syntax
    }

    /// True when the document is JSON, but not what the type expects.
    pub fn is_data(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Data(_))
    }

    /// How many bytes of the document had been read.
    pub fn offset(&self) -> usize {
        self.0.offset.unwrap_or_default()
    }

    /// The line, from 1, and how many bytes of it had been read.
    pub fn position(&self, document: &[u8]) -> (usize, usize) {
        let read = &document[..self.offset().min(document.len())];
        let start = memchr::memrchr(b'\n', read).map_or(0, |end| end + 1);
        let lines = memchr::memchr_iter(b'\n', read).count();
        (lines + 1, read.len() - start)
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0.kind {
            ErrorKind::UnexpectedEnd => "unexpected end of the document",
            ErrorKind::Syntax => "invalid JSON",
            ErrorKind::Data(message) => message,
        })
    }
}

impl error::Error for Error {}

impl de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self(Box::new(Failure {
            kind: ErrorKind::Data(message.to_string()),
            offset: None,
        }))
    }
}
