use std::error;
use std::fmt::{self, Display};

use serde::de;

/// The reason and the position of an error in a document. It is boxed to keep the result of every value small.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error(Box<Failure>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Failure {
    kind: ErrorKind,
    /// Number of bytes read; `None` until it is known.
    offset: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ErrorKind {
    /// The document is incomplete.
    UnexpectedEnd,
    /// The document is not JSON, or is nested too deeply.
    Syntax,
    /// The document is JSON, but does not match the type.
    Data(String),
}

impl Error {
    #[cold]
    pub(crate) fn at(kind: ErrorKind, offset: usize) -> Self {
        let offset = Some(offset);
        Self(Box::new(Failure { kind, offset }))
    }

    /// Sets the position of an error that has none.
    #[cold]
    pub(crate) fn or_at(mut self, offset: usize) -> Self {
        self.0.offset.get_or_insert(offset);
        self
    }

    /// Returns `true` if the document is incomplete.
    pub fn is_end(&self) -> bool {
        self.0.kind == ErrorKind::UnexpectedEnd
    }

    /// Returns `true` if the document is not JSON, or is nested too deeply.
    pub fn is_syntax(&self) -> bool {
        self.0.kind == ErrorKind::Syntax
    }

    /// Returns `true` if the document is JSON, but does not match the type.
    pub fn is_data(&self) -> bool {
        matches!(self.0.kind, ErrorKind::Data(_))
    }

    /// Returns the number of bytes of the document that were read.
    pub fn offset(&self) -> usize {
        self.0.offset.unwrap_or_default()
    }

    /// Returns the line, from 1, and the number of bytes of it that were read.
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
