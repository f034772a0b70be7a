use serde_json::Value;

use super::cause::explanation;
use super::cell::Cell;
use super::column::{CellReader, Column, Tabular};
use crate::model::Job;

/// A column of jobs, which is also a sort key.
pub type JobColumn = Column<Job>;

static COLUMNS: [JobColumn; 37] = [
    Column::new("ref", |job, _| Cell::from(&job.reference)),
    Column::new("state", |job, _| job.state.as_str().into()),
    Column::new("state_raw", |job, _| job.state_raw.as_deref().into()),
    Column::new("ended", |job, _| job.ended.into()),
    Column::new("name", |job, _| job.name.as_deref().into()),
    Column::with_header("exit_code", "EXIT", |job, _| job.exit_code.into()),
    Column::new("reason", |job, _| job.reason.as_deref().into()),
    Column::new("message", |job, _| job.message.as_deref().into()),
    Column::new("why", |job, _| explanation(job).into()),
    Column::new("user", |job, _| job.user.as_deref().into()),
    Column::new("queue", |job, _| job.queue.as_deref().into()),
    Column::new("priority", |job, _| job.priority.into()),
    Column::with_header("created_at", "CREATED", |job, _| job.created_at.into()),
    Column::with_header("started_at", "STARTED", |job, _| job.started_at.into()),
    Column::with_header("finished_at", "FINISHED", |job, _| job.finished_at.into()),
    Column::with_header("updated_at", "UPDATED", |job, _| job.updated_at.into()),
    Column::with_header("duration_seconds", "SECONDS", |job, _| {
        job.duration_seconds.into()
    }),
    Column::new("cpu", |job, _| {
        job.resources.cpu.map_or(Cell::Absent, Cell::Number)
    }),
    Column::with_header("memory_bytes", "MEM", |job, _| {
        job.resources.memory_bytes.map_or(Cell::Absent, Cell::Bytes)
    }),
    Column::with_header("accelerators", "ACC", |job, _| {
        let kind = job.resources.accelerator_type.as_deref();
        let count = job.resources.accelerators;
        count.map_or(Cell::Absent, |count| Cell::Counted(count, kind))
    }),
    Column::with_header("accelerator_type", "ACC_TYPE", |job, _| {
        job.resources.accelerator_type.as_deref().into()
    }),
    // A list contains no tasks, so the number is unknown and not 0.
    Column::new("tasks", |job, _| match job.tasks.len() {
        0 => Cell::Absent,
        count => Cell::Integer(count as i64),
    }),
    Column::with_header("warning_count", "WARNINGS", |job, _| {
        job.warning_count.into()
    }),
    Column::new("cloud", |job, _| Cell::from(&*job.cloud)),
    Column::new("profile", |job, _| Cell::from(&*job.profile)),
    Column::new("region", |job, _| job.region.as_deref().into()),
    Column::new("kind", |job, _| Cell::from(&*job.kind)),
    Column::new("cluster", |job, _| job.cluster.as_deref().into()),
    Column::new("namespace", |job, _| job.namespace.as_deref().into()),
    Column::new("id", |job, _| Cell::from(&job.id)),
    Column::new("input", |job, _| Cell::from(&*job.input)),
    Column::new("verdict", |job, _| job.verdict.as_deref().into()),
    Column::with_header("request_id", "REQUEST", |job, _| {
        job.request_id.as_deref().into()
    }),
    Column::with_header("observed_at", "OBSERVED", |job, _| job.observed_at.into()),
    Column::with_header("ephemeral_storage_bytes", "STORAGE", |job, _| {
        let bytes = job.resources.ephemeral_storage_bytes;
        bytes.map_or(Cell::Absent, Cell::Bytes)
    }),
    Column::new("ran", |job, _| {
        let counted_at = job.observed_at.filter(|_| !job.ended);
        let seconds = job.duration_seconds;
        seconds.map_or(Cell::Absent, |seconds| Cell::Seconds(seconds, counted_at))
    }),
    Column::new("age", |job, _| {
        job.created_at.map_or(Cell::Absent, Cell::Age)
    }),
];

impl Tabular for Job {
    const REPEATED: &'static [&'static str] = &["why", "ran", "age"];
    const UNKNOWN_COLUMN: &'static str = "there is no column";
    const DYNAMIC_COLUMNS: &'static str = "; and details.FIELD, labels.KEY";

    fn columns() -> &'static [JobColumn] {
        &COLUMNS
    }

    /// Returns the column `details.FIELD[.FIELD…]` or `labels.KEY`.
    fn dynamic_column(name: &str) -> Option<JobColumn> {
        let read: CellReader<Self> = match name.split_once('.')? {
            (_, "") => return None,
            ("details", _) => |job, context| detail(job, key(context.column)),
            ("labels", _) => |job, context| {
                let label = job.labels.get(key(context.column));
                label.and_then(Option::as_deref).into()
            },
            _ => return None,
        };
        Some(Column::dynamic(name, read))
    }
}

impl JobColumn {
    /// Returns the columns for output that is read later: the creation time replaces the age.
    pub(super) fn for_document(columns: &[Self]) -> Vec<Self> {
        let columns = columns.iter().map(|column| match column.name.as_ref() {
            "age" => Self::by_name("created_at").expect("the columns of our own tables exist"),
            _ => column.clone(),
        });
        columns.collect()
    }

    /// Returns the path of a field of `details`: its names from the outermost.
    pub fn path_in_details(&self) -> Option<Vec<&str>> {
        let path = self.name.strip_prefix("details.")?;
        Some(path.split('.').collect())
    }
}

/// Returns the text after `details.` or `labels.`.
fn key(column: &str) -> &str {
    column.split_once('.').map_or("", |(_, key)| key)
}

/// Reads a field of `details` from the document that JSON output contains.
fn detail(job: &Job, path: &str) -> Cell<'static> {
    let document = job.details.as_ref().map(serde_json::to_value);
    let Some(Ok(mut value)) = document else {
        return Cell::Absent;
    };
    for field in path.split('.') {
        let inner = match &mut value {
            Value::Object(fields) => fields.get_mut(field).map(Value::take),
            _ => None,
        };
        let Some(inner) = inner else {
            return Cell::Absent;
        };
        value = inner;
    }
    value.into()
}

#[cfg(test)]
mod tests;
