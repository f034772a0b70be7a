//! Logs of the pods of a job.
//!
//! GetPodLogs gives lines without positions, standard output and error mixed.

use serde::Deserialize;

use super::super::sign::timestamp;
use super::super::{Api, products::DLC};
use super::response::previous_pod;
use super::{FIRST_TIME, GET, path};
use crate::crypto::percent_encode;
use crate::error::{Category, Problem};
use crate::kind::{LogSpec, Operation};
use crate::model::Task;
use crate::providers::lenient::{self, Words};
use crate::providers::{GetOptions, LogChunk, LogRequest};

/// How the logs are read.
pub(super) const LOGS: LogSpec = LogSpec {
    since: true,
    previous: true,
    ..LogSpec::new(LOG)
};

const LOG: Operation = Operation::new(
    "GetPodLogs",
    "PAI-DLC 2020-12-03 GetPodLogs",
    "paidlc:GetPodLogs",
);

/// How many lines are requested; the cloud documents no other number.
const MAX_LINES: usize = 2000;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct LogResponse {
    logs: Words,
}

/// How often a pod was restarted, as its details report it.
pub(super) fn restarts(pod: &Task) -> u64 {
    let details = serde_json::to_value(&pod.details).unwrap_or_default();
    details["history"].as_array().map_or(0, Vec::len) as u64
}

pub(super) async fn read(
    api: &Api,
    request: LogRequest<'_>,
    options: &GetOptions,
) -> Result<LogChunk, Problem> {
    let (reference, params) = (request.reference, request.params);
    let Some(pod) = request.source.task.as_deref() else {
        let what = "the job has no pods yet, or not any more";
        return Err(Problem::new(Category::NotFound, what));
    };
    let uid = match params.previous {
        true => Some(previous_uid(api, request, pod, options).await?),
        false => None,
    };
    let since = params.since.map(|since| timestamp(since.to_datetime()));
    let lines = MAX_LINES.to_string();
    let query = [
        ("PodUid", uid.as_deref()),
        ("MaxLines", Some(&*lines)),
        // Without a start the cloud gives the lines of the last 7 days.
        ("StartTime", since.as_deref().or(Some(FIRST_TIME))),
    ];
    let path = format!("{}/pods/{}/logs", path(reference), percent_encode(pod));
    let request = api.path_request(&DLC, LOG.name, path, &query);
    let found = api.client.call(&request, options.deadline, decode).await;
    found.map(|found| found.data)
}

/// The id of the pod in its life before the last restart.
async fn previous_uid(
    api: &Api,
    request: LogRequest<'_>,
    pod: &str,
    options: &GetOptions,
) -> Result<String, Problem> {
    let get = api.path_request(&DLC, GET.name, path(request.reference), &[]);
    let decode = |body: &[u8]| previous_pod(body, pod);
    let found = api.client.call(&get, options.deadline, decode).await?;
    found.data.ok_or_else(|| {
        let what = format!("pod {pod} has not been restarted");
        Problem::new(Category::NotFound, what)
    })
}

fn decode(body: &[u8]) -> Result<LogChunk, String> {
    let response: LogResponse = lenient::decode_response(body)?;
    let Words(lines) = response.logs;
    let mut text = lines.join("\n");
    if !lines.is_empty() {
        text.push('\n');
    }
    let is_full = lines.len() >= MAX_LINES;
    Ok(LogChunk {
        data: text.into_bytes(),
        truncated: is_full.then(|| format!("only {MAX_LINES} lines")),
        ..LogChunk::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::test_support;
    use serde_json::json;

    #[test]
    fn lines_are_joined_and_a_full_answer_says_so() {
        let chunk = decode(&test_support::read("aliyun/dlc-job/get-pod-logs.json")).unwrap();
        let text = String::from_utf8(chunk.data).unwrap();
        assert!(
            text.starts_with("WARN: ./requirements.txt not found"),
            "{text}"
        );
        assert!(text.ends_with(
            "损失 0.71\nTraceback (most recent call last):\nRuntimeError: CUDA error\n"
        ));
        assert_eq!(chunk.truncated, None);
        let full = json!({"Logs": vec!["x"; MAX_LINES]}).to_string();
        let chunk = decode(full.as_bytes()).unwrap();
        assert_eq!(chunk.truncated.as_deref(), Some("only 2000 lines"));
        for body in ["{}", r#"{"Logs": []}"#, r#"{"Logs": null}"#] {
            assert_eq!(
                decode(body.as_bytes()).unwrap(),
                LogChunk::default(),
                "{body}"
            );
        }
    }
}
