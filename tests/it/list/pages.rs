use serde_json::{Value, json};

use super::{fault_after, list, many, names, pages_requested};
use crate::support::emulated::Emulated;
use crate::support::{self, Server, joblens};

#[test]
fn all_pages_are_read_with_one_request_per_page() {
    let emulated = Emulated::start(&many("c", 250));
    let found = names(&emulated, &["aliyun/job/c"]);
    assert_eq!(found.len(), 250);
    assert_eq!(pages_requested(&emulated), 3);
}

#[test]
fn a_page_of_rows_without_ids_is_an_error() {
    for rows in ["[null]", "[{}]", r#"[{"JobId": null}]"#, r#"["x"]"#] {
        let page = format!(r#"{{"TotalCount": 1, "JobList": {rows}}}"#);
        let server = Server::answering(support::json(page));
        let run = joblens(&["list", "aliyun/instant-job", "-o", "json"])
            .env("JOBLENS_ALIYUN_INSTANT_ENDPOINT", server.origin())
            .env("JOBLENS_ALIYUN_REGION", "cn-hangzhou")
            .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAIexample0001")
            .env("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "example-secret")
            .run();
        assert_eq!(run.code, 5, "{rows}: {}", run.stderr);
        let error = run.error();
        assert_eq!(error["category"], "invalid_response", "{rows}");
        assert_eq!(error["message"], "a row has no valid id", "{rows}");
    }
}

#[test]
fn tables_show_100_rows_and_a_hint_to_show_all() {
    let emulated = Emulated::start(&many("c", 250));
    for format in ["table", "wide", "markdown"] {
        let run = list(&emulated, &["aliyun/job/c", "-o", format]);
        assert_eq!(run.code, 0);
        assert_eq!(run.stdout.matches("aliyun/job/c/1_").count(), 100);
        assert_eq!(
            run.stderr,
            "100 found in aliyun/job/c/\n\
             aliyun/job/c/: showing the first 100 of 250; use --limit none to show all\n"
        );
    }
    assert_eq!(pages_requested(&emulated), 3);
    let all = list(&emulated, &["aliyun/job/c", "--limit", "none"]);
    assert_eq!(all.stdout.lines().count(), 251);
    assert_eq!(all.stderr, "250 found in aliyun/job/c/\n");
}

#[test]
fn a_list_without_a_scope_shows_all_active_jobs_beyond_its_limit() {
    let running = |job: &str| {
        format!(
            "[[job]]\nref = '{job}'\nage = '9d'\nstates = [{{ after = '0s', state = 'Running' }}]\n"
        )
    };
    let old = "3faf5c03-aaa1-4cbe-879d-24b05d997347";
    let jobs = (1..=120).map(|number| {
        format!(
            "[[job]]\nref = 'huawei/training-job/{number:08x}{}'\nage = '{number}m'\nstates = [{{ after = '0s', state = 'Completed' }}]\n",
            &old[8..]
        )
    });
    let own = running(&format!("huawei/training-job/{old}")) + &running("aliyun/job/c/old");
    let ended = many("c", 130).replace("'Running'", "'Succeeded'");
    let emulated = Emulated::start(&(ended + &own + &jobs.collect::<String>()));
    let run = list(&emulated, &["--color", "never"]);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let mut rows = run.stdout.lines().skip(1);
    assert!(rows.next().unwrap().starts_with("aliyun/job/c/old"));
    let huawei = format!("huawei/training-job/{old}");
    assert!(rows.next().unwrap().starts_with(&huawei));
    assert_eq!(rows.count(), 200);
    let footer = "aliyun/job/c/: showing 101 of 131, including all active ones; use --limit none to show all";
    assert!(run.stderr.contains(footer), "{}", run.stderr);
}

#[test]
fn a_list_cut_by_its_limit_is_marked_incomplete_in_json_and_jsonl() {
    let emulated = Emulated::start(&many("c", 250));
    let run = list(&emulated, &["aliyun/job/c", "--limit", "7", "-o", "json"]);
    let json = run.json();
    assert_eq!(json["jobs"].as_array().unwrap().len(), 7);
    assert_eq!(
        json["coverage"],
        json!({"complete": false, "asked": 1, "answered": 1})
    );
    let notice = &json["notices"][0];
    assert_eq!(notice["code"], "list_incomplete");
    assert!(
        notice["message"]
            .as_str()
            .unwrap()
            .contains("first 7 of 250")
    );
    let named = names(&emulated, &["aliyun/job/c", "--limit", "7"]);
    assert_eq!(named.len(), 7, "what was requested: {:?}", named.last());
    let records = list(&emulated, &["aliyun/job/c", "--limit", "7", "-o", "jsonl"]);
    let last: Value = serde_json::from_str(records.stdout.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&last["jobs"], &last["complete"]),
        (&json!(7), &json!(false))
    );
    let exact = names(&emulated, &["aliyun/job/c", "--limit", "250"]);
    assert_eq!(exact.len(), 250, "{:?}", exact.last());
}

#[test]
fn invocations_are_limited_even_in_the_name_format() {
    let commands: String = (0..25)
        .map(|n| {
            format!("[[job]]\nref = 'aliyun/invocation/c/c-{n}'\nage = '{n}m'\nstates = [{{ after = '0s', state = 'Running' }}]\n")
        })
        .collect();
    let emulated = Emulated::start(&commands);
    let found = names(&emulated, &["aliyun/invocation/c"]);
    assert_eq!(found.len(), 21);
    assert!(found[20].starts_with("#!incomplete: "), "{}", found[20]);
    let all = names(&emulated, &["aliyun/invocation/c", "--limit", "none"]);
    assert_eq!(all.len(), 25);
}

/// Starts an emulator with commands that have ended, newer ones, and then running ones.
fn invocations(ended: usize, running: usize) -> Emulated {
    let commands = (0..ended + running).map(|number| {
        let state = match number < ended {
            true => "state = 'Finished', exit_code = 1",
            false => "state = 'Running'",
        };
        format!(
            "[[job]]\nref = 'aliyun/invocation/c/c-{number:02}'\nage = '{}m'\nstates = [{{ after = '0s', {state} }}]\n",
            number + 1
        )
    });
    Emulated::start(&commands.collect::<String>())
}

#[test]
fn a_limit_counts_the_invocations_that_match_the_filter() {
    let scope = "aliyun/invocation/c";
    let emulated = invocations(8, 4);
    let running = ["08", "09", "10", "11"].map(|number| format!("{scope}/c-{number}"));
    for (limit, count) in [("3", 3), ("4", 4), ("5", 4), ("9", 4), ("none", 4)] {
        let found = names(&emulated, &[scope, "--active", "--limit", limit]);
        assert_eq!(found, running[..count], "{limit}");
    }
    assert_eq!(names(&emulated, &[scope, "--active"]), running);
}

#[test]
fn a_list_that_ends_before_its_limit_reports_how_many_were_examined() {
    let emulated = invocations(15, 15);
    let examined =
        "aliyun/invocation/c/: examined the first 20 of 30; use --limit none to examine all";
    for limit in [&[][..], &["--limit", "10"], &["--limit", "20"]] {
        let listed = [&["aliyun/invocation/c", "--active"], limit].concat();
        let found = names(&emulated, &listed);
        let mark = format!("#!incomplete: {examined}");
        assert_eq!((found.len(), found.last()), (6, Some(&mark)), "{limit:?}");
        let run = list(&emulated, &listed);
        let footer = format!("5 found in aliyun/invocation/c/ (active)\n{examined}\n");
        assert_eq!(run.stderr, footer, "{limit:?}");
    }
    for (limit, count) in [("5", 5), ("26", 15)] {
        let found = names(
            &emulated,
            &["aliyun/invocation/c", "--active", "--limit", limit],
        );
        assert_eq!(found.len(), count, "{limit}: {:?}", found.last());
    }
}

#[test]
fn sorted_invocations_are_those_that_were_examined() {
    let emulated = invocations(0, 30);
    let sorted = ["aliyun/invocation/c", "--sort-by=-id", "--limit", "3"];
    let found = names(&emulated, &sorted);
    assert_eq!(
        found,
        [
            "aliyun/invocation/c/c-19",
            "aliyun/invocation/c/c-18",
            "aliyun/invocation/c/c-17",
            "#!incomplete: aliyun/invocation/c/: examined the first 20 of 30; use --limit none to examine all",
        ]
    );
    let run = list(&emulated, &sorted);
    assert_eq!(
        run.stderr,
        "20 found in aliyun/invocation/c/\n\
         aliyun/invocation/c/: examined the first 20 of 30; use --limit none to examine all\n\
         showing the first 3 of 20; use --limit none to show all\n"
    );
    let all = ["aliyun/invocation/c", "--sort-by=-id", "--limit", "30"];
    let found = names(&emulated, &all);
    assert_eq!(
        (found.len(), found[0].as_str()),
        (30, "aliyun/invocation/c/c-29")
    );
}

#[test]
fn a_failed_page_shows_the_jobs_before_it_and_the_error() {
    let fault = fault_after(2, "kind = 'refuse'");
    let world = many("c", 250) + &fault;
    for format in ["table", "json", "jsonl", "name"] {
        let emulated = Emulated::start(&world);
        let limit = ["aliyun/job/c", "--limit", "none", "-o", format];
        let run = list(&emulated, &limit);
        assert_eq!(run.code, 4, "{}", run.stderr);
        // Once in the record of the error, and once in the reason.
        assert!(run.stdout.matches("aliyun/job/c/1_").count() >= 200);
        assert!(run.stderr.contains("200 found in aliyun/job/c/"));
        let cut = "aliyun/job/c/: truncated after 200 by an error";
        assert!(run.stderr.contains(cut), "{}", run.stderr);
        let last = run.stdout.lines().last().unwrap();
        match format {
            "name" => assert!(last.starts_with("#!incomplete: "), "{last}"),
            "jsonl" => {
                let last: Value = serde_json::from_str(last).unwrap();
                assert_eq!(
                    (&last["type"], &last["jobs"], &last["errors"]),
                    (&json!("summary"), &json!(200), &json!(1))
                );
                assert_eq!(last["complete"], false);
            }
            "json" => {
                let json = run.json();
                assert_eq!(json["jobs"].as_array().unwrap().len(), 200);
                assert_eq!(json["errors"][0]["ref"], "aliyun/job/c/");
                assert_eq!(json["coverage"]["complete"], false);
            }
            _ => {}
        }
    }
}

#[test]
fn a_page_that_fails_once_is_requested_again() {
    let fault = "[[fault]]\noperation = 'ListServerlessJobs'\nkind = 'status'\nstatus = 503\nskip = 2\ntimes = 1\nretry_after = '0s'\n";
    let emulated = Emulated::start(&(many("c", 250) + fault));
    assert_eq!(names(&emulated, &["aliyun/job/c"]).len(), 250);
    assert_eq!(pages_requested(&emulated), 4);
}

#[test]
fn a_wait_refuses_an_incomplete_list_but_not_a_limited_one() {
    let emulated = Emulated::start(&many("c", 250));
    let cut = list(&emulated, &["aliyun/job/c", "--limit", "5", "-o", "name"]);
    let run = emulated.wait(&["-", "-t", "0"]).input(&cut.stdout).run();
    assert_eq!(run.code, 8, "five were requested: {}", run.stderr);
    let run = emulated
        .wait(&["-"])
        .input("aliyun/job/c/5\n#!incomplete: HTTP 502\n")
        .run();
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("is incomplete: HTTP 502"));
    let refused = list(&emulated, &["nosuch/thing", "-o", "name"]);
    let run = emulated
        .wait(&["-", "--allow-empty"])
        .input(&refused.stdout)
        .run();
    assert_eq!((refused.code, run.code), (2, 2), "{}", refused.stdout);
}

