mod causes;
mod hostile;

use super::super::text::width;
use super::super::{RenderContext, Zone};
use super::{DetailLevel, PageOptions};
use crate::model::{Array, Container, Event, Job, Level, State, Task, Termination, Time};

const NOW: i64 = 1_700_000_000;

fn at(seconds_before: i64) -> Option<Time> {
    Time::from_unix(NOW - seconds_before)
}

fn page(job: &Job, width: Option<usize>, color: bool) -> String {
    page_of(job, width, color, DetailLevel::Limited)
}

fn page_of(job: &Job, width: Option<usize>, color: bool, extent: DetailLevel) -> String {
    let context = RenderContext {
        width,
        color,
        now: at(0).unwrap(),
        zone: Zone::Utc,
    };
    let mut out = Vec::new();
    let options = PageOptions::new(extent);
    super::write(&mut out, std::slice::from_ref(job), &context, options).unwrap();
    String::from_utf8(out).unwrap()
}

/// Returns the lines before the first section.
fn cause(job: &Job) -> Vec<String> {
    let page = page(job, Some(100), false);
    let lines = page.lines().take_while(|line| !line.is_empty());
    lines.map(str::to_owned).collect()
}

fn job(state: State) -> Job {
    Job {
        reference: "aliyun/job/c/5".into(),
        cloud: "aliyun".into(),
        profile: "default".into(),
        kind: "job".into(),
        id: "5".into(),
        state,
        state_raw: Some("Word".into()),
        ended: state.is_end(),
        created_at: at(7200),
        started_at: at(3600),
        finished_at: at(600),
        ..Job::default()
    }
}

fn settled(mut job: Job) -> Job {
    job.finalize(at(0).unwrap());
    job
}

fn warning(reason: &str, seconds_before: i64) -> Event {
    Event {
        level: Some(Level::Warning),
        reason: Some(reason.into()),
        last_at: at(seconds_before),
        ..Event::default()
    }
}

#[test]
fn describes_the_first_failed_container_in_a_sentence() {
    let mut failed = job(State::Failed);
    failed.message = Some("container main: exit code 137".into());
    failed.tasks = vec![Task {
        state: State::Failed,
        kind: "container_group".into(),
        containers: vec![Container {
            name: Some("main".into()),
            init: true,
            state: State::Failed,
            exit_code: Some(137),
            signal: Some(9),
            restart_count: Some(3),
            message: Some("line one\nline two".into()),
            previous: Some(Box::new(Termination {
                exit_code: Some(127),
                ..Termination::default()
            })),
            ..Container::default()
        }],
        ..Task::default()
    }];
    assert_eq!(
        cause(&settled(failed)),
        [
            "failed 10m ago (2023-11-14 22:03:20 +00:00), after 50m",
            "  init container main exited with 137: killed (SIGKILL), most likely out of memory or kill -9",
            "  line one",
            "    line two",
            "  restarted 3 times; previous run exited with 127: command not found",
        ]
    );
}

#[test]
fn shows_the_warnings_closest_to_the_end() {
    let mut failed = job(State::Failed);
    failed.events = [
        ("early", 5000),
        ("near", 660),
        ("end", 600),
        ("after", 570),
        ("late", 0),
    ]
    .map(|(reason, seconds)| warning(reason, seconds))
    .into();
    assert_eq!(
        cause(&settled(failed))[1..],
        [
            "  5 warnings, closest to the end:",
            "    30s after the end: after",
            "    at the end: end",
            "    1m before the end: near",
        ]
    );
}

#[test]
fn each_state_is_shown_with_its_time_and_an_unknown_one_with_a_cause() {
    let first = |job: Job| cause(&settled(job)).remove(0);
    assert_eq!(
        first(job(State::Running)),
        "running for 1h00m, since 2023-11-14 21:13:20 +00:00"
    );
    assert_eq!(
        first(job(State::Pending)),
        "pending for 2h00m, since 2023-11-14 20:13:20 +00:00"
    );
    assert_eq!(
        first(job(State::Unknown)),
        "unknown: the cloud reports Word, which joblens maps to unknown"
    );
    let mut partly = job(State::Failed);
    partly.ended = false;
    assert_eq!(first(partly.clone()), "failed, but it has not ended");
    partly.array = Some(Array::UNKNOWN);
    assert_eq!(first(partly), "failed, other subtasks have not ended");
    let mut silent = job(State::Unknown);
    silent.state_raw = None;
    silent.events = vec![warning("BackOff", 60)];
    assert_eq!(
        cause(&settled(silent)),
        [
            "unknown: the cloud reports events but no state",
            "  1 warning:",
            "    1m ago: BackOff"
        ]
    );
    assert_eq!(
        cause(&settled(job(State::Canceled)))[1],
        "  no reason reported"
    );
}

