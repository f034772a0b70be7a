use serde_json::json;

use super::*;
use crate::providers::Changes;
use crate::providers::kubernetes::job::JOB;
use crate::providers::test_support::{get_options, reference};

fn object(name: &str, uid: &str, version: u64) -> Value {
    json!({"metadata": {
        "name": name, "uid": uid, "resourceVersion": version.to_string(), "managedFields": [{}],
    }})
}

const PATH: &str = "/apis/batch/v1/namespaces/ci/jobs";

fn read(object: Value) -> Option<(String, Object)> {
    Object::read(object, PATH)
}

fn listed(objects: &[Value], version: &str) -> Listed {
    let mut listed = Listed {
        version: Some(version.to_owned()),
        ..Listed::default()
    };
    for (name, object) in objects.iter().cloned().filter_map(read) {
        listed.add(name, object);
    }
    listed
}

#[test]
fn the_newer_version_of_an_object_listed_twice_counts() {
    for versions in [[11, 12], [12, 11]] {
        let objects = versions.map(|version| object("a", "u1", version));
        let listed = listed(&objects, "12");
        assert_eq!(listed.objects["a"].version, Some(12), "{versions:?}");
    }
}

/// Returns a watch that follows these names and is connected after a list of them.
fn connected(names: &[&str]) -> (Watch, Arc<Changes>) {
    let changes = Arc::<Changes>::default();
    let watch = Watch::default();
    follow(&watch, names, &changes);
    let objects: Vec<Value> = names.iter().map(|name| object(name, "u1", 1)).collect();
    watch.replace(listed(&objects, "1"));
    let position = lock(&watch.state).position.clone();
    assert!(watch.connect(&position));
    (watch, changes)
}

fn follow(watch: &Watch, names: &[&str], changes: &Arc<Changes>) -> bool {
    let jobs = names
        .iter()
        .map(|name| (*name, reference(&JOB, &["ci", name]).to_string()));
    let mut options = get_options();
    options.changes = Some(Arc::clone(changes));
    watch.follow(&jobs.collect::<Vec<_>>(), &options)
}

fn apply(watch: &Watch, kind: &str, object: &Value) -> Result<(), WatchError> {
    let line = json!({"type": kind, "object": object}).to_string();
    watch.apply(line.as_bytes(), PATH)
}

