use std::collections::BTreeMap;
use std::io;

use super::super::cause_text::unless_exit_code;
use super::super::human;
use super::page::{Fields, PageWriter, Style, Value};
use crate::model::{Array, Job, Resources, State, Time};

/// Writes the fields of the resource as a whole.
pub(super) fn write(page: &mut PageWriter, job: &Job) -> io::Result<()> {
    let mut fields = Fields::default();
    fields.no_break("Ref", Some(&job.reference));
    let is_named = job.name.as_ref().filter(|name| **name != job.id);
    fields.text("Name", is_named.cloned());
    fields.add("State", vec![state(job.state, job.state_raw.as_deref())]);
    // The reason that joblens sets itself is for scripts.
    let reason = job.reason.as_deref();
    let reason = reason.filter(|_| !job.has_unread_subtasks());
    fields.text("Reason", unless_exit_code(reason, job.exit_code));
    fields.text("Exit code", job.exit_code.map(|code| code.to_string()));
    fields.text("Cloud", Some(scope_text(job)));
    fields.text("User", job.user.clone());
    fields.text("Queue", job.queue.clone());
    fields.text("Priority", job.priority.map(|number| number.to_string()));
    fields.text("Resources", resources(&job.resources));
    fields.text("Array", job.array.as_ref().map(array));
    times(
        page,
        &mut fields,
        [
            ("Created", job.created_at),
            ("Started", job.started_at),
            ("Finished", job.finished_at),
            ("Updated", job.updated_at),
        ],
    );
    fields.text("Ran", job.duration_seconds.map(human::duration));
    fields.add("Labels", labels(&job.labels));
    fields.no_break("Request ID", job.request_id.as_deref());
    times(page, &mut fields, [("Observed", job.observed_at)]);
    page.heading(&head(&job.kind), "")?;
    page.fields(2, &fields)
}

/// Converts `image-job` to `Image job`.
pub(super) fn head(kind: &str) -> String {
    let kind = kind.replace(['-', '_'], " ");
    let mut letters = kind.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

/// Returns a state with the cloud's own word.
pub(super) fn state(state: State, raw: Option<&str>) -> Value {
    let more = match raw {
        Some(raw) => format!("(cloud: {raw})"),
        None => "(cloud: none)".to_owned(),
    };
    Value::Lead(Style::State(state), state.as_str().to_owned(), more)
}

fn scope_text(job: &Job) -> String {
    let mut text = format!("{}, profile {}", job.cloud, job.profile);
    if let Some(region) = &job.region {
        text += &format!(", region {region}");
    }
    text
}

/// Adds the end, and how long it took.
pub(super) fn end(page: &PageWriter, fields: &mut Fields, start: Option<Time>, end: Option<Time>) {
    let Some(end) = end else {
        return;
    };
    let ran = start.map(|start| end.seconds_since(start));
    let ran = ran.filter(|seconds| *seconds >= 0).map(human::duration);
    let ran = ran.map_or_else(String::new, |ran| format!(", after {ran}"));
    fields.text("Finished", Some(format!("{}{ran}", page.moment(end))));
}

/// Adds the known times.
pub(super) fn times<const N: usize>(
    page: &PageWriter,
    fields: &mut Fields,
    times: [(&str, Option<Time>); N],
) {
    for (label, time) in times {
        fields.text(label, time.map(|time| page.moment(time)));
    }
}

/// Returns for example `2 cpu, 4GiB memory, 1 accelerator (V100)`.
pub(super) fn resources(resources: &Resources) -> Option<String> {
    let accelerators = resources.accelerators.filter(|count| *count > 0);
    let kind = resources.accelerator_type.as_deref();
    let accelerators = accelerators.map(|count| {
        let s = if count == 1 { "" } else { "s" };
        let kind = kind.map_or_else(String::new, |kind| format!(" ({kind})"));
        format!("{count} accelerator{s}{kind}")
    });
    let memory = resources.memory_bytes.map(human::bytes);
    let storage = resources.ephemeral_storage_bytes.map(human::bytes);
    let parts: Vec<String> = [
        resources.cpu.map(|cpu| format!("{cpu} cpu")),
        memory.map(|bytes| format!("{bytes} memory")),
        storage.map(|bytes| format!("{bytes} temporary storage")),
        accelerators,
    ]
    .into_iter()
    .flatten()
    .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

/// Returns for example `1 to 9, step 2; this is 3`.
fn array(array: &Array) -> String {
    let end = |end: Option<i64>| end.map_or_else(|| "?".to_owned(), |end| end.to_string());
    let mut text = format!("{} to {}", end(array.start), end(array.end));
    if let Some(step) = array.step.filter(|step| *step != 1) {
        text += &format!(", step {step}");
    }
    if let Some(index) = array.index {
        text += &format!("; this is {index}");
    }
    text
}

/// Returns one label per line.
pub(super) fn labels(labels: &BTreeMap<String, Option<String>>) -> Vec<Value> {
    labels
        .iter()
        .map(|(name, value)| match value {
            Some(value) => Value::Text(format!("{name}={value}")),
            None => Value::Text(name.clone()),
        })
        .collect()
}
