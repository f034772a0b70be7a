//! Jobs (`batch/v1`) with their pods.

mod many;
mod response;

use async_trait::async_trait;

use super::object::ObjectList;
use super::objects::{self, Resource};
use super::pod::{self, PodObject, PodTask};
use super::{Api, attach_raw, events, list, logs, path};
use crate::crypto::percent_encode;
use crate::error::{Category, Problem};
use crate::kind::{
    Kind, ListOrder, ListSpec, Operation, Segment, StateTable, StateWords, Template, UnlistedField,
};
use crate::model::{Notice, NoticeCode, State, Task};
use crate::providers::lenient;
use crate::providers::shapes::schema_of;
use crate::providers::{
    Cursor, Filter, GetOptions, GetResult, KindOps, LogChunk, LogRequest, Page,
};
use crate::reference::{Reference, Scope};
use response::{JobDetails, JobObject};

/// Jobs.
pub static JOB: Kind = Kind::new(
    Template::new(
        ["kubernetes", "k8s"],
        ["job", "job"],
        &[
            Segment::with_setting("NAMESPACE", "namespace"),
            Segment::required("JOB"),
        ],
        "kubernetes/job/train/ok",
    )
    .with_scope_segments(0),
    &[
        StateTable {
            notes: &[
                ("Pending", "no condition: no pod has a node"),
                ("Starting", "no condition: no pod is ready"),
                ("Running", "no condition: a pod is ready or runs"),
                (
                    "Terminating",
                    "no condition: it is being deleted; once deleted it is canceled",
                ),
            ],
            ..StateTable::new("job", STATES)
        },
        StateTable::new("pod", pod::STATES),
    ],
    GET,
)
.with_summary("Job of a Kubernetes cluster, with its pods")
.with_details(&[schema_of::<JobDetails>], &[])
.with_list(
    ListSpec::new(LIST, ListOrder::Unsorted)
        .with_selector()
        .without(&[UnlistedField::User]),
)
.with_logs(logs::LOGS)
.with_watch();

const OBJECTS: Resource = Resource {
    list: &LIST,
    watch: "WatchNamespacedJob",
    path: (API, RESOURCE),
    read: |body, reference, api, options| {
        let job: JobObject = lenient::decode_response(body)?;
        job.check_name(reference)?;
        let mut found = job.into_result(reference, api);
        attach_raw(&mut found, body, options);
        Ok(found)
    },
};

const GET: Operation = Operation::new(
    "ReadNamespacedJob",
    "batch/v1 ReadNamespacedJob, core/v1 ListNamespacedPod, ListNamespacedEvent",
    "get on jobs.batch, list on pods and events",
);

const LIST: Operation = Operation::new(
    "ListNamespacedJob",
    "batch/v1 ListNamespacedJob",
    "list on jobs.batch",
);

/// The conditions of a job, and what a job without one is.
const STATES: StateWords = &[
    ("Complete", State::Succeeded),
    ("Failed", State::Failed),
    ("FailureTarget", State::Stopping),
    ("SuccessCriteriaMet", State::Stopping),
    ("Suspended", State::Pending),
    ("Terminating", State::Stopping),
    ("Running", State::Running),
    ("Starting", State::Starting),
    ("Pending", State::Pending),
];

const API: &str = "/apis/batch/v1";
const RESOURCE: &str = "jobs";

/// So many pods of a job are read at most.
const MAX_PODS: &str = "500";

/// The events of so many pods that are not well are read at most; each costs a request.
const MAX_PODS_WITH_EVENTS: usize = 5;

/// The operations on jobs.
pub(super) struct Jobs;

