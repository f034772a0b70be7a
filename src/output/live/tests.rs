use std::borrow::Cow;

use super::super::{Format, Zone};
use super::*;
use crate::model::{Job, State, Time};
use proptest::prelude::*;

const NOW: i64 = 1_700_000_000;

fn job(number: usize, state: State) -> Job {
    let mut job = Job {
        reference: format!("aliyun/job/ehpc/{number}"),
        name: Some("训练".into()),
        state,
        ended: state.is_end(),
        created_at: Time::from_unix(NOW - 90),
        started_at: Time::from_unix(NOW - 60),
        finished_at: Time::from_unix(NOW),
        message: (state == State::Failed).then(|| "the node ran out of memory".into()),
        ..Job::default()
    };
    job.finalize(Time::from_unix(NOW).unwrap());
    job
}

fn rows(jobs: &[Job]) -> Vec<Row<'_>> {
    let row = |job| Row {
        reference: "not used".into(),
        job: Some(Cow::Borrowed(job)),
        unreadable_reason: None,
    };
    jobs.iter().map(row).collect()
}

fn options() -> OutputOptions {
    OutputOptions {
        format: Format::Table,
        columns: None,
        headers: true,
        query: None,
    }
}

fn context(width: usize, later: i64) -> RenderContext {
    RenderContext {
        width: Some(width),
        color: false,
        now: Time::from_unix(NOW + later).unwrap(),
        zone: Zone::Utc,
    }
}

/// Creates a frame of some jobs that were read 3 s ago.
fn with_frame<T>(rows: &[Row], notes: &[String], use_frame: impl FnOnce(&Frame) -> T) -> T {
    let jobs: Vec<Option<&Job>> = rows.iter().map(|row| row.job.as_deref()).collect();
    use_frame(&Frame {
        jobs: &jobs,
        read_status: &|_| ReadStatus::Polled,
        row: &|number| rows[number].clone(),
        notes,
        scopes: ScopeCounts::default(),
        last_read: Some(3),
        has_keys: true,
    })
}

/// Returns the lines of the next frame after `later` seconds, without the codes around it.
fn drawn(
    live: &mut Live,
    jobs: &[Job],
    notes: &[&str],
    size: TerminalSize,
    later: i64,
) -> Vec<String> {
    let notes: Vec<String> = notes.iter().map(ToString::to_string).collect();
    let rows = rows(jobs);
    let text = with_frame(&rows, &notes, |frame| {
        live.frame(frame, &context(size.width, later), size)
    });
    let text = String::from_utf8(text).unwrap();
    let text = text
        .strip_prefix("\u{1b}[?1049h\u{1b}[?25l")
        .unwrap_or(&text);
    let text = text
        .strip_prefix("\u{1b}[?2026h\u{1b}[H\u{1b}[?7l")
        .unwrap();
    let text = text.strip_suffix("\u{1b}[?7h\u{1b}[?2026l").unwrap();
    let text = text.strip_suffix("\r\n\u{1b}[J").unwrap_or(text);
    text.split("\r\n")
        .map(|line| line.strip_suffix("\u{1b}[K").unwrap_or(line).to_owned())
        .collect()
}

fn live() -> Live {
    Live::new(&options(), true)
}

const SMALL: TerminalSize = TerminalSize {
    width: 80,
    height: 6,
};

#[test]
fn a_frame_shows_the_table_with_current_ages_and_the_notes_below() {
    let jobs = [job(1, State::Running), job(2, State::Failed)];
    let notes = ["aliyun does not answer\u{1b}[2J"];
    let size = TerminalSize {
        width: 80,
        height: 20,
    };
    assert_eq!(
        drawn(&mut live(), &jobs, &notes, size, 7),
        [
            "REF                STATE    NAME  RAN    AGE    WHY",
            "aliyun/job/ehpc/1  running  训练  1m07s  1m37s",
            "aliyun/job/ehpc/2  failed   训练  1m     1m37s  the node ran out of memory",
            "aliyun does not answer\\u{1b}[2J",
            "1 failed, 1 running, polled 3 s ago, q to quit",
        ]
    );
}

