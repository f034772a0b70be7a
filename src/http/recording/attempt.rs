//! Records one attempt of a request.

use std::sync::{Arc, Mutex};

use chrono::{DateTime, Utc};

use super::content::{Content, Masker};
use super::exchange::{Exchange, Outgoing, RecordedOutcome, RecordedResponse};
use super::recorder::{Recorder, rfc3339};
use super::stream;
use crate::http::lines::LineBody;
use crate::http::{RequestError, Response, Transport};
use crate::secret::MASK;
use crate::sync::lock;

/// An attempt whose outcome is not known yet. If it is dropped, it is recorded as canceled.
pub(in crate::http) struct RecordingAttempt<'a> {
    recorder: &'a Arc<Recorder>,
    outgoing: Outgoing<'a>,
    transport: &'a Arc<Transport>,
    number: u64,
    at: DateTime<Utc>,
    start_ms: u64,
    is_done: bool,
}

impl<'a> RecordingAttempt<'a> {
    /// Starts to record an attempt.
    pub(in crate::http) fn start(
        recorder: &'a Arc<Recorder>,
        outgoing: Outgoing<'a>,
        transport: &'a Arc<Transport>,
    ) -> Self {
        let (number, at, start_ms) = recorder.begin();
        Self {
            recorder,
            outgoing,
            transport,
            number,
            at,
            start_ms,
            is_done: false,
        }
    }

    /// Records the outcome. Replaces the body of a stream by one that is recorded while it is read.
    pub(in crate::http) fn finish(
        mut self,
        outcome: &Result<Response, RequestError>,
        stream: Option<&Mutex<Option<LineBody>>>,
    ) {
        self.is_done = true;
        let outcome = match outcome {
            Ok(response) => RecordedOutcome::Response(self.response(response)),
            Err(error) => RecordedOutcome::Error(self.masked(error)),
        };
        let end_ms = match outcome {
            RecordedOutcome::Error(_) => self.recorder.failure_step(),
            _ => self.recorder.step(),
        };
        let exchange = self.exchange(outcome, end_ms);
        let mut stream = stream.map(lock);
        match stream.as_mut().and_then(|stream| stream.take()) {
            Some(body) => {
                let (recorder, transport) = (self.recorder, self.transport);
                let body = stream::record(body, recorder, transport, self.number, exchange);
                if let Some(stream) = &mut stream {
                    **stream = Some(body);
                }
            }
            None => self.recorder.write(self.number, &exchange),
        }
    }

    fn response(&self, response: &Response) -> RecordedResponse {
        let request = self.outgoing.request;
        let log = format!("{}{}", request.endpoint.origin(), request.path);
        let mut keys = self.recorder.private_key_masker(&log);
        let masked = RecordedResponse::masked(response, &self.masker(), &mut keys);
        self.recorder.store_private_key_masker(&log, &keys);
        masked
    }

    fn masker(&self) -> Masker<'_> {
        let mask = format!("{MASK}{}", self.number);
        let credential = self.outgoing.is_for_credentials.then_some(mask);
        self.recorder.masker(self.transport.redactor(), credential)
    }

    fn masked(&self, error: &RequestError) -> RequestError {
        let mut error = error.clone();
        self.transport.redactor().text(&mut error.message);
        error
    }

    fn exchange(&self, mut outcome: RecordedOutcome, end_ms: u64) -> Exchange {
        let outgoing = &self.outgoing;
        let masker = self.recorder.masker(self.transport.redactor(), None);
        if let RecordedOutcome::Response(response) = &mut outcome
            && outgoing.has_secret_response()
        {
            response.body = Content::Text(format!("{MASK}{}", self.number));
        }
        Exchange {
            at: rfc3339(self.at),
            start_ms: self.start_ms,
            end_ms,
            cloud: outgoing.cloud.to_owned(),
            profile: outgoing.profile.to_owned(),
            operation: outgoing.request.operation.to_owned(),
            attempt: outgoing.attempt,
            request: outgoing.masked(&masker),
            outcome,
        }
    }
}

impl Drop for RecordingAttempt<'_> {
    fn drop(&mut self) {
        if !self.is_done {
            let exchange = self.exchange(RecordedOutcome::Canceled, self.recorder.canceled_ms());
            self.recorder.write(self.number, &exchange);
        }
    }
}