#[async_trait]
impl KindOps<Api> for Jobs {
    fn kind(&self) -> &'static Kind {
        &JOB
    }

    /// A job with its pods as tasks, and the events of both.
    async fn get(
        &self,
        api: &Api,
        reference: &Reference,
        options: &GetOptions,
    ) -> Result<GetResult, Problem> {
        if let Some(gone) = objects::last_seen(api, &OBJECTS, reference, options) {
            return Ok(gone);
        }
        let namespace = reference.segment("NAMESPACE").unwrap_or_default();
        let path = format!(
            "{}/{}",
            path(API, Some(namespace), RESOURCE),
            percent_encode(reference.id())
        );
        let mut parts = None;
        let decode = |body: &[u8]| {
            let job: JobObject = lenient::decode_response(body)?;
            job.check_name(reference)?;
            parts = Some((job.pod_selector(), job.uid()));
            let mut found = job.into_result(reference, api);
            attach_raw(&mut found, body, options);
            Ok::<_, String>(found)
        };
        let called = api.call(GET.name, &path, &[], options, decode).await;
        let mut found = called?.into_result();
        let (selector, uid) = parts.expect("the response of a success was decoded");
        let query = [("labelSelector", selector.as_str()), ("limit", MAX_PODS)];
        let pods = super::path("/api/v1", Some(namespace), pod::RESOURCE);
        let pods = api
            .call(pod::LIST.name, &pods, &query, options, decode_pods)
            .await;
        let mut uids: Vec<String> = uid.into_iter().collect();
        match pods {
            Ok(read) => {
                let Pods {
                    pods,
                    has_more,
                    are_all,
                } = read.data;
                found.notices.extend(read.unreadable);
                if has_more {
                    let text = format!("only {MAX_PODS} pods of {reference} were read");
                    found
                        .notices
                        .push(Notice::new(NoticeCode::PartsUnread, text));
                }
                let bad = pods.iter().filter(|pod| !is_well(&pod.task));
                uids.extend(
                    bad.filter_map(|pod| pod.uid.clone())
                        .take(MAX_PODS_WITH_EVENTS),
                );
                // One that is active has pods.
                let are_all = are_all && !pods.is_empty();
                response::add_pods(&mut found.job, pods, are_all);
            }
            Err(problem) => {
                found
                    .notices
                    .push(events::unread("pods", &found.job, &problem));
                let are_all = problem.category != Category::InvalidResponse;
                response::add_pods(&mut found.job, Vec::new(), are_all);
            }
        }
        let uids: Vec<&str> = uids.iter().map(String::as_str).collect();
        events::add(api, namespace, &uids, &mut found, options).await;
        response::explain_by_events(&mut found.job);
        Ok(found)
    }

    /// The jobs without their events, and with the pods of those whose state they decide.
    async fn batch_get(
        &self,
        api: &Api,
        references: &[Reference],
        options: &GetOptions,
    ) -> Result<Option<Vec<Option<GetResult>>>, Problem> {
        let mut rows = objects::get_many(api, &OBJECTS, references, options).await?;
        many::add_pods(api, &mut rows, options).await;
        let found = rows.into_iter().map(|row| Some(row?.found));
        Ok(Some(found.collect()))
    }

    async fn list(
        &self,
        api: &Api,
        scope: &Scope,
        filter: &Filter,
        at: Cursor,
        options: &GetOptions,
    ) -> Result<Page, Problem> {
        let list = list::ListCall {
            operation: &LIST,
            resource: (API, RESOURCE),
            address: JobObject::address,
            read: |job: JobObject, reference: &Reference| job.into_result(reference, api),
        };
        list.page(api, scope, filter, at, options).await
    }

    async fn read_log(
        &self,
        api: &Api,
        request: LogRequest<'_>,
        options: &GetOptions,
    ) -> Result<LogChunk, Problem> {
        logs::read(api, request, options).await
    }
}

/// The pods of a list.
struct Pods {
    pods: Vec<PodTask>,
    /// True when there are more.
    has_more: bool,
    /// False when some could not be read.
    are_all: bool,
}

fn decode_pods(body: &[u8]) -> Result<Pods, String> {
    let list: ObjectList<PodObject> = lenient::decode_response(body)?;
    let mut pods = list.items.rows("items", None)?;
    let count = pods.len();
    pods.retain(|pod| pod.name().is_some());
    let are_all = pods.len() == count;
    let pods = pods.into_iter().map(|pod| pod.into_task(&mut Vec::new()));
    Ok(Pods {
        pods: pods.collect(),
        has_more: list.metadata.0.r#continue.trimmed().is_some(),
        are_all,
    })
}

/// True where the events of a pod explain nothing.
fn is_well(pod: &Task) -> bool {
    pod.state == State::Succeeded || (pod.state == State::Running && pod.reason.is_none())
}

#[cfg(test)]
mod tests;
