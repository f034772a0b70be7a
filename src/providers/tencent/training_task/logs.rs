//! Reads the logs of a task's pods.
//!
//! DescribeLogs returns lines by time and offset. Its paging contexts are valid only for the time
//! range of one request, and lines become readable some time after they were written. The last
//! seconds are therefore read again, and the lines that were already read are removed.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use chrono::{DateTime, SecondsFormat, SubsecRound as _, TimeDelta, Utc};

use super::{SERVICE, STATES, TIONE, task};
use crate::providers::LogPosition;
use crate::providers::prelude::*;
use crate::providers::tencent::{Api, decode_product};

/// Describes how to read the logs.
pub(super) const LOGS: LogSpec = LogSpec {
    since: true,
    timestamps: true,
    ..LogSpec::new(LOG)
};

const LOG: Operation = operation!("TI-ONE 2021-11-11", "tione", "DescribeLogs");

/// Maximum number of lines per response.
const PAGE_LINES: usize = 100;

/// Number of new lines after which a chunk is returned.
const MAX_NEW_LINES: usize = 1000;

/// Delay after which a written line is assumed to be readable.
const MAX_DELAY: TimeDelta = TimeDelta::seconds(10);

/// Maximum number of lines that are read again to find late lines between them.
const MAX_KNOWN_LINES: usize = 500;

/// Maximum number of lines that are read from the end of a log; the cloud finds no more.
const MAX_TAIL_LINES: usize = 10_000;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct LogResponse {
    content: Required<List<Line>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Line {
    id: Text,
    message: Checked<Text>,
    timestamp: Timestamp,
}

/// Recognizes pages that only have lines that were written during a read. They end the read, because a job that
/// writes faster than pages are requested would otherwise extend it without end. The next read returns the rest.
#[derive(Default)]
struct GrowthDetector {
    started_at: DateTime<Utc>,
    /// Number of lines of the longest page.
    longest: usize,
    /// Number of successive pages with less than half of those lines.
    short_pages: u8,
}

/// A position in the log of a run: the lines from `second` on, without those in `known`.
#[derive(Debug, PartialEq, Eq)]
struct RunLogPosition {
    run: String,
    /// `None` means the last hour.
    second: Option<DateTime<Utc>>,
    /// Hashes of the lines that were read, repeated as often as the line occurred.
    line_hashes: Vec<u64>,
}

struct LogReader<'a> {
    api: &'a Api,
    request: LogRequest<'a>,
}

pub(super) async fn read(api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
    let reader = LogReader { api, request };
    let position = match request.position {
        LogPosition::Token(token) => RunLogPosition::parse(token),
        LogPosition::Start | LogPosition::Offset(_) => None,
    };
    match (position, request.params.tail_lines) {
        (Some(position), _) => reader.page(position).await,
        (None, None) => reader.page(reader.start().await?).await,
        (None, Some(lines)) => reader.tail(reader.start().await?, lines).await,
    }
}

