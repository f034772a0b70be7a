//! Converts the documented responses of the clouds to resources with the real clients, at the time at which the
//! model next to each response was observed.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use joblens::credentials::SourceCache;
use joblens::http::{ClientOptions, Deadline, Transport};
use joblens::model::{Job, Time};
use joblens::providers::{self, Client, RequestOptions, mask_job};
use joblens::reference::{Reference, ReferenceParser, Target};
use joblens::secret::Redactor;
use joblens::settings::{Environment, Settings};
use serde_json::Value;

use crate::support::{Server, http, json};

/// Name of a model below `fixtures/`, and the responses to its calls: a part of the request, and a file below
/// `fixtures/`.
type Documented = (&'static str, &'static [(&'static str, &'static str)]);

const DESCRIBE: &str = "DescribeServerlessJobs";
const LIST: &str = "ListServerlessJobs";

const DOCUMENTED: &[Documented] = &[
    (
        "aliyun/job/describe-serverless-jobs",
        &[(DESCRIBE, "aliyun/job/describe-serverless-jobs.json")],
    ),
    (
        "aliyun/job/describe-serverless-jobs-every-field",
        &[(
            DESCRIBE,
            "aliyun/job/describe-serverless-jobs-every-field.json",
        )],
    ),
    (
        "aliyun/job/describe-serverless-jobs-failed",
        &[(DESCRIBE, "aliyun/job/describe-serverless-jobs-failed.json")],
    ),
    (
        "aliyun/job/describe-serverless-jobs-pending",
        &[(DESCRIBE, "aliyun/job/describe-serverless-jobs-pending.json")],
    ),
    (
        "aliyun/job/describe-serverless-jobs-array-all",
        &[
            (DESCRIBE, "aliyun/job/describe-serverless-jobs-array.json"),
            (LIST, "aliyun/job/list-serverless-jobs-subtasks.json"),
        ],
    ),
    (
        "aliyun/job/describe-serverless-jobs-array-missing",
        &[
            (DESCRIBE, "aliyun/job/describe-serverless-jobs-array.json"),
            (LIST, "aliyun/job/list-serverless-jobs-subtask-missing.json"),
        ],
    ),
    (
        "aliyun/invocation/list-invocation-status",
        &[
            (
                "ListInvocationStatus",
                "aliyun/invocation/list-invocation-status.json",
            ),
            (
                "ListInvocationResults",
                "aliyun/invocation/list-invocation-status.ListInvocationResults.json",
            ),
        ],
    ),
    (
        "sugon/instance/waiting",
        &[("", "sugon/instance/waiting.json")],
    ),
    (
        "sugon/instance/running",
        &[("", "sugon/instance/running.json")],
    ),
    (
        "sugon/instance/completed",
        &[("", "sugon/instance/completed.json")],
    ),
    (
        "huawei/image-job/waiting",
        &[("", "huawei/image-job/waiting.json")],
    ),
    (
        "huawei/image-job/running",
        &[("", "huawei/image-job/running.json")],
    ),
    (
        "huawei/image-job/success",
        &[("", "huawei/image-job/success.json")],
    ),
    (
        "huawei/image-job/failed",
        &[("", "huawei/image-job/failed.json")],
    ),
    (
        "tencent/service/events",
        &[("", "tencent/service/events.json")],
    ),
    (
        "tencent/service/events-top-level",
        &[("", "tencent/service/events-top-level.json")],
    ),
    (
        "tencent/service/empty",
        &[("", "tencent/service/empty.json")],
    ),
];

/// Variables of the tests; the regions are those of the models.
const VARIABLES: [(&str, &str); 10] = [
    ("JOBLENS_ALIYUN_REGION", "cn-hangzhou"),
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", "id"),
    ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "test"),
    ("JOBLENS_SUGON_TOKEN", "test"),
    ("JOBLENS_HUAWEI_REGION", "cn-north-4"),
    ("JOBLENS_HUAWEI_TOKEN", "test"),
    ("HUAWEICLOUD_SDK_PROJECT_ID", "project"),
    ("TENCENTCLOUD_SECRET_ID", "id"),
    ("TENCENTCLOUD_SECRET_KEY", "test"),
    ("TENCENTCLOUD_REGION", "ap-guangzhou"),
];

/// Returns the path of a file below `fixtures/`.
pub fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

/// Returns every documented response: the name of its model without the suffix, and the resource.
pub fn documented() -> Vec<(&'static str, Job)> {
    documented_but(|_| {})
}

/// Returns every documented response with a change to each response before it is sent.
pub fn documented_but(
    change: impl Fn(&mut Value) + Clone + Send + Sync + 'static,
) -> Vec<(&'static str, Job)> {
    let all = DOCUMENTED.iter();
    all.map(|(name, responses)| (*name, get(name, responses, change.clone())))
        .collect()
}

/// Returns the model next to a documented response.
pub fn model(name: &str) -> Value {
    let text = fs::read(fixture(&format!("{name}.model.json"))).unwrap();
    serde_json::from_slice(&text).unwrap()
}

fn get(
    name: &str,
    responses: &'static [(&str, &str)],
    change: impl Fn(&mut Value) + Send + Sync + 'static,
) -> Job {
    let server = Server::start(move |_, got, stream| {
        let response = responses.iter().find(|(part, _)| got.head.contains(part));
        let bytes = match response {
            Some((_, file)) => {
                let text = fs::read(fixture(file)).unwrap();
                let mut response = serde_json::from_slice(&text).unwrap();
                change(&mut response);
                json(response.to_string())
            }
            None => http("404 Not Found", "", b""),
        };
        std::io::Write::write_all(stream, &bytes).unwrap();
    });
    let model = model(name);
    let input = model["ref"].as_str().unwrap();
    let now = DateTime::parse_from_rfc3339(model["observed_at"].as_str().unwrap())
        .unwrap()
        .to_utc();
    let reference = reference(input);
    let client = client(reference.kind.template.cloud, &server.origin(), now);
    let options = RequestOptions::new(Deadline::after(Duration::from_secs(60)));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let found = runtime.block_on(client.get(&reference, &options));
    let mut job = found
        .unwrap_or_else(|problem| panic!("{name}: {problem:?}"))
        .job;
    job.finalize(Time::new(now).unwrap());
    mask_job(&mut job, &Redactor::default(), false);
    job
}

fn reference(input: &str) -> Reference {
    let kinds: Vec<_> = providers::kinds().collect();
    let parser = ReferenceParser {
        kinds: &kinds,
        default_profile: "default",
        setting: &|_, _, _| Ok(None),
    };
    match parser.parse(input).unwrap() {
        Target::Jobs(mut things) => things.remove(0),
        other => panic!("{input} is {other:?}"),
    }
}

fn client(cloud: &str, origin: &str, now: DateTime<Utc>) -> Box<dyn Client> {
    let cloud = providers::cloud(cloud).unwrap();
    let mut variables: BTreeMap<String, String> = VARIABLES
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    let endpoint = format!("JOBLENS_{}_ENDPOINT", cloud.name().to_uppercase());
    variables.insert(endpoint, origin.to_owned());
    let settings = Settings::from_environment(Environment::new(variables));
    let chain = providers::credential_chain(&settings, &SourceCache::default());
    let profile = chain.profile(cloud.schema, "default").unwrap();
    let transport = Transport::new(
        ClientOptions::default(),
        &[],
        Arc::new(move || now),
        Arc::new(|_| {}),
    );
    (cloud.new_client)(&profile, &transport.unwrap()).unwrap()
}
