//! The fields of a training task in responses of TI-ONE.

use crate::providers::lenient::Words;
use crate::providers::prelude::*;
use crate::secret::{MASK, mask_access_url, mask_text};

const MIB: u64 = 1 << 20;

/// Marks a field that a row lacks as unreadable, because a lookup may contain it.
fn unreadable_by_default() -> Checked<Text> {
    Checked {
        value: Text::default(),
        is_unreadable: true,
    }
}

/// Removes the default from the schema: it applies when reading, not to the output.
fn without_default(schema: &mut schemars::Schema) {
    schema.remove("default");
}

detail_structs! {
    /// `details` of a `tencent/training-task`; other fields are in the job itself.
    #[schemars(rename = "TencentTrainingTask")]
    TrainingTask {
        /// Why the task failed.
        #[serde(default = "unreadable_by_default")]
        #[schemars(transform = without_default)]
        failure_reason: Checked<Text>,
        /// Other information from the cloud.
        message: Checked<Text>,
        /// Id of the latest run; logs and events belong to it.
        latest_instance_id: Text,
        /// Framework: `PYTORCH`, `TENSORFLOW` and others.
        framework_name: Text,
        /// Version of the framework.
        framework_version: Text,
        /// Environment of the framework.
        framework_environment: Text,
        /// Training mode: `PS_WORKER`, `DDP`, `MPI`, `HOROVOD`.
        training_mode: Text,
        /// Billing method: `PREPAID` or `POSTPAID_BY_HOUR`.
        charge_type: Text,
        /// Billing status: `BILLING`, `ARREARS_STOP`, `NOT_BILLING`.
        charge_status: Text,
        /// Description of the price.
        billing_info: Text,
        /// Run time, as reported by the cloud.
        #[serde(rename(deserialize = "RuntimeInSeconds"))]
        runtime_seconds: Int,
        /// Id of the resource group.
        resource_group_id: Text,
        /// Resources of each role.
        #[serde(rename(deserialize = "ResourceConfigInfos"))]
        roles: List<Role>,
        /// Commands, with secrets in their arguments masked; missing in lists.
        #[serde(rename(deserialize = "StartCmdInfo"))]
        commands: OptionalObject<Commands>,
        /// Parameters as JSON text, with secrets masked.
        tuning_parameters: Text,
        /// Environment variables with masked values; only present in lists.
        #[serde(rename(deserialize = "Envs"))]
        variables: List<Variable>,
        /// Container image.
        #[serde(rename(deserialize = "ImageInfo"))]
        image: OptionalObject<Image>,
        /// Location of the code.
        #[serde(rename(deserialize = "CodePackagePath"))]
        code: OptionalObject<CosPath>,
        /// Repositories with the code.
        #[serde(rename(deserialize = "CodeRepos"))]
        repositories: List<Repository>,
        /// Type of data storage: `COS`, `CFS` and others.
        data_source: Text,
        /// Location of the results.
        output: OptionalObject<CosPath>,
        /// True if the log is also stored in CLS.
        log_enable: Flag,
        /// Location of the log in CLS.
        log_config: OptionalObject<LogConfig>,
        /// Id of the virtual private cloud.
        vpc_id: Text,
        /// Id of the subnet.
        subnet_id: Text,
        /// Id of the TensorBoard.
        #[serde(rename(deserialize = "TensorBoardId"))]
        tensorboard_id: Text,
        /// Remark from the owner.
        remark: Text,
        /// URL that is called when the task changes, with the query masked.
        callback_url: Text,
        /// Account of the owner.
        uin: Text,
        /// Sub-account of the owner.
        sub_uin: Text,
        /// App id of the account; only present in lists.
        app_id: Text,
        /// User who last changed the task; only present in lists.
        #[serde(rename(deserialize = "LatestOperatorInfo"))]
        latest_operator: OptionalObject<Operator>,
    } => {
        id: Checked<Text>,
        name: Text,
        status: Checked<Text>,
        create_time: Timestamp,
        start_time: Timestamp,
        end_time: Timestamp,
        update_time: Timestamp,
        resource_group_name: Checked<Text>,
        sub_uin_name: Checked<Text>,
        region: Text,
        tags: List<Tag>,
    }
    /// Resources of each instance of a role.
    #[schemars(rename = "TencentTrainingRole")]
    Role {
        /// Role: `WORKER`, `PS`, `MASTER` and others.
        role: Text,
        /// Number of instances.
        #[serde(rename(deserialize = "InstanceNum"))]
        instance_count: Int,
        /// CPU in thousandths of a core.
        cpu: Int,
        /// Memory in MiB.
        memory: Int,
        /// GPU cards in hundredths.
        gpu: Int,
        /// Type of the cards.
        gpu_type: Text,
        /// Machine type.
        instance_type: Text,
        /// Alias of the machine type.
        instance_type_alias: Text,
    }
    /// Commands that a task runs.
    #[schemars(rename = "TencentTrainingCommands")]
    Commands {
        /// Command of all instances.
        #[serde(rename(deserialize = "StartCmd"))]
        start: Text,
        /// Command of parameter servers.
        #[serde(rename(deserialize = "PsStartCmd"))]
        ps_start: Text,
        /// Command of workers.
        #[serde(rename(deserialize = "WorkerStartCmd"))]
        worker_start: Text,
    }
    /// An environment variable.
    #[schemars(rename = "TencentTrainingVariable")]
    Variable {
        /// Name.
        name: Text,
        /// Value; masked.
        value: Text,
    }
    /// Container image, without its secrets.
    #[schemars(rename = "TencentTrainingImage")]
    Image {
        /// Type of image: `TCR`, `CCR`, `PreSet`, `CUSTOM`.
        #[serde(rename(deserialize = "ImageType"))]
        image_type: Text,
        /// Address of the image.
        #[serde(rename(deserialize = "ImageUrl"))]
        url: Text,
        /// Name.
        #[serde(rename(deserialize = "ImageName"))]
        name: Text,
        /// Region of the registry.
        registry_region: Text,
        /// Id of the registry.
        registry_id: Text,
    }
    /// Location in object storage.
    #[schemars(rename = "TencentCosPath")]
    CosPath {
        /// Bucket.
        bucket: Text,
        /// Region of the bucket.
        region: Text,
        /// Paths in the bucket.
        paths: Words,
    }
    /// Repository with code.
    #[schemars(rename = "TencentCodeRepository")]
    Repository {
        /// Id, as assigned by the cloud.
        id: Text,
        /// Path in the container.
        target_path: Text,
    }
    /// Location of a log in CLS.
    #[schemars(rename = "TencentLogConfig")]
    LogConfig {
        /// Id of the log set.
        logset_id: Text,
        /// Id of the log topic.
        topic_id: Text,
    }
    /// User who changed a task.
    #[schemars(rename = "TencentOperator")]
    Operator {
        /// Sub-account.
        sub_uin: Text,
        /// Name of the sub-account.
        sub_uin_name: Text,
        /// True if the platform itself changed the task.
        is_platform_operator: Flag,
        /// Operation, such as `STOP`.
        operation_type: Text,
    }
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Tag {
    pub tag_key: Text,
    pub tag_value: Text,
}

impl TrainingTask {
    /// Masks everything that may contain a secret.
    pub(super) fn mask(&mut self) {
        let commands = self.commands.0.as_deref_mut().into_iter();
        let commands = commands.flat_map(|c| [&mut c.start, &mut c.ps_start, &mut c.worker_start]);
        let texts = [&mut self.tuning_parameters, &mut self.remark];
        for Text(text) in commands.chain(texts) {
            *text = text.take().map(|text| mask_text(&text));
        }
        for variable in &mut self.variables.0 {
            variable.value.0 = variable.value.0.take().map(|_| MASK.to_owned());
        }
        let url = self.callback_url.0.take();
        self.callback_url.0 = url.map(|url| mask_access_url(&url));
    }

    /// Returns the total resources of all instances of all roles. A total is unknown if a role does not report
    /// a value.
    pub(super) fn resources(&self) -> Resources {
        let mut roles = self.roles.0.iter();
        let first = roles.next().map_or_else(Resources::default, |role| {
            role.resources(role.instance_count.unsigned())
        });
        roles.fold(first, |total, role| {
            let role_resources = role.resources(role.instance_count.unsigned());
            let is_same = role_resources.accelerator_type == total.accelerator_type;
            Resources {
                cpu: total
                    .cpu
                    .zip(role_resources.cpu)
                    .map(|(one, other)| one + other),
                memory_bytes: add(total.memory_bytes, role_resources.memory_bytes),
                accelerators: add(total.accelerators, role_resources.accelerators),
                accelerator_type: total.accelerator_type.filter(|_| is_same),
                ..Resources::default()
            }
        })
    }
}

fn add(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one?.checked_add(other?)
}

impl Role {
    /// Returns the total resources of this number of instances of the role.
    pub(super) fn resources(&self, instances: Option<u64>) -> Resources {
        let total = |amount: Int| amount.unsigned()?.checked_mul(instances?);
        // A fraction of a card is not counted.
        let hundredths = total(self.gpu).filter(|hundredths| hundredths % 100 == 0);
        Resources {
            cpu: total(self.cpu).map(|thousandths| thousandths as f64 / 1000.0),
            memory_bytes: total(self.memory).and_then(|mib| mib.checked_mul(MIB)),
            accelerators: hundredths.map(|hundredths| hundredths / 100),
            accelerator_type: self.gpu_type.0.clone(),
            ..Resources::default()
        }
    }
}
