//! Nothing passes by accident, and usage error is reported before the first call.

use crate::support::emulated::Emulated;
use crate::{JOB, LONG, job};

#[test]
fn nothing_to_wait_for_is_wrong_use_unless_it_is_said_to_be_fine() {
    let emulated = Emulated::start(&job(JOB, "0s Running"));
    for input in ["", "\n# nothing today\n"] {
        let run = emulated.wait(&["-", "-t", LONG]).input(input).run();
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains("no references given"), "{}", run.stderr);
        let run = emulated
            .wait(&["-", "-t", LONG, "--allow-empty"])
            .input(input)
            .run();
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert_eq!(run.json()["gate"]["verdict"], "passed");
    }
    let run = emulated.wait(&["-t", LONG]).run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(emulated.accesses().is_empty());
}

#[test]
fn a_list_that_was_cut_short_is_refused() {
    let emulated = Emulated::start(&job(JOB, "0s Succeeded"));
    for options in [&[][..], &["--allow-empty"]] {
        let run = emulated
            .wait(&[&["-", "-t", LONG], options].concat())
            .input(&format!("{JOB}\n#!incomplete: HTTP 502\n"))
            .run();
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(
            run.stderr.contains("is incomplete: HTTP 502"),
            "{}",
            run.stderr
        );
    }
    assert!(emulated.accesses().is_empty());
}

#[test]
fn a_gate_in_ci_needs_a_deadline() {
    let emulated = Emulated::start(&job(JOB, "0s Succeeded"));
    let run = emulated.wait(&[JOB]).env("CI", "true").run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(emulated.accesses().is_empty());
    for deadline in ["none", "1h"] {
        let run = emulated
            .wait(&[JOB, "-t", deadline])
            .env("CI", "true")
            .run();
        assert_eq!(run.code, 0, "{}", run.stderr);
        assert!(!run.stderr.contains("no timeout"), "{}", run.stderr);
    }
    let run = emulated.wait(&[JOB]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    assert!(run.stderr.contains("no timeout is set"), "{}", run.stderr);
}

#[test]
fn wrong_times_goals_and_references_are_told_before_the_first_call() {
    let emulated = Emulated::start(&job(JOB, "0s Succeeded"));
    for wrong in [
        &[JOB, "-t", "90"][..],
        &[JOB, "-t", "1h", "--for", "done"],
        &[JOB, "-t", "1h", "--for", "no-warnings=10"],
        &[JOB, "-t", "1h", "--max-outage", "soon"],
        &[JOB, "-t", "1h", "--missing-grace", "60"],
        &[JOB, "-t", "1h", "--interval", "0"],
        &[JOB, "-t", "1h", "aliyun/jab/C/1"],
    ] {
        let run = emulated.joblens(&[&["wait"], wrong].concat()).run();
        assert_eq!(run.code, 2, "{wrong:?}: {}", run.stderr);
    }
    assert!(emulated.accesses().is_empty());
}
