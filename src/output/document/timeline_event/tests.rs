use proptest::prelude::*;

use super::*;
use crate::model::Event;

fn at(seconds: i64) -> Option<Time> {
    Time::from_unix(1_700_000_000 + seconds)
}

/// Returns subject, state and seconds of each entry.
fn summarize(job: &Job) -> Vec<(EventSubject, Option<State>, Option<i64>)> {
    let start = at(0).unwrap();
    TimelineEvent::all_of(job)
        .iter()
        .map(|one| {
            let seconds = one.happened_at.map(|at| at.seconds_since(start));
            (one.what, one.state, seconds)
        })
        .collect()
}

/// Returns a job whose only container was killed once, started again and was killed for good.
fn job() -> Job {
    let container = Container {
        name: Some("main".into()),
        state: State::Failed,
        exit_code: Some(137),
        restart_count: Some(1),
        started_at: at(40),
        finished_at: at(90),
        previous: Some(Box::new(Termination {
            state: State::Failed,
            exit_code: Some(1),
            started_at: at(20),
            finished_at: at(30),
            ..Termination::default()
        })),
        ..Container::default()
    };
    let task = Task {
        id: Some("eci-1".into()),
        name: Some("rank-0".into()),
        kind: "container_group".into(),
        state: State::Failed,
        ended: true,
        created_at: at(10),
        finished_at: at(90),
        containers: vec![container],
        ..Task::default()
    };
    Job {
        reference: "aliyun/job/c/5".into(),
        state: State::Failed,
        ended: true,
        created_at: at(0),
        started_at: at(10),
        finished_at: at(91),
        tasks: vec![task],
        events: vec![warning("BackOff", 25, 35), warning("OOMKilling", 90, 90)],
        ..Job::default()
    }
}

fn warning(reason: &str, first: i64, last: i64) -> Event {
    Event {
        level: Some(Level::Warning),
        first_at: at(first),
        last_at: at(last),
        reason: Some(reason.into()),
        task: Some("eci-1".into()),
        ..Event::default()
    }
}

#[test]
fn events_of_a_run_with_a_restart_are_in_time_order() {
    use State::{Failed, Pending, Running};
    assert_eq!(
        summarize(&job()),
        [
            (EventSubject::Job, Some(Pending), Some(0)),
            (EventSubject::Job, Some(Running), Some(10)),
            (EventSubject::Task, Some(Pending), Some(10)),
            (EventSubject::Container, Some(Running), Some(20)),
            (EventSubject::Container, Some(Failed), Some(30)),
            (EventSubject::Event, None, Some(35)),
            (EventSubject::Container, Some(Running), Some(40)),
            (EventSubject::Event, None, Some(90)),
            (EventSubject::Container, Some(Failed), Some(90)),
            (EventSubject::Task, Some(Failed), Some(90)),
            (EventSubject::Job, Some(Failed), Some(91)),
        ]
    );
}

#[test]
fn only_the_problem_that_was_seen_first_is_marked() {
    let all = TimelineEvent::all_of(&job());
    let marked: Vec<_> = all.iter().filter(|one| one.first_bad).collect();
    // This event was last seen after the first failed end.
    assert_eq!(marked.len(), 1);
    assert_eq!(marked[0].reason.as_deref(), Some("BackOff"));
    assert_eq!(all.iter().filter(|one| one.is_problem).count(), 6);
}

#[test]
fn a_container_start_has_its_restart_count_and_task() {
    let all = TimelineEvent::all_of(&job());
    let starts = all
        .iter()
        .filter(|one| one.what == EventSubject::Container && one.state == Some(State::Running));
    let counts: Vec<_> = starts.map(|one| one.restart_count).collect();
    assert_eq!(counts, [None, Some(1)]);
    for one in all.iter().filter(|one| one.what != EventSubject::Job) {
        let task = (one.task.as_deref(), one.task_name.as_deref());
        assert_eq!(task, (Some("eci-1"), Some("rank-0")), "{one:?}");
    }
}

