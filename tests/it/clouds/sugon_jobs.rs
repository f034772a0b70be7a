//! HPC jobs of SCNet: both lists, the scheduler's state, and the output files.

use serde_json::json;

use super::kinds::refs;
use crate::support::emulated::Emulated;

const PLACE: &str = "sugon/job/11112/1638523853";

/// Returns a scenario with a waiting job, one that has just failed, and one that failed long ago.
fn scenario() -> String {
    let job = |id: &str, age: &str, steps: &[(&str, &str)], log: &str| {
        let steps = steps.iter();
        let steps =
            steps.map(|(after, state)| format!("{{ after = '{after}', state = '{state}' }}"));
        let steps = steps.collect::<Vec<_>>().join(", ");
        format!(
            "[[job]]\nref = '{PLACE}/{id}'\nname = '求解 {id}'\nuser = 'lin'\nqueue = 'kshdtest'\n\
             age = '{age}'\nstates = [{steps}]\n{log}"
        )
    };
    let log = "log = [{ after = '2m', line = 'step {n} 残差', times = 1500 }]\n";
    let failed = [("0s", "statQ"), ("1m", "statR"), ("10m", "statD")];
    [
        job("1", "1m", &[("0s", "statQ")], ""),
        job("2", "12m", &failed, log),
        job("3", "3h", &failed, log),
        "[[job]]\nref = 'sugon/instance/i-1'\nage = '1h'\nstates = [{ after = '0s', state = 'Running' }]\n"
            .to_owned(),
    ]
    .concat()
}

#[test]
fn a_list_of_sugon_contains_instances_and_the_jobs_of_all_regions() {
    let emulated = Emulated::start(&scenario());
    let list = |words: &[&str]| {
        let words = [&["list"], words, &["-o", "json"]].concat();
        let run = emulated.joblens(&words).run();
        assert_eq!(run.code, 0, "{}", run.stderr);
        let found = run.json();
        let mut found: Vec<String> = refs(&found).into_iter().map(str::to_owned).collect();
        found.sort_unstable();
        found
    };
    let job = |id: u8| format!("{PLACE}/{id}");
    assert_eq!(
        list(&["sugon"]),
        ["sugon/instance/i-1".to_owned(), job(1), job(2), job(3)]
    );
    assert_eq!(list(&["sugon/job/11112/"]), [job(1), job(2), job(3)]);
    assert_eq!(list(&[PLACE, "--active"]), [job(1)]);
    assert_eq!(list(&["scnet/job", "--state", "failed"]), [job(2), job(3)]);
    assert_eq!(list(&[PLACE, "-u", "other"]), [""; 0]);
    let requests = emulated.requests();
    assert_eq!(requests["sugon/ListHistoryJobsOfPlatform"], 3);
}

#[test]
fn a_failed_job_of_the_live_list_reads_like_one_of_the_history() {
    let emulated = Emulated::start(&scenario());
    let found = emulated
        .get(&[&format!("{PLACE}/2"), &format!("{PLACE}/3")])
        .run()
        .json();
    let [live, ended] = [&found["jobs"][0], &found["jobs"][1]];
    for job in [live, ended] {
        let shown = [
            &job["state"],
            &job["ended"],
            &job["exit_code"],
            &job["region"],
        ];
        assert_eq!(
            shown,
            [&json!("failed"), &json!(true), &json!(1), &json!("11112")]
        );
    }
    assert_eq!(
        [&live["state_raw"], &ended["state_raw"]],
        [&json!("statC"), &json!("statD")]
    );
    assert_eq!(ended["details"]["command"], "srun solve --password ***");
    let run = emulated
        .joblens(&["get", "--exit-status", &format!("{PLACE}/2")])
        .run();
    assert_eq!(run.code, 1, "{}", run.stderr);
    let run = emulated.joblens(&["get", &format!("{PLACE}/9")]).run();
    assert_eq!(run.code, 3, "{}", run.stderr);
    assert!(run.stderr.contains("just submitted"), "{}", run.stderr);
}

#[test]
fn the_output_files_of_a_job_are_its_logs() {
    let emulated = Emulated::start(&scenario());
    let logs = |id: u8, words: &[&str]| {
        let job = format!("{PLACE}/{id}");
        emulated.joblens(&[&["logs", &job], words].concat()).run()
    };
    let all: String = (1..=1500)
        .map(|number| format!("step {number} 残差\n"))
        .collect();
    for id in [2, 3] {
        for words in [&[][..], &["-f"]] {
            let run = logs(id, words);
            assert_eq!((run.code, run.stdout == all), (0, true), "{}", run.stderr);
        }
    }
    assert_eq!(
        logs(3, &["--tail", "2"]).stdout,
        "step 1499 残差\nstep 1500 残差\n"
    );
    let stderr = logs(3, &["-c", "stderr"]);
    assert_eq!((stderr.code, &*stderr.stdout), (3, ""), "{}", stderr.stderr);
    let early = logs(1, &[]);
    assert_eq!(early.code, 3);
    assert!(
        early.stderr.contains("has not started yet"),
        "{}",
        early.stderr
    );
    let page = emulated.joblens(&["describe", &format!("{PLACE}/3")]).run();
    assert!(page.stdout.contains("step 1500 残差"), "{}", page.stdout);
}

#[test]
fn a_missing_output_file_is_named_before_the_other_one_is_shown() {
    // The emulator has no files of a job that has not started.
    let states = "[{ after = '0s', state = 'statQ' }, { after = '1m', state = 'statD' }]";
    let job = format!("{PLACE}/5");
    let scenario = format!("[[job]]\nref = '{job}'\nage = '1h'\nstates = {states}\n");
    let emulated = Emulated::start(&scenario);
    for follow in [&[][..], &["-f"]] {
        let run = emulated.joblens(&[&["logs", &*job], follow].concat()).run();
        assert_eq!(run.code, 3, "{}", run.stderr);
        let note = "note: stdout has no log: it wrote nothing, or its file was moved or removed \
                    (File does not exist); showing stderr\n";
        assert!(run.stderr.contains(note), "{}", run.stderr);
    }
}
