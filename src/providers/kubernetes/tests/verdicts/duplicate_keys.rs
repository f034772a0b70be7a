//! Tests that a job whose response contains a key twice with different values passes no gate, whether it is read
//! by a lookup or from a list.

use super::*;
use crate::providers::kubernetes::custom::{ARGO_WORKFLOW, JOBSET, KUBEFLOW_JOB};
use crate::reference::Reference;

/// Each kind whose lists are watched, with the plural of its resource, and a failed and a succeeded status.
fn watched_kinds() -> [(&'static Kind, &'static str, [Value; 2]); 6] {
    let conditions = |failed: &str, succeeded: &str| {
        [failed, succeeded].map(|kind| json!({"conditions": [condition(kind, "True")]}))
    };
    let phases = |words: [&str; 2]| words.map(|word| json!({"phase": word}));
    let jobset = conditions("Failed", "Completed");
    let volcano = ["Failed", "Completed"].map(|word| json!({"state": {"phase": word}}));
    let outcomes = ["Failed", "Succeeded"];
    [
        (&JOB, "jobs", conditions("Failed", "Complete")),
        (&VOLCANO_JOB, "jobs", volcano),
        (
            &KUBEFLOW_JOB,
            "pytorchjobs",
            conditions("Failed", "Succeeded"),
        ),
        (&JOBSET, "jobsets", jobset),
        (&ARGO_WORKFLOW, "workflows", phases(outcomes)),
        (&POD, "pods", phases(outcomes)),
    ]
}

/// Returns the text of an object with these statuses, each under the key `status`.
fn object(name: &str, statuses: &[&Value]) -> String {
    let meta = json!({
        "name": name, "namespace": "ci", "uid": format!("uid-{name}"), "resourceVersion": "5",
    });
    let statuses = statuses
        .iter()
        .map(|status| format!(r#","status":{status}"#));
    format!(
        r#"{{"metadata":{meta},"spec":{{}}{}}}"#,
        statuses.collect::<String>()
    )
}

/// Starts a server with the jobs `a` and `b`. `items` are the keys of each list and their values.
async fn serve(plural: &'static str, [a, b]: [String; 2], items: String) -> TestServer {
    let responder = move |request: &ServerRequest| {
        let list = format!(r#"{{"kind":"List","metadata":{{"resourceVersion":"9"}},{items}}}"#);
        let path = &request.path;
        let is = |end: &str| path.ends_with(&format!("/{plural}{end}"));
        let body = match () {
            () if is("/a") => &a,
            () if is("/b") => &b,
            () if is("") && request.parameter("watch").is_none() => &list,
            () => return None,
        };
        Some(ServerResponse::document(200, body))
    };
    let state = EmulatedState::new(Vec::new(), start_time());
    TestServer::start(&CLOUD, state, Arc::new(responder)).await
}

/// Returns the states of the jobs `a` and `b` in a batch lookup; `None` for a job that is left to its lookup.
async fn batch(kind: &'static Kind, server: &TestServer) -> [Option<State>; 2] {
    let client = client(&CLOUD, server, &server.transport());
    let references: [Reference; 2] =
        ["a", "b"].map(|name| reference(kind, &format!("{kind}/ci/{name}")));
    let rows = client.batch_get(&references, &get_options()).await;
    let Ok(rows) = rows else {
        return [None; 2];
    };
    [0, 1].map(|at| rows[at].as_ref().map(|row| row.job.state))
}

#[tokio::test]
async fn a_job_with_two_statuses_is_unknown_in_each_kind_of_lookup() {
    for (kind, plural, [failed, succeeded]) in watched_kinds() {
        for (statuses, expected) in [
            ([&failed, &succeeded], State::Unknown),
            ([&json!({}), &succeeded], State::Unknown),
            ([&succeeded, &succeeded], State::Succeeded),
        ] {
            let jobs = [object("a", &[&succeeded]), object("b", &statuses)];
            let items = format!(r#""items":[{}]"#, jobs.join(","));
            let server = serve(plural, jobs, items).await;
            let b = reference(kind, &format!("{kind}/ci/b"));
            let one = client(&CLOUD, &server, &server.transport());
            let found = one.get(&b, &get_options()).await.unwrap().job.state;
            assert_eq!(found, expected, "{kind} {statuses:?}");
            let found = batch(kind, &server).await;
            assert_eq!(
                found,
                [Some(State::Succeeded), Some(expected)],
                "{kind} {statuses:?}"
            );
        }
    }
}

#[tokio::test]
async fn a_list_with_two_lists_of_items_has_no_rows() {
    for (kind, plural, [failed, succeeded]) in watched_kinds() {
        let of = |status: &Value| ["a", "b"].map(|name| object(name, &[status]));
        let items = |status: &Value| format!(r#""items":[{}]"#, of(status).join(","));
        let both = format!("{},{}", items(&failed), items(&succeeded));
        let server = serve(plural, of(&failed), both).await;
        assert_eq!(batch(kind, &server).await, [None; 2], "{kind}");
        let both = format!("{0},{0}", items(&succeeded));
        let server = serve(plural, of(&succeeded), both).await;
        assert_eq!(
            batch(kind, &server).await,
            [Some(State::Succeeded); 2],
            "{kind}"
        );
    }
}
