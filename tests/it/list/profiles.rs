use std::fs;

use super::{WORLD, each};
use crate::support::emulated::Emulated;
use crate::support::{Run, Server, http, joblens};
use serde_json::json;

/// Runs `list` without a scope, with this config file and without variables.
fn bare(emulated: &Emulated, settings: &str, arguments: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    fs::write(&path, settings.replace("ORIGIN", &emulated.origin)).unwrap();
    let chmod = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&path, chmod).unwrap();
    let mut all = vec!["list", "--config", path.to_str().unwrap()];
    all.extend_from_slice(arguments);
    joblens(&all).run()
}

/// Three profiles: an account with clusters, one with a configured cluster, and a cloud without clusters.
const SETTINGS: &str = "
[aliyun.default]
endpoint = 'ORIGIN'
region = 'cn-hangzhou'
access_key_id = 'testid'
access_key_secret = 'testsecret'

[aliyun.prod]
endpoint = 'ORIGIN'
region = 'cn-hangzhou'
cluster = 'ehpc-hz-1'
access_key_id = 'testid'
access_key_secret = 'testsecret'

[tencent.prod]
endpoint = 'ORIGIN'
region = 'ap-guangzhou'
cluster = 'cls-1'
secret_id = 'testid'
secret_key = 'testsecret'
";

#[test]
fn a_list_without_a_scope_covers_the_default_scopes_of_every_profile() {
    let emulated = Emulated::start(WORLD);
    let run = bare(&emulated, SETTINGS, &["-o", "json"]);
    let json = run.json();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(json["scopes"].as_array().unwrap().is_empty());
    // Active jobs first.
    assert_eq!(
        each(&json["jobs"], "ref"),
        [
            "aliyun/job/ehpc-hz-1/5",
            "aliyun@prod/job/ehpc-hz-1/5",
            "tencent@prod/service/cls-1/default/web",
            "tencent@prod/service/cls-1/prod/web",
            "aliyun/job/ehpc-hz-1/6",
            "aliyun/job/ehpc-hz-2/7",
            "aliyun@prod/job/ehpc-hz-1/6",
        ]
    );
    assert_eq!(json["coverage"]["complete"], true);
}

#[test]
fn a_configured_namespace_narrows_the_default_scope() {
    let emulated = Emulated::start(WORLD);
    let settings = SETTINGS.replace("cluster = 'cls-1'", "cluster = 'cls-1'\nnamespace = 'prod'");
    let run = bare(&emulated, &settings, &["-p", "prod", "-o", "json"]);
    let references = run.json();
    let references = each(&references["jobs"], "ref");
    let services: Vec<_> = references
        .iter()
        .filter(|one| one.contains("service"))
        .collect();
    assert_eq!(services, [&"tencent@prod/service/cls-1/prod/web"]);
}

#[test]
fn a_named_profile_is_the_only_one_listed() {
    let emulated = Emulated::start(WORLD);
    let run = bare(&emulated, SETTINGS, &["-p", "default", "-o", "name"]);
    let mut lines: Vec<&str> = run.stdout.lines().collect();
    lines.sort_unstable();
    let jobs = ["ehpc-hz-1/5", "ehpc-hz-1/6", "ehpc-hz-2/7"];
    assert_eq!(lines, jobs.map(|job| format!("aliyun/job/{job}")));
    let unknown = bare(&emulated, SETTINGS, &["-p", "nobody"]);
    assert_eq!(unknown.code, 4);
    let available = "unknown profile 'nobody'; available: ";
    assert!(unknown.stderr.contains(available), "{}", unknown.stderr);
    assert!(unknown.stderr.contains("prod"), "{}", unknown.stderr);
}

