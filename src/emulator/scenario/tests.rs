use super::*;
use crate::kind::{Kind, Segment, StateTable, Template};
use crate::model::State;

const CLUSTER: Segment = Segment::with_setting("CLUSTER", "cluster");
const ID: Segment = Segment::required("ID");
static JOB: Kind = Kind {
    states: &[StateTable::new("job", &[("Running", State::Running)])],
    ..Kind::from_template(Template {
        cloud: "aliyun",
        cloud_short: "ali",
        kind: "job",
        kind_short: "job",
        segments: &[CLUSTER, ID],
        scope_segments: 1,
        ranges: true,
        sample: "aliyun/job/c/5",
    })
};
static SERVICE: Kind = Kind::from_template(Template {
    cloud: "tencent",
    cloud_short: "qcloud",
    kind: "service",
    kind_short: "svc",
    segments: &[ID],
    scope_segments: 0,
    ranges: false,
    sample: "tencent/service/web",
});

fn parse(text: &str) -> Result<Scenario, Problem> {
    Scenario::parse(text, Path::new("s.toml"), &[&JOB, &SERVICE])
}

#[test]
fn reads_jobs_faults_and_the_clock() {
    let scenario = parse(
        r#"
        latency = "20ms"
        speed = 60
        clock_offset = "-20m"
        gzip = true
        [[job]]
        ref = "ali/job/c/train%2F7"
        name = "训练"
        age = "3h"
        appears = "5s"
        vanishes = "20s"
        parts = 2
        states = [
          { after = "0s", state = "running" },
          { after = "2h", state = "Zombie", unrecognized = true, exit_code = 137, reason = "OOMKilled" },
        ]
        warnings = [{ after = "1h", reason = "BackOff", message = "m" }]
        log = [{ after = "1m", line = "epoch {n}", every = "2s", times = 3 }, { after = "1s", line = "begin" }]
        restarts = ["61s"]
        [[fault]]
        operation = "*"
        kind = "throttle"
        times = 3
        skip = 2
        retry_after = "1500ms"
        [[fault]]
        operation = "DescribeServiceEvent"
        cloud = "tencent"
        kind = "slow"
        delay = "1s"
        from = "10s"
        until = "70s"
        "#,
    )
    .unwrap();
    assert_eq!(scenario.latency, Duration::from_millis(20));
    assert_eq!(scenario.speed, 60.0);
    assert_eq!(scenario.clock.offset, chrono::TimeDelta::minutes(-20));
    assert!(scenario.gzip);
    let job = &scenario.jobs[0];
    assert_eq!(job.kind, "aliyun/job");
    assert_eq!(job.segments, ["c", "train/7"]);
    assert_eq!(job.name.as_deref(), Some("训练"));
    assert_eq!((job.age.as_secs(), job.parts), (10_800, 2));
    assert_eq!(job.appears_after, Duration::from_secs(5));
    assert_eq!(job.vanishes_after, Some(Duration::from_secs(20)));
    assert_eq!(job.steps[1].state, "Zombie");
    assert_eq!(job.steps[1].exit_code, Some(137));
    assert_eq!(job.warnings[0].count, 1);
    assert_eq!(job.restarts, [Duration::from_secs(61)]);
    let log = job
        .log
        .iter()
        .map(|line| (line.after.as_secs(), &*line.text));
    let lines = [
        (1, "begin"),
        (60, "epoch 1"),
        (62, "epoch 2"),
        (64, "epoch 3"),
    ];
    assert!(log.eq(lines));
    let [first, second] = &scenario.faults[..] else {
        panic!("{:?}", scenario.faults)
    };
    assert_eq!((first.operation.as_deref(), first.cloud), (None, None));
    assert_eq!((first.skip, first.times), (2, Some(3)));
    assert_eq!((first.from, first.until), (Duration::ZERO, None));
    let minute = (Duration::from_secs(10), Some(Duration::from_secs(70)));
    assert_eq!((second.from, second.until), minute);
    assert_eq!(second.operation.as_deref(), Some("DescribeServiceEvent"));
    assert_eq!(second.cloud, Some("tencent"));
    assert_eq!(
        second.effect,
        crate::emulator::Effect::Slow(Duration::from_secs(1))
    );
}

