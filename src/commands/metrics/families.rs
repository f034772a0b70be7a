//! Defines the metrics as a table. Names and labels follow kube-state-metrics.

use super::jobs::JobRow;
use super::scopes::ScopeStatus;
use crate::collect::CollectExt as _;
use crate::error::Category;
use crate::http::RequestCount;
use crate::model::{State, Time};
use crate::output::{ExpositionWriter, MetricFamily, MetricType};

/// The status of the exporter.
#[derive(Debug, Default)]
pub(super) struct ExporterStatus {
    pub requests: Vec<RequestCount>,
    /// Cloud, profile, and expiry of its credential.
    pub expiries: Vec<(&'static str, String, Time)>,
}

/// Writes the samples of one family.
pub(super) struct Samples<'a> {
    writer: &'a mut ExpositionWriter,
    /// Labels of every sample.
    labels: &'a [(&'static str, &'a str)],
}

impl<'a> Samples<'a> {
    /// Creates a writer that adds these labels to every sample.
    pub(super) fn new(
        writer: &'a mut ExpositionWriter,
        labels: &'a [(&'static str, &'a str)],
    ) -> Self {
        Self { writer, labels }
    }

    fn add(&mut self, labels: &[(&'static str, &str)], value: f64) {
        let labels = self.labels.iter().chain(labels).copied();
        self.writer.sample(labels, value);
    }

    fn set(&mut self, value: Option<f64>) {
        if let Some(value) = value {
            self.add(&[], value);
        }
    }

    fn set_time(&mut self, time: Option<Time>) {
        self.set(time.map(|time| time.to_datetime().timestamp() as f64));
    }
}

/// The function that writes the samples of a family.
pub(super) enum SampleFn {
    /// For the exporter itself.
    Exporter(fn(&ExporterStatus, &mut Samples<'_>)),
    /// For each scope, with the labels `scope` and `cloud`.
    Scope(fn(&ScopeStatus, &mut Samples<'_>)),
    /// For each job, with the labels `ref`, `cloud` and `kind`.
    Job(fn(&JobRow, &mut Samples<'_>)),
}

const fn gauge(name: &'static str, help: &'static str) -> MetricFamily {
    let kind = MetricType::Gauge;
    MetricFamily { name, kind, help }
}

const fn counter(name: &'static str, help: &'static str) -> MetricFamily {
    let kind = MetricType::Counter;
    MetricFamily { name, kind, help }
}

const fn info(name: &'static str, help: &'static str) -> MetricFamily {
    let kind = MetricType::Info;
    MetricFamily { name, kind, help }
}

/// All families, in the order in which they are written.
pub(super) static FAMILIES: [(MetricFamily, SampleFn); 20] = [
    (
        info("joblens_build", "Version of joblens."),
        SampleFn::Exporter(|_, samples| {
            samples.add(&[("version", env!("CARGO_PKG_VERSION"))], 1.0)
        }),
    ),
    (
        counter("joblens_requests", "Requests to clouds, including retries."),
        SampleFn::Exporter(|exporter, samples| {
            for count in &exporter.requests {
                let labels = [("cloud", count.cloud), ("operation", count.operation)];
                samples.add(&labels, count.requests as f64);
            }
        }),
    ),
    (
        counter(
            "joblens_request_errors",
            "Requests to clouds that failed, by error category.",
        ),
        SampleFn::Exporter(|exporter, samples| {
            for count in &exporter.requests {
                // Zeros are written too, since rate() and increase() ignore the first value of a counter.
                let zeros = Category::OF_REQUESTS.map(|category| (category.as_str(), 0));
                let mut errors = zeros.into_iter().collect_map();
                errors.extend(&count.errors);
                for (category, errors) in errors {
                    let operation = [("cloud", count.cloud), ("operation", count.operation)];
                    let labels = [operation[0], operation[1], ("category", category)];
                    samples.add(&labels, errors as f64);
                }
            }
        }),
    ),
    (
        gauge(
            "joblens_credential_expiry_timestamp_seconds",
            "Unix time at which a credential expires, if joblens does not renew it.",
        ),
        SampleFn::Exporter(|exporter, samples| {
            for (cloud, profile, at) in &exporter.expiries {
                let seconds = at.to_datetime().timestamp() as f64;
                samples.add(&[("cloud", cloud), ("profile", profile)], seconds);
            }
        }),
    ),
    (
        gauge(
            "joblens_scope_up",
            "1 if the last poll of the scope or reference succeeded, 0 if it failed.",
        ),
        SampleFn::Scope(|scope, samples| samples.set(Some(flag(scope.is_up)))),
    ),
    (
        gauge(
            "joblens_scope_last_success_timestamp_seconds",
            "Unix time of the last poll that succeeded.",
        ),
        SampleFn::Scope(|scope, samples| samples.set_time(scope.snapshot.last_success)),
    ),
    (
        gauge(
            "joblens_scope_poll_duration_seconds",
            "Duration of the last poll.",
        ),
        SampleFn::Scope(|scope, samples| {
            samples.set(scope.snapshot.duration.map(|time| time.as_secs_f64()));
        }),
    ),
    (
        gauge(
            "joblens_scope_jobs",
            "Jobs by state, including those left out by --max-jobs.",
        ),
        SampleFn::Scope(|scope, samples| {
            let counts = scope.states.iter().flatten();
            for (state, count) in State::ALL.iter().zip(counts).filter(|_| is_scope(scope)) {
                samples.add(&[("state", state.as_str())], *count as f64);
            }
        }),
    ),
    (
        gauge("joblens_scope_jobs_dropped", "Jobs left out by --max-jobs."),
        SampleFn::Scope(|scope, samples| samples.set(Some(scope.dropped as f64))),
    ),
    (
        gauge(
            "joblens_scope_jobs_unreadable",
            "Jobs of the last poll whose list row is invalid.",
        ),
        SampleFn::Scope(|scope, samples| {
            let count = scope.snapshot.reading.unreadable as f64;
            samples.set(Some(count).filter(|_| is_scope(scope)));
        }),
    ),
    (
        gauge(
            "joblens_scope_truncated",
            "1 if the scope has, or may have, more jobs than joblens reads.",
        ),
        SampleFn::Scope(|scope, samples| {
            let is_truncated = flag(scope.snapshot.reading.is_truncated);
            samples.set(Some(is_truncated).filter(|_| is_scope(scope)));
        }),
    ),
    (
        info("joblens_job", "Information about the job."),
        SampleFn::Job(|job, samples| {
            let labels = [
                ("profile", Some(&job.profile)),
                ("region", job.region.as_ref()),
                ("cluster", job.cluster.as_ref()),
                ("namespace", job.namespace.as_ref()),
                ("name", job.name.as_ref()),
                ("user", job.user.as_ref()),
                ("queue", job.queue.as_ref()),
            ];
            let labels = labels.map(|(name, value)| (name, value.map_or("", String::as_str)));
            samples.add(&labels, 1.0);
        }),
    ),
    (
        gauge(
            "joblens_job_state",
            "1 for the state of the job, 0 for all others.",
        ),
        SampleFn::Job(|job, samples| {
            for state in State::ALL {
                samples.add(&[("state", state.as_str())], flag(job.state == state));
            }
        }),
    ),
    (
        gauge(
            "joblens_job_reason",
            "Reason of the state, as the cloud reports it.",
        ),
        SampleFn::Job(|job, samples| {
            if let Some(reason) = job.reason.as_deref().filter(|reason| !reason.is_empty()) {
                samples.add(&[("reason", reason)], 1.0);
            }
        }),
    ),
    (
        gauge("joblens_job_created_seconds", "Unix time of creation."),
        SampleFn::Job(|job, samples| samples.set_time(job.created_at)),
    ),
    (
        gauge("joblens_job_started_seconds", "Unix time of the start."),
        SampleFn::Job(|job, samples| samples.set_time(job.started_at)),
    ),
    (
        gauge("joblens_job_finished_seconds", "Unix time of the end."),
        SampleFn::Job(|job, samples| samples.set_time(job.finished_at)),
    ),
    (
        gauge(
            "joblens_job_exit_code",
            "Exit code of a job that has ended.",
        ),
        SampleFn::Job(|job, samples| samples.set(job.exit_code.map(|code| code as f64))),
    ),
    (
        gauge(
            "joblens_job_restarts",
            "Restarts of the containers of the job.",
        ),
        SampleFn::Job(|job, samples| samples.set(job.restarts.map(|count| count as f64))),
    ),
    (
        gauge("joblens_job_warning_events", "Warning events of the job."),
        SampleFn::Job(|job, samples| samples.set(job.warnings.map(|count| count as f64))),
    ),
];

/// Returns `true` if this is a scope, and not a single job.
fn is_scope(scope: &ScopeStatus) -> bool {
    scope.snapshot.reading.scope.ends_with('/')
}

fn flag(is_set: bool) -> f64 {
    f64::from(u8::from(is_set))
}