#[test]
fn a_filter_leaves_out_the_kinds_without_its_field_with_a_notice() {
    let emulated = Emulated::start(WORLD);
    let run = bare(&emulated, SETTINGS, &["--active", "-o", "json"]);
    let json = run.json();
    assert_eq!(
        each(&json["jobs"], "ref"),
        ["aliyun/job/ehpc-hz-1/5", "aliyun@prod/job/ehpc-hz-1/5"]
    );
    assert_eq!(json["coverage"]["complete"], false);
    assert_eq!(run.code, 0, "{}", run.stderr);
    let unlisted =
        "tencent@prod/service/cls-1/: skipped: cannot filter by state: this list has no state";
    assert!(run.stderr.contains(unlisted), "{}", run.stderr);
    // Clusters whose jobs do not have this field are not listed. The message names the kind and not the cloud.
    let run = emulated.joblens(&["list", "--queue", "gpu"]).run();
    let skipped = run.stderr.lines().find(|line| line.contains(": skipped: "));
    assert!(
        skipped.unwrap().contains("tencent/service/"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("tencent/: "), "{}", run.stderr);
}

#[test]
fn variables_define_the_default_profile() {
    let emulated = Emulated::start(WORLD);
    let run = emulated.joblens(&["list", "-o", "json"]).run();
    let json = run.json();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert_eq!(json["coverage"]["complete"], true);
    assert_eq!(each(&json["jobs"], "ref").len(), 7);
}

#[test]
fn a_forbidden_product_is_a_notice_unless_it_is_named_in_the_scope() {
    let emulated = Emulated::start(WORLD);
    let body = br#"{"Code":"Forbidden.RAM","Message":"User not authorized to operate"}"#;
    let refused = Server::answering(http("403 Forbidden", "", body));
    let endpoint = format!(
        "region = 'cn-hangzhou'\ndlc_endpoint = '{}'",
        refused.origin()
    );
    let settings = SETTINGS.replacen("region = 'cn-hangzhou'", &endpoint, 1);
    let all = bare(&emulated, &settings, &["-p", "default", "-o", "json"]);
    assert_eq!(all.code, 0, "{}", all.stderr);
    let json = all.json();
    assert_eq!(each(&json["jobs"], "ref").len(), 3);
    assert_eq!(json["coverage"]["complete"], false);
    assert!(
        all.stderr.contains("aliyun/dlc-job/: could not be listed"),
        "{}",
        all.stderr
    );
    let named = bare(&emulated, &settings, &["aliyun/dlc-job", "-o", "json"]);
    assert_eq!(named.code, 4, "{}", named.stderr);
}

#[test]
fn the_user_me_is_the_job_user_of_the_profile() {
    let emulated = Emulated::start(WORLD);
    let settings = SETTINGS.replacen("cluster = 'ehpc-hz-1'", "job_user = 'wang'", 1);
    let scope = "aliyun@prod/job/ehpc-hz-1";
    let mine = bare(&emulated, &settings, &[scope, "-u", "me", "-o", "name"]);
    assert_eq!(
        mine.stdout.trim(),
        "aliyun@prod/job/ehpc-hz-1/6",
        "{}",
        mine.stderr
    );
    let unknown = bare(&emulated, &settings, &["aliyun/job/ehpc-hz-1", "-u", "me"]);
    assert_eq!(unknown.code, 2);
    assert!(
        unknown
            .stderr
            .contains("-u me: no job_user in [aliyun.default]"),
        "{}",
        unknown.stderr
    );
    assert!(
        unknown.stderr.contains("set job_user in the config file"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn a_profile_without_a_job_user_is_skipped_with_a_notice_for_user_me() {
    let emulated = Emulated::start(WORLD);
    let settings = SETTINGS.replacen("cluster = 'ehpc-hz-1'", "job_user = 'wang'", 1);
    let mine = bare(&emulated, &settings, &["-u", "me", "-o", "json"]);
    assert_eq!(mine.code, 0, "{}", mine.stderr);
    let json = mine.json();
    assert_eq!(each(&json["jobs"], "ref"), ["aliyun@prod/job/ehpc-hz-1/6"]);
    assert_eq!(json["coverage"]["complete"], false);
    let notice =
        "-u me: no job_user in [aliyun.default], [tencent.prod]; their jobs are not listed;";
    assert!(mine.stderr.contains(notice), "{}", mine.stderr);
    let without_user = bare(&emulated, SETTINGS, &["-u", "me"]);
    assert_eq!((without_user.code, without_user.stdout.as_str()), (2, ""));
}

#[test]
fn without_a_configuration_the_error_names_the_variables_to_set() {
    let run = joblens(&["list"]).run();
    assert_eq!((run.code, run.stdout.as_str()), (4, ""));
    assert!(run.stderr.contains("no profile is configured"));
    for variable in ["ALIBABA_CLOUD_ACCESS_KEY_ID", "JOBLENS_SUGON_TOKEN"] {
        assert!(run.stderr.contains(variable), "{}", run.stderr);
    }
}

/// Checks, in every output, the error of a cloud's profile that could not be queried.
fn assert_half_configured(run: &Run, scope: &str, expected: &str) {
    assert_eq!(run.code, 4, "{}", run.stderr);
    let json = run.json();
    let requested = json["coverage"]["asked"].as_u64().unwrap();
    let failed = json["errors"].as_array().unwrap().len() as u64;
    assert_eq!(
        json["coverage"],
        json!({"complete": false, "asked": requested, "answered": requested - failed})
    );
    assert_eq!(json["jobs"].as_array().unwrap().len(), 7);
    let error = &json["errors"][0];
    assert_eq!(
        (&error["ref"], &error["category"]),
        (&json!(scope), &json!("missing_credentials"))
    );
    assert!(run.stderr.contains(expected), "{}", run.stderr);
    let footer = format!("could not list {scope}");
    assert!(run.stderr.contains(&footer), "{}", run.stderr);
}

#[test]
fn a_profile_table_without_a_credential_is_an_error_and_not_skipped() {
    let emulated = Emulated::start(WORLD);
    for table in ["", "endpoint = 'ORIGIN'\n"] {
        let settings = format!("{SETTINGS}\n[sugon.default]\n{table}");
        let run = bare(&emulated, &settings, &["-o", "json"]);
        assert_half_configured(
            &run,
            "sugon/instance/",
            "missing token for profile 'default' (sugon)",
        );
    }
}

#[test]
fn joblens_variables_without_a_credential_are_reported_unlike_vendor_ones() {
    let emulated = Emulated::start(WORLD);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    fs::write(&path, SETTINGS.replace("ORIGIN", &emulated.origin)).unwrap();
    let chmod = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    fs::set_permissions(&path, chmod).unwrap();
    let run = |name: &str, value: &str| {
        let config = path.to_str().unwrap();
        joblens(&["list", "-o", "json", "--config", config])
            .env(name, value)
            .run()
    };
    let sugon = run("JOBLENS_SUGON_ENDPOINT", &emulated.origin);
    assert_half_configured(
        &sugon,
        "sugon/instance/",
        "missing token for profile 'default' (sugon)",
    );
    let huawei = run("JOBLENS_HUAWEI_REGION", "cn-north-4");
    assert_half_configured(
        &huawei,
        "huawei/image-job/",
        "for profile 'default' (huawei)",
    );
    let all = run("HW_OTHER", "").json()["coverage"]["asked"].clone();
    for (name, value) in [
        ("HW_REGION_NAME", "cn-north-4"),
        ("TENCENTCLOUD_REGION", "ap-guangzhou"),
        ("ALIBABA_CLOUD_REGION_ID", "cn-hangzhou"),
    ] {
        let stray = run(name, value);
        assert_eq!(stray.code, 0, "{name}: {}", stray.stderr);
        assert_eq!(stray.json()["coverage"]["asked"], all, "{name}");
    }
}
