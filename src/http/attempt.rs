use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_LENGTH, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Url};

use super::errors::{self, ErrorContext, classify};
use super::request::encode_query;
use super::{Method, Request, RequestError, Response, RetryAction, SigningInstructions};
use crate::crypto::percent_encode;
use crate::error::{Category, TransportFailure, TransportFailureKind};
use crate::secret::MASK;

/// One sending of one call.
pub(super) struct Attempt<'a> {
    pub request: &'a Request,
    pub signing: &'a SigningInstructions,
    pub number: u32,
    pub max_body: u64,
    pub timeout: Duration,
    /// True when it goes through a proxy.
    pub has_proxy: bool,
}

impl Attempt<'_> {
    /// Sends and reads the whole response within the time-out.
    pub(super) async fn send(
        &self,
        client: &Client,
        trace: &(dyn Fn(String) + Sync),
    ) -> Result<Response, RequestError> {
        let started = Instant::now();
        trace(self.shown());
        let outcome = tokio::time::timeout(self.timeout, self.exchange(client))
            .await
            .unwrap_or_else(|_| {
                let seconds = (self.timeout.as_secs_f64() * 10.0).round() / 10.0;
                let message = format!("request timed out after {seconds} s");
                let cut = TransportFailure {
                    kind: TransportFailureKind::Timeout,
                    at_proxy: false,
                };
                Err(errors::network_error(RetryAction::Backoff, cut, message))
            });
        let spent = started.elapsed().as_millis();
        trace(match &outcome {
            Ok(answer) => format!(
                "< {} in {spent} ms, {} bytes, attempt {}",
                answer.status,
                answer.body.len(),
                self.number
            ),
            Err(refusal) => {
                format!(
                    "< {} after {spent} ms, attempt {}",
                    refusal.message, self.number
                )
            }
        });
        outcome
    }

    async fn exchange(&self, client: &Client) -> Result<Response, RequestError> {
        let way = ErrorContext {
            endpoint: &self.request.endpoint,
            has_proxy: self.has_proxy,
        };
        let method = match self.request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Put => reqwest::Method::PUT,
        };
        let mut response = client
            .request(method, self.url()?)
            .headers(self.headers()?)
            .body(self.request.body.clone())
            .send()
            .await
            .map_err(|error| classify(&error, &way))?;
        let mut answer = Response {
            status: response.status().as_u16(),
            headers: response
                .headers()
                .iter()
                .map(|(name, value)| {
                    let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                    (name.as_str().to_owned(), value)
                })
                .collect(),
            body: Vec::new(),
        };
        if let Some(length) = response.content_length() {
            // An announced length is only a promise, so little is set aside for it.
            let length = length.min(self.max_body).min(16 << 20);
            answer
                .body
                .reserve_exact(usize::try_from(length).unwrap_or(0));
        }
        while let Some(chunk) = response
            .chunk()
            .await
            .map_err(|error| classify(&error, &way))?
        {
            if answer.body.len() as u64 + chunk.len() as u64 > self.max_body {
                let message = format!("response exceeds {} bytes", self.max_body);
                let mut refusal = RequestError::new(Category::InvalidResponse, message);
                refusal.hint = Some("raise --max-body".to_owned());
                return Err(refusal);
            }
            answer.body.extend_from_slice(&chunk);
        }
        Ok(answer)
    }

    /// The URL, which must keep every byte of what was signed.
    fn url(&self) -> Result<Url, RequestError> {
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
        Url::parse(&text)
            .ok()
            .filter(|url| url.as_str() == text)
            .ok_or_else(|| {
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
        if self.request.method != Method::Get && self.request.body.is_empty() {
            // Without it a POST with no body goes out unsized, and gateways may answer 411.
            headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let plain = self.request.headers.iter().map(|(n, v)| (*n, v.as_str()));
        let proof = self.signing.headers.iter().map(|(n, v)| (*n, v.expose()));
        for (name, value) in plain.chain(proof) {
            let mut value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| {
                let message = format!("the header {name} contains a control character");
                RequestError::new(Category::Usage, message)
            })?;
            value.set_sensitive(true);
            headers.insert(HeaderName::from_static(name), value);
        }
        Ok(headers)
    }

    /// The request as `-v` shows it: what proves who asks is masked.
    fn shown(&self) -> String {
        let proof = self
            .signing
            .query
            .iter()
            .map(|(name, _)| format!("{}={MASK}", percent_encode(name)));
        let query = std::iter::once(self.request.encoded_query())
            .filter(|query| !query.is_empty())
            .chain(proof)
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
