use super::*;
use crate::commands::lookup::{Reply, ScriptedClient};
use crate::error::{Category, Problem};
use crate::model::State;
use crate::providers;
use crate::providers::test_support;
use crate::test_support::processor_time;

fn row(reference: &str, state: State) -> JobRow {
    JobRow {
        reference: reference.to_owned(),
        is_conclusive: true,
        state,
        ended: state.is_end(),
        ..JobRow::default()
    }
}

#[tokio::test(start_paused = true)]
async fn failures_are_looked_up_once_and_active_jobs_in_turn() {
    let rows = [
        row("running", State::Running),
        row("pending", State::Pending),
        row("failed", State::Failed),
        row("succeeded", State::Succeeded),
    ];
    let lookup_candidates = |details: &HashMap<_, _>, max| lookup_candidates(&rows, details, max);
    let mut details = HashMap::new();
    assert_eq!(
        lookup_candidates(&details, 9),
        ["failed", "running", "pending"]
    );
    assert_eq!(lookup_candidates(&details, 2), ["failed", "running"]);
    for row in [&rows[2], &rows[0]] {
        let detail = Detail {
            read_at: Instant::now(),
            row: Some(row.clone()),
        };
        details.insert(row.reference.clone(), detail);
    }
    assert_eq!(lookup_candidates(&details, 1), ["pending"]);
    assert_eq!(lookup_candidates(&details, 9), ["pending", "running"]);
    assert!(lookup_candidates(&details, 0).is_empty());
}

#[test]
fn many_failures_leave_lookups_to_successes_that_need_confirmation() {
    let names: Vec<String> = (0..30).map(|number| format!("failed-{number}")).collect();
    let mut rows: Vec<JobRow> = names.iter().map(|name| row(name, State::Failed)).collect();
    rows.push(row("running", State::Running));
    rows.extend(["a", "b"].map(|name| row(name, State::Succeeded)));
    for row in &mut rows {
        row.is_conclusive = false;
    }
    let details = HashMap::new();
    let looked_up = lookup_candidates(&rows, &details, 20);
    assert_eq!(looked_up[..4], ["a", "failed-0", "running", "b"]);
    assert_eq!(looked_up.len(), 20);
    assert_eq!(lookup_candidates(&rows, &details, 99).len(), 33);
}

#[test]
fn an_earlier_lookup_adds_details_but_never_changes_the_state() {
    let known = JobRow {
        restarts: Some(3),
        warnings: Some(2),
        ..row("a", State::Running)
    };
    let mut listed = row("a", State::Succeeded);
    fill(&mut listed, &known, LookupAge::Recent);
    assert_eq!((listed.state, listed.warnings), (State::Succeeded, Some(2)));
    let ended = JobRow {
        exit_code: Some(137),
        ..row("a", State::Failed)
    };
    let mut listed = row("a", State::Failed);
    fill(&mut listed, &ended, LookupAge::Old);
    assert_eq!(listed.exit_code, Some(137));
    let mut listed = row("a", State::Running);
    fill(&mut listed, &ended, LookupAge::ThisPoll);
    assert_eq!(listed.state, State::Failed);
}

#[test]
fn a_recreated_job_has_no_details_from_a_lookup_of_its_earlier_run() {
    let at = Time::from_unix;
    let first = JobRow {
        created_at: at(100),
        ..row("a", State::Succeeded)
    };
    let second = JobRow {
        created_at: at(200),
        ..row("a", State::Failed)
    };
    for (known, listed) in [(&first, &second), (&second, &first)] {
        let detail = Detail {
            read_at: Instant::now(),
            row: Some(known.clone()),
        };
        let details = HashMap::from([("a".to_owned(), detail)]);
        let is_wanted = !lookup_candidates(std::slice::from_ref(listed), &details, 9).is_empty();
        assert_eq!(is_wanted, listed.state == State::Failed);
        let mut shown = listed.clone();
        fill(&mut shown, known, LookupAge::Recent);
        assert_eq!(&shown, listed);
    }
    let known = JobRow {
        restarts: Some(3),
        warnings: Some(2),
        ..first
    };
    let running = JobRow {
        created_at: at(200),
        ..row("a", State::Running)
    };
    let mut shown = running.clone();
    fill(&mut shown, &known, LookupAge::Recent);
    assert_eq!(shown, running);
}

