use chrono::{TimeDelta, Utc};

use super::{WORLD, each, list, many, names, pages_requested};
use crate::support::emulated::Emulated;
use crate::support::{SECRETS, Server, joblens, json};

#[test]
fn each_filter_keeps_only_matching_jobs() {
    let emulated = Emulated::start(WORLD);
    let both = "aliyun/job/ehpc-hz-1";
    let ids = |arguments: &[&str]| -> Vec<String> {
        let mut all = vec![both];
        all.extend_from_slice(arguments);
        let names = names(&emulated, &all);
        let ids = names.iter().map(|name| name.rsplit('/').next().unwrap());
        ids.map(str::to_owned).collect()
    };
    assert_eq!(ids(&["-s", "failed"]), ["6"]);
    assert_eq!(ids(&["-s", "failed,running"]), ["5", "6"]);
    assert_eq!(ids(&["-s", "failed", "-s", "pending"]), ["6"]);
    assert_eq!(ids(&["--active"]), ["5"]);
    assert_eq!(ids(&["--name", "训练*"]), ["5"]);
    assert_eq!(ids(&["-u", "wang"]), ["6"]);
    assert_eq!(ids(&["--queue", "gpu"]), ["5"]);
    assert_eq!(ids(&["--since", "90m"]), ["5"]);
    assert_eq!(ids(&["--since", "2020-01-02"]), ["5", "6"]);
    assert_eq!(ids(&["--active", "-u", "wang"]), [""; 0]);
}

#[test]
fn an_empty_list_succeeds_and_its_footer_names_scope_and_filter() {
    let emulated = Emulated::start(WORLD);
    for format in ["table", "jsonl", "csv", "name", "json"] {
        let scope = "aliyun/job/ehpc-hz-1";
        let run = list(&emulated, &[scope, "-s", "canceled", "-o", format]);
        assert_eq!(run.code, 0);
        assert_eq!(
            run.stderr,
            "nothing found in aliyun/job/ehpc-hz-1/ (state canceled)\n"
        );
    }
    let quiet = list(&emulated, &["aliyun/job/ehpc-hz-1", "-s", "canceled", "-q"]);
    assert_eq!((quiet.stdout.as_str(), quiet.stderr.as_str()), ("", ""));
}

#[test]
fn a_filter_is_sent_to_a_cloud_that_supports_it() {
    let failed = "[[job]]\nref = 'aliyun/job/c/last'\nage = '2h'\nstates = [{ after = '0s', state = 'Failed' }]\n";
    let emulated = Emulated::start(&(many("c", 250) + failed));
    let found = names(&emulated, &["aliyun/job/c", "-s", "failed"]);
    assert_eq!(found, ["aliyun/job/c/last"]);
    assert_eq!(pages_requested(&emulated), 1);
}

#[test]
fn a_filter_on_a_cloud_finds_jobs_in_its_clusters() {
    let emulated = Emulated::start(WORLD);
    let found = names(&emulated, &["aliyun", "--name", "训练*"]);
    assert_eq!(found, ["aliyun/job/ehpc-hz-1/5"]);
    let found = names(&emulated, &["aliyun", "--since", "90m"]);
    assert_eq!(found, ["aliyun/job/ehpc-hz-1/5"]);
}

#[test]
fn a_filter_on_job_fields_lists_jobs_instead_of_clusters() {
    let emulated = Emulated::start(WORLD);
    let five = ["aliyun/job/ehpc-hz-1/5"];
    assert_eq!(names(&emulated, &["aliyun", "--active"]), five);
    assert_eq!(names(&emulated, &["aliyun", "-u", "lin"]), five);
    let all = names(&emulated, &["aliyun", "-R"]);
    assert_eq!(all.len(), 3, "{all:?}");
    assert_eq!(names(&emulated, &["aliyun", "-R", "--name", "训练*"]), five);
    let run = list(&emulated, &["aliyun", "-s", "canceled"]);
    assert_eq!(run.code, 0);
    assert!(
        run.stderr.contains("nothing found in ") && run.stderr.contains(" scopes (state canceled)"),
        "{}",
        run.stderr
    );
    let run = list(&emulated, &["tencent/service/cls-1", "--active"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("this list has no state"));
    let run = list(&emulated, &["tencent", "--active"]);
    assert_eq!(run.code, 0);
    assert!(run.stderr.contains("this list has no state"));
}

#[test]
fn a_cluster_that_cannot_be_listed_makes_the_list_incomplete() {
    let fault = "[[fault]]\noperation = 'ListServerlessJobs'\nkind = 'status'\nstatus = 503\n";
    let emulated = Emulated::start(&(WORLD.to_owned() + fault));
    let once = ["aliyun", "-R", "-o", "name", "--max-attempts", "1"];
    let run = list(&emulated, &once);
    assert_eq!(run.code, 5, "{}", run.stderr);
    assert!(
        run.stdout
            .starts_with("#!incomplete: aliyun/job/ehpc-hz-1/")
    );
}

#[test]
fn the_name_filter_matches_the_name_or_the_id_of_a_job() {
    let emulated = Emulated::start(WORLD);
    for pattern in ["训练*", "5"] {
        let found = names(&emulated, &["aliyun/job/ehpc-hz-1", "--name", pattern]);
        assert_eq!(found, ["aliyun/job/ehpc-hz-1/5"], "{pattern}");
    }
}

#[test]
fn a_filter_on_a_field_missing_in_the_list_is_a_usage_error() {
    let emulated = Emulated::start(WORLD);
    for (scope, filter, unlisted) in [
        ("sugon/instance", ["-u", "magic2"], "this list has no user"),
        (
            "huawei/image-job",
            ["--queue", "gpu"],
            "this list has no queue",
        ),
        (
            "aliyun/invocation/ehpc-hz-1",
            ["--since", "1h"],
            "this list has no creation time",
        ),
        (
            "tencent/service/cls-1",
            ["--state", "running"],
            "this list has no state",
        ),
    ] {
        let run = list(&emulated, &[scope, filter[0], filter[1]]);
        assert_eq!(run.code, 2, "{scope}: {}", run.stderr);
        assert!(run.stderr.contains(unlisted), "{scope}: {}", run.stderr);
        assert!(run.stderr.contains(" | joblens get -"), "{}", run.stderr);
    }
    assert!(emulated.requests().is_empty());
}

#[test]
fn since_keeps_jobs_without_a_readable_creation_time_with_a_notice() {
    let recent = Utc::now().format("%Y-%m-%dT%H:%M:%S.000+0000");
    let body = format!(
        r#"{{"code":"0","msg":"success","data":[
        {{"id":"new","status":"Running","createTime":"{recent}"}},
        {{"id":"old","status":"Running","createTime":"2020-01-02 03:04:05"}},
        {{"id":"undated","status":"Running","createTime":"--"}}]}}"#
    );
    let server = Server::answering(json(body));
    let run = |format: &str| {
        joblens(&["list", "sugon/instance", "--since", "1d", "-o", format])
            .env("JOBLENS_SUGON_ENDPOINT", server.origin())
            .env("JOBLENS_SUGON_TOKEN", SECRETS[0])
            .run()
    };
    let found = run("json").json();
    assert_eq!(each(&found["jobs"], "id"), ["new", "undated"]);
    assert!(each(&found["notices"], "code").contains(&"created_at_unknown"));
    let table = run("table");
    assert!(table.stdout.contains("undated"), "{}", table.stdout);
    let note = "--since kept 1 without a readable creation time";
    assert!(table.stderr.contains(note), "{}", table.stderr);
}

