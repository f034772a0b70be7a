//! Taking in what comes from the places: each page is written at once, or kept.

use std::io;

use tokio::sync::mpsc;

use super::super::completion_cache::ListedReferences;
use super::super::signals::Signals;
use super::super::stdout_writer::StdoutWriter;
use super::lister::{Batch, ListEvent};
use super::report::ScopeReport;
use crate::http::Session;
use crate::output;
use crate::providers::Filter;
use crate::sort::SortExt as _;

/// How a list came to its end.
pub(super) enum ListEnd {
    /// All scopes were listed.
    Done,
    /// By a signal, with its exit code.
    Stopped(u8),
    /// Nothing can be written any longer.
    Closed(io::Error),
}

/// Taking in what comes from the places.
pub(super) struct ListCollector<'a> {
    pub filter: &'a Filter,
    /// What each place came to.
    pub listed: Vec<ScopeReport>,
    /// What is not written yet, of each place.
    pub batches: Vec<Vec<Batch>>,
    /// What came, for the completion of a shell.
    pub shown: ListedReferences,
    /// Writes rows in the formats whose rows are independent.
    pub rows: Option<output::RowWriter<'a>>,
    /// Pages are written as they come.
    pub streams: bool,
    pub stdout: StdoutWriter,
    pub signals: Signals,
    pub session: &'a Session,
}

impl ListCollector<'_> {
    /// Takes events until the last of them, a signal, or an output that takes nothing more.
    pub(super) async fn until_the_end(
        &mut self,
        events: &mut mpsc::UnboundedReceiver<(usize, ListEvent)>,
    ) -> ListEnd {
        loop {
            let next = tokio::select! {
                biased;
                code = self.signals.next() => return ListEnd::Stopped(code),
                code = self.session.ended() => return ListEnd::Stopped(code),
                error = self.stdout.closed() => return ListEnd::Closed(error),
                next = events.recv() => next,
            };
            let (number, page) = match next {
                None => return ListEnd::Done,
                Some((number, ListEvent::End(end))) => {
                    self.listed[number].status = end;
                    continue;
                }
                Some((number, ListEvent::Parts(targets, first))) => {
                    self.batches.extend(targets.iter().map(|_| Vec::new()));
                    ScopeReport::add_parts(&mut self.listed, number, targets, first);
                    continue;
                }
                Some((number, page)) => (number, page),
            };
            if let Some(end) = self.take(number, page).await {
                return end;
            }
        }
    }

    /// True where each page is written as it comes.
    pub(super) fn is_streamed(&self) -> bool {
        self.streams && self.rows.is_some()
    }

    /// Moves what was listed in place of a scope behind it, whatever came first.
    pub(super) fn arrange(&mut self) {
        let reports = std::mem::take(&mut self.listed).into_iter();
        let batches = std::mem::take(&mut self.batches);
        let mut all: Vec<_> = reports.zip(batches).enumerate().collect();
        all.order_by_key(|(number, (report, _))| report.parent.unwrap_or(*number));
        (self.listed, self.batches) = all.into_iter().map(|(_, one)| one).unzip();
    }

    /// Writes or keeps a page. The next one is requested when the reader has taken this one, so
    /// that nothing piles up.
    async fn take(&mut self, number: usize, page: ListEvent) -> Option<ListEnd> {
        let ListEvent::Page {
            rows,
            problems,
            total,
            taken,
        } = page
        else {
            return None;
        };
        let listed = &mut self.listed[number];
        listed.count += rows.count();
        let uncompared = rows.count_uncompared(self.filter);
        for (count, more) in listed.uncompared.iter_mut().zip(uncompared) {
            *count += more;
        }
        listed.total = total;
        listed.unread.extend(problems);
        match &rows {
            Batch::Jobs(jobs) => self.shown.record(jobs.iter().map(|job| &job.reference)),
            Batch::Scopes(scopes) => self.shown.record(scopes.iter().map(|scope| &scope.scope)),
        }
        let streams = self.is_streamed();
        match self.rows.as_mut().filter(|_| streams) {
            None => self.batches[number].push(rows),
            Some(out) => {
                self.stdout.write(part(out, &rows));
                tokio::select! {
                    biased;
                    code = self.signals.next() => return Some(ListEnd::Stopped(code)),
                    taken = self.stdout.flushed() => if let Err(error) = taken {
                        return Some(ListEnd::Closed(error));
                    },
                }
            }
        }
        drop(taken);
        None
    }
}

fn part(out: &mut output::RowWriter<'_>, rows: &Batch) -> Vec<u8> {
    let mut part = Vec::new();
    let written = match rows {
        Batch::Jobs(jobs) => out.jobs(&mut part, jobs),
        Batch::Scopes(scopes) => out.scopes(&mut part, scopes),
    };
    written.expect("memory takes every byte");
    part
}
