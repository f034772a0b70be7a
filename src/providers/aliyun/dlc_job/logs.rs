//! Reads the logs of a job's pods.
//!
//! GetPodLogs returns lines without positions or times, with standard output and error mixed, and at most 2,000
//! lines; which end of a longer log it returns is not documented. Therefore the time range is divided until
//! each part has fewer lines.

use chrono::DateTime;

use super::super::sign::timestamp;
use super::super::{Api, products::DLC};
use super::response::{created_at, previous_pod};
use super::{GET, path};
use crate::crypto::percent_encode;
use crate::providers::LogPosition;
use crate::providers::lenient::Words;
use crate::providers::prelude::*;

/// The operation that reads the logs, and its options.
pub(super) const LOGS: LogSpec = LogSpec {
    since: true,
    previous: true,
    ..LogSpec::new(LOG)
};

const LOG: Operation = operation!("PAI-DLC 2020-12-03", "paidlc", "GetPodLogs");

/// Number of lines to request; the cloud documents no other number.
const MAX_LINES: usize = 2000;

/// [`FIRST_TIME`](super::FIRST_TIME) as Unix time.
const FIRST_SECOND: i64 = 946_684_800;

/// Seconds after which a written line is assumed to be readable.
const MAX_DELAY: i64 = 60;

/// Number of consecutive seconds with too many lines after which the rest is skipped, because the cloud may
/// ignore `EndTime`.
const MAX_CUTS: u8 = 3;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct LogResponse {
    logs: Checked<Words>,
}

/// Returns how often a pod was restarted, from its details.
pub(super) fn restarts(pod: &Task) -> u64 {
    let details = serde_json::to_value(&pod.details).unwrap_or_default();
    details["history"].as_array().map_or(0, Vec::len) as u64
}

pub(super) async fn read(api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
    let (reference, params) = (request.reference, request.params);
    let Some(pod) = request.source.task.as_deref() else {
        let message = "the job has no pods yet, or no longer has any";
        return Err(Problem::new(Category::NotFound, message));
    };
    let previous = |body: &[u8]| previous_pod(body, pod);
    let uid = match params.previous {
        true => Some(job(api, request, previous).await?.ok_or_else(|| {
            let message = format!("pod {pod} has not been restarted");
            Problem::new(Category::NotFound, message)
        })?),
        false => None,
    };
    let log = PodLog {
        api,
        path: format!("{}/pods/{}/logs", path(reference), percent_encode(pod)),
        uid,
        options: request.options,
        now: api.client.http.now().timestamp(),
    };
    let known = match request.position {
        LogPosition::Token(token) => LogWindow::parse(token),
        LogPosition::Start | LogPosition::Offset(_) => None,
    };
    let since = params.since.map(|since| since.to_datetime().timestamp());
    let mut window = known.unwrap_or(LogWindow {
        start: since.unwrap_or(FIRST_SECOND),
        ..LogWindow::default()
    });
    let mut lines = log.lines(window).await?;
    if known.is_none() && since.is_none() && is_full(&lines) {
        let created_at = job(api, request, created_at).await?;
        window.start = created_at.map_or(FIRST_SECOND, |at| at.to_datetime().timestamp());
    }
    match (known, params.tail_lines) {
        _ if !is_full(&lines) => {}
        (None, Some(wanted)) => return log.tail(window, wanted).await,
        (Some(known), _) if !known.is_new => {
            let (window, lines) = log.last_lines(known.until_last_reading()).await?;
            return Ok(window.chunk(&lines, log.now));
        }
        _ => {
            while is_full(&lines) && window.span(log.now) > 1 {
                window.seconds = Some(window.span(log.now) / 2);
                lines = log.lines(window).await?;
            }
        }
    }
    Ok(window.chunk(&lines, log.now))
}

fn decode(body: &[u8]) -> Result<Vec<String>, String> {
    let LogResponse { logs } = lenient::decode_response(body)?;
    match logs.is_unreadable {
        true => Err("a list of lines at Logs".to_owned()),
        false => Ok(logs.value.0),
    }
}

