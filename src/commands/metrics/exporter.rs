//! Serves the paths of the exporter.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream;
use http_body_util::{BodyExt as _, Full, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::{ACCEPT, ALLOW, CONTENT_TYPE};
use hyper::{Method, Request, Response, StatusCode};
use tokio::time::Instant;

use super::accept::negotiate;
use super::document::MetricsDocument;
use super::families::ExporterStatus;
use super::log::MessageLog;
use super::polled_target::{PolledSelector, PolledTarget, PolledTargetOptions};
use super::probes::Probes;
use super::targets::parse_probe;
use crate::commands::lookup::Lookup;
use crate::error::Problem;
use crate::http::ServerBody;
use crate::output;

/// Timeout for clients that send none.
const SCRAPE_TIMEOUT: Duration = Duration::from_secs(10);
/// The response is sent this long before the timeout of the client.
const SCRAPE_MARGIN: Duration = Duration::from_millis(500);
/// Maximum time that a scrape waits for a poll.
const MAX_SCRAPE_TIMEOUT: Duration = Duration::from_secs(50);
/// The header in which Prometheus sends its timeout.
const TIMEOUT_HEADER: &str = "x-prometheus-scrape-timeout-seconds";

const INDEX: &str = "<!DOCTYPE html>\n<html lang=\"en\"><head><title>joblens</title></head>\n\
    <body><h1>joblens</h1><ul>\n\
    <li><a href=\"metrics\">/metrics</a>: metrics of the targets on the command line</li>\n\
    <li>/probe?target=SCOPE: metrics of one reference, scope or cloud</li>\n\
    <li><a href=\"-/healthy\">/-/healthy</a>: 200 while the exporter runs</li>\n\
    </ul></body></html>\n";

/// The targets that are polled, and the options of their metrics.
pub(super) struct Exporter {
    lookup: Arc<Lookup>,
    targets: Vec<Arc<PolledTarget>>,
    probes: Probes,
    default_profile: String,
    options: PolledTargetOptions,
    max_jobs: usize,
    log: MessageLog,
}

impl Exporter {
    /// Creates an exporter that has not polled anything yet.
    pub(super) fn new(
        lookup: Arc<Lookup>,
        targets: Vec<PolledSelector>,
        default_profile: &str,
        options: PolledTargetOptions,
        max_jobs: usize,
        log: MessageLog,
    ) -> Self {
        let targets = targets.into_iter().enumerate();
        let targets =
            targets.map(|(at, target)| PolledTarget::new(target, at + 1, &lookup, options, &log));
        Self {
            targets: targets.collect(),
            lookup,
            probes: Probes::default(),
            default_profile: default_profile.to_owned(),
            options,
            max_jobs,
            log,
        }
    }

    /// Polls the targets of the command line that are due, and returns the metrics that are available at the deadline.
    pub(super) async fn metrics(&self, deadline: Option<Instant>) -> MetricsDocument {
        let document = self.document(&self.targets, deadline).await;
        let expiries = self.lookup.clients.expiry_times().into_iter();
        let expiries =
            expiries.map(|(account, at)| (account.cloud, account.profile.to_string(), at));
        document.with_exporter(ExporterStatus {
            requests: self.lookup.transport.request_counts(),
            expiries: expiries.collect(),
        })
    }

    /// Returns the problems of the last polls.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let scopes = self.targets.iter().flat_map(|target| target.scopes());
        let problems = scopes.filter_map(|scope| scope.reading.problem.as_deref().cloned());
        problems.collect()
    }

    async fn document(
        &self,
        targets: &[Arc<PolledTarget>],
        deadline: Option<Instant>,
    ) -> MetricsDocument {
        join_all(targets.iter().map(|target| target.refresh(deadline))).await;
        let scopes = targets.iter().flat_map(|target| target.scopes());
        MetricsDocument::new(scopes.collect(), self.max_jobs, self.options.max_age())
    }

    /// Responds to a request.
    pub(super) async fn respond(&self, request: Request<Incoming>) -> Response<ServerBody> {
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed\n");
            let methods = hyper::header::HeaderValue::from_static("GET, HEAD");
            response.headers_mut().insert(ALLOW, methods);
            return response;
        }
        match request.uri().path() {
            "/" => full(StatusCode::OK, "text/html; charset=utf-8", INDEX),
            "/-/healthy" => text(StatusCode::OK, "joblens is healthy\n"),
            "/metrics" => {
                let document = self.metrics(Some(deadline(&request))).await;
                exposition(document, &request)
            }
            "/probe" => self.probe(&request).await,
            _ => text(StatusCode::NOT_FOUND, "not found\n"),
        }
    }

    async fn probe(&self, request: &Request<Incoming>) -> Response<ServerBody> {
        let target = match target(request.uri().query().unwrap_or_default()) {
            Ok(target) => target,
            Err(message) => return text(StatusCode::BAD_REQUEST, message),
        };
        let (name, targets) = match parse_probe(&target, &self.lookup, &self.default_profile) {
            Ok(parsed) => parsed,
            Err(problem) => return text(StatusCode::BAD_REQUEST, explained(&problem)),
        };
        let make = || {
            let targets = targets.into_iter();
            // Only targets of the command line need numbers, since probes are not recorded.
            let make = |target| PolledTarget::new(target, 0, &self.lookup, self.options, &self.log);
            targets.map(make).collect()
        };
        match self.probes.targets(name, make) {
            None => text(StatusCode::SERVICE_UNAVAILABLE, "too many targets\n"),
            Some(targets) => {
                let document = self.document(&targets, Some(deadline(request))).await;
                exposition(document, request)
            }
        }
    }
}

