use super::*;

#[test]
fn a_restarted_pod_started_when_its_node_accepted_it() {
    let time = |minute: i64| Time::from_unix(60 * minute);
    let container = |restarts| Container {
        restart_count: Some(restarts),
        started_at: time(50),
        ..Container::default()
    };
    assert_eq!(started_at(&[container(14)], time(10)), time(10));
    assert_eq!(started_at(&[container(14)], None), time(50));
    assert_eq!(started_at(&[container(0)], time(10)), time(50));
    assert_eq!(started_at(&[Container::default()], time(10)), None);
}
