//! Calls a cloud's API: signs a request, sends it with retries and decodes the response.

use super::errors::{ErrorSpec, HintContext};
use super::{GetResult, Page};
use crate::credentials::CredentialCache;
use crate::error::{Category, Problem};
use crate::http::{ApiClient, Deadline, Request, RequestError, Response, Signer};
use crate::lenient::collect_unreadable;
use crate::model::Notice;

/// A client that signs the requests of an account and classifies the errors of its cloud.
pub(super) struct SigningClient<S> {
    /// Sends the requests.
    pub http: ApiClient,
    /// The credential that signs them.
    pub credentials: CredentialCache<S>,
    /// The meaning of the cloud's error codes.
    pub errors: &'static ErrorSpec,
    /// The region of the profile, for hints.
    pub region: Option<String>,
}

/// A decoded response.
pub(super) struct Decoded<T> {
    /// The decoded body.
    pub data: T,
    /// The body as received.
    pub body: Vec<u8>,
    /// The cloud's id of the request, if a header contains it.
    pub request_id: Option<String>,
    /// A notice about the fields that could not be read, if any.
    pub unreadable: Option<Notice>,
}

impl<T> Decoded<T> {
    /// Converts the decoded body.
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
    /// Returns the job with the id of its request and a notice about the fields that could not be read.
    pub fn into_result(self) -> GetResult {
        let mut result = self.data;
        result.job.request_id = self.request_id.or(result.job.request_id);
        result.notices.extend(self.unreadable);
        result
    }
}

impl Decoded<Option<GetResult>> {
    /// Returns the job, if one was found, as [`Decoded::into_result`] does.
    pub fn into_optional_result(self) -> Option<GetResult> {
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
    /// Returns the page with a notice about the fields that could not be read.
    pub fn into_page(self) -> Page<R> {
        let mut page = self.data;
        page.notices.extend(self.unreadable);
        page
    }
}

/// The reason why a response with a successful status cannot be used.
#[derive(Debug, PartialEq)]
pub(super) enum DecodeError {
    /// The response is invalid: what was expected, and where.
    Invalid(String),
    /// The response reports that the operation failed or found nothing.
    Failed(Box<RequestError>),
}

impl DecodeError {
    /// Creates the error for a response without the requested job. The hint can name what to check.
    pub fn not_found(message: impl Into<String>, hint: Option<&str>) -> Self {
        let mut error = RequestError::new(Category::NotFound, message);
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
    /// If the cloud rejects the credential, it is renewed once, if possible.
    ///
    /// # Errors
    /// An error of the cloud or the connection, or `invalid_response` if `decode` cannot read the body.
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

    /// Sends a request with `http`, which can be the client for another host of the same account.
    ///
    /// # Errors
    /// An error of the cloud or the connection.
    pub async fn send(
        &self,
        http: &ApiClient,
        request: &Request,
        deadline: Deadline,
    ) -> Result<Response, Problem> {
        let context = HintContext {
            request,
            region: self.region.as_deref(),
        };
        let classify = |response: &Response| self.errors.classify(&context, response);
        self.credentials
            .send(http, request, &classify, deadline)
            .await
    }

    /// Decodes the body of a successful response. [`Decoded::body`] is empty in the result.
    ///
    /// # Errors
    /// `invalid_response`, or the failure that `decode` returns.
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
