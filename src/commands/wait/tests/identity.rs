//! Jobs that have the id of an earlier one.

use super::*;
use crate::commands::lookup::now as scripted_now;
use crate::model::Job;

#[tokio::test(start_paused = true)]
async fn a_later_job_with_the_same_id_decides_nothing_unless_requeued() {
    let sugon = providers::kinds().find(|kind| kind.to_string() == "sugon/job");
    let sugon = sugon.expect("sugon/job is a kind");
    let sugon = || test_support::reference(sugon, &["R", "S", "1"]);
    type Edit = fn(&mut Job);
    let again: Edit = |job| job.created_at = Time::new(scripted_now());
    let other: Edit = |job| {
        job.created_at = Time::new(scripted_now());
        job.name = Some("other".to_owned());
    };
    for (reference, edit, code) in [
        (reference("1"), again, 3),
        // The job can have been requeued.
        (sugon(), again, 0),
        (sugon(), other, 3),
    ] {
        let client = client(until(seconds(40), SUCCEEDED)).with_jobs(move |now, job| {
            job.name = Some("train".to_owned());
            if now >= seconds(40) {
                edit(job);
            }
        });
        let kind = reference.kind;
        let lookup = Lookup::scripted(vec![reference], &Arc::new(client));
        let (report, elapsed) = wait_with(lookup, &options(seconds(3600))).await;
        assert_eq!(report.exit.code, code, "{kind}");
        assert!(elapsed < seconds(300), "{elapsed:?}");
        if code == 3 {
            let gate = report.gate.expect("a wait has a gate");
            let reason = gate.reason.expect("a gate has a reason");
            assert!(reason.contains("disappeared (was running)"), "{reason}");
            let job = report.content.jobs.first().expect("it was read");
            assert_eq!(job.state, State::Running);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_row_of_a_later_job_with_the_same_id_decides_nothing() {
    let script = |now, id: &str| match id {
        "1_1" => until(seconds(40), SUCCEEDED)(now, id),
        _ => RUNNING,
    };
    let client = client(script).with_list().with_jobs(|now, job| {
        let is_again = job.id == "1_1" && now >= seconds(40);
        job.created_at = Time::from_unix(1_700_000_000 + i64::from(is_again));
    });
    let client = Arc::new(client);
    let mut options = options(seconds(300));
    options.policy.any = true;
    let (report, elapsed) = wait(&client, &["1_1", "1_2"], &options).await;
    assert_eq!((report.exit.code, elapsed), (3, seconds(300)));
    // Its lookups also show the later job.
    assert!(counts(&client).1 > 0);
    let problem = report.errors.first().expect("it is not found");
    assert!(
        problem
            .message
            .starts_with("this id now belongs to another job, created at ")
    );
}

#[tokio::test(start_paused = true)]
async fn a_response_without_the_creation_time_does_not_hide_a_later_job() {
    let client = client(until(seconds(40), SUCCEEDED)).with_jobs(|now, job| {
        let created = match now.as_secs() {
            0..20 => Some(1_700_000_000),
            20..40 => None,
            _ => Some(1_700_003_600),
        };
        job.created_at = created.and_then(Time::from_unix);
    });
    let options = options(seconds(300));
    let (report, _) = wait(&Arc::new(client), &["1"], &options).await;
    assert_eq!(report.exit.code, 3);
    let problem = report.errors.first().expect("it is not found");
    let another = "this id now belongs to another job, created at ";
    assert!(problem.message.starts_with(another), "{}", problem.message);
}
