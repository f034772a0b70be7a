//! Taking in what comes from the places: each page is written at once, or kept.

use std::io;

use tokio::sync::mpsc;

use super::super::ending::Signals;
use super::super::outlet::Outlet;
use super::super::remembered::Shown;
use super::asking::{Listed, News, Rows};
use crate::output;

/// How a list came to its end.
pub(super) enum End {
    /// Everything was asked.
    Done,
    /// By a signal, with its exit code.
    Stopped(u8),
    /// Nothing can be written any more.
    Closed(io::Error),
}

/// Taking in what comes from the places.
pub(super) struct Taking<'a> {
    /// What each place came to.
    pub listed: Vec<Listed>,
    /// What is not written yet, of each place.
    pub found: Vec<Vec<Rows>>,
    /// What came, for the completion of a shell.
    pub shown: Shown,
    /// Writes rows in the forms whose rows stand by themselves.
    pub rows: Option<output::Rows<'a>>,
    /// Pages are written as they come.
    pub streams: bool,
    pub outlet: Outlet,
    pub signals: Signals,
}

impl Taking<'_> {
    /// Takes news until the last of them, a signal, or an output that takes nothing more.
    pub(super) async fn until_the_end(
        &mut self,
        news: &mut mpsc::UnboundedReceiver<(usize, News)>,
    ) -> End {
        loop {
            let next = tokio::select! {
                biased;
                code = self.signals.next() => return End::Stopped(code),
                error = self.outlet.failed() => return End::Closed(error),
                next = news.recv() => next,
            };
            let (number, page) = match next {
                None => return End::Done,
                Some((number, News::End(end))) => {
                    self.listed[number].end = end;
                    continue;
                }
                Some((number, page)) => (number, page),
            };
            if let Some(end) = self.take(number, page).await {
                return end;
            }
        }
    }

    /// Writes or keeps a page. The next one is asked for when the reader has taken this one, so that
    /// nothing piles up.
    async fn take(&mut self, number: usize, page: News) -> Option<End> {
        let News::Page {
            rows,
            problems,
            total,
            taken,
        } = page
        else {
            return None;
        };
        let listed = &mut self.listed[number];
        listed.found += rows.count();
        listed.undated += rows.count_undated();
        listed.total = total;
        listed.problems.extend(problems);
        match &rows {
            Rows::Things(jobs) => self.shown.note(jobs.iter().map(|job| &job.reference)),
            Rows::Places(scopes) => self.shown.note(scopes.iter().map(|scope| &scope.scope)),
        }
        match self.rows.as_mut().filter(|_| self.streams) {
            None => self.found[number].push(rows),
            Some(out) => {
                self.outlet.write(part(out, &rows));
                tokio::select! {
                    biased;
                    code = self.signals.next() => return Some(End::Stopped(code)),
                    taken = self.outlet.taken() => if let Err(error) = taken {
                        return Some(End::Closed(error));
                    },
                }
            }
        }
        drop(taken);
        None
    }
}

fn part(out: &mut output::Rows<'_>, rows: &Rows) -> Vec<u8> {
    let mut part = Vec::new();
    let written = match rows {
        Rows::Things(jobs) => out.jobs(&mut part, jobs),
        Rows::Places(scopes) => out.scopes(&mut part, scopes),
    };
    written.expect("memory takes every byte");
    part
}
