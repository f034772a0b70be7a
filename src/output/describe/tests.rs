use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::super::text::{command_mark, is_dangerous, width};
use super::super::{Screen, Zone};
use crate::model::{
    Address, ConfigFile, Container, EnvVar, Event, Flex, HttpGet, Job, Level, Mount, Nfs, Object,
    Port, Probe, Probes, Resources, Security, State, Task, Termination, Time, Volume,
};

const NOW: i64 = 1_700_000_000;

fn at(seconds_before: i64) -> Option<Time> {
    Time::from_unix(NOW - seconds_before)
}

fn page(job: &Job, width: Option<usize>, colour: bool) -> String {
    let screen = Screen {
        width,
        colour,
        now: at(0).unwrap(),
        zone: Zone::Utc,
    };
    let mut out = Vec::new();
    super::write(&mut out, std::slice::from_ref(job), &screen).unwrap();
    String::from_utf8(out).unwrap()
}

/// The lines before the first section.
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
    job.settle(at(0).unwrap());
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
fn tells_the_first_failed_container_as_a_person_would() {
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
            "  init container main exited with 137: killed (SIGKILL), most likely out of memory, else by force",
            "  line one",
            "    line two",
            "  restarted 3 times; the run before exited with 127: command not found",
        ]
    );
}

#[test]
fn shows_the_warnings_that_lie_nearest_to_the_end() {
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
            "  5 warnings, nearest to the end:",
            "    30s after the end: after",
            "    at the end: end",
            "    1m before the end: near",
        ]
    );
}

#[test]
fn every_state_says_since_when_and_an_unknown_one_why() {
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
        "unknown: the cloud says Word, a word that no table holds"
    );
    let mut silent = job(State::Unknown);
    silent.state_raw = None;
    silent.events = vec![warning("BackOff", 60)];
    assert_eq!(
        cause(&settled(silent)),
        [
            "unknown: the cloud reports events, no states",
            "  1 warning:",
            "    1m ago: BackOff"
        ]
    );
    assert_eq!(
        cause(&settled(job(State::Canceled)))[1],
        "  the cloud gives no reason"
    );
}

#[test]
fn a_job_on_its_way_tells_what_already_went_wrong() {
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
            "  container main waits: ImagePullBackOff",
            "  1 of 3 sub jobs failed"
        ]
    );
}

#[test]
fn of_thousands_of_tasks_all_that_failed_are_shown_and_the_rest_is_counted() {
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
        page.contains("  and 9900 more (100 running, 9800 succeeded); -o json shows all\n"),
        "{page}"
    );
    assert!(page.contains("\nSubtasks (100 failed, 100 running, 9800 succeeded)\n"));
}

#[test]
fn several_things_have_a_rule_with_their_reference_before_each() {
    let screen = Screen {
        width: Some(40),
        colour: false,
        now: at(0).unwrap(),
        zone: Zone::Utc,
    };
    let mut out = Vec::new();
    super::write(
        &mut out,
        &[job(State::Running), job(State::Failed)],
        &screen,
    )
    .unwrap();
    let page = String::from_utf8(out).unwrap();
    let rules: Vec<&str> = page.lines().filter(|line| line.contains("──")).collect();
    assert_eq!(rules, ["── aliyun/job/c/5 ──────────────────────"; 2]);
    assert_eq!(width(rules[0]), 40);
}

