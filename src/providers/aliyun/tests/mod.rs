//! Tests of the whole cloud: of fixtures against the model, and of the emulator against the client.

mod clusters_and_commands;
mod emulator;
mod fixtures;
mod logs;
mod profiles;
mod roles;

use serde_json::Value;

use super::job as jobs;
use super::{Api, CLOUD};
use crate::model::{Job, Notice, State, Time};
use crate::providers::api::DecodeError;
use crate::providers::{GetResult, job_at, test_support};
use crate::reference::Reference;

pub(super) fn reference(kind: usize, id: &str) -> Reference {
    test_support::reference(CLOUD.kinds[kind], &["ehpc-hz-FYUr32", id])
}

/// Creates a client in `cn-hangzhou`.
pub(super) fn api() -> Api {
    let variables = [
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "test-id"),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "test-secret"),
        ("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou"),
    ];
    let transport = test_support::transport(test_support::moment("2026-01-02T03:04:05Z"));
    Api::new(&test_support::profile(&CLOUD, &variables), &transport).unwrap()
}

/// Creates the job of `aliyun/job/ehpc-hz-FYUr32/ID`.
pub(super) fn job(id: &str) -> Job {
    job_at(&reference(0, id), Some("cn-hangzhou"))
}

/// Creates the job of `aliyun/invocation/ehpc-hz-FYUr32/ID`.
pub(super) fn invocation(id: &str) -> Job {
    job_at(&reference(1, id), Some("cn-hangzhou"))
}

/// Decodes a response to DescribeServerlessJobs about the job with the reference of `base`.
pub(super) fn read_jobs(
    body: &[u8],
    base: Job,
    user_states: &[(String, State)],
) -> Result<(Job, Vec<Notice>), DecodeError> {
    let described = jobs::decode(body, base, user_states)?;
    Ok((described.job, described.notices))
}

pub(super) fn fixture(name: &str) -> Vec<u8> {
    test_support::read(&format!("aliyun/{name}"))
}

/// Converts a job to JSON, after the last steps of every request, unmasked.
pub(super) fn shown(mut job: Job) -> Value {
    job.finalize(Time::from_rfc3339("2022-09-22T08:00:00Z").unwrap());
    serde_json::to_value(&job).unwrap()
}

/// Compares a job with a fixture; writes the fixture if `JOBLENS_BLESS` is 1.
pub(super) fn assert_model(name: &str, job: Job) {
    let notices = Vec::new();
    let model = test_support::model(GetResult { job, notices }, "2022-09-22T08:00:00Z", true);
    test_support::assert_model(&format!("aliyun/{name}"), &model);
}
