use std::collections::{HashMap, HashSet};

use super::cause::explanation;
use super::human;
use crate::error::{Problem, exit_code};
use crate::gate::Verdict;
use crate::model::{Job, State};
use crate::output::document::Envelope;

/// The data for CI systems about one reference of a gate.
pub(super) struct TestCase<'a> {
    /// The canonical reference, the typed text if it is invalid, or `joblens` for a problem without either.
    pub reference: &'a str,
    /// Whether lists of references contain [`Self::reference`]: a text with separators would be several of them.
    pub is_listed: bool,
    /// The last job that was read.
    pub job: Option<&'a Job>,
    /// Why it has neither a response nor a failure.
    pub unchecked: Option<&'a str>,
    /// The result.
    pub outcome: CaseOutcome<'a>,
}

/// The outcome of a reference when a report is written.
pub(super) enum CaseOutcome<'a> {
    /// It met the condition.
    Passed,
    /// It ended without meeting the condition, or had a new warning.
    Failed,
    /// It could not be read.
    ReadError(&'a Problem),
    /// It is active, and the gate is undecided.
    StillRunning,
    /// It is active, and the verdict is certain without it.
    NotNeeded,
}

/// Returns one case per reference: first those that were read, in their order, then the others.
pub(super) fn cases(envelope: &Envelope) -> Vec<TestCase<'_>> {
    let gate = envelope.gate.as_ref();
    let is_certain = gate.is_some_and(|gate| gate.verdict != Verdict::Undecided);
    let decided = is_certain && gate.is_some_and(|gate| !gate.timed_out);
    let unchecked: HashSet<&str> = gate
        .iter()
        .flat_map(|gate| gate.unchecked.iter().map(String::as_str))
        .collect();
    let mut unread: HashMap<&str, &Problem> = HashMap::new();
    for problem in &envelope.errors {
        if let Some(reference) = problem.reference.as_deref() {
            unread.entry(reference).or_insert(problem);
        }
    }
    let seen = envelope.content.jobs.iter().map(|job| {
        let problem = unread.remove(job.reference.as_str());
        let outcome = match (job.verdict.as_deref(), problem) {
            (Some("met"), _) => CaseOutcome::Passed,
            (Some("unmet"), _) => CaseOutcome::Failed,
            (_, Some(problem)) => CaseOutcome::ReadError(problem),
            (_, None) if decided => CaseOutcome::NotNeeded,
            (_, None) => CaseOutcome::StillRunning,
        };
        TestCase {
            reference: &job.reference,
            is_listed: true,
            job: Some(job),
            unchecked: None,
            outcome,
        }
    });
    let mut cases: Vec<TestCase<'_>> = seen.collect();
    let never_seen = envelope.errors.iter().filter_map(|problem| {
        let (reference, is_listed) = match (problem.reference.as_deref(), problem.input.as_deref())
        {
            (Some(reference), _) => (unread.remove(reference).map(|_| reference)?, true),
            (None, Some(input)) => (input, !input.contains(is_separator)),
            (None, None) => ("joblens", false),
        };
        let unchecked = unchecked.contains(reference);
        Some(TestCase {
            reference,
            is_listed,
            job: None,
            unchecked: unchecked.then_some(problem.message.as_str()),
            outcome: match unchecked {
                false => CaseOutcome::ReadError(problem),
                true if is_certain => CaseOutcome::NotNeeded,
                true => CaseOutcome::StillRunning,
            },
        })
    });
    cases.extend(never_seen);
    cases
}