impl LogReader<'_> {
    /// Returns the position at the start of the latest run's log.
    async fn start(&self) -> Result<RunLogPosition, Problem> {
        let (task, _) = task(self.api, self.request.lookup()).await?.data;
        let clock = self.api.clock;
        let started_at = clock.at(&task.start_time);
        let Some(run) = task.latest_instance_id.0 else {
            let word = task.status.value.trimmed().unwrap_or_default();
            let mut known = STATES.iter();
            let is_unstarted = |state: State| matches!(state, State::Pending | State::Starting);
            let is_waiting = known
                .any(|(known, state)| known.eq_ignore_ascii_case(word) && is_unstarted(*state));
            let message = match is_waiting && started_at.is_none() {
                true => "the task has not started; it has no log yet",
                false => "the run of the task is not known (no LatestInstanceId)",
            };
            return Err(Problem::new(Category::NotFound, message));
        };
        let started_at = || started_at.or(clock.at(&task.create_time));
        let from = self.request.params.since.or_else(started_at);
        Ok(RunLogPosition {
            run,
            second: from.map(|time| time.to_datetime().trunc_subsecs(0)),
            line_hashes: Vec::new(),
        })
    }

    /// Requests a page of the lines before `end`.
    async fn lines(
        &self,
        position: &RunLogPosition,
        order: &str,
        offset: usize,
        end: Option<DateTime<Utc>>,
    ) -> Result<Vec<Line>, Problem> {
        let mut parameters = json!({
            "Service": SERVICE, "ServiceId": position.run, "Offset": offset, "Limit": PAGE_LINES,
            "Order": order, "OrderField": "Timestamp",
        });
        if let Some(pod) = &self.request.source.task {
            parameters["PodName"] = pod.as_str().into();
        }
        for (name, time) in [("StartTime", position.second), ("EndTime", end)] {
            if let Some(time) = time {
                parameters[name] = time.to_rfc3339_opts(SecondsFormat::Secs, true).into();
            }
        }
        let (api, options) = (self.api, self.request.options);
        let response = api.call_product(&TIONE, LOG.name, &parameters, options, decode);
        response.await.map(|decoded| decoded.data)
    }

    /// Reads the new lines at a position.
    async fn page(&self, position: RunLogPosition) -> Result<LogChunk, Problem> {
        let mut lines: Vec<Line> = Vec::new();
        let mut first_length = None;
        let mut growth = GrowthDetector {
            started_at: self.api.client.http.server_now(),
            ..GrowthDetector::default()
        };
        let has_more = loop {
            let page = self.lines(&position, "ASC", lines.len(), None).await?;
            let is_growing = growth.ends_read(&page);
            let first_length = *first_length.get_or_insert(page.len());
            let is_last = !append(&mut lines, page, first_length)? || is_growing;
            if is_last || lines.len() >= position.line_hashes.len() + MAX_NEW_LINES {
                break !is_last;
            }
        };
        let next = self.next(&position, &lines);
        Ok(self.chunk(&position.new_lines(lines), next, has_more))
    }

    /// Returns the position after these lines: their last second, or an earlier one if lines written then may not be
    /// readable yet.
    fn next(&self, position: &RunLogPosition, lines: &[Line]) -> RunLogPosition {
        let mut second = position.second;
        let seconds = lines.iter().map(|line| {
            // A line without a readable time belongs to the same second as the line before it.
            second = line.second().or(second);
            second
        });
        let seconds: Vec<_> = seconds.collect();
        let last = seconds.iter().max().copied().flatten().or(position.second);
        let horizon = self.api.client.http.now().trunc_subsecs(0) - MAX_DELAY;
        let limit = lines.len().checked_sub(MAX_KNOWN_LINES);
        let limit = limit.and_then(|at| *seconds.get(at)?);
        let from = [Some(horizon), position.second, limit]
            .into_iter()
            .max()
            .flatten();
        let second = from.map_or(last, |from| last.map(|last| last.min(from)));
        let is_kept = |(_, at): &(&Line, &Option<DateTime<Utc>>)| **at >= second;
        let known = lines.iter().zip(&seconds).filter(is_kept);
        RunLogPosition {
            run: position.run.clone(),
            line_hashes: match lines.is_empty() {
                true => position.line_hashes.clone(),
                false => known.map(|(line, _)| line.hash()).collect(),
            },
            second,
        }
    }

    /// Reads the last lines backwards until it has all lines of the last second, because reading continues from
    /// there.
    async fn tail(&self, position: RunLogPosition, wanted: u64) -> Result<LogChunk, Problem> {
        let count = usize::try_from(wanted)
            .unwrap_or(usize::MAX)
            .min(MAX_TAIL_LINES);
        let mut lines: Vec<Line> = Vec::new();
        let mut first_length = None;
        let has_read_all = loop {
            // New lines that arrive between two pages move other lines to the next page.
            let end = lines.iter().find_map(Line::second);
            let end = end.map(|second| second + TimeDelta::seconds(1));
            let page = self.lines(&position, "DESC", lines.len(), end).await?;
            let first_length = *first_length.get_or_insert(page.len());
            let is_last = !append(&mut lines, page, first_length)?;
            let ends = [lines.first(), lines.last()].map(|line| line.and_then(Line::second));
            let is_enough = lines.len() >= count && ends[0] != ends[1];
            if is_last || is_enough || lines.len() >= MAX_TAIL_LINES {
                break is_last;
            }
        };
        let is_cut = wanted > count as u64 && lines.len() >= MAX_TAIL_LINES;
        lines.reverse();
        // Some lines of the first second may not have been read.
        let first = lines.iter().find_map(Line::second);
        let first = first.filter(|_| !has_read_all);
        let position = RunLogPosition {
            second: first
                .map(|second| second + TimeDelta::seconds(1))
                .or(position.second),
            ..position
        };
        let next = self.next(&position, &lines);
        lines.drain(..lines.len().saturating_sub(count));
        let mut chunk = self.chunk(&lines, next, false);
        chunk.truncated = is_cut.then(|| format!("only the last {MAX_TAIL_LINES} lines"));
        Ok(chunk)
    }

    fn chunk(&self, lines: &[Line], next: RunLogPosition, has_more: bool) -> LogChunk {
        let with_times = self.request.params.timestamps;
        let data: String = lines.iter().map(|line| line.text(with_times)).collect();
        LogChunk {
            data: data.into_bytes(),
            next: Some(LogPosition::Token(next.token())),
            has_more,
            truncated: next
                .second
                .is_none()
                .then(|| "only the last hour".to_owned()),
            ..LogChunk::default()
        }
    }
}

fn decode(body: &[u8]) -> Result<Vec<Line>, String> {
    let response: LogResponse = decode_product(body)?;
    let lines = response.content.rows("Content", Some(0))?;
    match lines.iter().any(|line| line.message.is_unreadable) {
        true => Err("text at Message".to_owned()),
        false => Ok(lines),
    }
}

