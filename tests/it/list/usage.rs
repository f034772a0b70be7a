use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{WORLD, list};
use crate::support::emulated::Emulated;
use crate::support::joblens;

#[test]
fn usage_errors_are_reported_before_the_first_request_with_the_nearest_word() {
    let emulated = Emulated::start(WORLD);
    let wrong: [(&[&str], &str); 14] = [
        (&["aliyun/job/c/5"], "this is a single resource"),
        (&["aliyn"], "did you mean 'aliyun'?\n"),
        (&["nope"], "where CLOUD is one of aliyun, sugon, "),
        (&["sugon/instnce"], "did you mean 'sugon/instance'?\n"),
        (&["aliyun/jbo/c"], "unknown kind"),
        (&["aliyun/job/c", "-s", "runing"], "did you mean 'running'?"),
        (&["aliyun/job/c", "--limit", "0"], "--limit none"),
        (&["aliyun/job/c", "--since", "yesterday"], "use e.g. 2h"),
        (&["aliyun/job/c", "--name", "[a"], "for --name"),
        (&["-"], "no scope given"),
        (
            &["-s", "failed，canceled"],
            "hint: did you mean 'failed,canceled'? values are separated by ','\n",
        ),
        (
            &["--columns", "ref，state"],
            "hint: did you mean 'ref,state'? values are separated by ','\n",
        ),
        (
            &["-l", "app=web，tier=db"],
            "hint: did you mean 'app=web,tier=db'? values are separated by ','\n",
        ),
        (&["—o", "json"], "options begin with '-'\n"),
    ];
    for (arguments, message) in wrong {
        let run = list(&emulated, arguments);
        assert_eq!(run.code, 2, "{arguments:?}\n{}", run.stderr);
        assert!(
            run.stderr.contains(message),
            "{arguments:?}\n{}",
            run.stderr
        );
    }
    assert!(emulated.requests().is_empty(), "{:?}", emulated.requests());
}

#[test]
fn an_invalid_credential_of_a_named_account_ends_the_command_before_the_first_request() {
    let emulated = Emulated::start(WORLD);
    for arguments in [
        &["list", "aliyun", "sugon"][..],
        &["metrics", "aliyun", "sugon/instance/"],
        &["metrics", "aliyun", "sugon/instance/i-1"],
        &["metrics", "aliyun", "sugon", "--listen", "127.0.0.1:0"],
        &["watch", "aliyun/job/c/", "sugon/instance/"],
    ] {
        let run = emulated.joblens(arguments);
        let run = run.env("JOBLENS_SUGON_TOKEN", "a token").run();
        assert_eq!(run.code, 2, "{arguments:?}\n{}", run.stderr);
        let errors = run
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: "));
        assert_eq!(errors.count(), 1, "{arguments:?}\n{}", run.stderr);
    }
    assert!(emulated.requests().is_empty(), "{:?}", emulated.requests());
}

#[test]
fn ls_is_an_alias_and_words_of_other_tools_suggest_list() {
    let emulated = Emulated::start(WORLD);
    let run = emulated.joblens(&["ls", "sugon", "-o", "name"]).run();
    assert_eq!(run.stdout, "sugon/instance/i-1\n");
    for word in ["ps", "jobs", "squeue"] {
        let run = joblens(&[word]).run();
        assert!(run.stderr.contains("joblens list"), "{}", run.stderr);
    }
}

#[test]
fn columns_of_details_are_those_of_all_kinds_in_the_listed_scopes() {
    let emulated = Emulated::start(WORLD);
    for (arguments, message) in [
        (
            &["-R", "--columns", "details.array_propertie"][..],
            "hint: did you mean 'details.array_properties'?",
        ),
        (
            &["kubernetes", "-R", "--columns", "ref,details.nope"],
            "kubernetes/jobset, kubernetes/argo-workflow have no column 'details.nope'",
        ),
        (
            &["kubernetes", "-R", "--sort-by", "-details.nope"],
            "have no column 'details.nope'",
        ),
    ] {
        let run = list(&emulated, arguments);
        assert_eq!(run.code, 2, "{arguments:?}\n{}", run.stderr);
        assert!(
            run.stderr.contains(message),
            "{arguments:?}\n{}",
            run.stderr
        );
    }
    assert!(emulated.requests().is_empty(), "{:?}", emulated.requests());
    for scope in [&[][..], &["aliyun"]] {
        let columns = ["-R", "--columns", "details.array_properties"];
        let run = list(&emulated, &[&columns[..], scope].concat());
        assert_eq!(run.code, 0, "{scope:?}\n{}", run.stderr);
    }
}

