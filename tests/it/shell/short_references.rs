//! `-` and `%1`: the references they mean in a shell on a terminal, and their absence elsewhere.

use crate::support::emulated::Emulated;
use crate::support::joblens;
use crate::support::pty::Shell;

const JOBS: &str = r#"
[[job]]
ref = "sugon/instance/i-first"
age = "2h"
states = [{ after = "0s", state = "Running" }]

[[job]]
ref = "sugon/instance/i-second"
age = "3h"
states = [{ after = "0s", state = "Running" }]
"#;

#[test]
fn short_references_name_listed_rows_and_the_last_job_on_a_terminal() {
    let emulated = Emulated::start(JOBS);
    let shell = Shell::start(&emulated.environment());
    let names = |command: &str| -> Vec<String> {
        let shown = shell.enter(command).replace("\u{1b}[K", " ");
        let words = shown.split_whitespace();
        let words = words.filter(|word| word.starts_with("sugon/instance/i-"));
        let mut names: Vec<String> = words.map(str::to_owned).collect();
        // A gate also names the reference while it waits.
        names.dedup();
        names
    };
    let listed = names("joblens list sugon/instance");
    assert_eq!(listed.len(), 2, "{listed:?}");
    assert_eq!(names("joblens %2 -o name"), [&*listed[1]]);
    assert_eq!(names("joblens wait - --for running -o name"), [&*listed[1]]);
    assert_eq!(
        names("joblens get %2 %1 -o name | cat"),
        [&*listed[1], &*listed[0]]
    );
    let listed = names("joblens list sugon/instance -o name --name '*first'");
    assert_eq!(listed, ["sugon/instance/i-first"]);
    assert_eq!(names("joblens get - -o name"), ["sugon/instance/i-first"]);
    let shown = shell.enter("NO_COLOR=1 joblens get %2");
    assert!(
        shown.contains("error: %2: the last list has no such row"),
        "{shown}"
    );
    assert!(shell.enter("echo code=$?").contains("code=2"));
    let piped = names("echo sugon/instance/i-second | joblens get - -o name");
    assert!(
        piped.contains(&"sugon/instance/i-second".to_owned()),
        "{piped:?}"
    );
    // The output of an expression has no rows.
    shell.enter("joblens list sugon/instance --jq '.jobs | length'");
    let shown = shell.enter("NO_COLOR=1 joblens get %1");
    let message = "error: %1: the last list was printed with --jq, which has no short references";
    assert!(shown.contains(message), "{shown}");
    // They refer to the account of the list, whatever profile is selected now.
    let shown = shell.enter("JOBLENS_PROFILE=prod joblens get - -o name");
    assert!(shown.contains("\nsugon/instance/i-second"), "{shown}");
    // They are not available to an unattended script, or in another session.
    let shown = shell.enter("joblens get %1 </dev/null 2>&1 | cat");
    assert!(shown.contains("only in an interactive shell"), "{shown}");
    let shown = shell.enter("CI=1 joblens get %1");
    assert!(shown.contains("only in an interactive shell"), "{shown}");
    let shown = shell.enter("setsid --wait joblens get %1");
    assert!(shown.contains("no list has been shown"), "{shown}");
}

#[test]
fn short_references_are_usage_errors_without_a_terminal() {
    for word in ["%1", "%0"] {
        let run = joblens(&["get", word, "-o", "json"]).run();
        let error = run.error();
        assert_eq!((run.code, &error["input"]), (2, &word.into()));
        assert!(error["hint"].as_str().unwrap().contains("joblens get -"));
    }
    assert_eq!(joblens(&["%1"]).run().code, 2);
    assert_eq!(joblens(&["list", "%1"]).run().code, 2);
}
