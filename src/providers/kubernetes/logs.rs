//! Logs of the containers of pods.

use super::{Api, path};
use crate::crypto::percent_encode;
use crate::error::{Category, Problem};
use crate::kind::{LogSpec, Operation};
use crate::providers::{GetOptions, LogChunk, LogReader, LogRequest};

/// How logs are read.
pub(super) const LOGS: LogSpec = LogSpec {
    since: true,
    previous: true,
    timestamps: true,
    task_kind: Some("pod"),
    ..LogSpec::new(LOG)
};

const LOG: Operation = Operation::new(
    "ReadNamespacedPodLog",
    "core/v1 ReadNamespacedPodLog",
    "get on pods/log",
);

/// The most bytes of a log that are requested. Where it is longer, the server cuts its end.
const MAX_BYTES: &str = "33554432";

/// What stands in the server's words where there is no log (yet), which it reports as a bad request.
const ABSENT: [&str; 5] = [
    "is waiting to start",
    "previous terminated container",
    "is not available",
    "is terminated",
    "not found",
];

/// What reads the logs of all kinds.
pub(super) const READER: LogReader<Api> =
    |api, request, options| Box::pin(read(api, request, options));

/// The lines of a container that the server still has.
async fn read(
    api: &Api,
    request: LogRequest<'_>,
    options: &GetOptions,
) -> Result<LogChunk, Problem> {
    let (source, params) = (request.source, request.params);
    let Some(pod) = source.task.as_deref() else {
        let what = "the job has no pods, or not any more";
        return Err(Problem::new(Category::NotFound, what));
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
        ("limitBytes", Some(MAX_BYTES)),
    ];
    let query = query.into_iter();
    let query: Vec<_> = query
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let decode = |body: &[u8]| Ok::<_, String>(body.to_vec());
    let read = api.call(LOG.name, &path, &query, options, decode).await;
    let data = read.map_err(absent)?.data;
    let is_cut = data.len().to_string() == MAX_BYTES;
    Ok(LogChunk {
        data,
        truncated: is_cut.then(|| "only the first 32 MiB".to_owned()),
        ..LogChunk::default()
    })
}

/// That a container has no log is not a fault of the request.
fn absent(mut problem: Problem) -> Problem {
    let is_absent = ABSENT.iter().any(|words| problem.message.contains(words));
    if problem.category == Category::InvalidArgument && is_absent {
        problem.category = Category::NotFound;
    }
    problem
}
