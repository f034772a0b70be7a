//! Asynchronous jobs of services such as ECS, EVS and IMS. A request that creates or deletes resources starts one.
//!
//! Source: huaweicloudsdkecs, -evs, -ims and -bms 3.1.219. No service can list these jobs. The response for an
//! unknown id is not documented.

use super::sub_jobs::{JobParts, SubJobParts, distinct};
use super::{Api, CLOUD_NAME, ProjectRequest};
use crate::crypto::percent_encode;
use crate::providers::lenient::Words;
use crate::providers::prelude::*;
use crate::providers::products::Product;
use std::collections::BTreeSet;

/// The services that have asynchronous jobs, as named in their hosts; elastic IPs use `vpc`.
const SERVICES: &[&str] = &["ecs", "evs", "ims", "bms", "sdrs", "vpc", "vbs"];

/// Asynchronous jobs.
pub static JOB: Kind = Kind {
    summary: "Asynchronous job of ECS, EVS, IMS and other services",
    has_events: false,
    logs: LogSupport::Unavailable(
        "the job has no log; see the logs of the resources that it changes",
    ),
    evidence: &[
        "addition_error_code",
        "addition_error_msg",
        "code",
        "entities",
        "error",
        "errorCode",
        "errorMsg",
        "error_code",
        "error_msg",
        "errorcode_message",
        "fail_reason",
        "job_id",
        "message",
        "results",
        "status",
        "subJobId",
        "sub_jobs",
        "sub_jobs_list",
        "sub_jobs_result",
        "sub_jobs_total",
    ],
    ..Kind::new(
        Template::new(
            CLOUD_NAME,
            Name::new("job", "job"),
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

/// Job types that always have sub-jobs, even if there is only one.
const TYPES_OF_SUB_JOBS: &[&str] = &["baremetalBatchCreate", "batchCreateVolume", "createServer"];

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
        /// Type of operation, such as `createServer`.
        job_type: Text,
        /// Resources that the job works on.
        entities: DefaultObject<Entities>,
    }
    /// `details` of a sub-job.
    #[schemars(rename = "HuaweiJobPart")]
    SubJobDetails {
        /// Type of operation.
        job_type: Text,
        /// Resources that the sub-job works on.
        entities: DefaultObject<Entities>,
    }
    /// Resources that a job works on, as far as the service reports them.
    #[schemars(rename = "HuaweiJobEntities")]
    Entities {
        /// Id of the server.
        server_id: Text,
        /// Id of the network interface.
        nic_id: Text,
        /// Id of the disk.
        volume_id: Text,
        /// Type of the disk.
        volume_type: Text,
        /// Size of the disk in GB.
        #[serde(rename(deserialize = "size"))]
        size_gb: Int,
        /// Id of the image.
        image_id: Text,
        /// Step that the processing of an image has reached.
        current_task: Text,
        /// Progress of an image in percent.
        process_percent: Num,
        /// Error code of an image.
        error_code: Text,
        /// Code of an additional error.
        addition_error_code: Text,
        /// Alarm code.
        alarm_code: Text,
        /// Results of a job on several images.
        results: List<ImageResult>,
    } => {
        name: Text,
        image_name: Text,
        errorcode_message: Text,
        error: Text,
        addition_error_msg: Text,
        sub_jobs_total: Int,
        sub_jobs_list: Words,
        #[serde(rename(deserialize = "subJobId"))]
        sub_job_id: Text,
        sub_jobs: List<AsyncJob>,
        sub_jobs_result: List<AsyncJob>,
    }
    /// Result for one image of a job on several images.
    #[schemars(rename = "HuaweiImageResult")]
    ImageResult {
        /// Id of the image.
        image_id: Text,
        /// Id of the image's project.
        project_id: Text,
        /// Status, as reported by the cloud.
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
    /// An error of the lookup, which replaces the two fields above.
    code: Text,
    message: Text,
    /// Spellings of a lookup error that never occur in a job.
    error: DefaultObject<LookupError>,
    #[serde(rename = "errorCode")]
    other_code: Text,
    #[serde(rename = "errorMsg")]
    other_message: Text,
    error_msg: Text,
    entities: DefaultObject<Entities>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
struct LookupError {
    code: Text,
    message: Text,
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
        let response = api.call(
            ProjectRequest::get(&product, GET.name, &path),
            options,
            decode,
        );
        response.await.map(Decoded::into_result)
    }
}

fn decode(body: &[u8], lookup: GetRequest<'_>, region: Option<&str>) -> Result<GetResult, String> {
    let job: AsyncJob = lenient::decode_response(body)?;
    if job.job_id.trimmed() != Some(lookup.reference.id()) {
        return Err("the requested job_id".to_owned());
    }
    let result = job.into_parts().into_result(lookup, region);
    Ok(result.with_raw(body, lookup.options))
}

impl AsyncJob {
    fn into_parts(mut self) -> JobParts {
        let unconfirmed_reason = self.unconfirmed_reason();
        let mut sub_jobs = Vec::new();
        let listed = self.entities.0.take_sub_jobs();
        let count = distinct(listed.iter().map(|one| &one.job_id));
        listed.into_iter().for_each(|one| one.add_to(&mut sub_jobs));
        let cause = self.take_cause();
        JobParts {
            name: self.entities.0.take_name(),
            status: self.status,
            created_at: self.begin_time.utc(),
            started_at: self.begin_time.utc(),
            finished_at: self.end_time.utc(),
            cause,
            counts: (self.entities.0.sub_jobs_total.0, count),
            sub_jobs,
            unconfirmed_reason,
            details: Arc::new(JobDetails {
                job_type: self.job_type,
                entities: self.entities,
            }),
        }
    }

    /// Returns why a success cannot be trusted, in the job or in a sub-job at any depth.
    fn unconfirmed_reason(&self) -> Option<String> {
        let texts = [
            &self.error.0.code,
            &self.error.0.message,
            &self.other_code,
            &self.other_message,
            &self.error_msg,
        ];
        let error = texts
            .into_iter()
            .filter_map(Text::trimmed)
            .find_map(states::failure_text);
        if let Some(error) = error {
            return Some(format!("the response has the error {error}"));
        }
        let entities = &self.entities.0;
        let below = || {
            entities
                .sub_jobs
                .0
                .iter()
                .chain(&entities.sub_jobs_result.0)
        };
        let known: BTreeSet<&str> = below().filter_map(|one| one.job_id.trimmed()).collect();
        let named = entities.sub_jobs_list.0.iter().map(|id| id.trim());
        let named = named.chain(entities.sub_job_id.trimmed());
        let mut missing = named.filter(|id| !id.is_empty() && !known.contains(id));
        if let Some(id) = missing.next() {
            return Some(format!("sub-job {id} is not listed"));
        }
        let listed = distinct(below().map(|one| &one.job_id));
        let total = entities.sub_jobs_total.0;
        if let Some(total) = total.filter(|total| *total > listed as i64) {
            let id = self.job_id.0.as_deref().unwrap_or("a sub-job");
            return Some(format!("{id} has {total} sub-jobs and lists {listed}"));
        }
        if listed == 0 && self.is_of_sub_jobs() {
            return Some("its sub-jobs are missing".to_owned());
        }
        let image = entities
            .results
            .0
            .iter()
            .find_map(ImageResult::unconfirmed_reason);
        image.or_else(|| below().find_map(Self::unconfirmed_reason))
    }

    /// Returns `true` if the job has a type that consists of sub-jobs in all documented responses.
    fn is_of_sub_jobs(&self) -> bool {
        let job_type = self.job_type.trimmed();
        job_type.is_some_and(|job_type| TYPES_OF_SUB_JOBS.contains(&job_type))
    }

    /// Returns the failure cause from the additional error of IMS, the job, or its images, in this order.
    fn take_cause(&mut self) -> states::FailureCause {
        let take = |text: &mut Text| states::failure(std::mem::take(text));
        let code = take(&mut self.error_code).or(take(&mut self.code));
        let reason = take(&mut self.fail_reason).or(take(&mut self.message));
        self.entities.0.failure_cause(code, reason)
    }

    /// Adds a sub-job and all its descendants, because each of them can contain a failure.
    fn add_to(mut self, all: &mut Vec<SubJobParts>) {
        // The JSON parser limits the depth.
        let below = self.entities.0.take_sub_jobs();
        all.push(self.into_sub_job());
        below.into_iter().for_each(|one| one.add_to(all));
    }

    fn into_sub_job(mut self) -> SubJobParts {
        // This message is more precise than the sub-job's cause.
        let message = states::failure(self.entities.0.errorcode_message.clone());
        let cause = self.take_cause();
        SubJobParts {
            id: self.job_id.0,
            name: self.entities.0.take_name(),
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
    /// Returns code and message of the same failure: the additional error of IMS, otherwise the error of the job,
    /// otherwise the error of the image.
    fn failure_cause(
        &mut self,
        code: Option<String>,
        reason: Option<String>,
    ) -> states::FailureCause {
        let job_code = states::failure(self.error_code.clone());
        let addition = states::failure(self.addition_error_code.clone());
        let take = |text: &mut Text| states::failure(std::mem::take(text));
        match take(&mut self.addition_error_msg) {
            Some(message) => states::FailureCause {
                reason: addition.or(code).or(job_code),
                message: Some(message),
            },
            None => {
                let error = reason
                    .or_else(|| take(&mut self.error))
                    .or_else(|| take(&mut self.errorcode_message));
                states::FailureCause {
                    reason: code.or(job_code).or(addition),
                    message: error.or_else(|| self.failed_image()),
                }
            }
        }
    }

    /// Returns a message about the first failed image of a job on several images.
    fn failed_image(&self) -> Option<String> {
        let mut images = self.results.0.iter();
        let image = images.find(|image| image.state() == Some(State::Failed))?;
        let id = image.image_id.0.as_deref().unwrap_or("?");
        Some(format!("image {id}: FAIL"))
    }

    fn take_sub_jobs(&mut self) -> Vec<AsyncJob> {
        let mut sub_jobs = std::mem::take(&mut self.sub_jobs.0);
        sub_jobs.append(&mut self.sub_jobs_result.0);
        sub_jobs
    }

    fn take_name(&mut self) -> Option<String> {
        self.name.0.take().or_else(|| self.image_name.0.take())
    }
}

impl ImageResult {
    fn state(&self) -> Option<State> {
        let word = self.status.trimmed()?;
        let mut known = STATES.iter();
        let entry = known.find(|(known, _)| known.eq_ignore_ascii_case(word));
        entry.map(|(_, state)| *state)
    }

    /// Returns a message unless the image is known to have succeeded.
    fn unconfirmed_reason(&self) -> Option<String> {
        let id = self.image_id.0.as_deref().unwrap_or("?");
        let word = self.status.trimmed().unwrap_or("without a status");
        let has_succeeded = self.state() == Some(State::Succeeded);
        (!has_succeeded).then(|| format!("image {id} is {word}"))
    }
}

#[cfg(test)]
mod tests;
