//! Reads the logs of a job's tasks: at most the last 5 MB of each, with the total size.

use super::super::products::MODELARTS;
use super::super::{Api, ProjectRequest};
use super::path;
use crate::crypto::percent_encode;
use crate::http::RequestError;
use crate::providers::prelude::*;
use crate::providers::{LogPosition, REPLACED_LOG, REPLACEMENT, continues, log_text};

/// Describes how to read the logs.
pub(super) const LOGS: LogSpec = LogSpec::new(Operation::new(
    "ShowTrainingJobLogsPreview",
    "ModelArts GET /v2/{project_id}/training-jobs/{job_id}/tasks/{task_id}/logs/preview",
    "modelarts:trainJob:get",
));

#[derive(Default, Deserialize)]
#[serde(default)]
struct Preview {
    content: Checked<Text>,
    /// Name of this field until March 2022.
    context: Checked<Text>,
    full_size: Int,
}

pub(super) async fn read(api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
    let Some(task) = request.source.task.as_deref() else {
        let message = "the job has no tasks yet";
        return Err(Problem::new(Category::NotFound, message));
    };
    let path = format!(
        "{}/tasks/{}/logs/preview",
        path(request.reference),
        percent_encode(task)
    );
    let log_request = ProjectRequest::get(&MODELARTS, LOGS.operation.name, &path);
    let decode = |body: &[u8]| decode(body, request.position, request.before);
    api.call(log_request, request.options, decode)
        .await
        .map(|response| response.data)
}

/// Decodes the text after `position`; `previous_text` is the text already read up to there.
fn decode(
    body: &[u8],
    position: &LogPosition,
    previous_text: &[u8],
) -> Result<LogChunk, DecodeError> {
    if body.trim_ascii().is_empty() {
        // HTTP 204, which is sent instead of code ModelArts.2776.
        let error = RequestError::new(Category::NotFound, "the log is not generated yet");
        return Err(DecodeError::Failed(Box::new(error)));
    }
    let preview: Preview = lenient::decode_response(body)?;
    let content = log_text(preview.content, "content")?;
    let text = match content.is_empty() {
        true => log_text(preview.context, "context")?,
        false => content,
    };
    let size = preview.full_size.unsigned();
    if text.is_empty() && size.is_some_and(|size| size > 0) {
        return Err("the text of a log with a size".to_owned().into());
    }
    Ok(match size.filter(|size| *size >= text.len() as u64) {
        Some(size) => after(text.into_bytes(), size, position, previous_text),
        // The size does not belong to this text, so new text is found by comparing texts.
        None => LogChunk {
            data: text.into_bytes(),
            ..LogChunk::default()
        },
    })
}

