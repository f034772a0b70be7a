//! Reads the logs of a serverless job's containers from ECI.
//!
//! Source: the ECI 2018-08-08 reference of DescribeContainerLog. It returns only the end of a log, at most
//! 2,000 lines and 1 MiB, without a position from which to continue.

use super::super::sign::timestamp;
use super::super::{Api, products::ECI};
use super::{array, subtask_id};
use crate::http::Method;
use crate::model::failed_tasks;
use crate::providers::log_text;
use crate::providers::prelude::*;
use crate::sort::SortExt as _;

/// The operation that reads the logs, and its options.
pub(super) const LOGS: LogSpec = LogSpec {
    since: true,
    previous: true,
    timestamps: true,
    ..LogSpec::new(LOG)
};

const LOG: Operation = operation!("ECI 2018-08-08", "eci", "DescribeContainerLog");

/// Maximum number of lines that the cloud returns.
const MAX_LINES: u64 = 2000;

/// Maximum number of bytes that the cloud returns.
const MAX_BYTES: usize = 1 << 20;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct LogResponse {
    content: Checked<Text>,
}

pub(super) async fn read(api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
    let source = request.source;
    let Some(task) = source.task.as_deref() else {
        return Err(Problem::new(
            Category::NotFound,
            "the job has no container group",
        ));
    };
    let is_subtask = subtask_id::subtask_of(request.reference.id(), task).is_some();
    if !is_subtask || source.container.is_some() {
        return read_container(api, request).await;
    }
    // Only a lookup of a subtask returns its container groups.
    let subtask = array::with_id(request.reference, task.to_owned());
    let result = api.job(&subtask, request.options).await?;
    let Some(source) = main_log(&result.job) else {
        let message = format!("the subtask {task} has no container group");
        return Err(Problem::new(Category::NotFound, message));
    };
    let request = LogRequest {
        source: &source,
        ..request
    };
    read_container(api, request).await
}

/// Returns the log that explains why a job failed, or else that of its first main container.
fn main_log(job: &Job) -> Option<LogSource> {
    let failed = failed_tasks(&job.tasks);
    let mut sources = LogSource::of_job(job);
    sources.retain(|source| source.task.is_some() && source.container.is_some());
    sources.order_by_key(|source| {
        let rank = source.failure_rank(&failed, job.ended);
        let is_other = source.init || source.is_sidecar;
        (rank.is_none(), rank, is_other)
    });
    sources.into_iter().next()
}

async fn read_container(api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
    let (source, params, options) = (request.source, request.params, request.options);
    let lines = params
        .tail_lines
        .map_or(MAX_LINES, |lines| lines.min(MAX_LINES));
    let (tail, limit) = (lines.to_string(), MAX_BYTES.to_string());
    let since = params.since.map(|since| timestamp(since.to_datetime()));
    let query = [
        ("RegionId", api.region()),
        ("ContainerGroupId", source.task.as_deref()),
        ("ContainerName", source.container.as_deref()),
        ("Tail", Some(&*tail)),
        ("LimitBytes", Some(&*limit)),
        ("StartTime", since.as_deref()),
        ("LastTime", params.previous.then_some("true")),
        ("Timestamps", params.timestamps.then_some("true")),
    ];
    let query = query.into_iter();
    let query: Vec<_> = query
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    let request = api.request(&ECI, LOG.name, Method::Post, &query);
    let wanted = params.tail_lines;
    let decode = |body: &[u8]| decode(body, wanted);
    let response = api.call(request, options, decode).await;
    response.map(|response| response.data)
}

fn decode(body: &[u8], wanted: Option<u64>) -> Result<LogChunk, String> {
    let response: LogResponse = lenient::decode_response(body)?;
    let data = log_text(response.content, "Content")?.into_bytes();
    let lines = data.iter().filter(|byte| **byte == b'\n').count() as u64;
    let wants_more = wanted.is_none_or(|wanted| wanted > MAX_LINES);
    let truncated = match () {
        // The cloud truncates at line ends, so the size is rarely exactly the maximum.
        () if data.len() * 10 >= MAX_BYTES * 9 => Some("only the last 1 MiB".to_owned()),
        () if wants_more && lines >= MAX_LINES => Some(format!("only the last {MAX_LINES} lines")),
        () => None,
    };
    Ok(LogChunk {
        data,
        truncated,
        ..LogChunk::default()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(content: &str, wanted: Option<u64>) -> LogChunk {
        decode(json!({"Content": content}).to_string().as_bytes(), wanted).unwrap()
    }

    #[test]
    fn a_log_cut_by_the_cloud_reports_what_was_read() {
        let all = "x\n".repeat(2000);
        assert_eq!(read("epoch 1 损失\n", None).truncated, None);
        assert_eq!(read(&all, Some(2000)).truncated, None);
        for wanted in [None, Some(2001)] {
            let truncated = read(&all, wanted).truncated;
            assert_eq!(truncated.as_deref(), Some("only the last 2000 lines"));
        }
        let long = "x".repeat(1_000_000);
        assert_eq!(
            read(&long, Some(1)).truncated.as_deref(),
            Some("only the last 1 MiB")
        );
    }

    #[test]
    fn a_log_without_text_is_empty() {
        for body in ["{}", r#"{"Content": null}"#, r#"{"Content": ""}"#] {
            let chunk = decode(body.as_bytes(), None).unwrap();
            assert_eq!((chunk.data, chunk.truncated), (Vec::new(), None), "{body}");
        }
    }

    #[test]
    fn a_log_that_is_not_text_is_an_error() {
        assert!(decode(br#"{"Content": {"Text": "x"}}"#, None).is_err());
        assert_eq!(decode(b"{}", None).unwrap().data, b"");
    }
}
