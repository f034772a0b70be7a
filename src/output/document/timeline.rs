use std::collections::HashSet;

use schemars::JsonSchema;
use serde::Serialize;

use super::timeline_event::{self, TimelineEvent};
use super::{Envelope, Exit};
use crate::error::{Problem, exit_code};
use crate::model::{Job, Notice, NoticeCode, Since};

/// A timeline: what happened to resources, and what could not be read.
pub type Timeline = Envelope<TimelineContent>;

/// The content of a timeline.
#[derive(Debug, Clone, Default, JsonSchema, Serialize)]
pub struct TimelineContent {
    /// All events of all references, oldest first; entries without a time come last. Events of the same second are
    /// in the order in which they happened, as far as the cloud reports it.
    pub events: Vec<TimelineEvent>,
    /// The references that were read; those that failed come last.
    #[serde(skip)]
    pub references: Vec<String>,
}

impl Timeline {
    /// Creates the timeline of the jobs that were read. Entries of several jobs at the
    /// same time are in the order of `jobs`.
    pub fn from_jobs(
        command: &'static str,
        jobs: &[Job],
        errors: Vec<Problem>,
        notices: Vec<Notice>,
    ) -> Self {
        let mut events: Vec<TimelineEvent> = jobs.iter().flat_map(TimelineEvent::all_of).collect();
        timeline_event::sort(&mut events);
        let found = jobs.iter().map(|job| job.reference.clone());
        let failed = errors.iter().filter_map(|one| one.reference.clone());
        let content = TimelineContent {
            events,
            references: found.chain(failed).collect(),
        };
        let mut timeline = Self::of(command, content, jobs.len(), errors, notices);
        timeline.coverage.complete &= !jobs.iter().any(|job| job.events_unreadable);
        for job in jobs {
            timeline.add_events_error(job);
        }
        timeline
    }

    /// Adds the error of a job whose events could not all be read since a request failed, in place of its notice.
    fn add_events_error(&mut self, job: &Job) {
        let (Some(problem), Some(error)) = (&job.events_problem, job.events_error()) else {
            return;
        };
        self.notices.retain(|notice| {
            let texts = [&job.reference, &problem.message];
            let is_repeated = texts.iter().all(|text| notice.message.contains(*text));
            notice.code != NoticeCode::PartsUnread || !is_repeated
        });
        self.errors.push(error);
        self.exit = Exit::new(exit_code::of(&self.errors));
    }

    /// Removes the entries that do not match the filter.
    pub fn retain(&mut self, filter: &EventFilter) {
        self.content.events.retain(|one| filter.matches(one));
    }

    /// Returns the references of the resources with entries, without duplicates, in the order of their first entry.
    pub fn affected_references(&self) -> Vec<&str> {
        let mut known = HashSet::new();
        self.content
            .events
            .iter()
            .map(|one| one.reference.as_str())
            .filter(|reference| known.insert(*reference))
            .collect()
    }
}

/// Selects timeline entries; the default selects all.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only failed ends, warnings, and events whose level is missing or unknown.
    pub bad_only: bool,
    /// Only entries last seen at this time or later, and those without a time, which need not be older.
    pub since: Option<Since>,
}

