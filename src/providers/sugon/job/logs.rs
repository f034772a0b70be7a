//! Reads standard output and error of jobs, which are files in the storage of the region.
//!
//! The cloud returns pages of 1,000 lines, counted from the start of the file, and the number of pages.

use std::any::Any;

use super::super::envelope::decode_data;
use super::super::{Api, REGION_TOKEN, Region};
use super::details::JobDetails;
use crate::crypto::percent_encode;
use crate::http::{Method, Request, RequestError};
use crate::providers::prelude::*;
use crate::providers::{LogPosition, REPLACED_LOG, continues, log_text};

/// Parts of messages about a file that does not exist.
const MISSING: [&str; 4] = ["not exist", "no such file", "not found", "不存在"];

/// Describes how to read the output.
pub(super) const LOGS: LogSpec = LogSpec {
    storage: LogStorage::File,
    ..LogSpec::new(Operation::new(
        "ReadFile",
        "POST /hpc/openapi/v2/file/content",
        REGION_TOKEN,
    ))
};

/// Returns the streams of a job; both can be in the same file.
pub(super) fn sources(job: &Job) -> Vec<LogSource> {
    let details = job.details.as_deref().map(|details| details as &dyn Any);
    let details = details.and_then(|details| details.downcast_ref::<JobDetails>());
    let [stdout, stderr] = details.map_or([None, None], |details| {
        [&details.stdout_path, &details.stderr_path].map(Option::as_deref)
    });
    let stderr = stderr.filter(|path| Some(*path) != stdout);
    let streams = [("stdout", stdout), ("stderr", stderr)].into_iter();
    let streams = streams.filter(|(name, path)| *name == "stdout" || path.is_some());
    let source = |(name, path): (&str, Option<&str>)| LogSource {
        container: Some(name.to_owned()),
        path: path.map(str::to_owned),
        state: job.state,
        ..LogSource::default()
    };
    streams.map(source).collect()
}

#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Content {
    data: Checked<Text>,
    all_line_total: Int,
    total_trigger_times: Int,
    /// A text in published examples.
    success: Flag,
    errmsg: Text,
}

/// Position at which reading continues: a page number from 1, and the number of bytes already read from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    page: u64,
    bytes: usize,
}

impl Mark {
    const START: Self = Self { page: 1, bytes: 0 };

    fn parse(position: &LogPosition) -> Self {
        let LogPosition::Token(text) = position else {
            return Self::START;
        };
        let parts = text.split_once(':');
        let mark = parts.and_then(|(page, bytes)| {
            let (page, bytes) = (page.parse().ok()?, bytes.parse().ok()?);
            Some(Self { page, bytes })
        });
        mark.unwrap_or(Self::START)
    }

    fn position(self) -> LogPosition {
        LogPosition::Token(format!("{}:{}", self.page, self.bytes))
    }
}

/// A page of a file.
#[derive(Debug, Default, PartialEq, Eq)]
struct FilePage {
    text: String,
    /// Number of pages in the file.
    pages: Option<u64>,
    /// Number of lines in the file.
    lines: Option<u64>,
}

pub(super) async fn read(api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
    let Some(path) = request.source.path.as_deref() else {
        return Err(Problem::new(
            Category::NotFound,
            "the job names no output file",
        ));
    };
    let region = request.reference.segment("REGION").unwrap_or_default();
    let (region, options) = (api.region(region)?, request.options);
    let read = async |page: u64| {
        let request = page_request(&region, path, page);
        let response = region.call(request, options.deadline, decode).await?;
        Ok::<_, Problem>(response.data)
    };
    let mut mark = Mark::parse(request.position);
    let mut file = read(mark.page).await?;
    // If the cloud ignores the page number, it returns the same page for each number.
    let mut is_same = false;
    if let (LogPosition::Start, Some(lines)) = (request.position, request.params.tail_lines) {
        mark.page = file.page_of_last(lines);
        if mark.page > 1 {
            let last = read(mark.page).await?;
            is_same = last.text == file.text;
            file = last;
        }
    } else if mark.page > 1 && mark.bytes == 0 {
        let (text, before) = (file.text.as_bytes(), request.before);
        let before = before.trim_ascii_end();
        is_same = !before.is_empty() && text.trim_ascii_end().ends_with(before);
    }
    // A log can contain the same lines repeatedly, but has no lines after its last page.
    let beyond = file.pages.filter(|_| is_same && !file.text.is_empty());
    if let Some(pages) = beyond
        && let Ok(beyond) = read(pages.saturating_add(1)).await
        && beyond.text == file.text
    {
        let again = match request.position {
            LogPosition::Start => file.after(Mark::START),
            position => LogChunk {
                next: Some(position.clone()),
                ..LogChunk::default()
            },
        };
        return Ok(LogChunk {
            lacks_rest: true,
            ..again
        });
    }
    let is_disjoint = !file.has(mark, request.before);
    if is_disjoint {
        mark = Mark::START;
        file = read(mark.page).await?;
    }
    Ok(LogChunk {
        truncated: is_disjoint.then(|| REPLACED_LOG.to_owned()),
        is_disjoint,
        ..file.after(mark)
    })
}

