//! `get --exit-status`, a gate with a single lookup.

use super::{IMAGE_JOB, INSTANCE, JOB, OTHER_JOB, are, job, verdicts};
use crate::support::emulated::Emulated;

const FAILED: &str = "aliyun/job/C/3";
const MISSING: &str = "aliyun/job/C/4";

#[test]
fn exit_status_reports_the_verdict_or_the_gravest_cause() {
    let scenario = job(JOB, "0s Succeeded")
        + &job(OTHER_JOB, "0s Running")
        + &job(FAILED, "0s Failed")
        + "[[fault]]\noperation = '*'\ncloud = 'huawei'\nkind = 'status'\n\
           [[fault]]\noperation = '*'\ncloud = 'sugon'\nkind = 'refuse'\n";
    let emulated = Emulated::start(&scenario);
    for (references, code, verdict) in [
        (&[JOB][..], 0, "passed"),
        (&[JOB, FAILED, OTHER_JOB], 1, "failed"),
        (&[JOB, OTHER_JOB], 8, "undecided"),
        (&[JOB, OTHER_JOB, MISSING], 3, "undecided"),
        (&[JOB, IMAGE_JOB, MISSING], 5, "undecided"),
        (&[INSTANCE, IMAGE_JOB, OTHER_JOB], 4, "undecided"),
        (&[INSTANCE, IMAGE_JOB, FAILED], 1, "failed"),
    ] {
        let options = ["--exit-status", "--max-attempts", "1"];
        let run = emulated.get(&[references, &options].concat()).run();
        assert_eq!(run.code, code, "{references:?}: {}", run.stderr);
        let json = run.json();
        assert_eq!(json["gate"]["verdict"], verdict);
        assert_eq!(json["exit"]["code"], code);
        assert_eq!(json["command"], "get");
        assert_eq!(json["coverage"]["asked"], references.len());
    }
}

#[test]
fn exit_status_gives_each_job_a_verdict_and_plain_get_none() {
    let scenario =
        job(JOB, "0s Succeeded") + &job(OTHER_JOB, "0s Running") + &job(FAILED, "0s Canceled");
    let emulated = Emulated::start(&scenario);
    let run = emulated
        .get(&[JOB, OTHER_JOB, FAILED, "--exit-status"])
        .run();
    let expected = [(JOB, "met"), (OTHER_JOB, "pending"), (FAILED, "unmet")];
    assert_eq!(verdicts(&run), are(&expected));
    let run = emulated.get(&[JOB]).run();
    assert!(run.json()["gate"].is_null());
    assert!(run.job()["verdict"].is_null());
}
