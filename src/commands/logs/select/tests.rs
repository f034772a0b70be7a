mod index;
mod lost;

use super::*;
use crate::model::{Container, Time};

fn job(states: &[(&str, &str, bool, State)]) -> Job {
    let task = |(task, container, init, state): &(&str, &str, bool, State)| Task {
        id: Some((*task).to_owned()),
        name: Some(format!("name of {task}")),
        containers: vec![Container {
            name: Some((*container).to_owned()),
            init: *init,
            state: *state,
            ..Container::default()
        }],
        ..Task::default()
    };
    Job {
        tasks: states.iter().map(task).collect(),
        ..Job::default()
    }
}

fn chosen(job: &Job, choice: LogSelection<'_>) -> Result<Vec<String>, String> {
    let found = choice.of(job, LogSource::of_job(job));
    let (sources, _) = found.map_err(|problem| problem.hint.unwrap_or_default())?;
    Ok(sources.iter().map(label).collect())
}

#[test]
fn the_failed_container_or_else_the_first_running_main_one_is_chosen() {
    let running = job(&[
        ("a", "init", true, State::Succeeded),
        ("b", "main", false, State::Running),
    ]);
    assert_eq!(
        chosen(&running, LogSelection::default()),
        Ok(vec!["b/main".to_owned()])
    );
    let waiting = job(&[
        ("a", "main", false, State::Pending),
        ("b", "main", false, State::Running),
    ]);
    assert_eq!(
        chosen(&waiting, LogSelection::default()),
        Ok(vec!["b/main".to_owned()])
    );
    let failed = job(&[
        ("a", "main", false, State::Succeeded),
        ("b", "main", false, State::Failed),
    ]);
    assert_eq!(
        chosen(&failed, LogSelection::default()),
        Ok(vec!["b/main".to_owned()])
    );
    let all = LogSelection {
        all: true,
        ..LogSelection::default()
    };
    assert_eq!(
        chosen(&failed, all),
        Ok(vec!["a/main".to_owned(), "b/main".to_owned()])
    );
}

#[test]
fn a_container_that_waits_for_its_restart_is_chosen_while_the_job_runs() {
    let mut job = job(&[
        ("a", "main", false, State::Running),
        ("b", "fetch", true, State::Pending),
        ("b", "side", false, State::Pending),
        ("b", "main", false, State::Pending),
    ]);
    job.state = State::Running;
    for at in 1..4 {
        job.tasks[at].containers[0].restart_count = Some(if at == 3 { 0 } else { 5 });
    }
    job.tasks[2].containers[0].is_sidecar = true;
    let first = |job: &Job| chosen(job, LogSelection::default()).unwrap().remove(0);
    assert_eq!(first(&job), "b/fetch");
    job.tasks[1].containers[0].restart_count = Some(0);
    assert_eq!(first(&job), "a/main");
    job.tasks[3].containers[0].restart_count = Some(5);
    assert_eq!(first(&job), "b/main");
    job.ended = true;
    assert_eq!(first(&job), "a/main");
}

#[test]
fn the_main_container_is_followed_after_an_init_container_that_succeeds() {
    let at = |state| {
        let mut job = job(&[("a", "fetch", true, state)]);
        let main = Container {
            name: Some("main".to_owned()),
            state: State::Starting,
            ..Container::default()
        };
        job.tasks[0].containers.push(main);
        job
    };
    let next = |state, choice: LogSelection<'_>| {
        let (job, sources) = (at(state), LogSource::of_job(&at(state)));
        let found = choice.replacement(&job, &sources, &sources[0]);
        found.map(|source| label(&source))
    };
    let any = LogSelection::default();
    assert_eq!(next(State::Succeeded, any), Some("a/main".to_owned()));
    assert_eq!(next(State::Pending, any), None);
    let container = Some("fetch");
    assert_eq!(
        next(State::Succeeded, LogSelection { container, ..any }),
        None
    );
}

/// Returns the log that is followed after the first one, of a task with containers in these states. The names of init
/// containers begin with `fetch`.
fn next_after_first(containers: &[(&str, State)]) -> Option<String> {
    let mut job = job(&[]);
    let container = |(name, state): &(&str, State)| Container {
        name: Some((*name).to_owned()),
        init: name.starts_with("fetch"),
        state: *state,
        ..Container::default()
    };
    job.tasks.push(Task {
        id: Some("a".to_owned()),
        containers: containers.iter().map(container).collect(),
        ..Task::default()
    });
    let sources = LogSource::of_job(&job);
    let next = LogSelection::default().replacement(&job, &sources, &sources[0]);
    next.and_then(|source| source.container)
}

