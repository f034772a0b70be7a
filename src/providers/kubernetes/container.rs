//! Converts the containers of a pod: their specification and their status.

use serde::Deserialize;

use super::evidence::{CheckedObject, is_unreadable};
use super::object::quantity;
use crate::model::{self, EnvVar, Mount, Port, Resources, State, Termination};
use crate::providers::lenient::{
    Checked, DefaultObject, Flag, Int, List, Map, OptionalObject, Required, Text, Timestamp, Words,
};
use crate::providers::states::ExitOutcome;

/// Reasons for waiting that are part of every start.
const NORMAL_WAITS: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// The specification of a container.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ContainerSpec {
    name: Text,
    image: Text,
    image_pull_policy: Text,
    command: Words,
    args: Words,
    working_dir: Text,
    env: List<EnvEntry>,
    ports: List<ContainerPort>,
    volume_mounts: List<VolumeMount>,
    resources: DefaultObject<ContainerResources>,
    /// `Always` for an init container that runs next to the others.
    restart_policy: Text,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct EnvEntry {
    name: Text,
    value: Text,
    value_from: OptionalObject<ValueFrom>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ValueFrom {
    field_ref: OptionalObject<FieldRef>,
    resource_field_ref: OptionalObject<FieldRef>,
    secret_key_ref: OptionalObject<KeyRef>,
    config_map_key_ref: OptionalObject<KeyRef>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct FieldRef {
    field_path: Text,
    resource: Text,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct KeyRef {
    name: Text,
    key: Text,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ContainerPort {
    container_port: Int,
    protocol: Text,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct VolumeMount {
    name: Text,
    mount_path: Text,
    sub_path: Text,
    read_only: Flag,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ContainerResources {
    limits: Map<Text>,
    requests: Map<Text>,
}

/// The status of a container.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct ContainerStatus {
    name: Text,
    ready: Flag,
    restart_count: Int,
    state: CheckedObject<ContainerState>,
    last_state: DefaultObject<ContainerState>,
}

/// The state of a container: one of these is set.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ContainerState {
    waiting: Required<OptionalObject<StateFields>>,
    running: Required<OptionalObject<StateFields>>,
    terminated: Required<OptionalObject<StateFields>>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct StateFields {
    reason: Checked<Text>,
    message: Text,
    exit_code: Int,
    signal: Checked<Int>,
    started_at: Timestamp,
    finished_at: Timestamp,
}

impl ContainerStatus {
    /// Returns `true` if its name and the type of its state can be read.
    pub fn is_readable(&self) -> bool {
        self.name.trimmed().is_some() && !self.state.is_unreadable
    }
}

/// Converts containers, each with its status. An init container that only has a status is included.
pub(super) fn containers(
    specs: List<ContainerSpec>,
    statuses: List<ContainerStatus>,
    are_init: bool,
) -> Vec<model::Container> {
    let List(mut statuses) = statuses;
    let mut containers = Vec::new();
    for spec in specs.0 {
        let is_own = |status: &ContainerStatus| status.name.trimmed() == spec.name.trimmed();
        let index = statuses.iter().position(is_own);
        let status = index.map(|at| statuses.swap_remove(at)).unwrap_or_default();
        containers.push(spec.into_model(status, are_init));
    }
    let others = statuses.into_iter().filter(|_| are_init);
    containers.extend(others.map(|status| {
        let name = status.name.clone();
        let spec = ContainerSpec {
            name,
            ..ContainerSpec::default()
        };
        spec.into_model(status, true)
    }));
    containers
}

/// Returns `true` if no main container of a pod runs, and one waits or has failed. A container without a state
/// could be running.
pub(super) fn are_down(main: &[model::Container]) -> bool {
    let runs = |one: &model::Container| one.state_raw.is_none() || one.state == State::Running;
    !main.iter().any(runs) && !main.iter().all(is_done)
}

/// Returns `true` if a container has ended with exit code 0.
pub(super) fn is_done(container: &model::Container) -> bool {
    container.state == State::Succeeded
        && container.exit_code == Some(0)
        && container.signal.is_none()
}

/// Returns `true` if a container waits for a reason that is not part of a normal start.
pub(super) fn is_stuck(container: &model::Container) -> bool {
    let reason = container.reason.as_deref();
    container.state == State::Pending
        && reason.is_some_and(|reason| !NORMAL_WAITS.contains(&reason))
}

/// Describes the failure of a container: `container main: OOMKilled, exit code 137`.
pub(super) fn failure(container: &model::Container) -> Option<String> {
    let code = container.exit_code.filter(|code| *code != 0)?;
    let name = container.name.as_deref().unwrap_or("?");
    let reason = container.reason.as_deref().unwrap_or("Error");
    let message = container.message.as_deref().map(str::trim);
    let message = message.filter(|message| !message.is_empty());
    let message = message.map_or_else(String::new, |message| format!(": {message}"));
    Some(format!(
        "container {name}: {reason}, exit code {code}{message}"
    ))
}

/// Returns the total resources of the containers that run at the same time.
pub(super) fn total(containers: &[model::Container]) -> Resources {
    let main = containers
        .iter()
        .filter(|one| !one.init)
        .map(|one| &one.resources);
    let sum = |amount: fn(&Resources) -> Option<u64>| {
        main.clone().filter_map(amount).reduce(u64::saturating_add)
    };
    Resources {
        cpu: main
            .clone()
            .filter_map(|one| one.cpu)
            .reduce(|one, other| one + other),
        memory_bytes: sum(|one| one.memory_bytes),
        ephemeral_storage_bytes: sum(|one| one.ephemeral_storage_bytes),
        accelerators: sum(|one| one.accelerators),
        accelerator_type: main.clone().find_map(|one| one.accelerator_type.clone()),
    }
}

impl ContainerSpec {
    fn into_model(self, status: ContainerStatus, is_init: bool) -> model::Container {
        let is_sidecar = self.restart_policy.trimmed() == Some("Always");
        let current = status.state.value.into_model();
        let DefaultObject(resources) = self.resources;
        model::Container {
            name: self.name.0,
            init: is_init && !is_sidecar,
            is_sidecar: is_init && is_sidecar,
            image: self.image.0,
            image_pull_policy: self.image_pull_policy.0,
            command: self.command.0,
            args: self.args.0,
            working_dir: self.working_dir.0,
            env: self.env.0.into_iter().map(EnvVar::from).collect(),
            ports: self.ports.0.into_iter().map(Port::from).collect(),
            mounts: self.volume_mounts.0.into_iter().map(Mount::from).collect(),
            resources: resources.into_model(),
            ready: status.ready.0,
            restart_count: status.restart_count.unsigned(),
            previous: status.last_state.0.into_termination().map(Box::new),
            state: current.state,
            state_raw: current.state_raw,
            exit_code: current.exit_code,
            signal: current.signal,
            reason: current.reason,
            message: current.message,
            started_at: current.started_at,
            finished_at: current.finished_at,
            ..model::Container::default()
        }
    }
}

impl ContainerState {
    fn into_model(self) -> Termination {
        let running = fields(self.running).map(|fields| ("running", fields));
        let waiting = fields(self.waiting).map(|fields| ("waiting", fields));
        let terminated = fields(self.terminated).map(|fields| ("terminated", fields));
        let is_failed = |fields: &StateFields| fields.exit_code.not_zero().is_some();
        // A state next to a termination contradicts its success.
        let active = running.or(waiting);
        let present = match &terminated {
            Some((_, fields)) if is_failed(fields) => terminated,
            _ => active.or(terminated),
        };
        let Some((word, fields)) = present else {
            return Termination::default();
        };
        let exit_code = fields.exit_code.0.filter(|_| word == "terminated");
        Termination {
            state: match word {
                "waiting" => State::Pending,
                "running" => State::Running,
                _ => {
                    let is_readable =
                        !fields.signal.is_unreadable && !is_unreadable(&fields.reason);
                    let code = exit_code.filter(|code| *code != 0 || is_readable);
                    ExitOutcome::from_exit_code(code).state()
                }
            },
            state_raw: Some(word.to_owned()),
            exit_code,
            signal: fields.signal.value.not_zero(),
            reason: fields.reason.value.0,
            message: fields.message.0,
            detail_status: None,
            started_at: fields.started_at.utc(),
            finished_at: fields.finished_at.utc(),
        }
    }

    /// Returns the state, if there was one.
    fn into_termination(self) -> Option<Termination> {
        Some(self.into_model()).filter(|state| state.state_raw.is_some())
    }
}

/// Returns the fields of a state, without values if they cannot be read; `None` if it is absent.
fn fields(state: Required<OptionalObject<StateFields>>) -> Option<StateFields> {
    match state {
        Required::Present(OptionalObject(fields)) => fields.map(|fields| *fields),
        Required::Empty | Required::Unreadable => Some(StateFields::default()),
        Required::Missing | Required::Null => None,
    }
}

impl ContainerResources {
    /// Returns the requested amounts, or the limits where there is no request.
    fn into_model(self) -> Resources {
        let (Map(requests), Map(limits)) = (self.requests, self.limits);
        let amount = |name: &str| {
            let text = requests.get(name).or_else(|| limits.get(name))?;
            quantity(text.trimmed()?)
        };
        let mut extended = limits.iter().chain(&requests);
        let cards = extended.find(|(name, _)| name.contains('/'));
        let count = cards.and_then(|(_, count)| quantity(count.trimmed()?));
        Resources {
            cpu: amount("cpu"),
            memory_bytes: amount("memory").map(round_up),
            ephemeral_storage_bytes: amount("ephemeral-storage").map(round_up),
            accelerators: count.map(round_up),
            accelerator_type: cards.map(|(name, _)| name.clone()),
        }
    }
}

/// Converts a quantity to an integer, rounded up.
fn round_up(value: f64) -> u64 {
    value.ceil() as u64
}

impl From<EnvEntry> for EnvVar {
    fn from(variable: EnvEntry) -> Self {
        let key = |what: &str, from: OptionalObject<KeyRef>| {
            let from = from.0?;
            Some(format!(
                "{what} {}/{}",
                from.name.trimmed()?,
                from.key.trimmed()?
            ))
        };
        let source = variable.value_from.0.and_then(|from| {
            let field = from.field_ref.0.and_then(|field| field.field_path.0);
            let resource = from.resource_field_ref.0.and_then(|field| field.resource.0);
            let of_secret = key("secret", from.secret_key_ref);
            let of_config = key("configmap", from.config_map_key_ref);
            field.or(resource).or(of_secret).or(of_config)
        });
        Self {
            name: variable.name.0,
            value: variable.value.0,
            value_from: source,
        }
    }
}

impl From<ContainerPort> for Port {
    fn from(port: ContainerPort) -> Self {
        Self {
            port: port.container_port.0,
            protocol: port.protocol.0,
            access_url: None,
        }
    }
}

impl From<VolumeMount> for Mount {
    fn from(mount: VolumeMount) -> Self {
        Self {
            name: mount.name.0,
            path: mount.mount_path.0,
            sub_path: mount.sub_path.0,
            read_only: mount.read_only.0,
            ..Self::default()
        }
    }
}
