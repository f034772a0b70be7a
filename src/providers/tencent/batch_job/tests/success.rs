use super::*;
use crate::test_support::{Responder, emulated};

/// A `get` of a job whose task `main` has one instance, with changes to both responses.
struct Case {
    job: Value,
    task: Value,
}

impl Case {
    fn new() -> Self {
        let metrics = json!({"SucceedCount": 1, "RunningCount": 0, "FailedCount": 0});
        let job = json!({
            "JobId": "job-1", "JobState": "SUCCEED", "StateReason": "", "NextAction": "",
            "TaskSet": [{"TaskName": "main", "TaskState": "SUCCEED"}],
            "TaskMetrics": metrics, "TaskInstanceMetrics": metrics,
        });
        let instance = json!({
            "TaskInstanceIndex": 0, "TaskInstanceState": "SUCCEED", "ExitCode": 0,
            "StateReason": "", "StateDetailedReason": "successful",
        });
        let task = json!({
            "JobId": "job-1", "TaskName": "main", "TaskState": "SUCCEED",
            "TaskInstanceTotalCount": 1, "TaskInstanceSet": [instance],
            "TaskInstanceMetrics": metrics,
        });
        Self { job, task }
    }

    fn job(mut self, pointer: &str, value: Value) -> Self {
        set(&mut self.job, pointer, value);
        self
    }

    fn task(mut self, pointer: &str, value: Value) -> Self {
        set(&mut self.task, pointer, value);
        self
    }

    fn responder(self) -> Responder {
        Arc::new(move |request| {
            let operation = emulated(&CLOUD).operation(request)?;
            let data = match operation.as_str() {
                GET_TASK => &self.task,
                _ => &self.job,
            };
            Some(ServerResponse::json(200, &json!({"Response": data})))
        })
    }

    async fn read(self) -> Job {
        let (_server, client) = serve(Vec::new(), self.responder()).await;
        let found = client
            .get(&reference(&BATCH_JOB, &["job-1"]), &get_options())
            .await;
        found.unwrap().job
    }

    async fn state(self) -> (State, bool) {
        let job = self.read().await;
        (job.state, job.ended)
    }
}

/// Sets a value, or removes it if the new value is `"(none)"`.
fn set(document: &mut Value, pointer: &str, value: Value) {
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    let parent = document.pointer_mut(parent).unwrap();
    match value == "(none)" {
        true => drop(parent.as_object_mut().unwrap().remove(key)),
        false => parent[key] = value,
    }
}

const SUCCEEDED: (State, bool) = (State::Succeeded, true);
const UNDECIDED: (State, bool) = (State::Unknown, false);
const FAILED: (State, bool) = (State::Failed, true);

#[tokio::test]
async fn a_success_with_a_next_action_is_undecided() {
    for (action, expected) in [
        (json!("TERMINATING"), UNDECIDED),
        (json!(["TERMINATING"]), UNDECIDED),
        (json!(null), SUCCEEDED),
        (json!("(none)"), SUCCEEDED),
    ] {
        let case = Case::new().job("/NextAction", action.clone());
        assert_eq!(case.state().await, expected, "{action}");
    }
}

#[tokio::test]
async fn a_job_succeeds_if_all_its_responses_report_success() {
    assert_eq!(Case::new().state().await, SUCCEEDED);
    for (pointer, value) in [
        ("/JobId", json!("(none)")),
        ("/TaskState", json!("(none)")),
        ("/TaskInstanceMetrics", json!(null)),
        ("/TaskInstanceSet/0/ExitCode", json!(null)),
        ("/TaskInstanceSet/0/StateReason", json!("successful")),
        ("/TaskInstanceSet/0/StateReason", json!("None")),
        ("/TaskInstanceSet/0/StateDetailedReason", json!(null)),
        ("/TaskInstanceSet/0/StateDetailedReason", json!("")),
    ] {
        let read = Case::new().task(pointer, value.clone()).state().await;
        assert_eq!(read, SUCCEEDED, "{pointer} {value}");
    }
    for pointer in ["/TaskMetrics", "/TaskInstanceMetrics", "/StateReason"] {
        let read = Case::new().job(pointer, json!(null)).state().await;
        assert_eq!(read, SUCCEEDED, "{pointer}");
    }
}

