//! Tests which requests the gateways accept, including those of other programs, and which they reject.

use super::*;
use crate::crypto::{base64, hmac_sha1, percent_encode};
use crate::emulator::tokens::{TEST_ID, TEST_SECRET};
use crate::providers::aliyun::{sign, sign_v1};
use crate::providers::tencent::sign::string_to_sign;
use crate::providers::test_support::json;
use crate::test_support::emulated;

const FORM: &str = "application/x-www-form-urlencoded";

fn now() -> DateTime<Utc> {
    "2026-01-02T03:04:05Z".parse().unwrap()
}

fn state() -> EmulatedState {
    state_at(now())
}

/// Returns a state in which all jobs were created at `at`.
fn state_at(at: DateTime<Utc>) -> EmulatedState {
    let job = |kind: &str, segments: &[&str], state: &str| EmulatedJob {
        kind: kind.to_owned(),
        segments: segments.iter().map(ToString::to_string).collect(),
        steps: vec![StateChange {
            state: state.to_owned(),
            ..StateChange::default()
        }],
        parts: 1,
        ..EmulatedJob::default()
    };
    let jobs = vec![
        job("aliyun/job", &["c-1", "5"], "Running"),
        job("aliyun/dlc-job", &["dlc-1"], "Running"),
        job("tencent/batch-job", &["job-1"], "RUNNING"),
        job("tencent/batch-job", &["job-2"], "SUCCEED"),
        job("tencent/training-task", &["train-1"], "RUNNING"),
        job("tencent/service", &["cls-1", "default", "web"], ""),
        job("huawei/image-job", &["7"], "RUNNING"),
    ];
    EmulatedState::new(jobs, at)
}

