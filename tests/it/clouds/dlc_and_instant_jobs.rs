//! Jobs of PAI-DLC and of E-HPC Instant: outcomes, secrets, events, lists, and values that cannot be read.

use serde_json::json;

use super::kinds::refs;
use crate::support::emulated::Emulated;

const DLC: &str = "aliyun/dlc-job/dlc1";
const INSTANT: &str = "aliyun/instant-job/job-1";

/// Starts a scenario with a job that has a warning and ends in this state, and more content.
fn emulated(reference: &str, end: &str, more: &str) -> Emulated {
    Emulated::start(&format!(
        "[[job]]\nref = '{reference}'\nname = '训练'\nuser = 'lin'\nage = '1h'\nparts = 2\nstates = [\
         {{ after = '0s', state = 'Pending', unrecognized = true }}, \
         {{ after = '1m', state = 'Running' }}, {{ after = '9m', {end} }}]\n\
         warnings = [{{ after = '2m', reason = 'Restarted', message = 'pod-1', count = 1 }}]\n{more}"
    ))
}

#[test]
fn an_outcome_decides_a_gate_while_pods_are_kept_and_exception_does_not() {
    for (word, code) in [
        ("SucceededReserving", 0),
        ("FailedReserving", 1),
        ("Stopped", 1),
    ] {
        let emulated = emulated(DLC, &format!("state = '{word}'"), "");
        let run = emulated.get(&[DLC, "--exit-status"]).run();
        assert_eq!(run.code, code, "{word}: {}", run.stderr);
        assert_eq!(run.job()["ended"], json!(true), "{word}");
    }
    let exception = emulated(INSTANT, "state = 'Exception', message = 'no hosts'", "");
    let run = exception.get(&[INSTANT, "--exit-status"]).run();
    assert_eq!(run.code, 8, "{}", run.stderr);
    let job = run.job();
    assert_eq!(
        (&job["state"], &job["ended"], &job["message"]),
        (&json!("unknown"), &json!(false), &json!("no hosts"))
    );
}

#[test]
fn secrets_are_shown_only_on_request() {
    let emulated = emulated(DLC, "state = 'Succeeded'", "");
    let masked = emulated.get(&[DLC, "--raw"]).run().job();
    assert_eq!(masked["details"]["envs"]["WANDB_API_KEY"], "***");
    assert_eq!(
        masked["details"]["command"],
        "python train.py --password ***"
    );
    let raw = &masked["raw"];
    assert_eq!(raw["Envs"]["NCCL_DEBUG"], "***");
    assert_eq!(raw["UserCommand"], "python train.py --password ***");
    let image = &raw["JobSpecs"][0]["ImageConfig"];
    assert_eq!(
        (&image["Password"], &image["Auth"], &image["Username"]),
        (&json!("***"), &json!("***"), &json!("puller"))
    );
    let shown = emulated.get(&[DLC, "--show-secrets"]).run().job();
    assert_eq!(shown["details"]["envs"]["NCCL_DEBUG"], "INFO");
}

#[test]
fn executors_are_tasks_with_exit_codes_once_the_job_has_ended() {
    let end = "state = 'Failed', exit_code = 137, message = 'Container exited with code 137'";
    let emulated = emulated(INSTANT, end, "");
    let job = emulated.get(&[INSTANT]).run().job();
    let tasks = job["tasks"].as_array().unwrap();
    let codes: Vec<_> = tasks.iter().map(|task| &task["exit_code"]).collect();
    assert_eq!(codes, [&json!(0), &json!(137)]);
    assert_eq!(tasks[1]["id"], "job-1-Task0-1");
    assert_eq!(
        (&job["exit_code"], &job["warning_count"]),
        (&json!(137), &json!(1))
    );
    let running = "aliyun/instant-job/job-2";
    let emulated = self::emulated(running, "state = 'Retrying'", "");
    let job = emulated.get(&[running]).run().job();
    assert_eq!(
        (&job["state"], &job["exit_code"]),
        (&json!("running"), &json!(null))
    );
    assert_eq!(emulated.requests().get("aliyun/DescribeJobResults"), None);
}

#[test]
fn a_job_listed_as_succeeded_fails_a_gate_if_an_executor_failed() {
    let other = "aliyun/instant-job/job-2";
    let end = "state = 'Succeeded', exit_code = 1";
    let more =
        format!("[[job]]\nref = '{other}'\nage = '1h'\nstates = [{{ after = '0s', {end} }}]\n");
    let emulated = emulated(INSTANT, end, &more);
    let run = emulated.joblens(&["list", "aliyun/instant-job"]).run();
    let expected = "aliyun/instant-job: the list does not show executors, so a job listed as succeeded may have";
    assert!(run.stderr.contains(expected), "{}", run.stderr);
    let run = emulated.wait(&[INSTANT, other]).run();
    assert_eq!(run.code, 1, "{}", run.stderr);
    assert_eq!(emulated.requests()["aliyun/ListJobs"], 2);
    assert!(!run.stderr.contains(expected), "{}", run.stderr);
    // A job that failed can be missing from a list of failed jobs, but not from one of active jobs.
    for (filter, is_expected) in [("--state=failed", true), ("--active", false)] {
        let list = ["list", "aliyun/instant-job", filter];
        let run = emulated.joblens(&list).run();
        assert_eq!(run.stderr.contains(expected), is_expected, "{}", run.stderr);
    }
}

