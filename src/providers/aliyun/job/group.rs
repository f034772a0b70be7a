use super::cause::{explain_task, label};
use super::container::Container;
use super::details::{Billing, Dns, GroupDetails, HostAlias, NameValue, Network, Tenant};
use crate::collect::CollectExt as _;
use crate::model::{
    Address, ConfigFile, Details, Disk, EmptyDir, Event, Flex, Level, Nfs, Object, UnreadableTimes,
    Volume,
};
use crate::providers::event_order::time_in_name;
use crate::providers::prelude::*;
use crate::providers::states::{self, NormalizedState};
use std::collections::BTreeMap;

/// State words of a container group.
pub(in super::super) const STATES: StateWords = &[
    ("Pending", State::Starting),
    ("Scheduling", State::Starting),
    ("Running", State::Running),
    ("Updating", State::Running),
    ("Restarting", State::Running),
    ("Succeeded", State::Succeeded),
    ("Failed", State::Failed),
    ("ScheduleFailed", State::Failed),
    ("Expired", State::Failed),
    ("Terminating", State::Stopping),
];

/// Number of events per group that the cloud keeps.
pub(super) const MAX_EVENTS: usize = 50;

/// The groups of a job. A response can contain thousands.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// The groups.
    pub(super) tasks: Vec<Task>,
    /// Their events.
    pub(super) events: Vec<Event>,
    /// True if there may be more events that could not be read.
    pub(super) events_unreadable: bool,
    /// Labels of the groups whose older events may be missing.
    pub(super) truncated: Vec<String>,
}

impl Extend<Group> for Groups {
    fn extend<I: IntoIterator<Item = Group>>(&mut self, groups: I) {
        for mut group in groups {
            // An element without an id, such as null, can be a group whose events are lost.
            self.events_unreadable |= group.events_unreadable || group.task.id.is_none();
            if group.events.len() >= MAX_EVENTS {
                self.truncated.push(label(&group.task));
            }
            explain_task(&mut group.task, &group.events);
            self.tasks.push(group.task);
            self.events.append(&mut group.events);
        }
    }
}

