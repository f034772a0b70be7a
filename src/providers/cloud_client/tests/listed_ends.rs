//! Lists that contradict later lookups.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::kind::Kind;
use crate::model::State;
use crate::providers::test_support::{get_options, reference};
use crate::providers::{Cloud, aliyun, tencent};
use crate::test_support::jobs::serve;
use crate::test_support::{Responder, ServerRequest, ServerResponse, TestServer, emulated};

/// Lists the jobs with these ids and looks up the first one. Returns whether the list contains a usable row of it,
/// its state, and its message.
async fn read(
    (cloud, kind): (&'static Cloud, &'static Kind),
    ids: [&[&str]; 2],
    responder: Responder,
) -> (bool, State, Option<String>) {
    let (_server, client) = serve(cloud, Vec::new(), responder).await;
    let references = ids.map(|segments| reference(kind, segments));
    let rows = client.batch_get(&references, &get_options()).await.unwrap();
    let found = client.get(&references[0], &get_options()).await.unwrap();
    (rows[0].is_some(), found.job.state, found.job.message)
}

/// Returns a subtask that succeeded, and lists it in these states.
async fn read_subtask(words: &'static [&str]) -> (bool, State, Option<String>) {
    let row = |id: &str, word: &str| json!({"JobId": id, "State": word, "IsArrayJob": "True"});
    let mut rows: Vec<Value> = words.iter().map(|word| row("20_5", word)).collect();
    rows.push(row("20_6", "Succeeded"));
    let list = json!({"TotalCount": rows.len(), "Jobs": rows});
    let job = json!({"JobId": "20_5", "State": "Succeeded", "ContainerGroups": []});
    let responder: Responder = Arc::new(move |request: &ServerRequest| {
        let body = match emulated(&aliyun::CLOUD).operation(request)?.as_str() {
            "ListServerlessJobs" => list.clone(),
            _ => json!({"TotalCount": 1, "JobInfos": [job]}),
        };
        Some(ServerResponse::json(200, &body))
    });
    let kind = kind(&aliyun::CLOUD, "job");
    let ids: [&[&str]; 2] = [&["c-1", "20_5"], &["c-1", "20_6"]];
    read((&aliyun::CLOUD, kind), ids, responder).await
}

/// As [`read_subtask`] for a training task.
async fn read_training_task(words: &'static [&str]) -> (bool, State, Option<String>) {
    let row = |id: &str, word: &str| json!({"Id": id, "Status": word, "FailureReason": ""});
    let mut rows: Vec<Value> = words.iter().map(|word| row("train-1", word)).collect();
    rows.push(row("train-2", "SUCCEED"));
    let job = row("train-1", "SUCCEED");
    let responder: Responder = Arc::new(move |request: &ServerRequest| {
        let data = match emulated(&tencent::CLOUD).operation(request)?.as_str() {
            "DescribeTrainingTasks" => {
                json!({"TotalCount": rows.len(), "TrainingTaskSet": rows})
            }
            _ => json!({"TrainingTaskDetail": job}),
        };
        Some(ServerResponse::json(200, &json!({"Response": data})))
    });
    let kind = kind(&tencent::CLOUD, "training-task");
    let ids: [&[&str]; 2] = [&["train-1"], &["train-2"]];
    read((&tencent::CLOUD, kind), ids, responder).await
}

