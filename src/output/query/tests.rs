use super::*;
use crate::model::{Job, State};
use crate::output::document::Envelope;

/// Parses an expression with the variables that are always set.
fn parse(expression: &str) -> Result<Query, Problem> {
    Query::parse(expression, [("ENV".to_owned(), serde_json::json!({}))])
}

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
    let envelope = Envelope::new("get", jobs, vec![], vec![]);
    let mut out = Vec::new();
    parse(expression)
        .unwrap_or_else(|problem| panic!("{problem}"))
        .write(&mut out, &envelope)?;
    Ok(String::from_utf8(out).unwrap())
}

#[test]
fn strings_are_printed_raw_and_other_values_as_json() {
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
fn control_characters_and_ci_commands_are_escaped_but_not_newlines_and_tabs() {
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
fn an_invalid_expression_is_marked_at_its_error() {
    for (expression, column, marked) in [
        (".jobs[", 7, ""),
        (".jobs | nosuch", 9, "nosuch"),
        (".\"训练\" | nosuch(1)", 9, "nosuch"),
        (".jobs | ", 9, ""),
        (".a ! .b", 4, "!"),
        ("$nosuch", 1, "$nosuch"),
        (". as [$a] ?// 1 | .", 15, "1"),
        ("import \"x\" as x; .", 8, "\"x\""),
    ] {
        let problem = parse(expression).unwrap_err();
        assert_eq!(problem.category.exit_code(), 2);
        let position = format!("at column {column}");
        assert!(
            problem.message.ends_with(&position),
            "{expression}: {}",
            problem.message
        );
        let span = problem.span.unwrap();
        assert_eq!(&expression[span], marked, "{}", problem.message);
    }
}

#[test]
fn an_operation_that_fails_or_is_unsupported_is_an_error() {
    for expression in [
        ".jobs[0].state.x",
        "1/0",
        "{(1): 2}",
        "error(\"::x\")",
        ".jobs[0][0]",
        ".jobs[0][1:]",
        "\"2a\" | tonumber",
        "[{}] | join(\",\")",
        "input",
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
    let envelope = Envelope::new("get", vec![job], vec![], vec![]);
    let mut out = Vec::new();
    let query = parse(".jobs[0].raw").unwrap();
    query.write(&mut out, &envelope).unwrap();
    assert_eq!(out, b"[702364883651395584999,1.10]\n");
}

/// Returns the outputs of an expression for null, each as JSON.
fn of_null(expression: &str) -> io::Result<Vec<String>> {
    let query = parse(&format!("{expression} | tojson"));
    let mut out = Vec::new();
    query
        .unwrap_or_else(|problem| panic!("{expression}: {problem}"))
        .write(&mut out, &())?;
    Ok(String::from_utf8(out)
        .unwrap()
        .lines()
        .map(str::to_owned)
        .collect())
}

#[test]
fn evaluates_as_jq_does() {
    let cases = include_str!("cases.txt").split("\n\n").skip(1);
    let mut count = 0;
    for case in cases {
        let (expression, outputs) = case.split_once('\n').unwrap();
        let wanted: Vec<_> = outputs.lines().map(str::trim_start).collect();
        let made = of_null(&format!("({expression})"));
        let made = made.unwrap_or_else(|error| panic!("{expression}: {error}"));
        assert_eq!(made, wanted, "{expression}");
        count += 1;
    }
    assert!(count > 100, "{count}");
}

#[test]
fn a_too_deep_or_too_large_value_or_recursion_is_an_error() {
    for (expression, message) in [
        ("def f: [f]; f", "recursion too deep"),
        ("def f: 1 + f; f", "recursion too deep"),
        (
            "def f(g; $n): if $n == 0 then g else f([g]; $n - 1) end; f(1; 50000)",
            "recursion too deep",
        ),
        ("[reduce range(10100) as $_ ([]; [.])]", "value too deep"),
        ("def f: {a: .} | f; f", "value too deep"),
        (
            "last(foreach range(10100) as $_ (0; {a: 1, b: .}))",
            "value too deep",
        ),
        ("setpath([range(20000) | 0]; 1)", "Path too deep"),
        (
            "[limit(60000; repeat(\"[\"))] | add | fromjson",
            "invalid JSON",
        ),
        ("\"x\" * 1e12", "Repeat string result too long"),
        ("[] | .[1e12] = 1", "Array index too large"),
    ] {
        let error = applied(expression).unwrap_err();
        assert!(error.to_string().contains(message), "{expression}: {error}");
    }
}

#[test]
fn deep_expressions_are_parsed_and_those_longer_than_16_kib_rejected() {
    const LEVELS: usize = 2000;
    for (before, inner, after) in [
        ("(", "1", ")"),
        ("[", "1", "]"),
        ("-", "1", ""),
        ("1 | ", "1", ""),
        ("if 1 then ", "1", " end"),
        ("\"\\(", "1", ")\""),
        (".a |= ", "1", ""),
        ("try ", "1", ""),
    ] {
        let expression = before.repeat(LEVELS) + inner + &after.repeat(LEVELS);
        let expression = &expression[..];
        match expression.len() <= 1 << 14 {
            true => assert!(of_null(&format!("({expression}) | 1")).is_ok(), "{before}"),
            false => assert!(parse(expression).is_err(), "{before}"),
        }
    }
    let long = "1,".repeat(1 << 14) + "1";
    let problem = parse(&long).unwrap_err();
    assert!(
        problem.message.contains("longer than 16 KiB"),
        "{}",
        problem.message
    );
}

#[test]
fn an_expression_that_uses_too_much_memory_is_an_error() {
    let error = applied("[range(100) | \"x\" * 60000000]").unwrap_err();
    assert!(error.to_string().contains("MiB of memory"), "{error}");
}

#[test]
fn an_error_message_is_one_line_without_data() {
    for (expression, message) in [
        (".jobs[0].ref | .x", "cannot index string with \"x\""),
        (".jobs | .[\"x\"]", "cannot index array with \"x\""),
        (".jobs[0] | .[0]", "cannot index object with number"),
        (".jobs[0] - 1", "cannot calculate object - number"),
        (
            ".jobs[1].name | .[]",
            "cannot use string as iterable (array or object)",
        ),
        ("error(\"two\\nlines\")", "two"),
        ("error({a: 1})", "error with a value of type object"),
    ] {
        assert_eq!(
            applied(expression).unwrap_err().to_string(),
            message,
            "{expression}"
        );
    }
}

#[test]
fn variables_are_set_by_name() {
    let variables = [
        ("ENV".to_owned(), serde_json::json!({})),
        ("state".to_owned(), "failed".into()),
        ("n".to_owned(), 2.into()),
    ];
    let query = Query::parse("$state, $n + 1", variables).unwrap();
    let mut out = Vec::new();
    query.write(&mut out, &()).unwrap();
    assert_eq!(out, b"failed\n3\n");
}

#[test]
fn the_last_output_decides_the_exit_status() {
    for (expression, is_truthy) in [
        ("1, false", false),
        ("null", false),
        ("empty", false),
        ("false, 0", true),
    ] {
        let query = parse(expression).unwrap();
        query.write(&mut Vec::new(), &()).unwrap();
        assert_eq!(query.is_truthy(), is_truthy, "{expression}");
    }
}

#[test]
fn an_endless_expression_ends_when_its_reader_closes() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let query = parse("repeat(1)").unwrap();
    let error = query.write(&mut Closed, &()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
}
