//! Container instances.

mod details;
mod list;

use super::envelope::decode_data;
use super::{Api, REGION_TOKEN};
use crate::crypto::percent_encode;
use crate::http::RequestError;
use crate::model::{Address, Container, Mount, Port};
use crate::providers::prelude::*;
use crate::secret::{MASK, mask_arguments};
use details::{InstanceDetails, StartScript, Tensorboard};

pub(super) use list::ListState;
#[cfg(test)]
pub(super) use list::{ListParams, ListVariant, list_request};

/// Container instances.
pub static INSTANCE: Kind = Kind::new(
    Template::new(
        ["sugon", "scnet"],
        ["instance", "inst"],
        &[Segment::required("INSTANCE")],
        "sugon/instance/8a85c1f2c6b34b5f8e2d9a7b6c5d4e3f",
    ),
    &[
        StateTable::new("job", STATES).with_user_states(),
        StateTable::new("notebook", &[]),
        StateTable::new("container", &[]),
    ],
    GET,
)
.with_summary("Container instance of the SCNet AI platform")
.with_details(&[schema_of::<InstanceDetails>], &[])
.without_logs("open the instance in the console, or read the files that its program writes")
.with_list(
    ListSpec::new(LIST, ListOrder::NewestFirst)
        .without(&[UnlistedField::User, UnlistedField::Queue]),
);

/// Tells all about one instance; the vendor gives it no name.
pub(super) const GET: Operation = Operation::new(
    "InstanceServiceDetail",
    "GET /ai/openapi/v2/instance-service/{id}/detail",
    REGION_TOKEN,
);

/// Lists instances; the vendor gives it no name.
pub(super) const LIST: Operation = Operation::new(
    "ListInstances",
    "GET /ai/openapi/v2/instance-service/task",
    REGION_TOKEN,
);

/// The six words of the list call's filter; the detail page names none.
pub(super) const STATES: StateWords = &[
    ("Waiting", State::Pending),
    ("Deploying", State::Starting),
    ("Running", State::Running),
    ("Completed", State::Succeeded),
    ("Failed", State::Failed),
    ("Terminated", State::Canceled),
];

/// The operations on instances.
pub(super) struct Instances;

#[async_trait]
impl KindOps<Api> for Instances {
    async fn get(&self, api: &Api, lookup: GetRequest<'_>) -> Result<GetResult, Problem> {
        let region = &api.home;
        let request = region.request(GET.name, &path(lookup.reference));
        let decode = |body: &[u8]| decode(body, lookup, region.clock);
        let found = region
            .call(request, lookup.options.deadline, decode)
            .await?;
        Ok(found.into_result())
    }

    async fn list(&self, api: &Api, list: ListRequest<'_>) -> Result<Page, Problem> {
        list::list(api, list).await
    }
}

pub(super) fn path(reference: &Reference) -> String {
    let id = percent_encode(reference.id());
    format!("/ai/openapi/v2/instance-service/{id}/detail")
}

#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Instance {
    id: Text,
    instance_service_name: Text,
    status: Text,
    task_type: Text,
    accelerator_type: Text,
    gpu_number: Int,
    cpu_number: Num,
    ram_size: Num,
    resource_group: Text,
    resource_spec: Text,
    task_number: Int,
    current_index: Int,
    timeout_limit: Text,
    create_time: Timestamp,
    start_time: Timestamp,
    end_time: Timestamp,
    duration: Text,
    remaining_time: Text,
    user_name: Text,
    version: Text,
    image_path: Text,
    description: Text,
    header_notebook_id: Text,
    header_notebook_ip: Text,
    tensorboard_id: Text,
    tensorboard_path: Text,
    mount_info_list: List<MountInfo>,
    container_port_info_list: List<PortInfo>,
    use_start_script: Flag,
    start_script_action_scope: Text,
    start_script_path: Text,
    start_script_content: Text,
}

#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct MountInfo {
    source_path: Text,
    target_path: Text,
    r#type: Text,
}

#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PortInfo {
    access_url: Text,
    container_port: Int,
    protocol_type: Text,
}

/// Decodes a response without a failure.
///
/// # Errors
/// What was expected and not there, such as an instance with the requested id; `not_found`
/// for the documented success around no data, which is how this cloud says so.
pub(super) fn decode(
    body: &[u8],
    lookup: GetRequest<'_>,
    clock: WallClock,
) -> Result<GetResult, DecodeError> {
    let Some(instance) = decode_data::<Instance>(body, "an instance")? else {
        let mut missing = RequestError::new(Category::NotFound, "instance not found");
        missing.hint =
            Some("check the id, and that the token is one of the instance's region".to_owned());
        return Err(DecodeError::Failed(Box::new(missing)));
    };
    let matches = |id: &str| id.eq_ignore_ascii_case(lookup.reference.id());
    if !instance.id().is_some_and(matches) {
        return Err("the requested id".to_owned().into());
    }
    let mut notices = Vec::new();
    let mut job = job(instance, lookup, clock, &mut notices);
    raw::attach_raw(&mut job, &mut notices, body, lookup.options);
    Ok(GetResult { job, notices })
}