fn kind(cloud: &'static Cloud, name: &str) -> &'static Kind {
    let mut kinds = cloud.kinds.iter();
    let kind = kinds.find(|kind| kind.to_string() == format!("{}/{name}", cloud.name()));
    kind.unwrap()
}

#[tokio::test]
async fn an_end_in_a_list_contradicts_the_success_in_a_lookup() {
    let unknown = |has_row: bool, text: &str| (has_row, State::Unknown, Some(text.to_owned()));
    let failed = "the job is Succeeded, but Failed in the list";
    assert_eq!(read_subtask(&["Failed"]).await, unknown(true, failed));
    // Rows that contradict each other are not used.
    for words in [&["Failed", "Succeeded"], &["Succeeded", "Failed"]] {
        assert_eq!(read_subtask(words).await, unknown(false, failed));
    }
    let failed = "the job is SUCCEED, but FAILED in the list";
    assert_eq!(read_training_task(&["FAILED"]).await, unknown(true, failed));
    for words in [&["FAILED", "SUCCEED"], &["SUCCEED", "FAILED"]] {
        assert_eq!(read_training_task(words).await, unknown(false, failed));
    }
    for words in [&["Succeeded"], &["Running"]] {
        let found = read_subtask(words).await;
        assert_eq!(found, (true, State::Succeeded, None), "{words:?}");
    }
    let found = read_training_task(&["SUCCEED"]).await;
    assert_eq!(found, (true, State::Succeeded, None));
}

#[tokio::test]
async fn a_lookup_that_contradicts_a_list_reads_the_list_again() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    for (stale_lists, expected) in [(1, State::Succeeded), (9, State::Unknown)] {
        let lists = AtomicUsize::new(0);
        let responder: Responder = Arc::new(move |request: &ServerRequest| {
            let row = |id: &str, word: &str| json!({"JobId": id, "State": word});
            let body = match emulated(&aliyun::CLOUD).operation(request)?.as_str() {
                "ListServerlessJobs" => {
                    let word = match lists.fetch_add(1, Ordering::Relaxed) < stale_lists {
                        true => "Failed",
                        false => "Succeeded",
                    };
                    let rows = [row("20_5", word), row("20_6", "Succeeded")];
                    json!({"TotalCount": 2, "Jobs": rows})
                }
                _ => json!({"TotalCount": 1, "JobInfos": [row("20_5", "Succeeded")]}),
            };
            Some(ServerResponse::json(200, &body))
        });
        let kind = kind(&aliyun::CLOUD, "job");
        let ids: [&[&str]; 2] = [&["c-1", "20_5"], &["c-1", "20_6"]];
        let found = read((&aliyun::CLOUD, kind), ids, responder).await;
        assert_eq!(found.1, expected, "{stale_lists}");
    }
}

#[tokio::test]
async fn a_list_of_other_jobs_keeps_the_end_of_a_job() {
    let responder: Responder = Arc::new(|request: &ServerRequest| {
        let row = |id: &str, word: &str| json!({"JobId": id, "State": word});
        let body = match emulated(&aliyun::CLOUD).operation(request)?.as_str() {
            "ListServerlessJobs" => {
                let rows = [row("20_5", "Failed"), row("20_6", "Succeeded")];
                json!({"TotalCount": 2, "Jobs": rows})
            }
            _ => json!({"TotalCount": 1, "JobInfos": [row("20_5", "Succeeded")]}),
        };
        Some(ServerResponse::json(200, &body))
    });
    let (server, client) = serve(&aliyun::CLOUD, Vec::new(), responder).await;
    let job = |cluster, id| reference(kind(&aliyun::CLOUD, "job"), &[cluster, id]);
    let failed = job("c-1", "20_5");
    let first = [failed.clone(), job("c-1", "20_6")];
    client.batch_get(&first, &get_options()).await.unwrap();
    // The list of its cluster does not save requests any more.
    let later = [failed.clone(), job("c-2", "1_1"), job("c-2", "1_2")];
    client.batch_get(&later, &get_options()).await.unwrap();
    let lists = |server: &TestServer| {
        let requested = server.requested();
        requested
            .iter()
            .filter(|name| *name == "ListServerlessJobs")
            .count()
    };
    assert_eq!(lists(&server), 2);
    let found = client.get(&failed, &get_options()).await.unwrap();
    assert_eq!((found.job.state, lists(&server)), (State::Unknown, 1));
}

/// Lists two jobs of `aliyun/hpc-job`, one of them in a state of `words` after the other, and looks that job up.
/// Returns its state, its message and the number of lists that this lookup read. An empty word is a list without the
/// job.
async fn read_listed_hpc_job(words: &'static [&'static str]) -> (State, Option<String>, usize) {
    use std::sync::atomic::{AtomicUsize, Ordering};
    let lists = AtomicUsize::new(0);
    let responder: Responder = Arc::new(move |request: &ServerRequest| {
        let row =
            |id: &str, word: &str| json!({"JobName": "a", "JobSpec": {"Id": id, "State": word}});
        let body = match emulated(&aliyun::CLOUD).operation(request)?.as_str() {
            "ListJobs" => {
                let list = lists.fetch_add(1, Ordering::Relaxed);
                let word = words[list.min(words.len() - 1)];
                let listed = (!word.is_empty()).then(|| row("2", word));
                let rows = Vec::from_iter([row("1", "Running")].into_iter().chain(listed));
                json!({"Success": true, "TotalCount": rows.len(), "Jobs": rows})
            }
            _ => json!({"Success": true, "JobInfo": {"JobId": "2", "State": "Completed"}}),
        };
        Some(ServerResponse::json(200, &body))
    });
    let (server, client) = serve(&aliyun::CLOUD, Vec::new(), responder).await;
    let kind = kind(&aliyun::CLOUD, "hpc-job");
    let references = ["1", "2"].map(|id| reference(kind, &["ehpc-a", id]));
    client.batch_get(&references, &get_options()).await.unwrap();
    server.requested();
    let found = client.get(&references[1], &get_options()).await.unwrap();
    let requested = server.requested();
    let lists = requested.iter().filter(|name| *name == "ListJobs").count();
    (found.job.state, found.job.message, lists)
}