/// A thing whose texts are all the same; those that are shown in one piece are `whole`.
fn everywhere(text: &str, whole: &str) -> Job {
    let (some, piece) = (|| Some(text.to_owned()), || Some(whole.to_owned()));
    let labels = BTreeMap::from([(text.to_owned(), some())]);
    let probe = || {
        Some(Box::new(Probe {
            exec: vec![text.to_owned()],
            http: Some(HttpGet {
                path: some(),
                port: Some(80),
                scheme: some(),
            }),
            period_seconds: Some(5),
            ..Probe::default()
        }))
    };
    let container = Container {
        name: some(),
        image: piece(),
        image_pull_policy: some(),
        command: vec![whole.to_owned(), whole.to_owned()],
        args: vec![whole.to_owned()],
        working_dir: piece(),
        env: vec![EnvVar {
            name: some(),
            value: some(),
            value_from: some(),
        }],
        ports: vec![Port {
            port: Some(1),
            protocol: piece(),
            access_url: piece(),
        }],
        mounts: vec![Mount {
            name: some(),
            path: some(),
            source_path: some(),
            kind: some(),
            sub_path: some(),
            read_only: Some(true),
            propagation: some(),
        }],
        probes: Probes {
            liveness: probe(),
            readiness: probe(),
        },
        security: Some(Box::new(Security {
            capabilities: vec![text.to_owned()],
            read_only_root: Some(true),
            run_as_user: Some(0),
        })),
        resources: Resources {
            accelerators: Some(2),
            accelerator_type: some(),
            ..Resources::default()
        },
        state: State::Failed,
        state_raw: some(),
        exit_code: Some(137),
        restart_count: Some(2),
        reason: some(),
        message: some(),
        detail_status: some(),
        previous: Some(Box::new(Termination {
            state_raw: some(),
            reason: some(),
            message: some(),
            finished_at: at(9),
            ..Termination::default()
        })),
        ..Container::default()
    };
    let volume = Volume {
        name: some(),
        kind: some(),
        nfs: Some(Nfs {
            server: some(),
            path: some(),
            read_only: None,
        }),
        config_files: vec![ConfigFile {
            path: some(),
            content: some(),
        }],
        flex: Some(Flex {
            driver: some(),
            fs_type: some(),
            options: some(),
        }),
        ..Volume::default()
    };
    let task = Task {
        id: piece(),
        name: some(),
        kind: "container_group".into(),
        state: State::Unknown,
        state_raw: some(),
        reason: some(),
        message: some(),
        addresses: vec![Address {
            kind: "ipv6".into(),
            address: text.to_owned(),
        }],
        node: piece(),
        zone: some(),
        instance_type: some(),
        labels: labels.clone(),
        containers: vec![container],
        volumes: vec![volume],
        details: Some(Arc::new(labels.clone())),
        ..Task::default()
    };
    let event = Event {
        level: Some(Level::Warning),
        object: Object {
            kind: some(),
            name: some(),
        },
        task: piece(),
        count: Some(3),
        first_at: at(99),
        ..warning(text, 50)
    };
    let other = Event {
        level: None,
        level_raw: some(),
        message: some(),
        ..event.clone()
    };
    settled(Job {
        name: some(),
        region: some(),
        user: some(),
        queue: some(),
        reason: some(),
        message: some(),
        labels: labels.clone(),
        request_id: piece(),
        tasks: vec![task.clone(), task],
        events: vec![event, other],
        details: Some(Arc::new((labels, vec![text.to_owned()]))),
        ..job(State::Failed)
    })
}

#[test]
fn nothing_is_cut_however_narrow_the_screen() {
    let text = "训练任务".repeat(40);
    let page = page(&everywhere(&text, "x"), Some(40), false);
    assert!(!page.contains('…'));
    let joined: String = page.lines().map(str::trim).collect();
    assert!(joined.matches(&text).count() > 50, "{joined}");
}

#[test]
fn a_message_of_a_quarter_of_a_megabyte_is_shown_in_no_time() {
    let started = std::time::Instant::now();
    for part in ["字", "\u{301}", "a ", "\n"] {
        let mut job = job(State::Failed);
        job.message = Some(part.repeat((1 << 18) / part.len()));
        page(&settled(job), Some(80), true);
    }
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
}

/// What a cloud, or somebody who names a job, could send to do harm.
const HOSTILE: &str =
    "( ?(::|##\\[)\\PC{0,9}){0,4}|(?s:.){0,40}|[ \\t\\n:#\\[\\]a\u{202e}\u{1b}'$]{0,60}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_answer_can_emit_a_control_character_or_a_command_of_a_ci_system(
        text in HOSTILE, width in proptest::option::of(1_usize..200),
    ) {
        for line in page(&everywhere(&text, &text), width, false).lines() {
            prop_assert!(!line.contains(is_dangerous), "{line:?}");
            prop_assert!(!line.trim_start().starts_with("::"), "{line:?}");
            prop_assert!(command_mark(line).is_none(), "{line:?}");
        }
    }

    #[test]
    fn no_line_is_wider_than_the_screen(
        text in "(\\PC{0,9} ?){0,20}|(?s:.){0,200}|[一a: \\n]{0,300}", columns in 40_usize..170,
    ) {
        for line in page(&everywhere(&text, "x"), Some(columns), false).lines() {
            prop_assert!(width(line) <= columns, "{columns}: {line:?}");
        }
    }

    #[test]
    fn colours_change_nothing_else(text in HOSTILE, width in proptest::option::of(1_usize..200)) {
        let job = everywhere(&text, &text);
        let mut coloured = page(&job, width, true);
        for code in [0, 1, 31, 32, 33, 34, 35, 36] {
            coloured = coloured.replace(&format!("\u{1b}[{code}m"), "");
        }
        prop_assert_eq!(coloured, page(&job, width, false));
    }
}
