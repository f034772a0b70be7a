use std::collections::BTreeMap;

use tokio::time::Instant;

use super::super::scopes::ScopeReading;
use super::*;
use crate::http::RequestCount;
use crate::model::{State, Time};

#[path = "../../../../tests/it/support/exposition.rs"]
mod exposition;

const AGE: Duration = Duration::from_secs(300);

fn row(id: &str, state: State) -> JobRow {
    JobRow {
        reference: format!("aliyun/job/c/{id}"),
        cloud: "aliyun".to_owned(),
        kind: "job".to_owned(),
        state,
        ended: state.is_end(),
        ..JobRow::default()
    }
}

fn scope(name: &str, rows: Vec<JobRow>) -> Arc<ScopeSnapshot> {
    Arc::new(ScopeSnapshot {
        reading: ScopeReading {
            scope: name.to_owned(),
            cloud: "aliyun".to_owned(),
            rows,
            ..ScopeReading::default()
        },
        rows_read: Some(Instant::now()),
        complete_at: Some(Instant::now()),
        last_success: Time::from_unix(1_700_000_000),
        duration: Some(Duration::from_millis(1500)),
    })
}

fn text(document: MetricsDocument, format: ExpositionFormat) -> String {
    document.pieces(format).collect()
}

fn exporter() -> ExporterStatus {
    ExporterStatus {
        requests: vec![RequestCount {
            cloud: "aliyun",
            operation: "ListJobs",
            requests: 5,
            errors: BTreeMap::from([("throttled", 2)]),
        }],
        expiries: vec![(
            "aliyun",
            "prod".to_owned(),
            Time::from_unix(1_800_000_000).unwrap(),
        )],
    }
}

fn full_row() -> JobRow {
    JobRow {
        name: Some("训练 \"a\\b\"\n\u{1b}[2J".to_owned()),
        user: Some("lin".to_owned()),
        reason: Some("OOMKilled".to_owned()),
        created_at: Time::from_unix(1_700_000_000),
        started_at: Time::from_unix(1_700_000_060),
        finished_at: Time::from_unix(1_700_000_090),
        exit_code: Some(137),
        restarts: Some(3),
        warnings: Some(0),
        ..row("1", State::Failed)
    }
}

#[tokio::test]
async fn every_metric_can_be_parsed_back_in_both_formats() {
    for format in [ExpositionFormat::Text, ExpositionFormat::OpenMetrics] {
        let document =
            MetricsDocument::new(vec![scope("aliyun/job/c/", vec![full_row()])], 10, AGE);
        let text = text(document.with_exporter(exporter()), format);
        let families = exposition::parse(&text);
        let names: Vec<&str> = families.iter().map(|family| &*family.name).collect();
        let expected = FAMILIES.iter().map(|(family, _)| match format {
            ExpositionFormat::Text => family.sample_name(),
            ExpositionFormat::OpenMetrics => family.name.to_owned(),
        });
        assert_eq!(names, expected.collect::<Vec<_>>());
        let value = |name: &str, label: &str| exposition::value(&families, name, label);
        assert_eq!(value("joblens_job_state", "failed"), Some(1.0));
        assert_eq!(value("joblens_job_state", "running"), Some(0.0));
        assert_eq!(
            value("joblens_job_exit_code", "aliyun/job/c/1"),
            Some(137.0)
        );
        assert_eq!(
            value("joblens_job_finished_seconds", "job"),
            Some(1_700_000_090.0)
        );
        let name = "训练 \"a\\b\"\\n\\u{1b}[2J";
        assert_eq!(value("joblens_job_info", name), Some(1.0), "{text}");
        assert_eq!(value("joblens_requests_total", "ListJobs"), Some(5.0));
        let errors = |category| value("joblens_request_errors_total", category);
        assert_eq!(errors("throttled"), Some(2.0));
        assert_eq!(errors("network"), Some(0.0));
        assert_eq!(value("joblens_scope_up", "aliyun/job/c/"), Some(1.0));
        assert_eq!(value("joblens_scope_jobs", "failed"), Some(1.0));
        assert_eq!(
            value("joblens_scope_poll_duration_seconds", "aliyun"),
            Some(1.5)
        );
        let expiry = "joblens_credential_expiry_timestamp_seconds";
        assert_eq!(value(expiry, "prod"), Some(1_800_000_000.0));
    }
}

#[tokio::test]
async fn a_large_document_is_written_in_pieces_of_bounded_size() {
    let rows = (0..2000).map(|n| row(&n.to_string(), State::Running));
    let document = MetricsDocument::new(vec![scope("s/", rows.collect())], 10_000, AGE);
    let pieces = document.pieces(ExpositionFormat::Text);
    let (mut bytes, mut most) = (0, 0);
    for piece in pieces {
        bytes += piece.len();
        most = most.max(piece.len());
    }
    assert!(most < PIECE_BYTES + 4096, "{most}");
    assert!(bytes > 1 << 20, "{bytes}");
}

