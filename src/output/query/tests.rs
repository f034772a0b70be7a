use super::*;
use crate::model::{Job, State};
use crate::output::document::Envelope;

fn applied(expression: &str) -> io::Result<String> {
    let job = |reference: &str, name: &str, state| Job {
        reference: reference.into(),
        name: Some(name.into()),
        state,
        ..Job::default()
    };
    let jobs = vec![
        job("aliyun/job/c/5", "训练", State::Failed),
        job(
            "aliyun/job/c/6",
            "a\u{1b}[2J\tb\n::error::x",
            State::Running,
        ),
    ];
    let report = Envelope::new("get", jobs, vec![], vec![]);
    let mut out = Vec::new();
    Query::parse(expression)
        .unwrap_or_else(|problem| panic!("{problem}"))
        .write(&mut out, &report)?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn texts_are_raw_and_all_else_is_json() {
    assert_eq!(applied(".jobs[].state").unwrap(), "failed\nrunning\n");
    assert_eq!(applied(".jobs[0].name").unwrap(), "训练\n");
    assert_eq!(
        applied(".jobs[0] | {name, exit_code, ended}").unwrap(),
        "{\"name\":\"训练\",\"exit_code\":null,\"ended\":false}\n"
    );
    assert_eq!(
        applied(".jobs | map([.ref, .state] | @tsv) | .[]").unwrap(),
        "aliyun/job/c/5\tfailed\naliyun/job/c/6\trunning\n"
    );
    assert_eq!(
        applied(".jobs[1] | [.name, .state, 1.5, null, true] | @tsv").unwrap(),
        "a\\u{1b}[2J\\tb\\n::error::x\trunning\t1.5\t\ttrue\n"
    );
    assert_eq!(
        applied("[\"a\\\"b\", 1, null] | @csv").unwrap(),
        "\"a\"\"b\",1,\n"
    );
    assert!(applied("[[]] | @csv").is_err());
    assert_eq!(applied("empty").unwrap(), "");
}

#[test]
fn line_ends_and_tabs_stay_and_what_moves_a_cursor_or_commands_a_ci_system_is_escaped() {
    assert_eq!(
        applied(".jobs[1].name").unwrap(),
        "a\\u{1b}[2J\tb\n\\u{3a}:error::x\n"
    );
    assert_eq!(
        applied("[.jobs[1].name, \"##[x]\", \"\\u202e\"]").unwrap(),
        "[\"a\\u001b[2J\\tb\\n::error::x\",\"#\\u0023[x]\",\"\\u202e\"]\n"
    );
}

#[test]
fn a_wrong_expression_is_pointed_at() {
    for (expression, column, marked) in [
        (".jobs[", 7, ""),
        (".jobs | nosuch", 9, "nosuch"),
        (".\"训练\" | nosuch(1)", 9, "nosuch"),
        (".jobs | ", 9, ""),
        (".a ! .b", 4, "!"),
        ("$ENV", 1, "$ENV"),
        ("import \"x\" as x; .", 9, "x"),
    ] {
        let problem = Query::parse(expression).unwrap_err();
        assert_eq!(problem.category.exit_code(), 2);
        let said = format!("at column {column}");
        assert!(
            problem.message.ends_with(&said),
            "{expression}: {}",
            problem.message
        );
        let span = problem.span.unwrap();
        assert_eq!(&expression[span], marked, "{}", problem.message);
    }
}

#[test]
fn what_an_expression_cannot_do_is_an_error_and_so_is_what_json_does_not_have() {
    for expression in [
        ".jobs[0].state.x",
        "1/0",
        "nan",
        "{(1): 2}",
        "error(\"::x\")",
        "env",
        "halt",
        "halt(3)",
        "\"x\" | halt_error",
    ] {
        let error = applied(expression).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{expression}");
        assert!(!error.to_string().trim_start().starts_with("::"), "{error}");
    }
}

#[test]
fn numbers_keep_their_digits() {
    let job = Job {
        raw: Some(serde_json::from_str("[702364883651395584999, 1.10]").unwrap()),
        ..Job::default()
    };
    let report = Envelope::new("get", vec![job], vec![], vec![]);
    let mut out = Vec::new();
    let query = Query::parse(".jobs[0].raw").unwrap();
    query.write(&mut out, &report).unwrap();
    assert_eq!(out, b"[702364883651395584999,1.10]\n");
}
