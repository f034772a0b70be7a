use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::super::{RenderContext, Zone};
use super::*;
use crate::model::Time;

#[derive(Debug, JsonSchema, Serialize)]
struct Details {
    status: &'static str,
    replicas: Replicas,
    odd: f64,
}

#[derive(Debug, JsonSchema, Serialize)]
struct Replicas {
    current: i64,
    desired: Option<i64>,
}

fn job() -> Job {
    let mut job = Job {
        reference: "tencent/service/c/default/网站".into(),
        created_at: Time::from_unix(1_700_000_000),
        started_at: Time::from_unix(1_700_000_060),
        details: Some(Arc::new(Details {
            status: "Abnormal",
            replicas: Replicas {
                current: 1,
                desired: None,
            },
            odd: 0.5,
        })),
        ..Job::default()
    };
    job.labels.insert("team".into(), Some("视觉".into()));
    job.resources.memory_bytes = Some(16 << 30);
    job.finalize(Time::from_unix(1_700_003_660).unwrap());
    job
}

fn exact(name: &str) -> String {
    let job = job();
    let column = JobColumn::by_name(name).unwrap();
    column.cell(&job, Zone::Utc).raw().into_owned()
}

#[test]
fn programs_get_utc_times_seconds_and_bytes() {
    assert_eq!(exact("created_at"), "2023-11-14T22:13:20Z");
    assert_eq!(exact("duration_seconds"), "3600");
    assert_eq!(exact("memory_bytes"), "17179869184");
    assert_eq!(exact("ended"), "false");
    assert_eq!(exact("exit_code"), "");
}

#[test]
fn people_get_units_and_on_a_terminal_the_elapsed_time() {
    let context = |width| RenderContext {
        width,
        color: false,
        now: Time::from_unix(1_700_003_720).unwrap(),
        zone: Zone::Utc,
    };
    let shown = |name: &str, width| {
        let job = job();
        let cell = JobColumn::by_name(name).unwrap().cell(&job, Zone::Utc);
        cell.display(&context(width))
            .map(|text| text.into_owned())
            .unwrap()
    };
    assert_eq!(shown("memory_bytes", None), "16GiB");
    assert_eq!(shown("age", Some(80)), "1h02m");
    assert_eq!(shown("age", None), "2023-11-14T22:13:20Z");
    // A minute has passed since the job was read.
    assert_eq!(shown("ran", Some(80)), "1h01m");
    assert_eq!(shown("ran", None), "1h00m");
}

#[test]
fn fields_of_details_and_labels_are_columns_by_their_path() {
    assert_eq!(exact("details.status"), "Abnormal");
    assert_eq!(exact("details.replicas.current"), "1");
    assert_eq!(exact("details.replicas.desired"), "");
    assert_eq!(exact("details.odd"), "0.5");
    assert_eq!(exact("details.replicas"), r#"{"current":1,"desired":null}"#);
    assert_eq!(exact("details.no.such"), "");
    assert_eq!(exact("labels.team"), "视觉");
    assert_eq!(exact("labels.none"), "");
    assert_eq!(
        JobColumn::by_name("details.replicas.current")
            .unwrap()
            .header(),
        "REPLICAS.CURRENT"
    );
}

#[test]
fn an_unknown_column_is_a_usage_error_with_a_suggestion() {
    let problem = JobColumn::by_name("exitcode").unwrap_err();
    assert_eq!(problem.category.exit_code(), 2);
    assert!(problem.hint.unwrap().contains("did you mean 'exit_code'?"));
    assert!(JobColumn::by_name("details.").is_err());
    assert_eq!(JobColumn::by_name("Created").unwrap().name, "created_at");
    assert!(JobColumn::by_name("").is_err());
}

#[test]
fn columns_for_programs_have_distinct_names() {
    let columns = JobColumn::for_programs();
    let names: std::collections::BTreeSet<_> = columns.iter().map(|column| &column.name).collect();
    assert_eq!(names.len(), columns.len());
    let first: Vec<_> = columns
        .iter()
        .take(3)
        .map(|column| column.name.as_ref())
        .collect();
    assert_eq!(first, ["ref", "state", "state_raw"]);
    assert!(
        !columns
            .iter()
            .any(|column| Job::REPEATED.contains(&column.name.as_ref()))
    );
}
