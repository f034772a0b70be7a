//! Commands that send no requests: `auth status`, `kinds`, `states` and `schema`.

use super::*;
use crate::config::settings::Config;

/// Profiles in every state, each with a secret of its own.
const PROFILES: &str = r#"
[aliyun.default]
region = 'cn-hangzhou'
role_arn = 'acs:ram::1:role/reader'
[aliyun.printed]
region = 'cn-hangzhou'
credential_command = ['printf', 'access_key_id=LTAI5tPrintedKey99\naccess_key_secret=s3cr3t-1\nexpiration=2099-01-01T00:00:00Z\n']
[aliyun.broken]
region = 'cn-hangzhou'
credential_command = ['false']
[aliyun.role]
region = 'cn-hangzhou'
source = 'metadata'
[aliyun.spaced]
region = 'cn-hangzhou'
access_key_id = 'LTAI5tSpaced Key'
access_key_secret = 's3cr3t 2'
[aliyun.unverified]
region = 'cn-hangzhou'
access_key_id = 'LTAI5tUnverified'
access_key_secret = 's3cr3t-3'
insecure_skip_verify = true
[aliyun.tls]
region = 'cn-hangzhou'
endpoint = 'https://h.example.com'
access_key_id = 'LTAI5tWithFile99'
access_key_secret = 's3cr3t-4'
ca_file = 'missing.pem'
[huawei.user]
region = 'cn-north-4'
user = 'operator-of-jobs'
password = 's3cr3t-5'
domain = '公司'
token_cache = true
[sugon.token]
token = 'e30.eyJleHBpcmVUaW1lIjoiNDEwMjQ0NDgwMDAwMCJ9.c2ln'
endpoint = 'https://h.example.com'
[tencent.url]
region = 'ap-guangzhou'
secret_id = 'AKIDxxxxxxxxxx'
secret_key = 's3cr3t-6'
endpoint = 'https://me:s3cr3t-7@h.example.com/?token=s3cr3t-8'
[kubernetes.proxy]
endpoint = 'https://k.example.com'
proxy_url = 'http://me:s3cr3t-9@127.0.0.1:1'
"#;

#[test]
fn a_replay_of_auth_status_needs_no_files_or_variables() {
    let emulated = Emulated::start(WORLD);
    let config = Config::new(PROFILES);
    config.write("kubeconfig", "not a kubeconfig", 0o600);
    let path = config.path();
    let kubeconfig = config.folder.path().join("kubeconfig");
    let cases: [&[&str]; 6] = [
        &["auth", "status"],
        &["auth", "status", "-o", "json"],
        &["auth", "status", "-p", "printed"],
        &["auth", "status", "-p", "spaced", "-o", "yaml"],
        &["auth", "status", "-p", "tls"],
        &["auth", "status", "-p", "nobody"],
    ];
    for arguments in cases {
        let (_parent, folder) = folder();
        let options = with(arguments, "--config", Path::new(&path));
        let run = emulated.joblens(&with(&options, "--record", &folder));
        let recorded = run
            .env("JOBLENS_KUBERNETES_TOKEN", "")
            .env("KUBECONFIG", kubeconfig.to_str().unwrap())
            .env("ALIBABA_CLOUD_OIDC_TOKEN_FILE", "x")
            .env("PATH", "/usr/bin:/bin")
            .run();
        let is_ready = arguments.contains(&"printed");
        let code = if is_ready { 0 } else { 4 };
        assert_eq!(recorded.code, code, "{arguments:?} {}", recorded.stderr);
        assert_eq!(files(&folder), [folder.join("recording.json")]);
        assert_private(&folder, &["s3cr3t", "eyJ", "testsecret", "PrintedKey99"]);
        assert_same(arguments, &recorded, &replay(arguments, &folder));
    }
    assert!(emulated.requests().is_empty());
}

#[test]
fn accounts_that_are_not_configured_stay_unconfigured_in_a_replay() {
    let (_parent, folder) = folder();
    let arguments = ["auth", "status", "-o", "json"];
    let recorded = joblens(&with(&arguments, "--record", &folder)).run();
    let accounts = recorded.json()["accounts"].as_array().unwrap().clone();
    let states = accounts.iter().map(|account| &account["status"]);
    assert!(states.clone().all(|state| state == "not_configured"));
    assert_eq!(recorded.code, 4);
    assert_same(&arguments, &recorded, &replay(&arguments, &folder));
}

#[test]
fn kinds_states_and_schema_are_recorded_without_any_response() {
    let config = Config::new("[states.'aliyun/job']\nSuspended = 'stopping'\n");
    let path = config.path();
    for arguments in [
        &["kinds"][..],
        &["kinds", "aliyun", "-o", "json"],
        &["states", "aliyun/job"],
        &["states", "-o", "json", "--jq", ".states[-1]"],
        &["schema", "events"],
    ] {
        let (_parent, folder) = folder();
        let options = with(arguments, "--config", Path::new(&path));
        let recorded = joblens(&with(&options, "--record", &folder)).run();
        assert_eq!(recorded.code, 0, "{arguments:?} {}", recorded.stderr);
        let is_mapped = recorded.stdout.contains("Suspended");
        assert_eq!(is_mapped, arguments == ["states", "aliyun/job"]);
        assert_eq!(files(&folder), [folder.join("recording.json")]);
        assert_private(&folder, &[]);
        assert_same(arguments, &recorded, &replay(arguments, &folder));
    }
    let (_parent, folder) = folder();
    let wrong = joblens(&with(&["kinds", "no-cloud"], "--record", &folder));
    assert_eq!(wrong.run().code, 2);
    assert!(!folder.exists(), "a folder is left");
}

#[test]
fn a_recording_of_another_command_is_refused() {
    let emulated = Emulated::start(WORLD);
    let strict: [&[&str]; 5] = [
        &["metrics", FAILED],
        &["kinds"],
        &["states"],
        &["schema"],
        &["auth", "status"],
    ];
    let (_parent, get) = folder();
    emulated.get(&with(&[FAILED], "--record", &get)).run();
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/recordings/wait-failed");
    for (folder, name) in [(&get, "'get'"), (&old, "'wait'")] {
        for arguments in strict {
            let run = replay(arguments, folder);
            assert_eq!(run.code, 2, "{arguments:?} {}", run.stdout);
            let words = format!(" was made with {name}, not with '{}", arguments[0]);
            assert!(run.stderr.contains(&words), "{}", run.stderr);
        }
    }
    for arguments in strict {
        let (_parent, folder) = folder();
        let recorded = emulated.joblens(&with(arguments, "--record", &folder));
        assert_eq!(recorded.run().code, 0, "{arguments:?}");
        let others = strict.iter().filter(|other| *other[0] != *arguments[0]);
        for other in others {
            assert_eq!(replay(other, &folder).code, 2, "{arguments:?} {other:?}");
        }
        let run = replay(&["get", SCHEDULED], &folder);
        assert_eq!(run.code, 5, "{arguments:?} {}", run.stderr);
        let words = "the recording has no ";
        assert!(run.stderr.contains(words), "{arguments:?} {}", run.stderr);
    }
}
