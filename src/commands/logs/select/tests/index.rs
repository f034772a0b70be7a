//! Tests how a task is chosen by its index.

use super::*;

#[test]
fn a_task_is_chosen_by_its_index() {
    let of_index = |id: &str, index: i64, second: i64| Task {
        id: Some(id.to_owned()),
        index: Some(index),
        created_at: Time::from_unix(second),
        ..Task::default()
    };
    let mut job = Job {
        tasks: vec![
            of_index("x-0-aaaaa", 0, 1),
            of_index("x-1-ccccc", 1, 9),
            of_index("x-1-bbbbb", 1, 2),
        ],
        ..Job::default()
    };
    let choose = |job: &Job, task| {
        let choice = LogSelection {
            task: Some(task),
            ..LogSelection::default()
        };
        chosen(job, choice).map(|mut labels| labels.remove(0))
    };
    assert_eq!(choose(&job, "0"), Ok("x-0-aaaaa".to_owned()));
    assert_eq!(choose(&job, "1"), Ok("x-1-ccccc".to_owned()));
    assert!(choose(&job, "2").is_err());
    // An id takes precedence, and an index of several groups is ambiguous.
    job.tasks.push(of_index("0", 7, 1));
    assert_eq!(choose(&job, "0"), Ok("0".to_owned()));
    job.tasks.push(of_index("y-1-aaaaa", 1, 10));
    assert!(choose(&job, "1").is_err());
}
