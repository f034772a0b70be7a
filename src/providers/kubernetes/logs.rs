//! Reads the logs of containers.

use std::time::Duration;

use super::{Api, path};
use crate::crypto::percent_encode;
use crate::error::{Category, Problem};
use crate::http::RequestError;
use crate::kind::{LogSpec, Operation};
use crate::providers::{LogBody, LogChunk, LogRequest, NOT_STARTED};

/// The supported options of logs.
pub(super) const LOGS: LogSpec = LogSpec {
    since: true,
    previous: true,
    timestamps: true,
    follow: true,
    task_kind: Some("pod"),
    ..LogSpec::new(LOG)
};

const LOG: Operation = Operation::new(
    "ReadNamespacedPodLog",
    "core/v1 ReadNamespacedPodLog",
    "get on pods/log",
);

/// Idle timeout of a followed log; it is then requested again, since the connection may be lost.
const FOLLOW_IDLE_TIMEOUT: Duration = Duration::from_secs(60);

/// Parts of the messages that the server sends, as a bad request, if there is no log (yet).
const MISSING_LOG_PHRASES: [&str; 5] = [
    NOT_STARTED,
    "previous terminated container",
    "is not available",
    "is terminated",
    "not found",
];

/// Reads all lines of a container that the server still has.
pub(super) async fn read(api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
    let (source, params, options) = (request.source, request.params, request.options);
    let Some(pod) = source.task.as_deref() else {
        let message = "the job has no pods, or no longer has any";
        return Err(Problem::new(Category::NotFound, message));
    };
    let namespace = request.reference.segment("NAMESPACE");
    let pods = path("/api/v1", namespace, "pods");
    let path = format!("{pods}/{}/log", percent_encode(pod));
    let tail = params.tail_lines.map(|lines| lines.to_string());
    let since = params.since.map(|since| since.rfc3339());
    let flag = |is_set: bool| is_set.then_some("true");
    let query = [
        ("container", source.container.as_deref()),
        ("tailLines", tail.as_deref()),
        ("sinceTime", since.as_deref()),
        ("previous", flag(params.previous)),
        ("timestamps", flag(params.timestamps)),
        ("follow", flag(params.follow)),
    ];
    let query = query.into_iter();
    let query: Vec<_> = query
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let request = api.server.request(LOG.name, &path, &query);
    let client = &api.server.client;
    let http = client.http.for_stream();
    if let Err(problem) = client.send(&http, &request, options.deadline).await {
        return Err(mark_missing_log(api.explain(&path, problem, options).await));
    }
    let idle_timeout = match params.follow {
        true => FOLLOW_IDLE_TIMEOUT,
        false => http.options().request_timeout,
    };
    let chunks = http.take_chunks(idle_timeout);
    let chunks = chunks.expect("the body of a success was left");
    let chunks = if params.follow {
        chunks.as_received()
    } else {
        chunks
    };
    let error = RequestError::new(Category::Network, "the log was not read to its end");
    let problem = http.to_problem(&request, error, None, 1);
    let mut body = LogBody::new(chunks, problem);
    if params.follow {
        return Ok(LogChunk {
            rest: Some(body),
            ..LogChunk::default()
        });
    }
    let data = body.next().await?;
    Ok(LogChunk {
        rest: data.is_some().then_some(body),
        data: data.unwrap_or_default(),
        ..LogChunk::default()
    })
}

/// Reports a missing log as `NotFound` instead of as an invalid request.
fn mark_missing_log(mut problem: Problem) -> Problem {
    let is_absent = MISSING_LOG_PHRASES
        .iter()
        .any(|words| problem.message.contains(words));
    if problem.category == Category::InvalidArgument && is_absent {
        problem.category = Category::NotFound;
    }
    problem
}
