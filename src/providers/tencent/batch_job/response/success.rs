//! Checks whether responses confirm or contradict that a job succeeded.

use std::collections::HashSet;

use super::super::{MAX_INSTANCES, MAX_PAGES, MAX_TASKS};
use super::{BatchJob, Metrics, TaskResponse};
use crate::providers::prelude::*;

impl Metrics {
    fn active(&self) -> [Int; 5] {
        [
            self.submitted_count,
            self.pending_count,
            self.runnable_count,
            self.starting_count,
            self.running_count,
        ]
    }

    fn failed(&self) -> [Int; 2] {
        [self.failed_count, self.failed_interrupted_count]
    }

    /// Returns the counts of all states except success.
    fn others(&self) -> impl Iterator<Item = Int> {
        self.active().into_iter().chain(self.failed())
    }
}

fn sum(counts: impl IntoIterator<Item = Int>) -> u64 {
    let counts = counts.into_iter().filter_map(Int::unsigned);
    counts.fold(0, u64::saturating_add)
}

/// Returns a message if the metrics count failed parts.
pub(in super::super) fn failed_parts(all: &[(&OptionalObject<Metrics>, &str)]) -> Option<String> {
    all.iter().find_map(|(metrics, parts)| {
        let failed = sum(metrics.0.as_ref()?.failed());
        (failed > 0).then(|| format!("{failed} {parts} have failed"))
    })
}

/// Returns a message if the metrics count parts that have not ended, or if a count is negative.
pub(super) fn active_parts(all: &[(&OptionalObject<Metrics>, &str)]) -> Option<String> {
    all.iter().find_map(|(metrics, parts)| {
        let metrics = metrics.0.as_ref()?;
        let is_negative = |count: Int| count.0.is_some_and(|count| count < 0);
        if metrics.others().any(is_negative) {
            return Some(format!("a number of {parts} is negative"));
        }
        let active = sum(metrics.active());
        (active > 0).then(|| format!("{active} {parts} have not ended"))
    })
}

impl BatchJob {
    /// Returns a message if an operation on the job, such as its termination, is pending.
    pub(super) fn pending_operation(&self) -> Option<String> {
        let action = self.next_action.trimmed()?;
        Some(format!("its next action is {action}"))
    }

    /// Returns what the response shows of the tasks and instances of the job, in addition to the list of its tasks.
    pub(in super::super) fn counts(&self) -> Counts {
        let all = |metrics: &OptionalObject<Metrics>| {
            let metrics = metrics.0.as_ref();
            metrics.map_or(0, |metrics| {
                sum(metrics.others().chain([metrics.succeed_count]))
            })
        };
        let instances = self.task_instances.0.as_ref();
        let pairs = self.dependencies.0.iter();
        let names = pairs.flat_map(|pair| [&pair.start_task, &pair.end_task]);
        Counts {
            tasks: all(&self.tasks),
            instances: all(&self.task_instances),
            successes: instances.map_or(0, |metrics| sum([metrics.succeed_count])),
            dependencies: names.filter_map(|name| name.0.clone()).collect(),
        }
    }
}

/// The tasks and instances of a job according to its response, in addition to the list of its tasks.
pub(in super::super) struct Counts {
    /// Number of tasks according to the metrics.
    tasks: u64,
    /// Number of instances according to the metrics.
    instances: u64,
    /// Number of successful instances according to the metrics.
    pub successes: u64,
    /// Names of tasks in dependencies.
    dependencies: Vec<String>,
}

impl Counts {
    /// Returns a message if a successful job lists fewer tasks than its metrics count, not all tasks of its
    /// dependencies, or tasks without a name or state.
    pub fn missing_tasks(&self, tasks: &[Task]) -> Option<String> {
        let ids = tasks.iter().filter_map(|task| task.id.as_deref());
        let names: HashSet<&str> = ids.map(str::trim).collect();
        let read = names.len() as u64;
        let lacks_word = |task: &Task| task.id.is_none() || task.state_raw.is_none();
        if tasks.is_empty() && self.tasks == 0 {
            return Some("no tasks are listed".to_owned());
        }
        if read < self.tasks.max(1) {
            let counted = self.tasks.max(tasks.len() as u64);
            return Some(format!("only {read} of {counted} tasks are listed"));
        }
        let mut named = self.dependencies.iter().map(|name| name.trim());
        if let Some(name) = named.find(|name| !names.contains(name)) {
            return Some(format!("the task {name} of a dependency is not listed"));
        }
        let lacks_word = tasks.iter().any(lacks_word);
        lacks_word.then(|| "a task has no readable name or state".to_owned())
    }

