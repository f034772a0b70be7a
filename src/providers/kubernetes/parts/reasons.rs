//! Finds the reason of a waiting job in its events.

use crate::model::{Event, Job, Level, Reason, State};

/// Reasons of warnings that explain why no pod was created, or why one has no node.
const NOT_PLACED: [&str; 2] = ["FailedCreate", "FailedScheduling"];

/// Reasons of warnings that explain why a pod with a node does not start.
const NOT_STARTED: [&str; 7] = [
    "BackOff",
    "ErrImageNeverPull",
    "Failed",
    "FailedAttachVolume",
    "FailedCreatePodSandBox",
    "FailedMount",
    "InspectFailed",
];

/// Reasons of events after which earlier warnings about the same object explain nothing.
const PROGRESS: [&str; 5] = [
    "Created",
    "Pulled",
    "Scheduled",
    "Started",
    "SuccessfulCreate",
];

/// Sets the reason of a waiting job without one to that of a warning: the newest one that explains the
/// waiting, or else the newest event, if it is a warning.
pub(super) fn explain_by_events(job: &mut Job) {
    if job.reason.is_some() || !matches!(job.state, State::Pending | State::Starting) {
        return;
    }
    let order = |event: &&Event| (event.happened_at(), event.recorded_at);
    let explaining = job.events.iter().filter(|event| explains(job, event));
    let newest = || {
        let newest = job.events.iter().max_by_key(order);
        newest.filter(|event| event.level == Some(Level::Warning))
    };
    let warning = explaining.max_by_key(order).or_else(newest);
    if let Some((reason, message)) =
        warning.map(|event| (event.reason.clone(), event.message.clone()))
    {
        (job.reason, job.message) = (reason.map(Reason::from), message);
    }
}

/// Returns `true` for a warning that explains why the job waits in its state, unless its object made progress
/// since.
fn explains(job: &Job, event: &Event) -> bool {
    let reason = event.reason.as_deref().unwrap_or_default();
    let is_about_start = job.state == State::Starting && NOT_STARTED.contains(&reason);
    let went_on = |later: &Event| {
        let reason = later.reason.as_deref().unwrap_or_default();
        PROGRESS.contains(&reason) && later.object == event.object && later.last_at >= event.last_at
    };
    event.level == Some(Level::Warning)
        && (is_about_start || NOT_PLACED.contains(&reason))
        && !job.events.iter().any(went_on)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Object, Time};

    fn event(level: Level, name: &str, reason: &str, minute: i64) -> Event {
        Event {
            level: Some(level),
            reason: Some(reason.to_owned()),
            last_at: Time::from_unix(60 * minute),
            object: Object {
                kind: Some("Pod".to_owned()),
                name: Some(name.to_owned()),
            },
            ..Event::default()
        }
    }

    fn reason(state: State, events: Vec<Event>) -> Option<String> {
        let mut job = Job {
            state,
            events,
            ..Job::default()
        };
        explain_by_events(&mut job);
        job.reason.map(String::from)
    }

    #[test]
    fn the_reason_is_the_newest_warning_that_explains_the_wait() {
        use Level::{Normal, Warning};
        let unplaced = || event(Warning, "a", "FailedScheduling", 1);
        for (state, events, expected) in [
            (
                State::Pending,
                vec![event(Warning, "a", "DNSConfigForming", 2), unplaced()],
                Some("FailedScheduling"),
            ),
            (
                State::Pending,
                vec![event(Normal, "a", "NotTriggerScaleUp", 2), unplaced()],
                Some("FailedScheduling"),
            ),
            (
                State::Pending,
                vec![event(Normal, "b", "Scheduled", 2), unplaced()],
                Some("FailedScheduling"),
            ),
            (
                State::Starting,
                vec![event(Normal, "a", "Scheduled", 2), unplaced()],
                None,
            ),
            (
                State::Starting,
                vec![
                    unplaced(),
                    event(Normal, "a", "Scheduled", 2),
                    event(Warning, "a", "FailedMount", 3),
                    event(Warning, "a", "DNSConfigForming", 4),
                ],
                Some("FailedMount"),
            ),
            (
                State::Pending,
                vec![
                    event(Warning, "a", "FailedMount", 1),
                    event(Warning, "a", "Other", 2),
                ],
                Some("Other"),
            ),
            (State::Running, vec![unplaced()], None),
        ] {
            let shown: Vec<_> = events.iter().map(|one| one.reason.clone()).collect();
            let reason = reason(state, events);
            assert_eq!(reason.as_deref(), expected, "{state} {shown:?}");
        }
    }

    #[test]
    fn a_warning_does_not_replace_an_existing_reason() {
        let mut job = Job {
            state: State::Pending,
            reason: Some("Unschedulable".into()),
            events: vec![event(Level::Warning, "a", "FailedScheduling", 1)],
            ..Job::default()
        };
        explain_by_events(&mut job);
        assert_eq!(job.reason.as_deref(), Some("Unschedulable"));
    }
}