/// Returns the value of the parameter `target`, which must be given once.
///
/// # Errors
/// Returns a message that describes the invalid query.
fn target(query: &str) -> Result<String, &'static str> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    let mut targets = pairs.filter(|(name, _)| name == "target");
    match (targets.next(), targets.next()) {
        (Some((_, target)), None) if !target.trim().is_empty() => Ok(target.into_owned()),
        (Some(_), Some(_)) => Err("the parameter target must be given once\n"),
        _ => Err("missing parameter target, e.g. /probe?target=aliyun/job/CLUSTER/\n"),
    }
}

/// Returns the time at which the response must be sent.
fn deadline(request: &Request<Incoming>) -> Instant {
    let header = request.headers().get(TIMEOUT_HEADER);
    let seconds = header.and_then(|header| header.to_str().ok()?.parse().ok());
    Instant::now() + wait_time(seconds)
}

/// Returns how long to wait for a poll if the client has a timeout of this many seconds.
fn wait_time(seconds: Option<f64>) -> Duration {
    let timeout = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    let timeout = timeout.unwrap_or(SCRAPE_TIMEOUT).min(MAX_SCRAPE_TIMEOUT);
    timeout.saturating_sub(SCRAPE_MARGIN).max(timeout / 2)
}

/// Returns the message and the hint of a problem, each on a line.
fn explained(problem: &Problem) -> String {
    let hint = problem.hint.iter().map(|hint| format!("hint: {hint}"));
    let lines = std::iter::once(problem.message.clone()).chain(hint);
    lines
        .map(|line| format!("{}\n", output::escape(&line)))
        .collect()
}

fn exposition(document: MetricsDocument, request: &Request<Incoming>) -> Response<ServerBody> {
    let accept = request.headers().get_all(ACCEPT).iter();
    let accept: Vec<&str> = accept.filter_map(|value| value.to_str().ok()).collect();
    let format = negotiate(&accept.join(","));
    let pieces = document.pieces(format);
    let frames = pieces.map(|piece| Ok(Frame::data(Bytes::from(piece))));
    let body = StreamBody::new(stream::iter(frames)).boxed_unsync();
    response(StatusCode::OK, format.content_type(), body)
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<ServerBody> {
    full(status, "text/plain; charset=utf-8", text)
}

fn full(
    status: StatusCode,
    content_type: &'static str,
    text: impl Into<Bytes>,
) -> Response<ServerBody> {
    let body = Full::new(text.into()).map_err(|never| match never {});
    response(status, content_type, body.boxed_unsync())
}

fn response(
    status: StatusCode,
    content_type: &'static str,
    body: ServerBody,
) -> Response<ServerBody> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let value = hyper::header::HeaderValue::from_static;
    headers.insert(CONTENT_TYPE, value(content_type));
    headers.insert("x-content-type-options", value("nosniff"));
    response
}
