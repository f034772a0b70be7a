//! What only jobs of E-HPC Instant have, as responses contain it.

use super::super::details::detail_structs;
use crate::providers::lenient::Words;
use crate::providers::prelude::*;
use crate::secret::{MASK, mask_text};

detail_structs! {
    /// `details` of an `aliyun/instant-job`.
    #[schemars(rename = "AliyunInstantJob")]
    InstantJobDetails {
        /// Text of its owner.
        #[serde(rename(deserialize = "JobDescription"))]
        description: Text,
        /// `HPC` or `K8S`.
        #[serde(rename(deserialize = "JobScheduler"))]
        scheduler: Text,
        /// Application; only lists report it.
        app_name: Text,
        /// JSON text of the application.
        app_extra_info: Text,
        /// How many tasks it has; only lists report it.
        task_count: Int,
        /// How many executors it has; only lists report it.
        executor_count: Int,
        /// True for a task that runs until it is stopped; only lists report it.
        task_sustainable: Flag,
        /// The jobs that it waits for.
        dependency_policy: DefaultObject<Dependencies>,
        /// Where it runs.
        deployment_policy: DefaultObject<Deployment>,
        /// Its security groups.
        security_policy: DefaultObject<SecurityPolicy>,
        /// Its tasks; the `tasks` of the job are their executors.
        tasks: List<TaskDescription>,
    }
    /// The jobs that a job waits for.
    #[schemars(rename = "AliyunInstantDependencies")]
    Dependencies {
        /// Each of them.
        #[serde(rename(deserialize = "JobDependency"))]
        jobs: List<Dependency>,
    }
    /// A job that another waits for.
    #[schemars(rename = "AliyunInstantDependency")]
    Dependency {
        /// Its id.
        job_id: Text,
        /// What is waited for, such as `AfterSucceeded`.
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
    }
    /// Network of a job.
    #[schemars(rename = "AliyunInstantNetwork")]
    Network {
        /// Switches.
        #[serde(rename(deserialize = "Vswitch"))]
        vswitches: Words,
        /// True with public addresses.
        enable_external_ip_address: Flag,
        /// True with network interfaces of its own.
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
        /// True for one that runs until it is stopped.
        task_sustainable: Flag,
        /// Its executors.
        executor_policy: DefaultObject<ExecutorPolicy>,
        /// What each executor runs.
        task_spec: DefaultObject<TaskSpec>,
    }
    /// How many executors a task has.
    #[schemars(rename = "AliyunInstantExecutors")]
    ExecutorPolicy {
        /// Maximum number of executors.
        max_count: Int,
        /// Their indices.
        array_spec: DefaultObject<ArraySpec>,
    }
    /// Indices of executors.
    #[schemars(rename = "AliyunInstantArray")]
    ArraySpec {
        /// First index.
        index_start: Int,
        /// Last index.
        index_end: Int,
        /// Distance of two indices.
        index_step: Int,
    }
    /// What an executor runs; its resources are those of the `tasks` of the job.
    #[schemars(rename = "AliyunInstantTaskSpec")]
    TaskSpec {
        /// Machines and disks.
        resource: DefaultObject<Machine>,
        /// When it is tried again.
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
        /// True with hyper-threading.
        #[serde(rename(deserialize = "EnableHT"))]
        hyper_threading: Flag,
        /// How its host names begin.
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
    /// When an executor is tried again.
    #[schemars(rename = "AliyunInstantRetries")]
    RetryPolicy {
        /// Maximum number of retries.
        retry_count: Int,
        /// What exit codes lead to.
        exit_code_actions: List<ExitCodeAction>,
    }
    /// What an exit code leads to.
    #[schemars(rename = "AliyunInstantExitCodeAction")]
    ExitCodeAction {
        /// `Retry`, `Exit` or the like.
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
        /// What runs first, in Base64; masked unless secrets were requested.
        prolog_script: Text,
        /// What runs, in Base64; masked unless secrets were requested.
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

impl InstantJobDetails {
    /// Masks what may contain secrets.
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
