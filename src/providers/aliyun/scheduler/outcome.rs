//! Determines how a job ended and the reason for its state.

use super::JobFields;
use super::evidence::{EndEvidence, ExitFields, RUN_COMMENT};
use crate::providers::get_result::TRUST_FINISHED;
use crate::providers::prelude::*;
use crate::providers::slurm::{self, Part};
use crate::secret::mask_text;

/// Message of a job whose success is not certain because of other fields of its record.
const UNCLEAR_RECORD: &str =
    "the scheduler's record (ExtraInfo, comment, exit status) may describe a failure";

/// Message of a job whose state only the list can confirm.
const UNREAD_LIST: &str = "the list of jobs, which can have another state, could not be read";

/// Message of a job that a scheduler has interrupted.
const MAY_BE_REQUEUED: &str = "the job was preempted, and may be queued again";

/// Slurm's state word.
#[derive(Clone)]
pub(in crate::providers::aliyun) struct SlurmWord {
    pub text: String,
    /// True if the job was preempted, but can be queued again.
    pub may_be_requeued: bool,
}

impl<V> JobFields<V> {
    /// Returns the fields `State` and `job_state`.
    pub(super) fn state_fields(&self) -> [&Checked<Text>; 2] {
        [&self.state, &self.pbs_state]
    }

    /// Returns the state word. `None` if its two fields differ or one of them cannot be read, since choosing one
    /// would be a guess.
    pub(super) fn state_word(&self) -> Option<&str> {
        let fields = self.state_fields();
        let is_unreadable = fields.iter().any(|field| field.is_unreadable);
        match fields.map(|field| field.value.trimmed()) {
            _ if is_unreadable => None,
            [Some(one), Some(other)] if !one.eq_ignore_ascii_case(other) => None,
            [one, other] => one.or(other),
        }
    }

    /// Returns Slurm's state word.
    pub fn slurm_word(&self) -> Option<SlurmWord> {
        let word = self.job_state.value.trimmed()?;
        let is_preempted = word.eq_ignore_ascii_case("PREEMPTED");
        let can_requeue = [self.requeue.0, self.restarts.0]
            .into_iter()
            .flatten()
            .any(|number| number > 0);
        Some(SlurmWord {
            text: word.to_owned(),
            may_be_requeued: is_preempted && can_requeue,
        })
    }

    /// Returns `true` if no field has a state. One that cannot be read counts as a state.
    pub fn lacks_state(&self) -> bool {
        let has_state =
            |field: &Checked<Text>| field.is_unreadable || field.value.trimmed().is_some();
        !self.state_fields().into_iter().any(has_state)
    }

    /// Returns a notice if the two fields with the state differ.
    pub(super) fn differing_states(&self, reference: &Reference) -> Option<Notice> {
        let words = self.state_fields().map(|field| field.value.trimmed());
        let [Some(one), Some(other)] = words else {
            return None;
        };
        let text =
            format!("{reference}: State is {one}, but job_state is {other}; shown as unknown");
        let notice = Notice::new(NoticeCode::UnknownState, text);
        self.state_word().is_none().then_some(notice)
    }

    /// Collects the evidence of the job's end from the response and from other operations.
    pub fn evidence(&self) -> EndEvidence {
        let exit_fields = ExitFields {
            exit_status: self.exit_status,
            exit_code: self.exit_code.clone(),
            job_state: self.job_state.clone(),
            comment: self.pbs_comment.clone(),
            derived_exit_code: self.derived_exit_code.clone(),
            array_job_id: self.array_job_id.clone(),
            array_task_id: self.subtask_number(),
            het_job_id: self.het_job_id.clone(),
            het_job_offset: self.het_job_offset.clone(),
            substate: self.substate,
            subtask_counts: self.subtask_counts.clone(),
            // The state of the job itself, which is compared with `State`.
            pbs_state: Checked::default(),
        };
        let extra = self.extra_info.trimmed().map(EndEvidence::of_extra_info);
        let exit_fields = EndEvidence::of(&exit_fields).and(extra.unwrap_or_default());
        exit_fields.and(self.known.clone())
    }

