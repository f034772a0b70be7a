//! Hostile texts, and texts that are longer than a line.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::super::super::text::{ci_command_at, needs_escape, width};
use super::{at, job, page, settled, warning};
use crate::model::{
    Address, ConfigFile, Container, EnvVar, Event, Flex, HttpGet, Job, Level, Mount, Nfs, Object,
    Port, Probe, Probes, Reason, Resources, Security, State, Task, Termination, Volume,
};

/// Returns a resource in which all texts are the same; those that are shown in one piece are `whole`.
fn everywhere(text: &str, whole: &str) -> Job {
    let (some, piece) = (|| Some(text.to_owned()), || Some(whole.to_owned()));
    let labels = BTreeMap::from([(text.to_owned(), some())]);
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
        containers: vec![container(text, whole)],
        volumes: vec![volume(text)],
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
        reason: some().map(Reason::from),
        message: some(),
        labels: labels.clone(),
        request_id: piece(),
        tasks: vec![task.clone(), task],
        events: vec![event, other],
        details: Some(Arc::new((labels, vec![text.to_owned()]))),
        ..job(State::Failed)
    })
}

fn probe(text: &str) -> Option<Box<Probe>> {
    let some = || Some(text.to_owned());
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
}

fn container(text: &str, whole: &str) -> Container {
    let (some, piece) = (|| Some(text.to_owned()), || Some(whole.to_owned()));
    Container {
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
            liveness: probe(text),
            readiness: probe(text),
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
    }
}

fn volume(text: &str) -> Volume {
    let some = || Some(text.to_owned());
    Volume {
        name: some(),
        kind: some(),
        nfs: Some(Box::new(Nfs {
            server: some(),
            path: some(),
            read_only: None,
        })),
        config_files: vec![ConfigFile {
            path: some(),
            content: some(),
        }],
        flex: Some(Box::new(Flex {
            driver: some(),
            fs_type: some(),
            options: some(),
        })),
        ..Volume::default()
    }
}

#[test]
fn no_text_is_cut_on_a_narrow_screen() {
    let text = "训练任务".repeat(40);
    let page = page(&everywhere(&text, "x"), Some(40), false);
    assert!(!page.contains('…'));
    let joined: String = page.lines().map(str::trim).collect();
    assert!(joined.matches(&text).count() > 50, "{joined}");
}

#[test]
fn a_message_of_256_kib_is_shown_quickly() {
    let started = std::time::Instant::now();
    for part in ["字", "\u{301}", "a ", "\n"] {
        let mut job = job(State::Failed);
        job.message = Some(part.repeat((1 << 18) / part.len()));
        page(&settled(job), Some(80), true);
    }
    assert!(started.elapsed().as_secs() < 30, "{:?}", started.elapsed());
}

/// Text that a malicious cloud, or a user who names a job, could send.
const HOSTILE: &str =
    "( ?(::|##\\[)\\PC{0,9}){0,4}|(?s:.){0,40}|[ \\t\\n:#\\[\\]a\u{202e}\u{1b}'$]{0,60}";

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_text_emits_a_control_character_or_a_ci_command(
        text in HOSTILE, width in proptest::option::of(1_usize..200),
    ) {
        for line in page(&everywhere(&text, &text), width, false).lines() {
            prop_assert!(!line.contains(needs_escape), "{line:?}");
            prop_assert!(!line.trim_start().starts_with("::"), "{line:?}");
            prop_assert!(ci_command_at(line).is_none(), "{line:?}");
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
    fn colors_do_not_change_the_text(text in HOSTILE, width in proptest::option::of(1_usize..200)) {
        let job = everywhere(&text, &text);
        let mut colored = page(&job, width, true);
        for code in [0, 1, 31, 32, 33, 34, 35, 36] {
            colored = colored.replace(&format!("\u{1b}[{code}m"), "");
        }
        prop_assert_eq!(colored, page(&job, width, false));
    }
}
