//! Defines errors in the terms that users and scripts see.

pub mod exit_code;
mod io_text;
mod stop;
mod transport_failure;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(crate) use io_text::{file_error_text, file_kind_text, io_text, kind_text};
pub use stop::Stop;
pub use transport_failure::{FailureDetail, TransportFailure, TransportFailureKind};

/// Words that are longer are similar to no name: a comparison takes time in proportion to the length.
const MAX_COMPARED_BYTES: usize = 256;

/// Returns the known name that is closest to a word; `None` if none is similar.
pub fn closest_match<'a>(names: impl IntoIterator<Item = &'a str>, word: &str) -> Option<&'a str> {
    closest_within(names, word, |longer| longer.div_ceil(3))
}

/// Returns the closest name like [`closest_match`], but only if at most one in four characters differs: for words whose
/// confusion would be harmful, such as states.
pub fn near_match<'a>(names: impl IntoIterator<Item = &'a str>, word: &str) -> Option<&'a str> {
    closest_within(names, word, |longer| longer / 4)
}

/// Returns the closest name; `max_distance` returns how many characters may differ, given the length of the longer
/// word.
fn closest_within<'a>(
    names: impl IntoIterator<Item = &'a str>,
    word: &str,
    max_distance: fn(usize) -> usize,
) -> Option<&'a str> {
    if word.len() > MAX_COMPARED_BYTES {
        return None;
    }
    let word = word.trim().to_lowercase();
    let is_part = |name: &str| word.len() >= 2 && name.starts_with(&word);
    let named = names.into_iter().map(|name| {
        let distance = match is_part(name) {
            true => 1,
            false => strsim::damerau_levenshtein(name, &word),
        };
        (distance, name)
    });
    let (distance, name) = named.min_by_key(|(distance, _)| *distance)?;
    let longer = name.chars().count().max(word.chars().count());
    (distance <= max_distance(longer)).then_some(name)
}

/// Returns a hint for values that are separated by a comma of another keyboard layout; `None` if there is none.
pub fn comma_hint(values: &str) -> Option<String> {
    const COMMAS: [char; 4] = ['，', '、', '；', '﹐'];
    let corrected = values.replace(COMMAS, ",");
    let is_changed = corrected != values;
    is_changed.then(|| format!("did you mean '{corrected}'? values are separated by ','"))
}

/// Category of a failure; it determines the exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// Options, references or settings are invalid; found before the first call.
    Usage,
    /// The named resource does not exist.
    NotFound,
    /// Credentials, or a setting needed to use them, were not found.
    MissingCredentials,
    /// The cloud rejected the credentials.
    Unauthenticated,
    /// The credentials are valid, but the account is not allowed to do this.
    PermissionDenied,
    /// The cloud reports that the local clock is wrong.
    ClockSkew,
    /// The cloud could not be reached, or the connection broke.
    Network,
    /// The cloud requests fewer calls.
    Throttled,
    /// The cloud failed.
    ServiceError,
    /// The cloud rejected a parameter of the call.
    InvalidArgument,
    /// The response could not be decoded.
    InvalidResponse,
}

impl Category {
    /// Categories of errors that a request can return after its reference and the settings were accepted.
    pub const OF_REQUESTS: [Self; 9] = [
        Self::NotFound,
        Self::Unauthenticated,
        Self::PermissionDenied,
        Self::ClockSkew,
        Self::Network,
        Self::Throttled,
        Self::ServiceError,
        Self::InvalidArgument,
        Self::InvalidResponse,
    ];

    /// Returns the exit code of a run in which only this failure occurred.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Usage => exit_code::USAGE,
            Self::NotFound => exit_code::NOT_FOUND,
            Self::MissingCredentials
            | Self::Unauthenticated
            | Self::PermissionDenied
            | Self::ClockSkew => exit_code::CREDENTIALS,
            Self::Network
            | Self::Throttled
            | Self::ServiceError
            | Self::InvalidArgument
            | Self::InvalidResponse => exit_code::SERVICE,
        }
    }

    /// Returns `true` if the failure may be temporary.
    pub fn is_transient(self) -> bool {
        matches!(
            self,
            Self::Network | Self::Throttled | Self::ServiceError | Self::InvalidResponse
        )
    }

    /// Returns the JSON value.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Usage => "usage",
            Self::NotFound => "not_found",
            Self::MissingCredentials => "missing_credentials",
            Self::Unauthenticated => "unauthenticated",
            Self::PermissionDenied => "permission_denied",
            Self::ClockSkew => "clock_skew",
            Self::Network => "network",
            Self::Throttled => "throttled",
            Self::ServiceError => "service_error",
            Self::InvalidArgument => "invalid_argument",
            Self::InvalidResponse => "invalid_response",
        }
    }
}