#[test]
fn a_range_becomes_a_job_for_each_subtask() {
    let scenario =
        parse("[[job]]\nref = 'aliyun/job/c/10_1-5:2'\nstates = [{after='0s', state='Running'}]")
            .unwrap();
    let ids: Vec<_> = scenario.jobs.iter().map(|t| &t.segments[1]).collect();
    assert_eq!(ids, ["10_1", "10_3", "10_5"]);
}

#[test]
fn states_are_optional_with_a_document_or_for_a_kind_without_states() {
    let scenario = parse(
        "[[job]]\nref = 'aliyun/job/c/5'\ndocument = '{}'\n[[job]]\nref = 'tencent/service/web'",
    )
    .unwrap();
    assert_eq!(scenario.jobs[0].document.as_deref(), Some("{}"));
    assert!(scenario.jobs[1].steps.is_empty());
}

#[test]
fn a_document_file_is_read_from_the_folder_of_the_scenario() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[[job]]\nref = 'aliyun/job/c/5'\ndocument_file = 'five.json'";
    let path = folder.path().join("s.toml");
    let read = || Scenario::parse(text, &path, &[&JOB]);
    let problem = read().unwrap_err();
    assert!(
        problem
            .message
            .ends_with(":3: 'five.json' cannot be read (no such file)"),
        "{}",
        problem.message
    );
    std::fs::write(folder.path().join("five.json"), "{\"a\":1}").unwrap();
    assert_eq!(
        read().unwrap().jobs[0].document.as_deref(),
        Some("{\"a\":1}")
    );
}

fn assert_refused(cases: &[(String, &str)]) {
    for (text, wanted) in cases {
        let problem = parse(text).expect_err(text);
        let message = &problem.message;
        assert!(
            message.starts_with(&format!("s.toml{wanted}")),
            "{message}\nfor\n{text}"
        );
    }
}

#[test]
fn an_error_in_a_setting_or_a_job_names_its_line() {
    let job = "[[job]]\nref = 'aliyun/job/c/5'\n";
    assert_refused(&[
        ("speed = \n".to_owned(), ":1: "),
        ("\nsped = 3\n".to_owned(), ":2: unknown key 'sped'"),
        ("speed = 'x'\n".to_owned(), ":1: expected a number"),
        (format!("{job}states = 'x'\n"), ":3: expected a list [ … ]"),
        (format!("{job}name = 5\n"), ":3: expected text in quotes"),
        ("job = 5\n".to_owned(), ":1: expected a list [ … ]"),
        ("speed = 0\n".to_owned(), ":1: speed must be a number"),
        ("speed = nan\n".to_owned(), ":1: speed must be a number"),
        (
            "latency = '5'\n".to_owned(),
            ":1: '5' is not a valid duration",
        ),
        (
            "clock_offset = '--5m'\n".to_owned(),
            ":1: '--5m' is not a valid duration",
        ),
        (
            "clock_offset = '-9999d'\n".to_owned(),
            ":1: '-9999d' is longer than ten years",
        ),
        (job.to_owned(), ":2: 'aliyun/job/c/5' needs states"),
        (
            "[[job]]\nref = 'azure/vm/5'\n".to_owned(),
            ":2: 'azure/vm/5' is not a valid reference: unknown cloud 'azure'",
        ),
        (
            "[[job]]\nref = 'aliyun/job/c/'\n".to_owned(),
            ":2: 'aliyun/job/c/' is not a valid reference: this is a scope",
        ),
        (
            format!("{job}document = ''\n{job}document = ''\n"),
            ":5: 'aliyun/job/c/5' is given twice",
        ),
        (
            format!("{job}document = ''\ndocument_file = 'x'\n"),
            ":4: 'x' and document are mutually exclusive",
        ),
        (
            format!("{job}states = [\n{{after='1s', state='Running'}}]\n"),
            ":4: '1s' must be 0s for the first state",
        ),
        (
            format!(
                "{job}states = [\n{{after='0', state='Running'}},\n{{after='0s', state='Running'}}]\n"
            ),
            ":5: '0s' must be later than the state before it",
        ),
        (
            format!("{job}states = [\n{{after='0s', stat='A'}}]\n"),
            ":4: unknown key 'stat'",
        ),
        (
            format!("{job}document = ''\nparts = 10001\n"),
            ":4: parts must be at most 10000",
        ),
        (
            format!("{job}document = ''\nvanishes = '0s'\n"),
            ":4: '0s' must be after the start",
        ),
        (
            format!("{job}states = [\n{{after='0s', state='Zombie'}}]\n"),
            ":4: 'Zombie' is not a known state",
        ),
    ]);
}