    /// Returns the number of the subtask that the record is about, from the field of GetJob or that of Slurm.
    fn subtask_number(&self) -> Checked<Text> {
        let number = self.array_job_sub_id.0.map(|number| number.to_string());
        match number {
            Some(number) if !self.array_task_id.is_unreadable => Checked {
                value: Text(Some(number)),
                is_unreadable: false,
            },
            _ => self.array_task_id.clone(),
        }
    }

    /// Determines the outcome of a job whose state word does not show it.
    pub(super) fn resolve_state(
        &self,
        job: &mut Job,
        job_kind: &Kind,
        evidence: &EndEvidence,
        options: &RequestOptions,
    ) {
        let trusts_finished = options.has_flag(&TRUST_FINISHED);
        let word = self.state_word().unwrap_or_default();
        let mut rules = job_kind.states[0].outcome_rules.iter();
        let is_finished = rules.any(|rule| word.eq_ignore_ascii_case(rule.word));
        if !is_finished && !job.ended {
            return;
        }
        job.ended = true;
        let is_unclear = evidence.is_unclear;
        job.exit_code = evidence.exit_code;
        let request = &self.array_request;
        let has_request = request.is_unreadable || request.value.0.is_some();
        let lacks_number = has_request && self.array_job_sub_id.0.is_none();
        // In Slurm, the last subtask keeps the id of its array job, so the id can be that of both.
        let is_whole_array = lacks_number || evidence.part.is_of(&job.id);
        // PBS derives the exit status of an array job from those of its subtasks. Its state word alone proves nothing.
        let is_array_id = job.id.contains("[]");
        match (job.state, job.exit_code) {
            (State::Succeeded | State::Unknown, _) if evidence.failure.is_some() => {
                job.state = State::Failed;
            }
            (State::Succeeded, _) if is_whole_array || is_array_id => {
                job.state = State::Unknown;
                job.ended = false;
                job.reason = Some(Reason::SubtasksUnread);
                job.message = Some("the subtasks of the array job may not have ended".to_owned());
            }
            (State::Unknown, Some(0)) if !is_whole_array && !is_unclear => {
                job.state = State::Succeeded;
            }
            (State::Unknown, _) if is_finished && trusts_finished && !is_unclear => {
                job.state = State::Succeeded;
            }
            (State::Succeeded, _) if !is_unclear => {}
            (State::Succeeded | State::Unknown, _) => {
                job.state = State::Unknown;
                job.reason = Some("exit status unavailable".into());
                let can_trust = is_finished && !is_whole_array;
                job.message = Some(unproven_text(word, is_unclear, can_trust));
            }
            _ => {}
        }
        if job.state == State::Succeeded
            && let Some(text) = &evidence.active_subtasks
        {
            states::contradict(job, format!("the job is {word}, but {text}"));
        }
    }
}

impl EndEvidence {
    /// Returns a notice if the job succeeded although steps of it failed.
    pub(super) fn failed_steps_notice(&self, job: &Job) -> Option<Notice> {
        let text = self.failed_steps.as_ref();
        let text = text.filter(|_| job.state == State::Succeeded)?;
        let text = format!("{}: {text}", job.reference);
        Some(Notice::new(NoticeCode::FailedParts, text))
    }

    /// Sets the state of a job without one according to Slurm's state word. A word other than that of a failure counts
    /// only if the list was read and lacks the job (`is_unlisted`). An exit code counts only if the word is that of an
    /// end, because a requeued job keeps that of its earlier run.
    pub fn resolve_word(
        self,
        word: &SlurmWord,
        is_unlisted: bool,
        job: &mut Job,
        options: &RequestOptions,
    ) {
        let may_be_requeued = word.may_be_requeued;
        let word = &*word.text;
        let known = slurm::state(word);
        let is_active = known.is_some_and(|state| State::ACTIVE.contains(&state));
        let state = match known {
            _ if self.failure.is_some() && !is_active && !may_be_requeued => State::Failed,
            Some(State::Canceled) if !may_be_requeued => State::Canceled,
            Some(state) if is_unlisted && !may_be_requeued => state,
            Some(_) => {
                let message = if may_be_requeued {
                    MAY_BE_REQUEUED
                } else {
                    UNREAD_LIST
                };
                job.state_raw = Some(word.to_owned());
                job.message = Some(message.to_owned());
                return;
            }
            None => return,
        };
        (job.state, job.ended) = (state, state.is_end());
        job.state_raw = Some(word.to_owned());
        job.exit_code = self.exit_code.filter(|_| job.ended);
        if state == State::Succeeded {
            self.confirm_word(word, job, options);
        }
        self.explain(job, options.show_secrets);
    }

