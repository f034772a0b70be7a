//! Content of the emulated clouds: resources and their state changes.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::sync::Mutex;
use std::time::Duration;

use crate::sort::SortExt as _;
use crate::sync::lock;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;

/// The content of the emulated clouds.
#[derive(Debug, Default)]
pub struct EmulatedState {
    /// The resources, in the order of the scenario.
    pub jobs: Vec<EmulatedJob>,
    /// The emulator's start; ages are relative to it.
    pub started_at: DateTime<Utc>,
    nonces: Mutex<HashSet<String>>,
}

impl EmulatedState {
    /// Creates a state with these resources that starts at `started_at`.
    pub fn new(jobs: Vec<EmulatedJob>, started_at: DateTime<Utc>) -> Self {
        Self {
            jobs,
            started_at,
            nonces: Mutex::default(),
        }
    }

    /// Returns the resource of a kind (such as `aliyun/job`) with these segments, in its state at `now`; `None`
    /// before it appears and after it has vanished.
    pub fn find(&self, kind: &str, segments: &[&str], now: DateTime<Utc>) -> Option<JobView<'_>> {
        self.jobs
            .iter()
            .find(|job| {
                job.kind == kind
                    && job
                        .segments
                        .iter()
                        .map(String::as_str)
                        .eq(segments.iter().copied())
            })
            .and_then(|job| self.at(job, now))
    }

    /// Returns the resources of a kind that exist at `now`, in the order of the scenario.
    pub fn all(&self, kind: &str, now: DateTime<Utc>) -> impl Iterator<Item = JobView<'_>> {
        self.jobs
            .iter()
            .filter(move |job| job.kind == kind)
            .filter_map(move |job| self.at(job, now))
    }

    /// Returns a resource in its state at `now`; `None` before it appears and after it has vanished.
    pub fn at<'a>(&self, job: &'a EmulatedJob, now: DateTime<Utc>) -> Option<JobView<'a>> {
        let exists = job.exists_at(now - self.started_at);
        exists.then(|| job.at(self.started_at, now))
    }

    /// Returns when a resource appears, changes its state and vanishes.
    pub fn changes<'a>(&self, job: &'a EmulatedJob) -> impl Iterator<Item = DateTime<Utc>> + 'a {
        let started_at = self.started_at;
        let steps = job
            .steps
            .iter()
            .map(move |step| started_at - job.age + step.after);
        let ends = [Some(job.appears_after), job.vanishes_after].into_iter();
        let ends = ends.flatten().map(move |after| started_at + after);
        ends.chain(steps)
    }

    /// Returns the distinct clusters of these kinds' jobs in the order of the scenario, each with
    /// the creation time of its oldest job.
    pub fn clusters(&self, kinds: &[&str]) -> Vec<(&str, DateTime<Utc>)> {
        let mut clusters: Vec<(&str, DateTime<Utc>)> = Vec::new();
        for job in self.jobs.iter().filter(|job| kinds.contains(&&*job.kind)) {
            let [cluster, _, ..] = &job.segments[..] else {
                continue;
            };
            let created_at = self.started_at - job.age;
            match clusters.iter_mut().find(|(known, _)| known == cluster) {
                Some((_, oldest)) => *oldest = created_at.min(*oldest),
                None => clusters.push((cluster, created_at)),
            }
        }
        clusters
    }

    /// Returns `true` if the cluster contains a resource whose kind begins with `kinds` (`aliyun/`
    /// for a whole cloud).
    pub fn has_cluster(&self, kinds: &str, cluster: &str) -> bool {
        let mut jobs = self.jobs.iter().filter(|job| job.kind.starts_with(kinds));
        jobs.any(|job| job.segments.first().is_some_and(|own| own == cluster))
    }

    /// Returns `true` the first time a nonce is used.
    pub fn use_nonce(&self, nonce: &str) -> bool {
        lock(&self.nonces).insert(nonce.to_owned())
    }
}

