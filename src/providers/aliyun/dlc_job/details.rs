//! What only jobs of PAI-DLC have, as responses contain it.

use super::super::details::detail_structs;
use crate::providers::lenient::Words;
use crate::providers::prelude::*;
use crate::secret::{MASK, mask_text};

detail_structs! {
    /// `details` of an `aliyun/dlc-job`.
    #[schemars(rename = "AliyunDlcJob")]
    DlcJobDetails {
        /// Framework, such as `PyTorchJob`.
        job_type: Text,
        /// Finer state, where there is one.
        sub_status: Text,
        /// Text of its owner.
        description: Text,
        /// What runs, with secrets in its arguments masked.
        #[serde(rename(deserialize = "UserCommand"))]
        command: Text,
        /// Folder it runs in.
        working_dir: Text,
        /// Its environment; values are masked.
        envs: Map<Text>,
        /// Workspace it belongs to.
        workspace_id: Text,
        /// Name of that workspace.
        workspace_name: Text,
        /// Account id of its owner.
        user_id: Text,
        /// Account that pays.
        tenant_id: Text,
        /// `PUBLIC` in its workspace, or `PRIVATE`.
        accessibility: Text,
        /// Cluster that it runs in.
        cluster_id: Text,
        /// Name of its resource group; `queue` is the id.
        resource_name: Text,
        /// Quota it uses; only lists report it.
        resource_quota_name: Text,
        /// Level of the quota.
        resource_level: Text,
        /// `ECS`, `Lingjun` or `ACS`.
        resource_type: Text,
        /// When it was submitted, as the cloud writes it.
        #[serde(rename(deserialize = "GmtSubmittedTime"))]
        submitted_at: Text,
        /// How long it has run, as the cloud counts it.
        #[serde(rename(deserialize = "Duration"))]
        run_seconds: Int,
        /// Longest time it may run; only lists report it.
        #[serde(rename(deserialize = "JobMaxRunningTimeMinutes"))]
        max_running_minutes: Int,
        /// Memory in the cloud's words; its unit is documented in lists only.
        request_memory: Text,
        /// How often it was restarted, and how often it may be: `1/10`.
        restart_times: Text,
        /// How many nodes it has; only lists report it.
        node_count: Int,
        /// Those nodes.
        node_names: Words,
        /// True where its records were deleted.
        is_deleted: Flag,
        /// True with a debugger.
        #[serde(rename(deserialize = "EnabledDebugger"))]
        debugger: Flag,
        /// True where other jobs may take its resources.
        #[serde(rename(deserialize = "EnablePreemptibleJob"))]
        preemptible: Flag,
        /// True where it uses resources that are promised to others.
        #[serde(rename(deserialize = "UseOversoldResource"))]
        oversold: Flag,
        /// Python packages that are installed first.
        #[serde(rename(deserialize = "ThirdpartyLibs"))]
        packages: Words,
        /// Folder of a `requirements.txt`.
        #[serde(rename(deserialize = "ThirdpartyLibDir"))]
        package_dir: Text,
        /// Its pods by role.
        #[serde(rename(deserialize = "JobSpecs"))]
        specs: List<PodSpec>,
        /// How many pods of each role there are.
        #[serde(rename(deserialize = "JobReplicaStatuses"))]
        replicas: List<ReplicaStatus>,
        /// The states it has been in.
        status_history: List<StatusPeriod>,
        /// Its restarts.
        #[serde(rename(deserialize = "RestartRecord"))]
        restarts: List<Restart>,
        /// Where its code comes from.
        code_source: DefaultObject<CodeSource>,
        /// Data that it mounts.
        data_sources: List<DataSource>,
        /// Its network.
        user_vpc: DefaultObject<UserVpc>,
        /// Its settings.
        settings: DefaultObject<JobSettings>,
    }
    /// Pods of one role.
    #[schemars(rename = "AliyunDlcPodSpec")]
    PodSpec {
        /// Role, such as `Worker`.
        r#type: Text,
        /// How many.
        pod_count: Int,
        /// Image address.
        image: Text,
        /// Machine type.
        ecs_spec: Text,
        /// `Always`, `Never` or `OnFailure`.
        restart_policy: Text,
        /// What each has.
        resource_config: DefaultObject<ResourceConfig>,
    }
    /// What a pod has, as the cloud writes it.
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
    /// Pods of one role by how they are.
    #[schemars(rename = "AliyunDlcReplicas")]
    ReplicaStatus {
        /// Role, such as `Worker`.
        r#type: Text,
        /// Running.
        active: Int,
        /// In the queue.
        queuing: Int,
        /// Out of the queue.
        dequeued: Int,
        /// All of them.
        estimated_pod_count: Int,
    }
    /// A state that a job was in.
    #[schemars(rename = "AliyunDlcStatus")]
    StatusPeriod {
        /// The cloud's word.
        status: Text,
        /// Since when, as the cloud writes it.
        start_time: Text,
        /// Until when.
        end_time: Text,
        /// Why, as a short word.
        reason_code: Text,
        /// Why, in a sentence.
        reason_message: Text,
    }
    /// A restart of a job.
    #[schemars(rename = "AliyunDlcRestart")]
    Restart {
        /// Its number.
        job_restart_count: Int,
        /// State in which it happened.
        occur_phase: Text,
        /// When, as the cloud writes it.
        occur_time: Text,
        /// Why.
        reason: Text,
        /// How it went.
        restart_status: Text,
        /// `PodLevel` or `JobLevel`.
        restart_level_type: Text,
        /// How long it took, in seconds.
        restart_duration_in_sec: Int,
        /// Why it failed.
        restart_fail_reason: Text,
        /// What caused it.
        #[serde(rename(deserialize = "TriggerID"))]
        trigger_id: Text,
        /// The errors behind it.
        #[serde(rename(deserialize = "DetailErrorInfoList"))]
        errors: List<RestartError>,
    }
    /// An error that led to a restart.
    #[schemars(rename = "AliyunDlcRestartError")]
    RestartError {
        /// The cloud's code.
        error_code: Text,
        /// What happened.
        error_msg: Text,
        /// The same in detail.
        detail_error_msg: Text,
        /// What reported it.
        error_source: Text,
        /// Node.
        node: Text,
        /// Pod.
        pod: Text,
        /// True for the error that caused the restart.
        trigger_restart: Flag,
        /// True when the job does not use the node again.
        add_job_level_blacklist: Flag,
        /// True when no job uses the node again.
        add_node_to_blacklist: Flag,
    }
    /// Where the code of a job comes from.
    #[schemars(rename = "AliyunDlcCodeSource")]
    CodeSource {
        /// The cloud's id.
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
        /// The cloud's id.
        data_source_id: Text,
        /// Path in the pods.
        mount_path: Text,
        /// Where it is stored.
        uri: Text,
    }
    /// Network of a job.
    #[schemars(rename = "AliyunDlcVpc")]
    UserVpc {
        /// Virtual private cloud.
        vpc_id: Text,
        /// Its switch.
        switch_id: Text,
        /// Security group.
        security_group_id: Text,
        /// Interface of the default route.
        default_route: Text,
        /// Address ranges that are reached as well.
        extended_cidrs: Words,
    }
    /// Settings of a job.
    #[schemars(rename = "AliyunDlcSettings")]
    JobSettings {
        /// What submitted it.
        caller: Text,
        /// How long its pods are kept after its end.
        #[serde(rename(deserialize = "JobReservedMinutes"))]
        reserved_minutes: Int,
        /// When its pods are kept.
        #[serde(rename(deserialize = "JobReservedPolicy"))]
        reserved_policy: Text,
        /// True when the cloud watches it for errors.
        #[serde(rename(deserialize = "EnableErrorMonitoringInAIMaster"))]
        error_monitoring: Flag,
    } => {
        /// They are the `labels` of the job.
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
        /// How it is paid for.
        resource_type: Text,
        /// How long it has run, as the cloud counts it.
        #[serde(rename(deserialize = "Duration"))]
        run_seconds: Num,
        /// Kinds of profiles that can be taken.
        #[serde(rename(deserialize = "supportedProfilingTypes"))]
        profiling: Text,
        /// The pod before each of its restarts.
        #[serde(rename(deserialize = "HistoryPods"))]
        history: List<PastPod>,
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
        /// When it began to run, as the cloud writes it.
        #[serde(rename(deserialize = "GmtStartTime"))]
        started_at: Text,
        /// When it ended, as the cloud writes it.
        #[serde(rename(deserialize = "GmtFinishTime"))]
        finished_at: Text,
    }
}

impl DlcJobDetails {
    /// Masks what may contain secrets.
    pub(super) fn mask(&mut self) {
        let Map(envs) = &mut self.envs;
        let values = envs.values_mut().filter_map(|value| value.0.as_mut());
        values.for_each(|value| MASK.clone_into(value));
        for text in [&mut self.command, &mut self.description] {
            text.0 = text.0.as_deref().map(mask_text);
        }
    }
}
