use std::sync::Arc;
use std::time::Duration;

use super::super::lookup::{Lookup, with_reference};
use super::{
    AccountIndex, ExistenceCheck, JobIndex, MAX_IN_FLIGHT, PollResponse, PollResult, Poller,
};
use crate::http::Deadline;
use crate::kind::Kind;
use crate::reference::Reference;
use crate::sort::SortExt as _;

/// Jobs that can share list calls.
struct Group {
    account: AccountIndex,
    kind: &'static Kind,
    jobs: Vec<JobIndex>,
}

impl Poller {
    /// Sends the requests that are due; jobs of one account and kind share list requests.
    pub(in crate::commands) fn start_due(&mut self) {
        self.schedule_last_polls();
        self.has_deferred = false;
        let now = self.elapsed();
        let mut groups: Vec<Group> = Vec::new();
        for (index, polled) in self.jobs.iter_mut().enumerate() {
            polled.requests.is_deferred = false;
            if polled.requests.is_in_flight || polled.current.is_final {
                continue;
            }
            let is_last = polled.deadline_polls.last.is_due(now);
            polled.requests.poll_individually |= polled.current.explains_last && is_last;
            // Include jobs that are due soon, so that the jobs of a list call stay together.
            let slack = if polled.requests.poll_individually {
                Duration::ZERO
            } else {
                polled.current.schedule.interval / 2
            };
            if polled.current.schedule.next_at <= now + slack || polled.due_at() <= now {
                let (account, kind) = (polled.account, polled.reference.kind);
                let is_same = |group: &&mut Group| group.account == account && group.kind == kind;
                match groups.iter_mut().find(is_same) {
                    Some(group) => group.jobs.push(index),
                    None => groups.push(Group {
                        account,
                        kind,
                        jobs: vec![index],
                    }),
                }
            }
        }
        for group in groups {
            self.start_group(group, now);
        }
    }

    /// Sends the requests for the due jobs of a group.
    fn start_group(&mut self, group: Group, now: Duration) {
        let is_due = |index: &JobIndex| self.jobs[*index].due_at() <= now;
        if !group.jobs.iter().any(is_due) {
            return;
        }
        if self.options.needs_events && group.kind.is_watched {
            self.follow_changes(group.account, group.kind);
        }
        let (alone, together): (Vec<_>, Vec<_>) = group.jobs.iter().partition(|index| {
            self.jobs[**index].requests.poll_individually || self.options.needs_events
        });
        let alone = alone.into_iter().map(|index| vec![index]);
        let alone = alone.filter_map(|job| Some((self.waited(&job, now)?, job)));
        let mut calls: Vec<_> = alone.collect();
        let max_ids = group.kind.max_ids.unwrap_or(usize::MAX);
        calls.extend(self.batches(together, max_ids, now));
        // The longest wait comes first, so that neither lists nor lookups starve.
        calls.order_by_key(|(waited, _)| *waited);
        for (_, jobs) in calls {
            self.start_call(group.account, jobs, now);
        }
    }

    /// Sends one request for these jobs, or one for each due job if their kind cannot list them.
    fn start_call(&mut self, account: AccountIndex, mut jobs: Vec<JobIndex>, now: Duration) {
        let is_alone = self.options.needs_events || self.jobs[jobs[0]].requests.poll_individually;
        let has_place = self.accounts[account].in_flight < MAX_IN_FLIGHT;
        if has_place && !is_alone && self.start_batch(&jobs) {
            return;
        }
        if has_place {
            jobs.retain(|index| self.jobs[*index].due_at() <= now);
            jobs.order_by_key(|index| self.jobs[*index].due_at());
        }
        for index in jobs {
            match self.accounts[account].in_flight < MAX_IN_FLIGHT {
                true => self.start_get(index),
                false => {
                    self.jobs[index].requests.is_deferred = true;
                    self.has_deferred = true;
                }
            }
        }
    }

    /// Returns since when the jobs of a call have been due, and when they were last polled; `None` if none is due.
    fn waited(&self, jobs: &[JobIndex], now: Duration) -> Option<(Duration, Duration)> {
        let jobs = jobs.iter().map(|index| &self.jobs[*index]);
        let waited = jobs
            .map(|job| (job.due_at(), job.requests.started_at))
            .min();
        waited.filter(|(due_at, _)| *due_at <= now)
    }

    /// Returns the jobs of each list call with at least one due job, and since when it has been due.
    fn batches(
        &self,
        mut indices: Vec<JobIndex>,
        max_ids: usize,
        now: Duration,
    ) -> Vec<((Duration, Duration), Vec<JobIndex>)> {
        if indices.len() > max_ids {
            // A list call reads one cluster.
            let cluster = |index: &JobIndex| self.jobs[*index].reference.parent_segments();
            indices.order_by(|one, other| cluster(one).cmp(cluster(other)));
        }
        let batches = indices.chunks(max_ids);
        let due = batches.filter_map(|batch| Some((self.waited(batch, now)?, batch.to_vec())));
        due.collect()
    }

