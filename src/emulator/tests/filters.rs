//! Tests the filters that the clouds apply themselves.

use chrono::{TimeDelta, Utc};

use super::batch::{TestEmulator, start_emulator};
use super::scopes::{jobs, read_all, scope};
use crate::error::Category;
use crate::model::{State, Time};
use crate::providers::{Client, Cursor, Filter, Page, test_support};
use crate::reference::Scope;

fn of_states(states: &[State]) -> Filter {
    Filter {
        states: states.to_vec(),
        ..Filter::default()
    }
}

async fn first_page(client: &dyn Client, scope: &Scope, filter: &Filter) -> Page {
    let options = test_support::get_options();
    client
        .list(scope, filter, Cursor::FIRST, &options)
        .await
        .unwrap()
}

/// Returns the number of rows on the first page.
async fn rows(emulator: &TestEmulator, scope: &Scope, filter: &Filter) -> usize {
    let client = emulator.client(scope.kind.template.cloud);
    first_page(&*client, scope, filter).await.rows.len()
}

/// Describes one resource in each of these states.
fn each(kind: &str, words: &[&str]) -> String {
    let job = |word: &&str| jobs(&format!("{kind}{word}-"), word, 1);
    words.iter().map(job).collect()
}

#[tokio::test]
async fn a_state_with_one_documented_word_is_filtered_by_the_cloud() {
    let words = [
        "Pending",
        "Initing",
        "Running",
        "Succeeded",
        "Failed",
        "Zombie",
    ];
    let emulator = start_emulator(&each("aliyun/job/c/", &words)).await;
    let cluster = scope("aliyun/job", &["c"]);
    let all = words.len();
    for (states, wanted) in [
        (&[][..], all),
        (&[State::Running], 1),
        (&[State::Failed], 1),
        (&[State::Canceled], 0),
        // The state has no word, or none that the cloud can filter by.
        (&[State::Starting], all),
        (&[State::Stopping], all),
        (&[State::Unknown], all),
        // The filter has two words.
        (&[State::Pending, State::Running], all),
        (&[State::Pending, State::Starting], all),
    ] {
        let filter = of_states(states);
        assert_eq!(
            rows(&emulator, &cluster, &filter).await,
            wanted,
            "{states:?}"
        );
    }
}

#[tokio::test]
async fn a_state_word_of_the_settings_file_prevents_filtering_by_the_cloud() {
    let emulator = start_emulator(&each("aliyun/job/c/", &["Running", "Suspended"])).await;
    let client = emulator.client("aliyun");
    let mut options = test_support::get_options();
    options.states = vec![("Suspended".to_owned(), State::Running)];
    let (cluster, filter) = (scope("aliyun/job", &["c"]), of_states(&[State::Running]));
    let page = client
        .list(&cluster, &filter, Cursor::FIRST, &options)
        .await;
    let states: Vec<_> = page.unwrap().rows.iter().map(|row| row.job.state).collect();
    assert_eq!(states, [State::Running; 2]);
}

#[tokio::test]
async fn since_is_sent_to_a_cloud_that_can_filter_by_it() {
    let emulator = start_emulator(&jobs("aliyun/job/c/", "Running", 10)).await;
    let filter = Filter {
        since: Time::new(Utc::now() - TimeDelta::seconds(150)).map(Into::into),
        ..Filter::default()
    };
    let cluster = scope("aliyun/job", &["c"]);
    assert_eq!(rows(&emulator, &cluster, &filter).await, 3);
}

#[tokio::test]
async fn image_jobs_and_instances_are_filtered_by_status() {
    let text = each(
        "huawei/image-job/",
        &["WAITING", "RUNNING", "SUCCESS", "FAILED"],
    ) + &each("sugon/instance/", &["Waiting", "Running", "Terminated"]);
    let emulator = start_emulator(&text).await;
    let (project, region) = (scope("huawei/image-job", &[]), scope("sugon/instance", &[]));
    let failed = of_states(&[State::Failed]);
    assert_eq!(rows(&emulator, &project, &failed).await, 1);
    assert_eq!(
        rows(&emulator, &project, &of_states(&[State::Canceled])).await,
        4
    );
    let canceled = of_states(&[State::Canceled]);
    assert_eq!(rows(&emulator, &region, &canceled).await, 1);
    assert_eq!(
        rows(
            &emulator,
            &region,
            &of_states(&[State::Running, State::Pending])
        )
        .await,
        3
    );
}

#[tokio::test]
async fn a_rejected_filter_is_not_sent_again() {
    let fault = "[[fault]]\noperation = 'ListInstances'\nkind = 'html'\nstatus = 400\n";
    let text = jobs("sugon/instance/a", "Running", 150)
        + &jobs("sugon/instance/b", "Failed", 20)
        + fault
        + "times = 3\n";
    let emulator = start_emulator(&text).await;
    let client = emulator.client("sugon");
    let (region, options) = (scope("sugon/instance", &[]), test_support::get_options());
    let running = of_states(&[State::Running]);
    let page = first_page(&*client, &region, &running).await;
    assert_eq!(emulator.calls("sugon/ListInstances"), 3 + 1);
    assert_eq!(page.rows.len(), 100, "nothing was filtered there");
    let rest = client.list(&region, &running, page.next.unwrap(), &options);
    assert_eq!(rest.await.unwrap().rows.len(), 70);
    let again = first_page(&*client, &region, &running).await;
    assert_eq!(again.rows.len(), 100);
    assert_eq!(
        emulator.calls("sugon/ListInstances"),
        4 + 2,
        "one form, one call"
    );
}

#[tokio::test]
async fn a_list_that_fails_with_and_without_a_filter_reports_the_first_error() {
    let fault = "[[fault]]\noperation = 'ListInstances'\nkind = 'html'\nstatus = 400\n";
    let emulator =
        start_emulator(&(jobs("sugon/instance/", "Running", 3) + fault + "times = 6\n")).await;
    let client = emulator.client("sugon");
    let (region, options) = (scope("sugon/instance", &[]), test_support::get_options());
    let running = of_states(&[State::Running]);
    let refused = client
        .list(&region, &running, Cursor::FIRST, &options)
        .await;
    assert_eq!(refused.unwrap_err().category, Category::InvalidArgument);
    assert_eq!(emulator.calls("sugon/ListInstances"), 6);
    let page = first_page(&*client, &region, &of_states(&[State::Failed])).await;
    assert_eq!(page.rows.len(), 0, "a filter may still be taken");
    let (found, _) = read_all(&*client, &region).await;
    assert_eq!(found.len(), 3);
}
