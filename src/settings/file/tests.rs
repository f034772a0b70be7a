use super::super::SettingSpec;
use super::*;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;

const SCHEMA: SettingsSchema = SettingsSchema {
    cloud: "aliyun",
    keys: &[
        SettingSpec::setting("region", &[]),
        SettingSpec::secret("access_key_secret", &[]),
        SettingSpec::setting("ai_hosts", &[]),
    ],
    all_public_domains: || &[],
    variable_prefixes: &[],
    client_cert_is_credential: false,
};

fn parse(toml: &str, mode: u32) -> Result<SettingsFile, Problem> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("config.toml");
    fs::write(&path, toml).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    SettingsFile::read(&path, true, &[&SCHEMA], &["aliyun/job".to_owned()])
}

#[test]
fn an_error_names_the_line_and_never_a_value() {
    let cases = [
        (
            "[aliyun.default]\nregoin = 'hunter2'\n",
            ":2:1: unknown key 'regoin' in aliyun; did you mean 'region'?",
        ),
        ("\n[azure.default]\n", ":2:2: unknown table 'azure'"),
        (
            "[aliyun.default]\naccess_key_secret = hunter2\n",
            ":2:21: text must be in quotes",
        ),
        (
            "[aliyun.default]\nregion = 5\n",
            ":2:1: region must be a string in quotes",
        ),
        (
            "[aliyun.default]\nregion = ['x']\n",
            ":2:1: region must be a string in quotes",
        ),
        (
            "[aliyun.default]\ntoken_cache = 1\n",
            ":2:1: token_cache must be true or false",
        ),
        (
            "[aliyun.default]\nai_hosts = ['x', 5]\n",
            ":2:1: ai_hosts must be a list of strings",
        ),
        (
            "[aliyun.a]\nregion='x'\nregion_env='Y'\n",
            ":3:1: region is set more than once",
        ),
        (
            "[http]\nretries = 3\n",
            ":2:1: unknown key 'retries' in [http]",
        ),
        (
            "[http]\nconcurency = 3\n",
            ":2:1: unknown key 'concurency' in [http]; did you mean 'concurrency'?",
        ),
        (
            "[states.\"aliyun/job\"]\nDone = 'succeeded'\n",
            ":2:1: states cannot be mapped to succeeded",
        ),
        (
            "[states.\"aliyun/job\"]\nDone = 'done'\n",
            ":2:1: unknown state 'done'",
        ),
        (
            "[states.\"aliyun/job\"]\nDone = 'stoping'\n",
            ":2:1: unknown state 'stoping'; did you mean 'stopping'?",
        ),
        (
            "[states.\"aliyun/jbo\"]\nDone = 'failed'\n",
            ":1:9: unknown kind 'aliyun/jbo'; expected one of: aliyun/job",
        ),
        ("aliyun = 3\n", ":1:1: 'aliyun' must be a table"),
    ];
    for (toml, message) in cases {
        let problem = parse(toml, 0o600).unwrap_err();
        assert!(
            problem.message.contains(message),
            "{} / {message}",
            problem.message
        );
        assert!(!format!("{problem:?}").contains("hunter2"));
    }
}

#[test]
fn a_file_with_a_secret_must_not_be_readable_by_others() {
    let secret = "[aliyun.default]\naccess_key_secret = 'x'\n";
    let problem = parse(secret, 0o644).unwrap_err();
    assert!(problem.hint.unwrap().starts_with("run: chmod 600"));
    assert!(parse(secret, 0o600).is_ok());
    assert!(parse("[aliyun.default]\naccess_key_secret_env = 'X'\n", 0o644).is_ok());
}

#[test]
fn reads_the_state_words_of_a_kind() {
    let file = parse("[states.\"aliyun/job\"]\nSuspended = 'stopping'\n", 0o644).unwrap();
    assert_eq!(
        file.states("aliyun/job"),
        [("Suspended".to_owned(), State::Stopping)]
    );
    assert!(file.states("sugon/instance").is_empty());
}

#[test]
fn a_key_outside_of_a_profile_has_a_hint_with_the_right_table() {
    let problem = parse("[aliyun]\nregion = 'cn-x'\n", 0o600).unwrap_err();
    let hint = problem.hint.unwrap();
    assert!(hint.ends_with("[aliyun.default]"), "{hint}");
}

#[test]
fn a_written_table_header_is_read_back_and_an_empty_name_is_an_error() {
    for name in ["prod", "a-b_1", "生产", "a b", "a.b", "a\"b"] {
        let toml = format!(
            "{}\nregion = 'x'\n",
            crate::settings::table_header("aliyun", name)
        );
        assert!(
            parse(&toml, 0o600).unwrap().has_profile("aliyun", name),
            "{toml}"
        );
    }
    for name in ["\"\"", "' '"] {
        let problem = parse(&format!("[aliyun.{name}]\nregion = 'x'\n"), 0o600).unwrap_err();
        assert!(problem.message.contains("empty name"), "{name}");
    }
    let problem = parse("[aliyun.生产]\n", 0o600).unwrap_err();
    assert!(problem.hint.unwrap().contains("must be quoted"));
}

#[test]
fn a_list_of_hosts_may_be_an_array_or_a_comma_separated_string() {
    for list in ["['a.test', 'b.test:1']", "'a.test,b.test:1'"] {
        let toml = format!("[aliyun.default]\nai_hosts = {list}\n");
        let file = parse(&toml, 0o600).unwrap();
        let (_, entry) = file.entries("aliyun", "default").next().unwrap();
        let SettingValue::Text(text) = entry else {
            panic!("{entry:?}");
        };
        assert_eq!(text.expose(), "a.test,b.test:1");
    }
}

#[test]
fn a_key_that_is_set_twice_has_a_hint_with_its_forms() {
    let twice = "[aliyun.a]\nregion='x'\nregion_env='Y'\n";
    let hint = parse(twice, 0o600).unwrap_err().hint.unwrap();
    assert_eq!(hint, "keep one: region, region_env or region_file");
}
