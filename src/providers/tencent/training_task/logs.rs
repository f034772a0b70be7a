//! Logs of the pods of a task.
//!
//! DescribeLogs gives lines by time and rows. Its contexts end with the time range of a request, so that a
//! log that grows is read on from the second of the last line, without the lines of it that were read.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use chrono::{DateTime, SecondsFormat, SubsecRound as _, TimeDelta, Utc};
use serde::Deserialize;
use serde_json::json;

use super::{SERVICE, TIONE, task};
use crate::error::{Category, Problem};
use crate::kind::{LogSpec, Operation};
use crate::providers::lenient::{List, Text, Timestamp};
use crate::providers::tencent::Api;
use crate::providers::{GetOptions, LogChunk, LogPosition, LogRequest};

/// How the logs are read.
pub(super) const LOGS: LogSpec = LogSpec {
    since: true,
    timestamps: true,
    ..LogSpec::new(LOG)
};

const LOG: Operation = Operation::new(
    "DescribeLogs",
    "TI-ONE 2021-11-11 DescribeLogs",
    "tione:DescribeLogs",
);

/// The most lines that one request gives.
const PAGE_LINES: usize = 100;

/// The most lines that are read for the end of a log, as many as the cloud finds in all.
const MAX_TAIL_LINES: usize = 10_000;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct LogResponse {
    content: List<Line>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Line {
    id: Text,
    message: Text,
    timestamp: Timestamp,
}

/// A place in the log of a run: the lines of a second and later ones, without the first `skip`.
#[derive(Debug, PartialEq, Eq)]
struct Place {
    run: String,
    /// `None` for the last hour.
    second: Option<DateTime<Utc>>,
    skip: usize,
    /// Hash of the first line of the second; 0 where it is not known.
    first: u64,
}

struct LogReader<'a> {
    api: &'a Api,
    request: LogRequest<'a>,
    options: &'a GetOptions,
}

pub(super) async fn read(
    api: &Api,
    request: LogRequest<'_>,
    options: &GetOptions,
) -> Result<LogChunk, Problem> {
    let reader = LogReader {
        api,
        request,
        options,
    };
    let place = match request.position {
        LogPosition::Token(token) => Place::parse(token),
        LogPosition::Start | LogPosition::Offset(_) => None,
    };
    match (place, request.params.tail_lines) {
        (Some(place), _) => reader.page(place).await,
        (None, None) => reader.page(reader.start().await?).await,
        (None, Some(lines)) => reader.tail(reader.start().await?, lines).await,
    }
}

