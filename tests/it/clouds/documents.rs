//! Documented responses processed by the binary, and the secrets they contain.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use serde_json::Value;

use crate::support::emulated::Emulated;
use crate::support::jobs::served;
use crate::support::{Server, http, joblens};

fn fixture(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name);
    fs::read_to_string(path).unwrap()
}

fn model(name: &str) -> Value {
    serde_json::from_str(&fixture(&format!("{name}.model.json"))).unwrap()
}

/// Compares a job with its model, except for values that depend on the time.
fn assert_same(name: &str, mut job: Value, mut model: Value) {
    assert!(job["observed_at"].is_string(), "{name}");
    for value in [&mut job, &mut model] {
        value["observed_at"] = Value::Null;
        if value["finished_at"].is_null() {
            value["duration_seconds"] = Value::Null;
        }
    }
    if job["cloud"] == "huawei" {
        // It comes from a header, which the file does not contain.
        assert!(
            job["request_id"].as_str().is_some_and(|id| !id.is_empty()),
            "{name}"
        );
        job["request_id"] = Value::Null;
    }
    assert_eq!(job, model, "{name}");
}

#[test]
fn every_documented_response_becomes_its_model() {
    let names = [
        "aliyun/job/describe-serverless-jobs",
        "aliyun/job/describe-serverless-jobs-every-field",
        "aliyun/job/describe-serverless-jobs-failed",
        "aliyun/job/describe-serverless-jobs-pending",
        "sugon/instance/waiting",
        "sugon/instance/running",
        "sugon/instance/completed",
        "huawei/image-job/waiting",
        "huawei/image-job/running",
        "huawei/image-job/success",
        "huawei/image-job/failed",
        "tencent/service/events",
        "tencent/service/events-top-level",
        "tencent/service/empty",
    ];
    for name in names {
        let model = model(name);
        let scenario = served(
            model["ref"].as_str().unwrap(),
            &fixture(&format!("{name}.json")),
        );
        let emulated = Emulated::start(&scenario);
        let run = emulated.get(&[model["input"].as_str().unwrap()]).run();
        assert_eq!(run.code, 0, "{name}: {}", run.stderr);
        assert_same(name, run.job(), model);
    }
}

#[test]
fn a_compressed_response_becomes_the_same_model() {
    let model = model("aliyun/job/describe-serverless-jobs");
    let document = fixture("aliyun/job/describe-serverless-jobs.json");
    let scenario = format!(
        "gzip = true\n{}",
        served(model["ref"].as_str().unwrap(), &document)
    );
    let run = Emulated::start(&scenario)
        .get(&[model["input"].as_str().unwrap()])
        .run();
    assert_same("gzip", run.job(), model);
}

/// Combines each form of the status with each form of the results.
#[test]
fn every_documented_form_of_an_invocation_becomes_the_same_model() {
    for status in ["json", "wrapped.json", "xml"] {
        for results in ["json", "xml"] {
            let status_body = fixture(&format!(
                "aliyun/invocation/list-invocation-status.{status}"
            ));
            let results_body = fixture(&format!(
                "aliyun/invocation/list-invocation-status.ListInvocationResults.{results}"
            ));
            let server = Server::start(move |_, got, stream| {
                let body = match got.header("x-acs-action") {
                    Some("ListInvocationResults") => &results_body,
                    _ => &status_body,
                };
                let _ = stream.write_all(&http("200 OK", "", body.as_bytes()));
            });
            let model = model("aliyun/invocation/list-invocation-status");
            let run = joblens(&["-o", "json", model["input"].as_str().unwrap()])
                .envs(joblens::emulator::environment(&server.origin()))
                .run();
            assert_eq!(server.received().len(), 2);
            assert_same(&format!("{status} {results}"), run.job(), model);
        }
    }
}

const SECRETS: [&str; 6] = [
    "env-hunter2",
    "arg-hunter2",
    "equals-hunter2",
    "probe-hunter2",
    "file-hunter2",
    "flex-hunter2",
];

