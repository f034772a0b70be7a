//! One call of a cloud's API: signed, sent with retries, and decoded.

use super::errors::{ErrorContext, ErrorSpec};
use super::{GetResult, Page};
use crate::credentials::CredentialCache;
use crate::error::{Category, Problem};
use crate::http::{ApiClient, Deadline, Request, RequestError, Response, Signer};
use crate::lenient::collect_unreadable;
use crate::model::Notice;

/// An account whose requests are signed, with what its cloud's error codes mean.
pub(super) struct SigningClient<S> {
    /// How requests are sent.
    pub http: ApiClient,
    /// What signs them.
    pub credentials: CredentialCache<S>,
    /// What error codes mean.
    pub errors: &'static ErrorSpec,
    /// The region of the profile, for hints.
    pub region: Option<String>,
}

/// A decoded response.
pub(super) struct Decoded<T> {
    /// What it contains.
    pub data: T,
    /// The response as it came.
    pub body: Vec<u8>,
    /// The cloud's id of the request, where a header has it.
    pub request_id: Option<String>,
    /// The fields that could not be read, if there are any.
    pub unreadable: Option<Notice>,
}

impl<T> Decoded<T> {
    /// The same with what `convert` makes of what it contains.
    pub fn map<U>(self, convert: impl FnOnce(T) -> U) -> Decoded<U> {
        Decoded {
            data: convert(self.data),
            body: self.body,
            request_id: self.request_id,
            unreadable: self.unreadable,
        }
    }
}

impl Decoded<GetResult> {
    /// What was found, with the id of its request and the fields that could not be read.
    pub fn into_result(self) -> GetResult {
        let mut found = self.data;
        found.job.request_id = self.request_id.or(found.job.request_id);
        found.notices.extend(self.unreadable);
        found
    }
}

impl Decoded<Option<GetResult>> {
    /// What was found, if anything, as [`Decoded::into_result`] gives it.
    pub fn into_found(self) -> Option<GetResult> {
        let decoded = Decoded {
            data: self.data?,
            body: self.body,
            request_id: self.request_id,
            unreadable: self.unreadable,
        };
        Some(decoded.into_result())
    }
}

impl<R> Decoded<Page<R>> {
    /// The page with the fields that could not be read.
    pub fn into_page(self) -> Page<R> {
        let mut page = self.data;
        page.notices.extend(self.unreadable);
        page
    }
}

/// Why a successful response is of no use.
#[derive(Debug, PartialEq)]
pub(super) enum DecodeError {
    /// It cannot be understood: what was expected, and where it was missed.
    Invalid(String),
    /// It reports that the operation did not find or do what was requested.
    Failed(Box<RequestError>),
}

impl DecodeError {
    /// The response shows that there is no such job; a hint may name what to check.
    pub fn not_found(what: impl Into<String>, hint: Option<&str>) -> Self {
        let mut error = RequestError::new(Category::NotFound, what);
        error.hint = hint.map(str::to_owned);
        Self::Failed(Box::new(error))
    }
}

impl From<String> for DecodeError {
    fn from(expected: String) -> Self {
        Self::Invalid(expected)
    }
}

impl<S: Signer + 'static> SigningClient<S> {
    /// Sends a request and decodes the body of its response.
    ///
    /// A credential that the cloud refuses is renewed once, where that is possible.
    ///
    /// # Errors
    /// An error of the cloud or of the connection, or `invalid_response` for a body that `decode`
    /// does not understand.
    pub async fn call<T, E: Into<DecodeError>>(
        &self,
        request: &Request,
        deadline: Deadline,
        decode: impl FnOnce(&[u8]) -> Result<T, E> + Send,
    ) -> Result<Decoded<T>, Problem> {
        let response = self.send(&self.http, request, deadline).await?;
        let mut decoded = self.decode(request, &response, decode)?;
        decoded.body = response.body;
        Ok(decoded)
    }

    /// Sends a request by `http`, which may be the same account at another host.
    ///
    /// # Errors
    /// An error of the cloud or of the connection.
    pub async fn send(
        &self,
        http: &ApiClient,
        request: &Request,
        deadline: Deadline,
    ) -> Result<Response, Problem> {
        let context = ErrorContext {
            request,
            region: self.region.as_deref(),
        };
        let classify = |response: &Response| self.errors.classify(&context, response);
        self.credentials
            .send(http, request, &classify, deadline)
            .await
    }

    /// Decodes the body of a successful response, which stays where it is.
    ///
    /// # Errors
    /// `invalid_response`, or what `decode` read as a failure.
    pub fn decode<T, E: Into<DecodeError>>(
        &self,
        request: &Request,
        response: &Response,
        decode: impl FnOnce(&[u8]) -> Result<T, E>,
    ) -> Result<Decoded<T>, Problem> {
        let request_id = self.errors.request_id;
        let (decoded, unreadable) = collect_unreadable(|| decode(&response.body));
        match decoded.map_err(Into::into) {
            Ok(data) => Ok(Decoded {
                data,
                body: Vec::new(),
                request_id: request_id.in_headers(response),
                unreadable: unreadable.notice(request.operation),
            }),
            Err(DecodeError::Failed(mut error)) => {
                let known = error.request_id.take();
                error.request_id = known.or_else(|| request_id.in_error(response));
                Err(self.http.to_problem(request, *error, Some(response), 1))
            }
            Err(DecodeError::Invalid(expected)) => Err(self.http.decode_problem(
                request,
                response,
                &expected,
                request_id.in_error(response),
            )),
        }
    }
}
