//! The output formats of `doctor`.

use super::{aliyun_in, sugon_in};
use crate::support::emulated::Emulated;
use crate::support::{Server, joblens};

#[test]
fn all_output_formats_except_jsonl_and_name_show_the_checks() {
    let emulated = Emulated::start("");
    for form in ["table", "wide", "json", "yaml", "csv", "tsv", "markdown"] {
        let run = emulated.joblens(&["doctor", "-o", form]).run();
        assert_eq!(run.code, 0, "{form}: {}", run.stdout);
        let version = env!("CARGO_PKG_VERSION");
        assert!(run.stdout.contains(version), "{form}: {}", run.stdout);
        assert!(run.stdout.contains("credential"), "{form}: {}", run.stdout);
    }
    let before = emulated.requests();
    for options in [&["-o", "jsonl"][..], &["-o", "name"], &["--columns", "ref"]] {
        let run = emulated.joblens(&[&["doctor"], options].concat()).run();
        assert_eq!(run.code, 2, "{options:?}");
    }
    assert_eq!(
        emulated.requests(),
        before,
        "usage errors are reported before the first call"
    );
    let picked = ["doctor", "--jq", ".accounts[] | .cloud + \" \" + .status"];
    let run = emulated.joblens(&picked).run();
    assert_eq!(
        run.stdout,
        "aliyun ok\nsugon ok\nhuawei ok\ntencent ok\nkubernetes ok\n"
    );
}

#[test]
fn the_table_has_a_line_for_each_check_with_its_hint_below() {
    let body = r#"{"Code":"Forbidden.RAM","Message":"无权限","RequestId":"R1"}"#;
    let server = Server::answering(crate::support::http("403 Forbidden", "", body.as_bytes()));
    let run = aliyun_in("table", &server.origin(), &[]).run();
    let expected = "\n  fail  permission    ListClusters: 无权限 (Forbidden.RAM, HTTP 403, request id R1)\n        \
                    hint          grant the permission ehpc:ListClusters\n\n1 account: 1 fail\n";
    assert!(run.stdout.ends_with(expected), "{}", run.stdout);
    assert!(
        run.stdout.contains(
            "\naliyun default: fail\n  ok    settings      key LTAI…abc from environment"
        )
    );
    assert!(run.stderr.is_empty(), "{}", run.stderr);
}

#[test]
fn escape_sequences_and_tokens_in_a_response_are_not_printed() {
    let server = Server::start(|_, got, stream| {
        use std::io::Write as _;
        let token = got.header("token").unwrap_or_default();
        let body = format!(r#"{{"code":"10003","msg":"\u001b[2J{token}\n::error::x"}}"#);
        let _ = stream.write_all(&crate::support::json(body));
    });
    for form in ["table", "markdown", "json", "csv"] {
        let run = sugon_in(form, &server.origin(), &["-v"]).run();
        assert_eq!(run.code, 5, "{}", run.stdout);
        assert!(!run.stdout.contains('\u{1b}'), "{}", run.stdout);
        assert!(!run.stdout.contains("\n::"), "{}", run.stdout);
    }
}

#[test]
fn help_has_examples_and_exit_codes() {
    let run = joblens(&["doctor", "--help"]).run();
    for word in ["joblens doctor aliyun sugon@lab", "Exit codes", "ticket"] {
        assert!(run.stdout.contains(word), "{}", run.stdout);
    }
}
