//! Reads the logs of jobs piece by piece.

use async_trait::async_trait;

use super::RequestOptions;
use super::request::GetRequest;
use crate::error::Problem;
use crate::http::Chunks;
use crate::lenient::{Checked, Text};
use crate::model::Time;
use crate::reference::Reference;

pub use super::log_source::LogSource;

/// Which part of a log to read, and how.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogParams {
    /// Number of lines at the end of the log.
    pub tail_lines: Option<u64>,
    /// Time of the earliest line.
    pub since: Option<Time>,
    /// Whether to read the log of the container before its last restart.
    pub previous: bool,
    /// Whether each line begins with its RFC 3339 time and a space.
    pub timestamps: bool,
    /// Whether the response continues while the log is written. All of the text is then in [`LogChunk::rest`],
    /// which returns it as it arrives.
    pub follow: bool,
}

/// The start of a piece of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LogPosition {
    /// The start that [`LogParams`] select.
    #[default]
    Start,
    /// After this many bytes.
    Offset(u64),
    /// At a token that the cloud returned.
    Token(String),
}

/// A request for a piece of a log.
#[derive(Debug, Clone, Copy)]
pub struct LogRequest<'a> {
    /// The job.
    pub reference: &'a Reference,
    /// The log of the job.
    pub source: &'a LogSource,
    /// The start of the piece.
    pub position: &'a LogPosition,
    /// Which part of the log to read, and how.
    pub params: &'a LogParams,
    /// The last bytes that were read before the position, at most [`COMPARED_BYTES`]; empty for the first piece.
    pub before: &'a [u8],
    /// Options of the request.
    pub options: &'a RequestOptions,
}

/// Number of bytes read last that are compared with the next piece. A log that was truncated or replaced can be
/// longer than the old one by then, so its size does not show it.
pub const COMPARED_BYTES: usize = 256;

/// Part of a server's message if a container has not started and has no log.
pub const NOT_STARTED: &str = "is waiting to start";

/// The notice about a log that was truncated or replaced.
pub(super) const REPLACED_LOG: &str = "the log was truncated or replaced and is read from its start; lines between two readings may be missing";

impl LogRequest<'_> {
    /// Returns the lookup of the job.
    pub(super) fn lookup(&self) -> GetRequest<'_> {
        GetRequest {
            reference: self.reference,
            options: self.options,
        }
    }

    /// Creates the usage error for a kind whose API has no operation for logs.
    pub fn unsupported(&self) -> Problem {
        Problem::usage(format!("{} has no operation for logs", self.reference.kind))
    }
}

/// Returns `false` if the end of `text` differs from the end of `previous`. Compares as many bytes as both have.
pub(super) fn continues(previous: &[u8], text: &[u8]) -> bool {
    let ends_alike = |previous: &[u8], text: &[u8]| {
        let common = text.len().min(previous.len());
        text.ends_with(&previous[previous.len() - common..])
    };
    match previous.strip_suffix(REPLACEMENT) {
        // The last character was incomplete when it was read.
        Some(previous) => (0..REPLACEMENT.len()).any(|length| {
            let end = text.len().saturating_sub(length + 1);
            ends_alike(previous, &text[..end])
        }),
        None => ends_alike(previous, text),
    }
}

/// The character that replaces bytes that are not UTF-8.
pub(super) const REPLACEMENT: &[u8] = "\u{fffd}".as_bytes();

/// Returns the text of a log from a field of a response.
///
/// # Errors
/// The expected text, if the field cannot be read: an unreadable field is not an empty log.
pub(super) fn log_text(field: Checked<Text>, name: &str) -> Result<String, String> {
    match field.is_unreadable {
        true => Err(format!("text at {name}")),
        false => Ok(field.value.0.unwrap_or_default()),
    }
}

/// A piece of a log.
#[derive(Debug, Default)]
pub struct LogChunk {
    /// The text as it was written, in any encoding.
    pub data: Vec<u8>,
    /// The start of the next piece; `None` if the API has no positions. Then each request returns the same
    /// window, and new text is found by its overlap with the last window.
    pub next: Option<LogPosition>,
    /// True if the text may begin with that of the last piece although `next` is set.
    pub overlaps: bool,
    /// True if the text does not continue that of the last piece.
    pub is_disjoint: bool,
    /// True if the next piece is already available.
    pub has_more: bool,
    /// The rest of the same response, after the text.
    pub rest: Option<LogBody>,
    /// Which part of the log is missing, such as `only the last 2000 lines`.
    pub truncated: Option<String>,
    /// True if the cloud reports more text than it returns: reading stops.
    pub lacks_rest: bool,
}

/// A log in one response that is read as it arrives.
#[derive(Debug)]
pub struct LogBody {
    chunks: Chunks,
    /// The problem to report if the response breaks off, without the reason.
    problem: Problem,
}

impl LogBody {
    /// Creates the body of a response. `problem` is reported, with the reason, if the response breaks off.
    pub(super) fn new(chunks: Chunks, problem: Problem) -> Self {
        Self { chunks, problem }
    }

    /// Returns the next part of the text; `None` at its end.
    ///
    /// # Errors
    /// `network` if the response breaks off.
    pub async fn next(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        let next = self.chunks.next().await;
        next.map_err(|failure| Problem {
            message: format!("{}: {failure}", self.problem.message),
            ..self.problem.clone()
        })
    }
}