#[test]
fn an_error_in_a_fault_names_its_line() {
    let fault = "[[fault]]\noperation = '*'\n";
    assert_refused(&[
        (
            format!("{fault}kind = 'explode'\n"),
            ":3: 'explode' is not a known fault; expected one of throttle, ",
        ),
        (format!("{fault}kind = 'slow'\n"), ":3: 'slow' needs delay"),
        (
            format!("{fault}kind = 'redirect'\n"),
            ":3: 'redirect' needs location",
        ),
        (
            format!("{fault}kind = 'redirect'\nlocation = \"http://x/\\n\"\n"),
            ":4: 'http://x/\n' is not a valid URL",
        ),
        (
            format!("{fault}kind = 'status'\nstatus = 302\n"),
            ":4: status must be from 400 to 599 for the kind status",
        ),
        (
            format!("{fault}kind = 'reset'\nstatus = 500\n"),
            ":4: status is for faults of the kind status or html only",
        ),
        (
            format!("{fault}kind = 'reset'\nretry_after = '1s'\n"),
            ":4: '1s' is for the kinds throttle and status only",
        ),
        (
            format!("{fault}kind = 'reset'\nfrom = '9s'\nuntil = '9s'\n"),
            ":5: '9s' must be after the start",
        ),
        (
            format!("{fault}cloud = 'azure'\nkind = 'reset'\n"),
            ":3: 'azure' is not a known cloud",
        ),
        (
            "[[fault]]\noperation = 'ListTasks'\nkind = 'reset'\n".to_owned(),
            ":2: 'ListTasks' is not a known operation",
        ),
        (
            "[[fault]]\noperation = 'ListInstances'\ncloud = 'tencent'\nkind = 'reset'\n"
                .to_owned(),
            ":2: 'ListInstances' is not a known operation",
        ),
        (
            "[[fault]]\nkind = 'reset'\n".to_owned(),
            ":1: missing key 'operation'",
        ),
    ]);
    let misspelled = "[[fault]]\noperation = 'DescribeServerlesJobs'\nkind = 'reset'\n";
    let problem = parse(misspelled).unwrap_err();
    let hint = problem.hint.unwrap();
    let suggested = "did you mean 'DescribeServerlessJobs'? operations: AssumeRole, ";
    assert!(hint.starts_with(suggested), "{hint}");
}

#[test]
fn the_built_in_scenario_contains_every_kind_and_all_usual_states() {
    let scenario = Scenario::built_in().unwrap();
    let mut seen = Vec::new();
    for kind in registered_kinds() {
        let name = kind.to_string();
        let mut jobs = scenario.jobs.iter().filter(|t| t.kind == name).peekable();
        assert!(jobs.peek().is_some(), "{name} is not shown");
        for step in jobs.flat_map(|job| &job.steps) {
            let known = kind.states[0]
                .map
                .iter()
                .find(|(word, _)| *word == step.state);
            let (_, state) = known.unwrap_or_else(|| panic!("{name} has no state {}", step.state));
            seen.push(*state);
        }
    }
    for state in [State::Pending, State::Starting, State::Running]
        .into_iter()
        .chain(State::ALL.into_iter().filter(|state| state.is_end()))
    {
        assert!(seen.contains(&state), "nothing is {state}");
    }
    let lives = |job: &&EmulatedJob| job.steps.last().is_some_and(|s| s.after > job.age);
    assert!(scenario.jobs.iter().any(|job| lives(&job)));
}
