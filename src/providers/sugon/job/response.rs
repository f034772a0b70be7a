//! Decodes jobs in responses about live jobs and from the history.

use super::super::envelope::decode_data;
use super::outcome::{Exit, Record, RecordSource, Reports, known_word};
use super::{JobDetails, STATES};
use crate::providers::prelude::*;
use crate::providers::runs::Run;
use crate::providers::states::{self, NormalizedState};
use crate::secret::mask_text;

/// A job in the responses of six operations: two for live jobs, two for the history, and two lists of the
/// platform.
#[derive(Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct JobFields {
    job_id: Checked<Text>,
    cluster_id: Checked<Text>,
    cluster_name: Text,
    job_manager_id: Checked<Text>,
    #[serde(rename = "jobmanagerId")]
    history_manager_id: Checked<Text>,
    job_manager_name: Text,
    #[serde(rename = "jobmanagerName")]
    other_manager_name: Text,
    job_name: Text,
    job_status: Checked<Text>,
    job_state: Checked<Text>,
    job_init_attr: Required<OptionalObject<Record>>,
    /// JSON inside a text.
    init_content_attr: Checked<Text>,
    reason: Checked<Text>,
    exit_code: Checked<Text>,
    job_exit_status: Checked<Int>,
    user: Text,
    cluster_user_name: Text,
    user_name: Text,
    group_name: Text,
    queue: Text,
    priority: Int,
    app_type: Text,
    command: Text,
    #[serde(rename = "workDir")]
    live_work_dir: Text,
    workdir: Text,
    output_path: Text,
    error_path: Text,
    stdout: Text,
    stderr: Text,
    node_used: Text,
    job_exec_host: Text,
    node_num_req: Int,
    node_num_used: Int,
    nodect: Int,
    proc_num_req: Int,
    proc_num_used: Int,
    gpu_num_req: Int,
    gpu_num_used: Int,
    dcu_num_req: Int,
    dcu_num_used: Int,
    job_proc_num: Int,
    job_gpu_num: Int,
    /// In KB.
    job_mem_used: Int,
    job_cpu_time: Int,
    job_wait_time: Int,
    /// In seconds.
    walltime: Int,
    /// Such as `1-00:00:00`.
    wall_time_req: Text,
    job_submit_time: Timestamp,
    job_queue_time: Timestamp,
    job_start_time: Timestamp,
    job_end_time: Timestamp,
    acct_time: Timestamp,
}

/// Error for a scheduler record that is not as documented.
struct Unreadable;

/// Decodes a response about one job; `None` if it contains none, or a run other than `live`.
pub(super) fn decode_job(
    body: &[u8],
    source: RecordSource,
    lookup: GetRequest<'_>,
    live: Option<&Job>,
    clock: WallClock,
) -> Result<Option<GetResult>, DecodeError> {
    let GetRequest { reference, options } = lookup;
    let Some(fields) = decode_data::<JobFields>(body, "a job")? else {
        return Ok(None);
    };
    if fields.is_id_unreadable() || fields.id() != Some(reference.id()) {
        return Err("the requested jobId".to_owned().into());
    }
    if !fields.is_at(reference.segment("REGION"), reference.segment("SCHEDULER")) {
        let expected = "a job of the requested region and scheduler";
        return Err(expected.to_owned().into());
    }
    // A history entry without times can belong to any job that ever had this id.
    if live.is_some_and(|live| fields.is_of_run(live, clock) != Some(true)) {
        return Ok(None);
    }
    let mut result = fields.into_result(source, lookup, clock);
    raw::attach_masked(&mut result, body, options, mask_texts);
    Ok(Some(result))
}

/// Masks the secrets in the submitted commands and in the owner's comment.
fn mask_texts(document: &mut Value) {
    const POINTERS: [&str; 7] = [
        "/data/command",
        "/data/jobInitAttr/Command",
        "/data/jobInitAttr/Comment",
        "/data/jobInitAttr/SubmitLine",
        "/data/initContentAttr/Command",
        "/data/initContentAttr/Comment",
        "/data/initContentAttr/SubmitLine",
    ];
    for pointer in POINTERS {
        if let Some(Value::String(text)) = document.pointer_mut(pointer) {
            *text = mask_text(text);
        }
    }
}

impl JobFields {
    pub(super) fn id(&self) -> Option<&str> {
        self.job_id.value.trimmed()
    }

    pub(super) fn name(&self) -> Option<&str> {
        self.job_name.trimmed()
    }

    pub(super) fn is_id_unreadable(&self) -> bool {
        self.job_id.is_unreadable
    }

    /// Returns the id of the region.
    pub(super) fn region(&self) -> Option<&str> {
        self.cluster_id.value.trimmed()
    }