#[test]
fn an_unproven_success_is_looked_up_and_the_lookup_takes_precedence() {
    let listed = JobRow {
        is_conclusive: false,
        ..row("a", State::Succeeded)
    };
    let rows = std::slice::from_ref(&listed);
    assert_eq!(lookup_candidates(rows, &HashMap::new(), 9), ["a"]);
    let known = JobRow {
        state: State::Failed,
        exit_code: Some(3),
        ..listed.clone()
    };
    let detail = Detail {
        read_at: Instant::now(),
        row: Some(known.clone()),
    };
    let details = HashMap::from([("a".to_owned(), detail)]);
    assert!(lookup_candidates(rows, &details, 9).is_empty());
    let mut shown = listed.clone();
    fill(&mut shown, &known, LookupAge::Old);
    assert_eq!(shown, known);
}

#[test]
fn a_list_without_states_shows_the_states_of_recent_lookups() {
    let known = row("a", State::Running);
    let listed = JobRow {
        has_no_state: true,
        ..row("a", State::Unknown)
    };
    for (age, state) in [
        (LookupAge::Recent, State::Running),
        (LookupAge::Old, State::Unknown),
    ] {
        let mut listed = listed.clone();
        fill(&mut listed, &known, age);
        assert_eq!(listed.state, state);
    }
}

const POLL: Duration = Duration::from_secs(2);

fn target(
    script: impl Fn(Duration) -> Reply + Send + Sync + 'static,
) -> (Arc<PolledTarget>, Arc<ScriptedClient>) {
    let kind = providers::kinds().find(|kind| kind.to_string() == "aliyun/job");
    let job = test_support::reference(kind.unwrap(), &["c", "1"]);
    let client = ScriptedClient::new(Duration::ZERO, move |at, _| script(at));
    let client = Arc::new(client.with_response_time(POLL));
    let lookup = Arc::new(Lookup::scripted(vec![job.clone()], &client));
    let options = PolledTargetOptions {
        min_interval: Duration::from_secs(30),
        keep: TimeDelta::days(1),
        max_details: 20,
    };
    let target = PolledSelector::Jobs(vec![job]);
    let target = PolledTarget::new(target, 1, &lookup, options, &MessageLog::default());
    (target, client)
}

fn shown(target: &PolledTarget) -> Vec<(State, bool)> {
    let max_age = target.options.max_age();
    let scopes = target.scopes();
    let states = scopes.iter().flat_map(|scope| {
        let rows = scope.reading.rows.iter();
        rows.map(|row| (row.state, scope.is_up(max_age)))
    });
    states.collect()
}

#[tokio::test(start_paused = true)]
async fn lookups_that_find_nothing_do_not_block_lookups_of_other_jobs() {
    let (target, _) = target(|_| Reply::NotFound);
    let mut rows: Vec<JobRow> = (0..25)
        .map(|number| row(&format!("aliyun/job/c/{number}"), State::Failed))
        .collect();
    let mut details = HashMap::new();
    target.add_details(&mut rows, &mut details).await;
    assert_eq!(details.len(), 20);
    let next = lookup_candidates(&rows, &details, 20);
    let is_known = |reference: &String| details.contains_key(reference);
    assert_eq!(next.iter().position(is_known), Some(5), "{next:?}");
}

