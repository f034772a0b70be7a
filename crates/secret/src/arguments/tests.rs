mod spellings;

use super::*;
use spellings::{LINES_WITH_SECRET, S, SPELLINGS};

fn masked(arguments: &[&str]) -> Vec<String> {
    let mut owned: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    mask_arguments(&mut owned);
    owned
}

#[test]
fn masks_values_after_secret_names() {
    assert_eq!(
        masked(&["--password", "p", "x"]),
        ["--password", "***", "x"]
    );
    assert_eq!(masked(&["--api-token=p"]), ["--api-token=***"]);
    assert_eq!(masked(&["DB_PASSWORD=p"]), ["DB_PASSWORD=***"]);
    assert_eq!(masked(&["PGPASSWORD=p"]), ["PGPASSWORD=***"]);
    assert_eq!(masked(&["--accessKeySecret=p"]), ["--accessKeySecret=***"]);
}

#[test]
fn file_names_and_ordinary_words_are_not_masked() {
    let kept = [
        "--key-file",
        "/k",
        "--key-name=x",
        "monkey=1",
        "--tokens",
        "5",
    ];
    assert_eq!(masked(&kept), kept);
}

#[test]
fn masks_secrets_inside_a_shell_command() {
    assert_eq!(
        masked(&[
            "-c",
            "export TOKEN=abc;  run --secret 'a b' --n 3 && PWD='x y' go"
        ]),
        [
            "-c",
            "export TOKEN=***  run --secret *** --n 3 && PWD=*** go"
        ]
    );
}