    /// Returns a message if the metrics count more instances than all tasks have.
    pub fn missing_instances(&self, of_tasks: u64) -> Option<String> {
        let counted = self.instances;
        let text = || format!("the tasks have {of_tasks} of {counted} instances");
        (of_tasks < counted).then(text)
    }
}

/// Returns a message if there are too many tasks to read the instances of all.
pub(in super::super) fn unread_tasks(count: usize) -> Option<String> {
    (count > MAX_TASKS).then(|| {
        format!("only the instances of {MAX_TASKS} of the {count} tasks that have begun were read")
    })
}

impl TaskResponse {
    /// Returns the number of instances: the total, or the number of listed ones.
    pub(in super::super) fn instances(&self) -> u64 {
        let total = self.task_instance_total_count.unsigned();
        total.unwrap_or_default().max(self.count())
    }

    /// Returns the number of distinct instances.
    fn count(&self) -> u64 {
        let indexes = self.task_instance_set.0.iter();
        let indexes = indexes.filter_map(|instance| instance.task_instance_index.0);
        indexes.collect::<HashSet<_>>().len() as u64
    }

    /// Returns the offset of the next page if there are more instances and this page has some that are not in
    /// `known`.
    pub(in super::super) fn next_offset(
        &self,
        offset: usize,
        known: &mut HashSet<i64>,
    ) -> Option<usize> {
        let before = known.len();
        let rows = &self.task_instance_set.0;
        known.extend(rows.iter().filter_map(|row| row.task_instance_index.0));
        let next = offset + rows.len();
        let has_more = self.task_instance_total_count.unsigned() > Some(next as u64);
        (has_more && known.len() > before).then_some(next)
    }

    /// Adds the instances of the next page.
    pub(in super::super) fn join(mut self, next: Self) -> Self {
        self.task_instance_set.0.extend(next.task_instance_set.0);
        self
    }

    /// Returns a message if there are fewer instances than the response counts.
    pub(in super::super) fn missing_instances(&self, task: &str) -> Option<String> {
        let (total, read) = (self.task_instance_total_count.unsigned()?, self.count());
        (total > read)
            .then(|| format!("only {read} of {total} instances of the task {task} were read"))
    }

    /// Returns why the success of the task is unconfirmed.
    pub(in super::super) fn unconfirmed_reason(&self, task: &str) -> Option<String> {
        let instances = &self.task_instance_set.0;
        let Some(total) = self.task_instance_total_count.unsigned() else {
            return Some(format!(
                "the number of instances of the task {task} is missing"
            ));
        };
        if instances.is_empty() {
            return Some(format!("the instances of the task {task} are missing"));
        }
        let is_past_limit = instances.len() >= MAX_PAGES * MAX_INSTANCES;
        let is_known = self.count() >= total || is_past_limit && self.all_succeeded(total);
        if !is_known {
            return self.missing_instances(task);
        }
        for instance in instances {
            let index = instance.task_instance_index.0;
            let index = index.map_or_else(|| "?".to_owned(), |index| index.to_string());
            if instance.task_instance_state.trimmed().is_none() {
                return Some(format!("the instance {task}/{index} has no readable state"));
            }
            let reasons = [&instance.state_reason, &instance.state_detailed_reason];
            let mut reasons = reasons.into_iter().cloned();
            if let Some(reason) = reasons.find_map(states::failure) {
                return Some(format!(
                    "the instance {task}/{index} has the reason {reason}"
                ));
            }
        }
        let active = active_parts(&[(&self.task_instance_metrics, "instances")])?;
        Some(format!("{active} of the task {task}"))
    }

    /// Returns `true` if at least `total` instances succeeded according to the metrics.
    fn all_succeeded(&self, total: u64) -> bool {
        let metrics = self.task_instance_metrics.0.as_ref();
        metrics.is_some_and(|metrics| metrics.succeed_count.unsigned() >= Some(total))
    }

    /// Returns a message if instances have failed.
    pub(in super::super) fn failed_instances(&self) -> Option<String> {
        failed_parts(&[(&self.task_instance_metrics, "instances")])
    }
}