#[test]
fn the_next_init_container_is_followed_before_a_main_one_that_has_not_started() {
    use State::{Failed, Pending, Running, Starting, Succeeded};
    for (second, main, next) in [
        (Running, Pending, "fetch2"),
        (Pending, Pending, "fetch2"),
        (Starting, Starting, "fetch2"),
        (Failed, Pending, "fetch2"),
        (Succeeded, Pending, "main"),
        (Succeeded, Running, "main"),
        (Pending, Running, "main"),
    ] {
        let states = [("fetch1", Succeeded), ("fetch2", second), ("main", main)];
        let found = next_after_first(&states);
        assert_eq!(found.as_deref(), Some(next), "{second} {main}");
    }
    let states = [
        ("fetch1", Succeeded),
        ("fetch2", Succeeded),
        ("fetch3", Running),
        ("main", Pending),
    ];
    assert_eq!(next_after_first(&states).as_deref(), Some("fetch3"));
}

#[test]
fn an_init_container_before_the_followed_one_is_never_followed_again() {
    let job = job(&[
        ("a", "fetch1", true, State::Succeeded),
        ("a", "fetch2", true, State::Succeeded),
    ]);
    let sources = LogSource::of_job(&job);
    let next = |at: usize| {
        let found = LogSelection::default().replacement(&job, &sources, &sources[at]);
        found.map(|source| label(&source))
    };
    assert_eq!(next(0), Some("a/fetch2".to_owned()));
    assert_eq!(next(1), None);
}

#[test]
fn the_log_of_the_last_failure_is_chosen_unless_the_job_succeeded() {
    let mut job = job(&[
        ("a", "main", false, State::Failed),
        ("b", "main", false, State::Failed),
    ]);
    for (task, time) in job.tasks.iter_mut().zip(["00:00:00", "00:00:09"]) {
        task.state = State::Failed;
        task.created_at = Time::from_rfc3339(&format!("2026-11-27T{time}Z"));
    }
    let first = |job: &Job, choice| chosen(job, choice).unwrap().remove(0);
    assert_eq!(first(&job, LogSelection::default()), "b/main");
    job.tasks[1].containers[0].is_sidecar = true;
    assert_eq!(first(&job, LogSelection::default()), "a/main");
    job.tasks[1].containers[0] = Container {
        name: Some("main".to_owned()),
        state: State::Succeeded,
        restart_count: Some(2),
        ..Container::default()
    };
    let previous = LogSelection {
        previous: true,
        ..LogSelection::default()
    };
    assert_eq!(first(&job, previous), "b/main");
    assert_eq!(first(&job, LogSelection::default()), "a/main");
    job.state = State::Succeeded;
    assert_eq!(first(&job, LogSelection::default()), "b/main");
}

#[test]
fn tasks_are_selected_by_id_or_name_and_an_unknown_one_lists_the_known() {
    let job = job(&[
        ("a", "main", false, State::Running),
        ("b", "side", false, State::Running),
    ]);
    for task in ["b", "name of b"] {
        let choice = LogSelection {
            task: Some(task),
            ..LogSelection::default()
        };
        assert_eq!(chosen(&job, choice), Ok(vec!["b/side".to_owned()]));
    }
    let container = LogSelection {
        container: Some("side"),
        ..LogSelection::default()
    };
    assert_eq!(chosen(&job, container), Ok(vec!["b/side".to_owned()]));
    let wrong = LogSelection {
        task: Some("c"),
        ..LogSelection::default()
    };
    assert_eq!(chosen(&job, wrong), Err("tasks: a, b".to_owned()));
    let wrong = LogSelection {
        container: Some("c"),
        ..LogSelection::default()
    };
    assert_eq!(
        chosen(&job, wrong),
        Err("containers: main, side".to_owned())
    );
}

#[test]
fn a_task_is_selected_by_a_unique_suffix_of_its_id() {
    let ids = [
        "run-1-worker-1",
        "run-1-worker-11",
        "run-1-ps-0",
        "run-2-ps-0",
    ];
    let tasks = ids.map(|id| (id, "main", false, State::Running));
    let job = job(&tasks);
    let found = |task| {
        let task = Some(task);
        chosen(
            &job,
            LogSelection {
                task,
                ..LogSelection::default()
            },
        )
    };
    assert_eq!(
        found("worker-1"),
        Ok(vec!["run-1-worker-1/main".to_owned()])
    );
    assert!(found("ps-0").is_err() && found("orker-1").is_err());
}

