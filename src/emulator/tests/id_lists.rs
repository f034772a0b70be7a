//! Tests lists that accept ids, and filters of Aliyun kinds without clusters.

use chrono::{TimeDelta, Utc};

use super::batch::{TestEmulator, start_emulator};
use super::scopes::{jobs, read_all, references, scope};
use crate::model::{State, Time};
use crate::providers::{Cursor, Filter, test_support};
use crate::reference::Reference;

const KINDS: [&str; 2] = ["aliyun/dlc-job", "aliyun/instant-job"];

fn named(kind: &str, ids: impl IntoIterator<Item = impl ToString>) -> Vec<Reference> {
    let kind = scope(kind, &[]).kind;
    let ids = ids.into_iter();
    ids.map(|id| test_support::reference(kind, &[&id.to_string()]))
        .collect()
}

async fn states(emulator: &TestEmulator, references: &[Reference]) -> Vec<Option<State>> {
    let client = emulator.client("aliyun");
    assert!(client.can_batch(references));
    let found = client
        .batch_get(references, &test_support::get_options())
        .await;
    let found = found.unwrap().into_iter();
    found.map(|found| Some(found?.job.state)).collect()
}

#[tokio::test]
async fn five_hundred_jobs_are_looked_up_with_one_call_per_fifty() {
    for kind in KINDS {
        let emulator = start_emulator(&jobs(&format!("{kind}/j"), "Running", 500)).await;
        let mut ids: Vec<String> = (0..499).map(|n| format!("j{n}")).collect();
        ids.push("j-missing".to_owned());
        let found = states(&emulator, &named(kind, &ids)).await;
        assert_eq!(found[..499], [Some(State::Running); 499], "{kind}");
        assert_eq!(found[499], None, "{kind}");
        assert_eq!(emulator.calls("aliyun/ListJobs"), 10, "{kind}");
    }
}

#[tokio::test]
async fn lookups_by_id_find_jobs_of_any_age_and_keep_the_typed_reference() {
    for kind in KINDS {
        let old =
            "[[job]]\nref = 'KIND/old'\nage = '480h'\nstates = [{after='0s', state='Failed'}]\n";
        let emulator = start_emulator(
            &(old.replace("KIND", kind) + &jobs(&format!("{kind}/j"), "Running", 1)),
        )
        .await;
        let mut requested = named(kind, ["old", "j0", "old,j0"]);
        requested[0].input = "ali/typed".into();
        let client = emulator.client("aliyun");
        let found = client
            .batch_get(&requested, &test_support::get_options())
            .await
            .unwrap();
        let row = &found[0].as_ref().unwrap().job;
        assert_eq!((row.state, &*row.input), (State::Failed, "ali/typed"));
        assert!(found[1].is_some());
        assert!(found[2].is_none(), "no id has a comma");
    }
}

#[tokio::test]
async fn all_pages_of_a_list_without_a_count_are_read() {
    let emulator = start_emulator(&jobs("aliyun/instant-job/j", "Running", 205)).await;
    let client = emulator.client("aliyun");
    let (found, stats) = read_all(&*client, &scope("aliyun/instant-job", &[])).await;
    let listed: Vec<_> = found.iter().map(|row| row.job.reference.clone()).collect();
    assert_eq!(listed, references("aliyun/instant-job/j", 205));
    assert_eq!(stats.rows, 205);
    assert_eq!(emulator.calls("aliyun/ListJobs"), 3);
}

#[tokio::test]
async fn a_list_without_a_start_time_has_a_notice_about_its_time_window() {
    let job = |id, age| {
        format!(
            "[[job]]\nref = 'aliyun/dlc-job/{id}'\nage = '{age}'\nuser = 'lin'\nstates = [{{after='0s', state='Running'}}]\n"
        )
    };
    let emulator = start_emulator(&(job("new", "2h") + &job("old", "200h"))).await;
    let client = emulator.client("aliyun");
    let place = scope("aliyun/dlc-job", &[]);
    let list = async |filter: Filter| {
        let options = test_support::get_options();
        let page = client
            .list(&place, &filter, Cursor::FIRST, &options)
            .await
            .unwrap();
        let ids: Vec<String> = page.rows.into_iter().map(|row| row.job.id).collect();
        let notices: Vec<_> = page
            .notices
            .iter()
            .map(|notice| notice.code.as_str())
            .collect();
        (ids.join(" "), notices.join(" "))
    };
    let found = list(Filter::default()).await;
    assert_eq!(found, ("new".to_owned(), "list_window".to_owned()));
    let since = Time::new(Utc::now() - TimeDelta::days(30));
    let everything = ("new old".to_owned(), String::new());
    assert_eq!(
        list(Filter {
            since: since.map(Into::into),
            ..Filter::default()
        })
        .await,
        everything
    );
    // The request for the newest job has no limit of age.
    let page_rows = Some(10);
    assert_eq!(
        list(Filter {
            page_rows,
            ..Filter::default()
        })
        .await,
        everything
    );
    for (user, expected) in [
        ("lin", "new old"),
        ("ana", ""),
        ("1200000000000001", "new old"),
    ] {
        let user = Some(user.to_owned());
        assert_eq!(
            list(Filter {
                user,
                since: since.map(Into::into),
                ..Filter::default()
            })
            .await
            .0,
            expected
        );
    }
}

#[tokio::test]
async fn a_list_has_the_jobs_of_all_workspaces() {
    let job = |id: &str, workspace, age| {
        format!(
            "[[job]]\nref = 'aliyun/dlc-job/{id}'\nage = '{age}'\nworkspace = '{workspace}'\nstates = [{{after='0s', state='Running'}}]\n"
        )
    };
    let jobs = (0..60).map(|n| job(&format!("a{n}"), "268", format!("{}m", 2 * n)));
    let others = (0..60).map(|n| job(&format!("b{n}"), "300", format!("{}m", 2 * n + 1)));
    let emulator = start_emulator(&jobs.chain(others).collect::<String>()).await;
    let client = emulator.client("aliyun");
    let place = scope("aliyun/dlc-job", &[]);
    let (found, stats) = read_all(&*client, &place).await;
    assert_eq!((stats.rows, stats.pages, stats.truncation), (120, 2, None));
    let first: Vec<&str> = found.iter().map(|row| &*row.job.id).take(4).collect();
    assert_eq!(first, ["a0", "b0", "a1", "b1"]);
    assert_eq!(emulator.calls("aliyun/ListWorkspaces"), 1);
    assert_eq!(emulator.calls("aliyun/ListJobs"), 4);
    // Lists by ids use only the workspaces that were seen.
    let requested = named("aliyun/dlc-job", ["b0", "b1", "a0"]);
    let found = client
        .batch_get(&requested, &test_support::get_options())
        .await;
    assert!(found.unwrap().iter().all(Option::is_some));
    assert_eq!(emulator.calls("aliyun/ListJobs"), 6);
}
