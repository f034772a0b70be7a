//! What only training jobs have, as responses contain it.

use serde::de::{Deserialize, Deserializer};

use crate::providers::prelude::*;
use crate::secret::{MASK, is_secret_field, mask_text};

detail_structs! { "snake_case" =>
    /// `details` of a `huawei/training-job`.
    #[schemars(rename = "HuaweiTrainingJob")]
    TrainingJobDetails {
        /// `job`, `hetero_job`, `edge_job` and others.
        job_type: Text,
        /// Finer state, whose words may change.
        secondary_phase: Text,
        /// Text of its owner.
        description: Text,
        /// Workspace it belongs to; `0` is the default one.
        workspace_id: Text,
        /// What runs.
        algorithm: Algorithm,
        /// What it runs on.
        resource: Resource,
        /// True where other jobs may take its resources.
        preemptible: Flag,
        /// Its runs, the first one first.
        running_records: List<RunningRecord>,
    }
    /// What runs.
    #[schemars(rename = "HuaweiTrainingAlgorithm")]
    Algorithm {
        /// The cloud's id.
        id: Text,
        /// Name.
        name: Text,
        /// Folder of its code.
        code_dir: Text,
        /// Its first file.
        boot_file: Text,
        /// Folder it runs in.
        working_dir: Text,
        /// Command line, with secrets in its arguments masked.
        command: Text,
        /// Its parameters; values of secret names are masked.
        parameters: List<Parameter>,
        /// Framework and image.
        engine: DefaultObject<Engine>,
        /// Data that it reads.
        inputs: List<DataPath>,
        /// Data that it writes.
        outputs: List<DataPath>,
        /// Its environment; values are masked.
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
        /// The cloud's id.
        engine_id: Text,
        /// Framework, such as `PyTorch`.
        engine_name: Text,
        /// Version of the framework.
        engine_version: Text,
        /// Image of the user's own.
        image_url: Text,
    }
    /// Data that is read or written.
    #[schemars(rename = "HuaweiTrainingData")]
    DataPath {
        /// Name.
        name: Text,
        /// Where it is in the container.
        local_dir: Text,
        /// Where it is in the cloud.
        remote: DefaultObject<RemotePath>,
    }
    /// A place in the cloud.
    #[schemars(rename = "HuaweiTrainingRemote")]
    RemotePath {
        /// In object storage.
        obs: DefaultObject<ObsPath>,
    }
    /// A place in object storage.
    #[schemars(rename = "HuaweiObsPath")]
    ObsPath {
        /// Bucket and path.
        obs_url: Text,
    }
    /// What a job runs on.
    #[schemars(rename = "HuaweiTrainingResource")]
    Resource {
        /// `regular`, `economic` and others.
        policy: Text,
        /// Machine type.
        flavor_id: Text,
        /// Machine type in words.
        flavor_name: Text,
        /// How many machines.
        node_count: Int,
        /// Id of its resource pool; `queue` is the name.
        pool_id: Text,
    } => {
        pool_name: Checked<Text>,
        flavor_detail: DefaultObject<FlavorDetail>,
    }
    /// A machine type.
    #[schemars(rename = "HuaweiFlavorDetail")]
    FlavorDetail {
        /// What it has.
        flavor_info: DefaultObject<Flavor>,
    }
    /// What a machine has.
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
    /// How much a machine has of something.
    #[schemars(rename = "HuaweiAmount")]
    Amount {
        /// Cores of a CPU.
        core_num: Num,
        /// Number of cards.
        unit_num: Int,
        /// Type of the cards.
        product_name: Text,
        /// Size of a memory.
        size: Int,
        /// Its unit, such as `GB`.
        unit: Text,
    }
    /// A run of a job.
    #[schemars(rename = "HuaweiTrainingRun")]
    RunningRecord {
        /// When it began.
        #[serde(rename(deserialize = "start_at"), deserialize_with = "time")]
        started_at: Option<Time>,
        /// When it ended.
        #[serde(rename(deserialize = "end_at"), deserialize_with = "time")]
        ended_at: Option<Time>,
        /// `init_or_rescheduled` or `restarted`.
        start_type: Text,
        /// Why it ended.
        end_reason: Text,
        /// The task that ended it.
        end_related_task: Text,
        /// How the job went on, such as `job_reschedule`.
        end_recover: Text,
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
