//! The asynchronous jobs of services such as ECS, EVS and IMS: what a call that creates or deletes
//! resources has started.
//!
//! Source: huaweicloudsdkecs, -evs, -ims and -bms 3.1.219. No service lists them. Not documented: the
//! response about an unknown id.

use super::sub_jobs::{JobParts, SubJobParts, distinct};
use super::{Api, Call};
use crate::crypto::percent_encode;
use crate::providers::lenient::Words;
use crate::providers::prelude::*;
use crate::providers::products::Product;

/// The services that have such jobs, as their hosts name them; elastic IPs are at `vpc`.
const SERVICES: &[&str] = &["ecs", "evs", "ims", "bms", "sdrs", "vpc", "vbs"];

/// Asynchronous jobs.
pub static JOB: Kind = Kind {
    summary: "Asynchronous job of ECS, EVS, IMS and other services",
    has_events: false,
    logs: LogSupport::Unavailable("the job has none; its resources have"),
    evidence: &[
        "error_code",
        "fail_reason",
        "results",
        "status",
        "sub_jobs",
        "sub_jobs_result",
    ],
    ..Kind::new(
        Template::new(
            ["huawei", "hw"],
            ["job", "job"],
            &[
                Segment::one_of("SERVICE", SERVICES),
                Segment::required("JOB"),
            ],
            "huawei/job/ecs/ff80808288d41e1b018990260955687b",
        ),
        &[
            StateTable::new("job", STATES).with_user_states(),
            StateTable::new("sub_job", STATES).with_user_states(),
        ],
        GET,
    )
    .with_details(&[schema_of::<JobDetails>], &[schema_of::<SubJobDetails>])
};

const GET: Operation = Operation::new(
    "ShowJob",
    "ECS, EVS, IMS, BMS, SDRS, VPC or VBS GET /v1/{project_id}/jobs/{job_id}",
    "ReadOnlyAccess of the service",
);

const STATES: StateWords = &[
    ("INIT", State::Pending),
    ("WAITING_EXECUTE", State::Pending),
    ("RUNNING", State::Running),
    ("LISTENING", State::Running),
    ("SUCCESS", State::Succeeded),
    ("FAIL", State::Failed),
];

detail_structs! { "snake_case" =>
    /// `details` of a `huawei/job`.
    #[schemars(rename = "HuaweiJob")]
    JobDetails {
        /// What is done, such as `createServer`.
        job_type: Text,
        /// What it is done to.
        entities: DefaultObject<Entities>,
    }
    /// `details` of a sub-job.
    #[schemars(rename = "HuaweiJobPart")]
    SubJobDetails {
        /// What is done.
        job_type: Text,
        /// What it is done to.
        entities: DefaultObject<Entities>,
    }
    /// What a job is done to, as far as its service reports it.
    #[schemars(rename = "HuaweiJobEntities")]
    Entities {
        /// Server.
        server_id: Text,
        /// Network interface.
        nic_id: Text,
        /// Disk.
        volume_id: Text,
        /// Type of the disk.
        volume_type: Text,
        /// Size of the disk in GB.
        #[serde(rename(deserialize = "size"))]
        size_gb: Int,
        /// Image.
        image_id: Text,
        /// Step that an image is in.
        current_task: Text,
        /// How far an image is, as the cloud counts.
        process_percent: Num,
        /// Code of the error of an image.
        error_code: Text,
        /// Code of an additional error.
        addition_error_code: Text,
        /// Code of an alarm.
        alarm_code: Text,
        /// Images of a job for many.
        results: List<ImageResult>,
    } => {
        name: Text,
        image_name: Text,
        errorcode_message: Text,
        error: Text,
        addition_error_msg: Text,
        sub_jobs_total: Int,
        sub_jobs_list: Words,
        sub_jobs: List<AsyncJob>,
        sub_jobs_result: List<AsyncJob>,
    }
    /// An image of a job for many.
    #[schemars(rename = "HuaweiImageResult")]
    ImageResult {
        /// Image.
        image_id: Text,
        /// Its project.
        project_id: Text,
        /// The cloud's word.
        status: Text,
    }
}

/// A job or one of its sub-jobs.
#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct AsyncJob {
    job_id: Text,
    job_type: Text,
    status: Text,
    begin_time: Timestamp,
    end_time: Timestamp,
    error_code: Text,
    fail_reason: Text,
    /// An error of the lookup, in place of the two fields before.
    code: Text,
    message: Text,
    entities: DefaultObject<Entities>,
}

/// The operations on asynchronous jobs.
pub(super) struct AsyncJobs;