impl LogReader<'_> {
    /// Where the log of the latest run begins.
    async fn start(&self) -> Result<Place, Problem> {
        let reference = self.request.reference;
        let (task, _) = task(self.api, reference, self.options).await?.data;
        let run = task.latest_instance_id.0.ok_or_else(|| {
            Problem::new(
                Category::NotFound,
                "the task has not started; it has no log yet",
            )
        })?;
        let clock = self.api.clock;
        let started_at = || clock.at(&task.start_time).or(clock.at(&task.create_time));
        let from = self.request.params.since.or_else(started_at);
        Ok(Place {
            run,
            second: from.map(|time| time.to_datetime().trunc_subsecs(0)),
            skip: 0,
            first: 0,
        })
    }

    /// A page of the lines until `end`.
    async fn lines(
        &self,
        place: &Place,
        order: &str,
        offset: usize,
        end: Option<DateTime<Utc>>,
    ) -> Result<Vec<Line>, Problem> {
        let mut parameters = json!({
            "Service": SERVICE, "ServiceId": place.run, "Offset": offset, "Limit": PAGE_LINES,
            "Order": order, "OrderField": "Timestamp",
        });
        if let Some(pod) = &self.request.source.task {
            parameters["PodName"] = pod.as_str().into();
        }
        for (name, time) in [("StartTime", place.second), ("EndTime", end)] {
            if let Some(time) = time {
                parameters[name] = time.to_rfc3339_opts(SecondsFormat::Secs, true).into();
            }
        }
        let (api, options) = (self.api, self.options);
        let called = api.read_product::<LogResponse>(&TIONE, LOG.name, &parameters, options);
        called.await.map(|found| found.data.content.0)
    }

    /// The lines at a place.
    async fn page(&self, place: Place) -> Result<LogChunk, Problem> {
        let lines = self.lines(&place, "ASC", place.skip, None).await?;
        let is_first = lines.first().is_some_and(|line| line.hash() == place.first);
        if is_first && place.skip > 0 {
            return Err(repeated());
        }
        let has_more = lines.len() >= PAGE_LINES;
        let last = lines.iter().rev().find_map(Line::second);
        let next = match last.or(place.second) {
            // Lines without a readable time are of the second before them.
            Some(second) if place.second.is_none_or(|before| before < second) => {
                let first = lines.iter().position(|line| line.second() == last);
                let first = first.unwrap_or(0);
                Place {
                    skip: lines.len() - first,
                    first: lines.get(first).map_or(0, Line::hash),
                    second: Some(second),
                    ..place
                }
            }
            _ => Place {
                skip: place.skip + lines.len(),
                first: match (place.skip, lines.first()) {
                    (0, Some(line)) => line.hash(),
                    _ => place.first,
                },
                ..place
            },
        };
        Ok(self.chunk(&lines, next, has_more))
    }

    /// The last lines, read from the end until the first line of the last second is known, from which the
    /// log is read on.
    async fn tail(&self, place: Place, wanted: u64) -> Result<LogChunk, Problem> {
        let count = usize::try_from(wanted)
            .unwrap_or(usize::MAX)
            .min(MAX_TAIL_LINES);
        let mut lines: Vec<Line> = Vec::new();
        loop {
            // Lines that come while pages are read move the others to the next page.
            let end = lines.iter().find_map(Line::second);
            let end = end.map(|second| second + TimeDelta::seconds(1));
            let page = self.lines(&place, "DESC", lines.len(), end).await?;
            let is_last = page.len() < PAGE_LINES;
            let first = page.first().map(Line::hash);
            let known = lines.iter().position(|line| Some(line.hash()) == first);
            if known == Some(0) {
                return Err(repeated());
            }
            let known = known.map_or(0, |at| lines.len() - at);
            lines.extend(page.into_iter().skip(known));
            let ends = [lines.first(), lines.last()].map(|line| line.and_then(Line::second));
            let is_enough = lines.len() >= count && ends[0] != ends[1];
            if is_last || is_enough || lines.len() >= MAX_TAIL_LINES {
                break;
            }
        }
        let last = lines.iter().find_map(Line::second);
        let of_last = lines
            .iter()
            .take_while(|line| line.second().is_none_or(|at| Some(at) == last));
        let of_last: Vec<&Line> = of_last.collect();
        let next = Place {
            skip: of_last.len(),
            first: of_last.last().map_or(0, |line| line.hash()),
            second: last.or(place.second),
            ..place
        };
        let is_cut = wanted > count as u64 && lines.len() >= MAX_TAIL_LINES;
        lines.truncate(count);
        lines.reverse();
        let mut chunk = self.chunk(&lines, next, false);
        chunk.truncated = is_cut.then(|| format!("only the last {MAX_TAIL_LINES} lines"));
        Ok(chunk)
    }

    fn chunk(&self, lines: &[Line], next: Place, has_more: bool) -> LogChunk {
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

fn repeated() -> Problem {
    let what = format!("{} repeats lines: it does not take Offset", LOG.name);
    Problem::new(Category::InvalidResponse, what)
}

impl Line {
    /// A number that other lines do not have.
    fn hash(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        let at = self.timestamp.utc().map(|at| at.to_datetime());
        (&self.id.0, &self.message.0, at).hash(&mut hasher);
        hasher.finish()
    }

    fn second(&self) -> Option<DateTime<Utc>> {
        let time = self.timestamp.utc()?;
        Some(time.to_datetime().trunc_subsecs(0))
    }

    /// The line with its end, which only some have in the response.
    fn text(&self, with_time: bool) -> String {
        let message = self.message.0.as_deref().unwrap_or_default();
        let message = message.strip_suffix('\n').unwrap_or(message);
        match self.timestamp.utc().filter(|_| with_time) {
            Some(time) => {
                let time = time
                    .to_datetime()
                    .to_rfc3339_opts(SecondsFormat::AutoSi, true);
                format!("{time} {message}\n")
            }
            None => format!("{message}\n"),
        }
    }
}

impl Place {
    fn token(&self) -> String {
        let second = self.second.map_or(0, |second| second.timestamp());
        format!("{second} {} {} {}", self.skip, self.first, self.run)
    }

    fn parse(token: &str) -> Option<Self> {
        let mut parts = token.splitn(4, ' ');
        let second = parts.next()?.parse().ok()?;
        Some(Self {
            second: DateTime::from_timestamp(second, 0).filter(|_| second != 0),
            skip: parts.next()?.parse().ok()?,
            first: parts.next()?.parse().ok()?,
            run: parts.next()?.to_owned(),
        })
    }
}
