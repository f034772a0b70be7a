use std::sync::Mutex;
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue,
    PROXY_AUTHORIZATION, USER_AGENT,
};
use hyper::{Request as HttpRequest, Uri};

use super::body::{self, BodyError};
use super::clients::HttpClient;
use super::errors::{self, ErrorContext, classify};
use super::lines::LineBody;
use super::proxies::Proxy;
use super::request::encode_query;
use super::{Method, Request, RequestError, Response, RetryAction, SigningInstructions, html};
use crate::crypto::percent_encode;
use crate::error::{Category, FailureDetail, TransportFailure, TransportFailureKind};
use crate::secret::{MASK, Redactor, Secret};
use crate::sync::lock;

/// A request that is signed for one attempt.
pub(super) struct SignedRequest<'a> {
    pub request: &'a Request,
    pub signing: &'a SigningInstructions,
    /// Headers that the signer adds to every request.
    pub headers: &'a [(String, Secret)],
    /// Number of the attempt, from 1.
    pub number: u32,
    pub max_body: u64,
    pub timeout: Duration,
    /// The proxy that the request is sent through.
    pub proxy: Option<&'a Proxy>,
    /// Masks secrets in the error page of a proxy.
    pub redactor: &'a Redactor,
    /// The local time.
    pub now: DateTime<Utc>,
    /// For streams: receives the unread body of a successful response.
    pub unread_body: Option<&'a Mutex<Option<LineBody>>>,
    /// `Proxy-Authorization` header for a proxy that reads the request itself.
    pub proxy_authorization: Option<Secret>,
}