    /// Makes the state of a job that has completed unknown, unless its record proves that it succeeded.
    fn confirm_word(&self, word: &str, job: &mut Job, options: &RequestOptions) {
        if let Some(text) = &self.active_subtasks {
            states::contradict(job, format!("the job is {word}, but {text}"));
            return;
        }
        // The other parts of the job may have failed, or may still run.
        let can_trust = self.part == Part::None;
        let is_proven = self.exit_code == Some(0) || options.has_flag(&TRUST_FINISHED);
        if can_trust && is_proven && !self.is_unclear {
            return;
        }
        job.state = State::Unknown;
        job.reason = Some("exit status unavailable".into());
        job.message = Some(unproven_text(word, self.is_unclear, can_trust));
    }

    /// Sets reason and message of a job from the evidence.
    pub(super) fn explain(self, job: &mut Job, show_secrets: bool) {
        let comment = self.comment.as_deref().and_then(cause);
        let comment = comment.map(|text| match show_secrets {
            true => text.to_owned(),
            false => mask_text(text),
        });
        match job.state {
            State::Pending => job.message = job.message.take().or(comment),
            State::Failed | State::Canceled => {
                job.reason = job.reason.take().or(self.reason.map(Reason::from));
                job.message = comment.or(job.message.take()).or(self.failure);
            }
            _ => {}
        }
    }
}

/// Describes why the success of an ended job is not certain. `can_trust` is true if the user can decide that it counts.
fn unproven_text(word: &str, is_unclear: bool, can_trust: bool) -> String {
    match (is_unclear, can_trust) {
        (true, _) => UNCLEAR_RECORD.to_owned(),
        (false, true) => {
            states::without_outcome(word) + "; --trust-finished treats it as succeeded"
        }
        (false, false) => states::without_outcome(word),
    }
}

/// Returns the comment of PBS if it explains a state. For a job that has run, it begins with time and node, and
/// then describes the end. Only an end that PBS itself caused is an explanation: `Job run at Sun Nov 29 at
/// 20:46 on (node1) and exceeded resource walltime`.
fn cause(comment: &str) -> Option<&str> {
    const USUAL_ENDS: [&str; 2] = ["finished", "failed"];
    let comment = comment.trim();
    if !comment.starts_with(RUN_COMMENT) {
        return Some(comment).filter(|comment| !comment.is_empty());
    }
    let (_, end) = comment.rsplit_once(" and ")?;
    (!USUAL_ENDS.contains(&end.trim())).then_some(comment)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scheduler_comment_without_an_explanation_is_not_a_cause() {
        let run = "Job run at Sun Nov 29 at 20:46 on (node1:ncpus=2)";
        for comment in [
            "",
            run,
            &format!("{run} and finished"),
            &format!("{run} and failed"),
        ] {
            assert_eq!(cause(comment), None, "{comment}");
        }
        let exceeded = format!("{run} and exceeded resource walltime");
        let waits = "Not Running: Insufficient amount of resource: ngpus (R: 8 A: 0 T: 16)";
        for comment in [
            &*exceeded,
            waits,
            "Job held, too many failed attempts to run",
        ] {
            assert_eq!(cause(comment), Some(comment));
        }
    }

    #[test]
    fn a_scheduler_comment_explains_only_pending_and_failed_jobs() {
        let message = |state, comment: &str| {
            let evidence = EndEvidence {
                failure: Some("exit status 271".to_owned()),
                comment: Some(comment.to_owned()),
                ..EndEvidence::default()
            };
            let mut job = Job {
                state,
                ..Job::default()
            };
            evidence.explain(&mut job, false);
            job.message
        };
        let waits = "Not Running: ngpus";
        assert_eq!(message(State::Pending, waits).as_deref(), Some(waits));
        assert_eq!(message(State::Running, waits), None);
        assert_eq!(message(State::Succeeded, waits), None);
        let killed = "job killed: mem 5gb exceeded limit 4gb";
        assert_eq!(message(State::Failed, killed).as_deref(), Some(killed));
        assert_eq!(
            message(State::Failed, "").as_deref(),
            Some("exit status 271")
        );
    }
}