#[test]
fn no_spelling_of_a_command_line_leaves_a_secret_unmasked() {
    let lines: [&[&str]; 52] = [
        &["SK=hunter2"],
        &["user%3Dme%26password%3Dhunter2"],
        &[r#"{\"password\":\"a hunter2\"}"#],
        &["app", "/p:hunter2"],
        &["sh", "-c", "printf 'AUTH hunter2\\r\\n' | nc h 6379"],
        &["sh", "-c", "echo AUTH hunter2 | /usr/bin/redis-cli -h h"],
        &[
            "sh",
            "-c",
            "printf 'USER u\\nPASS hunter2\\n' | openssl s_client -connect h:995",
        ],
        &[
            "expect",
            "-c",
            "spawn ssh h; expect ass; send \"hunter2\\r\"",
        ],
        &["docker", "pull", "u:Hunter-hunter2@h/i:1"],
        &["curl", "https://h/webhook/Ab12hunter2Cd34"],
        &["sh", "-c", "app /p:'hunter2'; ls"],
        &["export", "HW_SK=hunter2"],
        &["SSHPASS=hunter2", "sshpass", "-e", "ssh", "h"],
        &["x", "--sk", "hunter2"],
        &["x", "-sk", "hunter2"],
        &["x", "--sk=hunter2"],
        &["ossutil", "config", "-k", "hunter2"],
        &["obsutil", "config", "-k=hunter2"],
        &["coscmd", "config", "-s", "hunter2"],
        &["redis-server", "--requirepass", "hunter2"],
        &["redis-cli", "AUTH", "hunter2"],
        &["keytool", "-storepass", "hunter2"],
        &["ipmitool", "-P", "hunter2"],
        &["snmpwalk", "-A", "hunter2"],
        &["xh", "http://h", "X-API-Key:hunter2"],
        &["x", "--token", "=", "hunter2"],
        &["echo", "-----BEGIN PRIVATE KEY-----\nhunter2"],
        &["--password=correct hunter2"],
        &["PASSWORD=correct hunter2"],
        &["--password", "-hunter2"],
        &["--token", "--password", "hunter2"],
        &["--env=PASSWORD=hunter2"],
        &["--set=db.password=hunter2"],
        &["-o", "username=x,password=hunter2"],
        &["https://host/p?x=1&token=hunter2"],
        &["https://oauth2:hunter2@host/p.git"],
        &["--apikey=hunter2"],
        &["--accesstoken", "hunter2"],
        &[r#"{"user":"x","password":"hunter2"}"#],
        &[r#"["--password", "hunter2"]"#],
        &["-H", "X-Auth-Token: hunter2"],
        &["sh", "-c", "curl -H 'X-Auth-Token: hunter2' x"],
        &["sh", "-c", r#"curl -d '{"password": "hunter2"}' x"#],
        &["sh", "-c", "echo don't; mysql --password hunter2"],
        &["sh", "-c", "bash -c 'mysql --password hunter2'"],
        &["sh", "-c", r#"mysql "--password" "hunter2""#],
        &["sh", "-c", "mysql --password \\\n  hunter2"],
        &["sh", "-c", "run 'PASSWORD=correct hunter2' x"],
        &["sh", "-c", "git clone https://x:hunter2@h/p; ls"],
        &["sh", "-c", "$(mysql --password hunter2)"],
        &["sh", "-c", "run --token=\"correct hunter2\""],
        &["sh", "-c", "TOKEN=correct\\ hunter2 run"],
    ];
    for line in lines {
        let shown = masked(line).join(" ");
        assert!(!shown.contains("hunter2"), "{line:?}: {shown}");
    }
}

#[test]
fn long_texts_are_read_in_linear_time() {
    for text in ["echo a | nc ", "echo ", "curl -u ", "x=$( "] {
        let text = text.repeat(20_000);
        assert!(!mask_text(&text).is_empty());
    }
}

#[test]
fn command_lines_without_secrets_are_not_masked() {
    for kept in [
        "python train.py --epochs 3 --lr=0.1",
        "echo token is set && cat /etc/key.pem",
        "registry/key:latest",
        "http://host:80/p?x=1",
        "[ \"$TOKEN\" == x ]",
        "docker pull registry/team/my-secret:latest",
        "pip install -U tokenizers==0.19 && python -m http.server",
        "bearer of news",
        "--public-key=/k --sort-key name --no-password x",
        "echo $TOKEN | docker login --password-stdin && wandb login $WANDB_API_KEY",
        "echo done | tee log; docker login --help",
        "set -e; set -x; python train.py --pin-memory",
        "cat <<< $TEXT; ls /data/token:x /usr/lib",
        "wandb login && python train.py",
        "docker run -v /key:/key -v /token:/data/token x",
        "wandb login\npython train.py --lr 1",
        "msbuild /p:Configuration=Release && docker run -v /p:/data x",
        "echo AUTH is on | tee log; docker pull h/app:V1@sha256:ab12",
        "echo machine learning; curl -fsSL http://h | bash",
    ] {
        assert_eq!(masked(&["sh", "-c", kept])[2], kept);
    }
}

#[test]
fn masks_secrets_in_every_spelling() {
    for line in SPELLINGS {
        let shown = masked(line).join(" ");
        assert!(!shown.contains(S), "{line:?}: {shown}");
    }
}

#[test]
fn masks_secrets_passed_to_programs_in_the_usual_ways() {
    for line in LINES_WITH_SECRET {
        let shown = masked(line).join(" ");
        assert!(!shown.contains(S), "{line:?}: {shown}");
    }
}

#[test]
fn short_options_of_other_programs_are_not_masked() {
    let lines: [&[&str]; 11] = [
        &["mc", "cp", "a", "m/b", "c", "d", "e"],
        &["htpasswd", "-v", "/etc/users", "bob"],
        &["sqlplus", "/", "as", "sysdba", "@run/x.sql"],
        &["sqlldr", "control=/a/b.ctl", "/nolog", "./a/b"],
        &["ssh", "-p", "22", "-u", "x"],
        &["sshpass", "-e", "ssh", "-p", "2222", "host"],
        &["docker", "run", "-p", "80:80", "-a", "stdout"],
        &["mysql", "-p", "app"],
        &[
            "sh",
            "-c",
            "curl http://h; sudo -u bob mkdir -p /data && tar -k x",
        ],
        &["sh", "-c", "curl -s http://h | grep -u x"],
        &[
            "train",
            "--max-tokens",
            "4096",
            "--tokenizer",
            "bert",
            "--auth",
            "none",
        ],
    ];
    for line in lines {
        assert_eq!(masked(line), line);
    }
}

#[test]
fn a_secret_at_the_start_of_the_next_argument_list_is_masked() {
    let mut command = ["app".to_owned(), "--token".to_owned()];
    let mut arguments = ["S3cr3tV4lue99".to_owned(), "x".to_owned()];
    mask_arguments(command.iter_mut().chain(&mut arguments));
    assert_eq!(arguments, ["***", "x"]);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_masking_panic(text in "[ \"'=:@/\\\\a-c-]{0,12}(token|密码)?[ =:'\"]{0,3}\\PC{0,9}") {
        mask_arguments(&mut [text.clone(), text]);
    }
}
