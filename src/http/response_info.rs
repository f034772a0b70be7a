use chrono::{DateTime, Utc};

use super::{Request, Response, html};
use crate::secret::Redactor;

/// Metadata of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseInfo {
    /// `host[:port]` of the request.
    pub host: String,
    /// True when it came over TLS.
    pub is_https: bool,
    /// The cloud's name of the operation.
    pub operation: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Seconds by which the clock of whoever answered is ahead of this machine's, where its answer
    /// contains a time of its own.
    pub clock_ahead_seconds: Option<i64>,
    /// The message about an HTML page, which no cloud answers a call with; `None` for other responses.
    pub html_page: Option<String>,
    /// The program that wrote the response or passed it on, as it calls itself.
    pub server: Option<String>,
}

impl ResponseInfo {
    /// The metadata of a response that arrived at this time.
    pub(super) fn from_response(
        response: &Response,
        request: &Request,
        now: DateTime<Utc>,
        redactor: &Redactor,
    ) -> Self {
        // What was kept somewhere for a while is as old as its time.
        let date = response.date().filter(|_| response.header("age").is_none());
        let by = response.header("via").or_else(|| response.header("server"));
        Self {
            host: request.endpoint.authority().to_owned(),
            is_https: request.endpoint.is_https(),
            operation: request.operation,
            status: response.status,
            clock_ahead_seconds: date.map(|date| (date - now).num_seconds()),
            html_page: html::describe(response, redactor),
            server: by.map(str::to_owned),
        }
    }

    /// Masks secrets, and cuts what is too long to be a name; a part of a secret is not masked, so
    /// that it is cut last.
    pub(super) fn mask(&mut self, redactor: &Redactor) {
        const MAX_CHARS: usize = 80;
        if let Some(by) = &mut self.server {
            redactor.text(by);
            *by = by.chars().take(MAX_CHARS).collect();
        }
    }
}