/// A resource of the scenario.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EmulatedJob {
    /// Kind, as `cloud/kind`.
    pub kind: String,
    /// Segments of the reference.
    pub segments: Vec<String>,
    /// Name given by the owner; by default the last segment.
    pub name: Option<String>,
    /// Owner.
    pub user: Option<String>,
    /// Queue or card group.
    pub queue: Option<String>,
    /// Workspace, in clouds that have them.
    pub workspace: Option<String>,
    /// Age at the emulator's start.
    pub age: Duration,
    /// Time after the emulator's start at which it appears.
    pub appears_after: Duration,
    /// Time after the emulator's start at which it vanishes; `None` for never.
    pub vanishes_after: Option<Duration>,
    /// State changes by age; the first one at age 0.
    pub steps: Vec<StateChange>,
    /// Number of parts: container groups, nodes, sub-jobs.
    pub parts: usize,
    /// Warnings over its lifetime.
    pub warnings: Vec<Warning>,
    /// Output of the last container, node or script; see `JobView::lines_of_part`.
    pub log: Vec<LogLine>,
    /// Ages at which the main container was restarted.
    pub restarts: Vec<Duration>,
    /// A document that is served instead of a generated one.
    pub document: Option<String>,
}

/// A state of a resource, and the time at which it begins.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct StateChange {
    /// Age at which the state is reached.
    pub after: Duration,
    /// State word of the cloud.
    pub state: String,
    /// Exit code of the last part; the others end with 0.
    pub exit_code: Option<i64>,
    /// Short reason or error code.
    pub reason: Option<String>,
    /// Reason in a sentence.
    pub message: Option<String>,
}

/// A warning event.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Warning {
    /// Age at which the warning first occurred.
    pub after: Duration,
    /// Short reason.
    pub reason: String,
    /// Description.
    pub message: String,
    /// Number of occurrences.
    pub count: u64,
}

/// A line of a log.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LogLine {
    /// Age at which it is written.
    pub after: Duration,
    /// The line without its end.
    pub text: String,
    /// `true` for the standard error, if an API returns the two streams separately.
    pub is_stderr: bool,
}

/// A resource at a point in time.
#[derive(Debug, Clone, Copy)]
pub struct JobView<'a> {
    /// The resource.
    pub job: &'a EmulatedJob,
    /// The current state.
    pub step: &'a StateChange,
    /// When the resource was created.
    pub created_at: DateTime<Utc>,
    /// When the current state began.
    pub state_since: DateTime<Utc>,
    /// The point in time.
    pub now: DateTime<Utc>,
}

impl EmulatedJob {
    /// Returns `true` if the resource exists at this time after the emulator's start.
    fn exists_at(&self, since_start: TimeDelta) -> bool {
        let since_start = since_start.to_std().unwrap_or_default();
        since_start >= self.appears_after
            && self.vanishes_after.is_none_or(|after| since_start < after)
    }

    fn at(&self, started_at: DateTime<Utc>, now: DateTime<Utc>) -> JobView<'_> {
        static NONE: StateChange = StateChange {
            after: Duration::ZERO,
            state: String::new(),
            exit_code: None,
            reason: None,
            message: None,
        };
        let created_at = started_at - self.age;
        let age = (now - created_at).to_std().unwrap_or_default();
        let step = self
            .steps
            .iter()
            .rev()
            .find(|step| step.after <= age)
            .unwrap_or(&NONE);
        JobView {
            job: self,
            step,
            created_at,
            state_since: created_at + step.after,
            now,
        }
    }
}

impl<'a> JobView<'a> {
    /// Returns the id, which is the last segment of the reference.
    pub fn id(&self) -> &'a str {
        self.job.segments.last().map_or("", String::as_str)
    }

    /// Returns the name given by the owner, or the id.
    pub fn name(&self) -> &'a str {
        self.job.name.as_deref().unwrap_or_else(|| self.id())
    }

    /// Returns `true` if the state is one of these words.
    pub fn is(&self, words: &[&str]) -> bool {
        is_one_of(self.step, words)
    }

    /// Returns when the current state began, if it is one of these words.
    pub fn ended_at(&self, words: &[&str]) -> Option<DateTime<Utc>> {
        self.is(words).then_some(self.state_since)
    }

    /// Returns when a state with one of these words was first reached; `None` if none was.
    pub fn reached_at(&self, words: &[&str]) -> Option<DateTime<Utc>> {
        let mut steps = self.job.steps.iter();
        let step = steps.find(|step| is_one_of(step, words))?;
        Some(self.created_at + step.after).filter(|at| *at <= self.now)
    }

    /// Returns the warnings so far, each with the time of its first occurrence.
    pub fn warnings(&self) -> impl Iterator<Item = (&'a Warning, DateTime<Utc>)> {
        let (created_at, now) = (self.created_at, self.now);
        let all = self.job.warnings.iter();
        all.map(move |warning| (warning, created_at + warning.after))
            .filter(move |(_, first)| *first <= now)
    }
}