/// Returns the new part of `end`, the last bytes of a log of `size` bytes, after `position`.
fn after(mut end: Vec<u8>, size: u64, position: &LogPosition, before: &[u8]) -> LogChunk {
    let start = size - end.len() as u64;
    // A position lies within the text, whose length is a `usize`.
    let within = |from: u64| usize::try_from(from - start).unwrap_or(end.len());
    let is_after = |from: usize| {
        // Invalid UTF-8 is replaced, so the length of the text can differ from that of the log.
        let mut rest = end[from..].windows(REPLACEMENT.len());
        continues(before, &end[..from]) || rest.any(|part| part == REPLACEMENT)
    };
    let (from, is_disjoint, truncated) = match position {
        LogPosition::Offset(from) if *from < start => {
            let message = format!("{} bytes between two readings are missing", start - from);
            (start, true, Some(message))
        }
        LogPosition::Offset(from) if *from <= size && is_after(within(*from)) => {
            (*from, false, None)
        }
        LogPosition::Offset(_) => (start, true, Some(REPLACED_LOG.to_owned())),
        LogPosition::Start | LogPosition::Token(_) => {
            let message = || format!("only the last {} bytes of {size}", end.len());
            (start, false, (start > 0).then(message))
        }
    };
    end.drain(..within(from));
    LogChunk {
        data: end,
        next: Some(LogPosition::Offset(size)),
        truncated,
        is_disjoint,
        ..LogChunk::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::test_support::read;

    fn preview(name: &str) -> LogChunk {
        let body = read(&format!("huawei/training-job/{name}.json"));
        decode(&body, &LogPosition::Start, b"").unwrap()
    }

    #[test]
    fn the_log_text_is_read_from_both_known_fields() {
        let chunk = preview("log-preview");
        let text = "[2026-09-13 19:03:58] step 10 loss=0.71\n第 3 轮\nKilled\n";
        assert_eq!(String::from_utf8(chunk.data).unwrap(), text);
        assert_eq!(chunk.next, Some(LogPosition::Offset(57)));
        let text = "[2022-01-13 19:03:58] step 10\n";
        assert_eq!(preview("log-preview-2022").data, text.as_bytes());
    }

    #[test]
    fn a_log_position_is_an_offset_in_the_whole_log() {
        let read = |size, position: LogPosition| {
            let body = serde_json::json!({"content": "第1行\n", "full_size": size});
            let chunk = decode(body.to_string().as_bytes(), &position, b"").unwrap();
            let text = String::from_utf8(chunk.data).unwrap();
            (text, chunk.next, chunk.truncated)
        };
        let at = LogPosition::Offset;
        let (text, next, cut) = read(1008, LogPosition::Start);
        assert_eq!((text.as_str(), next), ("第1行\n", Some(at(1008))));
        assert_eq!(cut.as_deref(), Some("only the last 8 bytes of 1008"));
        let (text, _, cut) = read(1008, at(1007));
        assert_eq!((text.as_str(), cut), ("\n", None));
        assert_eq!(read(1008, at(1008)).0, "");
        let (text, _, cut) = read(1008, at(990));
        assert_eq!(text, "第1行\n");
        assert_eq!(
            cut.as_deref(),
            Some("10 bytes between two readings are missing")
        );
        let (text, next, cut) = read(8, at(1008));
        assert_eq!((text.as_str(), next), ("第1行\n", Some(at(8))));
        assert_eq!(cut.as_deref(), Some(REPLACED_LOG));
        // The size does not match the text.
        assert_eq!(read(3, LogPosition::Start).1, None);
    }

    #[test]
    fn a_replaced_log_is_detected_by_the_text_before_the_position() {
        let read = |content: &str, size: u64, from: u64, before: &str| {
            let body = serde_json::json!({"content": content, "full_size": size}).to_string();
            let position = LogPosition::Offset(from);
            let chunk = decode(body.as_bytes(), &position, before.as_bytes()).unwrap();
            let text = String::from_utf8_lossy(&chunk.data).into_owned();
            (text, chunk.is_disjoint)
        };
        let same = |text: &str| (text.to_owned(), false);
        assert_eq!(read("b\nc\n", 6, 4, "a\nb\n"), same("c\n"));
        assert_eq!(
            read("x\ny\nz\n", 6, 4, "a\nb\n"),
            ("x\ny\nz\n".to_owned(), true)
        );
        // The previous read ended after two of the three bytes of this character.
        assert!(!read("轮次", 6, 5, "轮\u{fffd}").1);
        assert_eq!(read("ab\u{fffd}\n", 16, 11, "z"), same("b\u{fffd}\n"));
    }

    #[test]
    fn an_empty_log_response_means_not_found() {
        for body in ["", "\n"] {
            let error = decode(body.as_bytes(), &LogPosition::Start, b"").unwrap_err();
            let DecodeError::Failed(error) = error else {
                panic!("{error:?}");
            };
            assert_eq!(error.category, Category::NotFound);
        }
    }

    #[test]
    fn a_log_response_without_valid_text_is_an_error() {
        for body in [
            r#"{"full_size": 10}"#,
            r#"{"content": "", "full_size": 10}"#,
        ] {
            for position in [LogPosition::Start, LogPosition::Offset(10)] {
                let error = decode(body.as_bytes(), &position, b"").unwrap_err();
                let expected = "the text of a log with a size".to_owned();
                assert_eq!(error, DecodeError::Invalid(expected));
            }
        }
        let empty = decode(br#"{"full_size": 0}"#, &LogPosition::Start, b"").unwrap();
        assert_eq!((empty.data.len(), empty.truncated), (0, None));
        for field in ["content", "context"] {
            let body = serde_json::json!({field: ["第1行"]}).to_string();
            let error = decode(body.as_bytes(), &LogPosition::Start, b"").unwrap_err();
            assert_eq!(error, DecodeError::Invalid(format!("text at {field}")));
        }
    }
}