#[test]
fn if_rows_do_not_fit_active_jobs_are_shown_and_the_others_counted() {
    let mut jobs: Vec<Job> = (1..=4).map(|one| job(one, State::Succeeded)).collect();
    jobs.extend((5..=7).map(|one| job(one, State::Running)));
    let shown = drawn(&mut live(), &jobs, &[], SMALL, 0);
    let first = |line: &String| line.split(' ').next().unwrap().to_owned();
    assert_eq!(
        shown[..4].iter().map(first).collect::<Vec<_>>(),
        [
            "REF",
            "aliyun/job/ehpc/5",
            "aliyun/job/ehpc/6",
            "aliyun/job/ehpc/7"
        ]
    );
    assert_eq!(
        shown[4..],
        [
            "and 4 more",
            "3 running, 4 succeeded, polled 3 s ago, q to quit"
        ]
    );
}

#[test]
fn an_unchanged_frame_is_not_drawn_again() {
    let mut jobs = [job(1, State::Succeeded)];
    jobs[0].created_at = None;
    let rows = rows(&jobs);
    let mut live = live();
    let next = |live: &mut Live, later| {
        with_frame(&rows, &[], |frame| {
            live.frame(frame, &context(80, later), SMALL)
        })
    };
    assert!(!next(&mut live, 0).is_empty());
    assert_eq!(next(&mut live, 1), b"");
    live.invalidate();
    assert!(!next(&mut live, 1).is_empty());
}

#[test]
fn a_job_that_was_not_read_yet_has_a_row() {
    let unread = [
        Row {
            reference: "sugon/instance/a".into(),
            job: None,
            unreadable_reason: None,
        },
        Row {
            reference: "sugon/instance/b".into(),
            job: None,
            unreadable_reason: Some("not found; retrying".into()),
        },
    ];
    let text = with_frame(&unread, &[], |frame| {
        let first = Frame {
            last_read: None,
            has_keys: false,
            ..*frame
        };
        live().frame(&first, &context(100, 0), SMALL)
    });
    let text = String::from_utf8(text).unwrap();
    assert!(
        text.contains("sugon/instance/a  -      -     -    -\u{1b}[K\r\n"),
        "{text:?}"
    );
    assert!(
        text.contains("-    -    not found; retrying\u{1b}[K\r\n2 not read yet\u{1b}[K"),
        "{text:?}"
    );
}

#[test]
fn references_that_do_not_fit_are_grouped_by_scope_and_keep_all_columns() {
    let mut jobs: Vec<Job> = (1..=3).map(|one| job(one, State::Running)).collect();
    jobs[1].reference = "sugon/instance/7d3e1f60".into();
    jobs[2].reference = "aliyun/job/ehpc/训练".into();
    let size = TerminalSize {
        width: 40,
        height: 20,
    };
    assert_eq!(
        drawn(&mut live(), &jobs, &[], size, 0)[..6],
        [
            "REF         STATE    NAME  RAN  AGE",
            "aliyun/job/ehpc/",
            "  1         running  训练  1m   1m30s",
            "  训练      running  训练  1m   1m30s",
            "sugon/instance/",
            "  7d3e1f60  running  训练  1m   1m30s",
        ]
    );
    let (live, context) = (live(), context(40, 0));
    let text = String::from_utf8(live.close(&rows(&jobs), &context)).unwrap();
    assert!(
        text.contains("\naliyun/job/ehpc/训练     running"),
        "{text}"
    );
}

#[test]
fn a_colored_table_takes_one_terminal_row_per_line_at_any_width() {
    let jobs = [job(1, State::Running), job(2, State::Failed)];
    for width in 17..80 {
        let size = TerminalSize { width, height: 20 };
        let context = RenderContext {
            color: true,
            ..context(width, 0)
        };
        let rows = rows(&jobs);
        let lines = with_frame(&rows, &[], |frame| live().lines(frame, &context, size));
        assert_eq!(height(&lines, width), lines.len(), "{width} {lines:#?}");
    }
}

#[test]
fn a_terminal_without_an_alternate_screen_gets_only_codes_of_a_vt100() {
    let jobs = [job(1, State::Succeeded)];
    let rows = rows(&jobs);
    let mut live = Live::new(&options(), false);
    let mut text = Vec::new();
    for later in 0..3 {
        text.extend(with_frame(&rows, &[], |frame| {
            live.frame(frame, &context(80, later), SMALL)
        }));
    }
    text.extend(live.suspend());
    text.extend(with_frame(&rows, &[], |frame| {
        live.frame(frame, &context(80, 3), SMALL)
    }));
    text.extend(live.close(&rows, &context(80, 3)));
    let text = String::from_utf8(text).unwrap();
    // It supports the codes for lines that are not wrapped.
    let text = text.replace("\u{1b}[?7l", "").replace("\u{1b}[?7h", "");
    let codes: Vec<&str> = text
        .split('\u{1b}')
        .skip(1)
        .map(|rest| &rest[..2])
        .collect();
    let is_known = |code: &&str| ["[K", "[J", "[3"].contains(code);
    assert!(codes.iter().all(is_known), "{codes:?}");
    assert_eq!(text.matches("\u{1b}[3A").count(), 3, "{text:?}");
}

