use std::collections::BTreeMap;
use std::fmt;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use flate2::{Compression, write::GzEncoder};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{self, Bytes};
use hyper::{Request, Response, StatusCode};
use tokio::net::TcpListener;
use tokio::time::sleep;

use super::api::{EmulatedApi, EmulatedError};
use super::body::Payload;
use super::clock::{self, EmulatorClock};
use super::faults::{Effect, Fault, Faults};
use super::message::{ServerRequest, ServerResponse};
use super::scenario::Scenario;
use super::state::EmulatedState;
use super::{AccessLog, AccessRecord};
use crate::http::{
    self, Handler, PeerCertificate, ResetConnection, ServerBody, ServerLimits, ServerTls,
};
use crate::sync::lock;

/// Maximum size of a request body that is read.
const MAX_REQUEST_BYTES: usize = 64 << 10;
const COUNTS_PATH: &str = "/_emulator/requests";

/// The state of the emulated clouds, shared by all connections.
pub(super) struct ServerState {
    clouds: Vec<(&'static str, &'static dyn EmulatedApi)>,
    emulated: EmulatedState,
    started: Instant,
    clock: EmulatorClock,
    latency: Duration,
    gzip: bool,
    faults: Faults,
    counts: Mutex<BTreeMap<String, u64>>,
    log: AccessLog,
}

impl fmt::Debug for ServerState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerState")
            .field("faults", &self.faults)
            .field("counts", &self.counts)
            .finish_non_exhaustive()
    }
}

/// A request that belongs to one of the clouds.
struct MatchedOperation<'a> {
    cloud: &'static str,
    server: &'static dyn EmulatedApi,
    operation: String,
    fault: Option<&'a Fault>,
}

impl ServerState {
    pub fn new(
        scenario: Scenario,
        clouds: Vec<(&'static str, &'static dyn EmulatedApi)>,
        log: AccessLog,
    ) -> Self {
        let jobs = scenario
            .jobs
            .into_iter()
            .map(|job| clock::scale_time(job, scenario.speed))
            .collect();
        Self {
            clouds,
            emulated: EmulatedState::new(jobs, scenario.clock.now()),
            started: Instant::now(),
            clock: scenario.clock,
            latency: scenario.latency,
            gzip: scenario.gzip,
            faults: Faults::new(scenario.faults),
            counts: Mutex::default(),
            log,
        }
    }

    pub fn counts(&self) -> BTreeMap<String, u64> {
        lock(&self.counts).clone()
    }

    async fn respond(&self, request: Request<body::Incoming>) -> Response<ServerBody> {
        let incoming = match self.read(request).await {
            Ok(incoming) => incoming,
            Err((method, path)) => {
                let text = "the joblens emulator accepts request bodies of at most 64 KiB\n";
                let response = ServerResponse::text(413, text).with_header("connection", "close");
                self.log_access(method, path, None, response.status);
                return self.response(response, Payload::Whole);
            }
        };
        let Some(call) = self.match_operation(&incoming) else {
            let response = self.control_response(&incoming.path);
            self.log_access(incoming.method, incoming.path, None, response.status);
            return self.response(response, Payload::Whole);
        };
        let effect = call.fault.map(|fault| &fault.effect);
        let delay = match effect {
            Some(Effect::Slow(delay)) => self.latency + *delay,
            _ => self.latency,
        };
        if !delay.is_zero() {
            sleep(delay).await;
        }
        let incoming = ServerRequest {
            now: self.clock.now(),
            ..incoming
        };
        let response = self.compressed(self.operation_response(&incoming, &call), &incoming);
        let is_reset = effect == Some(&Effect::Reset);
        let payload = match effect {
            Some(Effect::Truncate | Effect::Reset) => |bytes: Bytes| Payload::half(&bytes),
            Some(Effect::Drip) => |_| Payload::drip(),
            _ => Payload::Whole,
        };
        let status = response.status;
        self.log_access(incoming.method, incoming.path, Some(call), status);
        let mut response = self.response(response, payload);
        if is_reset {
            response.extensions_mut().insert(ResetConnection);
        }
        response
    }

    /// Returns the request as plain data, or its method and path if its body is too large.
    async fn read(
        &self,
        request: Request<body::Incoming>,
    ) -> Result<ServerRequest, (String, String)> {
        let (head, body) = request.into_parts();
        let method = head.method.as_str().to_owned();
        let path = head.uri.path().to_owned();
        let Ok(body) = Limited::new(body, MAX_REQUEST_BYTES).collect().await else {
            return Err((method, path));
        };
        let headers = head.headers.iter().map(|(name, value)| {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            (name.as_str().to_owned(), value)
        });
        Ok(ServerRequest {
            method,
            path,
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: headers.collect(),
            certificate: head.extensions.get::<PeerCertificate>().cloned(),
            body: body.to_bytes().to_vec(),
            now: self.clock.now(),
        })
    }

