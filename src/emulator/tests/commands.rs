//! Tests the list of commands, which needs one request per command.

use std::ops::ControlFlow;

use super::batch::{TestEmulator, start_emulator};
use super::scopes::{jobs, listed, read_all, references, scope};
use crate::error::{Category, Problem};
use crate::model::State;
use crate::providers::{self, Filter, GetResult, ListStats, Page, Truncation, ready, test_support};

const KIND: &str = "aliyun/invocation/c/";

fn commands(count: usize) -> String {
    jobs(KIND, "Running", count)
}

struct Listing {
    found: Vec<GetResult>,
    problems: Vec<Problem>,
    stats: Result<ListStats, Problem>,
}

async fn list_commands(emulator: &TestEmulator, filter: &Filter, limit: usize) -> Listing {
    let (mut found, mut problems) = (Vec::new(), Vec::new());
    let mut on_page = |page: Page| {
        found.extend(page.rows);
        problems.extend(page.problems);
        ready(ControlFlow::Continue(()))
    };
    let (client, options) = (emulator.client("aliyun"), test_support::get_options());
    let cluster = scope("aliyun/invocation", &["c"]);
    let limit = Some(limit);
    let stats =
        providers::list_all(&*client, &cluster, filter, &options, limit, &mut on_page).await;
    Listing {
        found,
        problems,
        stats,
    }
}

#[tokio::test]
async fn listed_commands_have_the_same_states_as_their_lookups() {
    let text = "[[job]]\nref = 'aliyun/invocation/c/ok'\nparts = 2\n\
                states = [{after='0s', state='Finished', exit_code=0}]\n\
                [[job]]\nref = 'aliyun/invocation/c/bad'\n\
                states = [{after='0s', state='Finished', exit_code=7}]\n\
                [[job]]\nref = 'aliyun/invocation/c/on'\n\
                states = [{after='0s', state='Running'}]\n\
                [[job]]\nref = 'aliyun/invocation/other/x'\n\
                states = [{after='0s', state='Running'}]\n";
    let emulator = start_emulator(text).await;
    let client = emulator.client("aliyun");
    let (found, _) = read_all(&*client, &scope("aliyun/invocation", &["c"])).await;
    let message: Vec<_> = found
        .iter()
        .map(|found| (&*found.job.id, found.job.state, found.job.exit_code))
        .collect();
    assert_eq!(
        message,
        [
            ("ok", State::Succeeded, Some(0)),
            ("bad", State::Failed, Some(7)),
            ("on", State::Running, None)
        ]
    );
    for row in &found {
        let job = &row.job;
        let reference =
            test_support::reference(scope("aliyun/invocation", &["c"]).kind, &["c", &job.id]);
        let looked = client
            .get(&reference, &test_support::get_options())
            .await
            .unwrap();
        assert_eq!(looked.job.state, job.state);
        let details = serde_json::to_value(&job.details).unwrap();
        assert_eq!(details["content"], "solve --input data.h5 --password ***");
        assert_eq!(details["timeout_seconds"], 60);
    }
    assert_eq!(emulator.calls("aliyun/ListCommands"), 1);
    assert_eq!(emulator.calls("aliyun/ListInvocationResults"), 4);
}

#[tokio::test]
async fn a_limit_of_20_commands_takes_twenty_lookups_and_two_pages() {
    let emulator = start_emulator(&commands(45)).await;
    let listing = list_commands(&emulator, &Filter::default(), 20).await;
    assert_eq!(listed(&listing.found), references(KIND, 20));
    assert_eq!(
        listing.stats.unwrap().truncation,
        Some(Truncation::Limit(20))
    );
    assert_eq!(emulator.calls("aliyun/ListCommands"), 2);
    assert_eq!(emulator.calls("aliyun/ListInvocationStatus"), 20);
}

#[tokio::test]
async fn a_list_ends_after_the_maximum_number_of_lookups() {
    let emulator = start_emulator(&commands(45)).await;
    let failed = Filter {
        states: vec![State::Failed],
        ..Filter::default()
    };
    let examined = |examined| Truncation::LookupLimit {
        examined,
        total: Some(45),
    };
    let listing = list_commands(&emulator, &failed, 20).await;
    assert!(listing.found.is_empty());
    assert_eq!(listing.stats.unwrap().truncation, Some(examined(20)));
    assert_eq!(emulator.calls("aliyun/ListInvocationStatus"), 20);
    let filter = Filter {
        max_lookups: Some(30),
        ..failed
    };
    let listing = list_commands(&emulator, &filter, 3).await;
    assert_eq!(listing.stats.unwrap().truncation, Some(examined(30)));
    assert_eq!(emulator.calls("aliyun/ListInvocationStatus"), 50);
}

#[tokio::test]
async fn lookups_continue_until_the_limit_of_matching_commands_is_reached() {
    let text = jobs(KIND, "Failed", 12) + &commands(24)[jobs(KIND, "Running", 12).len()..];
    let emulator = start_emulator(&text).await;
    let filter = Filter {
        states: vec![State::Running],
        max_lookups: Some(20),
        ..Filter::default()
    };
    let listing = list_commands(&emulator, &filter, 5).await;
    assert_eq!(listed(&listing.found), references(KIND, 17)[12..]);
    assert_eq!(
        listing.stats.unwrap().truncation,
        Some(Truncation::Limit(5))
    );
}

#[tokio::test]
async fn commands_excluded_by_their_name_are_not_looked_up() {
    let emulator = start_emulator(&commands(45)).await;
    let filter = Filter {
        name: Some(glob::Pattern::new("4?").unwrap()),
        ..Filter::default()
    };
    let listing = list_commands(&emulator, &filter, 20).await;
    assert_eq!(listed(&listing.found), references(KIND, 45)[40..]);
    assert_eq!(listing.stats.unwrap().truncation, None);
    assert_eq!(emulator.calls("aliyun/ListCommands"), 5);
    assert_eq!(emulator.calls("aliyun/ListInvocationStatus"), 5);
}

#[tokio::test]
async fn an_unreadable_command_is_reported_and_the_others_are_listed() {
    let fault = "[[fault]]\noperation = 'ListInvocationStatus'\nkind = 'empty'\ntimes = 1\n";
    let emulator = start_emulator(&(commands(12) + fault)).await;
    let listing = list_commands(&emulator, &Filter::default(), 20).await;
    let [problem] = &listing.problems[..] else {
        panic!("{:?}", listing.problems)
    };
    assert_eq!(problem.category, Category::InvalidResponse);
    let mut all = listed(&listing.found);
    all.push(problem.reference.clone().unwrap());
    all.sort();
    let mut wanted = references(KIND, 12);
    wanted.sort();
    assert_eq!(all, wanted);
    let stats = listing.stats.unwrap();
    assert_eq!((stats.rows, stats.truncation), (11, None));
}

#[tokio::test]
async fn a_rejected_credential_fails_the_list_once_and_not_for_each_row() {
    let fault = "[[fault]]\noperation = 'ListInvocationStatus'\nkind = 'refuse'\n";
    let emulator = start_emulator(&(commands(12) + fault)).await;
    let listing = list_commands(&emulator, &Filter::default(), 20).await;
    assert!(listing.found.is_empty() && listing.problems.is_empty());
    assert_eq!(
        listing.stats.unwrap_err().category,
        Category::Unauthenticated
    );
}
