//! Handles changes of a job while its logs are followed: containers that start, leave and are restarted.

use super::{JobLogs, LogError};
use crate::commands::logs::select::label;
use crate::commands::logs::source_log::SourceLog;
use crate::error::Problem;
use crate::model::{Job, State};
use crate::providers::{LogParams, LogSource};

impl JobLogs<'_> {
    /// Updates the containers: their states, restarts, and new ones.
    pub(super) async fn update(&mut self, job: &Job) -> Result<(), LogError> {
        let client = self.lookup.client(&self.reference)?;
        let sources = client.log_sources(&self.reference, job);
        let is_of_job = |source: &LogSource| source.task.is_none() && source.container.is_none();
        let has_parts = !sources.iter().all(is_of_job);
        // Before its tasks exist, a job seems to have a single log or none.
        if has_parts && self.logs.iter().all(|log| is_of_job(&log.source)) {
            return Ok(self.choose_early(job)?);
        }
        let followed = self.logs.first().filter(|_| has_parts);
        let replacement = followed.and_then(|log| {
            let replacement = self.choice.replacement(job, &sources, &log.source);
            let is_unread = !log.is_opened;
            let substitute = || self.choice.substitute(job, &sources, &log.source);
            replacement.or_else(|| is_unread.then(substitute).flatten())
        });
        for source in sources {
            let mut logs = self.logs.iter();
            match logs.position(|log| log.source.is_same(&source)) {
                Some(number) => {
                    let known = std::mem::replace(&mut self.logs[number].source, source);
                    let restarts = self.logs[number].source.restarts;
                    if restarts > known.restarts {
                        self.end_streams(number..number + 1).await?;
                        let times = restarts - known.restarts;
                        let restarted = self.restart(number, times).await;
                        if let Err(error) = restarted {
                            // Count it as restarted only after its old log was read.
                            self.logs[number].source = known;
                            self.skip_log(number, error)?;
                        }
                    }
                }
                None if self.choice.all => self.logs.push(SourceLog::new(source, &self.params)),
                None => {}
            }
        }
        match replacement {
            Some(source) => self.replace(job, source).await,
            None => Ok(()),
        }
    }

    /// Prints the rest of the followed log, and continues with its replacement, also if the rest cannot be read, such
    /// as on a node that was lost. A temporary failure is retried for a limited time.
    async fn replace(&mut self, job: &Job, source: LogSource) -> Result<(), LogError> {
        self.end_streams(0..1).await?;
        let client = self.lookup.client(&self.reference)?;
        loop {
            let options = self.options();
            let log = &mut self.logs[0];
            let read = log.read(&*client, &self.reference, &options).await;
            self.time_failures(0, &read);
            let log = &mut self.logs[0];
            match read {
                Ok(mut reading) if !reading.is_disjoint => {
                    reading.lines.extend(log.take_long(self.printer.redactor));
                    let has_more = reading.has_more;
                    self.print_reading(0, reading).await?;
                    if !has_more {
                        break;
                    }
                }
                Ok(_) => {
                    self.note_gap(0);
                    break;
                }
                Err(problem) if problem.category.is_transient() && log.may_be_read() => {
                    return Err(problem.into());
                }
                Err(problem) => {
                    self.note_unreadable(0, problem);
                    break;
                }
            }
        }
        let rest = self.logs[0].mark_gap();
        self.print(0, Vec::from_iter(rest)).await?;
        let from = &self.logs[0].source;
        let reason = match from.task_in(job) {
            Some(task) if task.state == State::Failed => "failed",
            _ if from.init && from.state == State::Succeeded => "has succeeded",
            Some(task) if task.ended => "has ended",
            _ => "no longer belongs to the job",
        };
        let [from, to] = [from, &source].map(label);
        self.note(format!("{from} {reason}; showing {to}"));
        let params = LogParams {
            tail_lines: None,
            ..self.params.clone()
        };
        self.logs = vec![SourceLog::new(source, &params)];
        Ok(())
    }

    /// Notes that the rest of a log is not printed.
    fn note_unreadable(&self, number: usize, mut problem: Problem) {
        self.lookup.transport.mask(&mut problem);
        let log = &self.logs[number];
        let part = match log.is_opened {
            true => "the rest of its log",
            false => "its log",
        };
        let (log, message) = (label(&log.source), problem.message);
        self.note(format!("{log}: {part} cannot be read: {message}"));
    }

    /// Handles a log that does not continue the last reading: its container was
    /// restarted, or it wrote more than the cloud returns at once.
    pub(super) async fn handle_gap(&mut self, number: usize) -> Result<(), LogError> {
        let job = self.first_job().await?;
        let restarts = self.logs[number].source.restarts;
        let failures = self.failures(number);
        self.update(&job).await?;
        let failure = self.failure(number);
        if let Some(problem) = failure.filter(|_| self.failures(number) > failures) {
            return Err(problem.into());
        }
        match self.logs[number].source.restarts == restarts {
            true => self.continue_after_gap(number).await,
            false => Ok(()),
        }
    }

    /// Takes all of the next reading, after lines that may have been missed.
    async fn continue_after_gap(&mut self, number: usize) -> Result<(), LogError> {
        let rest = self.logs[number].mark_gap();
        self.print(number, Vec::from_iter(rest)).await?;
        self.note_gap(number);
        Ok(())
    }

    /// Notes once per log that it changes faster than it is read.
    fn note_gap(&mut self, number: usize) {
        let log = &mut self.logs[number];
        if !std::mem::replace(&mut log.is_gap_noted, true) {
            let (label, operation) = (label(&log.source), self.spec.operation.name);
            self.note(format!(
                "{label}: {operation} returned only a part of the log; lines may be missing or repeated"
            ));
        }
    }

    /// Prints the rest of the log of a restarted container, and then a note about the restart. After several restarts,
    /// only the log of the run before the last restart still exists.
    async fn restart(&mut self, number: usize, times: u64) -> Result<(), LogError> {
        let mut restarted = format!("{} was restarted", label(&self.logs[number].source));
        if times > 1 {
            restarted +=
                &format!(" {times} times; lines of the runs before the last may be missing");
        }
        if !self.logs[number].is_window {
            self.note(restarted);
            return Ok(());
        }
        if !self.spec.previous {
            self.continue_after_gap(number).await?;
            self.note(restarted);
            return Ok(());
        }
        let client = self.lookup.client(&self.reference)?;
        let options = self.options();
        let read = self.logs[number]
            .read_previous(&*client, &self.reference, &options)
            .await;
        if let Err(problem) = &read
            && problem.category.is_transient()
        {
            return Err(problem.clone().into());
        }
        match read {
            Ok(reading) => {
                if reading.is_disjoint {
                    self.note_gap(number);
                }
                self.print_reading(number, reading).await?;
            }
            Err(_) => self.continue_after_gap(number).await?,
        }
        self.note(restarted);
        Ok(())
    }
}