#[test]
fn options_that_do_not_apply_to_a_list_are_rejected() {
    for option in ["--raw", "--show-secrets"] {
        let run = joblens(&["list", "sugon", option]).run();
        assert_eq!(run.code, 2, "{}", run.stderr);
    }
}

#[test]
fn a_jq_expression_is_applied_to_the_json_envelope() {
    let emulated = Emulated::start(WORLD);
    let run = list(&emulated, &["huawei", "--jq", ".jobs[].state"]);
    assert_eq!((run.code, run.stdout.as_str()), (0, "failed\n"));
}

#[test]
fn a_refused_list_is_incomplete_and_not_empty_for_a_gate() {
    let refused = joblens(&["list", "nope", "-o", "name"]).run();
    assert_eq!(refused.code, 2);
    let gate = joblens(&["wait", "-", "--allow-empty", "-t", "1s"])
        .input(&refused.stdout)
        .run();
    assert_eq!(gate.code, 2, "{}", gate.stderr);
    assert!(
        gate.stderr.contains("the list on stdin is incomplete"),
        "{}",
        gate.stderr
    );
}

#[test]
fn invalid_settings_of_an_account_are_reported_before_any_command_or_request() {
    let emulated = Emulated::start(WORLD);
    let folder = tempfile::tempdir().unwrap();
    let (config, marker) = (folder.path().join("c.toml"), folder.path().join("marker"));
    let table = format!(
        "[aliyun.default]\nregion = 'cn-x'\nendpoint = '{}'\n\
         credential_command = ['sh', '-c', 'touch {}; echo access_key_id=testid; echo access_key_secret=testsecret']\n\
         [sugon.bad]\nendpoint = 'nope'\ntoken = 'testtoken'\n",
        emulated.origin,
        marker.display()
    );
    fs::write(&config, table).unwrap();
    fs::set_permissions(&config, fs::Permissions::from_mode(0o600)).unwrap();
    let run = |arguments: &[&str]| {
        joblens(arguments)
            .env("JOBLENS_CONFIG", config.to_str().unwrap())
            .env("PATH", "/usr/bin:/bin")
            .run()
    };
    let refused = run(&["list", "aliyun/job/c", "sugon@bad/instance", "-o", "json"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    let error = refused.error();
    assert_eq!(error["input"], "sugon@bad/instance");
    assert_eq!(
        (&error["cloud"], &error["profile"]),
        (&"sugon".into(), &"bad".into())
    );
    assert!(!marker.exists(), "{}", refused.stderr);
    assert!(emulated.requests().is_empty(), "{:?}", emulated.requests());
    run(&["list", "aliyun/job/c"]);
    assert!(marker.exists(), "the command is run when nothing is wrong");
    assert!(!emulated.requests().is_empty());
}

#[test]
fn the_hint_for_an_unsupported_filter_is_a_working_jq_expression() {
    let emulated = Emulated::start(WORLD);
    for (option, test) in [("-u", ".user == "), ("--queue", ".queue == ")] {
        let run = list(&emulated, &["huawei/image-job", option, "lin"]);
        assert_eq!(run.code, 2, "{}", run.stderr);
        let (_, rest) = run.stderr.split_once("--jq '").unwrap();
        let (expression, _) = rest.split_once('\'').unwrap();
        assert!(expression.contains(test), "{expression}");
        let got = emulated
            .get(&["huawei/image-job/7", "--jq", expression])
            .run();
        assert_eq!(got.code, 0, "{}", got.stderr);
    }
}

#[test]
fn a_kind_without_states_does_not_make_an_active_list_incomplete() {
    let emulated = Emulated::start(WORLD);
    let run = list(&emulated, &["tencent", "sugon", "--active", "-o", "name"]);
    assert_eq!(run.stdout, "sugon/instance/i-1\n", "{}", run.stderr);
    let run = list(
        &emulated,
        &["tencent", "sugon", "-u", "magic2", "-o", "name"],
    );
    assert!(run.stdout.contains("#!incomplete"), "{}", run.stdout);
}

#[test]
fn an_option_of_another_tool_gets_a_hint_with_the_equivalent() {
    for (arguments, hint) in [
        (&["list", "--all"][..], "--limit none"),
        (&["logs", "-n", "1", "aliyun/job/c/5"], "--tail N"),
        (&["get", "--allow", "aliyun/job/c/5"], "see: joblens get"),
    ] {
        let run = joblens(arguments).run();
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(run.stderr.contains(hint), "{arguments:?}: {}", run.stderr);
        assert!(!run.stderr.contains("--allow-http"), "{}", run.stderr);
    }
    let emulated = Emulated::start(WORLD);
    let run = list(&emulated, &["huawei/job/ecs"]);
    let hint = "name its jobs by their references: huawei/job/SERVICE/JOB";
    assert!(run.stderr.contains(hint), "{}", run.stderr);
}
