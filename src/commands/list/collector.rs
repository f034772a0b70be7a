//! Collects the pages of all scopes: writes each page at once, or keeps it.

use std::io;

use tokio::sync::{mpsc, oneshot};

use super::super::completion_cache::ListedReferences;
use super::super::signals::Signals;
use super::super::stdout_writer::StdoutWriter;
use super::lister::{ListEvent, ListedPage};
use super::report::ScopeReport;
use super::rows::ListedRows;
use super::words;
use crate::error::Stop;
use crate::http::Session;
use crate::output;
use crate::providers::Filter;
use crate::sort::SortExt as _;

/// How a list ended.
pub(super) enum ListEnd {
    /// All scopes were listed.
    Done,
    /// A signal was received, or a replay is past the end of its recording.
    Stopped(Stop),
    /// The output can no longer be written.
    Closed(io::Error),
}

/// Collects the pages of all scopes.
pub(super) struct ListCollector<'a> {
    pub filter: &'a Filter,
    /// The report of each scope.
    pub listed: Vec<ScopeReport>,
    /// The rows of each scope that are not written yet.
    pub unwritten: Vec<ListedRows>,
    /// The written references, for shell completion.
    pub shown: ListedReferences,
    /// Writes rows, in formats with independent rows.
    pub rows: Option<output::RowWriter<'a>>,
    /// Pages are written as they come.
    pub streams: bool,
    pub stdout: StdoutWriter,
    pub signals: Signals,
    pub session: &'a Session,
}

impl ListCollector<'_> {
    /// Handles events until the last one, a signal, or an output that can no longer be written.
    pub(super) async fn run_to_end(
        &mut self,
        events: &mut mpsc::UnboundedReceiver<(usize, ListEvent)>,
    ) -> ListEnd {
        loop {
            let next = tokio::select! {
                biased;
                stop = self.signals.next() => return ListEnd::Stopped(stop),
                stop = self.session.ended() => return ListEnd::Stopped(stop),
                error = self.stdout.closed() => return ListEnd::Closed(error),
                next = events.recv() => next,
            };
            let (number, page, request_next) = match next {
                None => return ListEnd::Done,
                Some((number, ListEvent::End(end))) => {
                    self.listed[number].status = end;
                    continue;
                }
                Some((number, ListEvent::Parts(targets, first))) => {
                    self.unwritten
                        .extend(targets.iter().map(|_| ListedRows::default()));
                    ScopeReport::add_parts(&mut self.listed, number, targets, first);
                    continue;
                }
                Some((number, ListEvent::Page(page, request_next))) => (number, page, request_next),
            };
            if let Some(end) = self.take(number, *page, request_next).await {
                return end;
            }
        }
    }

    /// Returns `true` if each page is written as it comes.
    pub(super) fn is_streamed(&self) -> bool {
        self.streams && self.rows.is_some()
    }

    /// Moves the parts of a scope behind it, in whatever order their pages came.
    pub(super) fn order_by_parent(&mut self) {
        let reports = std::mem::take(&mut self.listed).into_iter();
        let unwritten = std::mem::take(&mut self.unwritten);
        let mut all: Vec<_> = reports.zip(unwritten).enumerate().collect();
        all.order_by_key(|(number, (report, _))| report.parent.unwrap_or(*number));
        (self.listed, self.unwritten) = all.into_iter().map(|(_, one)| one).unzip();
    }

    /// Writes or keeps a page. The next page is requested when the reader has taken
    /// this one, so that output does not accumulate.
    async fn take(
        &mut self,
        number: usize,
        page: ListedPage,
        request_next: oneshot::Sender<()>,
    ) -> Option<ListEnd> {
        let streams = self.is_streamed();
        let listed = &mut self.listed[number];
        // The total counts all rows of the scope, or those that match the filters that the cloud applies.
        let is_filtered = words::is_filtered(self.filter);
        listed.total = page.total.filter(|_| !is_filtered);
        listed.unread.extend(page.problems);
        listed.notices.extend(page.notices);
        match self.rows.as_mut().filter(|_| streams) {
            None => {
                let kept = &mut self.unwritten[number];
                kept.jobs.extend(page.rows.jobs);
                kept.scopes.extend(page.rows.scopes);
                kept.remove(&page.withdrawn);
            }
            Some(out) => {
                let mut new = page.rows;
                let changed = new.remove(&page.changed);
                listed.add(&new, self.filter);
                self.shown.record(new.references());
                let mut written = part(out, &new);
                if out.shows_states() {
                    written.extend(part(out, &changed));
                }
                self.stdout.write(written);
                tokio::select! {
                    biased;
                    stop = self.signals.next() => return Some(ListEnd::Stopped(stop)),
                    flushed = self.stdout.flushed() => if let Err(error) = flushed {
                        return Some(ListEnd::Closed(error));
                    },
                }
            }
        }
        drop(request_next);
        None
    }
}

fn part(out: &mut output::RowWriter<'_>, rows: &ListedRows) -> Vec<u8> {
    let mut part = Vec::new();
    let written = out.jobs(&mut part, &rows.jobs);
    let written = written.and_then(|()| out.scopes(&mut part, &rows.scopes));
    written.expect("memory takes every byte");
    part
}
