//! Prompts of a `credential_command` while it runs, and its output in the formats of the clouds' tools.

use std::io::{BufRead as _, BufReader};
use std::os::fd::OwnedFd;
use std::process::Stdio;

use super::*;
use crate::support::pty::Terminal;

/// Returns a run whose command prompts for a code, and continues when the file `answer` exists.
fn prompting(sandbox: &Sandbox) -> Joblens {
    let home = sandbox.home.path().display();
    let script = format!(
        "echo 'https://login.example/device' >&2; printf 'Code B2C4D7F9K: ' >&2; \
         until test -e {home}/answer; do sleep 0.01; done; \
         echo access_key_id=CMDKEY; echo access_key_secret=command-secret-x6"
    );
    sandbox.configure(&format!(
        "[aliyun.default]\nregion = 'cn-x'\ncredential_command = ['sh', '-c', \"\"\"{script}\"\"\"]\n"
    ));
    sandbox.get(JOB).env("PATH", "/usr/bin:/bin")
}

#[test]
fn prompts_of_a_command_are_shown_on_a_terminal_while_it_waits() {
    let sandbox = Sandbox::new();
    let terminal = Terminal::open();
    let stderr = Stdio::from(terminal.user.try_clone().unwrap());
    let started = prompting(&sandbox).start(Stdio::piped(), stderr);
    terminal.wait_for("https://login.example/device");
    terminal.wait_for("Code B2C4D7F9K:");
    assert!(sandbox.server.received().is_empty());
    sandbox.write("answer", "");
    started.end();
    assert_eq!(sandbox.signed_by(), "CMDKEY");
}

#[test]
fn prompts_of_a_command_are_masked_if_stderr_is_not_a_terminal() {
    let sandbox = Sandbox::new();
    let (reader, writer) = std::io::pipe().unwrap();
    let started = prompting(&sandbox).start(Stdio::piped(), OwnedFd::from(writer));
    let mut lines = BufReader::new(reader).lines().map(Result::unwrap);
    assert_eq!(lines.next().unwrap(), "https://login.example/device");
    assert_eq!(lines.next().unwrap(), "Code ***");
    sandbox.write("answer", "");
    started.end();
    assert_eq!(sandbox.signed_by(), "CMDKEY");
}

#[test]
fn stderr_of_a_credential_command_is_escaped() {
    let sandbox = Sandbox::new();
    sandbox.configure(
        "[aliyun.default]\nregion = 'cn-x'\ncredential_command = ['printf', '']\n\
         [aliyun.x]\nregion = 'cn-x'\ncredential_command = ['sh', '-c', 'printf \"\\033[31m::error::x\\\\n\" >&2']\n",
    );
    let run = sandbox.get("aliyun@x/job/ehpc-hz-1/5");
    let run = run.env("PATH", "/usr/bin:/bin").run();
    assert!(run.stderr.contains("error"), "{}", run.stderr);
    assert!(!run.stderr.contains('\u{1b}'), "{}", run.stderr);
    assert!(!run.stderr.contains("\n::"), "{}", run.stderr);
}

#[test]
fn credentials_printed_by_cloud_clis_are_read_with_token_and_expiry() {
    const ALIYUN: &str = r#"{"RequestId":"R","AssumedRoleUser":{"Arn":"a"},"Credentials":{"AccessKeyId":"STSKEY","AccessKeySecret":"command-secret-x6","SecurityToken":"CMDTOKEN","Expiration":"2100-01-01T00:00:00Z"}}"#;
    const TENCENT: &str = r#"{"Response":{"Credentials":{"TmpSecretId":"STSKEY","TmpSecretKey":"command-secret-x6","Token":"CMDTOKEN"},"ExpiredTime":4102444800,"RequestId":"R"}}"#;
    const HUAWEI: &str = r#"{"credential":{"access":"STSKEY","secret":"command-secret-x6","securitytoken":"CMDTOKEN","expires_at":"2100-01-01T00:00:00.000000Z"}}"#;
    const AWS: &str = r#"{"Version":1,"AccessKeyId":"STSKEY","SecretAccessKey":"command-secret-x6","SessionToken":"CMDTOKEN","Expiration":"2100-01-01T00:00:00+00:00"}"#;
    let sandbox = Sandbox::new();
    for (cloud, reference, printed) in [
        ("aliyun", JOB, ALIYUN),
        ("aliyun", JOB, AWS),
        ("tencent", SERVICE, TENCENT),
        ("tencent", SERVICE, AWS),
        ("huawei", IMAGE_JOB, HUAWEI),
        ("huawei", IMAGE_JOB, AWS),
    ] {
        let project = if cloud == "huawei" {
            "project_id = 'p'\n"
        } else {
            ""
        };
        sandbox.configure(&format!(
            "[{cloud}.default]\nregion = 'cn-north-4'\n{project}credential_command = ['printf', '%s', '{printed}']\n"
        ));
        let run = sandbox.get(reference).env("PATH", "/usr/bin:/bin");
        let run = run.with_secret("command-secret-x6").run();
        assert_eq!(sandbox.signed_by(), "STSKEY", "{printed}: {}", run.stderr);
        let last = sandbox.server.received().last().unwrap().clone();
        let headers = ["x-acs-security-token", "x-security-token"];
        let token = headers.iter().find_map(|name| last.header(name));
        let is_sent = token == Some("CMDTOKEN") || last.target().contains("Token=CMDTOKEN");
        assert!(is_sent, "{printed}: {token:?}");
        let status = sandbox.joblens(&["auth", "status", "-o", "json"]);
        let status = status.env("PATH", "/usr/bin:/bin").run().json();
        let accounts = status["accounts"].as_array().unwrap();
        let account = accounts.iter().find(|one| one["cloud"] == cloud).unwrap();
        assert_eq!(account["expires_at"], "2100-01-01T00:00:00Z", "{printed}");
    }
}

#[test]
fn shell_assignments_are_read_without_export_quotes_and_semicolons() {
    let sandbox = Sandbox::new();
    for printed in [
        r#"export ALIBABA_CLOUD_ACCESS_KEY_ID="CMDKEY";\nexport ALIBABA_CLOUD_ACCESS_KEY_SECRET="command-secret-x6";\n"#,
        r#"ALIBABA_CLOUD_ACCESS_KEY_ID=CMDKEY; export ALIBABA_CLOUD_ACCESS_KEY_ID;\nexport ALIBABA_CLOUD_ACCESS_KEY_SECRET=command-secret-x6;\n"#,
        r#"declare -x ALIBABA_CLOUD_ACCESS_KEY_ID="CMDKEY"\r\ndeclare -x ALIBABA_CLOUD_ACCESS_KEY_SECRET="command-secret-x6"\r\n"#,
    ] {
        sandbox.configure(&format!(
            "[aliyun.default]\nregion = 'cn-x'\ncredential_command = ['printf', '%b', '{printed}']\n"
        ));
        let run = sandbox.get(JOB).env("PATH", "/usr/bin:/bin").run();
        assert!(!sandbox.server.received().is_empty(), "{}", run.stderr);
        assert_eq!(sandbox.signed_by(), "CMDKEY", "{printed}");
    }
}