#[test]
fn a_removed_log_is_replaced_by_the_log_that_is_chosen_by_default() {
    let before = job(&[("a", "main", false, State::Running)]);
    let after = job(&[
        ("b", "init", true, State::Succeeded),
        ("c", "main", false, State::Running),
    ]);
    let followed = &LogSource::of_job(&before)[0];
    let replacement = |job: &Job, choice: LogSelection<'_>| {
        let found = choice.replacement(job, &LogSource::of_job(job), followed);
        found.map(|source| label(&source))
    };
    let choice = LogSelection::default();
    assert_eq!(replacement(&before, choice), None);
    assert_eq!(replacement(&after, choice), Some("c/main".to_owned()));
    let task = Some("a");
    assert_eq!(replacement(&after, LogSelection { task, ..choice }), None);
    let all = true;
    assert_eq!(replacement(&after, LogSelection { all, ..choice }), None);
}

#[test]
fn a_failed_task_is_replaced_by_a_task_created_later() {
    let task = |id: &str, state: State, created_at: &str| Task {
        id: Some(id.to_owned()),
        state,
        ended: state.is_end(),
        created_at: Time::from_rfc3339(created_at),
        ..Task::default()
    };
    let early = "2026-11-27T00:00:00Z";
    let late = "2026-11-27T00:00:09Z";
    let next = |tasks: [Task; 2], choice: LogSelection<'_>| {
        let job = Job {
            tasks: tasks.to_vec(),
            ..Job::default()
        };
        let sources = LogSource::of_job(&job);
        let found = choice.replacement(&job, &sources, &sources[0]);
        found.map(|source| label(&source))
    };
    let any = LogSelection::default();
    let failed = || task("a", State::Failed, early);
    let running = task("b", State::Running, late);
    assert_eq!(next([failed(), running.clone()], any), Some("b".to_owned()));
    let chosen = LogSelection {
        task: Some("a"),
        ..any
    };
    assert_eq!(next([failed(), running.clone()], chosen), None);
    let beside = task("b", State::Running, early);
    assert_eq!(next([failed(), beside], any), None);
    let ended = task("b", State::Failed, late);
    assert_eq!(next([failed(), ended], any), None);
    let succeeded = task("a", State::Succeeded, early);
    assert_eq!(next([succeeded, running], any), None);
}

#[test]
fn a_job_without_tasks_has_a_log_of_its_own() {
    let job = Job::default();
    assert_eq!(
        chosen(&job, LogSelection::default()),
        Ok(vec![String::new()])
    );
    let wrong = LogSelection {
        container: Some("c"),
        ..LogSelection::default()
    };
    assert_eq!(chosen(&job, wrong), Err("omit --container".to_owned()));
}

#[test]
fn the_standard_error_of_the_same_task_is_found() {
    let stream = |task: &str, container: &str| LogSource {
        task: Some(task.to_owned()),
        container: Some(container.to_owned()),
        ..LogSource::default()
    };
    let others = [
        stream("a", "stderr"),
        stream("b", "main"),
        stream("b", "stderr"),
    ];
    let found = |chosen| error_stream(&chosen, &others);
    assert_eq!(found(stream("b", "stdout")), Some(2));
    assert_eq!(found(stream("b", "main")), None);
    assert_eq!(found(stream("c", "stdout")), None);
}

#[test]
fn other_logs_beyond_the_first_eight_are_only_counted() {
    let sources = (0..10).map(|number| LogSource {
        task: Some(number.to_string()),
        ..LogSource::default()
    });
    let sources: Vec<_> = sources.collect();
    assert_eq!(others(&sources), "0, 1, 2, 3, 4, 5, 6, 7 and 2 more");
}

#[test]
fn a_container_is_selected_by_its_label_and_each_name_is_listed_once() {
    let job = job(&[
        ("a", "main", false, State::Running),
        ("b", "side", false, State::Running),
        ("c", "main", false, State::Running),
    ]);
    let of = |name| {
        let container = Some(name);
        chosen(
            &job,
            LogSelection {
                container,
                ..LogSelection::default()
            },
        )
    };
    assert_eq!(of("c/main"), Ok(vec!["c/main".to_owned()]));
    assert_eq!(of("x"), Err("containers: main, side".to_owned()));
}
