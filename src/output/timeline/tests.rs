use proptest::prelude::*;

use super::super::Zone;
use super::super::text::{ci_command_at, needs_escape, width};
use super::*;
use crate::model::{Level, Object, State, Time};
use crate::output::document::{EventSubject, TimelineEvent};

fn at(seconds: i64) -> Option<Time> {
    Time::from_unix(1_700_000_000 + seconds)
}

fn context(width: Option<usize>) -> RenderContext {
    RenderContext {
        width,
        color: false,
        now: at(0).unwrap(),
        zone: Zone::Utc,
    }
}

fn event(reference: &str, seconds: i64) -> TimelineEvent {
    TimelineEvent {
        happened_at: at(seconds),
        first_at: at(seconds),
        last_at: at(seconds),
        what: EventSubject::Event,
        reference: reference.into(),
        reason: Some("Pulled".into()),
        message: Some("image pulled".into()),
        ..TimelineEvent::default()
    }
}

fn end(what: EventSubject, kind: &str, name: &str, message: &str) -> TimelineEvent {
    TimelineEvent {
        what,
        kind: "image-job".into(),
        object: Object {
            kind: Some(kind.into()),
            name: Some(name.into()),
        },
        state: Some(State::Failed),
        reason: None,
        message: Some(message.into()),
        is_problem: true,
        ..event("a/b/c", 0)
    }
}

