//! Container instances.

mod list;

use super::envelope::decode_data;
use super::{Api, CLOUD_NAME, REGION_TOKEN};
use crate::crypto::percent_encode;
use crate::model::{Address, Container, Mount, Port};
use crate::providers::prelude::*;
use crate::secret::{MASK, mask_arguments};

pub(super) use list::ListState;
#[cfg(test)]
pub(super) use list::{ListParams, ListVariant, list_request};

/// Container instances.
pub static INSTANCE: Kind = Kind {
    summary: "Container instance of the SCNet AI platform",
    has_events: false,
    logs: LogSupport::Unavailable(
        "open the instance in the console, or read the files that its program writes",
    ),
    list: Some(
        ListSpec::new(LIST, ListOrder::NewestFirst)
            .without(&[UnlistedField::User, UnlistedField::Queue]),
    ),
    ..Kind::new(
        Template::new(
            CLOUD_NAME,
            Name::new("instance", "inst"),
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
    .with_details(&[schema_of::<Instance>], &[])
};

/// Requests all details of an instance. The vendor has no name for this operation.
pub(super) const GET: Operation = Operation::new(
    "InstanceServiceDetail",
    "GET /ai/openapi/v2/instance-service/{id}/detail",
    REGION_TOKEN,
);

/// Lists instances. The vendor has no name for this operation.
pub(super) const LIST: Operation = Operation::new(
    "ListInstances",
    "GET /ai/openapi/v2/instance-service/task",
    REGION_TOKEN,
);

/// The six state words of the list's filter; the documentation of the lookup names none.
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
        let response = region.call(request, lookup.options.deadline, decode);
        response.await.map(Decoded::into_result)
    }

    async fn list(&self, api: &Api, list: ListRequest<'_>) -> Result<Page, Problem> {
        list::list(api, list).await
    }
}

pub(super) fn path(reference: &Reference) -> String {
    let id = percent_encode(reference.id());
    format!("/ai/openapi/v2/instance-service/{id}/detail")
}