#[tokio::test]
async fn the_list_of_a_single_job_is_read_again_for_a_contradiction() {
    let (state, message, lists) = read_listed_hpc_job(&["Failed"]).await;
    assert_eq!((state, lists), (State::Unknown, 1));
    assert_eq!(
        message.as_deref(),
        Some("the job is Completed, but Failed in the list")
    );
    for later in [&["Failed", "Completed"], &["Failed", ""]] {
        let (state, _, lists) = read_listed_hpc_job(later).await;
        assert_eq!((state, lists), (State::Succeeded, 1), "{later:?}");
    }
}

#[test]
fn an_end_is_kept_while_the_list_of_its_job_is_not_read() {
    use crate::model::Job;
    use crate::providers::listed_ends::{BatchEnds, ListedEnds};
    let kind = kind(&aliyun::CLOUD, "hpc-job");
    let job_at = reference(kind, &["ehpc-a", "2"]);
    let job = |state, word: &str| Job {
        state,
        ended: true,
        state_raw: Some(word.to_owned()),
        ..Job::default()
    };
    let (failed, succeeded) = (
        job(State::Failed, "Failed"),
        job(State::Succeeded, "Completed"),
    );
    let ends = ListedEnds::default();
    ends.replace(
        &BatchEnds::default(),
        [(&job_at, Some(&failed))].into_iter(),
    );
    let unread = BatchEnds::default();
    unread.skip(&job_at);
    ends.replace(&unread, [(&job_at, None)].into_iter());
    assert!(ends.contradicts(&job_at, &succeeded));
    ends.replace(&BatchEnds::default(), [(&job_at, None)].into_iter());
    assert!(!ends.contradicts(&job_at, &succeeded));
    // An end in a row that was read is recorded, even if other rows of the list were not read.
    ends.replace(&unread, [(&job_at, Some(&failed))].into_iter());
    assert!(ends.contradicts(&job_at, &succeeded));
}

#[tokio::test]
async fn a_later_list_replaces_the_ends_of_an_earlier_one() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let has_failed = Arc::new(AtomicBool::new(true));
    let is_failed = Arc::clone(&has_failed);
    let responder: Responder = Arc::new(move |request: &ServerRequest| {
        let word = match is_failed.load(Ordering::Relaxed) {
            true => "FAILED",
            false => "SUCCEED",
        };
        let row = |id: &str, word: &str| json!({"Id": id, "Status": word, "FailureReason": ""});
        let data = match emulated(&tencent::CLOUD).operation(request)?.as_str() {
            "DescribeTrainingTasks" => {
                let rows = [row("train-1", word), row("train-2", "SUCCEED")];
                json!({"TotalCount": 2, "TrainingTaskSet": rows})
            }
            _ => json!({"TrainingTaskDetail": row("train-1", "SUCCEED")}),
        };
        Some(ServerResponse::json(200, &json!({"Response": data})))
    });
    let (_server, client) = serve(&tencent::CLOUD, Vec::new(), responder).await;
    let kind = kind(&tencent::CLOUD, "training-task");
    let references = ["train-1", "train-2"].map(|id| reference(kind, &[id]));
    for (failed, expected) in [(true, State::Unknown), (false, State::Succeeded)] {
        has_failed.store(failed, Ordering::Relaxed);
        client.batch_get(&references, &get_options()).await.unwrap();
        let found = client.get(&references[0], &get_options()).await.unwrap();
        assert_eq!(found.job.state, expected);
    }
}
