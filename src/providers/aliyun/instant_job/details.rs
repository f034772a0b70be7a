//! `details` of E-HPC Instant jobs, with the fields of the responses.

use super::super::details::detail_structs;
use crate::providers::lenient::Words;
use crate::providers::prelude::*;
use crate::secret::{MASK, mask_text};
use std::collections::HashSet;

detail_structs! {
    /// `details` of an `aliyun/instant-job`.
    #[schemars(rename = "AliyunInstantJob")]
    InstantJobDetails {
        /// Description that its owner wrote.
        #[serde(rename(deserialize = "JobDescription"))]
        description: Text,
        /// `HPC` or `K8S`.
        #[serde(rename(deserialize = "JobScheduler"))]
        scheduler: Text,
        /// Application; only lists report it.
        app_name: Text,
        /// JSON text of the application.
        app_extra_info: Text,
        /// Number of tasks; only lists report it.
        task_count: Int,
        /// Number of executors; only lists report it.
        executor_count: Int,
        /// True for a task that runs until it is stopped; only lists report it.
        task_sustainable: Flag,
        /// Jobs that it waits for.
        dependency_policy: DefaultObject<Dependencies>,
        /// Where it runs.
        deployment_policy: DefaultObject<Deployment>,
        /// Its security groups.
        security_policy: DefaultObject<SecurityPolicy>,
        /// Its tasks; the `tasks` of the job are their executors.
        tasks: List<TaskDescription>,
    } => {
        job_id: Checked<Text>,
        job_name: Text,
        status: Checked<Text>,
        owner_uid: Text,
        create_time: Timestamp,
        start_time: Timestamp,
        end_time: Timestamp,
        tags: List<Tag>,
    }
    /// Jobs that a job waits for.
    #[schemars(rename = "AliyunInstantDependencies")]
    Dependencies {
        /// The jobs.
        #[serde(rename(deserialize = "JobDependency"))]
        jobs: List<Dependency>,
    }
    /// A job that another job waits for.
    #[schemars(rename = "AliyunInstantDependency")]
    Dependency {
        /// Its id.
        job_id: Text,
        /// Condition, such as `AfterSucceeded`.
        r#type: Text,
    }
    /// Where a job runs; its pool is the `queue` of the job, its tags are the `labels`.
    #[schemars(rename = "AliyunInstantDeployment")]
    Deployment {
        /// `Standard` or `Dedicated`.
        allocation_spec: Text,
        /// Level of the resources.
        level: Text,
        /// Its network.
        network: DefaultObject<Network>,
    } => {
        pool: Text,
        priority: Int,
        tags: List<Tag>,
    }
    /// Network of a job.
    #[schemars(rename = "AliyunInstantNetwork")]
    Network {
        /// VSwitches.
        #[serde(rename(deserialize = "Vswitch"))]
        vswitches: Words,
        /// True if it has public addresses.
        enable_external_ip_address: Flag,
        /// True if it has its own network interfaces.
        #[serde(rename(deserialize = "EnableENIMapping"))]
        enable_eni_mapping: Flag,
    }
    /// Security of a job.
    #[schemars(rename = "AliyunInstantSecurity")]
    SecurityPolicy {
        /// Its groups.
        security_group: DefaultObject<SecurityGroups>,
    }
    /// Security groups.
    #[schemars(rename = "AliyunInstantSecurityGroups")]
    SecurityGroups {
        /// Their ids.
        #[serde(rename(deserialize = "SecurityGroupIds"))]
        ids: Words,
    }
    /// A task of a job.
    #[schemars(rename = "AliyunInstantTask")]
    TaskDescription {
        /// Its name.
        task_name: Text,
        /// True for a task that runs until it is stopped.
        task_sustainable: Flag,
        /// Its executors.
        executor_policy: DefaultObject<ExecutorPolicy>,
        /// What each executor runs.
        task_spec: DefaultObject<TaskSpec>,
    } => {
        executor_status: List<Executor>,
    }
    /// Number of executors of a task.
    #[schemars(rename = "AliyunInstantExecutors")]
    ExecutorPolicy {
        /// Maximum number of executors.
        max_count: Int,
        /// Indices of the executors.
        array_spec: DefaultObject<ArraySpec>,
    }
    /// Indices of executors.
    #[schemars(rename = "AliyunInstantArray")]
    ArraySpec {
        /// First index.
        index_start: Int,
        /// Last index.
        index_end: Int,
        /// Difference between two consecutive indices.
        index_step: Int,
    }
    /// What an executor runs; its resources are also those of the job's `tasks`.
    #[schemars(rename = "AliyunInstantTaskSpec")]
    TaskSpec {
        /// Machines and disks.
        resource: DefaultObject<Machine>,
        /// When it is retried.
        retry_policy: DefaultObject<RetryPolicy>,
        /// Images and scripts.
        task_executor: List<TaskExecutor>,
        /// Its volumes.
        #[serde(rename(deserialize = "VolumeMount"))]
        volume_mounts: List<VolumeMount>,
    }
    /// Machine of an executor.
    #[schemars(rename = "AliyunInstantMachine")]
    Machine {
        /// vCPU.
        cores: Num,
        /// Memory in GiB.
        memory: Num,
        /// True if hyper-threading is enabled.
        #[serde(rename(deserialize = "EnableHT"))]
        hyper_threading: Flag,
        /// Prefix of its host names.
        host_name_prefix: Text,
        /// Machine types.
        instance_types: Words,
        /// Disks.
        disks: List<MachineDisk>,
    }
    /// Disk of a machine.
    #[schemars(rename = "AliyunInstantDisk")]
    MachineDisk {
        /// `System` or `Data`.
        r#type: Text,
        /// Size in GiB.
        size: Num,
    }
    /// When an executor is retried.
    #[schemars(rename = "AliyunInstantRetries")]
    RetryPolicy {
        /// Maximum number of retries.
        retry_count: Int,
        /// Actions for exit codes.
        exit_code_actions: List<ExitCodeAction>,
    }
    /// Action for an exit code.
    #[schemars(rename = "AliyunInstantExitCodeAction")]
    ExitCodeAction {
        /// Action, such as `Retry` or `Exit`.
        action: Text,
        /// The exit code.
        exit_code: Int,
    }
    /// What runs in an executor.
    #[schemars(rename = "AliyunInstantTaskExecutor")]
    TaskExecutor {
        /// Virtual machine.
        #[serde(rename(deserialize = "VM"))]
        vm: DefaultObject<VirtualMachine>,
    }
    /// Virtual machine of an executor.
    #[schemars(rename = "AliyunInstantVm")]
    VirtualMachine {
        /// Image id.
        image: Text,
        /// Script that runs first, in Base64; masked unless secrets were requested.
        prolog_script: Text,
        /// Script, in Base64; masked unless secrets were requested.
        script: Text,
    }
    /// Volume of an executor.
    #[schemars(rename = "AliyunInstantVolume")]
    VolumeMount {
        /// Path in the executor.
        mount_path: Text,
        /// Driver, such as `alicloud/nas`.
        volume_driver: Text,
        /// JSON text of the driver, with secrets masked.
        mount_options: Text,
    }
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Tag {
    pub(super) tag_key: Text,
    pub(super) tag_value: Text,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Executor {
    pub(super) array_id: Int,
    pub(super) status: Text,
    pub(super) status_reason: Text,
    pub(super) create_time: Timestamp,
    pub(super) start_time: Timestamp,
    pub(super) end_time: Timestamp,
}

impl ArraySpec {
    /// Returns the number of indices; `None` if there is no first and last index.
    pub(super) fn count(&self) -> Option<u64> {
        let [start, end] = [self.index_start, self.index_end].map(Int::unsigned);
        let step = self.index_step.unsigned().unwrap_or(1).max(1);
        Some(end?.checked_sub(start?)? / step + 1)
    }

    /// Returns the first index that is not among `listed`. The documentation does not describe whether an executor has
    /// the index or its position, counted from 0, so `None` if either of them is complete.
    pub(super) fn first_missing(&self, listed: &HashSet<i64>) -> Option<i64> {
        let count = i64::try_from(self.count()?).ok()?;
        if (0..count).all(|position| listed.contains(&position)) {
            return None;
        }
        let [start, end] = [self.index_start.0?, self.index_end.0?];
        let step = self.index_step.unsigned().unwrap_or(1).max(1);
        let mut indices = (start..=end).step_by(usize::try_from(step).ok()?);
        indices.find(|index| !listed.contains(index))
    }
}

impl InstantJobDetails {
    /// Masks fields that can contain secrets.
    pub(super) fn mask(&mut self) {
        let masked = |text: &mut Text| text.0 = text.0.as_deref().map(mask_text);
        [&mut self.description, &mut self.app_extra_info]
            .into_iter()
            .for_each(masked);
        for task in &mut self.tasks.0 {
            let spec = &mut task.task_spec.0;
            for executor in &mut spec.task_executor.0 {
                let vm = &mut executor.vm.0;
                for script in [&mut vm.script, &mut vm.prolog_script] {
                    script.0 = script.0.as_ref().map(|_| MASK.to_owned());
                }
            }
            let volumes = spec.volume_mounts.0.iter_mut();
            volumes.for_each(|volume| masked(&mut volume.mount_options));
        }
    }
}