/// The log of a pod between two restarts.
struct PodLog<'a> {
    api: &'a Api,
    path: String,
    uid: Option<String>,
    options: &'a RequestOptions,
    /// Current Unix time.
    now: i64,
}

impl PodLog<'_> {
    /// Returns at most [`MAX_LINES`] lines of a time range.
    async fn lines(&self, window: LogWindow) -> Result<Vec<String>, Problem> {
        let second = |second| DateTime::from_timestamp(second, 0).map(timestamp);
        let (start, end) = (second(window.start), window.end(self.now).and_then(second));
        let most = MAX_LINES.to_string();
        let query = [
            ("PodUid", self.uid.as_deref()),
            ("MaxLines", Some(&*most)),
            // Without a start time the cloud returns the lines of the last 7 days.
            ("StartTime", start.as_deref()),
            ("EndTime", end.as_deref()),
        ];
        let (api, path) = (self.api, self.path.clone());
        let request = api.path_request(&DLC, LOG.name, path, &query);
        let response = api.call(request, self.options, decode).await;
        response.map(|decoded| decoded.data)
    }

    /// Returns the last seconds of a window whose lines fit into one response, and those lines.
    async fn last_lines(&self, mut window: LogWindow) -> Result<(LogWindow, Vec<String>), Problem> {
        let mut lines = self.lines(window).await?;
        while is_full(&lines) && window.span(self.now) > 1 {
            let half = window.span(self.now) / 2;
            window.start += half;
            window.seconds = window.seconds.map(|seconds| seconds - half);
            lines = self.lines(window).await?;
        }
        Ok((window, lines))
    }

    /// Returns the last lines of a log that does not fit into one response.
    async fn tail(&self, window: LogWindow, wanted: u64) -> Result<LogChunk, Problem> {
        let (window, lines) = self.last_lines(window).await?;
        let count = lines.len();
        let is_cut = is_full(&lines) || (count as u64) < wanted;
        Ok(LogChunk {
            truncated: is_cut.then(|| format!("only the last {count} lines")),
            ..window.chunk(&lines, self.now)
        })
    }
}

/// A range of seconds of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct LogWindow {
    /// Unix time of the first second.
    start: i64,
    /// Number of seconds; `None` for all until now.
    seconds: Option<i64>,
    /// True if none of its lines was read before.
    is_new: bool,
    /// Unix time of the last request.
    read_at: i64,
    /// Number of consecutive seconds before the window with more lines than fit into one response.
    cuts: u8,
}

impl LogWindow {
    /// Returns the Unix time after the last second; `None` for now.
    fn end(self, now: i64) -> Option<i64> {
        let end = self.start.checked_add(self.seconds?)?;
        (end < now).then_some(end)
    }

    fn span(self, now: i64) -> i64 {
        self.end(now).unwrap_or(now) - self.start
    }

    /// Returns the window of the last minute before the last request. It ends with the last lines that were
    /// read; all lines after it are new.
    fn until_last_reading(self) -> Self {
        let end = self.read_at.saturating_add(1);
        let start = self.start.max(end - MAX_DELAY);
        Self {
            start,
            seconds: Some(end - start).filter(|seconds| *seconds > 0),
            ..Self::default()
        }
    }

