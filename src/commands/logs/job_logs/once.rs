//! Prints the current text of logs.

use super::super::absent;
use super::super::select::{label, others};
use super::super::source_log::SourceLog;
use super::{JobLogs, LogError};
use crate::commands::lookup::with_reference;
use crate::error::{Category, Problem};
use crate::model::Job;

impl JobLogs<'_> {
    /// Explains why nothing was printed of the logs of a job that has ended, if so.
    ///
    /// # Errors
    /// Returns an error if none of them could be read, or if all of them are empty.
    pub(super) async fn explain_empty_logs(&mut self, job: &Job) -> Result<(), LogError> {
        if !self.unread.is_empty() {
            // Their problems are reported at the end.
            return self.finish_lines().await;
        }
        if self.logs.iter().any(|log| log.has_text) || self.params.tail_lines == Some(0) {
            return Ok(());
        }
        if self.params.since.is_some() && self.logs.iter().any(|log| log.is_opened) {
            self.note("no lines since that time".to_owned());
            return Ok(());
        }
        let problem = match &self.logs[..] {
            [log] => absent::explain(log, job, self.spec, self.is_following, None),
            _ => None,
        };
        let problem = problem.map(|problem| with_reference(problem, &self.reference).into());
        Err(problem.unwrap_or_else(|| self.no_task(job)))
    }

    /// Switches to the log of a task that runs if a log of which nothing was printed cannot be read. Returns `false` if
    /// there is none.
    fn show_substitute(&mut self, job: &Job, problem: &Problem) -> bool {
        let [log] = &self.logs[..] else {
            return false;
        };
        let substitute = self.choice.substitute(job, &self.others, &log.source);
        let Some(substitute) = substitute.filter(|_| !log.has_text) else {
            return false;
        };
        let [from, to] = [&log.source, &substitute].map(label);
        let message = &problem.message;
        // The problem of a log that is missing names it.
        self.note(match message.starts_with(&from) {
            true => format!("{message}; showing {to}"),
            false => format!("{from}: {message}; showing {to}"),
        });
        self.others.retain(|other| !other.is_same(&substitute));
        self.others.push(log.source.clone());
        self.logs = vec![SourceLog::new(substitute, &self.params)];
        true
    }

    /// Prints the current text.
    ///
    /// # Errors
    /// Returns why there is none, or another error.
    pub(in crate::commands::logs) async fn print_once(&mut self) -> Result<(), LogError> {
        let job = self.first_job().await?;
        self.choose(&job)?;
        if self.logs.is_empty() {
            return Err(self.no_task(&job));
        }
        let (spec, is_only) = (self.spec, self.logs.len() == 1);
        let mut empty = 0;
        let mut numbers = 0..self.logs.len();
        while let Some(number) = numbers.next() {
            let cause = match self.read_log(number).await {
                Ok(true) => continue,
                Ok(false) => None,
                Err(LogError::Problem(problem)) if problem.category == Category::NotFound => {
                    Some(*problem)
                }
                Err(LogError::Problem(problem))
                    if problem.category.is_transient() && self.show_substitute(&job, &problem) =>
                {
                    numbers = 0..1;
                    continue;
                }
                Err(error) => {
                    self.skip_log(number, error)?;
                    continue;
                }
            };
            let explain = |log: &SourceLog, cause| absent::explain(log, &job, spec, false, cause);
            let log = &self.logs[number];
            let missing = cause.clone().and_then(|cause| explain(log, Some(cause)));
            let missing = missing.map(|problem| problem.message);
            if self.show_error_stream(&job, missing.as_deref()) {
                numbers = 0..1;
                continue;
            }
            match explain(&self.logs[number], cause) {
                Some(problem) if is_only && self.show_substitute(&job, &problem) => {
                    numbers = 0..1;
                }
                Some(mut problem) if is_only => {
                    if !self.others.is_empty() {
                        let hint = problem.hint.unwrap_or_default();
                        let others = others(&self.others);
                        problem.hint = Some(format!("other logs: {others}; {hint}"));
                    }
                    return Err(with_reference(problem, &self.reference).into());
                }
                Some(problem) => {
                    empty += 1;
                    self.note(problem.message);
                }
                None if is_only && self.params.since.is_some() => {
                    self.note("no lines since that time".to_owned());
                }
                None if is_only => self.note("the log is empty".to_owned()),
                None => {}
            }
        }
        match job.ended && empty == self.logs.len() && !self.choice.previous {
            true => Err(self.no_task(&job)),
            false => Ok(()),
        }
    }
}
