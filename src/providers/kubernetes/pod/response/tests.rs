use serde_json::json;

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

#[test]
fn only_a_pod_that_has_ended_has_an_end() {
    let ended = json!({"terminated": {"exitCode": 0, "finishedAt": "2026-11-27T20:00:01Z"}});
    let runs = json!({"running": {"startedAt": "2026-11-27T20:00:02Z"}});
    let finished_at = |phase: &str, init: &Value, main: [&Value; 2]| {
        let of = |name: &str, state: &Value| json!({"name": name, "state": state});
        let pod = json!({
            "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "a"}, {"name": "b"}], "initContainers": [{"name": "i"}]},
            "status": {
                "phase": phase, "containerStatuses": [of("a", main[0]), of("b", main[1])],
                "initContainerStatuses": [of("i", init)],
            },
        });
        let pod: PodObject = serde_json::from_value(pod).unwrap();
        pod.into_task(&mut Vec::new()).task.finished_at
    };
    let end = Time::from_rfc3339("2026-11-27T20:00:01Z");
    assert_eq!(finished_at("Running", &ended, [&runs, &runs]), None);
    assert_eq!(finished_at("Running", &ended, [&ended, &runs]), None);
    assert_eq!(finished_at("Running", &ended, [&ended, &ended]), None);
    assert_eq!(finished_at("Succeeded", &ended, [&ended, &ended]), end);
}
