//! Tests which log is printed in place of one that cannot be read.

use super::*;

/// Returns a job with tasks of these states, the first of which has failed and ended.
fn job_with(states: &[State]) -> Job {
    let tasks = [("a", "main", false, State::Failed)].into_iter();
    let others = states.iter().zip(["b", "c", "d"]);
    let others = others.map(|(state, id)| (id, "main", false, *state));
    let mut job = job(&tasks.chain(others).collect::<Vec<_>>());
    job.state = State::Running;
    job.tasks[0].state = State::Failed;
    job.tasks[0].ended = true;
    job
}

fn substitute(job: &Job, choice: LogSelection<'_>) -> Option<String> {
    let sources = LogSource::of_job(job);
    let found = choice.substitute(job, &sources[1..], &sources[0]);
    found.map(|source| label(&source))
}

#[test]
fn a_log_that_cannot_be_read_is_replaced_by_that_of_a_running_task() {
    let any = LogSelection::default();
    let running = job_with(&[State::Pending, State::Running]);
    assert_eq!(substitute(&running, any), Some("c/main".to_owned()));
    for choice in [
        LogSelection {
            task: Some("a"),
            ..any
        },
        LogSelection {
            container: Some("main"),
            ..any
        },
        LogSelection { all: true, ..any },
        LogSelection {
            previous: true,
            ..any
        },
    ] {
        assert_eq!(substitute(&running, choice), None, "{choice:?}");
    }
    assert_eq!(substitute(&job_with(&[State::Pending]), any), None);
    let mut ended = running.clone();
    ended.ended = true;
    assert_eq!(substitute(&ended, any), None);
    let mut active = running;
    active.tasks[0].ended = false;
    assert_eq!(substitute(&active, any), None);
}