/// One failure, with everything that a user needs to act on it.
///
/// Serialised as an element of `errors[]` in the JSON envelope.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// Canonical reference, if known.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// The text that the user typed.
    pub input: Option<String>,
    /// Category of the failure.
    pub category: Category,
    /// The cloud's error code, always as text.
    pub code: Option<String>,
    /// Message in one sentence, without a trailing period.
    pub message: String,
    /// HTTP status of the response, if there was one.
    pub http_status: Option<u16>,
    /// The cloud's id of the request.
    pub request_id: Option<String>,
    /// True when the same call can succeed later.
    pub retryable: bool,
    /// Hint: the next step for the user.
    pub hint: Option<String>,
    /// The cloud of the request.
    pub cloud: Option<String>,
    /// The profile that was used.
    pub profile: Option<String>,
    /// The cloud's name of the operation.
    pub operation: Option<String>,
    /// How many times the call was sent.
    pub attempts: u32,
    /// Delay before the next call that the cloud requests.
    #[serde(skip)]
    pub retry_after: Option<std::time::Duration>,
    /// The wrong part of `input`, in bytes.
    #[serde(skip)]
    pub span: Option<std::ops::Range<usize>>,
    /// `host[:port]` of the request.
    #[serde(skip)]
    pub host: Option<String>,
    /// Masked key and its source, such as `key LTAI…3Qk (environment)`.
    #[serde(skip)]
    pub credential: Option<String>,
    /// How the request failed in transit, if it did.
    #[serde(skip)]
    pub transport_failure: Option<TransportFailure>,
    /// What else is known about the failed request and decides how to go on.
    #[serde(skip)]
    pub detail: Option<FailureDetail>,
}

impl From<Problem> for Vec<Problem> {
    fn from(problem: Problem) -> Self {
        vec![problem]
    }
}

impl Problem {
    /// Creates a problem with only a category and a message.
    pub fn new(category: Category, message: impl Into<String>) -> Self {
        Self {
            reference: None,
            input: None,
            category,
            code: None,
            message: message.into(),
            http_status: None,
            request_id: None,
            retryable: matches!(
                category,
                Category::Network | Category::Throttled | Category::ServiceError
            ),
            hint: None,
            cloud: None,
            profile: None,
            operation: None,
            attempts: 0,
            retry_after: None,
            span: None,
            host: None,
            credential: None,
            transport_failure: None,
            detail: None,
        }
    }

    /// Changes a usage error that was found after requests were sent or a command was run, since it can then no
    /// longer be one.
    pub fn not_of_usage(mut self) -> Self {
        if self.category == Category::Usage {
            self.category = Category::MissingCredentials;
        }
        self
    }

    /// Sets the account of the problem.
    pub fn with_account(mut self, cloud: &str, profile: &str) -> Self {
        self.cloud = Some(cloud.to_owned());
        self.profile = Some(profile.to_owned());
        self
    }

    /// Creates the problem of a deadline that passed before a request could be sent or answered.
    pub fn deadline_exceeded(message: impl Into<String>) -> Self {
        Self {
            transport_failure: Some(TransportFailure::direct(
                TransportFailureKind::DeadlineExceeded,
            )),
            ..Self::new(Category::Network, message)
        }
        .with_hint("allow more time, or name fewer references")
    }

    /// Returns `true` if the request failed only because the caller's deadline passed.
    pub fn is_deadline_exceeded(&self) -> bool {
        let failure = self.transport_failure.map(|failure| failure.kind);
        failure == Some(TransportFailureKind::DeadlineExceeded)
    }

    /// Returns `true` if the request fails again until something is changed: its arguments, or a certificate or setting
    /// without which no connection is possible.
    pub fn is_rejected(&self) -> bool {
        self.category == Category::InvalidArgument || (!self.retryable && self.is_tls_failure())
    }

    fn is_tls_failure(&self) -> bool {
        use TransportFailureKind as Kind;
        matches!(
            self.transport_failure.map(|failure| failure.kind),
            Some(
                Kind::NoCaCertificates
                    | Kind::UnknownIssuer
                    | Kind::Expired
                    | Kind::WrongName
                    | Kind::Certificate
                    | Kind::ClientCertificate
                    | Kind::NoTls
                    | Kind::Tls
            )
        )
    }

    /// Returns `true` if the failure may be temporary.
    pub fn is_transient(&self) -> bool {
        self.category.is_transient() && !self.is_rejected()
    }

    /// Creates a usage error, which is reported before the first request with exit code 2.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Category::Usage, message)
    }

    /// Sets the hint.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_prefix_or_a_misspelling_matches_a_name() {
        let closest = |word| closest_match(["running", "exit_code", "image-job", "job"], word);
        assert_eq!(closest("runing"), Some("running"));
        assert_eq!(closest("EXITCODE"), Some("exit_code"));
        assert_eq!(closest("image"), Some("image-job"));
        assert_eq!(closest("jbo"), Some("job"));
        for word in ["", "zzz", "nope", "r", "details"] {
            assert_eq!(closest(word), None, "{word}");
        }
    }
}
