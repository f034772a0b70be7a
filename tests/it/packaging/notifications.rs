//! Messages for group robots, created with the expressions of the README.

use std::fs;
use std::io::{Read as _, Write as _};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::{Runner, read, write_stub};
use crate::support::emulated::Emulated;
use crate::support::{Server, json};

/// Jobs whose names are hard to encode as JSON; one of them failed.
const JOBS: &str = r#"
[[job]]
ref = "aliyun/job/ehpc-hz-FYUr32/7"
name = "夜间 \"回归\" \\ a\nb\t$(id) 训练"
age = "2h"
states = [{ after = "0s", state = "Running" }, { after = "1h", state = "Failed", exit_code = 1 }]

[[job]]
ref = "aliyun/job/ehpc-hz-FYUr32/8"
name = "💥"
age = "2h"
states = [{ after = "0s", state = "Succeeded" }]
"#;

/// Returns the expressions that create a message.
fn expressions() -> Vec<String> {
    let readme = read("README.md");
    let lines = readme
        .lines()
        .filter(|line| line.starts_with("$ joblens wait"));
    let expressions = lines.filter_map(|line| line.split_once(" --jq '")?.1.strip_suffix('\''));
    expressions.map(str::to_owned).collect()
}

/// Checks the form of a message and returns its text.
fn text(message: &Value) -> &str {
    let (kind, holder, key) = match message.get("msgtype") {
        Some(kind) => (kind, &message["text"], "content"),
        None => (&message["msg_type"], &message["content"], "text"),
    };
    assert_eq!(kind, "text", "{message}");
    assert_eq!(message.as_object().unwrap().len(), 2, "{message}");
    assert_eq!(holder.as_object().unwrap().len(), 1, "{message}");
    holder[key].as_str().unwrap()
}

#[test]
fn messages_are_valid_json_for_any_job_name() {
    let emulated = Emulated::start(JOBS);
    let expressions = expressions();
    assert_eq!(expressions.len(), 2);
    for expression in expressions {
        let references = ["aliyun/job/ehpc-hz-FYUr32/7", "aliyun/job/ehpc-hz-FYUr32/8"];
        let wait = [
            "wait",
            references[0],
            references[1],
            "-t",
            "1m",
            "--jq",
            &expression,
        ];
        let run = emulated.joblens(&wait).run();
        assert_eq!(run.code, 1, "{}", run.stderr);
        let message = run.json();
        let text = text(&message);
        assert!(
            text.starts_with("joblens failed: aliyun/job/ehpc-hz-FYUr32/7 failed"),
            "{text}"
        );
        assert!(text.contains("\nfailed 夜间 \"回归\" \\ a"), "{text}");
        assert!(
            text.contains("\nsucceeded 💥 aliyun/job/ehpc-hz-FYUr32/8"),
            "{text}"
        );
        let many = [
            "wait",
            "aliyun/job/ehpc-hz-FYUr32/99",
            "-t",
            "0",
            "--jq",
            &expression,
        ];
        let run = emulated.joblens(&many).run();
        assert_eq!(run.code, 3, "{}", run.stderr);
        assert!(super::notifications::text(&run.json()).starts_with("joblens undecided: "));
    }
}

#[test]
fn a_message_is_sent_without_the_webhook_address_in_arguments_of_curl() {
    let readme = read("README.md");
    let mut blocks = readme.split("```sh\n").skip(1);
    let script = blocks.find_map(|rest| {
        rest.split("```")
            .next()
            .filter(|block| block.contains("$WEBHOOK"))
    });
    let got: Arc<Mutex<Vec<u8>>> = Arc::default();
    let body = Arc::clone(&got);
    let server = Server::start(move |_, request, stream| {
        let length = request.header("content-length").unwrap().parse().unwrap();
        let mut sent = vec![0; length];
        stream.read_exact(&mut sent).unwrap();
        *body.lock().unwrap() = sent;
        stream.write_all(&json("{\"errcode\":0}")).unwrap();
    });
    let mut runner = Runner::new(Some(Emulated::start(JOBS)));
    runner.path.push(runner.home.path().to_owned());
    write_stub(&runner.file("joblens"));
    // Runs curl after writing its arguments to a file.
    let curl = "#!/bin/sh\nprintf '%s\\n' \"$@\" > arguments\nexec /usr/bin/curl \"$@\"\n";
    fs::write(runner.file("curl"), curl).unwrap();
    runner.run("chmod +x curl", &[]);
    fs::write(
        runner.file("references.txt"),
        "aliyun/job/ehpc-hz-FYUr32/7\n",
    )
    .unwrap();
    let address = format!("{}/robot/send?access_token=s3cret", server.origin());
    let variables = [("WEBHOOK", address), ("MESSAGE", expressions().remove(0))];
    let variables = variables.map(|(name, value)| (name.to_owned(), value));
    let (code, shown) = runner.run(script.unwrap(), &variables);
    assert_eq!(code, 1, "{shown}");
    assert_eq!(
        server.received()[0].target(),
        "/robot/send?access_token=s3cret"
    );
    let message: Value = serde_json::from_slice(&got.lock().unwrap()).unwrap();
    assert!(text(&message).starts_with("joblens failed: "));
    let arguments = runner.text("arguments");
    assert!(
        arguments.contains("--config") && !arguments.contains("s3cret"),
        "{arguments}"
    );
}
