use proptest::prelude::*;

use super::super::test_case::tests::{envelope, job, unread};
use super::*;
use crate::error::{Category, Problem};
use crate::model::NoticeCode;
use crate::model::{Notice, State};

fn text(write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> String {
    let mut out = Vec::new();
    write(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

fn annotated(envelope: &Envelope) -> Vec<String> {
    let text = text(|out| annotations(out, envelope));
    text.lines().map(str::to_owned).collect()
}

/// Parses a line like the runner: command, title and message; `None` for a line without a command.
fn understood(line: &str) -> Option<(String, String, String)> {
    let line = line.trim_start().strip_prefix("::")?;
    let (head, message) = line.split_once("::")?;
    let (command, properties) = head.split_once(' ')?;
    let title = properties
        .split(',')
        .find_map(|part| part.strip_prefix("title="))?;
    let plain = |text: &str| {
        text.replace("%0D", "\r")
            .replace("%0A", "\n")
            .replace("%3A", ":")
            .replace("%2C", ",")
            .replace("%25", "%")
    };
    Some((command.to_owned(), plain(title), plain(message)))
}

#[test]
fn the_verdict_and_the_failed_jobs_are_annotations() {
    let mut failed = job("6", State::Failed, "unmet");
    failed.message = Some("50%: out of memory".into());
    let jobs = || vec![job("5", State::Succeeded, "met"), failed.clone()];
    let lines = annotated(&envelope(jobs(), vec![], Verdict::Failed, 1));
    assert_eq!(
        lines,
        [
            "::error title=joblens%3A failed::because (1 met, 1 unmet, 0 pending after 10m, exit code 1)",
            "::error title=aliyun@prod/job/ehpc-hz-FYUr32/6::failed: 50%25: out of memory",
        ]
    );
    let lines = annotated(&envelope(jobs(), vec![], Verdict::Passed, 0));
    assert!(lines[0].starts_with("::warning title=aliyun"), "{lines:?}");
    assert!(lines[1].starts_with("::notice title=joblens%3A passed"));
}

#[test]
fn causes_of_an_undecided_gate_are_errors_and_of_a_decided_gate_warnings() {
    let open = || vec![job("5", State::Running, "pending")];
    let gone = || vec![unread("sugon/instance/1", Category::Network, "no route")];
    let lines = annotated(&envelope(open(), gone(), Verdict::Undecided, 124));
    assert_eq!(
        lines[0].split("::").nth(1).unwrap(),
        "error title=joblens%3A undecided (timeout)"
    );
    assert_eq!(
        lines[1],
        "::error title=aliyun@prod/job/ehpc-hz-FYUr32/5::still running after 10m"
    );
    assert_eq!(lines[2], "::error title=sugon/instance/1::no route");
    let lines = annotated(&envelope(open(), gone(), Verdict::Failed, 1));
    assert_eq!(lines[1], "::warning title=sugon/instance/1::no route");
    assert_eq!(lines.len(), 2);
}

#[test]
fn more_annotations_than_github_shows_are_summed_up() {
    let jobs = (0..500).map(|n| job(&n.to_string(), State::Failed, "unmet"));
    let mut envelope = envelope(jobs.collect(), vec![], Verdict::Failed, 1);
    envelope.notices = (0..10)
        .map(|n| Notice::new(NoticeCode::Outage, n.to_string()))
        .collect();
    let lines = annotated(&envelope);
    let level = |word: &str| lines.iter().filter(|line| line.starts_with(word)).count();
    assert_eq!((level("::error "), level("::notice ")), (10, 10));
    assert_eq!(
        lines[9],
        "::error title=joblens::492 more are in the summary and in the log"
    );
}

#[test]
fn hostile_texts_cannot_end_a_property_or_begin_a_command() {
    for hostile in [
        "::set-output name=a::b",
        "x\n::error::y\r\n::stop-commands::z",
        "a,file=/etc/passwd::b%0A::error::c",
        "##[group]\u{1b}[2J",
    ] {
        let mut bad = job("5", State::Failed, "unmet");
        bad.reference = hostile.into();
        bad.message = Some(hostile.into());
        let lines = annotated(&envelope(vec![bad], vec![], Verdict::Failed, 1));
        assert_eq!(lines.len(), 2, "{lines:?}");
        let (command, title, message) = understood(&lines[1]).unwrap();
        assert_eq!(command, "error");
        assert_eq!(title, escape(hostile));
        assert!(message.starts_with("failed: "), "{message}");
        assert!(!lines[1].contains("##[") && !lines[1].contains('\u{1b}'));
    }
}

#[test]
fn the_summary_is_a_table_with_a_row_for_each_reference() {
    let mut bad = job("5", State::Failed, "unmet");
    bad.name = Some("a|b <img src=x> [l](http://x) `c`".into());
    bad.message = Some("one\ntwo".into());
    bad.duration_seconds = Some(61);
    let error = unread("sugon/instance/1", Category::NotFound, "no such instance");
    let envelope = envelope(vec![bad], vec![error], Verdict::Failed, 1);
    let text = text(|out| summary(out, &envelope, 1 << 20));
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "### joblens: failed");
    assert_eq!(
        lines[6],
        "| aliyun&#64;prod/job/ehpc-hz-FYUr32/5 \
         | a&#124;b &#60;img src=x&#62; &#91;l&#93;(http&#58;//x) &#96;c&#96; \
         | failed | unmet | 1m01s | failed: one two |"
    );
    assert_eq!(
        lines[7],
        "| sugon/instance/1 | 1 | - | pending | - | no such instance |"
    );
}

#[test]
fn jobs_that_a_decided_gate_did_not_wait_for_are_skipped_in_the_summary() {
    let jobs = vec![
        job("5", State::Failed, "unmet"),
        job("6", State::Running, "pending"),
    ];
    let envelope = envelope(jobs, vec![], Verdict::Failed, 1);
    let text = text(|out| summary(out, &envelope, 1 << 20));
    let row = text.lines().last().unwrap();
    assert!(
        row.contains("| running | skipped | - | still running; not waited for"),
        "{row}"
    );
}

#[test]
fn a_summary_that_is_too_large_shows_how_many_rows_are_missing() {
    let jobs = (0..500).map(|n| job(&n.to_string(), State::Failed, "unmet"));
    let envelope = envelope(jobs.collect(), vec![], Verdict::Failed, 1);
    let cut = text(|out| summary(out, &envelope, 5000));
    assert!(cut.len() <= 5000);
    let rows = cut
        .lines()
        .filter(|line| line.starts_with("| aliyun"))
        .count();
    assert!(cut.ends_with(&format!("\n{} more are not shown.\n", 500 - rows)));
    assert_eq!(text(|out| summary(out, &envelope, 10)), "");
}

#[test]
fn outputs_are_single_lines_with_references_separated_by_spaces() {
    let jobs = vec![
        job("5", State::Failed, "unmet"),
        job("6", State::Canceled, "unmet"),
        job("7", State::Running, "pending"),
    ];
    assert_eq!(
        text(|out| outputs(out, &envelope(jobs, vec![], Verdict::Failed, 1))),
        "verdict=failed\nexit=1\nreason=because\n\
         failed=aliyun@prod/job/ehpc-hz-FYUr32/5 aliyun@prod/job/ehpc-hz-FYUr32/6\n\
         pending=aliyun@prod/job/ehpc-hz-FYUr32/7\npassed=\n"
    );
    let passed = envelope(vec![], vec![], Verdict::Passed, 0);
    assert_eq!(
        text(|out| outputs(out, &passed)),
        "verdict=passed\nexit=0\nreason=because\nfailed=\npending=\npassed=\n"
    );
}

#[test]
fn a_problem_without_a_reference_is_the_reason_and_not_a_reference() {
    let problem = Problem::new(Category::Network, "because");
    let late = envelope(vec![], vec![problem.clone()], Verdict::Undecided, 124);
    let lists = "failed=\npending=\npassed=\n";
    assert_eq!(
        text(|out| outputs(out, &late)),
        format!("verdict=undecided\nexit=124\nreason=because\n{lists}")
    );
    let lines = annotated(&late);
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("::error title=joblens%3A undecided (timeout)::because ("));
    let without_gate = Envelope::new("wait", Vec::new(), vec![problem], Vec::new());
    let outputs = text(|out| outputs(out, &without_gate));
    assert!(outputs.ends_with(&format!("reason=because\n{lists}")));
}

#[test]
fn a_value_with_line_breaks_cannot_add_another_output() {
    let value = "a\nverdict=passed\nEND_OF_JOBLENS\nb";
    assert_eq!(
        output("failed", value),
        format!("failed<<END_OF_JOBLENS_\n{value}\nEND_OF_JOBLENS_\n")
    );
}

proptest! {
    #[test]
    fn rows_keep_their_columns_and_contain_no_markup(
        name in any::<String>(),
        message in "(?s:.){0,60}|[|\\\\`<>&\n: ]{0,30}",
    ) {
        let mut one = job("5", State::Failed, "unmet");
        one.reference.clone_from(&name);
        one.name = Some(name);
        one.message = Some(message.clone());
        let error = unread("a/b/c", Category::Network, &message);
        let envelope = envelope(vec![one], vec![error], Verdict::Failed, 1);
        let text = text(|out| summary(out, &envelope, 1 << 20));
        let rows: Vec<&str> = text.lines().skip(4).collect();
        prop_assert_eq!(rows.len(), 4);
        for row in rows {
            prop_assert_eq!(row.matches('|').count(), 7, "{}", row);
            prop_assert!(!row.contains(['\\', '<', '`']), "{}", row);
        }
    }

    #[test]
    fn annotations_can_be_read_back_unchanged(message in "(?s:.){0,80}|[%0-9AD:,\r\n ]{0,40}") {
        let mut one = job("5", State::Failed, "unmet");
        one.message = Some(message);
        let envelope = envelope(vec![one.clone()], vec![], Verdict::Failed, 1);
        let lines = annotated(&envelope);
        prop_assert_eq!(lines.len(), 2);
        let (command, title, message) = understood(&lines[1]).unwrap();
        prop_assert_eq!(command.as_str(), "error");
        prop_assert_eq!(&title, &one.reference);
        let reason = cases(&envelope)[0].explanation(&envelope);
        prop_assert_eq!(message, escape_lines(reason.trim()));
    }
}
