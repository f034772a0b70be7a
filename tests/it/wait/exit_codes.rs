//! Causes of a missing verdict, and their precedence.

use super::{IMAGE_JOB, INSTANCE, JOB, LONG, MAX_DURATION, OTHER_JOB, are, job, reason, verdicts};
use crate::support::emulated::Emulated;
use crate::support::in_parallel;

const HUAWEI_IS_DOWN: &str = "[[fault]]\noperation = '*'\ncloud = 'huawei'\nkind = 'status'\n";
const SUGON_REFUSES: &str = "[[fault]]\noperation = '*'\ncloud = 'sugon'\nkind = 'refuse'\n";

fn world() -> Emulated {
    let scenario = job(JOB, "0s Running") + &job("aliyun/job/C/3", "0s Failed");
    Emulated::start(&(scenario + HUAWEI_IS_DOWN + SUGON_REFUSES))
}

#[test]
fn the_exit_code_is_that_of_the_gravest_cause_unless_a_job_has_failed() {
    let emulated = world();
    let missing = OTHER_JOB;
    let failed = "aliyun/job/C/3";
    for (references, code) in [
        (&[JOB][..], 8),
        (&[JOB, missing], 3),
        (&[JOB, missing, IMAGE_JOB], 5),
        (&[JOB, missing, IMAGE_JOB, INSTANCE], 4),
        (&[JOB, missing, IMAGE_JOB, INSTANCE, failed], 1),
    ] {
        let options = ["-t", "0", "--max-attempts", "1"];
        let run = emulated.wait(&[references, &options].concat()).run();
        assert_eq!(run.code, code, "{references:?}: {}", run.stderr);
        assert_eq!(run.json()["exit"]["code"], code);
        let coverage = &run.json()["coverage"];
        assert_eq!(coverage["asked"], references.len());
    }
}

#[test]
fn a_timeout_exits_with_124_unless_a_graver_cause_applies() {
    let emulated = world();
    let cases = [
        (&[JOB][..], 124),
        (&[JOB, OTHER_JOB], 3),
        (&[JOB, IMAGE_JOB], 5),
    ];
    in_parallel(cases, |(references, code)| {
        let options = ["-t", "1s", "--max-attempts", "1"];
        let run = emulated.wait(&[references, &options].concat()).run();
        assert_eq!(run.code, code, "{references:?}: {}", run.stderr);
    });
}

#[test]
fn missing_credentials_end_a_wait_at_once_without_a_request() {
    let emulated = Emulated::start(&job(INSTANCE, "0s Running"));
    let run = emulated
        .wait(&[INSTANCE, "-t", LONG])
        .env("JOBLENS_SUGON_TOKEN", "")
        .run();
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert!(emulated.accesses().is_empty());
    assert!(run.elapsed < MAX_DURATION);
}

#[test]
fn credentials_refused_during_a_wait_end_only_their_own_cloud() {
    let scenario = job(INSTANCE, "0s Running")
        + &job(JOB, "0s Running, 1s Succeeded")
        + &SUGON_REFUSES.replace("kind", "skip = 2\nkind");
    let emulated = Emulated::start(&scenario);
    let run = emulated.wait(&[INSTANCE, JOB, "-t", LONG]).run();
    assert_eq!(run.code, 4, "{}", run.stderr);
    assert!(run.elapsed < MAX_DURATION);
    assert_eq!(verdicts(&run), are(&[(INSTANCE, "pending"), (JOB, "met")]));
    assert_eq!(
        emulated.answers_of("sugon").len(),
        3,
        "a refused key is not shown again"
    );
    assert!(run.stderr.contains(&reason(&run)), "{}", run.stderr);
}

#[test]
fn refused_credentials_end_a_wait_after_one_request() {
    let references = [("aliyun", JOB), ("huawei", IMAGE_JOB), ("sugon", INSTANCE)];
    for (cloud, reference) in references {
        let fault = format!("[[fault]]\noperation = '*'\ncloud = '{cloud}'\nkind = 'refuse'\n");
        let emulated = Emulated::start(&(job(reference, "0s Running") + &fault));
        let run = emulated.wait(&[reference, "-t", LONG]).run();
        assert_eq!(run.code, 4, "{cloud}: {}", run.stderr);
        assert_eq!(emulated.answers_of(cloud).len(), 1, "{cloud}");
        assert_eq!(run.error()["category"], "unauthenticated");
    }
}