impl TestCase<'_> {
    /// Returns the name of the list of references to which the case belongs.
    pub(super) fn key(&self) -> &'static str {
        match self.outcome {
            CaseOutcome::Passed => "passed",
            CaseOutcome::Failed => "failed",
            CaseOutcome::ReadError(_) | CaseOutcome::StillRunning | CaseOutcome::NotNeeded => {
                "pending"
            }
        }
    }

    /// Returns cloud, kind and scope, separated by dots, by which viewers group the cases.
    pub(super) fn class(&self) -> String {
        let scope = self.path().rsplit_once('/').map_or("", |(scope, _)| scope);
        let mut parts = scope.split('/').map(|part| match part.split_once('@') {
            Some((cloud, _profile)) => cloud,
            None => part,
        });
        let class = parts.by_ref().filter(|part| !part.is_empty());
        let class: Vec<String> = class.map(decoded).collect();
        match class.is_empty() {
            true => "joblens".to_owned(),
            false => class.join("."),
        }
    }

    /// Returns the job's name, or its id without a name.
    pub(super) fn name(&self) -> String {
        let name = self.job.and_then(|job| job.name.as_deref());
        match name.map(str::trim).filter(|name| !name.is_empty()) {
            Some(name) => name.to_owned(),
            None => self.id(),
        }
    }

    /// Returns the last segment of the reference.
    pub(super) fn id(&self) -> String {
        match self.path().rsplit('/').next() {
            Some(id) if !id.is_empty() => decoded(id),
            _ => self.reference.to_owned(),
        }
    }

    /// Returns the reference without the slash at the end of a scope, which is an error for a gate.
    fn path(&self) -> &str {
        self.reference.trim_end_matches('/')
    }

    /// Returns one word for the problem: a state, a category, or how the wait ended.
    pub(super) fn kind(&self, envelope: &Envelope) -> &'static str {
        match (&self.outcome, self.job) {
            (CaseOutcome::Passed | CaseOutcome::NotNeeded, _) => "",
            (CaseOutcome::ReadError(problem), _) => problem.category.as_str(),
            (CaseOutcome::Failed, Some(job)) if has_failed_on_warnings(job) => "warning",
            (CaseOutcome::Failed, Some(job)) => job.state.as_str(),
            (CaseOutcome::Failed, None) => State::Unknown.as_str(),
            (CaseOutcome::StillRunning, _) => match envelope.exit.code {
                exit_code::PENDING | exit_code::INTERRUPTED | exit_code::TERMINATED => {
                    envelope.exit.word
                }
                _ => "timeout",
            },
        }
    }

    /// Returns the reason in one sentence, with the cloud's text not escaped.
    pub(super) fn explanation(&self, envelope: &Envelope) -> String {
        if let Some(reason) = self.unchecked {
            return reason.to_owned();
        }
        let cause = self.job.and_then(explanation);
        let state = self.job.map_or(State::Unknown, |job| job.state);
        match &self.outcome {
            CaseOutcome::Passed => cause.unwrap_or_default(),
            CaseOutcome::ReadError(problem) => problem.message.trim().to_owned(),
            CaseOutcome::Failed => join(state.as_str().to_owned(), cause),
            CaseOutcome::NotNeeded => {
                let word = verdict(envelope).as_str();
                format!(
                    "{}; not waited for: the gate has already {word}",
                    still(state)
                )
            }
            CaseOutcome::StillRunning => {
                let elapsed = envelope
                    .gate
                    .as_ref()
                    .map_or(0, |gate| gate.elapsed_seconds);
                let elapsed = human::duration(i64::try_from(elapsed).unwrap_or(i64::MAX));
                let end = match envelope.exit.code {
                    exit_code::PENDING => String::new(),
                    exit_code::INTERRUPTED => {
                        format!(" when joblens was interrupted after {elapsed}")
                    }
                    exit_code::TERMINATED => {
                        format!(" when joblens was terminated after {elapsed}")
                    }
                    _ => format!(" after {elapsed}"),
                };
                join(format!("{}{end}", still(state)), cause)
            }
        }
    }
}

/// Returns the verdict; undecided without a gate.
pub(super) fn verdict(envelope: &Envelope) -> Verdict {
    envelope
        .gate
        .as_ref()
        .map_or(Verdict::Undecided, |gate| gate.verdict)
}

fn has_failed_on_warnings(job: &Job) -> bool {
    !job.ended && job.state != State::Failed && has_warnings(job)
}

fn has_warnings(job: &Job) -> bool {
    let has_word_of_its_own = job.state == State::Unknown && job.state_raw.is_some();
    job.warning_count > 0 && !has_word_of_its_own
}

fn still(state: State) -> String {
    match state {
        State::Unknown => "still undecided".to_owned(),
        state => format!("still {state}"),
    }
}

fn join(text: String, cause: Option<String>) -> String {
    match cause {
        Some(cause) => format!("{text}: {cause}"),
        None => text,
    }
}

/// Returns `true` for characters that end a reference in a list, or that GitLab rejects in the value of a variable.
fn is_separator(character: char) -> bool {
    character.is_whitespace() || character.is_control() || matches!(character, ',' | '"' | '\'')
}

