use std::io::{self, ErrorKind};

use rustix::io::Errno;

/// Returns the text of an I/O error without the number that Rust appends to the operating system's message.
pub(crate) fn file_error_text(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_owned()
}

/// Returns the operating system's message for a connection error, else a description of its kind, without any text
/// from the server.
pub(crate) fn io_text(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => file_error_text(error),
        None if error.kind() == ErrorKind::UnexpectedEof => "the server closed it".to_owned(),
        None => kind_text(error.kind()),
    }
}

/// Describes a kind of I/O error, with the operating system's text if Rust uses another one.
pub(crate) fn kind_text(kind: ErrorKind) -> String {
    match kind {
        ErrorKind::NotFound => "no such file".to_owned(),
        kind if kind == kind_of(Errno::LOOP) => "Too many levels of symbolic links".to_owned(),
        kind => kind.to_string(),
    }
}

/// Describes an error of a file by its kind, else by the operating system's text.
pub(crate) fn file_kind_text(error: &io::Error) -> String {
    // Rust has no kind for such errors.
    match error.kind() == kind_of(Errno::IO) {
        true => file_error_text(error),
        false => kind_text(error.kind()),
    }
}

/// Returns the kind of an error of the operating system, which has no stable name.
fn kind_of(error: Errno) -> ErrorKind {
    io::Error::from(error).kind()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_errors_are_shown_without_their_numbers() {
        let refused = io::Error::from_raw_os_error(111);
        assert_eq!(io_text(&refused), "Connection refused");
        assert_eq!(file_error_text(&refused), "Connection refused");
        let custom = io::Error::other("nothing is reading from it");
        assert_eq!(file_error_text(&custom), "nothing is reading from it");
        assert_eq!(
            io_text(&ErrorKind::UnexpectedEof.into()),
            "the server closed it"
        );
        assert_eq!(io_text(&ErrorKind::TimedOut.into()), "timed out");
        assert_eq!(io_text(&ErrorKind::NotFound.into()), "no such file");
        for (error, text) in [
            (Errno::IO, "Input/output error"),
            (Errno::LOOP, "Too many levels of symbolic links"),
            (Errno::NOENT, "no such file"),
            (Errno::ACCESS, "permission denied"),
        ] {
            assert_eq!(file_kind_text(&error.into()), text);
        }
    }
}