#[test]
fn a_filter_keeps_rows_with_an_unreadable_field_with_a_notice() {
    let server = Server::answering(json(
        r#"{"code":"0","msg":"success","data":[
        {"id":"a","status":"Running","instanceServiceName":["train"]},
        {"id":"b","status":"Running","instanceServiceName":"test"},
        {"id":"c","status":"Running","instanceServiceName":"train-1"}]}"#,
    ));
    let run = joblens(&["list", "sugon/instance", "--name", "train*", "-o", "json"])
        .env("JOBLENS_SUGON_ENDPOINT", server.origin())
        .env("JOBLENS_SUGON_TOKEN", SECRETS[0])
        .run();
    let found = run.json();
    assert_eq!(each(&found["jobs"], "id"), ["a", "c"]);
    let note = "--name kept 1 without a readable name";
    assert!(run.stderr.contains(note), "{}", run.stderr);
}

#[test]
fn a_relative_since_counts_from_the_servers_clock() {
    for offset in ["-3h", "+3h", "-20d"] {
        let emulated = Emulated::start(&format!("clock_offset = '{offset}'\n{WORLD}"));
        let found = |scope: &str, since: &str| {
            let run = list(&emulated, &[scope, "--since", since, "-o", "name"]);
            assert_eq!(run.code, 0, "{offset} {scope}: {}", run.stderr);
            run.stdout
        };
        assert_eq!(
            found("sugon/instance", "3h"),
            "sugon/instance/i-1\n",
            "{offset}"
        );
        assert_eq!(found("sugon/instance", "1h"), "", "{offset}");
        // These requests are signed with a time, which is corrected by at most a day.
        if offset != "-20d" {
            assert_eq!(
                found("huawei/image-job", "1h"),
                "huawei/image-job/7\n",
                "{offset}"
            );
            let jobs = "aliyun/job/ehpc-hz-1/5\n";
            assert_eq!(found("aliyun/job/ehpc-hz-1", "90m"), jobs, "{offset}");
        }
    }
}

#[test]
fn the_footer_shows_the_since_time_by_the_servers_clock() {
    let emulated = Emulated::start(&format!("clock_offset = '-20d'\n{WORLD}"));
    let run = list(
        &emulated,
        &["sugon/instance", "--since", "1h", "--time", "utc"],
    );
    let since = Utc::now() - TimeDelta::days(20) - TimeDelta::hours(1);
    let shown = since.format("(since %Y-%m-%dT").to_string();
    assert!(run.stderr.contains(&shown), "{}", run.stderr);
}

#[test]
fn a_jq_expression_can_decide_the_exit_code_of_a_list() {
    let emulated = Emulated::start(WORLD);
    for (expression, code) in [
        (".jobs | length > 0", 0),
        (".nothing", 1),
        (".jobs[].state | select(. == \"nope\")", 1),
    ] {
        for more in [&[][..], &["--sort-by", "age"]] {
            let arguments = [&["aliyun/job/ehpc-hz-1", "--jq", expression, "-e"], more].concat();
            let run = list(&emulated, &arguments);
            assert_eq!(run.code, code, "{arguments:?}: {}", run.stderr);
        }
    }
}

#[test]
fn the_footer_shows_the_since_time_in_the_chosen_zone() {
    let emulated = Emulated::start(WORLD);
    for (zone, end) in [("local", "+08:00)\n"), ("utc", "Z)\n")] {
        let arguments = ["list", "huawei/image-job", "--since", "1d", "--time", zone];
        let run = emulated
            .joblens(&arguments)
            .env("TZ", "Asia/Shanghai")
            .run();
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(run.stderr.ends_with(end), "{zone}: {}", run.stderr);
    }
}
