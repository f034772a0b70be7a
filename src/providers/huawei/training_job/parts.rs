//! Adds the events and the current stage of a training job.

use futures_util::future::join;
use serde::de::DeserializeOwned;

use super::super::products::MODELARTS;
use super::super::{Api, ProjectRequest};
use crate::model::{Event, Level, Object};
use crate::providers::prelude::*;

const EVENTS: &str = "ListTrainingJobEvents";
const STAGES: &str = "ListTrainingJobStages";

/// Maximum number of events per response.
const MAX_EVENTS: usize = 100;

#[derive(Default, Deserialize)]
#[serde(default)]
struct EventsResponse {
    total: Checked<Int>,
    order: Text,
    events: Required<List<JobEvent>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct JobEvent {
    time: Timestamp,
    level: Text,
    message: Text,
    source: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StagesResponse {
    running_records: List<RunStages>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RunStages {
    stages: List<Stage>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Stage {
    en_message: Text,
    start_time: Text,
    end_time: Text,
    sub_stages: List<SubStage>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SubStage {
    en_message: Text,
}

/// Adds the most recent events of a job and, until it runs, its current stage.
pub(super) async fn read(api: &Api, lookup: GetRequest<'_>, path: &str, result: &mut GetResult) {
    let GetRequest { reference, options } = lookup;
    let options = &options.for_parts(&result.job);
    let is_early = result.job.state == State::Pending;
    let limit = MAX_EVENTS.to_string();
    let query = [("offset", "0"), ("limit", &*limit), ("order", "desc")];
    let events = part::<EventsResponse>(api, EVENTS, format!("{path}/events"), &query, options);
    let stages = async {
        match is_early {
            true => Some(part(api, STAGES, format!("{path}/stages"), &[], options).await),
            false => None,
        }
    };
    let (events, stages) = join(events, stages).await;
    let note = |operation: &str, problem: &Problem, result: &mut GetResult| {
        let hint = problem.hint.as_ref();
        let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
        let text = format!("{reference}: {operation} failed: {}{hint}", problem.message);
        result
            .notices
            .push(Notice::new(NoticeCode::PartsUnread, text));
    };
    match events {
        Ok((events, unreadable)) => {
            result.notices.extend(unreadable);
            let total = events.total.value;
            let rows = result.events(events.events.first_page("events", total.0));
            let has_more = total.unsigned() > Some(rows.len() as u64);
            // New events are missing unless the most recent ones fill the page.
            let order = order_of(&events.order);
            let is_cut = rows.len() < MAX_EVENTS || !is_newest_first(order, &rows);
            result.job.events_unreadable |= events.total.is_unreadable || (has_more && is_cut);
            // If there are no rows, a notice names why.
            if has_more && !rows.is_empty() {
                let message = format!("Huawei returned only the last {} events", rows.len());
                let code = NoticeCode::EventsTruncated;
                result.notices.push(Notice::new(code, message));
            }
            let tasks = &result.job.tasks;
            let events = rows.into_iter().map(|row| row.into_event(tasks));
            result.job.events = order.newest_first(events.collect());
        }
        Err(problem) => {
            result.mark_events_unread(&problem);
            note(EVENTS, &problem, result);
        }
    }
    match stages {
        Some(Ok((stages, unreadable))) => {
            result.notices.extend(unreadable);
            result.job.message = current(&stages).or(result.job.message.take());
        }
        Some(Err(problem)) => note(STAGES, &problem, result),
        None => {}
    }
}

/// Returns the order of the events that the response names, or else the requested order.
fn order_of(word: &Text) -> EventOrder {
    match word.trimmed() {
        Some(word) if word.eq_ignore_ascii_case("asc") => EventOrder::OldestFirst,
        _ => EventOrder::NewestFirst,
    }
}

/// Returns `false` if the response shows that its events are not the most recent ones.
fn is_newest_first(order: EventOrder, rows: &[JobEvent]) -> bool {
    let times = rows.iter().filter_map(|row| row.time.utc());
    order == EventOrder::NewestFirst && times.is_sorted_by(|one, other| one >= other)
}

/// Requests a part of a job.
///
/// # Errors
/// Errors of the cloud or of the connection.
async fn part<T: DeserializeOwned + Send>(
    api: &Api,
    operation: &'static str,
    path: String,
    query: &[(&str, &str)],
    options: &RequestOptions,
) -> Result<(T, Option<Notice>), Problem> {
    let request = ProjectRequest {
        query,
        ..ProjectRequest::get(&MODELARTS, operation, &path)
    };
    let response = api
        .call(request, options, lenient::decode_response::<T>)
        .await;
    response.map(|decoded| (decoded.data, decoded.unreadable))
}

/// Returns the current stage of the last run, such as `Preparing: Pull image`.
fn current(stages: &StagesResponse) -> Option<String> {
    let run = stages.running_records.0.last()?;
    let is_open = |stage: &&Stage| stage.start_time.0.is_some() && stage.end_time.0.is_none();
    let stage = run.stages.0.iter().rev().find(is_open)?;
    let step = stage.sub_stages.0.last();
    let step = step.and_then(|step| step.en_message.0.as_deref());
    let name = stage.en_message.0.as_deref()?;
    Some(step.map_or_else(|| name.to_owned(), |step| format!("{name}: {step}")))
}

impl JobEvent {
    /// Converts an event, and reads its task from the start of the message.
    fn into_event(self, tasks: &[Task]) -> Event {
        let word = self.level.trimmed();
        let level = match word.map(str::to_ascii_lowercase).as_deref() {
            Some("info") => Some(Level::Normal),
            Some("warning" | "error") => Some(Level::Warning),
            _ => None,
        };
        let head = self.message.0.as_deref().and_then(|text| {
            let (head, _) = text.trim_start().strip_prefix('[')?.split_once(']')?;
            Some(head)
        });
        let is_task = |name: &&str| tasks.iter().any(|task| task.id.as_deref() == Some(name));
        let task = head.filter(is_task).map(str::to_owned);
        Event {
            level,
            level_raw: word.map(str::to_owned),
            first_at: self.time.utc(),
            last_at: self.time.utc(),
            object: Object {
                kind: self.source.0,
                name: task.clone(),
            },
            task,
            message: self.message.0,
            ..Event::default()
        }
    }
}
