//! Roles that are assumed: by a key through STS, or by the machine through its metadata service.

mod damaged;
mod machine;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::{Arc, Mutex};

use super::*;
use crate::support::http;

/// Secrets that the services issue. No output may contain any of them.
const ISSUED: [&str; 5] = [
    "issued-sts-secret-d3",
    "issued-sts-token-e4",
    "issued-machine-secret-f5",
    "issued-machine-token-g6",
    "metadata-token-h7",
];

/// A sandbox whose server issues roles, and the forms that were sent to STS.
struct Roles {
    sandbox: Sandbox,
    forms: Arc<Mutex<Vec<String>>>,
}

impl Roles {
    fn with(files: &[&ToolFile]) -> Self {
        let forms: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&forms);
        let server = Server::start(move |_, got, stream| {
            if got.target().contains("Action=AssumeRole") {
                seen.lock().unwrap().push(body(got, stream));
            }
            let _ = stream.write_all(&response(got));
        });
        let sandbox = Sandbox {
            server,
            ..Sandbox::with(files)
        };
        Self { sandbox, forms }
    }

    fn get(&self, reference: &str) -> Joblens {
        keeping_issued(self.sandbox.get(reference))
    }

    /// Returns the keys that signed, or the path of a request without a key, in the order of arrival.
    fn steps(&self) -> Vec<String> {
        let got = self.sandbox.server.received();
        let is_of_machine =
            |path: &str| path.starts_with("/latest/") || HUAWEI_STEPS.contains(&path);
        let step = |got: &ReceivedRequest| match got.target() {
            path if is_of_machine(path) => path.to_owned(),
            _ => key_of(got),
        };
        got.iter().map(step).collect()
    }
}

fn keeping_issued(run: Joblens) -> Joblens {
    ISSUED
        .iter()
        .fold(run, |run, secret| run.with_secret(secret))
}

fn body(got: &ReceivedRequest, stream: &mut TcpStream) -> String {
    let length = got.header("content-length").unwrap_or("0");
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    String::from_utf8(body).unwrap()
}

fn keys(id: &str, what: &str) -> String {
    format!(
        r#""AccessKeyId":"{id}","AccessKeySecret":"issued-{what}","Expiration":"2100-01-01T00:00:00Z","SecurityToken":"issued-{}""#,
        what.replace("secret-d3", "token-e4")
            .replace("secret-f5", "token-g6")
    )
}

