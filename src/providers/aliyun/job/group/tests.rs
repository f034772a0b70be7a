use super::*;
use crate::providers::lenient;

#[test]
fn the_end_time_of_a_group_depends_on_its_state() {
    let finished = |status: &str| {
        let json = format!(
            r#"{{"Status":"{status}","SucceededTime":"2022-01-01T00:00:01Z",
                "FailedTime":"2022-01-01T00:00:02Z","ExpiredTime":"2022-01-01T00:00:03Z"}}"#
        );
        let group: Group = lenient::decode(json.as_bytes()).unwrap();
        group.task.finished_at.map(|time| time.rfc3339())
    };
    assert_eq!(finished("Succeeded").unwrap(), "2022-01-01T00:00:01Z");
    assert_eq!(finished("Failed").unwrap(), "2022-01-01T00:00:02Z");
    assert_eq!(finished(" expired\\n").unwrap(), "2022-01-01T00:00:03Z");
    assert_eq!(finished("Running"), None);
    assert_eq!(finished("Terminating"), None);
}

#[test]
fn an_empty_group_has_no_details_and_an_unknown_state() {
    let group: Group = lenient::decode(b"{}").unwrap();
    assert!(group.task.details.is_none());
    assert_eq!(
        (group.task.state, group.task.ended),
        (State::Unknown, false)
    );
}

#[test]
fn init_containers_come_first() {
    let json = br#"{"Containers":[{"Name":"main"}],"InitContainers":[{"Name":"init"}]}"#;
    let group: Group = lenient::decode(json).unwrap();
    let names: Vec<_> = group
        .task
        .containers
        .iter()
        .map(|c| c.name.clone())
        .collect();
    assert_eq!(names, [Some("init".to_owned()), Some("main".to_owned())]);
}
