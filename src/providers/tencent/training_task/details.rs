//! What TI-ONE reports of a training task.

use crate::providers::lenient::Words;
use crate::providers::prelude::*;
use crate::secret::{MASK, mask_access_url, mask_text};

const MIB: u64 = 1 << 20;

/// What a row does not have may be in the response to a lookup.
fn left_out() -> Checked<Text> {
    Checked {
        value: Text::default(),
        is_unreadable: true,
    }
}

/// What is read in place of a missing key is not what is printed.
fn without_default(schema: &mut schemars::Schema) {
    schema.remove("default");
}

detail_structs! {
    /// `details` of a `tencent/training-task`; the fields that are not shown are in the job itself.
    #[schemars(rename = "TencentTrainingTask")]
    TrainingTask {
        /// Why it failed.
        #[serde(default = "left_out")]
        #[schemars(transform = without_default)]
        failure_reason: Checked<Text>,
        /// Other information from the cloud.
        message: Text,
        /// Id of its latest run, which logs and events belong to.
        latest_instance_id: Text,
        /// `PYTORCH`, `TENSORFLOW` and others.
        framework_name: Text,
        /// Version of the framework.
        framework_version: Text,
        /// Environment of the framework.
        framework_environment: Text,
        /// `PS_WORKER`, `DDP`, `MPI`, `HOROVOD`.
        training_mode: Text,
        /// `PREPAID` or `POSTPAID_BY_HOUR`.
        charge_type: Text,
        /// `BILLING`, `ARREARS_STOP`, `NOT_BILLING`.
        charge_status: Text,
        /// What it costs, in words.
        billing_info: Text,
        /// How long it has run, as the cloud counts.
        #[serde(rename(deserialize = "RuntimeInSeconds"))]
        runtime_seconds: Int,
        /// Id of its resource group.
        resource_group_id: Text,
        /// What each role was given.
        #[serde(rename(deserialize = "ResourceConfigInfos"))]
        roles: List<Role>,
        /// What runs, with secrets in its arguments masked; lists do not report it.
        #[serde(rename(deserialize = "StartCmdInfo"))]
        commands: OptionalObject<Commands>,
        /// Its parameters as JSON text, with secrets masked.
        tuning_parameters: Text,
        /// Its environment, values masked; only lists report it.
        #[serde(rename(deserialize = "Envs"))]
        variables: List<Variable>,
        /// Its image.
        #[serde(rename(deserialize = "ImageInfo"))]
        image: OptionalObject<Image>,
        /// Where its code is.
        #[serde(rename(deserialize = "CodePackagePath"))]
        code: OptionalObject<CosPath>,
        /// Repositories with its code.
        #[serde(rename(deserialize = "CodeRepos"))]
        repositories: List<Repository>,
        /// Where its data is: `COS`, `CFS` and others.
        data_source: Text,
        /// Where its results go.
        output: OptionalObject<CosPath>,
        /// True when its log is also kept in CLS.
        log_enable: Flag,
        /// Where its log is kept in CLS.
        log_config: OptionalObject<LogConfig>,
        /// Network.
        vpc_id: Text,
        /// Subnet.
        subnet_id: Text,
        /// Id of its TensorBoard.
        #[serde(rename(deserialize = "TensorBoardId"))]
        tensorboard_id: Text,
        /// Text of its owner.
        remark: Text,
        /// Address that is called at changes; the query is masked.
        callback_url: Text,
        /// Account.
        uin: Text,
        /// Sub-account of its owner.
        sub_uin: Text,
        /// App id of the account; only lists report it.
        app_id: Text,
        /// Who changed it last; only lists report it.
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
    /// What each instance of a role was given.
    #[schemars(rename = "TencentTrainingRole")]
    Role {
        /// `WORKER`, `PS`, `MASTER` and others.
        role: Text,
        /// How many instances.
        #[serde(rename(deserialize = "InstanceNum"))]
        instance_count: Int,
        /// CPU in thousandths of a core.
        cpu: Int,
        /// Memory in MiB.
        memory: Int,
        /// Cards in hundredths.
        gpu: Int,
        /// Type of the cards.
        gpu_type: Text,
        /// Machine type.
        instance_type: Text,
        /// Machine type in words.
        instance_type_alias: Text,
    }
    /// What runs.
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
    /// An image without its secrets.
    #[schemars(rename = "TencentTrainingImage")]
    Image {
        /// `TCR`, `CCR`, `PreSet`, `CUSTOM`.
        #[serde(rename(deserialize = "ImageType"))]
        image_type: Text,
        /// Address.
        #[serde(rename(deserialize = "ImageUrl"))]
        url: Text,
        /// Name.
        #[serde(rename(deserialize = "ImageName"))]
        name: Text,
        /// Region of its registry.
        registry_region: Text,
        /// Id of its registry.
        registry_id: Text,
    }
    /// A place in object storage.
    #[schemars(rename = "TencentCosPath")]
    CosPath {
        /// Bucket.
        bucket: Text,
        /// Region of the bucket.
        region: Text,
        /// Paths in the bucket.
        paths: Words,
    }
    /// A repository.
    #[schemars(rename = "TencentCodeRepository")]
    Repository {
        /// The cloud's id.
        id: Text,
        /// Where it is in the container.
        target_path: Text,
    }
    /// Where a log is kept.
    #[schemars(rename = "TencentLogConfig")]
    LogConfig {
        /// Set of logs.
        logset_id: Text,
        /// Topic.
        topic_id: Text,
    }
    /// Who changed a task.
    #[schemars(rename = "TencentOperator")]
    Operator {
        /// Sub-account.
        sub_uin: Text,
        /// Its name.
        sub_uin_name: Text,
        /// True for the platform itself.
        is_platform_operator: Flag,
        /// What was done, such as `STOP`.
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

    /// What all instances of all roles were given; a sum is unknown where one of them reports no value.
    pub(super) fn resources(&self) -> Resources {
        let mut roles = self.roles.0.iter();
        let first = roles.next().map_or_else(Resources::default, |role| {
            role.resources(role.instance_count.unsigned())
        });
        roles.fold(first, |sum, role| {
            let own = role.resources(role.instance_count.unsigned());
            let is_same = own.accelerator_type == sum.accelerator_type;
            Resources {
                cpu: sum.cpu.zip(own.cpu).map(|(one, other)| one + other),
                memory_bytes: add(sum.memory_bytes, own.memory_bytes),
                accelerators: add(sum.accelerators, own.accelerators),
                accelerator_type: sum.accelerator_type.filter(|_| is_same),
                ..Resources::default()
            }
        })
    }
}

fn add(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one?.checked_add(other?)
}

impl Role {
    /// What this many instances of the role were given.
    pub(super) fn resources(&self, instances: Option<u64>) -> Resources {
        let total = |amount: Int| amount.unsigned()?.checked_mul(instances?);
        // A part of a card is not counted.
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
