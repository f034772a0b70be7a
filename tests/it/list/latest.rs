use serde_json::json;

use super::{WORLD, each};
use crate::support::emulated::Emulated;

const LATEST: &str = "aliyun/job/ehpc-hz-1/@latest";

#[test]
fn latest_is_resolved_to_the_reference_of_the_newest_job() {
    let emulated = Emulated::start(WORLD);
    let job = emulated.get(&[LATEST]).run().job();
    assert_eq!(
        (&job["ref"], &job["input"], &job["state"]),
        (
            &json!("aliyun/job/ehpc-hz-1/5"),
            &json!(LATEST),
            &json!("running")
        )
    );
    let page = emulated.joblens(&["describe", LATEST]).run();
    assert!(
        page.stdout.contains("aliyun/job/ehpc-hz-1/5"),
        "{}",
        page.stdout
    );
    let events = emulated.joblens(&["events", LATEST, "-o", "name"]).run();
    assert!(
        events.stdout.contains("aliyun/job/ehpc-hz-1/5"),
        "{}",
        events.stdout
    );
    let named = emulated.joblens(&["get", LATEST, "-o", "name"]).run();
    assert_eq!(named.stdout, "aliyun/job/ehpc-hz-1/5\n");
}

#[test]
fn latest_keeps_its_place_and_duplicates_are_removed() {
    let emulated = Emulated::start(WORLD);
    let references = ["sugon/instance/i-1", LATEST, "huawei/image-job/7"];
    let json = emulated.get(&references).run().json();
    let found = [
        "sugon/instance/i-1",
        "aliyun/job/ehpc-hz-1/5",
        "huawei/image-job/7",
    ];
    assert_eq!(each(&json["jobs"], "ref"), found);
    let twice = emulated
        .get(&[LATEST, "aliyun/job/ehpc-hz-1/5"])
        .run()
        .json();
    assert_eq!(each(&twice["jobs"], "ref"), ["aliyun/job/ehpc-hz-1/5"]);
}

#[test]
fn latest_of_an_empty_scope_is_not_found() {
    let emulated = Emulated::start(WORLD);
    let run = emulated.get(&["aliyun/job/nosuch/@latest"]).run();
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert_eq!(run.error()["ref"], "aliyun/job/nosuch/@latest");
}

#[test]
fn gates_refuse_latest_before_the_first_request() {
    let emulated = Emulated::start(WORLD);
    for arguments in [
        ["wait", LATEST].as_slice(),
        &["get", "--exit-status", LATEST],
    ] {
        let run = emulated.joblens(arguments).run();
        assert_eq!(run.code, 2);
        assert!(run.stderr.contains("@latest cannot be used here"));
        assert!(
            run.stderr
                .contains(&format!("joblens get {LATEST} -o name"))
        );
    }
    assert!(emulated.requests().is_empty());
}

#[test]
fn watch_follows_the_latest_job_until_it_ends() {
    let ends = "[[job]]\nref = 'aliyun/job/c/9'\nage = '1h'\nstates = [{ after = '0s', state = 'Failed', exit_code = 1 }]\n";
    let emulated = Emulated::start(ends);
    let run = emulated
        .joblens(&["watch", "--interval", "50ms", "aliyun/job/c/@latest"])
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(
        run.stdout.contains("aliyun/job/c/9  failed"),
        "{}",
        run.stdout
    );
    let missing = emulated
        .joblens(&["watch", "--interval", "50ms", "aliyun/job/none/@latest"])
        .run();
    assert_eq!(missing.code, 3, "{}", missing.stderr);
}
