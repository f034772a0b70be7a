//! Jobs whose id belongs to another job now.

use std::collections::HashMap;

use super::polled_job::CurrentJob;
use super::{JobIndex, PollEvent, Poller};
use crate::commands::job_identity::{JobIdentity, replaced};
use crate::error::Problem;
use crate::model::{Job, Time};

impl Poller {
    /// Handles a response about another job than before. The new job is polled instead if it is in a watched scope,
    /// and this event reports it.
    ///
    /// # Errors
    /// The job that is waited for no longer exists.
    pub(super) fn check_identity(
        &mut self,
        index: JobIndex,
        read: &Job,
    ) -> Result<Option<PollEvent>, Problem> {
        let polled = &mut self.jobs[index];
        let kind = polled.reference.kind;
        let is_replaced = polled.current.identity.is_replaced_by(read, kind);
        match (is_replaced, polled.follows_id) {
            (false, _) => Ok(None),
            (true, true) => {
                let event = self.restart(index, read.created_at);
                let current = &mut self.jobs[index].current;
                current.identity.is_replaced_by(read, kind);
                Ok(Some(event))
            }
            (true, false) => Err(replaced(read, &polled.reference)),
        }
    }

    /// Polls the new jobs of a watched scope that have the ids of previous ones, by reference, also if these were
    /// named. Returns the jobs that are followed now; the others wait for a response.
    pub(in crate::commands) fn follow_replaced(
        &mut self,
        mut replaced: HashMap<String, JobIdentity<'static>>,
    ) -> (Vec<PollEvent>, Vec<(String, JobIdentity<'static>)>) {
        let (mut events, mut accepted) = (Vec::new(), Vec::new());
        if replaced.is_empty() {
            return (events, accepted);
        }
        for index in 0..self.jobs.len() {
            let polled = &self.jobs[index];
            let is_read = polled.current.job.is_some() || polled.current.is_final;
            if polled.requests.is_in_flight || !is_read {
                continue;
            }
            let Some((reference, identity)) = replaced.remove_entry(&polled.reference.to_string())
            else {
                continue;
            };
            if polled.current.job.is_none() || !polled.current.identity.is_same(&identity) {
                events.push(self.restart(index, identity.created_at()));
            }
            accepted.push((reference, identity));
        }
        (events, accepted)
    }

    /// Forgets a job, so that the new one with its id is polled from its beginning.
    fn restart(&mut self, index: JobIndex, created_at: Option<Time>) -> PollEvent {
        let polled = &mut self.jobs[index];
        if let Ok(client) = self.lookup.client(&polled.reference) {
            client.api().forget(&polled.reference);
        }
        polled.current = CurrentJob::new(&polled.reference);
        let created = created_at.map(|at| format!(", created at {}", at.rfc3339()));
        PollEvent::Replaced(format!(
            "{}: another job has this id now{}",
            self.display_reference(&self.jobs[index]),
            created.unwrap_or_default()
        ))
    }
}