#[tokio::test]
async fn a_success_is_undecided_if_the_job_or_its_tasks_do_not_confirm_it() {
    let named = |name: Value| json!([{"TaskName": name, "TaskState": "SUCCEED"}]);
    for (pointer, value, expected) in [
        ("/TaskSet", json!(null), UNDECIDED),
        ("/TaskSet", json!("(none)"), UNDECIDED),
        ("/TaskSet", json!([]), UNDECIDED),
        ("/TaskSet", named(json!(null)), UNDECIDED),
        ("/TaskSet", named(json!(["main"])), UNDECIDED),
        ("/TaskSet/0/TaskState", json!(""), UNDECIDED),
        ("/TaskSet/0/TaskState", json!("RUNNING"), UNDECIDED),
        ("/TaskMetrics/SucceedCount", json!(5), UNDECIDED),
        ("/TaskMetrics/RunningCount", json!(3), UNDECIDED),
        ("/TaskMetrics/FailedCount", json!(-1), UNDECIDED),
        ("/TaskMetrics/FailedCount", json!(1), FAILED),
        (
            "/TaskMetrics/FailedInterruptedCount",
            json!({"x": 1}),
            UNDECIDED,
        ),
        ("/TaskInstanceMetrics/RunningCount", json!(3), UNDECIDED),
        ("/StateReason", json!("RunCommandFailed"), FAILED),
        ("/StateReason", json!("succeeded with errors"), FAILED),
        ("/StateReason", json!({"x": 1}), UNDECIDED),
    ] {
        let read = Case::new().job(pointer, value.clone()).state().await;
        assert_eq!(read, expected, "{pointer} {value}");
    }
}

#[tokio::test]
async fn instances_of_a_task_without_a_state_are_read_if_the_job_succeeded() {
    for value in [json!(null), json!("(none)"), json!("PENDING")] {
        let case = Case::new().job("/TaskSet/0/TaskState", value);
        let case = case.task("/TaskInstanceSet/0/TaskInstanceState", json!("FAILED"));
        let job = case
            .task("/TaskInstanceSet/0/ExitCode", json!(137))
            .read()
            .await;
        assert_eq!((job.state, job.exit_code), (State::Failed, Some(137)));
    }
}

#[tokio::test]
async fn a_success_is_undecided_if_a_task_or_its_instances_do_not_confirm_it() {
    let instance = json!({"TaskInstanceIndex": 0, "TaskInstanceState": "SUCCEED", "ExitCode": 0});
    for (pointer, value, expected) in [
        ("/TaskInstanceSet", json!(null), UNDECIDED),
        ("/TaskInstanceSet", json!([]), UNDECIDED),
        ("/TaskInstanceSet", json!([{}]), UNDECIDED),
        (
            "/TaskInstanceSet/0/TaskInstanceIndex",
            json!(null),
            UNDECIDED,
        ),
        ("/TaskInstanceSet/0/TaskInstanceState", json!(""), UNDECIDED),
        (
            "/TaskInstanceSet/0/TaskInstanceState",
            json!("RUNNING"),
            UNDECIDED,
        ),
        (
            "/TaskInstanceSet/0/TaskInstanceState",
            json!("DONE"),
            UNDECIDED,
        ),
        (
            "/TaskInstanceSet/0/TaskInstanceState",
            json!("FAILED"),
            FAILED,
        ),
        (
            "/TaskInstanceSet/0/StateReason",
            json!("RunCommandFailed"),
            UNDECIDED,
        ),
        (
            "/TaskInstanceSet/0/StateDetailedReason",
            json!("first heartbeat timeout"),
            UNDECIDED,
        ),
        (
            "/TaskInstanceSet/0/StateDetailedReason",
            json!({"x": 1}),
            UNDECIDED,
        ),
        ("/TaskInstanceTotalCount", json!(null), UNDECIDED),
        ("/TaskInstanceTotalCount", json!([1]), UNDECIDED),
        ("/TaskInstanceTotalCount", json!(2), UNDECIDED),
        ("/TaskInstanceMetrics/RunningCount", json!(2), UNDECIDED),
        ("/TaskInstanceMetrics/FailedCount", json!(2), FAILED),
        ("/TaskState", json!("RUNNING"), UNDECIDED),
        ("/TaskState", json!("FAILED"), FAILED),
        ("/TaskName", json!("other"), UNDECIDED),
        ("/JobId", json!("job-2"), UNDECIDED),
        ("/JobId", json!(["job-1"]), UNDECIDED),
    ] {
        let read = Case::new().task(pointer, value.clone()).state().await;
        assert_eq!(read, expected, "{pointer} {value}");
    }
    let twice = Case::new().task("/TaskInstanceTotalCount", json!(2));
    let twice = twice.task("/TaskInstanceSet", json!([instance, instance]));
    assert_eq!(twice.state().await, UNDECIDED);
    let empty = Case::new().task("/TaskInstanceTotalCount", json!(0));
    assert_eq!(
        empty.task("/TaskInstanceSet", json!([])).state().await,
        UNDECIDED
    );
}