fn job(
    mut instance: Instance,
    lookup: GetRequest<'_>,
    clock: WallClock,
    notices: &mut Vec<Notice>,
) -> Job {
    let reading = states::normalize(
        STATES,
        &lookup.options.states,
        instance.status.trimmed(),
        "sugon/instance",
        notices,
    );
    let is_silent = reading.raw.is_none();
    let times = [
        &instance.create_time,
        &instance.start_time,
        &instance.end_time,
    ];
    clock.note_assumed("sugon", times, notices);
    let [created_at, started_at, finished_at] = times.map(|time| clock.at(time));
    let task = notebook(&mut instance);
    Job {
        name: instance.instance_service_name.0.take(),
        state: reading.state,
        state_raw: reading.raw,
        ended: reading.ended,
        reason: is_silent.then(|| "no status".to_owned()),
        message: is_silent.then(|| "the response has no status".to_owned()),
        user: instance.user_name.0.take(),
        queue: instance.resource_group.0.take(),
        created_at,
        started_at,
        finished_at,
        resources: Resources {
            cpu: instance.cpu_number.0,
            memory_bytes: instance.ram_size.0.and_then(bytes_of_mebibytes),
            accelerators: instance.gpu_number.unsigned(),
            accelerator_type: instance.accelerator_type.0.take(),
            ..Resources::default()
        },
        tasks: task.into_iter().collect(),
        details: Some(Arc::new(details(instance, lookup.options.show_secrets))),
        ..job_at(lookup.reference, None)
    }
}

fn bytes_of_mebibytes(mebibytes: f64) -> Option<u64> {
    const MEBIBYTE: f64 = 1_048_576.0;
    let bytes = mebibytes * MEBIBYTE;
    // Beyond 2^53 bytes a float no longer holds every whole number, and no machine has them.
    (0.0..=9_007_199_254_740_992.0)
        .contains(&bytes)
        .then_some(bytes as u64)
}

impl Instance {
    /// The id of the instance.
    pub(super) fn id(&self) -> Option<&str> {
        self.id.trimmed()
    }

    /// The instance as far as the list reports it.
    fn into_row(self, lookup: GetRequest<'_>, clock: WallClock) -> GetResult {
        let mut notices = Vec::new();
        let job = job(self, lookup, clock, &mut notices);
        GetResult { job, notices }
    }
}

/// The one part of which the response reports: address, image, ports and mounts.
fn notebook(instance: &mut Instance) -> Option<Task> {
    let ports: Vec<Port> = std::mem::take(&mut instance.container_port_info_list.0)
        .into_iter()
        .map(|port| Port {
            port: port.container_port.0,
            protocol: port.protocol_type.0,
            access_url: port.access_url.0,
        })
        .collect();
    let mounts: Vec<Mount> = std::mem::take(&mut instance.mount_info_list.0)
        .into_iter()
        .map(|mount| Mount {
            path: mount.target_path.0,
            source_path: mount.source_path.0,
            kind: mount.r#type.0,
            ..Mount::default()
        })
        .collect();
    let id = instance.header_notebook_id.0.take();
    let address = instance.header_notebook_ip.0.take();
    let image = instance.image_path.0.take();
    let is_there = id.is_some()
        || address.is_some()
        || image.is_some()
        || !ports.is_empty()
        || !mounts.is_empty();
    is_there.then(|| Task {
        id,
        kind: "notebook".to_owned(),
        addresses: address
            .into_iter()
            .map(|address| Address {
                kind: "private".to_owned(),
                address,
            })
            .collect(),
        containers: vec![Container {
            image,
            ports,
            mounts,
            ..Container::default()
        }],
        ..Task::default()
    })
}

fn details(instance: Instance, show_secrets: bool) -> InstanceDetails {
    let mut script = StartScript {
        enabled: instance.use_start_script.0,
        scope: instance.start_script_action_scope.0,
        path: instance.start_script_path.0,
        content: instance.start_script_content.0,
    };
    if !show_secrets {
        mask_arguments(&mut script.path);
        script.content = script.content.map(|_| MASK.to_owned());
    }
    InstanceDetails {
        task_type: instance.task_type.0,
        task_count: instance.task_number.0,
        current_index: instance.current_index.0,
        time_limit: instance.timeout_limit.0,
        duration_text: instance.duration.0,
        remaining_text: instance.remaining_time.0,
        resource_spec: instance.resource_spec.0,
        description: instance.description.0,
        image_name: instance.version.0,
        tensorboard: Tensorboard {
            id: instance.tensorboard_id.0,
            path: instance.tensorboard_path.0,
        },
        start_script: script,
    }
}

#[cfg(test)]
mod tests;
