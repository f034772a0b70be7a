use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::lookup::{AccountId, Lookup, account_of, with_reference};
use super::{ExistenceCheck, JobIndex, MAX_IN_FLIGHT, PollResult, Poller};
use crate::http::Deadline;
use crate::model::Job;
use crate::providers;
use crate::reference::Reference;

impl Poller {
    /// Sends the requests that are due; resources of one account and kind share list requests.
    pub(in crate::commands) fn start_due(&mut self) {
        self.schedule_last_polls();
        let now = self.elapsed();
        let mut groups: HashMap<(AccountId, &str), Vec<JobIndex>> = HashMap::new();
        for (number, watched) in self.jobs.iter_mut().enumerate() {
            watched.deferred = false;
            if watched.in_flight || watched.is_final {
                continue;
            }
            // What is due soon goes along, so that the members of a list call stay together.
            let slack = if watched.poll_individually {
                Duration::ZERO
            } else {
                watched.interval / 2
            };
            if watched.next_at <= now + slack || watched.due_at() <= now {
                let kind = watched.reference.kind.template.kind;
                let group = (account_of(&watched.reference), kind);
                groups.entry(group).or_default().push(number);
            }
        }
        for numbers in groups.into_values() {
            if numbers
                .iter()
                .all(|number| self.jobs[*number].due_at() > now)
            {
                continue;
            }
            self.start_group(&numbers);
        }
    }

    fn start_group(&mut self, numbers: &[JobIndex]) {
        let (mut alone, together): (Vec<_>, Vec<_>) = numbers
            .iter()
            .partition(|number| self.jobs[**number].poll_individually || self.options.needs_events);
        if !self.start_batch(&together) {
            alone.extend(together);
        }
        let now = self.elapsed();
        alone.retain(|number| self.jobs[*number].due_at() <= now);
        // Who has waited longest comes first, so that a long list starves nobody.
        alone.sort_by_key(|number| self.jobs[*number].due_at());
        let mut places = MAX_IN_FLIGHT.saturating_sub(self.under_way(numbers));
        for number in alone {
            self.jobs[number].deferred = places == 0;
            if places > 0 {
                places -= 1;
                self.start_get(number);
            }
        }
    }

    /// Requests for single resources in flight for the account of these resources.
    fn under_way(&self, numbers: &[JobIndex]) -> usize {
        let Some(first) = numbers.first() else {
            return 0;
        };
        let account = account_of(&self.jobs[*first].reference);
        self.in_flight.get(&account).copied().unwrap_or(0)
    }

    /// One request for several resources; false when their kind has no such request.
    fn start_batch(&mut self, numbers: &[JobIndex]) -> bool {
        let Some(first) = numbers.first() else {
            return false;
        };
        let reference = &self.jobs[*first].reference;
        let Ok(client) = self.lookup.client(reference) else {
            return false;
        };
        let references: Vec<Reference> = numbers
            .iter()
            .map(|number| self.jobs[*number].reference.clone())
            .collect();
        let ends = self.poll_deadline();
        let mut ask = self.lookup.options_for(reference, ends.deadline);
        ask.changes = Some(Arc::clone(&self.changes));
        if !client.can_batch(&references) {
            return false;
        }
        let now = self.elapsed();
        for number in numbers {
            self.jobs[*number].start(now);
        }
        let (lookup, numbers) = (Arc::clone(&self.lookup), numbers.to_vec());
        self.running.spawn(async move {
            let rows = client.batch_get(&references, &ask).await;
            let rows = rows.map_err(|problem| Box::new(with_reference(problem, &references[0])));
            let jobs = rows.map(|rows| {
                let settle = |(row, reference)| -> Option<Job> {
                    let found: Option<providers::GetResult> = row;
                    lookup.finalize(found?, reference).ok()
                };
                rows.into_iter().zip(&references).map(settle).collect()
            });
            PollResult::Batch(numbers, jobs, ends.is_exceeded())
        });
        true
    }

    fn start_get(&mut self, number: JobIndex) {
        let (now, ends) = (self.elapsed(), self.poll_deadline());
        let watched = &mut self.jobs[number];
        watched.start(now);
        let account = account_of(&watched.reference);
        *self.in_flight.entry(account).or_default() += 1;
        let (lookup, reference) = (Arc::clone(&self.lookup), watched.reference.clone());
        let confirms = self.options.check_existence && watched.history.needs_confirmation();
        self.running.spawn(async move {
            let outcome = lookup.get(&reference, ends.deadline).await;
            let confirmation = match confirms && outcome.is_ok() {
                true => check_exists(&lookup, &reference, ends.deadline).await,
                false => ExistenceCheck::NotAsked,
            };
            PollResult::Single(number, Box::new(outcome), confirmation, ends.is_exceeded())
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
    let ask = lookup.options_for(reference, deadline);
    match client.check_exists(reference, &ask).await {
        Ok(()) => ExistenceCheck::Exists,
        Err(problem) => ExistenceCheck::Failed(Box::new(with_reference(problem, reference))),
    }
}