#[tokio::test(start_paused = true)]
async fn scrapes_share_a_poll_until_the_interval_has_passed() {
    let (target, client) = target(|_| Reply::State(State::Running));
    for _ in 0..2 {
        let scrapes = (0..5).map(|_| target.refresh(None));
        futures_util::future::join_all(scrapes).await;
        assert_eq!(shown(&target), [(State::Running, true)]);
    }
    assert_eq!(client.received().len(), 1);
    tokio::time::advance(Duration::from_secs(30)).await;
    target.refresh(None).await;
    assert_eq!(client.received().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_scrape_ends_at_its_deadline_and_the_poll_goes_on() {
    let (target, client) = target(|_| Reply::State(State::Running));
    target.refresh(Some(Instant::now() + POLL / 2)).await;
    assert!(shown(&target).is_empty());
    assert_eq!(target.scopes().len(), 1);
    target.refresh(Some(Instant::now() + POLL)).await;
    assert_eq!(shown(&target), [(State::Running, true)]);
    assert_eq!(client.received().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_failed_poll_keeps_the_row_and_marks_the_scope_as_not_up() {
    let (target, client) = target(|at| match at < Duration::from_secs(10) {
        true => Reply::State(State::Running),
        false => Reply::Throttled(Duration::from_secs(60)),
    });
    target.refresh(None).await;
    tokio::time::advance(Duration::from_secs(40)).await;
    target.refresh(None).await;
    assert_eq!(shown(&target), [(State::Running, false)]);
    let polls = client.received().len();
    tokio::time::advance(Duration::from_secs(50)).await;
    target.refresh(None).await;
    assert_eq!(
        client.received().len(),
        polls,
        "the cloud requested a pause"
    );
    tokio::time::advance(Duration::from_secs(20)).await;
    target.refresh(None).await;
    assert!(client.received().len() > polls);
}

/// Creates a target of this many named jobs, and polls it once.
async fn polled_target(count: usize) -> Arc<PolledTarget> {
    let kind = providers::kinds().find(|kind| kind.to_string() == "aliyun/job");
    let jobs = (0..count).map(|id| test_support::reference(kind.unwrap(), &["c", &id.to_string()]));
    let jobs: Vec<Reference> = jobs.collect();
    let client = ScriptedClient::new(Duration::ZERO, |_, _| Reply::State(State::Running));
    let lookup = Arc::new(Lookup::scripted(jobs.clone(), &Arc::new(client)));
    let options = PolledTargetOptions {
        min_interval: Duration::from_secs(30),
        keep: TimeDelta::days(1),
        max_details: 20,
    };
    let target = PolledSelector::Jobs(jobs);
    let target = PolledTarget::new(target, 1, &lookup, options, &MessageLog::default());
    target.poll().await;
    target
}

#[tokio::test(start_paused = true)]
async fn a_poll_of_named_jobs_takes_time_in_proportion_to_their_number() {
    let mut times = Vec::new();
    for count in [500, 2_000] {
        let target = polled_target(count).await;
        let begun = processor_time();
        target.poll().await;
        times.push(processor_time() - begun);
    }
    // Quadratic time would be 16 times as long.
    assert!(times[1] < times[0] * 9, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn end_times_are_removed_although_a_product_is_refused() {
    let (target, _) = target(|_| Reply::NotFound);
    for (is_optional, kept) in [(true, 0), (false, 1)] {
        let mut rows = vec![row("aliyun/job/c/1", State::Failed)];
        target.retain_recent(&mut rows, &HashSet::new());
        assert_eq!(lock(&target.state).ends.len(), 1);
        let refused = ListedScope {
            scope: "aliyun/dlc-job/".to_owned(),
            cloud: "aliyun",
            problem: Some(Problem::new(Category::PermissionDenied, "no")),
            is_optional,
            is_truncated: false,
            unreadable: 0,
        };
        let rows = vec![Vec::new()];
        target
            .read_listed(vec![refused], rows, &HashSet::new())
            .await;
        assert_eq!(lock(&target.state).ends.len(), kept, "{is_optional}");
    }
}