impl SignedRequest<'_> {
    /// Sends the request and reads the whole response within the timeout.
    pub(super) async fn send(
        &self,
        client: &HttpClient,
        trace: &(dyn Fn(String) + Sync),
    ) -> Result<Response, RequestError> {
        let started = Instant::now();
        trace(self.request_line());
        let outcome = tokio::time::timeout(self.timeout, self.receive(client))
            .await
            .unwrap_or_else(|_| {
                let seconds = (self.timeout.as_secs_f64() * 10.0).round() / 10.0;
                let message = format!("request timed out after {seconds} s");
                let cut = TransportFailure::direct(TransportFailureKind::Timeout);
                Err(errors::network_error(RetryAction::Backoff, cut, message))
            });
        let spent = started.elapsed().as_millis();
        trace(match &outcome {
            Ok(response) => format!(
                "< {} in {spent} ms, {} bytes, attempt {}",
                response.status,
                response.body.len(),
                self.number
            ),
            Err(error) => {
                format!(
                    "< {} after {spent} ms, attempt {}",
                    error.message, self.number
                )
            }
        });
        outcome
    }

    /// Sends the request and receives the response.
    async fn receive(&self, client: &HttpClient) -> Result<Response, RequestError> {
        let context = ErrorContext {
            endpoint: &self.request.endpoint,
            proxy: self.proxy,
            redactor: self.redactor,
            now: self.now,
        };
        let body_error = |error| match error {
            BodyError::Lost(error) => classify(&error, &context),
            BodyError::TooLarge(max) => {
                let message = format!("response exceeds {max} bytes");
                RequestError {
                    detail: Some(FailureDetail::ResponseTooLarge),
                    ..RequestError::new(Category::InvalidResponse, message)
                        .with_hint("raise --max-body")
                }
            }
            BodyError::Gzip => {
                errors::broken("the gzip encoding of the response is damaged or incomplete")
            }
        };
        #[cfg(any(test, fuzzing))]
        if let Some(mut response) = super::fuzz::response_to(self.request, self.signing) {
            body::decode(&mut response, self.max_body).map_err(body_error)?;
            if let Some(unread_body) = self.unread_body.filter(|_| response.status == 200) {
                let body = Full::new(Bytes::from(std::mem::take(&mut response.body)));
                *lock(unread_body) = Some(body.map_err(Into::into).boxed_unsync());
            }
            return Ok(response);
        }
        let mut request = HttpRequest::new(Full::new(Bytes::from(self.request.body.clone())));
        *request.method_mut() = match self.request.method {
            Method::Get => hyper::Method::GET,
            Method::Post => hyper::Method::POST,
            Method::Put => hyper::Method::PUT,
        };
        *request.uri_mut() = self.uri()?;
        *request.headers_mut() = self.headers()?;
        let received = client.request(request).await;
        let (head, body) = received
            .map_err(|error| classify(&error, &context))?
            .into_parts();
        let headers = head.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        let mut response = Response {
            status: head.status.as_u16(),
            headers: headers.collect(),
            body: Vec::new(),
        };
        let unread_body = self.unread_body.filter(|_| head.status.is_success());
        let is_page = html::has_html_content_type(&response);
        if let Some(unread_body) = unread_body.filter(|_| !is_page) {
            *lock(unread_body) = Some(body.map_err(Into::into).boxed_unsync());
            return body::check_plain(&response).map(|()| response);
        }
        response.body = body::read(body, self.max_body).await.map_err(body_error)?;
        body::decode(&mut response, self.max_body).map_err(body_error)?;
        match unread_body {
            Some(_) => Err(html::page_instead_of_stream(&response, self.redactor)),
            None => Ok(response),
        }
    }

    /// Builds the URL. It must keep every byte that was signed.
    fn uri(&self) -> Result<Uri, RequestError> {
        let query = [self.request.encoded_query(), self.signed_query()]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("&");
        let origin = self.request.endpoint.origin();
        let path = &self.request.path;
        let text = match query.is_empty() {
            true => format!("{origin}{path}"),
            false => format!("{origin}{path}?{query}"),
        };
        let uri = text.parse::<Uri>().ok();
        uri.filter(|uri| *uri == *text).ok_or_else(|| {
            let message = "the request cannot be sent as it was signed";
            RequestError::new(Category::Usage, message)
        })
    }

    fn signed_query(&self) -> String {
        let pairs: Vec<(String, String)> = self
            .signing
            .query
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.expose().to_owned()))
            .collect();
        encode_query(&pairs)
    }

    fn headers(&self) -> Result<HeaderMap, RequestError> {
        let mut headers = HeaderMap::new();
        let encoding = match self.unread_body {
            Some(_) => "identity",
            None => "gzip",
        };
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(encoding));
        headers.insert(USER_AGENT, HeaderValue::from_static(super::USER_AGENT));
        if self.request.method != Method::Get && self.request.body.is_empty() {
            // Without this header, a POST request with an empty body has no length, and gateways may respond with 411.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let plain = self.request.headers.iter().map(|(n, v)| (*n, v.as_str()));
        let signed = self.signing.headers.iter().map(|(n, v)| (*n, v.expose()));
        let common = self.headers.iter();
        let common = common.map(|(name, value)| (name.as_str(), value.expose()));
        for (name, value) in plain.chain(signed).chain(common) {
            let invalid = || {
                let message = format!("the header {name} contains a control character");
                RequestError::new(Category::Usage, message)
            };
            let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| invalid())?;
            value.set_sensitive(true);
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| invalid())?;
            headers.append(name, value);
        }
        let accept = headers.entry(ACCEPT);
        accept.or_insert(HeaderValue::from_static("*/*"));
        if let Some(value) = &self.proxy_authorization {
            let mut value = HeaderValue::from_str(value.expose())
                .expect("base64 contains no control character");
            value.set_sensitive(true);
            headers.insert(PROXY_AUTHORIZATION, value);
        }
        Ok(headers)
    }

    /// Formats the request for `-v`, with all credentials and signatures masked.
    fn request_line(&self) -> String {
        let signed = self
            .signing
            .query
            .iter()
            .map(|(name, _)| format!("{}={MASK}", percent_encode(name)));
        let query = std::iter::once(self.request.encoded_query())
            .filter(|query| !query.is_empty())
            .chain(signed)
            .collect::<Vec<_>>()
            .join("&");
        let mark = if query.is_empty() { "" } else { "?" };
        format!(
            "> {} {}{}{mark}{query} ({}, attempt {})",
            self.request.method.as_str(),
            self.request.endpoint.origin(),
            self.request.path,
            self.request.operation,
            self.number
        )
    }
}
