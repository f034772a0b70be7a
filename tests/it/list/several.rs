use serde_json::json;

use super::{WORLD, each, list, many, names};
use crate::support::emulated::Emulated;

#[test]
fn several_scopes_are_listed_once_each_in_the_given_order() {
    let emulated = Emulated::start(WORLD);
    let scopes = ["huawei", "aliyun/job/ehpc-hz-2", "sugon", "hw/img/"];
    assert_eq!(
        names(&emulated, &scopes),
        [
            "huawei/image-job/7",
            "aliyun/job/ehpc-hz-2/7",
            "sugon/instance/i-1"
        ]
    );
}

#[test]
fn a_missing_scope_is_reported_and_does_not_hide_the_others() {
    let emulated = Emulated::start(WORLD);
    let scopes = ["sugon", "aliyun/job/nosuch", "huawei"];
    let run = list(&emulated, &[&scopes[..], &["-o", "json"]].concat());
    let json = run.json();
    assert_eq!((run.code, &json["exit"]["word"]), (3, &json!("not_found")));
    let found = each(&json["jobs"], "ref");
    assert_eq!(found, ["sugon/instance/i-1", "huawei/image-job/7"]);
    let error = &json["errors"][0];
    assert_eq!(
        (&error["ref"], &error["input"]),
        (&json!("aliyun/job/nosuch/"), &json!("aliyun/job/nosuch"))
    );
    assert_eq!(
        json["coverage"],
        json!({"complete": false, "asked": 5, "answered": 4})
    );
    let message = "2 found in sugon/instance/, huawei/image-job/; \
        nothing in sugon/job (all regions), huawei/training-job/\n\
                could not list aliyun/job/nosuch/\n";
    assert!(run.stderr.ends_with(message), "{}", run.stderr);
    let named = names(&emulated, &scopes);
    assert!(named[2].starts_with("#!incomplete: aliyun/job/nosuch/: could not be listed"));
}

#[test]
fn a_failed_list_is_not_an_empty_list() {
    let emulated = Emulated::start(WORLD);
    let run = list(&emulated, &["aliyun/job/nosuch"]);
    assert_eq!((run.code, run.stdout.as_str()), (3, ""));
    assert!(run.stderr.starts_with("error: aliyun/job/nosuch/: "));
    assert!(!run.stderr.contains("nothing found"), "{}", run.stderr);
    let both = list(&emulated, &["aliyun/job/nosuch", "sugon", "-s", "failed"]);
    assert_eq!(both.code, 3);
    let message = "nothing found in sugon/instance/, sugon/job (all regions) (state failed)\n\
                could not list aliyun/job/nosuch/\n";
    assert!(both.stderr.ends_with(message), "{}", both.stderr);
}

#[test]
fn an_unusable_account_does_not_hide_jobs_of_another_cloud() {
    let emulated = Emulated::start(WORLD);
    let run = emulated
        .joblens(&["list", "sugon", "huawei", "-o", "json"])
        .env("JOBLENS_SUGON_TOKEN", "")
        .run();
    let json = run.json();
    assert_eq!(run.code, 4);
    assert_eq!(json["errors"][0]["category"], "missing_credentials");
    assert_eq!(json["errors"][0]["ref"], "sugon/instance/");
    assert_eq!(each(&json["jobs"], "ref"), ["huawei/image-job/7"]);
}

#[test]
fn a_job_in_overlapping_scopes_is_listed_once() {
    let emulated = Emulated::start(WORLD);
    let scopes = ["aliyun", "-R", "aliyun/job/ehpc-hz-1"];
    let all = names(&emulated, &scopes);
    let once = names(&emulated, &["aliyun", "-R"]);
    assert_eq!(all, once);
    let run = list(&emulated, &[&scopes[..], &["-o", "json"]].concat());
    let found = each(&run.json()["jobs"], "ref").len();
    assert_eq!(found, once.len());
    let message = format!("{found} found in ");
    let table = list(&emulated, &scopes);
    assert!(table.stderr.contains(&message), "{}", table.stderr);
    assert!(
        !table.stderr.contains("nothing in aliyun/job"),
        "{}",
        table.stderr
    );
}

#[test]
fn a_message_about_many_scopes_is_one_line() {
    let jobs: String = (1..=9)
        .map(|cluster| many(&format!("c{cluster}"), 3))
        .collect();
    let emulated = Emulated::start(&jobs);
    let run = list(&emulated, &["aliyun", "-R", "--limit", "1"]);
    let line = "\n9 scopes: showing 1 result; use --limit none to show all\n";
    assert!(run.stderr.contains(line), "{}", run.stderr);
    assert_eq!(
        run.stderr.matches("--limit none").count(),
        1,
        "{}",
        run.stderr
    );
    let run = list(
        &emulated,
        &[
            "aliyun",
            "-R",
            "--limit",
            "1",
            "--sort-by",
            "ref",
            "-o",
            "name",
        ],
    );
    assert_eq!(run.stdout, "aliyun/job/c1/1_1\n");
    let run = list(
        &emulated,
        &[
            "aliyun/job/c1",
            "aliyun/job/c2",
            "--limit",
            "1",
            "-o",
            "name",
        ],
    );
    assert_eq!(run.stdout, "aliyun/job/c1/1_1\naliyun/job/c2/1_1\n");
}

#[test]
fn notices_are_in_the_order_of_the_scopes_whichever_cloud_responds_first() {
    for slow in ["tencent", "sugon"] {
        let fault = format!(
            "[[fault]]\noperation = '*'\ncloud = '{slow}'\nkind = 'slow'\ndelay = '300ms'\n"
        );
        let emulated = Emulated::start(&(WORLD.to_owned() + &fault));
        let scopes = ["tencent/service/cls-1", "sugon/instance", "-o", "json"];
        let notices = list(&emulated, &scopes).json()["notices"].clone();
        let notices = notices.as_array().unwrap();
        let clouds: Vec<&str> = notices
            .iter()
            .filter(|notice| notice["code"] == "assumed_utc_offset")
            .filter_map(|notice| notice["message"].as_str()?.split(' ').next())
            .collect();
        assert_eq!(clouds, ["tencent", "sugon"], "{notices:?}");
    }
}
