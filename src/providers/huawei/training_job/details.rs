//! The fields that only training jobs have, as they appear in responses.

use serde::de::{Deserialize, Deserializer};

use crate::providers::prelude::*;
use crate::secret::{MASK, is_secret_field, mask_text};

detail_structs! { "snake_case" =>
    /// `details` of a `huawei/training-job`.
    #[schemars(rename = "HuaweiTrainingJob")]
    TrainingJobDetails {
        /// Type of job: `job`, `hetero_job`, `edge_job` and others.
        job_type: Text,
        /// Detailed state; the set of words may change.
        secondary_phase: Text,
        /// Description from the owner.
        description: Text,
        /// Id of the workspace; `0` is the default one.
        workspace_id: Text,
        /// Program that the job runs.
        algorithm: Algorithm,
        /// Machines that it runs on.
        resource: Resource,
        /// True if other jobs may take its resources.
        preemptible: Flag,
        /// Runs of the job, the first one first.
        running_records: List<RunningRecord>,
    }
    /// Program that a job runs.
    #[schemars(rename = "HuaweiTrainingAlgorithm")]
    Algorithm {
        /// Id, as assigned by the cloud.
        id: Text,
        /// Name.
        name: Text,
        /// Folder of the code.
        code_dir: Text,
        /// File that is started.
        boot_file: Text,
        /// Working directory.
        working_dir: Text,
        /// Command line, with secrets in its arguments masked.
        command: Text,
        /// Parameters; values with the name of a secret are masked.
        parameters: List<Parameter>,
        /// Framework and image.
        engine: DefaultObject<Engine>,
        /// Input data.
        inputs: List<DataPath>,
        /// Output data.
        outputs: List<DataPath>,
        /// Environment variables; values are masked.
        environments: List<Map<Text>>,
    }
    /// A parameter.
    #[schemars(rename = "HuaweiTrainingParameter")]
    Parameter {
        /// Name.
        name: Text,
        /// Value.
        value: Text,
    }
    /// Framework and image.
    #[schemars(rename = "HuaweiTrainingEngine")]
    Engine {
        /// Id, as assigned by the cloud.
        engine_id: Text,
        /// Framework, such as `PyTorch`.
        engine_name: Text,
        /// Version of the framework.
        engine_version: Text,
        /// Image provided by the user.
        image_url: Text,
    }
    /// Input or output data.
    #[schemars(rename = "HuaweiTrainingData")]
    DataPath {
        /// Name.
        name: Text,
        /// Path in the container.
        local_dir: Text,
        /// Location in the cloud.
        remote: DefaultObject<RemotePath>,
    }
    /// Location in the cloud.
    #[schemars(rename = "HuaweiTrainingRemote")]
    RemotePath {
        /// Location in object storage.
        obs: DefaultObject<ObsPath>,
    }
    /// Location in object storage.
    #[schemars(rename = "HuaweiObsPath")]
    ObsPath {
        /// Bucket and path.
        obs_url: Text,
    }
    /// Machines that a job runs on.
    #[schemars(rename = "HuaweiTrainingResource")]
    Resource {
        /// Scheduling policy: `regular`, `economic` and others.
        policy: Text,
        /// Machine type.
        flavor_id: Text,
        /// Description of the machine type.
        flavor_name: Text,
        /// Number of machines.
        node_count: Int,
        /// Id of the resource pool; `queue` is its name.
        pool_id: Text,
    } => {
        pool_name: Checked<Text>,
        flavor_detail: DefaultObject<FlavorDetail>,
    }
    /// A machine type.
    #[schemars(rename = "HuaweiFlavorDetail")]
    FlavorDetail {
        /// Hardware of the machine.
        flavor_info: DefaultObject<Flavor>,
    }
    /// Hardware of a machine.
    #[schemars(rename = "HuaweiFlavor")]
    Flavor {
        /// CPU.
        cpu: DefaultObject<Amount>,
        /// GPUs.
        gpu: DefaultObject<Amount>,
        /// NPUs.
        npu: DefaultObject<Amount>,
        /// Memory.
        memory: DefaultObject<Amount>,
    }
    /// Amount of one resource of a machine.
    #[schemars(rename = "HuaweiAmount")]
    Amount {
        /// CPU cores.
        core_num: Num,
        /// Number of GPU or NPU cards.
        unit_num: Int,
        /// Type of the cards.
        product_name: Text,
        /// Memory size.
        size: Int,
        /// Unit of the memory size, such as `GB`.
        unit: Text,
    }
    /// A run of a job.
    #[schemars(rename = "HuaweiTrainingRun")]
    RunningRecord {
        /// When the run began.
        #[serde(rename(deserialize = "start_at"), deserialize_with = "time")]
        started_at: Option<Time>,
        /// When the run ended.
        #[serde(rename(deserialize = "end_at"), deserialize_with = "time")]
        ended_at: Option<Time>,
        /// Why the run began: `init_or_rescheduled` or `restarted`.
        start_type: Text,
        /// Why the run ended.
        end_reason: Text,
        /// Task that ended the run.
        end_related_task: Text,
        /// How the job recovered, such as `job_reschedule`.
        end_recover: Text,
    } => {
        recover_records: List<Recovery>,
    }
    /// An attempt to continue a job after a fault.
    #[schemars(rename = "HuaweiTrainingRecovery")]
    Recovery {
        /// When the recovery began.
        #[serde(rename(deserialize = "recover_start_at"), deserialize_with = "time")]
        started_at: Option<Time>,
        /// Result: `recovering`, `success`, `failed`, `downgrade` and others.
        recover_result: Text,
    }
}

/// Reads a time in seconds since 1970.
fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Time>, D::Error> {
    Timestamp::deserialize(deserializer).map(|time| time.utc())
}

impl TrainingJobDetails {
    /// Masks everything that may contain a secret.
    pub(super) fn mask(&mut self) {
        let algorithm = &mut self.algorithm;
        for Parameter { name, value } in &mut algorithm.parameters.0 {
            let is_secret = name.trimmed().is_some_and(is_secret_field);
            value.0 = value.0.take().map(|value| match is_secret {
                true => MASK.to_owned(),
                false => mask_text(&value),
            });
        }
        for Text(text) in [&mut self.description, &mut algorithm.command] {
            *text = text.take().map(|text| mask_text(&text));
        }
        let environments = algorithm.environments.0.iter_mut();
        for Text(value) in environments.flat_map(|Map(variables)| variables.values_mut()) {
            *value = value.take().map(|_| MASK.to_owned());
        }
    }
}