/// Returns the request for a page of a file.
fn page_request(region: &Region, path: &str, page: u64) -> Request {
    let page = page.to_string();
    let form = [
        ("hostName", ""),
        ("dirPath", path),
        ("triggerNum", &page),
        ("rollDirection", "DOWN"),
    ];
    let form = form.map(|(name, value)| format!("{name}={}", percent_encode(value)));
    let content_type = "application/x-www-form-urlencoded".to_owned();
    Request {
        method: Method::Post,
        headers: vec![("content-type", content_type)],
        body: form.join("&").into_bytes(),
        ..region.request(LOGS.operation.name, "/hpc/openapi/v2/file/content")
    }
}

impl FilePage {
    /// Returns the page on which the last `lines` lines begin; `self` is the first page.
    fn page_of_last(&self, lines: u64) -> u64 {
        let size = self.text.lines().count() as u64;
        match (self.pages, self.lines) {
            (Some(pages @ 2..), Some(total)) if size > 0 => {
                let page = total.saturating_sub(lines) / size + 1;
                page.min(pages)
            }
            _ => 1,
        }
    }

    /// Returns `false` if the mark is beyond the end of the file, or if its text differs from `known_text`.
    fn has(&self, mark: Mark, known_text: &[u8]) -> bool {
        let text = self.text.as_bytes().get(..mark.bytes);
        text.is_some_and(|text| continues(known_text, text))
            && (mark == Mark::START || self.pages.is_none_or(|pages| mark.page <= pages))
    }

    /// Returns the text of the page after a mark. A page that is not the last one is complete, unless it has no text.
    fn after(mut self, mark: Mark) -> LogChunk {
        let is_followed = self.pages.is_some_and(|pages| mark.page < pages);
        let is_complete = is_followed && !self.text.is_empty();
        if is_complete && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        let next = match is_complete {
            true => Mark {
                page: mark.page + 1,
                bytes: 0,
            },
            false => Mark {
                bytes: self.text.len(),
                ..mark
            },
        };
        LogChunk {
            data: self.text.into_bytes().split_off(mark.bytes),
            next: Some(next.position()),
            has_more: is_complete,
            lacks_rest: is_followed && !is_complete,
            ..LogChunk::default()
        }
    }
}

fn decode(body: &[u8]) -> Result<FilePage, DecodeError> {
    // The response for an empty file may contain no data.
    let content = decode_data::<Content>(body, "the content of a file")?.unwrap_or_default();
    if content.success.0 == Some(false) {
        let message = content.errmsg.0.unwrap_or_default();
        let lower = message.to_ascii_lowercase();
        let mut known = MISSING.iter();
        let is_missing = known.any(|text| lower.contains(text));
        let category = match is_missing {
            true => Category::NotFound,
            false => Category::ServiceError,
        };
        let error = RequestError::new(category, format!("the file cannot be read: {message}"));
        return Err(DecodeError::Failed(Box::new(error)));
    }
    Ok(FilePage {
        text: log_text(content.data, "data")?,
        pages: content.total_trigger_times.unsigned(),
        lines: content.all_line_total.unsigned(),
    })
}

#[cfg(test)]
mod tests;
