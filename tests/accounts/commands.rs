use super::*;

fn with_command(desk: &Desk, words: &str) -> Joblens {
    desk.configure(&format!(
        "[aliyun.lone]\nendpoint = 'ORIGIN'\nregion = 'cn-x'\ncredential_command = {words}\n"
    ));
    desk.get("aliyun@lone/job/ehpc-hz-1/5")
        .env("PATH", "/usr/bin:/bin")
        .keeping("command-secret-x6")
}

#[test]
fn what_a_command_prints_is_used_in_either_form() {
    let desk = Desk::new();
    for printed in [
        r#"{"access_key_id":"CMDKEY","access_key_secret":"command-secret-x6","other":null}"#,
        "access_key_id=CMDKEY\\naccess_key_secret=command-secret-x6\\n",
        "export ALIBABA_CLOUD_ACCESS_KEY_ID=\"CMDKEY\"\\nALIBABA_CLOUD_ACCESS_KEY_SECRET=command-secret-x6",
    ] {
        let before = desk.server.got().len();
        let run = with_command(&desk, &format!("['printf', '{printed}']")).run();
        assert!(desk.server.got().len() > before, "{}", run.stderr);
        assert_eq!(desk.signed_by(), "CMDKEY");
        assert!(
            run.stderr.contains("(credential_command)"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn no_shell_reads_the_words_of_a_command() {
    let desk = Desk::new();
    let run = with_command(&desk, "['printf', '%s', 'access_key_id=$(id)', ';', 'id']").run();
    assert_eq!(run.code, 4, "an id alone: {}", run.stderr);
    assert!(!run.stderr.contains("uid="), "{}", run.stderr);
    assert!(desk.server.got().is_empty());
}

#[test]
fn a_command_that_fails_is_told_with_what_it_said() {
    let desk = Desk::new();
    let fails = "['sh', '-c', 'echo password=command-secret-x6 >&2; printf \"no \\033[31mpinentry\" >&2; exit 2']";
    let run = with_command(&desk, fails).run();
    assert_eq!(
        (run.code, &run.error()["category"]),
        (4, &"no_credentials".into())
    );
    assert!(
        run.stderr.contains("failed with exit code 2: password=***"),
        "{}",
        run.stderr
    );
    assert!(
        run.stderr.contains("pinentry") && !run.stderr.contains('\u{1b}'),
        "{}",
        run.stderr
    );
    for (words, said) in [
        ("['nothing-of-this-name']", "cannot be run"),
        ("['true']", "printed no part of a credential"),
        (
            "['echo', 'command-secret-x6']",
            "printed neither a JSON object nor lines of key=value",
        ),
    ] {
        let run = with_command(&desk, words).run();
        assert_eq!(run.code, 4, "{}", run.stderr);
        assert!(run.stderr.contains(said), "{said}: {}", run.stderr);
    }
}

#[test]
fn a_credential_of_two_sources_in_one_table_is_wrong_use() {
    let desk = Desk::new();
    for (table, said) in [
        (
            "source = 'aliyun-cli'\naccess_key_id = 'X'",
            ":2: source stands beside access_key_id",
        ),
        (
            "access_key_id = 'X'\ncredential_command = ['x']",
            ":3: credential_command stands beside access_key_id",
        ),
        (
            "credential_command = 'pass show x'",
            ":2: credential_command must be a list of words",
        ),
        (
            "credential_command = []",
            ":2: credential_command must be a list of words",
        ),
    ] {
        desk.configure(&format!("[aliyun.default]\n{table}\n"));
        let run = desk.get(JOB).run();
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains(said), "{said}: {}", run.stderr);
    }
}

#[test]
fn what_the_tools_own_programs_print_is_used_with_its_token() {
    let desk = Desk::new();
    for printed in [
        r#"{"mode":"StsToken","access_key_id":"CMDKEY","access_key_secret":"command-secret-x6","sts_token":"CMDTOKEN"}"#,
        r#"{"Code":"Success","AccessKeyId":"CMDKEY","AccessKeySecret":"command-secret-x6","SecurityToken":"CMDTOKEN","Expiration":"2100-01-01T00:00:00Z"}"#,
    ] {
        let run = with_command(&desk, &format!("['printf', '%s', '{printed}']")).run();
        assert_eq!(desk.signed_by(), "CMDKEY", "{}", run.stderr);
        let got = desk.server.got();
        let token = got.last().unwrap().header("x-acs-security-token");
        assert_eq!(token, Some("CMDTOKEN"), "{printed}");
    }
}

#[test]
fn an_end_that_is_no_time_is_told() {
    let desk = Desk::new();
    let keys = "access_key_id=CMDKEY\\naccess_key_secret=command-secret-x6\\nexpiration=";
    let run = with_command(&desk, &format!("['printf', '{keys}soon\\n']")).run();
    assert!(
        run.stderr.contains("printed expiration that is no time"),
        "{}",
        run.stderr
    );
    assert_eq!(desk.signed_by(), "CMDKEY");
}

#[test]
fn a_program_that_is_not_there_is_told_as_such() {
    let run = with_command(&Desk::new(), "['nothing-of-this-name']").run();
    let hint = "correct its path, or install nothing-of-this-name";
    assert_eq!(run.error()["hint"], hint, "{}", run.stderr);
}