/// Starts a server with `total` instances and at most `per_page` instances per response. The instance with the index
/// `failed` has failed.
fn paging(total: usize, per_page: usize, failed: usize, metrics: Value) -> Responder {
    Arc::new(move |request| {
        if emulated(&CLOUD).operation(request)? != GET_TASK {
            let job = Case::new().job;
            return Some(ServerResponse::json(200, &json!({"Response": job})));
        }
        let parameters: Value = serde_json::from_slice(&request.body).unwrap();
        let offset = usize::try_from(parameters["Offset"].as_u64().unwrap()).unwrap();
        let rows = (offset..total.min(offset + per_page)).map(|index| {
            let word = if index == failed { "FAILED" } else { "SUCCEED" };
            json!({"TaskInstanceIndex": index, "TaskInstanceState": word})
        });
        let task = json!({
            "TaskName": "main", "TaskInstanceTotalCount": total,
            "TaskInstanceSet": rows.collect::<Vec<_>>(), "TaskInstanceMetrics": metrics,
        });
        Some(ServerResponse::json(200, &json!({"Response": task})))
    })
}

#[tokio::test]
async fn the_instances_of_a_job_that_succeeded_are_read_page_by_page() {
    let all = |count: usize| json!({"SucceedCount": count});
    for (total, per_page, failed, metrics, expected, requests) in [
        (300, 100, usize::MAX, json!(null), SUCCEEDED, 3),
        (1500, 1000, usize::MAX, json!(null), SUCCEEDED, 2),
        (1500, 1000, 1200, json!(null), FAILED, 2),
        // There are more instances than are read, so the metrics must show that the others succeeded.
        (10_500, 1000, usize::MAX, json!(null), UNDECIDED, 10),
        (10_500, 1000, usize::MAX, all(10_499), UNDECIDED, 10),
        (10_500, 1000, usize::MAX, all(10_500), SUCCEEDED, 10),
    ] {
        let (server, client) = serve(Vec::new(), paging(total, per_page, failed, metrics)).await;
        let found = client
            .get(&reference(&BATCH_JOB, &["job-1"]), &get_options())
            .await;
        let job = found.unwrap().job;
        assert_eq!((job.state, job.ended), expected, "{total}");
        let tasks = server.requested().into_iter();
        assert_eq!(tasks.filter(|name| name == GET_TASK).count(), requests);
    }
}

#[tokio::test]
async fn instance_counts_of_a_job_confirm_the_success_of_unread_tasks() {
    for (tasks, succeeded, expected, requests) in [
        (20, 0, SUCCEEDED, 20),
        (21, 21, SUCCEEDED, 20),
        (21, 40, SUCCEEDED, 20),
        (21, 20, UNDECIDED, 20),
        (21, 0, UNDECIDED, 20),
    ] {
        let rows =
            (0..tasks).map(|task| json!({"TaskName": task.to_string(), "TaskState": "SUCCEED"}));
        let mut case = Case::new().job("/TaskSet", rows.collect());
        case = case.job("/TaskMetrics/SucceedCount", json!(tasks));
        case = case.job("/TaskInstanceMetrics/SucceedCount", json!(succeeded));
        let Case { job, task } = case;
        let responder: Responder = Arc::new(move |request| {
            let mut data = job.clone();
            if emulated(&CLOUD).operation(request)? == GET_TASK {
                let parameters: Value = serde_json::from_slice(&request.body).unwrap();
                data = task.clone();
                data["TaskName"] = parameters["TaskName"].clone();
            }
            Some(ServerResponse::json(200, &json!({"Response": data})))
        });
        let (server, client) = serve(Vec::new(), responder).await;
        let found = client
            .get(&reference(&BATCH_JOB, &["job-1"]), &get_options())
            .await;
        let found = found.unwrap();
        assert_eq!(
            (found.job.state, found.job.ended),
            expected,
            "{tasks} {succeeded}"
        );
        assert_eq!(found.notices.len(), usize::from(tasks > 20));
        assert_eq!(server.requested().len(), 1 + requests);
    }
}