/// Appends a page, without the lines that moved to it because new lines arrived. Returns `false` if the page has no
/// new lines: a page with fewer lines than requested need not be the last one. `first_length` is the number of lines
/// of the first page.
fn append(lines: &mut Vec<Line>, page: Vec<Line>, first_length: usize) -> Result<bool, Problem> {
    let (count, is_full) = (lines.len(), page.len() >= PAGE_LINES);
    let mut first_page = page.iter().zip(lines.iter().take(first_length));
    let is_repeated = count > 0
        && page.len() >= first_length
        && first_page.all(|(line, first)| line.hash() == first.hash());
    let hashes: Vec<u64> = page.iter().map(Line::hash).collect();
    let mut known = page.first().and_then(|first| {
        let at = lines.iter().position(|line| line.hash() == hashes[0])?;
        // Without an id, equal lines can be different lines that were written within a second.
        let old: Vec<u64> = lines[at..].iter().map(Line::hash).collect();
        let repetitions = old.iter().chain(&hashes).filter(|hash| **hash == hashes[0]);
        let is_unique = old.len() > 1 && repetitions.count() == 2;
        let is_moved = is_unique && old.iter().zip(&hashes).all(|(old, new)| old == new);
        (first.id.0.is_some() || is_moved).then_some(at)
    });
    if is_repeated {
        known = Some(0);
    }
    lines.extend(page.into_iter().skip(known.map_or(0, |at| count - at)));
    let has_new = lines.len() > count;
    match is_full && (known == Some(0) || !has_new) {
        true => {
            let message = format!("{} repeats lines because it ignores Offset", LOG.name);
            Err(Problem::new(Category::InvalidResponse, message))
        }
        false => Ok(has_new),
    }
}

impl GrowthDetector {
    /// Number of successive short pages that end a read.
    const MAX_SHORT_PAGES: u8 = 3;

    /// Records a page. Returns `true` if its lines were written after the start of the read, or became readable after
    /// it.
    fn ends_read(&mut self, page: &[Line]) -> bool {
        self.longest = self.longest.max(page.len());
        self.short_pages = match page.len() * 2 < self.longest {
            true => self.short_pages.saturating_add(1),
            false => 0,
        };
        let times = page.iter().filter_map(|line| line.timestamp.utc());
        let newest = times.map(|time| time.to_datetime()).max();
        page.len() < PAGE_LINES
            && newest.is_some_and(|newest| {
                // The time at which a line became readable is not known, but only lines of the last seconds are late.
                let is_late = newest >= self.started_at - MAX_DELAY;
                newest >= self.started_at || (is_late && self.short_pages >= Self::MAX_SHORT_PAGES)
            })
    }
}

impl Line {
    /// Returns a hash that identifies the line.
    fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let at = self.timestamp.utc().map(|at| at.to_datetime());
        (&self.id.0, &self.message.value.0, at).hash(&mut hasher);
        hasher.finish()
    }

    fn second(&self) -> Option<DateTime<Utc>> {
        let time = self.timestamp.utc()?;
        Some(time.to_datetime().trunc_subsecs(0))
    }

    /// Returns the text of the entry with a final line end, which only some entries have in the response.
    fn text(&self, with_time: bool) -> String {
        let message = self.message.value.0.as_deref().unwrap_or_default();
        let message = message.strip_suffix('\n').unwrap_or(message);
        let Some(time) = self.timestamp.utc().filter(|_| with_time) else {
            return format!("{message}\n");
        };
        let time = time.to_datetime();
        let time = time.to_rfc3339_opts(SecondsFormat::AutoSi, true);
        let lines = message.split('\n').map(|line| format!("{time} {line}\n"));
        lines.collect()
    }
}

impl RunLogPosition {
    /// Returns the lines that are not in `known`.
    fn new_lines(&self, mut lines: Vec<Line>) -> Vec<Line> {
        let mut known: HashMap<u64, usize> = HashMap::new();
        for hash in &self.line_hashes {
            *known.entry(*hash).or_default() += 1;
        }
        lines.retain(|line| match known.get_mut(&line.hash()) {
            Some(count @ 1..) => {
                *count -= 1;
                false
            }
            _ => true,
        });
        lines
    }

    fn token(&self) -> String {
        let second = self.second.map_or(0, |second| second.timestamp());
        let known: Vec<String> = self.line_hashes.iter().map(u64::to_string).collect();
        format!("{second} {} {}", known.join(","), self.run)
    }

    fn parse(token: &str) -> Option<Self> {
        let mut parts = token.splitn(3, ' ');
        let second = parts.next()?.parse().ok()?;
        let known = parts.next()?.split(',').filter(|hash| !hash.is_empty());
        Some(Self {
            second: DateTime::from_timestamp(second, 0).filter(|_| second != 0),
            line_hashes: known.map(|hash| hash.parse().ok()).collect::<Option<_>>()?,
            run: parts.next()?.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_with_unreadable_lines_is_an_error() {
        let count = |content: Value| {
            let body = json!({"Response": {"Content": content}}).to_string();
            decode(body.as_bytes()).map(|lines| lines.len())
        };
        assert_eq!(count(json!([{"Message": "损失"}, {"Id": "2"}])), Ok(2));
        assert_eq!(count(json!(null)), Ok(0));
        assert!(count(json!([{"Message": ["损失"]}])).is_err());
        assert!(count(json!({"0": {"Message": "损失"}})).is_err());
    }
}