fn shown(all: &[TimelineEvent], references: &[&str], context: RenderContext) -> String {
    let references: Vec<String> = references.iter().map(ToString::to_string).collect();
    let mut page = TimelineWriter::new(context, &references);
    let mut out = Vec::new();
    for one in all {
        page.entry(&mut out, one).unwrap();
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn a_terminal_gets_days_and_references_as_headings() {
    let all = [
        event("aliyun/job/c/5", 0),
        event("aliyun/job/c/5", 1),
        event("tencent/service/c/d/web", 2),
        event("tencent/service/c/d/web", 7200),
        TimelineEvent {
            happened_at: None,
            first_at: None,
            last_at: None,
            ..event("aliyun/job/c/5", 0)
        },
    ];
    let references = ["aliyun/job/c/5", "tencent/service/c/d/web"];
    assert_eq!(
        shown(&all, &references, context(Some(80))),
        "\
2023-11-14 +00:00
aliyun/job/c/5
  22:13:20   Pulled: image pulled
  22:13:21   Pulled: image pulled
tencent/service/c/d/web
  22:13:22   Pulled: image pulled
2023-11-15 +00:00
tencent/service/c/d/web
  00:13:20   Pulled: image pulled
(no time)
aliyun/job/c/5
  -          Pulled: image pulled
"
    );
}

#[test]
fn a_wide_terminal_has_a_reference_column_unless_there_is_only_one() {
    let all = [event("aliyun/job/c/5", 0), event("x/y/z", 1)];
    let wide = shown(&all, &["aliyun/job/c/5", "x/y/z"], context(Some(160)));
    assert_eq!(
        wide,
        "2023-11-14 +00:00\n  \
         22:13:20   aliyun/job/c/5  Pulled: image pulled\n  \
         22:13:21   x/y/z           Pulled: image pulled\n"
    );
    let single = shown(&all[..1], &["aliyun/job/c/5"], context(Some(160)));
    assert_eq!(
        single,
        "2023-11-14 +00:00\n  22:13:20   Pulled: image pulled\n"
    );
}

#[test]
fn a_pipe_gets_a_complete_line_for_each_event() {
    let bad = TimelineEvent {
        count: Some(6530),
        first_at: at(-86_400),
        level: Some(Level::Warning),
        object: Object {
            kind: Some("Pod".into()),
            name: Some("web-1".into()),
        },
        reason: Some("pod启动失败".into()),
        message: Some("one\ntwo\n".into()),
        is_problem: true,
        first_bad: true,
        ..event("a/b/c", 0)
    };
    let all = [
        bad,
        TimelineEvent {
            happened_at: None,
            ..event("a/b", 0)
        },
    ];
    assert_eq!(
        shown(&all, &["a/b/c", "a/b"], context(None)),
        "2023-11-14T22:13:20Z  !  a/b/c  pod启动失败 ×6530 since 2023-11-13T22:13:20Z on Pod web-1: one\\ntwo  ◀ first problem\n\
         (no time)             -  a/b    Pulled: image pulled\n"
    );
}

#[test]
fn long_texts_wrap_by_columns_and_keep_their_lines() {
    let one = TimelineEvent {
        message: Some(format!("{}\nsecond line", "训练任务失败".repeat(8))),
        is_problem: true,
        first_bad: true,
        ..event("a/b/c", 0)
    };
    assert_eq!(
        shown(&[one], &["a/b/c"], context(Some(60))),
        "2023-11-14 +00:00\n  \
         22:13:20 ! Pulled: 训练任务失败训练任务失败训练任务失败训\n           \
         │ 练任务失败训练任务失败训练任务失败训练任务失败\n           \
         │ 训练任务失败\n           \
         │ second line  ◀ first problem\n"
    );
}

#[test]
fn a_page_shows_a_cause_once_and_piped_lines_repeat_it() {
    let all = [
        end(
            EventSubject::Container,
            "container",
            "main",
            "out of memory",
        ),
        end(
            EventSubject::Task,
            "container_group",
            "rank-0",
            "main: out of memory",
        ),
        end(EventSubject::Job, "job", "x", "rank-0: main: out of memory"),
        TimelineEvent {
            reference: "other".into(),
            ..end(EventSubject::Job, "job", "x", "out of memory")
        },
    ];
    let sentences = |width| -> Vec<String> {
        let shown = shown(&all, &["a/b/c"], context(width));
        let lines = shown.lines().filter(|line| line.contains('!'));
        lines
            .map(|line| line.split_once("! ").unwrap().1.trim().to_owned())
            .collect()
    };
    assert_eq!(
        sentences(Some(80)),
        [
            "container main failed: out of memory",
            "container group rank-0 failed: main",
            "image job failed: rank-0: main",
            "image job failed: out of memory",
        ]
    );
    assert_eq!(
        sentences(None)[1],
        "container group rank-0 failed: main: out of memory"
    );
}

#[test]
fn an_end_shows_code_signal_and_reason_once_each() {
    let reported = |one: TimelineEvent| words::sentence(&one, Zone::Utc, None);
    let failed = |exit_code, signal, reason: &str| TimelineEvent {
        exit_code,
        signal,
        reason: Some(reason.into()),
        ..end(EventSubject::Container, "init_container", "main", "")
    };
    let of = TimelineEvent {
        task_name: Some("rank-0".into()),
        ..failed(Some(137), Some(9), "OOMKilled\n")
    };
    assert_eq!(
        reported(of),
        "init container main of rank-0 failed with exit code 137, signal 9 (OOMKilled)"
    );
    let by_signal = reported(failed(None, Some(15), ""));
    assert_eq!(by_signal, "init container main failed by signal 15");
    let twice = reported(failed(Some(2), None, "exit code 2"));
    assert_eq!(twice, "init container main failed with exit code 2");
    let again = TimelineEvent {
        state: Some(State::Running),
        restart_count: Some(3),
        ..failed(None, None, "")
    };
    assert_eq!(
        reported(again),
        "init container main started again (restart 3)"
    );
    let unknown_level = TimelineEvent {
        level_raw: Some("Fatal".into()),
        ..event("a", 0)
    };
    assert_eq!(reported(unknown_level), "Pulled (Fatal): image pulled");
}

#[test]
fn only_problems_are_colored_and_only_if_colors_are_enabled() {
    let all = [event("a", 0), end(EventSubject::Job, "job", "x", "no")];
    let color = |color| {
        let context = RenderContext {
            color,
            ..context(None)
        };
        shown(&all, &["a"], context)
    };
    assert!(!color(false).contains('\u{1b}'));
    let colored = color(true);
    let lines: Vec<_> = colored.lines().collect();
    assert!(!lines[0].contains('\u{1b}'), "{}", lines[0]);
    assert!(lines[1].contains("\u{1b}[31m!\u{1b}[0m"), "{}", lines[1]);
}

fn hostile() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(prop_oneof![
        any::<String>(),
        "[ \\t\\n:#\\[\\]av\u{1b}\u{202e}\u{9b}训👩‍🚀]{0,200}",
        "(x|词){0,300}"
    ])
}

proptest! {
    #[test]
    fn no_text_emits_a_control_character_or_is_wider_than_the_screen(
        texts in (hostile(), hostile(), hostile(), hostile()),
        columns in proptest::option::of(30_usize..200),
        is_event: bool,
        many: bool,
    ) {
        let (reason, message, name, raw) = texts;
        let one = TimelineEvent {
            what: if is_event { EventSubject::Event } else { EventSubject::Container },
            state: (!is_event).then_some(State::Failed),
            object: Object { kind: raw.clone(), name: name.clone() },
            task_name: name,
            level_raw: raw,
            reason,
            message,
            is_problem: true,
            first_bad: true,
            ..event("aliyun/job/c/5", 0)
        };
        let references: &[&str] = if many { &["aliyun/job/c/5", "b"] } else { &["b"] };
        let shown = shown(&[one.clone(), one], references, context(columns));
        for line in shown.lines() {
            prop_assert!(!line.contains(needs_escape), "{line:?}");
            prop_assert!(ci_command_at(line).is_none(), "{line:?}");
            prop_assert!(!line.trim_start().starts_with("::"), "{line:?}");
            let starts = line.chars().next().unwrap();
            prop_assert!(starts == ' ' || starts == '2' || line == "aliyun/job/c/5", "{line:?}");
            if let Some(columns) = columns {
                prop_assert!(width(line) <= columns, "{line:?}");
            }
        }
        prop_assert_eq!(shown.matches("◀ first problem").count() >= 2, true);
    }

    #[test]
    fn no_text_breaks_a_row_in_any_output_format(
        texts in (hostile(), hostile(), hostile(), hostile()),
        is_event: bool,
    ) {
        let (reason, message, name, raw) = texts;
        let one = TimelineEvent {
            what: if is_event { EventSubject::Event } else { EventSubject::Task },
            object: Object { kind: raw.clone(), name: name.clone() },
            task: name.clone(),
            container: name,
            level_raw: raw,
            reason,
            message,
            ..event("aliyun/job/c/5", 0)
        };
        let mut timeline = Timeline::from_jobs("events", &[], vec![], vec![]);
        timeline.content.events = vec![one.clone(), one];
        let all: Vec<EventColumn> = ["happened_at", "text", "message", "mark", "object_kind"]
            .map(|name| EventColumn::by_name(name).unwrap())
            .into();
        // Two rows below the header of each format.
        for (format, columns, lines) in [
            (Format::Csv, None, 3),
            (Format::Tsv, None, 3),
            (Format::Markdown, Some(&all[..]), 4),
            (Format::Table, Some(&all[..]), 3),
            (Format::Table, Some(&all[1..2]), 3),
            (Format::Jsonl, None, 3),
        ] {
            let shown = in_form(&timeline, format, columns);
            prop_assert_eq!(shown.lines().count(), lines, "{:?}: {}", format, shown);
            for line in shown.lines() {
                let line = line.trim_start_matches('\u{feff}');
                prop_assert!(!line.contains(is_dangerous_but_tabs), "{format:?}: {line:?}");
                prop_assert!(ci_command_at(line).is_none(), "{format:?}: {line:?}");
                prop_assert!(!line.trim_start().starts_with("::"), "{format:?}: {line:?}");
            }
        }
        let json: serde_json::Value = serde_json::from_str(&in_form(&timeline, Format::Json, None)).unwrap();
        prop_assert_eq!(json, serde_json::to_value(&timeline).unwrap());
        let yaml = in_form(&timeline, Format::Yaml, None);
        prop_assert!(!yaml.replace('\n', "").contains(needs_escape));
    }
}

fn is_dangerous_but_tabs(c: char) -> bool {
    c != '\t' && needs_escape(c)
}

fn in_form(timeline: &Timeline, format: Format, columns: Option<&[EventColumn]>) -> String {
    let options = OutputOptions {
        format,
        columns: None,
        headers: true,
        query: None,
    };
    let mut out = Vec::new();
    write(&mut out, timeline, columns, &options, &context(None)).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn the_chosen_columns_are_shown_as_a_table_with_headers() {
    let mut timeline = Timeline::from_jobs("events", &[], vec![], vec![]);
    let long = TimelineEvent {
        reason: Some("训练".into()),
        is_problem: true,
        ..event("a/b/c", 5)
    };
    timeline.content.events = vec![event("a/b", 0), long];
    let names = ["happened_at", "REASON", "mark", "ref"];
    let columns = names.map(|name| EventColumn::by_name(name).unwrap());
    assert_eq!(
        in_form(&timeline, Format::Table, Some(&columns)),
        "TIME                  REASON  MARK     REF\n\
         2023-11-14T22:13:20Z  Pulled  -        a/b\n\
         2023-11-14T22:13:25Z  训练    problem  a/b/c\n"
    );
    let wrong = EventColumn::by_name("reson").unwrap_err();
    assert!(wrong.hint.unwrap().contains("did you mean 'reason'?"));
}
