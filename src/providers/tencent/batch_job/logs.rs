//! Reads standard output and error of task instances.
//!
//! DescribeTaskLogs returns at most 2,048 bytes of each stream in Base64; which bytes is not documented. The complete
//! output is in object storage, at the path to which the job redirects it.

use super::{BATCH, INSTANCE};
use crate::crypto;
use crate::providers::log_text;
use crate::providers::prelude::*;
use crate::providers::tencent::{Api, decode_product};

/// Describes how to read the output.
pub(super) const LOGS: LogSpec = LogSpec {
    may_lack_end: true,
    storage: LogStorage::Result,
    task_kind: Some(INSTANCE),
    streams: &STREAMS,
    ..LogSpec::new(operation!("Batch 2017-03-12", "batch", "DescribeTaskLogs"))
};

/// The streams of an instance.
const STREAMS: [&str; 2] = ["stdout", "stderr"];

/// Maximum number of bytes per stream in a response.
const MAX_BYTES: usize = 2048;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct LogResponse {
    task_instance_log_set: Required<List<InstanceLog>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct InstanceLog {
    task_instance_index: Checked<Int>,
    stdout_log: Checked<Text>,
    stderr_log: Checked<Text>,
    stdout_redirect_path: Text,
    stderr_redirect_path: Text,
    stdout_redirect_file_name: Text,
    stderr_redirect_file_name: Text,
}

pub(super) async fn read(api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
    let (id, source) = (request.reference.id(), request.source);
    let instance = source
        .task
        .as_deref()
        .and_then(|task| task.rsplit_once('/'));
    let instance = instance.and_then(|(task, index)| Some((task, index.parse::<i64>().ok()?)));
    let Some((task, index)) = instance else {
        return Err(Problem::new(
            Category::NotFound,
            "no instance of a task has started",
        ));
    };
    let parameters = json!({"JobId": id, "TaskName": task, "TaskInstanceIndexes": [index]});
    let is_stdout = source.container.as_deref() != Some(STREAMS[1]);
    let decode = |body: &[u8]| decode(body, index, is_stdout);
    let operation = LOGS.operation.name;
    let response = api.call_product(&BATCH, operation, &parameters, request.options, decode);
    response.await.map(|decoded| decoded.data)
}

fn decode(body: &[u8], index: i64, is_stdout: bool) -> Result<LogChunk, String> {
    let logs = decode_product::<LogResponse>(body)?.task_instance_log_set;
    let logs = logs.rows("TaskInstanceLogSet", Some(0))?;
    if logs.iter().any(|log| log.task_instance_index.is_unreadable) {
        return Err("a number at TaskInstanceIndex".to_owned());
    }
    let log = logs
        .into_iter()
        .find(|log| log.task_instance_index.value.0 == Some(index));
    // An instance without output may be missing in the response.
    let log = log.unwrap_or_default();
    let (text, folder, file) = match is_stdout {
        true => (
            log.stdout_log,
            log.stdout_redirect_path,
            log.stdout_redirect_file_name,
        ),
        false => (
            log.stderr_log,
            log.stderr_redirect_path,
            log.stderr_redirect_file_name,
        ),
    };
    let text = log_text(text, &format!("the log of instance {index}"))?;
    let mut data =
        from_base64(&text).ok_or_else(|| format!("Base64 at the log of instance {index}"))?;
    let is_full = data.len() >= MAX_BYTES;
    if is_full {
        trim_broken_ends(&mut data);
    }
    let location = folder
        .0
        .map(|folder| folder + file.0.as_deref().unwrap_or_default());
    let location = location.map_or_else(String::new, |location| {
        format!("; the complete output is at {location}")
    });
    Ok(LogChunk {
        data,
        truncated: is_full.then(|| format!("at most {MAX_BYTES} bytes{location}")),
        ..LogChunk::default()
    })
}

/// Decodes Base64 with or without the prefix of a data URL.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let text = text.rsplit_once(";base64,").map_or(text, |(_, text)| text);
    crypto::from_base64(text)
}

/// Removes incomplete characters at both ends of a text that was cut at byte positions.
fn trim_broken_ends(data: &mut Vec<u8>) {
    let is_continuation = |byte: &&u8| **byte & 0xc0 == 0x80;
    let head = data.iter().take(3).take_while(is_continuation).count();
    data.drain(..head);
    if let Err(error) = std::str::from_utf8(data)
        && error.error_len().is_none()
    {
        data.truncate(error.valid_up_to());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::test_support::read;

    #[test]
    fn a_log_is_read_from_base64_with_or_without_a_data_url() {
        let body = read("tencent/batch-job/task-logs.json");
        let text = |index, is_stdout| {
            let chunk = decode(&body, index, is_stdout).unwrap();
            assert_eq!(chunk.truncated, None);
            String::from_utf8(chunk.data).unwrap()
        };
        assert_eq!(
            (text(0, true), text(0, false)),
            (String::new(), String::new())
        );
        assert_eq!(
            (text(1, true).as_str(), text(1, false).as_str()),
            ("第 1 步 done\n", "")
        );
        assert_eq!(
            (text(2, true).as_str(), text(2, false).as_str()),
            ("loss=0.7\n", "Killed\n")
        );
        assert_eq!(text(9, true), "");
    }

    fn full(text: &str) -> LogChunk {
        let row = json!({
            "TaskInstanceIndex": 0, "StdoutLog": crypto::base64(&text.as_bytes()[1..]),
            "StdoutRedirectPath": "cos://bucket/", "StdoutRedirectFileName": "out.log",
        });
        let body = json!({"Response": {"TaskInstanceLogSet": [row]}});
        decode(body.to_string().as_bytes(), 0, true).unwrap()
    }

    #[test]
    fn a_truncated_log_names_the_location_of_the_complete_output() {
        let chunk = full(&"第".repeat(700));
        assert_eq!(String::from_utf8(chunk.data).unwrap(), "第".repeat(699));
        let cut = "at most 2048 bytes; the complete output is at cos://bucket/out.log";
        assert_eq!(chunk.truncated.as_deref(), Some(cut));
    }

    #[test]
    fn a_log_without_valid_rows_and_base64_is_an_invalid_response() {
        for rows in [
            json!([{"TaskInstanceIndex": 0, "StdoutLog": "%%%"}]),
            json!([{"TaskInstanceIndex": 0, "StdoutLog": ["eAo="]}]),
            json!([{"TaskInstanceIndex": {}, "StdoutLog": "eAo="}]),
            json!({"0": {"TaskInstanceIndex": 0}}),
        ] {
            let body = json!({"Response": {"TaskInstanceLogSet": rows}}).to_string();
            assert!(decode(body.as_bytes(), 0, true).is_err(), "{body}");
        }
    }
}