    /// Creates the chunk with the lines of this window. The next window begins at its end. For a window until
    /// now, the next one has the same start, or a later one if at least half of the maximum number of lines was
    /// read.
    fn chunk(self, lines: &[String], now: i64) -> LogChunk {
        let is_cut = is_full(lines);
        let (is_long, later) = (lines.len() >= MAX_LINES / 2, now - MAX_DELAY);
        let next = match self.end(now) {
            Some(_) if is_cut && self.cuts >= MAX_CUTS => Self {
                start: now,
                is_new: true,
                ..Self::default()
            },
            Some(end) => Self {
                start: end,
                seconds: self.seconds.map(|seconds| seconds.saturating_mul(2)),
                is_new: true,
                cuts: if is_cut { self.cuts + 1 } else { 0 },
                ..Self::default()
            },
            None => Self {
                start: match is_long && later - self.start >= MAX_DELAY {
                    true => later,
                    false => self.start,
                },
                read_at: now,
                ..Self::default()
            },
        };
        let mut text = lines.join("\n");
        if !lines.is_empty() {
            text.push('\n');
        }
        LogChunk {
            data: text.into_bytes(),
            next: Some(LogPosition::Token(next.token())),
            // After a window without lines, all lines are new.
            overlaps: !self.is_new && !lines.is_empty(),
            has_more: next.start > self.start && next.start < now,
            // Missing lines of a window until now are returned by the next request.
            truncated: (is_cut && self.end(now).is_some()).then(|| match self.cuts {
                0..MAX_CUTS => format!("{MAX_LINES} lines of one second, the maximum of a response"),
                MAX_CUTS.. => format!(
                    "{MAX_LINES} lines for every time that is requested; lines may be missing or repeated"
                ),
            }),
            ..LogChunk::default()
        }
    }

    fn token(self) -> String {
        let (seconds, is_new) = (self.seconds.unwrap_or_default(), u8::from(self.is_new));
        format!(
            "{} {seconds} {is_new} {} {}",
            self.start, self.read_at, self.cuts
        )
    }

    fn parse(token: &str) -> Option<Self> {
        let mut parts = token.split(' ').map(str::parse::<i64>);
        let mut next = || parts.next()?.ok();
        Some(Self {
            start: next()?,
            seconds: Some(next()?).filter(|seconds| *seconds > 0),
            is_new: next()? != 0,
            read_at: next()?,
            cuts: u8::try_from(next()?).ok()?,
        })
    }
}

fn is_full(lines: &[String]) -> bool {
    lines.len() >= MAX_LINES
}

/// Looks up the job and returns what `decode` reads from the response.
async fn job<T: Send>(
    api: &Api,
    request: LogRequest<'_>,
    decode: impl FnOnce(&[u8]) -> Result<T, String> + Send,
) -> Result<T, Problem> {
    let get = api.path_request(&DLC, GET.name, path(request.reference), &[]);
    let response = api.call(get, request.options, decode).await;
    response.map(|decoded| decoded.data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_window_is_restored_from_its_token() {
        for window in [
            LogWindow::default(),
            LogWindow {
                start: 1_700_000_000,
                seconds: Some(64),
                is_new: true,
                read_at: 1_700_000_100,
                cuts: 2,
            },
        ] {
            assert_eq!(LogWindow::parse(&window.token()), Some(window));
        }
        for other in ["", "1 2 3", "x 0 0 0 0", "1 0 0 0 300"] {
            assert_eq!(LogWindow::parse(other), None, "{other}");
        }
    }

    #[test]
    fn log_lines_are_joined_and_a_full_second_is_reported_as_truncated() {
        let read = |count: usize| {
            let window = LogWindow {
                start: 10,
                seconds: Some(1),
                ..LogWindow::default()
            };
            window.chunk(&vec!["损失".to_owned(); count], 100)
        };
        assert_eq!(read(2).data, "损失\n损失\n".as_bytes());
        assert_eq!((read(2).truncated, read(0).data), (None, Vec::new()));
        assert!(read(MAX_LINES).truncated.is_some());
    }

    #[test]
    fn a_log_that_is_not_a_list_of_lines_is_an_error() {
        let read = |body: &str| decode(body.as_bytes());
        assert_eq!(read(r#"{"Logs": ["损失"]}"#), Ok(vec!["损失".to_owned()]));
        assert_eq!(read(r#"{"Logs": null}"#), Ok(Vec::new()));
        assert!(read(r#"{"Logs": {"0": "x"}}"#).is_err());
        assert!(read(r#"{"Logs": [{"Line": "x"}]}"#).is_err());
    }
}