#[tokio::test]
async fn an_event_with_contradictory_keys_has_no_status_or_is_not_an_event() {
    let (watch, _) = connected(&["b"]);
    let meta = &object("b", "u1", 2)["metadata"];
    let event = |fields: &str| {
        let line = format!(r#"{{"type":"MODIFIED","object":{{"metadata":{meta},{fields}}}}}"#);
        watch.apply(line.as_bytes(), PATH)
    };
    event(r#""status":{"failed":1},"status":{"succeeded":1}"#).unwrap();
    let body = watch.object("b").unwrap().body;
    assert!(body.ends_with(r#""status":{"$unreadable":0}}"#), "{body}");
    assert!(event(r#""metadata":{}"#).is_err());
    let two =
        br#"{"type":"MODIFIED","type":"DELETED","object":{"metadata":{"resourceVersion":"3"}}}"#;
    assert!(watch.apply(two, PATH).is_err());
}

fn version(watch: &Watch) -> Option<String> {
    lock(&watch.state).position.version.clone()
}

#[tokio::test]
async fn events_update_objects_and_report_changes_of_followed_ones() {
    let (watch, changes) = connected(&["模型", "b"]);
    assert!(
        follow(&watch, &["模型"], &changes),
        "a stream of all shows it"
    );
    apply(&watch, "ADDED", &object("other", "u9", 2)).unwrap();
    apply(&watch, "MODIFIED", &object("模型", "u1", 3)).unwrap();
    assert_eq!(
        changes.next().await,
        [reference(&JOB, &["ci", "模型"]).to_string()].into()
    );
    let body = watch.object("模型").unwrap().body;
    assert!(body.contains(r#""resourceVersion":"3""#), "{body}");
    assert!(!body.contains("managedFields"), "{body}");
    let bookmark = json!({"metadata": {"resourceVersion": "9"}});
    apply(&watch, "BOOKMARK", &bookmark).unwrap();
    assert_eq!(version(&watch).as_deref(), Some("9"));
    assert!(watch.object("other").is_none());
    assert!(!follow(&watch, &["other"], &changes), "it has to be listed");
}

#[test]
fn a_deleted_object_is_kept_even_if_another_takes_its_name() {
    let (watch, changes) = connected(&["a", "b"]);
    let presence = |name| {
        watch
            .object(name)
            .map(|object| (object.presence, object.uid))
    };
    apply(&watch, "DELETED", &object("a", "u1", 2)).unwrap();
    apply(&watch, "ADDED", &object("a", "u2", 3)).unwrap();
    let deleted = Some((Presence::Deleted, "u1".to_owned()));
    assert_eq!(presence("a"), deleted);
    watch.replace(listed(&[object("a", "u2", 3), object("c", "u4", 3)], "4"));
    assert_eq!(presence("c"), None);
    assert_eq!(presence("a"), deleted);
    assert_eq!(presence("b"), Some((Presence::Missing, "u1".to_owned())));
    watch.replace(listed(&[object("b", "u3", 5)], "5"));
    assert_eq!(presence("b"), Some((Presence::Replaced, "u1".to_owned())));
    assert!(follow(&watch, &["a", "b"], &changes));
}

#[test]
fn an_error_event_or_an_invalid_line_requires_a_new_list() {
    let error = json!({"kind": "Status", "reason": "Expired", "code": 410});
    let lines = [
        json!({"type": "ERROR", "object": error}).to_string(),
        json!({"type": "MODIFIED", "object": {"metadata": {"name": "a"}}}).to_string(),
        json!({"type": "MODIFIED", "object": {"metadata": {"resourceVersion": "5"}}}).to_string(),
        json!({"type": "NEW", "object": object("a", "u1", 5)}).to_string(),
        json!({"type": "ADDED"}).to_string(),
        "[]".to_owned(),
        "{".to_owned(),
        String::new(),
    ];
    for line in lines {
        let (watch, changes) = connected(&["a"]);
        let watch_error = watch.apply(line.as_bytes(), PATH).unwrap_err();
        assert!(matches!(watch_error, WatchError::Outdated(_)), "{line}");
        assert_eq!(version(&watch).as_deref(), Some("1"), "{line}");
        watch.disconnect(&watch_error);
        assert_eq!(version(&watch), None);
        assert!(!follow(&watch, &["a"], &changes));
    }
    let (watch, _) = connected(&["a"]);
    watch.disconnect(&WatchError::Broken("reset".to_owned()));
    assert_eq!(
        version(&watch).as_deref(),
        Some("1"),
        "it goes on from there"
    );
}

#[test]
fn a_stream_selects_an_object_by_name_only_while_it_follows_no_other() {
    let (watch, changes) = connected(&["a"]);
    let selector = Some(("fieldSelector", "metadata.name=a".to_owned()));
    assert_eq!(watch.selector(), selector);
    let before = lock(&watch.state).position.clone();
    assert!(!follow(&watch, &["b"], &changes));
    assert_eq!(watch.selector(), None);
    assert!(!watch.connect(&before));
    apply(&watch, "MODIFIED", &object("a", "u1", 7)).unwrap();
    assert_eq!(
        version(&watch),
        None,
        "events of the former stream do not count"
    );
    let odd = connected(&["a,b"]).0;
    assert_eq!(odd.selector(), None);
}

#[test]
fn a_namespace_with_too_many_objects_is_not_listed_again() {
    let (watch, changes) = connected(&["a", "b"]);
    watch.disconnect(&WatchError::Outdated(String::new()));
    watch.replace(Listed {
        is_too_large: true,
        ..listed(&[object("a", "u1", 2)], "2")
    });
    assert!(follow(&watch, &["a", "b"], &changes));
    assert!(watch.object("a").is_none());
    assert!(!watch.try_start());
    let (watch, _) = connected(&["a"]);
    let large = Object {
        version: None,
        lower_version: None,
        uid: "u1".to_owned(),
        body: "x".repeat(MAX_BYTES).into(),
        presence: Presence::Present,
    };
    lock(&watch.state).objects.insert("b".to_owned(), large);
    let watch_error = apply(&watch, "MODIFIED", &object("a", "u1", 2)).unwrap_err();
    watch.disconnect(&watch_error);
    assert!(watch.object("a").is_none());
    assert!(watch.is_over());
}

fn presence(watch: &Watch, name: &str) -> (String, Presence) {
    let object = watch.object(name).unwrap();
    (object.uid, object.presence)
}

#[test]
fn another_object_of_the_same_name_never_replaces_the_followed_one() {
    let replaced = ("u1".to_owned(), Presence::Replaced);
    let (by_list, _) = connected(&["a"]);
    by_list.replace(listed(&[object("a", "u2", 9)], "9"));
    assert_eq!(presence(&by_list, "a"), replaced);
    let (by_event, _) = connected(&["a"]);
    apply(&by_event, "ADDED", &object("a", "u2", 9)).unwrap();
    assert_eq!(presence(&by_event, "a"), replaced);
    let (by_lookup, _) = connected(&["a"]);
    by_lookup.update_from_lookup(read(object("a", "u2", 9)).unwrap());
    assert_eq!(presence(&by_lookup, "a"), replaced);
    let (after_a_gap, _) = connected(&["a"]);
    after_a_gap.replace(listed(&[], "8"));
    assert_eq!(presence(&after_a_gap, "a").1, Presence::Missing);
    after_a_gap.replace(listed(&[object("a", "u2", 9)], "9"));
    assert_eq!(presence(&after_a_gap, "a"), replaced);
    after_a_gap.replace(listed(&[object("a", "u1", 10)], "10"));
    assert_eq!(presence(&after_a_gap, "a"), replaced);
}

#[test]
fn a_stream_reports_the_deletion_of_an_object_whose_name_was_reused() {
    let (watch, _) = connected(&["a"]);
    watch.disconnect(&WatchError::Broken(String::new()));
    watch.replace(listed(&[object("a", "u2", 9)], "9"));
    assert_eq!(presence(&watch, "a").1, Presence::Replaced);
    let position = lock(&watch.state).position.clone();
    assert!(watch.connect(&position));
    apply(&watch, "MODIFIED", &object("a", "u1", 5)).unwrap();
    assert_eq!(presence(&watch, "a").1, Presence::Replaced);
    apply(&watch, "DELETED", &object("a", "u1", 6)).unwrap();
    assert_eq!(presence(&watch, "a"), ("u1".to_owned(), Presence::Deleted));
    apply(&watch, "ADDED", &object("a", "u2", 9)).unwrap();
    assert_eq!(presence(&watch, "a"), ("u1".to_owned(), Presence::Deleted));
}

#[test]
fn the_deletion_of_another_object_of_the_same_name_is_ignored() {
    let (watch, _) = connected(&["a"]);
    apply(&watch, "DELETED", &object("a", "u0", 9)).unwrap();
    let followed = ("u1".to_owned(), Presence::Present);
    assert_eq!(presence(&watch, "a"), followed);
}

#[test]
fn a_broken_stream_continues_at_its_last_version_after_a_list() {
    let (watch, _) = connected(&["a"]);
    apply(&watch, "MODIFIED", &object("a", "u1", 5)).unwrap();
    watch.disconnect(&WatchError::Broken(String::new()));
    watch.replace(listed(&[object("a", "u1", 9)], "9"));
    assert_eq!(version(&watch).as_deref(), Some("5"));
    let position = lock(&watch.state).position.clone();
    assert!(watch.connect(&position));
    apply(&watch, "MODIFIED", &object("a", "u1", 7)).unwrap();
    let known = watch.object("a").unwrap();
    assert!(known.body.contains("\"9\""), "{}", known.body);
    apply(&watch, "DELETED", &object("a", "u1", 11)).unwrap();
    assert_eq!(presence(&watch, "a").1, Presence::Deleted);
}

#[test]
fn a_stream_is_not_up_to_date_after_its_regular_end() {
    let (watch, changes) = connected(&["a"]);
    assert!(follow(&watch, &["a"], &changes));
    watch.pause();
    assert!(!follow(&watch, &["a"], &changes));
}

#[tokio::test]
async fn a_change_of_a_pod_is_reported_as_a_change_of_its_job() {
    let (watches, changes) = (Watches::default(), Arc::<Changes>::default());
    let watch = watches.of_pods("/api/v1/namespaces/ci/pods");
    follow(&watch, &["b", "模型"], &changes);
    let selector = ("labelSelector", "job-name in (b,模型)".to_owned());
    assert_eq!(watch.selector(), Some(selector));
    watch.replace(listed(&[], "1"));
    assert!(watch.try_start());
    let position = watch.position().await;
    assert!(watch.connect(&position));
    for job in ["other", "模型"] {
        let mut pod = object("模型-1", "p1", 2);
        pod["metadata"]["labels"] = json!({"job-name": job});
        apply(&watch, "MODIFIED", &pod).unwrap();
    }
    let reported = [reference(&JOB, &["ci", "模型"]).to_string()].into();
    assert_eq!(changes.next().await, reported);
    assert!(watch.object("模型-1").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_watch_of_pods_ends_after_a_timeout_unless_followed_again() {
    let (watches, changes) = (Watches::default(), Arc::<Changes>::default());
    let watch = watches.of_pods("/api/v1/namespaces/ci/pods");
    follow(&watch, &["a"], &changes);
    watch.replace(listed(&[], "1"));
    assert!(watch.try_start() && !watch.is_over());
    tokio::time::advance(PODS_TIMEOUT + Duration::from_secs(1)).await;
    assert!(watch.is_over());
    follow(&watch, &["a"], &changes);
    watch.replace(listed(&[], "2"));
    assert!(watch.try_start());
}

#[test]
fn a_rejected_watch_is_reported_by_one_notice_and_tried_again() {
    let (watch, _) = connected(&["a"]);
    watch.reject("no");
    watch.reject("no");
    let notice = watch.take_notice().unwrap();
    assert_eq!(notice.message, "polling because jobs cannot be watched: no");
    watch.reject("no");
    assert!(watch.take_notice().is_none());
    let position = lock(&watch.state).position.clone();
    assert!(watch.connect(&position), "it is tried again");
}

#[test]
fn lists_beyond_the_stream_limit_are_polled_with_one_notice() {
    let watches = Watches::default();
    let at = |number| watches.at(&format!("/{number}"));
    let notices = (0..MAX_STREAMS + 2).filter_map(|number| at(number).take_notice());
    let notices: Vec<String> = notices.map(|notice| notice.message).collect();
    let expected = "polling because jobs cannot be watched: more than 32 namespaces or kinds";
    assert_eq!(notices, [expected]);
    let changes = Arc::<Changes>::default();
    let last = at(MAX_STREAMS + 1);
    follow(&last, &["a"], &changes);
    last.replace(listed(&[], "1"));
    assert!(!last.try_start());
}

#[test]
fn an_object_of_another_namespace_or_kind_is_not_read() {
    let of = |kind: Value, namespace: Value| json!({"kind": kind, "metadata": {"name": "a", "namespace": namespace}});
    for (object, is_read) in [
        (of("Job".into(), "ci".into()), true),
        (of(Value::Null, Value::Null), true),
        (of("".into(), "".into()), true),
        (of("Job".into(), "prod".into()), false),
        (of("Pod".into(), "ci".into()), false),
        (of(7.into(), "ci".into()), false),
        (of("Job".into(), 7.into()), false),
    ] {
        assert_eq!(read(object.clone()).is_some(), is_read, "{object}");
    }
    let (watch, _) = connected(&["a"]);
    let mut foreign = object("a", "u1", 5);
    foreign["metadata"]["namespace"] = "prod".into();
    assert!(matches!(
        apply(&watch, "MODIFIED", &foreign),
        Err(WatchError::Outdated(_))
    ));
    assert_eq!(watch.object("a").unwrap().version, Some(1));
}

#[test]
fn a_list_after_an_outdated_stream_is_used_despite_lower_versions() {
    let (watch, _) = connected(&["a"]);
    apply(&watch, "MODIFIED", &object("a", "u1", 50)).unwrap();
    watch.disconnect(&WatchError::Broken(String::new()));
    watch.replace(listed(&[object("a", "u1", 20)], "20"));
    assert_eq!(watch.object("a").unwrap().version, Some(50));
    watch.disconnect(&WatchError::Outdated(String::new()));
    watch.replace(listed(&[object("a", "u1", 20)], "20"));
    assert_eq!(watch.object("a").unwrap().version, Some(20));
}

#[test]
fn a_lower_version_is_accepted_only_when_a_second_list_confirms_it() {
    let (watch, _) = connected(&["a"]);
    let list = |version: u64| {
        watch.replace(listed(&[object("a", "u1", version)], "90"));
        watch.object("a").unwrap().version
    };
    assert_eq!(list(50), Some(50));
    watch.reject("no");
    assert_eq!(list(20), Some(50), "one list may be behind");
    assert_eq!(list(51), Some(51));
    assert_eq!(list(20), Some(51));
    assert_eq!(list(19), Some(51));
    assert_eq!(list(21), Some(21));
    let mut unordered = object("a", "u1", 1);
    unordered["metadata"]["resourceVersion"] = "abc".into();
    watch.replace(listed(&[unordered], "90"));
    assert_eq!(watch.object("a").unwrap().version, None);
    assert_eq!(list(3), Some(3));
}
