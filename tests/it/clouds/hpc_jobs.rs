//! Jobs of the schedulers of E-HPC NEXT: unconfirmed end states, the option to trust them, and lists.

use serde_json::json;

use super::kinds::refs;
use crate::support::emulated::Emulated;

const JOB: &str = "aliyun/hpc-job/c/1.manager";

fn finished(exit_code: &str) -> String {
    format!(
        "[[job]]\nref = '{JOB}'\nuser = 'lin'\nage = '1h'\nstates = [\
         {{ after = '0s', state = 'QUEUED' }}, {{ after = '1m', state = 'RUNNING' }}, \
         {{ after = '9m', state = 'FINISHED'{exit_code} }}]\n\
         [[job]]\nref = 'aliyun/hpc-job/c/2'\nuser = 'magic2'\nage = '2h'\n\
         states = [{{ after = '0s', state = 'RUNNING' }}]\n"
    )
}

#[test]
fn a_finished_job_without_an_exit_code_passes_only_with_trust_finished() {
    let emulated = Emulated::start(&finished(""));
    let job = emulated.get(&[JOB]).run().job();
    assert_eq!(
        (&job["state"], &job["ended"], &job["duration_seconds"]),
        (&json!("unknown"), &json!(true), &json!(null))
    );
    assert_ne!(emulated.get(&[JOB, "--exit-status"]).run().code, 0);
    let trusted = emulated
        .get(&[JOB, "--exit-status", "--trust-finished"])
        .run();
    assert_eq!(
        (trusted.code, &trusted.job()["state"]),
        (0, &json!("succeeded"))
    );
}

#[test]
fn an_exit_code_decides_the_state_even_with_trust_finished() {
    let failed = Emulated::start(&finished(", exit_code = 271"));
    let job = failed.get(&[JOB, "--trust-finished"]).run().job();
    assert_eq!(
        (&job["state"], &job["exit_code"]),
        (&json!("failed"), &json!(271))
    );
    let job = Emulated::start(&finished(", exit_code = 0"))
        .get(&[JOB])
        .run()
        .job();
    assert_eq!(job["state"], "succeeded");
}

#[test]
fn a_list_is_newest_first_and_filtered() {
    let emulated = Emulated::start(&finished(""));
    let list = |options: &[&str]| {
        let words = [&["list", "ali/hpc/c", "-o", "json"], options].concat();
        let found = emulated.joblens(&words).run().json();
        refs(&found)
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(list(&[]), [JOB, "aliyun/hpc-job/c/2"]);
    assert_eq!(list(&["--active"]), ["aliyun/hpc-job/c/2"]);
    assert_eq!(list(&["-u", "lin"]), [JOB]);
    assert_eq!(list(&["--state", "unknown"]), [JOB]);
}

#[test]
fn the_error_for_an_unknown_cluster_mentions_e_hpc_1_0() {
    let run = Emulated::start(&finished(""))
        .joblens(&["aliyun/hpc-job/other/1"])
        .run();
    assert!(
        run.stderr.contains("clusters of E-HPC 1.0"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_scheduler_job_of_e_hpc_1_0_is_read_like_one_of_e_hpc_next() {
    let job = "aliyun/scheduler-job/c/2.scheduler";
    let ended = |exit_code: &str| {
        Emulated::start(&format!(
            "[[job]]\nref = '{job}'\nuser = 'lin'\nage = '1h'\nstates = [\
             {{ after = '0s', state = 'QUEUED' }}, \
             {{ after = '9m', state = 'FINISHED'{exit_code} }}]\n"
        ))
    };
    let emulated = ended("");
    let found = emulated.get(&[job]).run().job();
    assert_eq!(
        (&found["state"], &found["ended"], &found["user"]),
        (&json!("unknown"), &json!(true), &json!("lin"))
    );
    let trusted = emulated.get(&[job, "--trust-finished"]).run().job();
    assert_eq!(trusted["state"], "succeeded");
    let listed = emulated
        .joblens(&["list", "ali/sched/c", "--user", "lin", "-o", "json"])
        .run();
    assert_eq!(refs(&listed.json()), [job]);
    let failed = ended(", exit_code = 271").get(&[job]).run().job();
    assert_eq!(
        (&failed["state"], &failed["exit_code"]),
        (&json!("failed"), &json!(271))
    );
}

#[test]
fn the_log_of_a_running_scheduler_job_is_followed_to_its_end() {
    let job = "aliyun/scheduler-job/c/2.scheduler";
    let emulated = Emulated::start(&format!(
        "[[job]]\nref = '{job}'\nstates = [{{ after = '0s', state = 'RUNNING' }}, \
         {{ after = '2s', state = 'FINISHED', exit_code = 0 }}]\n\
         log = [{{ after = '100ms', line = '第 {{n}} 步', every = '50ms', times = 20 }}]\n"
    ));
    let run = emulated
        .joblens(&["logs", "-qf", "--interval", "50ms", "-c", "stdout", job])
        .run();
    let lines: String = (1..=20).map(|number| format!("第 {number} 步\n")).collect();
    assert_eq!((run.code, run.stdout), (0, lines), "{}", run.stderr);
}