const JOB_WITH_SECRETS: &str = r#"{"TotalCount":1,"RequestId":"R","JobInfos":[{"JobId":"5","State":"Failed","ContainerGroups":[{
    "ContainerGroupId":"g","Status":"Failed",
    "Volumes":[{"Name":"v","ConfigFileVolumeConfigFileToPaths":[{"Path":"p","Content":"file-hunter2"}],
        "EmptyDirVolume":{"ConfigFileVolumeConfigFileToPaths":[{"Path":"p","Content":"file-hunter2"}],"FlexVolumeOptions":"flex-hunter2"}}],
    "Containers":[{"Name":"main","Image":"i","Args":["--password","arg-hunter2","DB_TOKEN=equals-hunter2"],
        "Commands":["sh","-c","run --api-key arg-hunter2"],
        "EnvironmentVars":[{"Key":"PASSWORD","Value":"env-hunter2"}],
        "LivenessProbe":{"Execs":["check","--token","probe-hunter2"]},
        "CurrentState":{"State":"Terminated","ExitCode":1}}]}]}]}"#;

#[test]
fn secrets_of_a_job_are_masked_in_every_output_format() {
    let emulated = Emulated::start(&served("aliyun/job/C/5", JOB_WITH_SECRETS));
    let forms: [&[&str]; 5] = [
        &[],
        &["-o", "wide"],
        &["-o", "json"],
        &["-o", "json", "--raw"],
        &["-o", "json", "--raw", "-v"],
    ];
    for form in forms {
        let mut arguments = vec!["get", "aliyun/job/C/5"];
        arguments.extend_from_slice(form);
        let run = SECRETS
            .iter()
            .fold(emulated.joblens(&arguments), |run, secret| {
                run.with_secret(secret)
            })
            .run();
        assert_eq!(run.code, 0, "{}", run.stderr);
    }
    let job = emulated.get(&["aliyun/job/C/5"]).run().job();
    let container = &job["tasks"][0]["containers"][0];
    assert_eq!(container["env"][0]["name"], "PASSWORD");
    assert_eq!(container["env"][0]["value"], "***");
    assert_eq!(container["args"][0], "--password");
    assert_eq!(container["args"][1], "***");
    assert_eq!(container["args"][2], "DB_TOKEN=***");
    assert_eq!(container["command"][2], "run --api-key ***");
}

#[test]
fn secrets_of_a_job_are_shown_when_requested() {
    let emulated = Emulated::start(&served("aliyun/job/C/5", JOB_WITH_SECRETS));
    let job = emulated
        .get(&["aliyun/job/C/5", "--show-secrets"])
        .run()
        .job();
    let text = job.to_string();
    for secret in [
        "env-hunter2",
        "arg-hunter2",
        "equals-hunter2",
        "probe-hunter2",
    ] {
        assert!(text.contains(secret), "{secret}: {job:#}");
    }
    assert_eq!(job["raw"], Value::Null);
    let run = emulated
        .get(&["aliyun/job/C/5", "--show-secrets", "--raw"])
        .run();
    let raw = run.job()["raw"].to_string();
    assert!(
        raw.contains("env-hunter2") && raw.contains("file-hunter2"),
        "{raw}"
    );
}

#[test]
fn the_start_script_and_the_access_address_of_an_instance_are_masked() {
    let model = model("sugon/instance/running");
    let reference = model["ref"].as_str().unwrap();
    let emulated = Emulated::start(&served(reference, &fixture("sugon/instance/running.json")));
    for options in [vec![], vec!["--raw"], vec!["--raw", "-v"]] {
        let mut arguments = vec![reference];
        arguments.extend(options);
        let run = emulated
            .get(&arguments)
            .with_secret("secret-in-script")
            .with_secret("tok-in-url-query")
            .run();
        assert_eq!(run.job()["details"]["start_script"]["content"], "***");
    }
    let job = emulated.get(&[reference, "--show-secrets"]).run().job();
    assert!(job.to_string().contains("secret-in-script"));
    assert!(job.to_string().contains("tok-in-url-query"));
}
