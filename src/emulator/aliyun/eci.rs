use super::{ECI, request_id};
use crate::emulator::prelude::*;
use crate::providers::aliyun::sign::timestamp;

/// Routes for the logs of serverless jobs' containers.
pub static CONTAINER_LOGS: &[Route] = &[Route::action(LOG)
    .only(&["GET", "POST"])
    .version(ECI)
    .to(log)];

const LOG: &str = "DescribeContainerLog";

fn log(call: &EmulatedCall<'_>) -> HandlerResult {
    let group = call.required("ContainerGroupId")?;
    let container = call.required("ContainerName")?;
    let tail = call.number("Tail", 500, 1..=2000)?;
    let limit = call.number("LimitBytes", 1 << 20, 1..=1 << 20)?;
    let jobs = call.rows("aliyun/job");
    let (view, is_last) = jobs
        .iter()
        .find_map(|view| Some((view, is_last_of(view, group)?)))
        .filter(|_| container == "main")
        .ok_or(EmulatedError::NotFound)?;
    let previous = call.parameter("LastTime") == Some("true");
    let mut lines = view.lines_of_part(is_last, previous);
    if let Some(since) = call.parameter("StartTime") {
        let since = since
            .parse::<DateTime<Utc>>()
            .map_err(|_| EmulatedError::Invalid("StartTime"))?;
        lines.retain(|(at, _)| *at >= since);
    }
    lines.drain(..lines.len().saturating_sub(tail));
    let with_time = call.parameter("Timestamps") == Some("true");
    let lines = lines.into_iter().map(|(at, line)| match with_time {
        true => format!("{} {line}\n", timestamp(at)),
        false => format!("{line}\n"),
    });
    let content: String = lines.collect();
    let min = content.len().saturating_sub(limit);
    let from = (min..)
        .find(|at| content.is_char_boundary(*at))
        .unwrap_or(min);
    call.data(json!({
        "RequestId": request_id(format_args!("{LOG} {group}")), "ContainerName": container,
        "Content": content[from..],
    }))
}

/// Returns `true` if a container group is the last one of a job; `None` for groups of other jobs.
fn is_last_of(view: &JobView<'_>, group: &str) -> Option<bool> {
    let part = group
        .strip_prefix("eci-")?
        .strip_prefix(view.id())?
        .strip_prefix('-')?;
    let (part, parts) = (part.parse::<usize>().ok()?, view.job.parts.max(1));
    (1..=parts).contains(&part).then_some(part == parts)
}
