//! Reads the events, exit codes and output of a job's executors with additional operations.

use std::collections::BTreeSet;

use futures_util::future::join_all;

use super::super::Api;
use super::super::sign::timestamp;
use super::{PAGE_SIZE, request};
use crate::crypto;
use crate::model::{Event, Level, Object};
use crate::providers::get_result::TRUST_FINISHED;
use crate::providers::log_text;
use crate::providers::prelude::*;
use crate::sort::SortExt as _;

/// The operation that reads the output, and its options.
pub(super) const LOGS: LogSpec = LogSpec {
    since: true,
    may_lack_end: true,
    ..LogSpec::new(RESULTS)
};

const RESULTS: Operation = operation!("E-HPC Instant 2023-07-01", "ehpc", "DescribeJobResults");

const EVENTS: &str = "ListExecutorEvents";

/// Maximum number of bytes of output that the cloud returns.
const MAX_BYTES: usize = 1 << 20;

/// Maximum number of executors whose exit codes are read, because each requires a request.
const MAX_EXIT_CODES: usize = 100;

/// Number of exit codes that are requested at once.
const MAX_CONCURRENT: usize = 20;

/// Maximum number of pages of events.
const MAX_EVENT_PAGES: usize = 10;

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct EventsResponse {
    total_count: Int,
    executor_event_list: Required<List<ExecutorEvent>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ExecutorEvent {
    executor_id: Text,
    level: Text,
    time: Timestamp,
    content: Text,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ResultsResponse {
    exit_code: Checked<Int>,
    output: Checked<Text>,
}

/// Adds the events of a job, or a notice if they cannot be read.
pub(super) async fn read_events(api: &Api, lookup: GetRequest<'_>, result: &mut GetResult) {
    let GetRequest { reference, options } = lookup;
    let filter = json!({"JobId": reference.id()}).to_string();
    let size = PAGE_SIZE.to_string();
    let options = &options.for_parts(&result.job);
    for page in 1..=MAX_EVENT_PAGES {
        let page = page.to_string();
        let query = [
            ("Filter", &*filter),
            ("PageNumber", &page),
            ("PageSize", &size),
        ];
        let request = request(api, EVENTS, &query);
        let decode = |body: &[u8]| lenient::decode_response::<EventsResponse>(body);
        let response = api.call(request, options, decode).await;
        let Some(response) = result.events_part(response) else {
            return;
        };
        let all = response.total_count.unsigned();
        let rows = response.executor_event_list;
        let Ok(rows) = rows.rows("ExecutorEventList", response.total_count.0) else {
            result.job.events_unreadable = true;
            return;
        };
        let times = rows.iter().map(|row| &row.time);
        api.clock.note_assumed("aliyun", times, &mut result.notices);
        let count = rows.len();
        let events = rows.into_iter().map(|row| row.into_event(api));
        result.job.events.extend(events);
        let has_more = match all {
            Some(total) => (result.job.events.len() as u64) < total,
            None => count >= PAGE_SIZE,
        };
        if !has_more {
            return;
        }
        if count == 0 {
            break;
        }
    }
    let count = result.job.events.len();
    let text = format!("{reference} may have more than the {count} events that were read");
    result.note(NoticeCode::EventsTruncated, text);
    // The order of the events is not documented, so any of them can be missing.
    result.job.events_unreadable = true;
}

impl ExecutorEvent {
    fn into_event(self, api: &Api) -> Event {
        let word = self.level.trimmed();
        let at = api.clock.at(&self.time);
        Event {
            level: word.and_then(Level::parse),
            level_raw: self.level.0,
            first_at: at,
            last_at: at,
            object: Object {
                kind: Some("Executor".to_owned()),
                name: self.executor_id.0.clone(),
            },
            task: self.executor_id.0,
            message: self.content.0,
            ..Event::default()
        }
    }
}

/// Adds the exit codes of the first executors of an ended job, failed ones first, and derives the exit code of
/// the job if possible. A success is undecided if executors are missing or have no exit code.
pub(super) async fn read_exit_codes(
    api: &Api,
    lookup: GetRequest<'_>,
    missing_executors: Option<String>,
    result: &mut GetResult,
) {
    let reference = lookup.reference;
    if !result.job.ended {
        return;
    }
    let code = NoticeCode::ExitCodesUnread;
    let claims_success = result.job.state == State::Succeeded;
    let mut unconfirmed = missing_executors.filter(|_| claims_success);
    if let Some(missing) = &unconfirmed {
        let text = format!("{reference} has succeeded, but {missing}");
        result.note(code, text);
    }
    let ended = executors_with_exit_codes(result);
    for some in ended
        .chunks(MAX_CONCURRENT)
        .take(MAX_EXIT_CODES / MAX_CONCURRENT)
    {
        let ids = some.iter().map(|at| result.job.tasks[*at].id.as_deref());
        let requests = ids.map(|executor| results(api, lookup, executor, None, 1));
        let responses = join_all(requests).await;
        let mut can_read = true;
        for (at, response) in some.iter().zip(responses) {
            let Some(response) = result.required_part(lookup.options, code, "exit codes", response)
            else {
                can_read = false;
                continue;
            };
            let exit_code = response.exit_code.value.0;
            if response.exit_code.is_unreadable {
                let cause = Category::InvalidResponse;
                result.job.unread_cause.get_or_insert(cause);
            } else if exit_code.is_none() {
                result.note(code, format!("{reference}: an executor has no exit code"));
                unconfirmed.get_or_insert_with(|| "an executor has no exit code".to_owned());
            }
            result.job.tasks[*at].exit_code = exit_code;
        }
        if !can_read {
            break;
        }
    }
    let unread = ended.len().saturating_sub(MAX_EXIT_CODES);
    let mut others = ended.iter().skip(MAX_EXIT_CODES);
    if claims_success && others.any(|at| result.job.tasks[*at].state_raw.is_none()) {
        let text = "an executor has neither a state nor an exit code that was read";
        unconfirmed.get_or_insert_with(|| text.to_owned());
    }
    if unread > 0 {
        let text = format!(
            "{reference}: read the exit codes of {MAX_EXIT_CODES} executors, not of {unread} more"
        );
        result.note(code, text);
    }
    let job = &mut result.job;
    job.exit_code = exit_code(job);
    states::confirm_success(job, states::FailureCause::default());
    if let Some(text) = failure_message(job).filter(|_| job.state == State::Succeeded) {
        states::contradict(job, text);
    }
    let unconfirmed = unconfirmed.filter(|_| !lookup.options.has_flag(&TRUST_FINISHED));
    if let Some(reason) = unconfirmed.filter(|_| job.state == State::Succeeded) {
        let text = format!(
            "the job has succeeded, but {reason}; --trust-finished accepts the cloud's state"
        );
        states::contradict(job, text);
    }
}

/// Describes the first executor whose message describes a failure.
fn failure_message(job: &Job) -> Option<String> {
    job.tasks.iter().find_map(|task| {
        let text = task.message.as_deref().map(str::trim)?;
        let name = task.name.as_deref().unwrap_or("an executor");
        let what = || format!("the job has succeeded, but the message of {name} is: {text}");
        states::describes_failure(text).then(what)
    })
}

/// Returns the indices of the executors that have an id and may have an exit code: failed ones first, then those
/// without a state. If another executor may have one, a success is undecided.
fn executors_with_exit_codes(result: &mut GetResult) -> Vec<usize> {
    let mut ended: Vec<usize> = (0..result.job.tasks.len()).collect();
    ended.retain(|at| may_have_exit_code(&result.job.tasks[*at]));
    let is_known = |at: &usize| result.job.tasks[*at].id.is_some();
    let (mut ended, unknown): (Vec<_>, Vec<_>) = ended.into_iter().partition(is_known);
    ended.order_by_key(|at| {
        let task = &result.job.tasks[*at];
        (task.state != State::Failed, task.state_raw.is_some())
    });
    if !unknown.is_empty() {
        let text = format!("{}: an executor has no id", result.job.reference);
        result.note(NoticeCode::ExitCodesUnread, text);
    }
    let ids: BTreeSet<&str> = ended
        .iter()
        .filter_map(|at| result.job.tasks[*at].id.as_deref())
        .collect();
    if !unknown.is_empty() || ids.len() < ended.len() {
        // The exit code of at least one executor cannot be read.
        result.job.unread_cause = Some(Category::InvalidResponse);
    }
    ended
}

/// Returns the exit code of an ended job: that of a failed executor, or 0 if all executors ended with it.
fn exit_code(job: &Job) -> Option<i64> {
    let codes = || job.tasks.iter().map(|task| task.exit_code);
    let is_all_zero = !job.tasks.is_empty() && codes().all(|code| code == Some(0));
    let failed = job.failed_task().and_then(|task| task.exit_code);
    let mut failures = failed.into_iter().chain(codes().flatten());
    match job.state {
        State::Failed => failures.find(|code| *code != 0),
        State::Succeeded => is_all_zero.then_some(0),
        _ => None,
    }
}

/// Returns `true` for an executor that has ended or has no state.
fn may_have_exit_code(task: &Task) -> bool {
    matches!(task.state, State::Succeeded | State::Failed) || task.state_raw.is_none()
}

/// Reads the whole output of an executor.
pub(super) async fn read_log(api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
    let since = request.params.since;
    let since = since.map(|since| timestamp(since.to_datetime()));
    let executor = request.source.task.as_deref();
    let (lookup, since) = (request.lookup(), since.as_deref());
    let response = results(api, lookup, executor, since, MAX_BYTES).await?;
    let data = decode_output(response.data.output).map_err(|expected| {
        let message = format!("expected {expected} in the response of {}", RESULTS.name);
        Problem::new(Category::InvalidResponse, message)
    })?;
    let is_full = data.len() >= MAX_BYTES;
    Ok(LogChunk {
        data,
        truncated: is_full.then(|| "only 1 MiB".to_owned()),
        ..LogChunk::default()
    })
}

fn decode_output(output: Checked<Text>) -> Result<Vec<u8>, String> {
    let text = log_text(output, "Output")?;
    crypto::from_base64(&text).ok_or_else(|| "Base64 at Output".to_owned())
}

/// Requests the results of an executor, with at most this many bytes of its output.
async fn results(
    api: &Api,
    lookup: GetRequest<'_>,
    executor: Option<&str>,
    since: Option<&str>,
    bytes: usize,
) -> Result<Decoded<ResultsResponse>, Problem> {
    let Some((task, index)) = executor.and_then(|id| parts(lookup.reference.id(), id)) else {
        let message = "the job has no executors yet";
        return Err(Problem::new(Category::NotFound, message));
    };
    let bytes = bytes.to_string();
    let mut query = vec![
        ("JobId", lookup.reference.id()),
        ("TaskName", task),
        ("ArrayIndex", index),
        ("ContentEncoding", "Base64"),
        ("LimitBytes", &bytes),
    ];
    query.extend(since.map(|since| ("StartTime", since)));
    let request = request(api, RESULTS.name, &query);
    let decode = |body: &[u8]| lenient::decode_response::<ResultsResponse>(body);
    api.call(request, lookup.options, decode).await
}

/// Returns the task name and the index in the id of an executor, `JOB-TASK-INDEX`.
fn parts<'a>(job: &str, executor: &'a str) -> Option<(&'a str, &'a str)> {
    let rest = executor.strip_prefix(job)?.strip_prefix('-')?;
    rest.rsplit_once('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_executor_id_is_split_into_job_task_and_index() {
        assert_eq!(parts("job-1", "job-1-Task0-12"), Some(("Task0", "12")));
        assert_eq!(parts("job-1", "job-1-训练-a-0"), Some(("训练-a", "0")));
        for other in ["job-1", "job-1-", "job-1-Task0", "job-12-Task0-1"] {
            assert_eq!(parts("job-1", other), None, "{other}");
        }
    }

    #[test]
    fn an_output_that_cannot_be_decoded_is_an_error() {
        let read = |body: &str| {
            let response: ResultsResponse = lenient::decode_response(body.as_bytes()).unwrap();
            decode_output(response.output)
        };
        assert_eq!(read(r#"{"Output": "eAo="}"#), Ok(b"x\n".to_vec()));
        assert_eq!(read(r#"{"ExitCode": 0}"#), Ok(Vec::new()));
        assert_eq!(
            read(r#"{"Output": ["eAo="]}"#),
            Err("text at Output".to_owned())
        );
        assert_eq!(
            read(r#"{"Output": "%"}"#),
            Err("Base64 at Output".to_owned())
        );
    }
}
