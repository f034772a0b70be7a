use chrono::{DateTime, Utc};

use super::{Request, Response, html};
use crate::secret::Redactor;

/// Metadata of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseInfo {
    /// `host[:port]` of the request.
    pub host: String,
    /// `true` if it was received over TLS.
    pub is_https: bool,
    /// The cloud's name of the operation.
    pub operation: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Seconds by which the server's clock is ahead of this machine's, if the response contains its own time.
    pub clock_ahead_seconds: Option<i64>,
    /// Message about an HTML page, which is never a cloud's response to a request; `None` for other responses.
    pub html_page: Option<String>,
    /// The program that wrote or forwarded the response, by its `Via` or `Server` header.
    pub server: Option<String>,
}

impl ResponseInfo {
    /// Collects the metadata of a response that arrived at the time `now`.
    pub(super) fn from_response(
        response: &Response,
        request: &Request,
        now: DateTime<Utc>,
        redactor: &Redactor,
    ) -> Self {
        // The `Date` of a cached response is too old.
        let date = response.date().filter(|_| response.header("age").is_none());
        let server = response.header("via").or_else(|| response.header("server"));
        Self {
            host: request.endpoint.authority().to_owned(),
            is_https: request.endpoint.is_https(),
            operation: request.operation,
            status: response.status,
            clock_ahead_seconds: date.map(|date| (date - now).num_seconds()),
            html_page: html::describe(response, redactor),
            server: server.map(str::to_owned),
        }
    }

    /// Masks secrets and cuts names that are too long. It cuts last, since a part of a secret would not be masked.
    pub(super) fn mask(&mut self, redactor: &Redactor) {
        const MAX_CHARS: usize = 80;
        if let Some(server) = &mut self.server {
            redactor.text(server);
            *server = server.chars().take(MAX_CHARS).collect();
        }
    }
}
