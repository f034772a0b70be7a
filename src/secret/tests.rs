use super::*;

fn masked(arguments: &[&str]) -> Vec<String> {
    let mut owned: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    mask_arguments(&mut owned);
    owned
}

#[test]
fn a_secret_cannot_be_printed() {
    assert_eq!(format!("{:?}", Secret::new("hunter22")), "***");
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
    let lines: [&[&str]; 25] = [
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
fn what_is_no_secret_stays_readable() {
    for kept in [
        "python train.py --epochs 3 --lr=0.1",
        "echo token is set && cat /etc/key.pem",
        "registry/key:latest",
        "http://host:80/p?x=1",
        "[ \"$TOKEN\" == x ]",
    ] {
        assert_eq!(masked(&["sh", "-c", kept])[2], kept);
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_masking_panic(text in "[ \"'=:@/\\\\a-c-]{0,12}(token|密码)?[ =:'\"]{0,3}\\PC{0,9}") {
        mask_arguments(&mut [text.clone(), text]);
    }
}

#[test]
fn shows_enough_of_a_key_id_to_recognise_it() {
    assert_eq!(masked_id("LTAI5tExampleKey3Qk"), "LTAI…3Qk");
    assert_eq!(masked_id("testid"), "te…");
    assert_eq!(masked_id(""), "…");
}

#[test]
fn hides_user_info_of_a_proxy() {
    assert_eq!(
        mask_user_info("http://user:pa@ss@proxy:8080/x"),
        "http://***@proxy:8080/x"
    );
    assert_eq!(mask_user_info("http://proxy:8080"), "http://proxy:8080");
    for text in [
        "http://user:p/ss@proxy",
        "user:p#ss@proxy",
        "user:pa?ss@proxy",
    ] {
        assert!(!mask_user_info(text).contains("ss"), "{text}");
    }
}