    /// Starts the stream of change events of jobs that are looked up individually. The stream begins with a list if it
    /// has no client yet; the rows of that list are ignored.
    fn follow_changes(&mut self, account: AccountIndex, kind: &'static Kind) {
        while self.followers.try_join_next().is_some() {}
        if !self.followers.is_empty() {
            return;
        }
        let jobs = self.jobs.iter().filter(|job| !job.current.is_final);
        let jobs = jobs.filter(|job| job.account == account && job.reference.kind == kind);
        let references: Vec<Reference> = jobs.map(|job| job.reference.clone()).collect();
        let Some(Ok(client)) = references.first().map(|first| self.lookup.client(first)) else {
            return;
        };
        if client.can_batch(&references) {
            let deadline = self.poll_deadline(&[]).deadline;
            let mut options = self.lookup.options_for(kind, deadline);
            options.changes = Some(Arc::clone(&self.changes));
            self.followers.spawn(async move {
                // The lookup of each job reports its problems.
                let _ = client.batch_get(&references, &options).await;
            });
        }
    }

    /// Sends one request for several jobs. Returns `false` if their kind has no such request.
    fn start_batch(&mut self, indices: &[JobIndex]) -> bool {
        let jobs = indices.iter().map(|index| &self.jobs[*index].reference);
        let references: Vec<Reference> = jobs.cloned().collect();
        let first = &references[0];
        let Ok(client) = self.lookup.client(first) else {
            return false;
        };
        if !client.can_batch(&references) {
            return false;
        }
        let ends = self.poll_deadline(indices);
        let mut options = self.lookup.options_for(first.kind, ends.deadline);
        options.changes = Some(Arc::clone(&self.changes));
        let now = self.elapsed();
        let mut due = indices.iter().map(|index| &self.jobs[*index]);
        options.refresh = due.any(|polled| polled.is_last_due(now));
        for index in indices {
            self.jobs[*index].start(now);
        }
        self.accounts[self.jobs[indices[0]].account].in_flight += 1;
        let (lookup, indices) = (Arc::clone(&self.lookup), indices.to_vec());
        self.running.spawn(async move {
            let rows = lookup.read_rows(&*client, &references, &options).await;
            let rows = rows.map(|rows| {
                let job = |(job, notices)| {
                    lookup.keep_notices(notices);
                    job
                };
                rows.into_iter().map(|row| row.map(job)).collect()
            });
            PollResult {
                jobs: indices,
                is_late: ends.is_exceeded(),
                response: PollResponse::Rows(rows.map_err(Box::new)),
            }
        });
        true
    }

    fn start_get(&mut self, index: JobIndex) {
        let (now, ends) = (self.elapsed(), self.poll_deadline(&[index]));
        let polled = &mut self.jobs[index];
        let end = now + self.accounts[polled.account].response_times.usual();
        let (time, history) = (self.options.warning_free_time, &polled.current.history);
        let confirms = time.is_some_and(|time| history.needs_confirmation(time, end));
        polled.start(now);
        polled.requests.awaits_client = self.lookup.running_command(&polled.reference).is_some();
        if let Ok(client) = self.lookup.client(&polled.reference) {
            polled.confirms_end = client.confirms_end(&polled.reference);
        }
        self.accounts[polled.account].in_flight += 1;
        let (lookup, reference) = (Arc::clone(&self.lookup), polled.reference.clone());
        self.running.spawn(async move {
            let read = lookup.request(&reference, ends.deadline).await;
            let result = read
                .and_then(|read| ends.reject_cut(read, &reference))
                .and_then(|read| lookup.finalize(read, &reference));
            let existence = match confirms && result.is_ok() {
                true => check_exists(&lookup, &reference, ends.deadline).await,
                false => ExistenceCheck::NotRequested,
            };
            PollResult {
                jobs: vec![index],
                is_late: ends.is_exceeded(),
                response: PollResponse::Job(Box::new(result), existence),
            }
        });
    }
}

async fn check_exists(
    lookup: &Lookup,
    reference: &Reference,
    deadline: Deadline,
) -> ExistenceCheck {
    if !reference.kind.needs_check_exists {
        return ExistenceCheck::Exists;
    }
    let client = match lookup.client(reference) {
        Ok(client) => client,
        Err(problem) => return ExistenceCheck::Failed(Box::new(problem)),
    };
    let options = lookup.options_for(reference.kind, deadline);
    match client.check_exists(reference, &options).await {
        Ok(()) => ExistenceCheck::Exists,
        Err(problem) => ExistenceCheck::Failed(Box::new(with_reference(problem, reference))),
    }
}
