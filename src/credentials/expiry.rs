//! Checks whether credentials have already expired when they are read.

use chrono::Utc;

use crate::error::{Category, Problem};
use crate::http::is_surely_past;
use crate::model::{Notice, NoticeCode, Time};

/// Returns the current time by the local clock.
pub(super) fn local_time() -> Time {
    Time::new(Utc::now()).expect("the current year is before 10000")
}

/// Compares the expiry of a credential with the current time. One that has expired by the local clock only, which
/// may be wrong, is used, and a notice is returned: the cloud decides. `subject` begins the message, `renew` is the
/// hint.
///
/// # Errors
/// `unauthenticated` if it has certainly expired.
pub(super) fn check_expiry(
    subject: &str,
    expires_at: Time,
    now: Time,
    renew: &str,
) -> Result<Option<Notice>, Problem> {
    if expires_at > now {
        return Ok(None);
    }
    let message = format!("{subject} expired at {}", expires_at.rfc3339());
    if is_surely_past(expires_at.to_datetime(), now.to_datetime()) {
        let message = format!("{message}; the local clock shows {}", now.rfc3339());
        let hint = format!("{renew}; or correct the local clock if it is wrong");
        return Err(Problem::new(Category::Unauthenticated, message).with_hint(hint));
    }
    let message = format!("{message} by the local clock; {renew}");
    Ok(Some(Notice::new(NoticeCode::CredentialEnds, message)))
}