#[test]
fn an_active_job_shows_its_failed_and_waiting_parts() {
    let mut running = job(State::Running);
    let task = |name: &str, state| Task {
        name: Some(name.into()),
        kind: "sub_job".into(),
        state,
        ..Task::default()
    };
    running.tasks = vec![
        task("a", State::Succeeded),
        task("b", State::Failed),
        Task {
            containers: vec![Container {
                name: Some("main".into()),
                state: State::Pending,
                reason: Some("ImagePullBackOff".into()),
                ..Container::default()
            }],
            ..task("c", State::Starting)
        },
    ];
    assert_eq!(
        cause(&settled(running))[1..],
        [
            "  sub job b failed",
            "  container main of c waits: ImagePullBackOff",
            "  1 of 3 sub jobs failed"
        ]
    );
}

#[test]
fn all_failed_tasks_are_shown_and_thousands_of_others_are_counted() {
    let mut array = job(State::Failed);
    array.tasks = (0..10_000)
        .map(|number| Task {
            id: Some(format!("5_{number}")),
            kind: "subtask".into(),
            state: match number % 100 {
                99 => State::Failed,
                98 => State::Running,
                _ => State::Succeeded,
            },
            ..Task::default()
        })
        .collect();
    let page = page(&settled(array), Some(80), false);
    assert_eq!(page.matches(": failed\n").count(), 100);
    assert!(
        page.contains("  and 9900 more (100 running, 9800 succeeded); --all shows all\n"),
        "{page}"
    );
    assert!(page.contains("\nSubtasks (100 failed, 100 running, 9800 succeeded)\n"));
}

#[test]
fn failed_groups_come_first_and_others_are_counted_unless_all_are_shown() {
    let mut job = job(State::Failed);
    job.tasks = (1..=12)
        .map(|number| Task {
            name: Some(format!("rank-{number}")),
            kind: "container_group".into(),
            state: match number {
                11 | 12 => State::Failed,
                _ => State::Running,
            },
            ..Task::default()
        })
        .collect();
    let job = settled(job);
    let groups = |page: &str| -> Vec<String> {
        let lines = page
            .lines()
            .filter_map(|line| line.split_once("container group "));
        let names = lines.map(|(_, line)| line.split(':').next().unwrap_or_default().to_owned());
        names.filter(|name| name.starts_with("rank")).collect()
    };
    let limited = page_of(&job, Some(80), false, DetailLevel::Limited);
    let shown = groups(&limited[limited.find("Container groups").unwrap()..]);
    assert_eq!(shown.len(), 10, "{limited}");
    assert_eq!(shown[..3], ["rank-11", "rank-12", "rank-1"]);
    assert!(limited.contains("  and 2 more (2 running); --all shows all\n"));
    let all = page_of(&job, Some(80), false, DetailLevel::All);
    assert_eq!(
        groups(&all[all.find("Container groups").unwrap()..]).len(),
        12
    );
    assert!(!all.contains("more ("), "{all}");
}

#[test]
fn each_of_several_jobs_is_preceded_by_a_rule_with_its_reference() {
    let context = RenderContext {
        width: Some(40),
        color: false,
        now: at(0).unwrap(),
        zone: Zone::Utc,
    };
    let mut out = Vec::new();
    super::write(
        &mut out,
        &[job(State::Running), job(State::Failed)],
        &context,
        PageOptions::new(DetailLevel::Limited),
    )
    .unwrap();
    let page = String::from_utf8(out).unwrap();
    let rules: Vec<&str> = page.lines().filter(|line| line.contains("──")).collect();
    assert_eq!(rules, ["── aliyun/job/c/5 ──────────────────────"; 2]);
    assert_eq!(width(rules[0]), 40);
}

#[test]
fn the_newest_of_many_events_are_shown_with_the_command_for_all() {
    let mut running = job(State::Running);
    running.events = (0..60)
        .map(|number| warning(&format!("w{number}"), number))
        .collect();
    let running = settled(running);
    let page = page(&running, Some(80), false);
    assert!(page.contains("\nEvents (60, newest first; 60 warnings)\n"));
    assert!(page.contains("    w49\n") && !page.contains("    w50\n"));
    let end = "\n  and 10 more; all of them:\n    joblens events aliyun/job/c/5\n";
    assert!(page.ends_with(end), "{page}");
    let whole = page_of(&running, Some(80), false, DetailLevel::All);
    assert!(whole.ends_with("    w59\n"), "{whole}");
}