    /// Returns the first cloud that accepts the request, with the operation and the fault that affects it.
    fn match_operation(&self, incoming: &ServerRequest) -> Option<MatchedOperation<'_>> {
        let (cloud, server, operation) = self.clouds.iter().find_map(|(cloud, server)| {
            server
                .operation(incoming)
                .map(|operation| (*cloud, *server, operation))
        })?;
        let mut counts = lock(&self.counts);
        *counts.entry(format!("{cloud}/{operation}")).or_default() += 1;
        drop(counts);
        let fault = self
            .faults
            .next_for(cloud, &operation, self.started.elapsed());
        Some(MatchedOperation {
            cloud,
            server,
            operation,
            fault,
        })
    }

    fn operation_response(
        &self,
        incoming: &ServerRequest,
        call: &MatchedOperation<'_>,
    ) -> ServerResponse {
        let Some(fault) = call.fault else {
            return call.server.respond(incoming, &self.emulated);
        };
        let error = |error| call.server.error_to(incoming, error);
        let mut response = match &fault.effect {
            Effect::Throttle => error(EmulatedError::Throttled),
            Effect::Refuse => error(EmulatedError::Refused),
            Effect::Status(status) => error(EmulatedError::Unavailable(*status)),
            Effect::Html(status) => gateway_page(*status),
            Effect::Empty | Effect::Drip => ServerResponse::document(200, ""),
            Effect::Redirect(to) => ServerResponse::text(302, "").with_header("location", to),
            Effect::Truncate | Effect::Reset => ServerResponse {
                later: Vec::new(),
                ..call.server.respond(incoming, &self.emulated)
            },
            Effect::Slow(_) => call.server.respond(incoming, &self.emulated),
        };
        if let Some(after) = fault.retry_after {
            // A vendor's own header, such as `x-acs-retry-after`, would contradict the standard one.
            let is_wait = |name: &str| name.ends_with("retry-after");
            response.headers.retain(|(name, _)| !is_wait(name));
            let seconds = after.as_millis().div_ceil(1000);
            response = response.with_header("retry-after", seconds.to_string());
        }
        response
    }

    /// Returns a response of the emulator itself.
    fn control_response(&self, path: &str) -> ServerResponse {
        if path == COUNTS_PATH {
            return ServerResponse::json(200, &serde_json::json!(self.counts()));
        }
        ServerResponse::text(
            404,
            "This is the joblens emulator. Unknown request for every emulated cloud.\n",
        )
    }

    fn compressed(&self, mut response: ServerResponse, incoming: &ServerRequest) -> ServerResponse {
        let accepts = incoming.header("accept-encoding").is_some_and(|codings| {
            codings
                .split(',')
                .any(|coding| coding.split(';').next().unwrap_or_default().trim() == "gzip")
        });
        if !self.gzip || !accepts || response.body.is_empty() || !response.later.is_empty() {
            return response;
        }
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        let written = encoder.write_all(&response.body);
        response.body = written
            .and_then(|()| encoder.finish())
            .expect("writing to a Vec cannot fail");
        response.with_header("content-encoding", "gzip")
    }

    /// Converts a response for hyper; invalid HTTP becomes an error response of the emulator.
    fn response(
        &self,
        response: ServerResponse,
        payload: impl Fn(Bytes) -> Payload,
    ) -> Response<ServerBody> {
        let date = http_date(self.clock.now());
        let body = Bytes::from(response.body);
        let body = match response.later.is_empty() {
            true => payload(body),
            false => Payload::timed(body, response.later),
        };
        response
            .headers
            .iter()
            .fold(Response::builder(), |builder, (name, value)| {
                builder.header(name, value)
            })
            .status(response.status)
            .header("date", date)
            .body(body.boxed())
            .unwrap_or_else(|_| {
                let text = "the emulated cloud gave an invalid HTTP response\n";
                let text = Payload::Whole(Bytes::from_static(text.as_bytes()));
                let mut response = Response::new(text.boxed());
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                response
            })
    }

    fn log_access(
        &self,
        method: String,
        path: String,
        call: Option<MatchedOperation<'_>>,
        status: u16,
    ) {
        let fault = call.as_ref().and_then(|call| call.fault);
        (self.log)(AccessRecord {
            method,
            path,
            cloud: call.as_ref().map(|call| call.cloud),
            fault: fault.map(|fault| fault.effect.as_str()),
            operation: call.map(|call| call.operation),
            status,
        });
    }
}

/// Serves connections until the future is dropped.
pub(super) async fn serve(listener: TcpListener, tls: Option<ServerTls>, state: Arc<ServerState>) {
    let handler: Handler = Arc::new(move |request| {
        let state = Arc::clone(&state);
        Box::pin(async move { state.respond(request).await })
    });
    http::serve(listener, tls, ServerLimits::default(), handler).await;
}

fn gateway_page(status: u16) -> ServerResponse {
    let phrase = StatusCode::from_u16(status)
        .ok()
        .and_then(|status| status.canonical_reason())
        .unwrap_or_default();
    let title = format!("{status} {phrase}");
    let page = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n</body>\r\n</html>\r\n"
    );
    ServerResponse::html(status, page)
}

/// Formats a time such as `Tue, 14 Nov 2023 22:13:20 GMT` (RFC 9110, section 5.6.7).
fn http_date(moment: DateTime<Utc>) -> String {
    moment.format("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