detail_structs! { "camelCase" =>
    /// Fields that only a Sugon instance has.
    #[schemars(rename = "SugonInstance")]
    Instance {
        /// Type of the environment: `ssh`, `jupyter`, `codeserver`, `rstudio`.
        task_type: Text,
        /// Number of containers; `resources` are per container.
        #[serde(rename(deserialize = "taskNumber"))]
        task_count: Int,
        /// Current index of the container; the vendor does not explain it.
        current_index: Int,
        /// Time limit: `unlimited` or `HH:MM:SS`.
        #[serde(rename(deserialize = "timeoutLimit"))]
        time_limit: Text,
        /// Run time so far, as formatted by the cloud.
        #[serde(rename(deserialize = "duration"))]
        duration_text: Text,
        /// Remaining run time, as formatted by the cloud.
        #[serde(rename(deserialize = "remainingTime"))]
        remaining_text: Text,
        /// Description of the resources from the cloud.
        resource_spec: Text,
        /// Description from the owner.
        description: Text,
        /// Name of the image; the container's `image` is its address.
        #[serde(rename(deserialize = "version"))]
        image_name: Text,
        /// TensorBoard of the instance.
        #[serde(skip_deserializing)]
        #[schemars(!skip_deserializing)]
        tensorboard: Tensorboard,
        /// Script that runs when the instance starts.
        #[serde(skip_deserializing)]
        #[schemars(!skip_deserializing)]
        start_script: StartScript,
    } => {
        id: Text,
        instance_service_name: Text,
        status: Text,
        accelerator_type: Text,
        gpu_number: Int,
        cpu_number: Num,
        ram_size: Num,
        resource_group: Text,
        create_time: Timestamp,
        start_time: Timestamp,
        end_time: Timestamp,
        user_name: Text,
        image_path: Text,
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
    /// The TensorBoard of an instance.
    Tensorboard {
        /// Id, as assigned by the cloud.
        id: Text,
        /// Folder of the logs.
        path: Text,
    }
    /// Script that runs when an instance starts.
    StartScript {
        /// True if the script is used.
        enabled: Flag,
        /// Containers that run the script: `all`, or `header` for the first one.
        scope: Text,
        /// Path, with masked arguments.
        path: Text,
        /// Content; masked unless secrets were requested.
        content: Text,
    }
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct MountInfo {
    source_path: Text,
    target_path: Text,
    r#type: Text,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PortInfo {
    access_url: Text,
    container_port: Int,
    protocol_type: Text,
}

/// Decodes a response without a failure.
///
/// # Errors
/// A description of what is missing in the response, such as an instance with the requested id; `not_found` if a
/// success contains no data, which is how this cloud reports a missing instance.
pub(super) fn decode(
    body: &[u8],
    lookup: GetRequest<'_>,
    clock: WallClock,
) -> Result<GetResult, DecodeError> {
    let Some(instance) = decode_data::<Instance>(body, "an instance")? else {
        let hint = "check the id, and that the token is one of the instance's region";
        return Err(DecodeError::not_found("instance not found", Some(hint)));
    };
    let matches = |id: &str| id.eq_ignore_ascii_case(lookup.reference.id());
    if !instance.id().is_some_and(matches) {
        return Err("the requested id".to_owned().into());
    }
    let result = instance.into_result(lookup, clock);
    Ok(result.with_raw(body, lookup.options))
}

impl Instance {
    /// Returns the id of the instance.
    pub(super) fn id(&self) -> Option<&str> {
        self.id.trimmed()
    }

    /// Converts an instance from a lookup or a list.
    fn into_result(mut self, lookup: GetRequest<'_>, clock: WallClock) -> GetResult {
        let mut notices = Vec::new();
        let state = lookup.job_state(self.status.trimmed(), &mut notices);
        let is_silent = state.raw.is_none();
        let times = [&self.create_time, &self.start_time, &self.end_time];
        clock.note_assumed("sugon", times, &mut notices);
        let [created_at, started_at, finished_at] = times.map(|time| clock.at(time));
        let task = self.take_notebook();
        let mut job = Job {
            name: self.instance_service_name.0.take(),
            reason: is_silent.then(|| "no status".into()),
            message: is_silent.then(|| "the response has no status".to_owned()),
            user: self.user_name.0.take(),
            queue: self.resource_group.0.take(),
            created_at,
            started_at,
            finished_at,
            resources: Resources {
                cpu: self.cpu_number.0,
                memory_bytes: self.ram_size.times(1 << 20),
                accelerators: self.gpu_number.unsigned(),
                accelerator_type: self.accelerator_type.0.take(),
                ..Resources::default()
            },
            tasks: task.into_iter().collect(),
            ..state.into_job(job_at(lookup.reference, None))
        };
        job.details = Some(Arc::new(self.into_details(lookup.options.show_secrets)));
        GetResult { job, notices }
    }

    /// Returns the only part that the response describes: address, image, ports and mounts.
    fn take_notebook(&mut self) -> Option<Task> {
        let ports = std::mem::take(&mut self.container_port_info_list.0).into_iter();
        let ports = ports.map(|port| Port {
            port: port.container_port.0,
            protocol: port.protocol_type.0,
            access_url: port.access_url.0,
        });
        let mounts = std::mem::take(&mut self.mount_info_list.0).into_iter();
        let mounts = mounts.map(|mount| Mount {
            path: mount.target_path.0,
            source_path: mount.source_path.0,
            kind: mount.r#type.0,
            ..Mount::default()
        });
        let container = Container {
            image: self.image_path.0.take(),
            ports: ports.collect(),
            mounts: mounts.collect(),
            ..Container::default()
        };
        let addresses = self.header_notebook_ip.0.take().into_iter();
        let task = Task {
            id: self.header_notebook_id.0.take(),
            kind: "notebook".to_owned(),
            addresses: addresses.map(Address::private).collect(),
            ..Task::default()
        };
        let is_there = task.id.is_some()
            || !task.addresses.is_empty()
            || container.image.is_some()
            || !container.ports.is_empty()
            || !container.mounts.is_empty();
        let containers = vec![container];
        is_there.then_some(Task { containers, ..task })
    }

    /// Returns the details that only an instance has.
    fn into_details(mut self, show_secrets: bool) -> Self {
        self.tensorboard = Tensorboard {
            id: std::mem::take(&mut self.tensorboard_id),
            path: std::mem::take(&mut self.tensorboard_path),
        };
        let content = self.start_script_content.0.take();
        self.start_script = StartScript {
            enabled: self.use_start_script,
            scope: std::mem::take(&mut self.start_script_action_scope),
            path: std::mem::take(&mut self.start_script_path),
            content: Text(match show_secrets {
                true => content,
                false => content.map(|_| MASK.to_owned()),
            }),
        };
        if !show_secrets {
            mask_arguments(&mut self.start_script.path.0);
        }
        self
    }
}

#[cfg(test)]
mod tests;
