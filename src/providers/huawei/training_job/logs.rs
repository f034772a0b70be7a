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
    let end = LogEnd::of(&text);
    let length = end.text.len() as u64;
    Ok(match size {
        Some(size) if size >= length => end.after(size, position, previous_text),
        // Each invalid byte is replaced by three, so positions are counted in the text.
        Some(_) if end.replaced > 0 => end.after(length, position, previous_text),
        // The size does not belong to this text, so new text is found by comparing texts.
        _ => LogChunk {
            data: end.text.into(),
            ..LogChunk::default()
        },
    })
}

/// The end of a log, without an incomplete last character: the cloud replaces it, and the next response contains it.
struct LogEnd<'a> {
    text: &'a str,
    /// The number of characters in the text that replace invalid bytes.
    replaced: usize,
    /// The number of characters after the text that replace the incomplete one.
    incomplete: u64,
}

impl<'a> LogEnd<'a> {
    /// Maximum distance between the calculated position and the real one.
    const MAX_SLACK: usize = 64 << 10;

    fn of(text: &'a str) -> Self {
        let complete = text.trim_end_matches(char::REPLACEMENT_CHARACTER);
        Self {
            text: complete,
            replaced: complete.matches(char::REPLACEMENT_CHARACTER).count(),
            incomplete: ((text.len() - complete.len()) / REPLACEMENT.len()) as u64,
        }
    }

    /// Returns the new part of the text, which is the end of a log of `size` bytes, after `position`.
    fn after(&self, size: u64, position: &LogPosition, before: &[u8]) -> LogChunk {
        let missing = size - self.text.len() as u64;
        let is_whole = missing <= REPLACEMENT.len() as u64 * self.incomplete;
        // The response can also begin within a character. The exact size of an incomplete one is unknown.
        let (text, rest) = match is_whole {
            true => (self.text, missing),
            false => {
                let text = self.text.trim_start_matches(char::REPLACEMENT_CHARACTER);
                (text, self.incomplete.min(1))
            }
        };
        let text = text.as_bytes();
        let end = size - rest;
        let start = end - text.len() as u64;
        let slack = match (is_whole, self.replaced) {
            (true, 0) => 0,
            (_, replaced) => (REPLACEMENT.len() * (replaced + 1)).min(Self::MAX_SLACK),
        };
        let (from, is_disjoint, truncated) = match position {
            LogPosition::Offset(from) if *from < start => {
                let message = format!("{} bytes between two readings are missing", start - from);
                (0, true, Some(message))
            }
            LogPosition::Offset(from) => {
                // A position after the text is not found.
                let expected = usize::try_from(from - start).unwrap_or(usize::MAX);
                match find_end(text, before, expected, slack) {
                    Some(from) => (from, false, None),
                    None => (0, true, Some(REPLACED_LOG.to_owned())),
                }
            }
            LogPosition::Start | LogPosition::Token(_) => {
                let message = || format!("only the last {} bytes of {size}", text.len());
                (0, false, (start > 0).then(message))
            }
        };
        LogChunk {
            data: text[from..].to_vec(),
            next: Some(LogPosition::Offset(end)),
            truncated,
            is_disjoint,
            ..LogChunk::default()
        }
    }
}

/// Returns where the known text, which ends with `before`, ends in `text`: at most `slack` bytes from `expected`.
fn find_end(text: &[u8], before: &[u8], expected: usize, slack: usize) -> Option<usize> {
    let nearest = (0..=slack).flat_map(|distance| {
        let sides = [
            expected.checked_add(distance),
            expected.checked_sub(distance),
        ];
        sides.into_iter().flatten()
    });
    let mut ends = nearest.filter(|end| *end <= text.len() && (*end > 0 || *end == expected));
    let found = ends.find(|end| continues(before, &text[..*end]));
    found.or_else(|| {
        // The known text can contain replaced bytes that are valid together with the next ones.
        let mut rest = text.get(expected..)?.windows(REPLACEMENT.len());
        rest.any(|part| part == REPLACEMENT).then_some(expected)
    })
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

    /// Reads a log that grows by `step` bytes between two readings, and whose last `most` bytes are returned.
    fn read_growing(log: &[u8], step: usize, most: usize) -> String {
        let (mut position, mut read) = (LogPosition::Start, Vec::new());
        for end in (2000..log.len()).step_by(step).chain([log.len()]) {
            let text = String::from_utf8_lossy(&log[end.saturating_sub(most)..end]);
            let body = serde_json::json!({"content": text, "full_size": end}).to_string();
            let before = &read[read.len().saturating_sub(256)..];
            let chunk = decode(body.as_bytes(), &position, before).unwrap();
            assert!(!chunk.is_disjoint, "{step} {end}");
            read.extend(chunk.data);
            position = chunk.next.unwrap();
        }
        String::from_utf8(read).unwrap()
    }

    #[test]
    fn a_log_that_ends_within_a_character_is_read_once() {
        let lines = |numbers: std::ops::Range<u32>| {
            let line = |number| format!("行 {number:04} 损失 0.7 显存 3.9 🚀\n");
            numbers.map(line).collect::<String>()
        };
        let log = lines(0..200);
        let garbage = [
            lines(0..80).as_bytes(),
            b"\xff\n\xe5\xff",
            lines(80..200).as_bytes(),
        ]
        .concat();
        for step in [1, 2, 5, 97, 101] {
            assert!(
                read_growing(log.as_bytes(), step, usize::MAX) == log,
                "{step}"
            );
            let read = read_growing(log.as_bytes(), step, 1000);
            assert!(
                read.len() > log.len() - 1004 && log.ends_with(&read),
                "{step}"
            );
            let read = read_growing(&garbage, step, usize::MAX);
            assert!(read == String::from_utf8_lossy(&garbage), "{step}");
        }
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
