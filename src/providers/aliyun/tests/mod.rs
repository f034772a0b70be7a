//! Tests of the whole cloud: fixtures against the model, the emulator against the client.

mod emulator;
mod every_field;
mod fixtures;
mod invocations;
mod jobs;
mod profiles;

use std::path::PathBuf;

use serde_json::Value;

use super::CLOUD;
use crate::model::{Job, Time};
use crate::providers::{job_at, mask_job};
use crate::reference::Reference;

fn reference(kind: usize, id: &str) -> Reference {
    let template = &CLOUD.kinds[kind].template;
    let segments = vec!["ehpc-hz-FYUr32".to_owned(), id.to_owned()];
    Reference {
        template,
        profile: "default".to_owned(),
        input: format!("ali/{}/{}", template.kind_short, segments.join("/")),
        segments,
    }
}

/// The address of `aliyun/job/ehpc-hz-FYUr32/ID`.
fn job(id: &str) -> Job {
    job_at(&reference(0, id), Some("cn-hangzhou"))
}

/// The address of `aliyun/invocation/ehpc-hz-FYUr32/ID`.
fn invocation(id: &str) -> Job {
    job_at(&reference(1, id), Some("cn-hangzhou"))
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/aliyun")
        .join(name)
}

fn fixture(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).expect(name)
}

/// The job as JSON, after the last steps that every look-up takes.
fn shown(mut job: Job) -> Value {
    let observed_at = Time::from_rfc3339("2022-09-22T08:00:00Z").unwrap();
    job.settle(observed_at);
    serde_json::to_value(&job).unwrap()
}

/// Compares with a fixture; with `UPDATE_FIXTURES=1` writes it.
fn assert_model(name: &str, mut job: Job) {
    mask_job(&mut job);
    let text = serde_json::to_string_pretty(&shown(job)).unwrap() + "\n";
    if std::env::var_os("UPDATE_FIXTURES").is_some_and(|value| value == "1") {
        std::fs::write(path(name), &text).unwrap();
    }
    let expected = String::from_utf8(fixture(name)).unwrap();
    assert!(
        text == expected,
        "{name} differs; compare after UPDATE_FIXTURES=1"
    );
}
