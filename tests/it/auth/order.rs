//! The order in which settings and credentials are resolved, and how often.

use super::*;

/// Returns a home folder whose `sugon.lab` has a `credential_command` that appends a line to a file, with more
/// settings.
fn counting(more: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    let count = sandbox.home.path().join("count");
    let script = format!(
        "echo run >> {}; echo token=lab-token-t1",
        count.to_str().unwrap()
    );
    sandbox.configure(&format!(
        "[sugon.lab]\nendpoint = 'ORIGIN'\ncredential_command = ['sh', '-c', '{script}']\n{more}"
    ));
    sandbox
}

fn runs(sandbox: &Sandbox) -> usize {
    let lines = fs::read_to_string(sandbox.home.path().join("count"));
    lines.map_or(0, |lines| lines.lines().count())
}

fn run(sandbox: &Sandbox, arguments: &[&str]) -> crate::support::Run {
    let run = sandbox.joblens(arguments);
    run.env("PATH", "/usr/bin:/bin").run()
}

#[test]
fn no_credential_command_is_run_for_invalid_references() {
    let sandbox = counting("");
    for command in ["get", "describe", "events", "watch", "wait"] {
        let code = run(&sandbox, &[command, "sugon@lab/instance/i1", "bogus/x/y"]).code;
        assert_eq!((code, runs(&sandbox)), (2, 0), "{command}");
    }
    assert!(sandbox.server.received().is_empty());
}

#[test]
fn no_credential_command_is_run_if_settings_of_any_account_are_invalid() {
    for (table, word) in [
        ("utc_offset = 'noon'\n", "utc_offset"),
        ("ai_hosts = 'https://a b/c'\n", "ai_hosts"),
        ("auth_endpoint = 'not a url'\n", "auth_endpoint"),
        ("client_cert = 'cert.pem'\n", "client_cert"),
        ("source = 'nothing'\n", "source"),
        ("token_cache = 'maybe'\n", "token_cache"),
        ("[huawei.far]\nregion = 'nowhere'\n", "region"),
        ("[huawei.far]\nendpoint = 'not a url'\n", "endpoint"),
        (
            "[huawei.far]\nendpoint = 'ORIGIN'\nproject_id = 'a/b'\n",
            "project_id",
        ),
        ("[aliyun.far]\nregion = 'CN X'\n", "region"),
        (
            "[aliyun.far]\nendpoint = 'ORIGIN'\nrole_arn = 'admin'\n",
            "role_arn",
        ),
        ("[tencent.far]\nendpoint = 'ftp://x'\n", "endpoint"),
    ] {
        let sandbox = counting(table);
        let other = match table.split_once('.') {
            Some((cloud, _)) if table.starts_with('[') => match &cloud[1..] {
                "huawei" => "huawei@far/image-job/7",
                "aliyun" => "aliyun@far/job/ehpc-hz-1/5",
                "tencent" => "tencent@far/service/cls-1/default/web",
                other => panic!("{other} has no reference here"),
            },
            _ => "sugon@lab/instance/i2",
        };
        for command in ["get", "describe", "events", "watch", "wait"] {
            if command == "wait" && other.starts_with("tencent") {
                // An instance has no events, and a service has no states.
                continue;
            }
            let arguments = [command, "sugon@lab/instance/i1", other];
            let run = run(&sandbox, &arguments);
            assert_eq!((run.code, runs(&sandbox)), (2, 0), "{command} {table}");
            assert!(run.stderr.contains(word), "{}", run.stderr);
        }
        assert!(sandbox.server.received().is_empty(), "{table}");
    }
}

#[test]
fn lists_and_reports_do_not_run_the_command_of_an_account_with_wrong_settings() {
    let sandbox = counting("utc_offset = 'noon'\n");
    for arguments in [
        &["list", "sugon@lab"][..],
        &["list", "-p", "lab"],
        &["auth", "status"],
        &["doctor"],
        &["doctor", "sugon@lab"],
    ] {
        let run = run(&sandbox, arguments);
        assert_eq!(runs(&sandbox), 0, "{arguments:?}");
        let all = run.stdout + &run.stderr;
        assert!(all.contains("utc_offset"), "{arguments:?} {all}");
    }
}

#[test]
fn a_credential_command_is_run_once_per_run_even_for_1000_references() {
    let sandbox = counting("");
    let references: Vec<String> = (0..1_000)
        .map(|number| format!("scnet@lab/inst/i{number}"))
        .collect();
    let references = sandbox.write("references", &references.join("\n"));
    // Unlike `wait`, `get` does not pause between requests.
    let get = ["get", "-"];
    let input = fs::read_to_string(references).unwrap();
    sandbox
        .joblens(&get)
        .env("PATH", "/usr/bin:/bin")
        .input(&input)
        .run();
    assert_eq!(runs(&sandbox), 1);
    for (number, arguments) in [
        &["auth", "status"][..],
        &["doctor", "sugon@lab"],
        &["list", "sugon@lab"],
    ]
    .into_iter()
    .enumerate()
    {
        run(&sandbox, arguments);
        assert_eq!(runs(&sandbox), number + 2, "{arguments:?}");
    }
}

#[test]
fn an_unset_variable_for_a_reference_segment_is_reported_by_its_name() {
    let sandbox = Sandbox::new();
    sandbox.configure(
        "[aliyun.lab]\nendpoint = 'ORIGIN'\nregion = 'cn-x'\ncluster_env = 'LAB_CLUSTER'\n",
    );
    let run = run(&sandbox, &["get", "aliyun@lab/job/5"]);
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("LAB_CLUSTER"), "{}", run.stderr);
    assert!(!run.stderr.contains("missing CLUSTER"), "{}", run.stderr);
}