fn decoded(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment)
        .decode_utf8_lossy()
        .into_owned()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::error::Category;
    use crate::output::document::{Exit, Gate};

    /// Returns a job of a gate.
    pub(in super::super) fn job(id: &str, state: State, verdict: &str) -> Job {
        Job {
            reference: format!("aliyun@prod/job/ehpc-hz-FYUr32/{id}"),
            id: id.into(),
            state,
            ended: state.is_end(),
            verdict: Some(verdict.into()),
            ..Job::default()
        }
    }

    /// Returns the problem of a job that could not be read.
    pub(in super::super) fn unread(reference: &str, category: Category, message: &str) -> Problem {
        let mut problem = Problem::new(category, message);
        problem.reference = Some(reference.into());
        problem
    }

    /// Returns an envelope with a gate of ten minutes.
    pub(in super::super) fn envelope(
        jobs: Vec<Job>,
        errors: Vec<Problem>,
        verdict: Verdict,
        code: u8,
    ) -> Envelope {
        let count = |word| {
            jobs.iter()
                .filter(move |job| job.verdict.as_deref() == Some(word))
        };
        let gate = Gate {
            verdict,
            met: count("met").count() as u64,
            unmet: count("unmet").count() as u64,
            pending: (count("pending").count() + errors.len()) as u64,
            timed_out: false,
            unchecked: Vec::new(),
            reason: Some("because".into()),
            elapsed_seconds: 600,
            requests: 7,
        };
        let mut envelope = Envelope::new("wait", jobs, errors, Vec::new()).with_gate(gate, code);
        envelope.exit = Exit {
            code,
            ..envelope.exit
        };
        envelope
    }

    fn kinds(envelope: &Envelope) -> Vec<&'static str> {
        cases(envelope)
            .iter()
            .map(|case| case.kind(envelope))
            .collect()
    }

    #[test]
    fn an_active_job_is_pending_until_the_gate_is_decided_and_then_not_needed() {
        let open = || vec![job("5", State::Running, "pending")];
        for (code, kind) in [(124, "timeout"), (8, "pending"), (143, "terminated")] {
            let undecided = envelope(open(), vec![], Verdict::Undecided, code);
            assert_eq!(kinds(&undecided), [kind]);
        }
        let decided = envelope(open(), vec![], Verdict::Failed, 1);
        assert!(matches!(cases(&decided)[0].outcome, CaseOutcome::NotNeeded));
    }

    #[test]
    fn a_failed_job_that_has_not_ended_is_a_failure_and_not_a_warning() {
        let failed = Job {
            ended: false,
            warning_count: 2,
            ..job("10", State::Failed, "unmet")
        };
        let envelope = envelope(vec![failed], vec![], Verdict::Failed, 1);
        assert_eq!(kinds(&envelope), ["failed"]);
    }

    #[test]
    fn a_job_with_a_later_error_is_one_case_and_its_verdict_takes_precedence() {
        let reference = "aliyun@prod/job/ehpc-hz-FYUr32/5";
        let error = || unread(reference, Category::Network, "no route");
        let open = envelope(
            vec![job("5", State::Running, "pending")],
            vec![error()],
            Verdict::Undecided,
            5,
        );
        assert_eq!(kinds(&open), ["network"]);
        let no = envelope(
            vec![job("5", State::Failed, "unmet")],
            vec![error(), unread("a/b/c", Category::NotFound, "x")],
            Verdict::Failed,
            1,
        );
        assert_eq!(kinds(&no), ["failed", "not_found"]);
    }

    #[test]
    fn a_job_without_a_verdict_never_passes() {
        let mut unjudged = job("5", State::Succeeded, "met");
        unjudged.verdict = None;
        let envelope = envelope(vec![unjudged], vec![], Verdict::Undecided, 124);
        assert!(matches!(
            cases(&envelope)[0].outcome,
            CaseOutcome::StillRunning
        ));
    }

    #[test]
    fn class_is_cloud_kind_and_scope_and_name_falls_back_to_the_id() {
        let named = |reference: &str| {
            let case = TestCase {
                reference,
                is_listed: true,
                job: None,
                unchecked: None,
                outcome: CaseOutcome::StillRunning,
            };
            (case.class(), case.name())
        };
        let expect = |class: &str, name: &str| (class.to_owned(), name.to_owned());
        assert_eq!(
            named("tencent@prod/service/cls-1/default/web%2F1"),
            expect("tencent.service.cls-1.default", "web/1")
        );
        assert_eq!(
            named("sugon/instance/8a85"),
            expect("sugon.instance", "8a85")
        );
        assert_eq!(named("nonsense"), expect("joblens", "nonsense"));
        // A scope instead of a reference.
        assert_eq!(named("aliyun/job/c1/"), expect("aliyun.job", "c1"));
        assert_eq!(named("/"), expect("joblens", "/"));
    }

    #[test]
    fn a_job_that_fails_a_gate_by_a_warning_has_the_kind_warning() {
        let mut service = job("web", State::Unknown, "unmet");
        service.warning_count = 1;
        let mut odd = job("6", State::Unknown, "unmet");
        odd.state_raw = Some("Thawing".into());
        odd.warning_count = 1;
        let envelope = envelope(vec![service, odd], vec![], Verdict::Failed, 1);
        assert_eq!(kinds(&envelope), ["warning", "unknown"]);
    }
}