#[test]
fn a_list_can_be_waited_for() {
    let job = |id: u8| {
        format!(
            "[[job]]\nref = 'aliyun/job/c/{id}'\nstates = [{{ after = '0s', state = 'Running' }}, {{ after = '1s', state = 'Succeeded', exit_code = 0 }}]\n"
        )
    };
    let emulated = Emulated::start(&(job(1) + &job(2)));
    let active = list(&emulated, &["aliyun/job/c", "--active", "-o", "name"]);
    assert_eq!(active.stdout.lines().count(), 2, "{}", active.stderr);
    let run = emulated
        .wait(&["-", "-t", "60s"])
        .input(&active.stdout)
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(run.json()["gate"]["met"], 2);
}

#[test]
fn sorting_applies_to_all_jobs_before_the_limit() {
    let old = "[[job]]\nref = 'aliyun/job/c/old'\nage = '9d'\nstates = [{ after = '0s', state = 'Running' }]\n";
    let emulated = Emulated::start(&(many("c", 250) + old));
    let run = list(
        &emulated,
        &[
            "aliyun/job/c",
            "--sort-by",
            "created_at",
            "--limit",
            "2",
            "-o",
            "name",
        ],
    );
    let lines: Vec<&str> = run.stdout.lines().collect();
    assert_eq!(lines[0], "aliyun/job/c/old");
    assert_eq!(lines.len(), 2, "{lines:?}");
    let ages = ["aliyun/job/c", "--sort-by", "-age", "--limit", "1"];
    assert_eq!(names(&emulated, &ages), ["aliyun/job/c/old"]);
    let youngest = names(&emulated, &["aliyun/job/c", "--sort-by", "age"]);
    assert_eq!(
        youngest.last().map(String::as_str),
        Some("aliyun/job/c/old")
    );
    assert!(
        run.stderr.contains("showing the first 2 of 251"),
        "{}",
        run.stderr
    );
}