#[test]
fn closing_shows_the_cursor_and_leaves_every_row_as_normal_output() {
    let jobs: Vec<Job> = (1..=9).map(|one| job(one, State::Succeeded)).collect();
    let mut live = live();
    let rows = rows(&jobs);
    let opened = with_frame(&rows, &[], |frame| {
        live.frame(frame, &context(80, 0), SMALL)
    });
    assert!(opened.starts_with(b"\x1b[?1049h\x1b[?25l"));
    let text = String::from_utf8(live.close(&rows, &context(80, 0))).unwrap();
    let table = text.strip_prefix("\u{1b}[?25h\u{1b}[?1049l").unwrap();
    assert_eq!(table.lines().count(), 10);
    assert!(!table.contains('\u{1b}') && table.ends_with('\n'));
}

#[test]
fn a_suspended_screen_is_left_and_entered_again_by_the_next_frame() {
    let jobs = [job(1, State::Running)];
    let rows = rows(&jobs);
    let mut live = live();
    assert_eq!(live.suspend(), b"", "nothing was drawn");
    let first = with_frame(&rows, &[], |frame| {
        live.frame(frame, &context(80, 0), SMALL)
    });
    assert_eq!(live.suspend(), b"\x1b[?25h\x1b[?1049l");
    assert_eq!(live.suspend(), b"");
    assert_eq!(
        with_frame(&rows, &[], |frame| live.frame(
            frame,
            &context(80, 0),
            SMALL
        )),
        first
    );
}

proptest! {
    #[test]
    fn a_frame_never_takes_more_rows_than_the_terminal_has(
        width in 1_usize..120,
        height in 1_usize..30,
        count in 1_usize..40,
        notes in 0_usize..5,
    ) {
        let states = [State::Running, State::Failed, State::Succeeded];
        let jobs: Vec<Job> = (0..count).map(|one| job(one, states[one % 3])).collect();
        let notes = vec!["aliyun does not answer"; notes];
        let lines = drawn(&mut live(), &jobs, &notes, TerminalSize { width, height }, 0);
        prop_assert!(super::height(&lines, width) <= height, "{lines:#?}");
    }
}

#[test]
fn only_rows_that_fit_on_the_terminal_are_rendered() {
    let jobs: Vec<Job> = (1..=5000).map(|one| job(one, State::Running)).collect();
    let rows = rows(&jobs);
    let made = std::cell::Cell::new(0);
    with_frame(&rows, &[], |frame| {
        let row = |number: usize| {
            made.set(made.get() + 1);
            rows[number].clone()
        };
        let text = live().frame(
            &Frame {
                row: &row,
                ..*frame
            },
            &context(80, 0),
            SMALL,
        );
        let text = String::from_utf8(text).unwrap();
        assert!(text.contains("and 4997 more"), "{text}");
    });
    assert_eq!(made.get(), SMALL.height - 1);
}

#[test]
fn the_status_counts_gone_jobs_and_scopes_that_have_no_jobs_or_cannot_be_read() {
    let status_of = |jobs: &[Option<&Job>], [read, unread, failed]: [usize; 3]| {
        status(&Frame {
            jobs,
            read_status: &|number| match number {
                1 => ReadStatus::Gone,
                3 => ReadStatus::Failed,
                _ => ReadStatus::Polled,
            },
            row: &|_| unreachable!("a status needs no row"),
            notes: &[],
            scopes: ScopeCounts {
                read,
                unread,
                failed,
            },
            last_read: None,
            has_keys: true,
        })
    };
    assert_eq!(status_of(&[], [0, 1, 0]), "1 scope not read yet, q to quit");
    assert_eq!(status_of(&[], [1, 0, 0]), "no active jobs, q to quit");
    assert_eq!(
        status_of(&[], [0, 0, 2]),
        "2 scopes cannot be read, q to quit"
    );
    let running = job(1, State::Running);
    assert_eq!(
        status_of(&[Some(&running)], [1, 0, 1]),
        "1 running, 1 scope cannot be read, q to quit"
    );
    assert_eq!(
        status_of(
            &[Some(&running), Some(&running), None, Some(&running)],
            [0, 0, 0]
        ),
        "1 running, 1 disappeared, 1 cannot be read, 1 not read yet, q to quit"
    );
}