impl JobView<'_> {
    /// Returns the number of restarts of the main container so far.
    pub fn restart_count(&self) -> usize {
        self.restarted_at().count()
    }

    /// Returns the lines that the main container has written since its last restart, each with its time. With
    /// `previous`, returns the lines of the run that ended with this restart.
    pub fn log_lines(&self, previous: bool) -> Vec<(DateTime<Utc>, &str)> {
        let lines = self.lines_of_run(previous);
        lines
            .map(|line| (self.created_at + line.after, line.text.as_str()))
            .collect()
    }

    /// Returns the lines of one part. The last part writes all lines, determines how the job ends,
    /// and is the one that is restarted. The other parts omit the standard error and the lines
    /// within a second before a state change.
    pub fn lines_of_part(&self, is_last: bool, previous: bool) -> Vec<(DateTime<Utc>, &str)> {
        match is_last {
            true => self.log_lines(previous),
            false if previous => Vec::new(),
            false => {
                let lines = self.shared_lines();
                lines
                    .map(|line| (self.created_at + line.after, line.text.as_str()))
                    .collect()
            }
        }
    }

    fn shared_lines(&self) -> impl Iterator<Item = &LogLine> {
        const FINAL_LINES_TIME: Duration = Duration::from_secs(1);
        let is_shared = |line: &&LogLine| {
            let mut changes = self.job.steps.iter().skip(1);
            let is_last_word = changes
                .any(|step| line.after < step.after && line.after + FINAL_LINES_TIME >= step.after);
            !line.is_stderr && !is_last_word && self.created_at + line.after <= self.now
        };
        self.job.log.iter().filter(is_shared)
    }

    /// Returns the standard output and standard error of a part so far.
    pub fn streams(&self, is_last: bool) -> (String, String) {
        let (mut stdout, mut stderr) = (String::new(), String::new());
        let lines: Vec<&LogLine> = match is_last {
            true => self.lines_of_run(false).collect(),
            false => self.shared_lines().collect(),
        };
        for line in lines {
            let stream = match line.is_stderr {
                true => &mut stderr,
                false => &mut stdout,
            };
            stream.push_str(&line.text);
            stream.push('\n');
        }
        (stdout, stderr)
    }

    fn lines_of_run(&self, previous: bool) -> impl Iterator<Item = &LogLine> {
        let skip = usize::from(previous);
        let mut starts = self.restarted_at().collect::<Vec<_>>().into_iter().rev();
        let end = match skip {
            0 => self.now,
            _ => match starts.next() {
                Some(end) => end - TimeDelta::milliseconds(1),
                // No line precedes this time.
                None => self.created_at - TimeDelta::milliseconds(1),
            },
        };
        let start = starts.next().unwrap_or(self.created_at);
        let created_at = self.created_at;
        let lines = self.job.log.iter();
        lines.filter(move |line| (start..=end).contains(&(created_at + line.after)))
    }

    fn restarted_at(&self) -> impl Iterator<Item = DateTime<Utc>> {
        let restarts = self.job.restarts.iter();
        let restarts = restarts.map(|after| self.created_at + *after);
        restarts.filter(|at| *at <= self.now)
    }
}

fn is_one_of(step: &StateChange, words: &[&str]) -> bool {
    let is_word = |word: &&str| word.eq_ignore_ascii_case(&step.state);
    words.iter().any(is_word)
}

/// Sorts resources by creation time.
pub fn sort_by_creation(all: &mut [JobView<'_>], is_ascending: bool) {
    match is_ascending {
        true => all.order_by_key(|view| view.created_at),
        false => all.order_by_key(|view| Reverse(view.created_at)),
    }
}

/// Adds the fields of one object to another.
pub fn merge(object: &mut Value, fields: Value) {
    if let (Value::Object(object), Value::Object(fields)) = (object, fields) {
        object.extend(fields);
    }
}

/// Formats a time at UTC+8 without a time zone, as several clouds do.
pub fn china_time(moment: DateTime<Utc>) -> String {
    let moment = moment + TimeDelta::hours(8);
    moment.format("%Y-%m-%d %H:%M:%S").to_string()
}