    /// Returns the id of the scheduler.
    pub(super) fn scheduler(&self) -> Option<&str> {
        let id = self.job_manager_id.value.trimmed();
        id.or_else(|| self.history_manager_id.value.trimmed())
    }

    /// Returns `true` unless the job names another region or scheduler than the given ones.
    pub(super) fn is_at(&self, region: Option<&str>, scheduler: Option<&str>) -> bool {
        let is_other = |own: Option<&str>, wanted: Option<&str>| {
            let both = own.zip(wanted);
            both.is_some_and(|(own, wanted)| own != wanted)
        };
        !is_other(self.region(), region) && !is_other(self.scheduler(), scheduler)
    }

    /// Returns when the job was entered into the history.
    pub(super) fn booked_at(&self, clock: WallClock) -> Option<Time> {
        clock.at(&self.acct_time)
    }

    /// Returns `true` if this is a history entry of the run `live`; `None` if no times can be compared.
    pub(super) fn is_of_run(&self, live: &Job, clock: WallClock) -> Option<bool> {
        self.run(clock).is_of(&Run::of_job(live))
    }

    /// Returns the run of a history entry.
    pub(super) fn run(&self, clock: WallClock) -> Run {
        Run {
            name: self.name().map(str::to_owned),
            created_at: clock
                .at(&self.job_submit_time)
                .or_else(|| clock.at(&self.job_queue_time)),
            started_at: clock.at(&self.job_start_time),
            finished_at: clock.at(&self.job_end_time),
            booked_at: self.booked_at(clock),
        }
    }

    pub(super) fn into_result(
        self,
        source: RecordSource,
        lookup: GetRequest<'_>,
        clock: WallClock,
    ) -> GetResult {
        let GetRequest { reference, options } = lookup;
        let mut notices = Vec::new();
        let (attributes, content) = (self.attributes(), self.content());
        let is_unreadable = attributes.is_err() || content.is_err();
        let (attributes, content) = (attributes.unwrap_or_default(), content.unwrap_or_default());
        let recorded_start = match attributes.start_time == Timestamp::default() {
            true => &content.start_time,
            false => &attributes.start_time,
        };
        let times = [
            &self.job_submit_time,
            &self.job_queue_time,
            &self.job_start_time,
            &self.job_end_time,
            recorded_start,
        ];
        clock.note_assumed("sugon", times, &mut notices);
        let [
            submitted_at,
            queued_at,
            started_at,
            finished_at,
            recorded_start,
        ] = times.map(|time| clock.at(time));
        let state = self.state(options, &mut notices);
        let other = self.job_state.value.trimmed();
        let reports = Reports {
            records: [&attributes, &content],
            is_unreadable,
            word: other.filter(|_| self.job_status.value.trimmed().is_some()),
            code: &self.exit_code,
            reason: &self.reason,
            status: (source == RecordSource::History).then_some(&self.job_exit_status),
        };
        let user_states = &options.states;
        let is_own = |word: &str| {
            user_states
                .iter()
                .any(|(own, _)| own.trim().eq_ignore_ascii_case(word))
        };
        let exit = reports.exit(is_own);
        let mut job = Job {
            name: self.job_name.0.clone(),
            reason: reports.reason().map(Reason::from),
            exit_code: exit.exit_code(),
            user: first([&self.user, &self.cluster_user_name, &self.user_name]),
            queue: self.queue.0.clone(),
            priority: self.priority.0,
            created_at: submitted_at.or(queued_at),
            started_at: started_at.or(recorded_start),
            finished_at,
            updated_at: None,
            resources: self.resources(),
            ..state.into_job(job_at(reference, reference.segment("REGION")))
        };
        exit.resolve(&mut job, source, &reports, self.time_limit());
        notices.extend(reports.failed_steps_notice(&job));
        let word = reports.scheduler_word();
        let details = self.details(word, &exit, clock, options.show_secrets);
        job.details = Some(Arc::new(details));
        GetResult { job, notices }
    }

    /// Returns the state according to the platform's state word only.
    fn state(&self, options: &RequestOptions, notices: &mut Vec<Notice>) -> NormalizedState {
        let word = self.job_status.value.trimmed();
        let word = word.or_else(|| self.job_state.value.trimmed());
        let is_unreadable = self.job_status.is_unreadable || self.job_state.is_unreadable;
        let word = word.filter(|_| !is_unreadable);
        let known = word.and_then(known_word).map(|(known, _)| known);
        let state = states::normalize(STATES, &options.states, known.or(word));
        notices.extend(state.unknown_state_notice("sugon/job"));
        NormalizedState {
            raw: word.map(str::to_owned),
            ..state
        }
    }