impl EventFilter {
    /// Returns `true` if an entry is selected.
    pub fn matches(&self, event: &TimelineEvent) -> bool {
        let is_old = self
            .since
            .as_ref()
            .zip(event.happened_at)
            .is_some_and(|(since, at)| at < since.time());
        (event.may_be_problem() || !self.bad_only) && !is_old
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Category;
    use crate::model::{Event, Level, State, Time};

    fn at(seconds: i64) -> Option<Time> {
        Time::from_unix(1_700_000_000 + seconds)
    }

    fn job(reference: &str, created: i64, failed: i64) -> Job {
        Job {
            reference: reference.to_owned(),
            state: State::Failed,
            ended: true,
            created_at: at(created),
            finished_at: at(failed),
            events: vec![Event {
                level: Some(Level::Normal),
                ..Event::default()
            }],
            ..Job::default()
        }
    }

    #[test]
    fn events_that_could_not_be_read_make_a_timeline_incomplete() {
        let mut job = job("aliyun/job/c/5", 0, 9);
        for is_unreadable in [false, true] {
            job.events_unreadable = is_unreadable;
            let jobs = std::slice::from_ref(&job);
            let timeline = Timeline::from_jobs("events", jobs, Vec::new(), Vec::new());
            assert_eq!(timeline.coverage.complete, !is_unreadable);
            assert_eq!(timeline.incomplete().is_some(), is_unreadable);
            assert_eq!(timeline.exit.code, 0);
        }
    }

    #[test]
    fn a_failed_request_for_events_is_an_error_next_to_the_job_in_place_of_its_notice() {
        let failed = Problem::new(Category::PermissionDenied, "events is forbidden");
        let jobs = [Job {
            events_unreadable: true,
            events_problem: Some(Box::new(failed)),
            ..job("kubernetes/pod/t/a", 0, 9)
        }];
        let note = |text: &str| Notice::new(NoticeCode::PartsUnread, text);
        let repeated = note("cannot read the events of kubernetes/pod/t/a: events is forbidden");
        let other = note("cannot read the pods of kubernetes/pod/t/a: timed out");
        let notices = vec![repeated, other.clone()];
        let timeline = Timeline::from_jobs("events", &jobs, Vec::new(), notices);
        assert_eq!((timeline.exit.code, &timeline.notices), (4, &vec![other]));
        let coverage = timeline.coverage;
        assert_eq!(
            (coverage.requested, coverage.answered, coverage.complete),
            (1, 1, false)
        );
        let error = &timeline.errors[0];
        assert_eq!(error.reference.as_deref(), Some("kubernetes/pod/t/a"));
        assert_eq!(error.message, "cannot read its events: events is forbidden");
        let reason = timeline.incomplete();
        assert_eq!(reason.as_deref(), Some("events could not be read"));
        assert_eq!(timeline.content.events.len(), 3);
    }

    fn summarize(timeline: &Timeline) -> Vec<(&str, Option<State>)> {
        let events = timeline.content.events.iter();
        events
            .map(|one| (one.reference.as_str(), one.state))
            .collect()
    }

    #[test]
    fn merges_jobs_by_time_and_by_their_order_at_the_same_time() {
        let jobs = [job("b", 5, 30), job("a", 0, 30)];
        let timeline = Timeline::from_jobs("events", &jobs, vec![], vec![]);
        assert_eq!(
            summarize(&timeline),
            [
                ("a", Some(State::Pending)),
                ("b", Some(State::Pending)),
                ("b", Some(State::Failed)),
                ("a", Some(State::Failed)),
                ("b", None),
                ("a", None),
            ]
        );
        let marked = timeline
            .content
            .events
            .iter()
            .filter(|one| one.first_bad)
            .count();
        assert_eq!(marked, 2, "one for each reference");
        assert_eq!(timeline.affected_references(), ["a", "b"]);
    }

    #[test]
    fn a_time_filter_keeps_undated_events_and_a_problem_filter_only_problems() {
        let jobs = [job("a", 0, 30)];
        let kept = |bad_only, since: Option<Time>| {
            let since = since.map(Since::from);
            let mut timeline = Timeline::from_jobs("events", &jobs, vec![], vec![]);
            timeline.retain(&EventFilter { bad_only, since });
            timeline
                .content
                .events
                .iter()
                .map(|one| one.state)
                .collect::<Vec<_>>()
        };
        assert_eq!(kept(false, at(30)), [Some(State::Failed), None]);
        assert_eq!(kept(false, at(31)), [None]);
        assert_eq!(kept(true, None), [Some(State::Failed)]);
    }

    #[test]
    fn a_problem_filter_keeps_events_whose_level_is_missing_or_unknown() {
        let event = |level: Option<Level>, word: Option<&str>| Event {
            level,
            level_raw: word.map(str::to_owned),
            message: Some(word.unwrap_or("none").to_owned()),
            ..Event::default()
        };
        let mut job = job("kubernetes/job/t/a", 0, 30);
        job.events = vec![
            event(Some(Level::Normal), Some("Normal")),
            event(None, None),
            event(None, Some("Alert")),
            event(Some(Level::Warning), Some("Warning")),
        ];
        let mut timeline = Timeline::from_jobs("events", &[job], vec![], vec![]);
        timeline.retain(&EventFilter {
            bad_only: true,
            since: None,
        });
        let events = timeline.content.events.iter();
        let kept = events.filter_map(|one| Some((one.message.as_deref()?, one.is_problem)));
        let mut kept: Vec<_> = kept.collect();
        kept.sort_unstable();
        assert_eq!(kept, [("Alert", false), ("Warning", true), ("none", false)]);
    }

    #[test]
    fn coverage_and_exit_code_report_a_failed_reference() {
        let problems = vec![Problem::new(Category::NotFound, "no such job")];
        let timeline = Timeline::from_jobs("events", &[job("a", 0, 1)], problems, vec![]);
        let coverage = timeline.coverage;
        assert_eq!(
            (coverage.requested, coverage.answered, coverage.complete),
            (2, 1, false)
        );
        assert_eq!(timeline.exit.code, 3);
        let json = serde_json::to_value(&timeline).unwrap();
        assert!(json["gate"].is_null() && json.get("jobs").is_none());
    }
}
