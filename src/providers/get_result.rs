//! Helpers for lookups: remembers the lists that a cloud rejects, and reports failed requests for parts of a job.

use std::sync::Mutex;

use super::api::Decoded;
use super::list::is_list_unavailable;
use super::{GetResult, RequestOptions, states};
use crate::error::{Category, Problem};
use crate::kind::{Kind, KindFlag};
use crate::model::{Notice, NoticeCode};
use crate::sync::lock;

/// Flag of the kinds whose state words for an ended job do not show the outcome.
pub(super) const TRUST_FINISHED: KindFlag = KindFlag {
    name: "trust-finished",
    help: "Treat a finished job as succeeded when its exit codes are unavailable",
};

/// The kinds whose lists the cloud has rejected. Their lists are not requested again.
#[derive(Debug, Default)]
pub(super) struct RejectedLists(Mutex<Vec<&'static Kind>>);

impl RejectedLists {
    pub fn contains(&self, kind: &Kind) -> bool {
        lock(&self.0).contains(&kind)
    }

    /// Records that the list of a kind was rejected. Returns `true` if its jobs should be looked up one by one
    /// instead.
    pub fn record(&self, kind: &'static Kind, problem: &Problem) -> bool {
        if !is_list_unavailable(problem) {
            return false;
        }
        // `not_found` can be about a single job.
        if problem.category != Category::NotFound {
            lock(&self.0).push(kind);
        }
        true
    }
}

impl GetResult {
    /// Returns a part of the job, such as `the events`, from an additional request; `None`, with a notice, if the
    /// request failed.
    pub(super) fn part<T>(
        &mut self,
        part_name: &str,
        response: Result<Decoded<T>, Problem>,
    ) -> Option<T> {
        self.part_or(NoticeCode::PartsUnread, part_name, response)
    }

    /// Like [`GetResult::part`], for the events of the job. Marks that events may be missing if the call failed.
    pub(super) fn events_part<T>(&mut self, response: Result<Decoded<T>, Problem>) -> Option<T> {
        if let Err(problem) = &response {
            self.mark_events_unread(problem);
        }
        self.part("the events", response)
    }

    /// Marks that events may be missing since a request failed. The first of several errors is kept.
    pub(super) fn mark_events_unread(&mut self, problem: &Problem) {
        self.job.events_unreadable = true;
        let kept = &mut self.job.events_problem;
        kept.get_or_insert_with(|| Box::new(problem.clone()));
    }

    /// Like [`GetResult::part`], with another code for the notice.
    pub(super) fn part_or<T>(
        &mut self,
        code: NoticeCode,
        part_name: &str,
        response: Result<Decoded<T>, Problem>,
    ) -> Option<T> {
        match response {
            Ok(part) => {
                // A notice that applies to many parts is reported once.
                let new = part.unreadable.filter(|new| !self.notices.contains(new));
                self.notices.extend(new);
                Some(part.data)
            }
            Err(problem) => {
                let (reference, reason) = (&self.job.reference, summarize(&problem));
                self.note(
                    code,
                    format!("cannot read {part_name} of {reference}: {reason}"),
                );
                None
            }
        }
    }

    /// Like [`GetResult::part_or`], for a part that can show that a job failed although the cloud reports
    /// success. With [`TRUST_FINISHED`], the cloud's state is accepted if the part can never be read.
    pub(super) fn required_part<T>(
        &mut self,
        options: &RequestOptions,
        code: NoticeCode,
        part_name: &str,
        response: Result<Decoded<T>, Problem>,
    ) -> Option<T> {
        let category = response.as_ref().err().map(|problem| problem.category);
        let trusts = options.has_flag(&TRUST_FINISHED);
        let cause = category.filter(|category| !trusts || !states::is_permanent(*category));
        self.job.unread_cause = self.job.unread_cause.or(cause);
        self.part_or(code, part_name, response)
    }

    /// Adds a notice, unless the same one exists.
    pub(super) fn note(&mut self, code: NoticeCode, message: String) {
        let notice = Notice::new(code, message);
        if !self.notices.contains(&notice) {
            self.notices.push(notice);
        }
    }

    /// Returns the events of a response. If they cannot be read, adds a notice and marks that warnings may be
    /// missing.
    pub(super) fn events<T>(&mut self, rows: Result<Vec<T>, String>) -> Vec<T> {
        rows.unwrap_or_else(|expected| {
            let reason = format!("expected {expected}");
            let reference = &self.job.reference;
            let text = format!("cannot read the events of {reference}: {reason}");
            self.mark_events_unread(&Problem::new(Category::InvalidResponse, reason));
            self.note(NoticeCode::PartsUnread, text);
            Vec::new()
        })
    }

    /// Returns `true` unless a part could not be read.
    pub(super) fn is_complete(&self) -> bool {
        let mut codes = self.notices.iter().map(|notice| notice.code);
        codes.all(|code| code != NoticeCode::PartsUnread)
    }
}

/// Describes a failed request in one line: operation, the cloud's code, message and hint.
pub(super) fn summarize(problem: &Problem) -> String {
    let operation = problem.operation.as_ref();
    let operation = operation.map_or_else(String::new, |operation| format!("{operation}: "));
    let code = problem.code.as_deref();
    let code = code.unwrap_or_else(|| problem.category.as_str());
    let hint = problem.hint.as_ref();
    let hint = hint.map_or_else(String::new, |hint| format!("; {hint}"));
    format!("{operation}{code}: {}{hint}", problem.message)
}
