use super::*;

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
fn leaves_names_of_files_and_other_words() {
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
fn masks_inside_one_shell_text() {
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
fn no_spelling_of_a_command_line_gets_a_secret_past_the_mask() {
    let lines: [&[&str]; 50] = [
        &["SK=hunter2"],
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
fn what_is_no_secret_stays_readable() {
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

const S: &str = "S3cr3tV4lue99";

const LINES_WITH_SECRET: [&[&str]; 61] = [
    &["curl", "-H", "Authorization: Bearer S3cr3tV4lue99"],
    &["curl", "-HAuthorization:Bearer S3cr3tV4lue99"],
    &["curl", "--header=Cookie: a=b; session=S3cr3tV4lue99"],
    &[
        "sh",
        "-c",
        "curl -H 'Authorization: Bearer S3cr3tV4lue99' http://h",
    ],
    &[
        "sh",
        "-c",
        "curl -H \"Cookie: session=S3cr3tV4lue99; x\" http://h",
    ],
    &[
        "sh",
        "-c",
        "curl -H Authorization:\\ Bearer\\ S3cr3tV4lue99 http://h",
    ],
    &["curl", "-u", "user:S3cr3tV4lue99", "http://h"],
    &["curl", "-sSu", "user:S3cr3tV4lue99"],
    &["curl", "-uuser:S3cr3tV4lue99"],
    &["curl", "--user=user:S3cr3tV4lue99"],
    &[
        "sh",
        "-c",
        "/usr/bin/curl -s -u 'user:S3cr3tV4lue99' http://h",
    ],
    &[
        "curl",
        "-x",
        "http://u:S3cr3tV4lue99@proxy:1",
        "-b",
        "session_cookie=S3cr3tV4lue99",
    ],
    &["x", "--pass", S],
    &["x", "--passphrase", S],
    &["env", "DB_PASS=S3cr3tV4lue99"],
    &["env", "PASSCODE=S3cr3tV4lue99", "SSHKEY=S3cr3tV4lue99"],
    &["env", "GITHUB_PAT=S3cr3tV4lue99"],
    &["x", "--credentials", S],
    &["x", "--secrets", S],
    &["x", "--tokens", S],
    &["x", "--auth", S],
    &["x", "--bearer", S],
    &["x", "--password-text", S],
    &["x", "--token-value", S],
    &["sh", "-c", "password = S3cr3tV4lue99"],
    &["python", "-c", "token = 'S3cr3tV4lue99'"],
    &["python", "-c", "x(token='S3cr3tV4lue99', y=1)"],
    &["python", "-c", "d = {'api_key' : 'S3cr3tV4lue99'}"],
    &["ruby", "-e", ":password => 'S3cr3tV4lue99'"],
    &["sh", "-c", "PASSWORD := S3cr3tV4lue99"],
    &["x", "--password", "", S],
    &["x", "--password", "--", S],
    &["x", "--password,S3cr3tV4lue99"],
    &["x", "--Password:S3cr3tV4lue99"],
    &["x", "-password", S],
    &["sh", "-c", "run --token $(echo S3cr3tV4lue99)"],
    &["sh", "-c", "run --token $(cat $(echo x) S3cr3tV4lue99)"],
    &["sh", "-c", "run --token `echo S3cr3tV4lue99`"],
    &["sh", "-c", "export TOKEN=$(echo S3cr3tV4lue99) && run"],
    &["wget", "http://h/p?X-Amz-Signature=S3cr3tV4lue99"],
    &["wget", "http://h/p?a=1&sig=S3cr3tV4lue99"],
    &["wget", "http://h/p?Signature=S3cr3tV4lue99"],
    &["mysql", "-pS3cr3tV4lue99"],
    &[
        "sh",
        "-c",
        "mysqldump -h db -u root -pS3cr3tV4lue99 app > x",
    ],
    &["docker", "login", "-u", "x", "-p", S],
    &["sh", "-c", "docker login -p S3cr3tV4lue99 registry"],
    &["sshpass", "-p", S, "ssh", "h"],
    &["sshpass", "-pS3cr3tV4lue99", "ssh", "h"],
    &["redis-cli", "-a", S],
    &["ldapsearch", "-w", S],
    &["openssl", "enc", "-k", S],
    &["openssl", "enc", "-pass", "pass:S3cr3tV4lue99"],
    &["7z", "x", "-pS3cr3tV4lue99", "a.7z"],
    &["x", "--dsn", "root:S3cr3tV4lue99@tcp(h)/db"],
    &["sh", "-c", "echo password: S3cr3tV4lue99"],
    &["x", "AccountName=a;AccountKey=S3cr3tV4lue99;Suffix=x"],
    &["aws", "configure", "set", "aws_secret_access_key", S],
    &[
        "sh",
        "-c",
        "npm config set //registry/:_authToken S3cr3tV4lue99",
    ],
    &["x", "--密码", S],
    &["sh", "-c", "echo 数据库密码：S3cr3tV4lue99"],
    &["sh", "-c", "echo ${DB_PASSWORD:-S3cr3tV4lue99}"],
];

const SPELLINGS: [&[&str]; 57] = [
    &["curl", "-H", "Authorization:", "Bearer", S],
    &["curl", "-H", "Authorization:", S],
    &["curl", "-H", "Authorization: Bearer", S],
    &["curl", "--header", "Authorization:", "token", S],
    &["sh", "-c", "curl -H Authorization: Bearer S3cr3tV4lue99"],
    &["curl", "-b", S, "http://h"],
    &["curl", "-b", "session=S3cr3tV4lue99", "http://h"],
    &["curl", "--cookie", "session=S3cr3tV4lue99", "http://h"],
    &["curl", "-fsSLu", "user:S3cr3tV4lue99"],
    &["curl", "-fsSLuuser:S3cr3tV4lue99"],
    &["curl", "--user", "user:S3cr3tV4lue99"],
    &["curl", "--proxy-user", "user:S3cr3tV4lue99"],
    &["sh", "-c", "setenv API_TOKEN S3cr3tV4lue99; run"],
    &["fish", "-c", "set -x API_TOKEN S3cr3tV4lue99"],
    &["fish", "-c", "set -g -x API_TOKEN S3cr3tV4lue99"],
    &["wandb", "login", S],
    &["zip", "-qrP", S, "x.zip"],
    &[
        "sh",
        "-c",
        "echo 'a;S3cr3tV4lue99' | docker login --password-stdin",
    ],
    &[
        "sh",
        "-c",
        "wandb login --relogin S3cr3tV4lue99 && python x.py",
    ],
    &["sh", "-c", "python -m wandb login S3cr3tV4lue99"],
    &["vault", "login", S],
    &["vault", "login", "-no-print", S],
    &["huggingface-cli", "login", "--token", S],
    &["ngrok", "config", "add-authtoken", S],
    &["net", "use", "/password:S3cr3tV4lue99"],
    &["app", "/Token:S3cr3tV4lue99"],
    &[
        "python",
        "-c",
        r#"import os; os.environ["X_TOKEN"]="S3cr3tV4lue99""#,
    ],
    &[
        "python",
        "-c",
        "import os; os.environ['X_TOKEN'] = 'S3cr3tV4lue99'",
    ],
    &["python", "-c", r#"os.putenv("X_TOKEN", "S3cr3tV4lue99")"#],
    &[
        "python",
        "-c",
        r#"os.environ.setdefault("X_TOKEN","S3cr3tV4lue99")"#,
    ],
    &["x", "--pin", S],
    &["x", "--psk", S],
    &["x", "--otp=S3cr3tV4lue99"],
    &["x", "--pw", S],
    &["x", "--pwd", S],
    &["x", "--passwd", S],
    &[
        "sh",
        "-c",
        "echo 'machine h login u password S3cr3tV4lue99' > ~/.netrc",
    ],
    &[
        "sh",
        "-c",
        "echo S3cr3tV4lue99 | docker login -u x --password-stdin r",
    ],
    &[
        "sh",
        "-c",
        "echo -n 'a b S3cr3tV4lue99' | docker login --password-stdin",
    ],
    &[
        "sh",
        "-c",
        "printf '%s' S3cr3tV4lue99 | gh auth login --with-token",
    ],
    &["sh", "-c", "x && echo S3cr3tV4lue99|sudo -S ls"],
    &[
        "sh",
        "-c",
        "docker login --password-stdin <<< S3cr3tV4lue99",
    ],
    &[
        "sh",
        "-c",
        "docker login --password-stdin <<<'a S3cr3tV4lue99'",
    ],
    &["sh", "-c", "vault login - <<< \"S3cr3tV4lue99\""],
    &["mc", "alias", "set", "m", "http://h", "KEY", S],
    &[
        "sh",
        "-c",
        "mc --json alias set --api S3v4 m http://h KEY S3cr3tV4lue99; ls",
    ],
    &["mc", "config", "host", "add", "m", "http://h", "KEY", S],
    &["htpasswd", "-b", "/etc/users", "bob", S],
    &["htpasswd", "-nbB", "bob", S],
    &["sh", "-c", "htpasswd -cb /etc/users bob 'S3cr3tV4lue99'"],
    &["sqlplus", "-S", "scott/S3cr3tV4lue99@//db:1521/x", "@a.sql"],
    &["sqlldr", "userid=scott/S3cr3tV4lue99", "control=/a/b.ctl"],
    &["java", "-jar", "x", "jdbc:oracle:thin:u/S3cr3tV4lue99@h:1"],
    &["rabbitmqctl", "add_user", "bob", S],
    &["nmcli", "dev", "wifi", "connect", "net", "password", S],
    &["useradd", "-p", S, "bob"],
    &[
        "sh",
        "-c",
        "/opt/mc alias set m http://h KEY \"S3cr3tV4lue99\" && ls",
    ],
];

#[test]
fn masks_secrets_in_every_spelling() {
    for line in SPELLINGS {
        let shown = masked(line).join(" ");
        assert!(!shown.contains(S), "{line:?}: {shown}");
    }
}

#[test]
fn masks_the_usual_ways_to_hand_a_secret_to_a_program() {
    for line in LINES_WITH_SECRET {
        let shown = masked(line).join(" ");
        assert!(!shown.contains(S), "{line:?}: {shown}");
    }
}

#[test]
fn short_options_of_other_programs_are_shown() {
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
fn a_value_may_stand_in_the_next_list() {
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