fn encoded(pairs: &[(String, String)]) -> String {
    let pairs = pairs.iter();
    let pairs =
        pairs.map(|(name, value)| format!("{}={}", percent_encode(name), percent_encode(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn request(method: &str, path: &str, query: &str, headers: &[(&str, &str)]) -> ServerRequest {
    let headers = [("host", "h")].iter().chain(headers);
    ServerRequest {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: headers
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .collect(),
        certificate: None,
        body: Vec::new(),
        now: now(),
    }
}

fn respond(cloud: &Cloud, request: &ServerRequest) -> (u16, Value) {
    let response = emulated(cloud).respond(request, &state());
    (
        response.status,
        serde_json::from_slice(&response.body).unwrap(),
    )
}

/// Returns a request with a signature of version 1, in the query or in a form.
fn version_1(business: &[(&str, &str)], key: [&str; 2], is_form: bool) -> ServerRequest {
    let method = if is_form { "POST" } else { "GET" };
    let common = [
        ("AccessKeyId", key[0]),
        ("SignatureMethod", "HMAC-SHA1"),
        ("SignatureNonce", "n"),
        ("SignatureVersion", "1.0"),
        ("Timestamp", "2026-01-02T03:04:05Z"),
    ];
    let all = business.iter().chain(&common);
    let mut all: Vec<(String, String)> = all
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    let text = sign_v1::string_to_sign(method, &sign_v1::canonical_query(&all));
    all.push(("Signature".to_owned(), sign_v1::signature(key[1], &text)));
    let text = encoded(&all);
    match is_form {
        true => ServerRequest {
            body: text.into_bytes(),
            ..request(method, "/", "", &[("content-type", FORM)])
        },
        false => request(method, "/", &text, &[]),
    }
}

#[test]
fn aliyun_accepts_version_1_signatures_in_the_query_and_in_a_form() {
    let business = [
        ("Action", "DescribeServerlessJobs"),
        ("Version", "2018-04-12"),
        ("ClusterId", "c-1"),
        ("JobIds.1", "5"),
    ];
    for is_form in [false, true] {
        let good = version_1(&business, [TEST_ID, TEST_SECRET], is_form);
        let api = emulated(&providers::aliyun::CLOUD);
        assert_eq!(
            api.operation(&good).as_deref(),
            Some("DescribeServerlessJobs")
        );
        let (status, body) = respond(&providers::aliyun::CLOUD, &good);
        assert_eq!((status, &body["TotalCount"]), (200, &json!(1)), "{body}");
        let wrong = version_1(&business, [TEST_ID, "other"], is_form);
        let (_, body) = respond(&providers::aliyun::CLOUD, &wrong);
        assert_eq!(body["Code"], "SignatureDoesNotMatch");
        let message = body["Message"].as_str().unwrap();
        assert!(message.contains("string to sign is:"), "{message}");
    }
}

#[test]
fn sts_accepts_the_action_in_a_header_as_sent_by_its_sdk() {
    let query = "RoleArn=acs%3Aram%3A%3A1%3Arole%2Fr&RoleSessionName=s";
    let date = sign::timestamp(now());
    let hash = crate::crypto::sha256_hex(b"");
    let headers = [
        ("x-acs-action", "AssumeRole"),
        ("x-acs-content-sha256", hash.as_str()),
        ("x-acs-date", &date),
        ("x-acs-signature-nonce", "n"),
        ("x-acs-version", "2015-04-01"),
    ];
    let mut request = request("POST", "/", query, &headers);
    let params = sign::SigningParams {
        method: "POST",
        path: "/",
        query: &request.query_parameters(),
        headers: &request.headers,
        body: b"",
    };
    let text = sign::string_to_sign(&sign::canonical_request(&params));
    let authorization = format!(
        "{} Credential={TEST_ID},SignedHeaders={},Signature={}",
        sign::ALGORITHM,
        sign::signed_headers(&request.headers),
        sign::signature(TEST_SECRET, &text)
    );
    request
        .headers
        .push(("authorization".to_owned(), authorization));
    let (status, body) = respond(&providers::aliyun::CLOUD, &request);
    assert_eq!(status, 200, "{body}");
    assert!(
        body["Credentials"]["AccessKeyId"]
            .as_str()
            .unwrap()
            .starts_with("STS.")
    );
}

/// Returns a request of the vendor's library: a form, signed with HMAC-SHA1 unless `method` names another algorithm.
fn tencent(action: &str, method: Option<&str>, token: Option<&str>) -> ServerRequest {
    let timestamp = now().timestamp().to_string();
    let mut all = vec![
        ("Action", action),
        ("Nonce", "7"),
        ("Region", "ap-guangzhou"),
        ("SecretId", TEST_ID),
        ("Timestamp", &timestamp),
        ("clusterId", "cls-1"),
        ("serviceName", "web"),
    ];
    all.extend(method.map(|method| ("SignatureMethod", method)));
    all.extend(token.map(|token| ("Token", token)));
    let text = string_to_sign("POST", "h", "/v2/index.php", &all);
    let signature = base64(&hmac_sha1(TEST_SECRET.as_bytes(), text.as_bytes()));
    all.push(("Signature", &signature));
    let all: Vec<(String, String)> = all
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_string()))
        .collect();
    ServerRequest {
        body: encoded(&all).into_bytes(),
        ..request("POST", "/v2/index.php", "", &[("content-type", FORM)])
    }
}

#[test]
fn tencent_accepts_hmac_sha1_and_rejects_other_methods_and_wrong_tokens() {
    let code = |method, token| {
        let request = tencent("DescribeServiceEvent", method, token);
        respond(&providers::tencent::CLOUD, &request).1["code"].take()
    };
    assert_eq!(code(None, None), 0);
    assert_eq!(code(Some("HmacSHA1"), Some("testtoken")), 0);
    assert_eq!(code(Some("HmacSHA512"), None), 4100);
    assert_eq!(code(None, Some("other")), 4100);
}

#[test]
fn huawei_serves_only_the_project_of_its_credentials() {
    let token = [("x-auth-token", "joblens-test-auth-token")];
    let get = |project: &str| {
        let path = format!("/v1/{project}/image-server-jobs/7");
        let (status, body) = respond(
            &providers::huawei::CLOUD,
            &request("GET", &path, "", &token),
        );
        (status, body["error_code"].as_str().map(str::to_owned))
    };
    assert_eq!(get("a4da8115c9d8464ead3a38309130523f"), (200, None));
    assert_eq!(get("other"), (401, Some("APIGW.0301".to_owned())));
    let sub_jobs = |query: &str| {
        let path = "/v1/a4da8115c9d8464ead3a38309130523f/image-server-sub-jobs";
        let request = request("GET", path, query, &token);
        respond(&providers::huawei::CLOUD, &request).1
    };
    let all = sub_jobs("job_id=7&status=RUNNING");
    assert_eq!(
        (&all["count"], &all["items"][0]["job_id"]),
        (&1.into(), &"7".into())
    );
    assert_eq!(sub_jobs("job_id=8")["count"], 0);
}

#[test]
fn tencent_lists_the_namespaces_of_a_cluster() {
    let list = tencent("DescribeClusterNameSpaces", None, None);
    let body = respond(&providers::tencent::CLOUD, &list).1;
    assert_eq!(body["data"]["totalCount"], 1, "{body}");
    assert_eq!(body["data"]["namespaces"][0]["name"], "default");
}

/// Returns requests as sent by an SDK, with their names.
fn sdk_requests(cloud: &Cloud) -> Vec<(String, ServerRequest)> {
    let file = json(&format!("{}/vectors/sdk-requests.json", cloud.name()));
    let requests = file["requests"].as_array().unwrap().iter();
    let requests = requests.map(|request| {
        let text = |key: &str| request[key].as_str().unwrap().to_owned();
        let headers = request["headers"].as_object().unwrap().iter();
        let sent = ServerRequest {
            method: text("method"),
            path: text("path"),
            query: text("query"),
            headers: headers
                .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
                .collect(),
            certificate: None,
            body: text("body").into_bytes(),
            now: text("now").parse().unwrap(),
        };
        (text("name"), sent)
    });
    requests.collect()
}

/// Returns the cloud that accepts a request, and its response with jobs that were created at `at`.
fn dispatch(request: &ServerRequest, at: DateTime<Utc>) -> (&'static str, String) {
    let mut apis = APIS.into_iter();
    let (cloud, api) = apis
        .find(|(_, api)| api.operation(request).is_some())
        .unwrap();
    let response = api.respond(request, &state_at(at));
    (cloud.name(), String::from_utf8(response.body).unwrap())
}

#[test]
fn requests_of_the_vendors_sdks_are_served_with_every_signature() {
    for (cloud, count) in [
        (&providers::aliyun::CLOUD, 6),
        (&providers::tencent::CLOUD, 12),
    ] {
        let requests = sdk_requests(cloud);
        assert_eq!(requests.len(), count);
        for (name, request) in requests {
            let (taken_by, body) = dispatch(&request, request.now);
            assert_eq!(taken_by, cloud.name(), "{name}");
            let body: Value = serde_json::from_str(&body).unwrap();
            let response = body.get("Response").unwrap_or(&body);
            // One job matches the state of the filter.
            let total = ["TotalCount", "JobId"].map(|key| &response[key]);
            let is_right = total[0] == &json!(1) || total[1] == &json!("dlc-1");
            assert!(is_right, "{name}: {body}");
        }
    }
}

#[test]
fn requests_of_the_vendors_sdks_are_rejected_when_changed_or_late() {
    for cloud in [&providers::aliyun::CLOUD, &providers::tencent::CLOUD] {
        for (name, request) in sdk_requests(cloud) {
            let separator = if request.query.is_empty() { "" } else { "&" };
            let changed = ServerRequest {
                query: format!("{}{separator}Other=1", request.query),
                ..request.clone()
            };
            let (_, body) = dispatch(&changed, request.now);
            let is_refused = ["SignatureDoesNotMatch", "SignatureFailure"];
            assert!(
                is_refused.iter().any(|code| body.contains(code)),
                "{name}: {body}"
            );
            let late = ServerRequest {
                now: request.now + TimeDelta::hours(1),
                ..request.clone()
            };
            let (_, body) = dispatch(&late, request.now);
            let is_late = ["InvalidTimeStamp.Expired", "SignatureExpire"];
            assert!(
                is_late.iter().any(|code| body.contains(code)),
                "{name}: {body}"
            );
        }
    }
}