#[tokio::test]
async fn active_jobs_are_written_first_within_the_job_budget() {
    let older = JobRow {
        created_at: Time::from_unix(100),
        ..row("older", State::Running)
    };
    let newer = JobRow {
        created_at: Time::from_unix(200),
        ..row("newer", State::Pending)
    };
    let first = scope("a/", vec![row("ended", State::Failed), older]);
    let second = scope("b/", vec![newer]);
    let document = MetricsDocument::new(vec![first, second], 2, AGE);
    let text = text(document, ExpositionFormat::Text);
    let families = exposition::parse(&text);
    let value = |name: &str, label: &str| exposition::value(&families, name, label);
    assert!(value("joblens_job_info", "aliyun/job/c/older").is_some());
    assert!(value("joblens_job_info", "aliyun/job/c/newer").is_some());
    assert_eq!(value("joblens_job_info", "aliyun/job/c/ended"), None);
    assert_eq!(value("joblens_scope_jobs_dropped", "a/"), Some(1.0));
    assert_eq!(value("joblens_scope_jobs_dropped", "b/"), Some(0.0));
    assert_eq!(value("joblens_build_info", env!("CARGO_PKG_VERSION")), None);
}

#[tokio::test]
async fn a_failure_from_a_lookup_is_not_replaced_by_a_success_of_a_list_that_was_read_later() {
    let failed = JobRow {
        exit_code: Some(3),
        ..row("1", State::Failed)
    };
    let texts = |list: JobRow| {
        let later = ScopeSnapshot {
            rows_read: Some(Instant::now() + Duration::from_secs(1)),
            ..(*scope("aliyun/job/c/", vec![list])).clone()
        };
        let later = Arc::new(later);
        let lookup = scope("aliyun/job/c/1", vec![failed.clone()]);
        let both = [vec![lookup.clone(), later.clone()], vec![later, lookup]];
        both.map(|snapshots| {
            text(
                MetricsDocument::new(snapshots, 10, AGE),
                ExpositionFormat::Text,
            )
        })
    };
    let listed = JobRow {
        is_listed: true,
        ..row("1", State::Succeeded)
    };
    for text in texts(listed.clone()) {
        assert!(text.contains("kind=\"job\",state=\"failed\"} 1"), "{text}");
        assert!(text.contains("\njoblens_job_exit_code{"), "{text}");
        let count = "{scope=\"aliyun/job/c/\",cloud=\"aliyun\",state=\"failed\"} 1";
        assert!(text.contains(count), "{text}");
    }
    let newer_run = JobRow {
        created_at: Time::from_unix(1_700_000_000),
        state: State::Running,
        ended: false,
        ..listed
    };
    for text in texts(newer_run) {
        assert!(text.contains("kind=\"job\",state=\"running\"} 1"), "{text}");
        assert!(!text.contains("\njoblens_job_exit_code{"), "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_duplicate_job_or_scope_is_written_once_and_outdated_rows_are_not() {
    let twice = || {
        scope(
            "a/",
            vec![row("1", State::Running), row("1", State::Running)],
        )
    };
    let job = scope("aliyun/job/c/1", vec![row("1", State::Running)]);
    let scopes = || vec![twice(), twice(), Arc::clone(&job)];
    let fresh = text(
        MetricsDocument::new(scopes(), 9, AGE),
        ExpositionFormat::Text,
    );
    exposition::parse(&fresh);
    assert_eq!(fresh.matches("joblens_job_info{").count(), 1);
    assert_eq!(fresh.matches("joblens_scope_up{").count(), 2);
    let old = scopes();
    tokio::time::advance(AGE * 2).await;
    let old = text(MetricsDocument::new(old, 9, AGE), ExpositionFormat::Text);
    assert!(
        old.contains("joblens_scope_up{scope=\"a/\",cloud=\"aliyun\"} 0\n"),
        "{old}"
    );
    assert!(
        !old.contains("joblens_job_") && !old.contains("joblens_scope_jobs{"),
        "{old}"
    );
}

#[tokio::test(start_paused = true)]
async fn the_row_of_a_scope_that_is_up_is_written_and_of_several_the_newest() {
    use crate::error::{Category, Problem};
    let read = |name: &str, state: State, has_failed: bool| {
        let failed = || Problem::new(Category::PermissionDenied, "not allowed");
        let mut scope = ScopeSnapshot::clone(&scope(name, vec![row("1", state)]));
        scope.reading.problem = has_failed.then(|| Box::new(failed()));
        Arc::new(scope)
    };
    let written = |scopes: [&Arc<ScopeSnapshot>; 2]| {
        let scopes = scopes.map(Arc::clone).to_vec();
        let text = text(MetricsDocument::new(scopes, 9, AGE), ExpositionFormat::Text);
        exposition::parse(&text);
        assert_eq!(text.matches("joblens_job_info{").count(), 1);
        let states = State::ALL.map(|state| state.as_str());
        let is_written = |state: &&str| {
            let state = format!("state=\"{state}\"");
            text.lines().any(|line| {
                line.starts_with("joblens_job_state{")
                    && line.contains(&state)
                    && line.ends_with(" 1")
            })
        };
        states.into_iter().find(is_written)
    };
    let list = read("aliyun/job/c/", State::Running, true);
    let newer_list = || read("aliyun/job/c/", State::Running, false);
    let lookup = read("aliyun/job/c/1", State::Failed, false);
    assert_eq!(written([&list, &lookup]), Some("failed"));
    assert_eq!(written([&lookup, &list]), Some("failed"));
    tokio::time::advance(Duration::from_secs(10)).await;
    let newer_failed = read("aliyun/job/c/", State::Running, true);
    assert_eq!(written([&newer_failed, &lookup]), Some("failed"));
    assert_eq!(written([&newer_list(), &lookup]), Some("running"));
    assert_eq!(written([&lookup, &newer_list()]), Some("running"));
}