#[async_trait]
impl KindOps<Api> for AsyncJobs {
    async fn get(&self, api: &Api, lookup: GetRequest<'_>) -> Result<GetResult, Problem> {
        let GetRequest { reference, options } = lookup;
        let mut services = SERVICES.iter();
        let host = services.find(|name| Some(**name) == reference.segment("SERVICE"));
        let product = Product::new(host.expect("a reference has one of these"), "v1");
        let path = format!("jobs/{}", percent_encode(reference.id()));
        let decode = |body: &[u8]| decode(body, lookup, api.region());
        let call = api.call(Call::get(&product, GET.name, &path), options, decode);
        call.await.map(Decoded::into_result)
    }
}

fn decode(body: &[u8], lookup: GetRequest<'_>, region: Option<&str>) -> Result<GetResult, String> {
    let found: AsyncJob = lenient::decode_response(body)?;
    if found.job_id.trimmed() != Some(lookup.reference.id()) {
        return Err("the requested job_id".to_owned());
    }
    let found = found.into_parts().into_result(lookup, region);
    Ok(found.with_raw(body, lookup.options))
}

impl AsyncJob {
    fn into_parts(mut self) -> JobParts {
        let mut sub_jobs = Vec::new();
        let listed = self.entities.0.take_sub_jobs();
        let count = distinct(listed.iter().map(|one| &one.job_id));
        listed.into_iter().for_each(|one| one.add_to(&mut sub_jobs));
        let entities = &mut self.entities.0;
        let code = self.error_code.0.or(self.code.0);
        let cause = entities.failure_cause(code, self.fail_reason.0.or(self.message.0));
        JobParts {
            name: entities.take_name(),
            status: self.status,
            created_at: self.begin_time.utc(),
            started_at: self.begin_time.utc(),
            finished_at: self.end_time.utc(),
            cause,
            counts: (entities.count_of_sub_jobs(), count),
            sub_jobs,
            details: Arc::new(JobDetails {
                job_type: self.job_type,
                entities: self.entities,
            }),
        }
    }

    /// Adds a sub-job and all below it, of which each may show a failure.
    fn add_to(mut self, all: &mut Vec<SubJobParts>) {
        // The reader of JSON bounds the depth.
        let below = self.entities.0.take_sub_jobs();
        all.push(self.into_sub_job());
        below.into_iter().for_each(|one| one.add_to(all));
    }

    fn into_sub_job(mut self) -> SubJobParts {
        let entities = &mut self.entities.0;
        let message = entities.errorcode_message.0.take();
        let cause = entities.failure_cause(self.error_code.0, self.fail_reason.0);
        SubJobParts {
            id: self.job_id.0,
            name: entities.take_name(),
            status: self.status,
            begin_time: self.begin_time,
            end_time: self.end_time,
            reason: cause.reason,
            message: message.or(cause.message),
            details: Arc::new(SubJobDetails {
                job_type: self.job_type,
                entities: self.entities,
            }),
        }
    }
}

impl Entities {
    /// Code and message of a failure, both of one error: what IMS adds, else what the job reports, else what
    /// IMS reports about the image.
    fn failure_cause(
        &mut self,
        code: Option<String>,
        reason: Option<String>,
    ) -> states::FailureCause {
        let own = self.error_code.0.clone();
        match self.addition_error_msg.0.take() {
            Some(message) => {
                let addition = self.addition_error_code.0.clone();
                states::FailureCause {
                    reason: addition.or(code).or(own),
                    message: Some(message),
                }
            }
            None => {
                let error = reason.or_else(|| self.error.0.take());
                states::FailureCause {
                    reason: code.or(own),
                    message: error.or_else(|| self.failed_image()),
                }
            }
        }
    }

    /// That an image of a job for many has failed.
    fn failed_image(&self) -> Option<String> {
        let word = |image: &ImageResult| image.status.trimmed().map(str::to_ascii_uppercase);
        let mut images = self.results.0.iter();
        let image = images.find(|image| word(image).as_deref() == Some("FAIL"))?;
        let id = image.image_id.0.as_deref().unwrap_or("?");
        Some(format!("image {id}: FAIL"))
    }

    fn take_sub_jobs(&mut self) -> Vec<AsyncJob> {
        let mut sub_jobs = std::mem::take(&mut self.sub_jobs.0);
        sub_jobs.append(&mut self.sub_jobs_result.0);
        sub_jobs
    }

    /// How many sub-jobs there are, as counted or as a list of their ids; the larger number.
    fn count_of_sub_jobs(&self) -> Option<i64> {
        let ids = i64::try_from(self.sub_jobs_list.0.len()).ok();
        self.sub_jobs_total.0.max(ids.filter(|count| *count > 0))
    }

    fn take_name(&mut self) -> Option<String> {
        self.name.0.take().or_else(|| self.image_name.0.take())
    }
}

#[cfg(test)]
mod tests;