/// A container group, converted to a task while it is decoded.
#[derive(Debug, Deserialize)]
#[serde(from = "ContainerGroup")]
pub(super) struct Group {
    /// The group.
    pub(super) task: Task,
    /// Its events.
    pub(super) events: Vec<Event>,
    /// True if there may be more events that could not be read.
    pub(super) events_unreadable: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ContainerGroup {
    container_group_id: Text,
    container_group_name: Text,
    status: Text,
    instance_type: Text,
    spot_strategy: Text,
    spot_price_limit: Num,
    cpu: Num,
    memory: Num,
    creation_time: Timestamp,
    succeeded_time: Timestamp,
    expired_time: Timestamp,
    failed_time: Timestamp,
    discount: Int,
    ephemeral_storage: Num,
    eni_instance_id: Text,
    internet_ip: Text,
    intranet_ip: Text,
    ipv6_address: Text,
    ram_role_name: Text,
    region_id: Text,
    resource_group_id: Text,
    restart_policy: Text,
    security_group_id: Text,
    #[serde(rename = "VSwitchId")]
    vswitch_id: Text,
    vpc_id: Text,
    zone_id: Text,
    tenant_eni_instance_id: Text,
    tenant_eni_ip: Text,
    tenant_security_group_id: Text,
    #[serde(rename = "TenantVSwitchId")]
    tenant_vswitch_id: Text,
    tags: List<Tag>,
    dns_config: OptionalObject<Dns>,
    eci_security_context: DefaultObject<EciSecurityContext>,
    host_aliases: List<HostAlias>,
    events: Required<List<GroupEvent>>,
    volumes: List<GroupVolume>,
    init_containers: List<Container>,
    containers: List<Container>,
}

impl From<ContainerGroup> for Group {
    fn from(group: ContainerGroup) -> Self {
        // Unrecognized states are reported once for the whole response, not for each group.
        let state = states::normalize(STATES, &[], group.status.trimmed());
        let id = group.container_group_id.0;
        let details = GroupDetails {
            succeeded_at: group.succeeded_time.utc(),
            failed_at: group.failed_time.utc(),
            expired_at: group.expired_time.utc(),
            billing: Billing {
                spot_strategy: group.spot_strategy.0,
                spot_price_limit: group.spot_price_limit.0,
                discount: group.discount.0,
            },
            network: Network {
                vpc_id: group.vpc_id.0,
                vswitch_id: group.vswitch_id.0,
                security_group_id: group.security_group_id.0,
                eni_instance_id: group.eni_instance_id.0,
                tenant: Tenant {
                    eni_instance_id: group.tenant_eni_instance_id.0,
                    eni_ip: group.tenant_eni_ip.0,
                    security_group_id: group.tenant_security_group_id.0,
                    vswitch_id: group.tenant_vswitch_id.0,
                },
                dns: group.dns_config,
                host_aliases: group.host_aliases,
            },
            ram_role_name: group.ram_role_name.0,
            resource_group_id: group.resource_group_id.0,
            region_id: group.region_id.0,
            sysctls: group.eci_security_context.0.sysctls,
        };
        let finished_at = finished_at(&state, &details);
        let addresses = addresses([
            ("public", group.internet_ip),
            ("private", group.intranet_ip),
            ("ipv6", group.ipv6_address),
        ]);
        let (events, events_unreadable) = events(group.events, id.as_ref());
        let init = group.init_containers.0.into_iter();
        let main = group.containers.0.into_iter();
        let task = Task {
            id,
            name: group.container_group_name.0,
            kind: "container_group".to_owned(),
            created_at: group.creation_time.utc(),
            finished_at,
            resources: resources(group.cpu, group.memory, group.ephemeral_storage),
            addresses,
            zone: group.zone_id.0,
            instance_type: group.instance_type.0,
            restart_policy: group.restart_policy.0,
            labels: labels(group.tags),
            containers: init
                .map(|container| container.into_model(true))
                .chain(main.map(|container| container.into_model(false)))
                .collect(),
            volumes: group.volumes.0.into_iter().map(Volume::from).collect(),
            details: (details != GroupDetails::default())
                .then(|| Arc::new(details) as Arc<dyn Details>),
            ..state.into_task()
        };
        Self {
            task,
            events,
            events_unreadable,
        }
    }
}

/// Returns the end time of a group, from the field for its state.
fn finished_at(state: &NormalizedState, details: &GroupDetails) -> Option<Time> {
    let raw = state.raw.as_deref();
    let is_expired = raw.is_some_and(|raw| raw.eq_ignore_ascii_case("Expired"));
    match state.state {
        State::Succeeded => details.succeeded_at,
        State::Failed if is_expired => details.expired_at,
        State::Failed => details.failed_at,
        _ => None,
    }
}

/// Returns the events, and whether there may be more that cannot be read.
fn events(events: Required<List<GroupEvent>>, task: Option<&String>) -> (Vec<Event>, bool) {
    let events = events.all_rows("Events");
    let is_unreadable = events.is_err();
    let events = events.unwrap_or_default().into_iter();
    let events = events.map(|event| event.into_model(task.cloned()));
    let events = EventOrder::OldestFirst.newest_first(events.collect());
    (events, is_unreadable)
}

fn resources(cpu: Num, memory: Num, ephemeral_storage: Num) -> Resources {
    Resources {
        cpu: cpu.0,
        memory_bytes: memory.times(1 << 30),
        ephemeral_storage_bytes: ephemeral_storage.times(1 << 30),
        ..Resources::default()
    }
}

fn addresses(by_kind: [(&str, Text); 3]) -> Vec<Address> {
    let known = by_kind.into_iter().filter_map(|(kind, address)| {
        Some(Address {
            kind: kind.to_owned(),
            address: address.0?,
        })
    });
    known.collect()
}

fn labels(tags: List<Tag>) -> BTreeMap<String, Option<String>> {
    let tags = tags.0.into_iter();
    tags.map(|tag| (tag.key.0.unwrap_or_default(), tag.value.0))
        .collect_map()
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Tag {
    key: Text,
    value: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct EciSecurityContext {
    sysctls: List<NameValue>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct GroupEvent {
    count: Int,
    first_timestamp: Timestamp,
    last_timestamp: Timestamp,
    message: Text,
    name: Text,
    reason: Text,
    r#type: Text,
}

impl GroupEvent {
    fn into_model(self, task: Option<String>) -> Event {
        Event {
            level: self.r#type.trimmed().and_then(Level::parse),
            level_raw: self.r#type.trimmed().map(str::to_owned),
            first_at: self.first_timestamp.utc(),
            last_at: self.last_timestamp.utc(),
            unreadable_times: UnreadableTimes {
                first: self.first_timestamp.into_unreadable(),
                last: self.last_timestamp.into_unreadable(),
            },
            recorded_at: self.name.0.as_deref().and_then(time_in_name),
            count: self.count.unsigned(),
            object: Object {
                kind: None,
                name: self.name.0,
            },
            task,
            reason: self.reason.0,
            message: self.message.0,
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct GroupVolume {
    name: Text,
    r#type: Text,
    #[serde(rename = "NFSVolumeServer")]
    nfs_volume_server: Text,
    #[serde(rename = "NFSVolumePath")]
    nfs_volume_path: Text,
    #[serde(rename = "NFSVolumeReadOnly")]
    nfs_volume_read_only: Flag,
    empty_dir_volume_medium: Text,
    empty_dir_volume_size_limit: Text,
    config_file_volume_config_file_to_paths: List<ConfigFileToPath>,
    disk_volume_disk_id: Text,
    disk_volume_fs_type: Text,
    flex_volume_driver: Text,
    flex_volume_fs_type: Text,
    flex_volume_options: Text,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ConfigFileToPath {
    path: Text,
    content: Text,
}

impl From<GroupVolume> for Volume {
    /// Keeps the fields of all volume types that are set, whatever `Type` is.
    fn from(volume: GroupVolume) -> Self {
        Self {
            name: volume.name.0,
            kind: volume.r#type.trimmed().map(str::to_owned),
            nfs: filled(Nfs {
                server: volume.nfs_volume_server.0,
                path: volume.nfs_volume_path.0,
                read_only: volume.nfs_volume_read_only.0,
            }),
            empty_dir: filled(EmptyDir {
                medium: volume.empty_dir_volume_medium.0,
                size_limit: volume.empty_dir_volume_size_limit.0,
            }),
            config_files: volume
                .config_file_volume_config_file_to_paths
                .0
                .into_iter()
                .map(|file| ConfigFile {
                    path: file.path.0,
                    content: file.content.0,
                })
                .collect(),
            disk: filled(Disk {
                id: volume.disk_volume_disk_id.0,
                fs_type: volume.disk_volume_fs_type.0,
            }),
            flex: filled(Flex {
                driver: volume.flex_volume_driver.0,
                fs_type: volume.flex_volume_fs_type.0,
                options: volume.flex_volume_options.0,
            }),
        }
    }
}

/// Returns the fields of a volume type, if any is set.
fn filled<T: Default + PartialEq>(branch: T) -> Option<Box<T>> {
    (branch != T::default()).then(|| Box::new(branch))
}

#[cfg(test)]
mod tests;
