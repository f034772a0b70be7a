//! Words of the command line that errors quote.

use crate::support::joblens;

#[test]
fn a_cloud_with_a_profile_is_not_masked_and_the_hint_names_the_nested_command() {
    for (arguments, message, hint) in [
        (
            &["auth", "status", "aliyun@prod"] as &[&str],
            "unexpected argument 'aliyun@prod' found",
            "see: joblens auth status --help",
        ),
        (
            &["schema", "ali@prod"],
            "invalid value 'ali@prod' for [WHAT]",
            "possible values: ",
        ),
        (
            &["completion", "bash", "k8s@prod"],
            "unexpected argument 'k8s@prod' found",
            "see: joblens completion --help",
        ),
        (
            &[
                "wait",
                "-t",
                "1s",
                "--for",
                "aliyun@prod/x",
                "aliyun/job/c/1",
            ],
            "'aliyun@prod/x' for --for: unknown state 'aliyun@prod/x'",
            "expected states ",
        ),
        (
            &[
                "wait",
                "-t",
                "1s",
                "--for",
                "me:hunter2@host",
                "aliyun/job/c/1",
            ],
            "'***@host' for --for: unknown state '***@host'",
            "expected states ",
        ),
        (
            &["config", "init", "x"],
            "unexpected argument 'x' found",
            "see: joblens config init --help",
        ),
    ] {
        let run = joblens(arguments).run();
        assert_eq!(run.code, 2, "{arguments:?}");
        assert!(run.stderr.contains(message), "{}", run.stderr);
        assert!(
            run.stderr.contains(&format!("hint: {hint}")),
            "{}",
            run.stderr
        );
        assert!(!run.stderr.contains("hunter2"), "{}", run.stderr);
    }
}
