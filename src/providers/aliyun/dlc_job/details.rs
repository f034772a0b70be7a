//! `details` of PAI-DLC jobs, with the fields of the responses.

use super::super::details::detail_structs;
use crate::providers::lenient::Words;
use crate::providers::prelude::*;
use crate::secret::{MASK, mask_message, mask_text};

detail_structs! {
    /// `details` of an `aliyun/dlc-job`.
    #[schemars(rename = "AliyunDlcJob")]
    DlcJobDetails {
        /// Framework, such as `PyTorchJob`.
        job_type: Text,
        /// More detailed state, if there is one.
        sub_status: Text,
        /// Description that its owner wrote.
        description: Text,
        /// Command, with secrets in its arguments masked.
        #[serde(rename(deserialize = "UserCommand"))]
        command: Text,
        /// Working directory.
        working_dir: Text,
        /// Environment variables; values are masked.
        envs: Map<Text>,
        /// Workspace it belongs to.
        workspace_id: Text,
        /// Name of that workspace.
        workspace_name: Text,
        /// Account id of its owner.
        user_id: Text,
        /// Account that pays.
        tenant_id: Text,
        /// `PUBLIC` (visible in its workspace) or `PRIVATE`.
        accessibility: Text,
        /// Cluster it runs in.
        cluster_id: Text,
        /// Name of its resource group; `queue` is the id.
        resource_name: Text,
        /// Quota it uses; only lists report it.
        resource_quota_name: Text,
        /// Level of the quota.
        resource_level: Text,
        /// `ECS`, `Lingjun` or `ACS`.
        resource_type: Text,
        /// Time of submission, as the cloud writes it.
        #[serde(rename(deserialize = "GmtSubmittedTime"))]
        submitted_at: Text,
        /// Time it has run in seconds, as the cloud counts it.
        #[serde(rename(deserialize = "Duration"))]
        run_seconds: Int,
        /// Maximum run time in minutes; only lists report it.
        #[serde(rename(deserialize = "JobMaxRunningTimeMinutes"))]
        max_running_minutes: Int,
        /// Memory as the cloud writes it; its unit is documented only for lists.
        request_memory: Text,
        /// Number of restarts and its maximum: `1/10`.
        restart_times: Text,
        /// Number of nodes; only lists report it.
        node_count: Int,
        /// Names of the nodes.
        node_names: Words,
        /// True if its records were deleted.
        is_deleted: Flag,
        /// True if a debugger is enabled.
        #[serde(rename(deserialize = "EnabledDebugger"))]
        debugger: Flag,
        /// True if other jobs can preempt its resources.
        #[serde(rename(deserialize = "EnablePreemptibleJob"))]
        preemptible: Flag,
        /// True if it uses oversold resources.
        #[serde(rename(deserialize = "UseOversoldResource"))]
        oversold: Flag,
        /// Python packages that are installed before it starts.
        #[serde(rename(deserialize = "ThirdpartyLibs"))]
        packages: Words,
        /// Directory of a `requirements.txt`.
        #[serde(rename(deserialize = "ThirdpartyLibDir"))]
        package_dir: Text,
        /// Its pods by role.
        #[serde(rename(deserialize = "JobSpecs"))]
        specs: List<PodSpec>,
        /// Number of pods by role.
        #[serde(rename(deserialize = "JobReplicaStatuses"))]
        replicas: List<ReplicaStatus>,
        /// Its states so far.
        status_history: Checked<List<StatusPeriod>>,
        /// Its restarts.
        #[serde(rename(deserialize = "RestartRecord"))]
        restarts: List<Restart>,
        /// Source of its code.
        code_source: DefaultObject<CodeSource>,
        /// Data that it mounts.
        data_sources: List<DataSource>,
        /// Its network.
        user_vpc: DefaultObject<UserVpc>,
        /// Its settings.
        settings: DefaultObject<JobSettings>,
    } => {
        request_id: Text,
        job_id: Checked<Text>,
        display_name: Text,
        status: Checked<Text>,
        reason_code: Checked<Text>,
        reason_message: Checked<Text>,
        username: Text,
        resource_id: Text,
        priority: Int,
        #[serde(rename = "RequestCPU")]
        cpu: Num,
        #[serde(rename = "RequestGPU")]
        gpu: Num,
        gmt_create_time: Timestamp,
        gmt_running_time: Timestamp,
        gmt_finish_time: Timestamp,
        gmt_successed_time: Timestamp,
        gmt_failed_time: Checked<Timestamp>,
        gmt_stopped_time: Checked<Timestamp>,
        gmt_modified_time: Timestamp,
        pods: List<PodDetails>,
    }
    /// Pods of one role.
    #[schemars(rename = "AliyunDlcPodSpec")]
    PodSpec {
        /// Role, such as `Worker`.
        r#type: Text,
        /// Number of pods.
        pod_count: Int,
        /// Image address.
        image: Text,
        /// Machine type.
        ecs_spec: Text,
        /// `Always`, `Never` or `OnFailure`.
        restart_policy: Text,
        /// Resources of each pod.
        resource_config: DefaultObject<ResourceConfig>,
    }
    /// Resources of a pod, as the cloud writes them.
    #[schemars(rename = "AliyunDlcResources")]
    ResourceConfig {
        /// vCPU.
        #[serde(rename(deserialize = "CPU"))]
        cpu: Num,
        /// GPUs.
        #[serde(rename(deserialize = "GPU"))]
        gpu: Num,
        /// Type of the GPUs.
        #[serde(rename(deserialize = "GPUType"))]
        gpu_type: Text,
        /// Memory, such as `32Gi`.
        memory: Text,
        /// Shared memory, such as `16Gi`.
        shared_memory: Text,
    }
    /// Number of pods of one role by status.
    #[schemars(rename = "AliyunDlcReplicas")]
    ReplicaStatus {
        /// Role, such as `Worker`.
        r#type: Text,
        /// Running pods.
        active: Int,
        /// Pods in the queue.
        queuing: Int,
        /// Pods that have left the queue.
        dequeued: Int,
        /// All pods.
        estimated_pod_count: Int,
    }
    /// A past or current state of a job.
    #[schemars(rename = "AliyunDlcStatus")]
    StatusPeriod {
        /// The cloud's state word.
        status: Text,
        /// Start time, as the cloud writes it.
        start_time: Text,
        /// End time, as the cloud writes it.
        end_time: Text,
        /// Code of the reason.
        reason_code: Text,
        /// Message of the reason.
        reason_message: Text,
    }
    /// A restart of a job.
    #[schemars(rename = "AliyunDlcRestart")]
    Restart {
        /// Number of the restart.
        job_restart_count: Int,
        /// State of the job at the restart.
        occur_phase: Text,
        /// Time of the restart, as the cloud writes it.
        occur_time: Text,
        /// Reason of the restart.
        reason: Text,
        /// Status of the restart.
        restart_status: Text,
        /// `PodLevel` or `JobLevel`.
        restart_level_type: Text,
        /// Duration in seconds.
        restart_duration_in_sec: Int,
        /// Reason why the restart failed.
        restart_fail_reason: Text,
        /// Id of the cause.
        #[serde(rename(deserialize = "TriggerID"))]
        trigger_id: Text,
        /// Errors that led to it.
        #[serde(rename(deserialize = "DetailErrorInfoList"))]
        errors: List<RestartError>,
    }
    /// An error that led to a restart.
    #[schemars(rename = "AliyunDlcRestartError")]
    RestartError {
        /// The cloud's code.
        error_code: Text,
        /// Error message.
        error_msg: Text,
        /// Detailed error message.
        detail_error_msg: Text,
        /// Component that reported the error.
        error_source: Text,
        /// Node.
        node: Text,
        /// Pod.
        pod: Text,
        /// True for the error that caused the restart.
        trigger_restart: Flag,
        /// True if this job does not use the node again.
        add_job_level_blacklist: Flag,
        /// True if no job uses the node again.
        add_node_to_blacklist: Flag,
    }
    /// Source of a job's code.
    #[schemars(rename = "AliyunDlcCodeSource")]
    CodeSource {
        /// Id of the code source.
        code_source_id: Text,
        /// Branch.
        branch: Text,
        /// Commit.
        commit: Text,
        /// Path in the pods.
        mount_path: Text,
    }
    /// Data that a job mounts.
    #[schemars(rename = "AliyunDlcDataSource")]
    DataSource {
        /// Id of the data source.
        data_source_id: Text,
        /// Path in the pods.
        mount_path: Text,
        /// Location of the data.
        uri: Text,
    }
    /// Network of a job.
    #[schemars(rename = "AliyunDlcVpc")]
    UserVpc {
        /// Virtual private cloud.
        vpc_id: Text,
        /// VSwitch.
        switch_id: Text,
        /// Security group.
        security_group_id: Text,
        /// Network interface of the default route.
        default_route: Text,
        /// Additional address ranges that are reachable.
        extended_cidrs: Words,
    }
    /// Settings of a job.
    #[schemars(rename = "AliyunDlcSettings")]
    JobSettings {
        /// Client that submitted it.
        caller: Text,
        /// Minutes for which its pods are kept after its end.
        #[serde(rename(deserialize = "JobReservedMinutes"))]
        reserved_minutes: Int,
        /// Condition under which its pods are kept.
        #[serde(rename(deserialize = "JobReservedPolicy"))]
        reserved_policy: Text,
        /// True if the cloud monitors it for errors.
        #[serde(rename(deserialize = "EnableErrorMonitoringInAIMaster"))]
        error_monitoring: Flag,
    } => {
        /// Tags, which become the `labels` of the job.
        tags: Map<Text>,
    }
    /// `details` of a pod.
    #[schemars(rename = "AliyunDlcPod")]
    PodDetails {
        /// Role, such as `Worker`.
        #[serde(rename(deserialize = "Type"))]
        role: Text,
        /// Id of the pod since its last restart.
        pod_uid: Text,
        /// `Normal` or `Evicted`.
        sub_status: Text,
        /// Type of the resources it uses.
        resource_type: Text,
        /// Time it has run in seconds, as the cloud counts it.
        #[serde(rename(deserialize = "Duration"))]
        run_seconds: Num,
        /// Supported types of profiling.
        #[serde(rename(deserialize = "supportedProfilingTypes"))]
        profiling: Text,
        /// Pods that earlier restarts replaced.
        #[serde(rename(deserialize = "HistoryPods"))]
        history: List<PastPod>,
    } => {
        pod_id: Text,
        status: Text,
        ip: Text,
        pod_ips: List<PodIp>,
        node_name: Text,
        gmt_create_time: Timestamp,
        gmt_start_time: Timestamp,
        gmt_finish_time: Timestamp,
    }
    /// A pod before a restart.
    #[schemars(rename = "AliyunDlcPastPod")]
    PastPod {
        /// Its id.
        pod_uid: Text,
        /// The cloud's word for its state.
        status: Text,
        /// `Normal` or `Evicted`.
        sub_status: Text,
        /// Its address.
        ip: Text,
        /// Start time, as the cloud writes it.
        #[serde(rename(deserialize = "GmtStartTime"))]
        started_at: Text,
        /// End time, as the cloud writes it.
        #[serde(rename(deserialize = "GmtFinishTime"))]
        finished_at: Text,
    } => {
        gmt_create_time: Timestamp,
    }
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct PodIp {
    pub(super) ip: Text,
}

impl DlcJobDetails {
    /// Masks fields that can contain secrets.
    pub(super) fn mask(&mut self) {
        let Map(envs) = &mut self.envs;
        let values = envs.values_mut().filter_map(|value| value.0.as_mut());
        values.for_each(|value| MASK.clone_into(value));
        for text in [&mut self.command, &mut self.description] {
            text.0 = text.0.as_deref().map(mask_text);
        }
        let reasons = self.status_history.value.0.iter_mut();
        let reasons = reasons.map(|period| &mut period.reason_message);
        let errors = self.restarts.0.iter_mut();
        let errors = errors.flat_map(|restart| &mut restart.errors.0);
        let errors = errors.flat_map(|error| [&mut error.error_msg, &mut error.detail_error_msg]);
        for message in reasons.chain(errors) {
            let masked = message.0.as_deref().map(mask_message);
            message.0 = masked.map(|text| text.into_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_in_messages_of_states_and_restarts_are_masked() {
        let message = || Text(Some("exit 1: password=s3cret-1".to_owned()));
        let mut details = DlcJobDetails {
            status_history: Checked {
                value: List(vec![StatusPeriod {
                    reason_message: message(),
                    ..StatusPeriod::default()
                }]),
                is_unreadable: false,
            },
            restarts: List(vec![Restart {
                errors: List(vec![RestartError {
                    error_msg: message(),
                    detail_error_msg: message(),
                    ..RestartError::default()
                }]),
                ..Restart::default()
            }]),
            ..DlcJobDetails::default()
        };
        details.mask();
        let text = serde_json::to_string(&details).unwrap();
        assert_eq!(text.matches("password=***").count(), 3, "{text}");
        assert!(!text.contains("s3cret"), "{text}");
    }
}
