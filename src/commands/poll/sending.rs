use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::look_up::{Account, Lens, account_of, addressed};
use super::{Back, Confirmation, MOST_AT_ONCE, Number, Poller};
use crate::http::Deadline;
use crate::model::Job;
use crate::providers;
use crate::reference::Reference;

impl Poller {
    /// Sends the looks that are due; things of one account and kind share list calls.
    pub(in crate::commands) fn start_due(&mut self) {
        self.schedule_last_polls();
        let now = self.elapsed();
        let mut groups: HashMap<(Account, &str), Vec<Number>> = HashMap::new();
        for (number, watched) in self.watched.iter_mut().enumerate() {
            watched.queued = false;
            if watched.busy || watched.done {
                continue;
            }
            // What is due soon goes along, so that the members of a list call stay together.
            let slack = if watched.alone {
                Duration::ZERO
            } else {
                watched.every / 2
            };
            if watched.next_at <= now + slack || watched.due_at() <= now {
                let kind = watched.reference.template.kind;
                let group = (account_of(&watched.reference), kind);
                groups.entry(group).or_default().push(number);
            }
        }
        for numbers in groups.into_values() {
            if numbers
                .iter()
                .all(|number| self.watched[*number].due_at() > now)
            {
                continue;
            }
            self.start_group(&numbers);
        }
    }

    fn start_group(&mut self, numbers: &[Number]) {
        let (mut alone, together): (Vec<_>, Vec<_>) = numbers
            .iter()
            .partition(|number| self.watched[**number].alone || self.manner.needs_events);
        if !self.start_glance(&together) {
            alone.extend(together);
        }
        let now = self.elapsed();
        alone.retain(|number| self.watched[*number].due_at() <= now);
        // Who has waited longest comes first, so that a long list starves nobody.
        alone.sort_by_key(|number| self.watched[*number].due_at());
        let mut places = MOST_AT_ONCE.saturating_sub(self.under_way(numbers));
        for number in alone {
            self.watched[number].queued = places == 0;
            if places > 0 {
                places -= 1;
                self.start_look(number);
            }
        }
    }

    /// Looks at single things that are under way with the account of these things.
    fn under_way(&self, numbers: &[Number]) -> usize {
        let Some(first) = numbers.first() else {
            return 0;
        };
        let account = account_of(&self.watched[*first].reference);
        self.looks.get(&account).copied().unwrap_or(0)
    }

    /// One look at several things; false when their kind has no such call.
    fn start_glance(&mut self, numbers: &[Number]) -> bool {
        let Some(first) = numbers.first().filter(|_| numbers.len() > 1) else {
            return false;
        };
        let reference = &self.watched[*first].reference;
        let Ok(client) = self.lens.client(reference) else {
            return false;
        };
        let references: Vec<Reference> = numbers
            .iter()
            .map(|number| self.watched[*number].reference.clone())
            .collect();
        let ends = self.look_ends();
        let ask = self.lens.ask(reference, ends.deadline);
        if client.glance(&references, &ask).is_none() {
            return false;
        }
        let now = self.elapsed();
        for number in numbers {
            self.watched[*number].start(now);
        }
        let (lens, numbers) = (Arc::clone(&self.lens), numbers.to_vec());
        self.running.spawn(async move {
            let rows = match client.glance(&references, &ask) {
                Some(glance) => glance.await,
                // Another look has just learned that this account may not list.
                None => Ok(references.iter().map(|_| None).collect()),
            };
            let rows = rows.map_err(|problem| Box::new(addressed(problem, &references[0])));
            let jobs = rows.map(|rows| {
                let settle = |(row, reference)| -> Option<Job> {
                    let found: Option<providers::Found> = row;
                    lens.settle(found?, reference).ok()
                };
                rows.into_iter().zip(&references).map(settle).collect()
            });
            Back::Glanced(numbers, jobs, ends.is_late())
        });
        true
    }

    fn start_look(&mut self, number: Number) {
        let (now, ends) = (self.elapsed(), self.look_ends());
        let watched = &mut self.watched[number];
        watched.start(now);
        let account = account_of(&watched.reference);
        *self.looks.entry(account).or_default() += 1;
        let (lens, reference) = (Arc::clone(&self.lens), watched.reference.clone());
        let confirms = self.manner.confirms && watched.track.needs_confirmation();
        self.running.spawn(async move {
            let outcome = lens.look(&reference, ends.deadline).await;
            let confirmation = match confirms && outcome.is_ok() {
                true => confirm(&lens, &reference, ends.deadline).await,
                false => Confirmation::NotAsked,
            };
            Back::Looked(number, Box::new(outcome), confirmation, ends.is_late())
        });
    }
}

async fn confirm(lens: &Lens, reference: &Reference, deadline: Deadline) -> Confirmation {
    let client = match lens.client(reference) {
        Ok(client) => client,
        Err(problem) => return Confirmation::Failed(Box::new(problem)),
    };
    let ask = lens.ask(reference, deadline);
    match client.confirm(reference, &ask) {
        None => Confirmation::Exists,
        Some(asked) => match asked.await {
            Ok(()) => Confirmation::Exists,
            Err(problem) => Confirmation::Failed(Box::new(addressed(problem, reference))),
        },
    }
}