#[test]
fn unreadable_events_only_cause_a_notice() {
    for (reference, operation, kind, code) in [
        (DLC, "GetJobEvents", "empty", "parts_unread"),
        (INSTANT, "ListExecutorEvents", "empty", "parts_unread"),
    ] {
        let fault =
            format!("[[fault]]\ncloud = 'aliyun'\noperation = '{operation}'\nkind = '{kind}'\n");
        let emulated = emulated(reference, "state = 'Succeeded'", &fault);
        let run = emulated.get(&[reference, "--exit-status"]).run();
        assert_eq!(run.code, 0, "{operation}: {}", run.stderr);
        let found = run.json();
        let notices = found["notices"].as_array().unwrap().iter();
        let codes: Vec<_> = notices
            .map(|notice| notice["code"].as_str().unwrap())
            .collect();
        assert!(codes.contains(&code), "{operation}: {codes:?}");
        let passed = emulated.joblens(&["wait", reference]).run();
        assert_eq!(passed.code, 0, "{operation}: {}", passed.stderr);
        let warning = format!("of {reference}: {operation}: ");
        assert!(passed.stderr.contains(&warning), "{}", passed.stderr);
    }
}

#[test]
fn a_success_does_not_pass_if_the_credential_is_rejected_for_its_exit_codes() {
    let fault = "[[fault]]\ncloud = 'aliyun'\noperation = 'DescribeJobResults'\nkind = 'refuse'\n";
    let emulated = emulated(INSTANT, "state = 'Succeeded'", fault);
    let warning = format!("cannot read exit codes of {INSTANT}: DescribeJobResults: ");
    for (options, code) in [
        (&[][..], 4),
        (&["--for", "ended"], 0),
        (&["--trust-finished"], 4),
    ] {
        let words = [&["wait", INSTANT], options].concat();
        let run = emulated.joblens(&words).run();
        assert_eq!(run.code, code, "{options:?}: {}", run.stderr);
        assert!(run.stderr.contains(&warning), "{}", run.stderr);
    }
    let run = emulated.get(&[INSTANT, "--exit-status"]).run();
    assert_eq!((run.code, &run.job()["state"]), (4, &json!("unknown")));
    let message = run.job()["message"].clone();
    assert!(message.as_str().unwrap().contains("could not be read"));
}

#[test]
fn a_success_with_unreadable_exit_codes_is_unknown_and_polled_again() {
    let fault = |times: &str| {
        format!("[[fault]]\noperation = 'DescribeJobResults'\nkind = 'empty'\n{times}")
    };
    let emulated = emulated(INSTANT, "state = 'Succeeded'", &fault(""));
    let run = emulated.get(&[INSTANT, "--exit-status"]).run();
    assert_eq!((run.code, &run.job()["state"]), (5, &json!("unknown")));
    assert_eq!(run.job()["reason"], "subtasks_unread");
    let emulated = self::emulated(INSTANT, "state = 'Succeeded'", &fault("times = 1\n"));
    let passed = emulated
        .joblens(&["wait", INSTANT, "--interval", "1s"])
        .run();
    assert_eq!(passed.code, 0, "{}", passed.stderr);
    assert!(
        passed.stderr.contains("DescribeJobResults"),
        "{}",
        passed.stderr
    );
}

#[test]
fn a_list_can_be_filtered_and_names_its_time_window() {
    let more = "[[job]]\nref = 'aliyun/dlc-job/old'\nage = '300h'\nuser = 'magic2'\n\
                states = [{ after = '0s', state = 'Running' }]\n";
    let emulated = emulated(DLC, "state = 'Succeeded'", more);
    let list = |options: &[&str]| {
        let words = [&["list", "ali/dlc", "-o", "json"], options].concat();
        let found = emulated.joblens(&words).run().json();
        refs(&found).join(" ")
    };
    assert_eq!(list(&[]), DLC);
    let both = format!("{DLC} aliyun/dlc-job/old");
    assert_eq!(list(&["--since", "30d"]), both);
    assert_eq!(list(&["--since", "30d", "--active"]), "aliyun/dlc-job/old");
    assert_eq!(list(&["--since", "30d", "-u", "lin"]), DLC);
    let run = emulated.joblens(&["list", "ali/dlc"]).run();
    let window = "aliyun/dlc-job lists jobs created in the last 7 days; joblens list --since shows older ones";
    assert!(run.stderr.contains(window), "{}", run.stderr);
    let job = emulated.get(&["ali/dlc/old"]).run().job();
    assert_eq!(job["state"], "running");
}

#[test]
fn an_unknown_job_is_not_found() {
    let emulated = emulated(DLC, "state = 'Succeeded'", "");
    for reference in ["ali/dlc/dlc9", "ali/inst/job-9"] {
        assert_eq!(emulated.get(&[reference]).run().code, 3, "{reference}");
    }
}