#[tokio::test]
async fn the_message_and_a_notice_name_why_a_success_is_undecided() {
    for (case, what) in [
        (
            Case::new().task("/TaskInstanceTotalCount", json!(3)),
            "only 1 of 3 instances of the task main were read",
        ),
        (
            Case::new().task("/TaskInstanceSet/0/StateReason", json!("Killed")),
            "the instance main/0 has the reason Killed",
        ),
        (
            Case::new().job("/TaskSet/0/TaskState", json!("")),
            "a task has no readable name or state",
        ),
        (
            Case::new().job("/TaskMetrics/SucceedCount", json!(2)),
            "only 1 of 2 tasks are listed",
        ),
        (
            Case::new()
                .job("/TaskSet", json!([]))
                .job("/TaskMetrics", Value::Null)
                .job("/TaskInstanceMetrics", Value::Null),
            "no tasks are listed",
        ),
        (
            Case::new().job("/NextAction", json!("TERMINATING")),
            "its next action is TERMINATING",
        ),
    ] {
        let (_server, client) = serve(Vec::new(), case.responder()).await;
        let found = client
            .get(&reference(&BATCH_JOB, &["job-1"]), &get_options())
            .await;
        let found = found.unwrap();
        let message = format!("the job has succeeded, but {what}");
        assert_eq!(found.job.message, Some(message));
        let notice = format!("tencent/batch-job/job-1 has succeeded, but {what}");
        let notices: Vec<_> = found.notices.iter().map(|one| &one.message).collect();
        assert_eq!(notices, [&notice]);
    }
}

#[tokio::test]
async fn a_repeated_page_of_instances_ends_the_requests() {
    let case = Case::new().task("/TaskInstanceTotalCount", json!(5000));
    let (server, client) = serve(Vec::new(), case.responder()).await;
    let found = client
        .get(&reference(&BATCH_JOB, &["job-1"]), &get_options())
        .await;
    assert_eq!(found.unwrap().job.state, State::Unknown);
    assert_eq!(server.requested(), [GET.name, GET_TASK, GET_TASK]);
}

#[tokio::test]
async fn only_one_page_of_instances_of_a_running_job_is_read() {
    let mut job = job(&BATCH_JOB, "job-1", "RUNNING", &[]);
    job.parts = 1001;
    let (server, client) = serve(vec![job], Arc::new(|_| None)).await;
    let found = client
        .get(&reference(&BATCH_JOB, &["job-1"]), &get_options())
        .await;
    let found = found.unwrap();
    assert_eq!((found.job.state, found.notices.len()), (State::Running, 1));
    assert_eq!(server.requested(), [GET.name, GET_TASK]);
}

#[tokio::test]
async fn a_row_with_active_or_failed_tasks_has_not_succeeded() {
    for (metrics, expected) in [
        (json!({"SucceedCount": 2, "FailedCount": 0}), SUCCEEDED),
        (json!({"SucceedCount": 2, "FailedCount": 2}), FAILED),
        (json!({"SucceedCount": 2, "RunnableCount": 1}), UNDECIDED),
    ] {
        let row = json!({"JobId": "job-1", "JobState": "SUCCEED", "TaskMetrics": metrics});
        let body = json!({"Response": {"TotalCount": 1, "JobSet": [row]}});
        let responder = responding(&CLOUD, &[LIST.name], ServerResponse::json(200, &body));
        let (_server, client) = serve(Vec::new(), responder).await;
        let scope = Scope::at(&BATCH_JOB, "default", &[]).unwrap();
        let page = client
            .list(&scope, &Filter::default(), Cursor::FIRST, &get_options())
            .await;
        let job = &page.unwrap().rows[0].job;
        assert_eq!((job.state, job.ended), expected, "{metrics}");
    }
}
