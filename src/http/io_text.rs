use std::io;

/// What the operating system says of an I/O error, without the number that Rust adds.
pub(super) fn io_text(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(_) => {
            let text = error.to_string();
            let end = text.find(" (os error").unwrap_or(text.len());
            text[..end].to_owned()
        }
        None if error.kind() == io::ErrorKind::UnexpectedEof => "the server closed it".to_owned(),
        None => error.kind().to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_are_shown_without_numbers() {
        let refused = io::Error::from_raw_os_error(111);
        assert_eq!(io_text(&refused), "Connection refused");
        assert_eq!(
            io_text(&io::ErrorKind::UnexpectedEof.into()),
            "the server closed it"
        );
        assert_eq!(io_text(&io::ErrorKind::TimedOut.into()), "timed out");
    }
}
