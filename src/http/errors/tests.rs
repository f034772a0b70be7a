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

#[test]
fn every_status_of_a_proxy_is_named_and_only_passing_ones_are_retried() {
    use super::super::tunnel::TunnelError;
    for (status, retry) in [
        (302, RetryAction::No),
        (400, RetryAction::No),
        (401, RetryAction::No),
        (403, RetryAction::No),
        (405, RetryAction::No),
        (407, RetryAction::No),
        (429, RetryAction::Backoff),
        (501, RetryAction::No),
        (502, RetryAction::Backoff),
        (503, RetryAction::Backoff),
        (504, RetryAction::Backoff),
    ] {
        let error = proxy::tunnel_error(TunnelError::Status(status));
        assert!(
            error.message.contains(&format!("HTTP {status}")),
            "{}",
            error.message
        );
        assert_eq!(error.retry, retry, "{status}");
        assert!(error.hint.is_some());
    }
}