fn response(got: &ReceivedRequest) -> Vec<u8> {
    const ALIYUN: &str = ROLE_OF_MACHINE[1];
    let text = |text: &str| http("200 OK", "content-type: text/plain\r\n", text.as_bytes());
    let target = got.target();
    match target.strip_prefix(TENCENT_ROLES) {
        Some("") => return text("MachineRole"),
        Some(_) => {
            return json(
                r#"{"Code":"Success","TmpSecretId":"AKIDmachineKey67","TmpSecretKey":"issued-machine-secret-f5","Token":"issued-machine-token-g6","ExpiredTime":4102444800}"#,
            );
        }
        None => {}
    }
    if target == HUAWEI_STEPS[1] {
        return json(
            r#"{"credential":{"access":"HSTMACHINEKEY0089","secret":"issued-machine-secret-f5","securitytoken":"issued-machine-token-g6","expires_at":"2100-01-01T00:00:00.000000Z"}}"#,
        );
    }
    if target.contains("Action=AssumeRole") {
        let keys = keys("STS.assumedKey123", "sts-secret-d3");
        return json(format!(r#"{{"RequestId":"R","Credentials":{{{keys}}}}}"#));
    }
    match target.strip_prefix(ALIYUN) {
        Some("") => text("MachineRole"),
        Some(_) => {
            let keys = keys("STS.machineKey45", "machine-secret-f5");
            json(format!(r#"{{"Code":"Success",{keys}}}"#))
        }
        None if [ROLE_OF_MACHINE[0], HUAWEI_STEPS[0]].contains(&target) => {
            text("metadata-token-h7")
        }
        None => json(r#"{"code": 1, "message": "no"}"#),
    }
}

const ROLE_OF_MACHINE: [&str; 4] = [
    "/latest/api/token",
    "/latest/meta-data/ram/security-credentials/",
    "/latest/meta-data/ram/security-credentials/MachineRole",
    "STS.machineKey45",
];

const TENCENT_ROLES: &str = "/latest/meta-data/cam/security-credentials/";

const HUAWEI_STEPS: [&str; 2] = [
    "/meta-data/latest/api/token",
    "/openstack/latest/securitykey",
];

#[test]
fn a_key_of_each_source_assumes_the_role_configured_with_it() {
    const OWN: &str = "access_key_id = 'FILEKEY'\naccess_key_secret = 'file-secret-w5'\nrole_arn = 'acs:ram::3:role/own'";
    for (settings, key, form) in [
        (
            "source = 'aliyun-cli:role'",
            "LTAIcliRoleKey78",
            "RoleArn=acs%3Aram%3A%3A1%3Arole%2Fr&RoleSessionName=s&DurationSeconds=1800&ExternalId=cli-role-external-id-b1&Policy=%7B%22Version%22%3A%221%22%7D",
        ),
        (
            "source = 'alibabacloud:role'",
            "LTAIsdkRoleKey01",
            "RoleArn=acs%3Aram%3A%3A2%3Arole%2Fsdk&RoleSessionName=sdk-session&DurationSeconds=3600&Policy=%7B%22Version%22%3A%221%22%7D",
        ),
        (
            OWN,
            "FILEKEY",
            "RoleArn=acs%3Aram%3A%3A3%3Arole%2Fown&RoleSessionName=joblens&DurationSeconds=3600",
        ),
        // A tool's settings for its role apply only to that role.
        (
            "source = 'aliyun-cli:role'\nrole_arn = 'acs:ram::3:role/own'",
            "LTAIcliRoleKey78",
            "RoleArn=acs%3Aram%3A%3A3%3Arole%2Fown&RoleSessionName=s&DurationSeconds=3600",
        ),
    ] {
        let roles = Roles::with(&[&ALIYUN_CLI, &ALIYUN_SDK]);
        roles.sandbox.configure(&format!(
            "[aliyun.lone]\nendpoint = 'ORIGIN'\nsts_endpoint = 'ORIGIN'\nregion = 'cn-x'\n{settings}\n"
        ));
        let run = roles
            .get("aliyun@lone/job/ehpc-hz-1/5")
            .with_secret("file-secret-w5")
            .run();
        assert_eq!(roles.steps(), [key, "STS.assumedKey123"], "{}", run.stderr);
        assert_eq!(*roles.forms.lock().unwrap(), [form]);
        let got = roles.sandbox.server.received();
        let token = got[1].header("x-acs-security-token");
        assert_eq!(token, Some("issued-sts-token-e4"));
        assert!(run.stderr.contains("role acs:ram::"), "{}", run.stderr);
    }
}

#[test]
fn the_default_profile_assumes_a_role_named_by_its_variables_or_tool() {
    let roles = Roles::with(&[]);
    let key = [
        ("ALIBABA_CLOUD_ACCESS_KEY_ID", "ENVKEY"),
        ("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "env-secret-v4"),
        ("JOBLENS_ALIYUN_ROLE_ARN", "acs:ram::4:role/env"),
    ];
    roles.get(JOB).envs(key).with_secret("env-secret-v4").run();
    assert_eq!(roles.steps(), ["ENVKEY", "STS.assumedKey123"]);

    let roles = Roles::with(&[]);
    // The key of the environment is ignored.
    let machine = roles
        .get(JOB)
        .envs(key[..2].iter().copied())
        .env("JOBLENS_ALIYUN_SOURCE", "metadata");
    machine.run();
    assert_eq!(roles.steps(), ROLE_OF_MACHINE);

    let roles = Roles::with(&[&ALIYUN_CLI]);
    roles.get(JOB).env("ALIBABA_CLOUD_PROFILE", "ecs-any").run();
    assert_eq!(roles.steps(), ROLE_OF_MACHINE);

    // A list without a scope uses the credential for all its requests.
    let roles = Roles::with(&[]);
    let list = roles.sandbox.joblens(&["list", "--max-attempts", "1"]);
    keeping_issued(list)
        .env("JOBLENS_ALIYUN_SOURCE", "metadata")
        .run();
    let mut steps = roles.steps();
    steps.dedup();
    assert_eq!(steps, ROLE_OF_MACHINE);
}

#[test]
fn a_named_profile_does_not_use_a_role_of_the_environment() {
    let roles = Roles::with(&[]);
    let named = "aliyun@lone/job/ehpc-hz-1/5";
    let get = || {
        roles
            .get(named)
            .with_secret("file-secret-w5")
            .env("JOBLENS_ALIYUN_ROLE_ARN", "acs:ram::4:role/env")
            .env("JOBLENS_ALIYUN_SOURCE", "metadata")
    };
    roles
        .sandbox
        .configure("[aliyun.lone]\nendpoint = 'ORIGIN'\nregion = 'cn-x'\n");
    assert_eq!(get().run().error()["category"], "missing_credentials");
    assert!(roles.steps().is_empty());
    roles.sandbox.configure("[aliyun.lone]\nendpoint = 'ORIGIN'\naccess_key_id = 'FILEKEY'\naccess_key_secret = 'file-secret-w5'\n");
    get().run();
    assert_eq!(roles.steps(), ["FILEKEY"]);
}

#[test]
fn auth_status_shows_accounts_with_roles_without_any_request() {
    let roles = Roles::with(&[&ALIYUN_CLI]);
    roles.sandbox.configure(
        "[aliyun.default]\nsource = 'metadata'\n[aliyun.ecs]\nregion = 'cn-x'\nsource = 'aliyun-cli:ecs'\n[aliyun.role]\nsource = 'aliyun-cli:role'\n",
    );
    let run = roles
        .sandbox
        .joblens(&["auth", "status", "-o", "json"])
        .env("JOBLENS_ALIYUN_REGION", "cn-x")
        .run();
    let json = run.json();
    let path = roles.sandbox.home.path().join(ALIYUN_CLI.path);
    let path = path.to_str().unwrap();
    for (at, source, place, key) in [
        (0, "metadata", "this machine", "role"),
        (1, "aliyun-cli profile ecs, role CliEcsRole", path, "role"),
        (
            2,
            "aliyun-cli profile role, role acs:ram::1:role/r",
            path,
            "LTAI…y78",
        ),
    ] {
        let account = &json["accounts"][at];
        assert_eq!(account["status"], "ready", "{account:#}");
        assert_eq!(account["source"], source);
        assert_eq!(account["location"], place);
        assert_eq!(account["key"], key, "{source}");
    }
    assert!(roles.sandbox.server.received().is_empty());
}