#[test]
fn a_creation_in_the_same_second_as_the_start_is_not_reported() {
    let job = Job {
        created_at: Time::from_rfc3339("2026-01-02T03:04:05.1Z"),
        started_at: Time::from_rfc3339("2026-01-02T03:04:05.9Z"),
        ..Job::default()
    };
    let all = TimelineEvent::all_of(&job);
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].state, Some(State::Running));
}

#[test]
fn an_undated_end_comes_last_and_an_undated_success_of_a_task_is_left_out() {
    let mut job = job();
    job.finished_at = None;
    job.tasks[0].finished_at = None;
    let good = Task {
        state: State::Succeeded,
        ended: true,
        ..Task::default()
    };
    job.tasks.push(good);
    let text = summarize(&job);
    assert_eq!(
        text[text.len() - 2..],
        [
            (EventSubject::Task, Some(State::Failed), None),
            (EventSubject::Job, Some(State::Failed), None),
        ]
    );
    assert_eq!(text.len(), 11);
}

#[test]
fn an_end_without_a_reported_state_is_unknown_and_not_a_problem() {
    let job = Job {
        ended: true,
        finished_at: at(5),
        ..Job::default()
    };
    let all = TimelineEvent::all_of(&job);
    assert_eq!(
        (all[0].state, all[0].is_problem),
        (Some(State::Unknown), false)
    );
}

#[test]
fn an_active_job_has_no_end_event() {
    let job = Job {
        state: State::Running,
        created_at: at(0),
        started_at: at(5),
        ..Job::default()
    };
    assert_eq!(summarize(&job).len(), 2);
}

#[test]
fn tasks_with_one_name_are_distinguished_by_their_ids() {
    let task = |id: &str, name: &str| Task {
        id: Some(id.into()),
        name: Some(name.into()),
        created_at: at(0),
        ..Task::default()
    };
    let job = Job {
        tasks: vec![
            task("10_1", "sweep"),
            task("10_2", "sweep"),
            task("10_3", "last"),
        ],
        ..Job::default()
    };
    let all = TimelineEvent::all_of(&job);
    let names: Vec<_> = all.iter().map(|one| one.object.name.as_deref()).collect();
    assert_eq!(names, [Some("10_1"), Some("10_2"), Some("last")]);
    assert_eq!(all[0].task_name, None);
}

fn moment() -> impl Strategy<Value = Option<Time>> {
    proptest::option::of((-300_i64..300).prop_map(|seconds| at(seconds).unwrap()))
}

fn event() -> impl Strategy<Value = Event> {
    let level = prop_oneof![
        Just(None),
        Just(Some(Level::Normal)),
        Just(Some(Level::Warning))
    ];
    let count = proptest::option::of(any::<u64>());
    (level, moment(), moment(), count).prop_map(|(level, first_at, last_at, count)| Event {
        level,
        first_at,
        last_at,
        count,
        ..Event::default()
    })
}

fn state() -> impl Strategy<Value = State> {
    proptest::sample::select(State::ALL.to_vec())
}

fn container() -> impl Strategy<Value = Container> {
    (state(), moment(), moment(), any::<bool>()).prop_map(
        |(state, started_at, finished_at, init)| Container {
            state,
            started_at,
            finished_at,
            init,
            ..Container::default()
        },
    )
}

fn task() -> impl Strategy<Value = Task> {
    let containers = proptest::collection::vec(container(), 0..4);
    (state(), moment(), moment(), containers).prop_map(
        |(state, created_at, finished_at, containers)| Task {
            state,
            created_at,
            finished_at,
            containers,
            ..Task::default()
        },
    )
}

