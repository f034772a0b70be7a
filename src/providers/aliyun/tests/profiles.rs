use super::super::{Api, CLOUD, products::EHPC};
use crate::error::{Category, Problem};
use crate::providers::test_support;

fn new_api(variables: &[(&str, &str)]) -> Result<Api, Problem> {
    let transport = test_support::transport(test_support::moment("2026-01-02T03:04:05Z"));
    Api::new(&test_support::profile(&CLOUD, variables), &transport)
}

const KEY: [(&str, &str); 2] = [
    ("ALIBABA_CLOUD_ACCESS_KEY_ID", "testid"),
    ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "testsecret"),
];

fn new_api_with(variable: (&str, &str)) -> Result<Api, Problem> {
    new_api(&[KEY[0], KEY[1], variable])
}

#[test]
fn the_endpoint_follows_from_the_region_unless_it_is_set() {
    let authority = |variable| {
        new_api_with(variable)
            .map(|ehpc| ehpc.endpoints.of(&EHPC).origin())
            .unwrap()
    };
    assert_eq!(
        authority(("ALIBABA_CLOUD_REGION_ID", "cn-wulanchabu")),
        "https://ehpc.cn-wulanchabu.aliyuncs.com"
    );
    assert_eq!(
        authority(("JOBLENS_ALIYUN_ENDPOINT", "http://127.0.0.1:7411")),
        "http://127.0.0.1:7411"
    );
}

#[test]
fn a_missing_key_or_region_is_an_error_that_names_the_variable() {
    let problem = new_api(&[("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou")])
        .err()
        .unwrap();
    assert_eq!(problem.category, Category::MissingCredentials);
    let hint = problem.hint.unwrap();
    assert!(hint.contains("ALIBABA_CLOUD_ACCESS_KEY_ID"), "{hint}");
    let problem = new_api(&KEY).err().unwrap();
    assert_eq!(problem.category, Category::MissingCredentials);
    assert!(problem.hint.unwrap().contains("ALIBABA_CLOUD_REGION_ID"));
}

#[test]
fn a_region_that_would_change_the_host_is_a_usage_error() {
    for region in ["cn-hangzhou.evil.example/", "cn@evil", "CN", "a b"] {
        let problem = new_api_with(("ALIBABA_CLOUD_REGION_ID", region))
            .err()
            .unwrap();
        assert_eq!(problem.category, Category::Usage, "{region}");
    }
    let problem = new_api_with(("JOBLENS_ALIYUN_ENDPOINT", "http://example.com"))
        .err()
        .unwrap();
    assert_eq!(problem.profile.as_deref(), Some("default"));
}

#[test]
fn a_temporary_key_without_its_security_token_is_an_error() {
    let secret = KEY[1];
    let id = ("ALIBABA_CLOUD_ACCESS_KEY_ID", "STS.NUxyzABC12345");
    let region = ("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou");
    let missing = |variables: &[(&str, &str)], reason: &str| {
        let problem = new_api(variables).err().unwrap();
        assert_eq!(problem.category, Category::MissingCredentials);
        let message = format!(
            "profile 'default' (aliyun) has access_key_id from {}, but no security_token{reason}",
            variables[0].0
        );
        assert_eq!(problem.message, message);
        problem.hint.unwrap()
    };
    let hint = missing(&[id, secret, region], "");
    assert_eq!(
        hint,
        "set ALIBABA_CLOUD_SECURITY_TOKEN as well, or unset ALIBABA_CLOUD_ACCESS_KEY_ID"
    );
    missing(
        &[id, secret, region, ("ALICLOUD_SECURITY_TOKEN", "x")],
        ": environment: ALICLOUD_SECURITY_TOKEN, overridden by ALIBABA_CLOUD_ACCESS_KEY_ID",
    );
    let terraform = [
        ("ALICLOUD_ACCESS_KEY", "STS.NUxyzABC12345"),
        ("ALICLOUD_SECRET_KEY", "s"),
        region,
    ];
    let hint = missing(&terraform, "");
    assert_eq!(
        hint,
        "set ALICLOUD_SECURITY_TOKEN as well, or unset ALICLOUD_ACCESS_KEY"
    );
    let token = ("ALICLOUD_SECURITY_TOKEN", "x");
    assert!(new_api(&[&terraform[..], &[token]].concat()).is_ok());
}
