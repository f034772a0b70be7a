//! Parts of a credential that cannot be read or used: no other account is used instead, and jobs of other accounts
//! are still read.

use super::*;
use crate::support::Run;
use crate::support::emulated::Emulated;
use crate::support::jobs::WORLD;

/// Returns the only error of a run that ends with exit code 4.
fn failure(run: &Run) -> String {
    assert_eq!(run.code, 4, "{}", run.stderr);
    let error = run.error();
    assert_eq!(error["category"], "missing_credentials", "{}", run.stderr);
    error["message"].as_str().unwrap().to_owned()
}

#[test]
fn a_dangling_link_to_a_tool_folder_is_an_error_without_fallback() {
    for (folder, other, reference) in [
        (".tccli", &TENCENT_SDK, SERVICE),
        (".aliyun", &ALIYUN_SDK, JOB),
    ] {
        let sandbox = Sandbox::with(&[other]);
        let path = sandbox.home.path().join(folder);
        std::os::unix::fs::symlink("/nowhere/at/all", &path).unwrap();
        let message = failure(&sandbox.get(reference).run());
        assert!(message.contains(path.to_str().unwrap()), "{message}");
        assert!(sandbox.server.received().is_empty());
    }
}

#[test]
fn a_dangling_link_to_the_config_folder_is_an_error() {
    let sandbox = Sandbox::with(&[&ALIYUN_SDK]);
    fs::create_dir_all(sandbox.home.path().join(".config")).unwrap();
    let folder = sandbox.home.path().join(".config/joblens");
    std::os::unix::fs::symlink("/nowhere/at/all", &folder).unwrap();
    let run = sandbox.get(JOB).run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    let message = format!("cannot read the config file {}", folder.display());
    assert!(run.stderr.contains(&message), "{}", run.stderr);
}

/// Runs with this table of an account that cannot be used, and with accounts of emulated clouds.
fn run_with(emulated: &Emulated, table: &str, arguments: &[&str]) -> Run {
    let sandbox = Sandbox::new();
    sandbox.configure(&format!(
        "[aliyun.lab]\nendpoint = '{}'\nregion = 'cn-x'\n{table}\n",
        emulated.origin
    ));
    let config = sandbox.home.path().join(".config/joblens/config.toml");
    emulated
        .joblens(arguments)
        .env("HOME", sandbox.home.path().to_str().unwrap())
        .env("JOBLENS_CONFIG", config.to_str().unwrap())
        .env("PATH", "/usr/bin:/bin")
        .run()
}

const LAB: &str = "aliyun@lab/job/C/1";

#[test]
fn an_unusable_credential_part_fails_a_lookup_but_no_list_of_other_accounts() {
    let emulated = Emulated::start(WORLD);
    for (table, expected) in [
        (
            "access_key_id_file = 'gone'\naccess_key_secret = 'x'",
            "no such file",
        ),
        (
            "access_key_id_env = 'NOT_SET'\naccess_key_secret = 'x'",
            "NOT_SET, which is not set",
        ),
        (
            "access_key_id = '\"LTAIx\"'\naccess_key_secret = 'x'",
            "is in quotes",
        ),
        (
            "source = 'aliyun-cli:nope'",
            "no file of aliyun-cli was found",
        ),
    ] {
        let before = emulated.accesses().len();
        let code = if table.starts_with("source") { 4 } else { 2 };
        for command in [&["get"][..], &["describe"], &["get", "--exit-status"]] {
            let arguments = [command, &["-o", "json", LAB, INSTANCE]].concat();
            let run = run_with(&emulated, table, &arguments);
            assert_eq!(run.code, code, "{command:?} {table}: {}", run.stderr);
            assert!(run.stdout.contains(expected), "{expected}: {}", run.stdout);
            let is_sent = emulated.accesses().len() > before;
            assert_eq!(is_sent, code == 4, "{command:?} {table}");
        }
        // A list of all accounts includes the other accounts and sends requests for them.
        let run = run_with(&emulated, table, &["list", "-o", "json"]);
        assert_eq!(run.code, 4, "{table}: {}", run.stderr);
        let json = run.json();
        let mut errors = json["errors"].as_array().unwrap().iter();
        let error = errors.find(|error| error["ref"] == "aliyun@lab/").unwrap();
        assert_eq!(error["category"], "missing_credentials", "{table}");
        assert!(run.stdout.contains(expected), "{expected}: {}", run.stdout);
        assert!(emulated.accesses().len() > before, "{table}");
    }
}

#[test]
fn an_invalid_key_printed_by_a_command_is_not_a_usage_error() {
    let emulated = Emulated::start(WORLD);
    let table = "credential_command = ['printf', 'access_key_id=LTAI x\\naccess_key_secret=x\\n']";
    let message = failure(&run_with(&emulated, table, &["get", "-o", "json", LAB]));
    assert!(message.contains("contains whitespace"), "{message}");
}

#[test]
fn an_empty_key_in_the_config_file_is_an_error_without_fallback() {
    let sandbox = Sandbox::with(&[&ALIYUN_CLI]);
    sandbox.configure("[aliyun.default]\naccess_key_id = ''\naccess_key_secret = ''\n");
    let run = sandbox.get(JOB).run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    let message = run.error()["message"].as_str().unwrap().to_owned();
    assert!(
        message.starts_with("access_key_id of profile 'default' (aliyun) is empty (from ")
            && message.ends_with("config.toml:2:17)"),
        "{message}"
    );
    // An optional part.
    sandbox.configure(
        "[aliyun.default]\naccess_key_id = 'FILEKEY'\naccess_key_secret = 'x'\nsecurity_token = ''\nregion = 'cn-x'\n",
    );
    sandbox.get(JOB).run();
    assert_eq!(sandbox.signed_by(), "FILEKEY");
}

#[test]
fn an_invalid_key_in_a_file_of_a_tool_is_not_a_usage_error() {
    let sandbox = Sandbox::new();
    let keys = "[basic]\nak = A\n B\nsk = hwsdk-basic-secret-q8\n";
    sandbox.write(".huaweicloud/credentials", keys);
    let run = sandbox.get("huawei/image-job/7").run();
    assert_eq!(run.code, 4, "{}", run.stderr);
    let error = run.error();
    let message = error["message"].as_str().unwrap();
    assert!(message.contains("contains a line break"), "{message}");
    assert_eq!(error["category"], "missing_credentials");
}