    /// Returns the scheduler's record if it is an object.
    fn attributes(&self) -> Result<Record, Unreadable> {
        match &self.job_init_attr {
            Required::Present(OptionalObject(record)) => {
                Ok(record.as_deref().cloned().unwrap_or_default())
            }
            Required::Unreadable => Err(Unreadable),
            _ => Ok(Record::default()),
        }
    }

    /// Returns the scheduler's record if it is JSON in a text.
    fn content(&self) -> Result<Record, Unreadable> {
        let Checked {
            value,
            is_unreadable,
        } = &self.init_content_attr;
        match value
            .trimmed()
            .filter(|text| !text.eq_ignore_ascii_case("null"))
        {
            Some(text) => lenient::decode_response(text.as_bytes()).map_err(|_| Unreadable),
            None if *is_unreadable => Err(Unreadable),
            None => Ok(Record::default()),
        }
    }

    /// Returns the time limit in seconds.
    fn time_limit(&self) -> Option<i64> {
        let requested = || self.wall_time_req.trimmed().and_then(seconds);
        self.walltime.0.or_else(requested)
    }

    fn resources(&self) -> Resources {
        let procs = [self.proc_num_req, self.proc_num_used, self.job_proc_num];
        let gpus = [self.gpu_num_req, self.gpu_num_used, self.job_gpu_num];
        let dcus = [self.dcu_num_req, self.dcu_num_used];
        resources(&procs, &gpus, &dcus)
    }

    fn details(
        &self,
        scheduler_word: Option<&str>,
        exit: &Exit,
        clock: WallClock,
        show_secrets: bool,
    ) -> JobDetails {
        let command = match show_secrets {
            true => self.command.0.clone(),
            false => self.command.0.as_deref().map(mask_text),
        };
        let (procs, gpus) = ([self.proc_num_used], [self.gpu_num_used]);
        let memory = self.job_mem_used.unsigned();
        let id = self.id().unwrap_or_default();
        let path = |names: [&Text; 2]| first(names).map(|path| path.replace("%j", id));
        JobDetails {
            region_name: self.cluster_name.0.clone(),
            scheduler_name: first([&self.job_manager_name, &self.other_manager_name]),
            scheduler_state: scheduler_word.map(str::to_owned),
            app_type: self.app_type.0.clone(),
            group: self.group_name.0.clone(),
            command,
            work_dir: first([&self.live_work_dir, &self.workdir]),
            stdout_path: path([&self.output_path, &self.stdout]),
            stderr_path: path([&self.error_path, &self.stderr]),
            nodes: first([&self.node_used, &self.job_exec_host]),
            node_count: self
                .node_num_req
                .0
                .or(self.node_num_used.0)
                .or(self.nodect.0),
            time_limit_seconds: self.time_limit(),
            wait_seconds: self.job_wait_time.0,
            cpu_seconds: self.job_cpu_time.0,
            used: Resources {
                memory_bytes: memory.and_then(|kib| kib.checked_mul(1024)),
                ..resources(&procs, &gpus, &[self.dcu_num_used])
            },
            signal: exit.signal,
            exit_status: self.job_exit_status.value.0,
            booked_at: self.booked_at(clock),
        }
    }
}

fn first<const N: usize>(texts: [&Text; N]) -> Option<String> {
    texts.into_iter().find_map(|text| text.0.clone())
}

/// Returns the resources, each from the first count that is present; of GPUs and DCUs, those that the job has.
fn resources(procs: &[Int], gpus: &[Int], dcus: &[Int]) -> Resources {
    let first = |counts: &[Int]| counts.iter().find_map(|count| count.unsigned());
    let [gpus, dcus] = [gpus, dcus].map(first);
    let (accelerators, kind) = match (gpus, dcus) {
        (Some(gpus @ 1..), _) => (Some(gpus), Some("gpu")),
        (_, Some(dcus @ 1..)) => (Some(dcus), Some("dcu")),
        (gpus, dcus) => (gpus.or(dcus), None),
    };
    Resources {
        cpu: first(procs).map(|count| count as f64),
        accelerators,
        accelerator_type: kind.map(str::to_owned),
        ..Resources::default()
    }
}

/// Converts a duration such as `1-00:00:00` to seconds; `None` for `UNLIMITED`.
fn seconds(text: &str) -> Option<i64> {
    let (days, time) = text.split_once('-').unwrap_or(("0", text));
    let days: i64 = days.parse().ok()?;
    let parts = time.split(':').map(str::parse);
    let parts: Vec<i64> = parts.collect::<Result<_, _>>().ok()?;
    let [hours, minutes, seconds] = parts[..] else {
        return None;
    };
    let hours = days.checked_mul(24)?.checked_add(hours)?;
    hours
        .checked_mul(3600)?
        .checked_add(minutes.checked_mul(60)?)?
        .checked_add(seconds)
}