/// A part of a log file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct FilePart {
    /// Bytes of the part.
    pub data: Vec<u8>,
    /// The size of the file in bytes, if the cloud reports it; it can be rounded up.
    pub size: Option<u64>,
}

/// A log that is a file of the cloud.
#[async_trait]
pub(super) trait LogFile: Sync {
    /// Maximum number of bytes in a part.
    const PART_BYTES: u64;

    /// Returns the part that begins after this many bytes.
    ///
    /// # Errors
    /// An error of the cloud or the connection.
    async fn part(&self, offset: u64) -> Result<FilePart, Problem>;
}

/// Reads a log that is a file.
///
/// # Errors
/// As [`LogFile::part`].
pub(super) async fn read_file<F: LogFile>(
    request: LogRequest<'_>,
    file: &F,
) -> Result<LogChunk, Problem> {
    let mut offset = match request.position {
        LogPosition::Offset(offset) => *offset,
        LogPosition::Start | LogPosition::Token(_) => 0,
    };
    // The last bytes that were read are read again: if they differ, the file was replaced.
    let compared = request.before.len();
    let from = offset.saturating_sub(compared as u64);
    let mut read = file.part(from).await?;
    let is_full = read.data.len() as u64 >= F::PART_BYTES;
    let is_disjoint = !read.data.starts_with(request.before);
    if is_disjoint {
        let first = file.part(0).await?;
        if from > 0 && first.data == read.data && ignores_offset(file, from, &read.data).await {
            return Ok(without_rest(request.position.clone(), Vec::new()));
        }
        offset = 0;
        read = first;
    } else {
        // If the cloud ignores the offset, this is the last part again, with the same end.
        let is_same = read.data.len() > compared && read.data.ends_with(request.before);
        if from > 0 && is_same && ignores_offset(file, from, &read.data).await {
            return Ok(without_rest(request.position.clone(), Vec::new()));
        }
        read.data.drain(..compared);
    }
    let mut truncated = is_disjoint.then(|| REPLACED_LOG.to_owned());
    let wanted = request.params.tail_lines;
    if let (LogPosition::Start, Some(lines), Some(size)) = (request.position, wanted, read.size) {
        let mut window = F::PART_BYTES;
        while size > window.max(read.data.len() as u64) {
            let mut data = read_to_end(size - window, size, file).await?;
            if data.is_empty() {
                // The file is shorter than the reported size: it is read from its start.
                break;
            }
            if data.starts_with(&read.data) && ignores_offset(file, 0, &read.data).await {
                let end = LogPosition::Offset(read.data.len() as u64);
                return Ok(without_rest(end, read.data));
            }
            let ends = data.iter().filter(|byte| **byte == b'\n');
            let has_enough = ends.count() as u64 > lines;
            if has_enough || window >= MAX_TAIL_BYTES {
                let cut = format!("only the last {} MiB", MAX_TAIL_BYTES >> 20);
                truncated = truncated.or((!has_enough).then_some(cut));
                let end = size - window + data.len() as u64;
                // The window can begin within a line.
                let first_end = data.iter().position(|byte| *byte == b'\n');
                data.drain(..first_end.map_or(0, |at| at + 1));
                offset = end - data.len() as u64;
                read.data = data;
                break;
            }
            window *= 4;
        }
    }
    let end = offset + read.data.len() as u64;
    let is_full = is_full || read.data.len() as u64 >= F::PART_BYTES;
    const MAX_ROUNDING: u64 = 64 << 10;
    let limit = end.saturating_add(MAX_ROUNDING);
    let lacks_rest = read.data.is_empty() && read.size.is_some_and(|size| size > limit);
    let has_more = !read.data.is_empty() && (is_full || read.size.is_some_and(|size| end < size));
    Ok(LogChunk {
        data: read.data,
        next: Some(LogPosition::Offset(end)),
        has_more,
        truncated,
        is_disjoint,
        lacks_rest,
        ..LogChunk::default()
    })
}

/// Returns `true` if the cloud ignores the offset: a request for another offset returns the same part. A single
/// repeated part is not enough, since a log can repeat the same lines.
async fn ignores_offset(file: &impl LogFile, offset: u64, part: &[u8]) -> bool {
    /// No file is this long.
    const BEYOND_END: u64 = 1 << 40;
    let Some(first) = part.first() else {
        return false;
    };
    // A part of one repeated byte is the same at each offset within the file.
    let is_constant = part.iter().all(|byte| byte == first);
    let other_part = offset + if is_constant { BEYOND_END } else { 1 };
    let other_part = file.part(other_part).await;
    other_part.is_ok_and(|other_part| other_part.data == part)
}

/// Creates the chunk of a file of which the cloud returns no more.
fn without_rest(next: LogPosition, data: Vec<u8>) -> LogChunk {
    LogChunk {
        data,
        next: Some(next),
        lacks_rest: true,
        ..LogChunk::default()
    }
}

/// Maximum number of bytes at the end of a file that are searched for its last lines.
const MAX_TAIL_BYTES: u64 = 16 << 20;

async fn read_to_end(from: u64, size: u64, file: &impl LogFile) -> Result<Vec<u8>, Problem> {
    let mut data = Vec::new();
    while from + (data.len() as u64) < size {
        let read = file.part(from + data.len() as u64).await?;
        if read.data.is_empty() {
            break;
        }
        data.extend(read.data);
    }
    Ok(data)
}

#[cfg(test)]
mod tests;
