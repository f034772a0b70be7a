use serde_json::Value;

use super::*;
use crate::http::{Endpoint, Method, Signer as _};
use crate::providers::test_support;

const HOST: &str = "appstream.cn-north-4.myhuaweicloud.com";
const PROJECT: &str = "a4da8115c9d8464ead3a38309130523f";
const DATE: &str = "20240520T110400Z";

fn pairs(value: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let list = value.as_array().unwrap().iter();
    list.map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
}

#[test]
fn every_signing_stage_agrees_with_the_vendors_code() {
    let read = |name: &str| test_support::json(&format!("huawei/vectors/{name}.json"));
    let files = ["sdk-hmac-sha256", "sdk-hmac-sha256-more"].map(read);
    let vectors: Vec<&Value> = files
        .iter()
        .flat_map(|file| file["vectors"].as_array().unwrap())
        .collect();
    assert_eq!(vectors.len(), 32);
    for vector in vectors {
        let text = |key: &str| vector[key].as_str().unwrap();
        let name = text("name");
        let headers: Vec<(&str, &str)> = vector["headers"]
            .as_object()
            .unwrap()
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
            .collect();
        let (canonical, names) = canonical_request(
            text("method"),
            text("path"),
            &pairs(&vector["query"]),
            &headers,
            text("body").as_bytes(),
        );
        assert_eq!(canonical, text("canonical"), "{name}");
        let to_sign = string_to_sign(text("timestamp"), &canonical);
        assert_eq!(to_sign, text("string_to_sign"), "{name}");
        let signature = signature(text("access_key_secret"), &to_sign);
        assert_eq!(signature, text("signature"), "{name}");
        let expected = text("authorization");
        let made = format!(
            "{ALGORITHM} Access={}, SignedHeaders={names}, Signature={signature}",
            text("access_key_id")
        );
        assert_eq!(made, expected, "{name}");
    }
}

/// Returns the `Authorization` header that the signer creates for a request.
fn authorization(request: &Request, security_token: Option<&str>) -> String {
    let signer = Signer::Key {
        id: Secret::new("testid"),
        secret: Secret::new("testsecret"),
        security_token: security_token.map(Secret::new),
    };
    let now = test_support::moment("2024-05-20T11:04:00Z");
    let proof = signer.sign(request, now, "");
    assert!(proof.query.is_empty());
    let (_, value) = proof.headers.last().unwrap();
    value.expose().to_owned()
}

fn request(host: &str, path: &str, headers: &[(&'static str, &str)]) -> Request {
    Request {
        operation: "",
        method: Method::Get,
        endpoint: Endpoint::parse(&format!("https://{host}"), &[], false).unwrap(),
        path: path.to_owned(),
        query: Vec::new(),
        headers: headers
            .iter()
            .map(|(name, value)| (*name, value.to_string()))
            .collect(),
        body: Vec::new(),
        is_optional: false,
    }
}

fn ours() -> [(&'static str, &'static str); 2] {
    [
        ("content-type", "application/json"),
        ("x-project-id", PROJECT),
    ]
}

#[test]
fn the_signature_of_a_lookup_agrees_with_the_vendors_code() {
    let path = format!("/v1/{PROJECT}/image-server-jobs/702364883651395584");
    assert_eq!(
        authorization(&request(HOST, &path, &ours()), None),
        "SDK-HMAC-SHA256 Access=testid, SignedHeaders=content-type;host;x-project-id;x-sdk-date, Signature=35a2d63026f5ce284b94118fdf6f9f15f1b83c37fa885a9eee2c4ff2bd64cf19"
    );
    assert!(
        authorization(&request(HOST, &path, &[]), None).ends_with(
            "SignedHeaders=host;x-sdk-date, Signature=e5e5a978c2f851ed20bc08aed2e8efc9e5533458592be9f9ccb488474dee6b9d"
        )
    );
}

#[test]
fn signatures_of_temporary_keys_and_queries_agree_with_the_vendors_code() {
    let path = format!("/v1/{PROJECT}/image-server-jobs");
    let mut listed = request(HOST, &path, &ours());
    listed.query = [("status", "RUNNING"), ("limit", "100"), ("offset", "0")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    assert_eq!(
        authorization(&listed, Some("testtoken")),
        "SDK-HMAC-SHA256 Access=testid, SignedHeaders=content-type;host;x-project-id;x-sdk-date;x-security-token, Signature=b88155ab7f7fa8509c49fd35a52d7062bd944450f50942be322c29667eeb5ee4"
    );
    let mut projects = request("iam.cn-north-4.myhuaweicloud.com", "/v3/projects", &[]);
    projects.query = vec![("name".to_owned(), "cn-north-4".to_owned())];
    assert!(
        authorization(&projects, None)
            .ends_with("6717877597ccd1633709507c77870e54d4f3c01b1242c7250a4135f389e91e09")
    );
}

#[test]
fn odd_paths_queries_headers_and_bodies_agree_with_the_vendors_code() {
    let query: Vec<(String, String)> = [
        ("b", "x y+z/~"),
        ("a", "2"),
        ("a", "1"),
        ("A", "0"),
        ("empty", ""),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let headers = [
        ("Host", "example.com"),
        ("X-Sdk-Date", DATE),
        ("X-Trim", "  v  "),
    ];
    let path = "/v1/a b/%E4%BD%A0~_-.!*/";
    let (canonical, _) = canonical_request("GET", path, &query, &headers, b"");
    let lines: Vec<&str> = canonical.lines().collect();
    assert_eq!(lines[1], "/v1/a%20b/%E4%BD%A0~_-.%21%2A/");
    assert_eq!(lines[2], "A=0&a=1&a=2&b=x%20y%2Bz%2F~&empty=");
    let to_sign = string_to_sign(DATE, &canonical);
    assert!(to_sign.ends_with("e2e9084e17a3284496911e3be369e4dbbc84fff6da3e6b19ea2a7445c1f96499"));
    assert_eq!(
        signature("testsecret", &to_sign),
        "b846bbd16af915d39121c1da5e8891219a89b1d5514c91d13f20ed482675732a"
    );

    let headers = [
        ("Host", "example.com"),
        ("X-Sdk-Date", DATE),
        ("Content-Type", "application/json"),
    ];
    let (canonical, _) = canonical_request("POST", "/v1/x", &[], &headers, br#"{"a":1}"#);
    let to_sign = string_to_sign(DATE, &canonical);
    assert!(to_sign.ends_with("f84031362784b8dc6fe3b299434b677c1cc85152e8d4ca2352741f06c23439c7"));
    assert_eq!(
        signature("testsecret", &to_sign),
        "39327959220481419f43f010cd85ea50818e682ff7a97bd23dc07dbe98638c14"
    );
}

#[test]
fn a_token_is_sent_without_a_signature() {
    let signer = Signer::credential(Secret::new("a-token"), None).signer;
    let proof = signer.sign(
        &request(HOST, "/", &[]),
        test_support::moment("2024-05-20T11:04:00Z"),
        "",
    );
    let names: Vec<&str> = proof.headers.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["x-auth-token"]);
}