/// Returns a job with these events as a kind reports them: message, first and last second, nanoseconds of the record.
fn job_with(events: &[(&str, i64, i64, Option<u32>)]) -> Job {
    let event = |(message, first, last, nanoseconds): &(&str, i64, i64, Option<u32>)| {
        let recorded = |nanos| {
            let second = at(*first)?.to_datetime().timestamp();
            Time::new(chrono::DateTime::from_timestamp(second, nanos)?)
        };
        Event {
            message: Some((*message).to_owned()),
            level: Some(Level::Warning),
            recorded_at: nanoseconds.and_then(recorded),
            first_at: at(*first),
            last_at: at(*last),
            ..Event::default()
        }
    };
    let mut job = Job {
        events: events.iter().map(event).collect(),
        ..Job::default()
    };
    job.finalize(at(100).unwrap());
    job
}

#[test]
fn events_of_one_second_are_in_the_order_in_which_they_were_recorded() {
    let mut job = job_with(&[
        ("BackOff", 5, 5, Some(400)),
        ("Failed", 5, 5, Some(300)),
        ("Created", 4, 5, Some(999)),
        ("Killing", 6, 6, Some(1)),
        ("Scheduled", 5, 5, Some(100)),
    ]);
    // The time of the API has a fraction, the times of the other events do not.
    let scheduled = job
        .events
        .iter_mut()
        .find(|one| one.message.as_deref() == Some("Scheduled"));
    scheduled.unwrap().last_at =
        Time::new(at(5).unwrap().to_datetime() + chrono::TimeDelta::nanoseconds(100));
    job.finalize(at(100).unwrap());
    let newest_first: Vec<_> = job
        .events
        .iter()
        .filter_map(|one| one.message.clone())
        .collect();
    assert_eq!(
        newest_first,
        ["Killing", "BackOff", "Failed", "Scheduled", "Created"]
    );
    let timeline = TimelineEvent::all_of(&job);
    let oldest_first = timeline.iter().filter_map(|one| one.message.as_ref());
    assert!(oldest_first.eq(newest_first.iter().rev()));
    assert_eq!(first_problem(&job).as_deref(), Some("Created"));
}

fn first_problem(job: &Job) -> Option<String> {
    let mut all = TimelineEvent::all_of(job).into_iter();
    all.find(|one| one.first_bad)?.message
}

#[test]
fn the_first_problem_of_a_second_is_the_one_that_was_recorded_first() {
    let job = job_with(&[("BackOff", 5, 5, Some(400)), ("Failed", 5, 9, Some(300))]);
    assert_eq!(first_problem(&job).as_deref(), Some("Failed"));
    let unknown = job_with(&[("Failed", 5, 9, None), ("BackOff", 5, 5, None)]);
    assert_eq!(first_problem(&unknown).as_deref(), Some("BackOff"));
}

proptest! {
    #[test]
    fn any_timeline_is_sorted_marks_one_problem_and_loses_no_event(
        events in proptest::collection::vec(event(), 0..20),
        tasks in proptest::collection::vec(task(), 0..4),
        state in state(),
        times in (moment(), moment(), moment()),
        ended: bool,
    ) {
        let mut job = Job {
            events, tasks, state, ended,
            created_at: times.0, started_at: times.1, finished_at: times.2,
            ..Job::default()
        };
        for (number, event) in job.events.iter_mut().enumerate() {
            event.message = Some(number.to_string());
        }
        let all = TimelineEvent::all_of(&job);
        let keys: Vec<_> = all.iter().map(|one| (one.happened_at.is_none(), one.happened_at)).collect();
        prop_assert!(keys.is_sorted(), "{keys:?}");
        let bad = all.iter().filter(|one| one.is_problem).count();
        prop_assert_eq!(all.iter().filter(|one| one.first_bad).count(), bad.min(1));
        let mut kept: Vec<usize> = all
            .iter()
            .filter(|one| one.what == EventSubject::Event)
            .map(|one| one.message.as_deref().unwrap().parse().unwrap())
            .collect();
        kept.sort_unstable();
        prop_assert_eq!(kept, (0..job.events.len()).collect::<Vec<_>>());
    }
}
