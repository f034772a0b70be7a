//! Jobs of a watched scope whose id belongs to a new job.

use super::*;
use chrono::TimeDelta;

/// Returns a client whose scope contains the job `7`, replaced by a new one at `replaced_at`. The scope cannot be
/// listed any more after 70 s.
fn replacing(
    replaced_at: u64,
    states: impl Fn(u64) -> Option<State> + Send + Sync + 'static,
) -> ScriptedClient {
    let script = move |now: Duration, id: &str| match (id, now.as_secs()) {
        ("list", 70..) => Reply::Failed(Category::PermissionDenied),
        ("list", _) => Reply::NotFound,
        (_, at) => states(at).map_or(Reply::NotFound, Reply::State),
    };
    let created = move |at: Duration, job: &mut Job| {
        let hours = if at.as_secs() < replaced_at { 24 } else { 1 };
        job.created_at = Time::new(now() - TimeDelta::hours(hours));
    };
    client(script).with_list().with_jobs(created)
}

/// Returns the times in seconds and the texts of the lines about another job.
fn replacements(run: &Followed) -> Vec<&str> {
    let about = "aliyun/job/C/7: another job has this id now, created at ";
    let lines = run.lines.iter().filter(|line| line.contains(about));
    lines.map(String::as_str).collect()
}

#[tokio::test(start_paused = true)]
async fn a_new_job_with_the_id_of_an_ended_one_is_followed() {
    let states = |at| match at {
        0..15 => Some(State::Running),
        15..25 => Some(State::Succeeded),
        25..30 => None,
        30..45 => Some(State::Running),
        _ => Some(State::Failed),
    };
    let expected = [
        ["-", "running"],
        ["running", "succeeded"],
        ["-", "running"],
        ["running", "failed"],
    ];
    for is_named in [false, true] {
        let scope = Scope::at(kind(), DEFAULT_PROFILE, &["C"]).expect("a scope");
        let mut lookup = Lookup::scripted_scope(scope, &Arc::new(replacing(30, states)));
        if is_named {
            lookup.references = vec![test_support::reference(kind(), &["C", "7"])];
        }
        let run = follow_all(lookup, records()).await;
        assert_eq!(transitions(&run.records(), "7"), expected);
        assert_eq!(replacements(&run).len(), 1, "{:?}", run.lines);
        assert_eq!(run.jobs.len(), 1);
        assert_eq!(run.jobs[0].state, State::Failed);
    }
}

#[tokio::test(start_paused = true)]
async fn a_new_job_with_the_id_of_an_active_or_missing_one_is_followed() {
    for missing_until in [12, 14, 50] {
        let states = move |at| match at {
            0..12 => Some(State::Running),
            _ if at < missing_until => None,
            _ if at < 60 => Some(State::Pending),
            _ => Some(State::Failed),
        };
        let run = follow_scope(replacing(12, states)).await;
        let expected = [["-", "running"], ["-", "pending"], ["pending", "failed"]];
        assert_eq!(
            transitions(&run.records(), "7"),
            expected,
            "{missing_until}"
        );
        assert_eq!(replacements(&run).len(), 1, "{:?}", run.lines);
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_was_named_is_not_replaced_by_a_new_one() {
    let states = |at| match at {
        0..12 => Some(State::Running),
        _ => Some(State::Succeeded),
    };
    let run = follow(replacing(12, states), &["7"], records()).await;
    assert_eq!(run.code, 3);
    let error = "error: aliyun/job/C/7: this id now belongs to another job, created at ";
    assert!(
        run.lines[0].contains("this id now belongs"),
        "{:?}",
        run.lines
    );
    assert!(
        run.lines.iter().any(|line| line.starts_with(error)),
        "{:?}",
        run.lines
    );
    assert_eq!(transitions(&run.records(), "7"), [["-", "running"]]);
}
