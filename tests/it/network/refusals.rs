//! Error responses of the clouds and their messages.

use serde_json::json;

use super::failures::assert_fails;
use crate::support::emulated::Emulated;
use crate::support::joblens;
use crate::support::jobs::{IMAGE_JOB, INSTANCE, INVOCATION, JOB, SERVICE, WORLD, served};

/// A subtask of an array job.
const SUBTASK: &str = "aliyun/job/ehpc-hz-FYUr32/10_3";

#[test]
fn the_hint_for_missing_credentials_names_the_variables_of_the_cloud() {
    for (reference, variable) in [
        (
            JOB,
            "ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        ),
        (INVOCATION, "ALIBABA_CLOUD_ACCESS_KEY_ID"),
        (INSTANCE, "JOBLENS_SUGON_TOKEN"),
        (IMAGE_JOB, "HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK"),
        (
            SERVICE,
            "TENCENTCLOUD_SECRET_ID and TENCENTCLOUD_SECRET_KEY",
        ),
    ] {
        let run = joblens(&["get", "-o", "json", reference]).run();
        let error = assert_fails(&run, "missing_credentials", None, 4);
        assert!(
            error["hint"].as_str().unwrap().contains(variable),
            "{error:#}"
        );
        assert_eq!(
            (&error["attempts"], &error["profile"]),
            (&json!(0), &json!("default"))
        );
    }
}

#[test]
fn refused_credentials_are_sent_only_once() {
    let emulated = Emulated::start(WORLD);
    let cases = [
        (
            JOB,
            "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
            "SignatureDoesNotMatch",
        ),
        (
            JOB,
            "ALIBABA_CLOUD_ACCESS_KEY_ID",
            "InvalidAccessKeyId.NotFound",
        ),
        (
            JOB,
            "ALIBABA_CLOUD_SECURITY_TOKEN",
            "InvalidSecurityToken.Malformed",
        ),
        (INSTANCE, "JOBLENS_SUGON_TOKEN", "10008"),
        (IMAGE_JOB, "HUAWEICLOUD_SDK_SK", "APIGW.0301"),
        (IMAGE_JOB, "HUAWEICLOUD_SDK_AK", "APIGW.0301"),
        (SERVICE, "TENCENTCLOUD_SECRET_KEY", "4100"),
        (SERVICE, "TENCENTCLOUD_SECRET_ID", "4104"),
    ];
    for (number, (reference, variable, code)) in cases.into_iter().enumerate() {
        let wrong = "wrong-hunter2-wrong";
        let mut run = emulated.get(&["-v", reference]).env(variable, wrong);
        if !variable.ends_with("_ID") && !variable.ends_with("_AK") {
            run = run.with_secret(wrong);
        }
        let error = assert_fails(&run.run(), "unauthenticated", Some(code), 4);
        assert!(error["hint"].is_string(), "{error:#}");
        assert_eq!(
            emulated.accesses().len(),
            number + 1,
            "{reference} was tried again"
        );
    }
}

#[test]
fn a_huawei_token_can_replace_a_key_but_not_accompany_it() {
    let emulated = Emulated::start(WORLD);
    let token = "joblens-test-auth-token";
    let run = emulated
        .get(&["-v", IMAGE_JOB])
        .env("HUAWEICLOUD_SDK_AK", "")
        .env("HUAWEICLOUD_SDK_SK", "")
        .env("JOBLENS_HUAWEI_TOKEN", token)
        .with_secret(token)
        .run();
    assert_eq!(run.job()["state"], "failed");
    let both = emulated
        .get(&[IMAGE_JOB])
        .env("JOBLENS_HUAWEI_TOKEN", token)
        .run();
    assert_fails(&both, "usage", None, 2);
}

/// Checks how an error response of a cloud is reported.
fn assert_mapped(reference: &str, document: &str, category: &str, code: &str, exit: i32) {
    let emulated = Emulated::start(&served(reference, document));
    let error = assert_fails(
        &emulated.get(&[reference]).run(),
        category,
        Some(code),
        exit,
    );
    assert!(
        error["message"].to_string().contains("Not accepted"),
        "{error:#}"
    );
    assert!(error["hint"].is_string(), "{error:#}");
    let attempts = emulated.accesses().len();
    assert_eq!(error["attempts"], attempts, "{error:#}");
    assert_eq!(attempts, 1, "{error:#}");
    let requests = match error["cloud"].as_str() {
        Some("aliyun") => error["request_id"] == "R-1",
        Some("huawei") => error["request_id"].is_string(),
        _ => error["request_id"].is_null(),
    };
    assert!(requests, "{error:#}");
}

#[test]
fn the_error_code_of_aliyun_decides_the_category_and_exit_code() {
    for (reference, code, category, exit) in [
        (JOB, "NotAuthorized", "permission_denied", 4),
        (JOB, "InDebt", "permission_denied", 4),
        (JOB, "InvalidTimeStamp.Expired", "clock_skew", 4),
        (JOB, "InvalidClusterStatus", "service_error", 5),
        // A plain id could be an array job, which is also searched for in a list.
        (SUBTASK, "InvalidParams", "invalid_argument", 5),
        (INVOCATION, "MissingCommandId", "invalid_argument", 5),
        (INVOCATION, "ManagerNotFound", "service_error", 5),
    ] {
        let document =
            format!(r#"{{"RequestId":"R-1","Code":"{code}","Message":"Not accepted."}}"#);
        assert_mapped(reference, &document, category, code, exit);
    }
}

#[test]
fn the_error_code_of_other_clouds_decides_the_category_and_exit_code() {
    for (reference, code, category, exit) in [
        (INSTANCE, "10009", "permission_denied", 4),
        (INSTANCE, "10004", "invalid_argument", 5),
        (INSTANCE, "10001", "service_error", 5),
        (IMAGE_JOB, "APIGW.0302", "permission_denied", 4),
        (IMAGE_JOB, "APIGW.0303", "clock_skew", 4),
        (IMAGE_JOB, "APIGW.0101", "invalid_argument", 5),
        (IMAGE_JOB, "WKS.0001", "service_error", 5),
        (SERVICE, "4300", "permission_denied", 4),
        (SERVICE, "4200", "clock_skew", 4),
        (SERVICE, "4000", "invalid_argument", 5),
        (SERVICE, "5100", "service_error", 5),
        (SERVICE, "6100", "invalid_argument", 5),
    ] {
        let document = match reference {
            IMAGE_JOB => format!(r#"{{"error_code":"{code}","error_msg":"Not accepted"}}"#),
            _ => format!(r#"{{"code":"{code}","msg":"Not accepted","message":"Not accepted"}}"#),
        };
        assert_mapped(reference, &document, category, code, exit);
    }
}

#[test]
fn the_hint_names_the_variable_of_the_rejected_credential_part() {
    let emulated = Emulated::start(WORLD);
    for variable in [
        "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
        "ALIBABA_CLOUD_ACCESS_KEY_ID",
        "ALIBABA_CLOUD_SECURITY_TOKEN",
    ] {
        let run = emulated.get(&[JOB]).env(variable, "another").run();
        let hint = run.error()["hint"].as_str().unwrap().to_owned();
        let place = format!(" ({variable}): ");
        assert!(hint.contains(&place), "{hint}");
    }
}
