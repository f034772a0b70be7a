//! What TI-ONE reports of a training task.

use schemars::JsonSchema;
use serde::Serialize;

use crate::providers::lenient::Words;
use crate::providers::prelude::*;
use crate::secret::{MASK, mask_access_url, mask_text};

const MIB: u64 = 1 << 20;

/// `details` of a `tencent/training-task`; the fields that are not shown are in the job itself.
#[derive(Debug, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(default, rename_all(deserialize = "PascalCase"))]
#[schemars(rename = "TencentTrainingTask", !default)]
pub struct TrainingTask {
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub(super) id: Checked<Text>,
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub(super) name: Text,
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub(super) status: Checked<Text>,
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub(super) create_time: Timestamp,
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub(super) start_time: Timestamp,
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub(super) end_time: Timestamp,
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub(super) update_time: Timestamp,
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub(super) resource_group_name: Checked<Text>,
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub(super) sub_uin_name: Checked<Text>,
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub(super) region: Text,
    #[serde(skip_serializing)]
    #[schemars(skip)]
    pub(super) tags: List<Tag>,
    /// Why it failed.
    pub failure_reason: Checked<Text>,
    /// What the cloud says of it besides.
    pub message: Text,
    /// Id of its latest run, which logs and events belong to.
    pub latest_instance_id: Text,
    /// `PYTORCH`, `TENSORFLOW` and others.
    pub framework_name: Text,
    /// Version of the framework.
    pub framework_version: Text,
    /// Environment of the framework.
    pub framework_environment: Text,
    /// `PS_WORKER`, `DDP`, `MPI`, `HOROVOD`.
    pub training_mode: Text,
    /// `PREPAID` or `POSTPAID_BY_HOUR`.
    pub charge_type: Text,
    /// `BILLING`, `ARREARS_STOP`, `NOT_BILLING`.
    pub charge_status: Text,
    /// What it costs, in words.
    pub billing_info: Text,
    /// How long it has run, as the cloud counts.
    #[serde(rename(deserialize = "RuntimeInSeconds"))]
    pub runtime_seconds: Int,
    /// Id of its resource group.
    pub resource_group_id: Text,
    /// What each role was given.
    #[serde(rename(deserialize = "ResourceConfigInfos"))]
    pub roles: List<Role>,
    /// What runs, with secrets in its arguments masked; lists do not report it.
    #[serde(rename(deserialize = "StartCmdInfo"))]
    pub commands: OptionalObject<Commands>,
    /// Its parameters as JSON text, with secrets masked.
    pub tuning_parameters: Text,
    /// Its environment, values masked; only lists report it.
    #[serde(rename(deserialize = "Envs"))]
    pub variables: List<Variable>,
    /// Its image.
    #[serde(rename(deserialize = "ImageInfo"))]
    pub image: OptionalObject<Image>,
    /// Where its code is.
    #[serde(rename(deserialize = "CodePackagePath"))]
    pub code: OptionalObject<CosPath>,
    /// Repositories with its code.
    #[serde(rename(deserialize = "CodeRepos"))]
    pub repositories: List<Repository>,
    /// Where its data is: `COS`, `CFS` and others.
    pub data_source: Text,
    /// Where its results go.
    pub output: OptionalObject<CosPath>,
    /// True when its log is also kept in CLS.
    pub log_enable: Flag,
    /// Where its log is kept in CLS.
    pub log_config: OptionalObject<LogConfig>,
    /// Network.
    pub vpc_id: Text,
    /// Subnet.
    pub subnet_id: Text,
    /// Id of its TensorBoard.
    #[serde(rename(deserialize = "TensorBoardId"))]
    pub tensorboard_id: Text,
    /// Text of its owner.
    pub remark: Text,
    /// Address that is called at changes; the query is masked.
    pub callback_url: Text,
    /// Account.
    pub uin: Text,
    /// Sub-account of its owner.
    pub sub_uin: Text,
    /// App id of the account; only lists report it.
    pub app_id: Text,
    /// Who changed it last; only lists report it.
    #[serde(rename(deserialize = "LatestOperatorInfo"))]
    pub latest_operator: OptionalObject<Operator>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Tag {
    pub tag_key: Text,
    pub tag_value: Text,
}

/// What each instance of a role was given.
#[derive(Debug, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(default, rename_all(deserialize = "PascalCase"))]
#[schemars(rename = "TencentTrainingRole", !default)]
pub struct Role {
    /// `WORKER`, `PS`, `MASTER` and others.
    pub role: Text,
    /// How many instances.
    #[serde(rename(deserialize = "InstanceNum"))]
    pub instance_count: Int,
    /// CPU in thousandths of a core.
    pub cpu: Int,
    /// Memory in MiB.
    pub memory: Int,
    /// Cards in hundredths.
    pub gpu: Int,
    /// Type of the cards.
    pub gpu_type: Text,
    /// Machine type.
    pub instance_type: Text,
    /// Machine type in words.
    pub instance_type_alias: Text,
}

/// What runs.
#[derive(Debug, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(default, rename_all(deserialize = "PascalCase"))]
#[schemars(rename = "TencentTrainingCommands", !default)]
pub struct Commands {
    /// Command of all instances.
    #[serde(rename(deserialize = "StartCmd"))]
    pub start: Text,
    /// Command of parameter servers.
    #[serde(rename(deserialize = "PsStartCmd"))]
    pub ps_start: Text,
    /// Command of workers.
    #[serde(rename(deserialize = "WorkerStartCmd"))]
    pub worker_start: Text,
}

/// An environment variable.
#[derive(Debug, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(default, rename_all(deserialize = "PascalCase"))]
#[schemars(rename = "TencentTrainingVariable", !default)]
pub struct Variable {
    /// Name.
    pub name: Text,
    /// Value; masked.
    pub value: Text,
}

/// An image without its secrets.
#[derive(Debug, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(default, rename_all(deserialize = "PascalCase"))]
#[schemars(rename = "TencentTrainingImage", !default)]
pub struct Image {
    /// `TCR`, `CCR`, `PreSet`, `CUSTOM`.
    #[serde(rename(deserialize = "ImageType"))]
    pub image_type: Text,
    /// Address.
    #[serde(rename(deserialize = "ImageUrl"))]
    pub url: Text,
    /// Name.
    #[serde(rename(deserialize = "ImageName"))]
    pub name: Text,
    /// Region of its registry.
    pub registry_region: Text,
    /// Id of its registry.
    pub registry_id: Text,
}

/// A place in object storage.
#[derive(Debug, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(default, rename_all(deserialize = "PascalCase"))]
#[schemars(rename = "TencentCosPath", !default)]
pub struct CosPath {
    /// Bucket.
    pub bucket: Text,
    /// Region of the bucket.
    pub region: Text,
    /// Paths in the bucket.
    pub paths: Words,
}

/// A repository.
#[derive(Debug, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(default, rename_all(deserialize = "PascalCase"))]
#[schemars(rename = "TencentCodeRepository", !default)]
pub struct Repository {
    /// The cloud's id.
    pub id: Text,
    /// Where it is in the container.
    pub target_path: Text,
}

/// Where a log is kept.
#[derive(Debug, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(default, rename_all(deserialize = "PascalCase"))]
#[schemars(rename = "TencentLogConfig", !default)]
pub struct LogConfig {
    /// Set of logs.
    pub logset_id: Text,
    /// Topic.
    pub topic_id: Text,
}

/// Who changed a task.
#[derive(Debug, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(default, rename_all(deserialize = "PascalCase"))]
#[schemars(rename = "TencentOperator", !default)]
pub struct Operator {
    /// Sub-account.
    pub sub_uin: Text,
    /// Its name.
    pub sub_uin_name: Text,
    /// True for the platform itself.
    pub is_platform_operator: Flag,
    /// What was done, such as `STOP`.
    pub operation_type: Text,
}

impl TrainingTask {
    /// Masks everything that may hold a secret.
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

    /// What all instances of all roles were given; a sum to which one has nothing to add is not known.
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
    /// What so many instances of the role were given.
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
