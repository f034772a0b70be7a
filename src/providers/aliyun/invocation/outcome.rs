//! Determines how an invocation ended, and converts its status and the results of its nodes to a job.

use super::status::{Node, NodeResult, Results, STATES, Status, Unread, is_word};
use super::{InvocationDetails, NodeDetails};
use crate::model::Details;
use crate::providers::prelude::*;
use crate::providers::states::{self, ExitOutcome};
use std::collections::{BTreeSet, HashMap, HashSet};

impl Status {
    /// Converts the status to a job. `base` contains its reference.
    ///
    /// `user_states` are the user's state words. `results` are the results of a finished invocation. With
    /// `trust_finished`, an invocation whose exit codes can never be read has succeeded.
    pub(in super::super) fn into_job(
        self,
        base: Job,
        user_states: &[(String, State)],
        results: Option<Results>,
        trust_finished: bool,
    ) -> (Job, Vec<Notice>) {
        let mut notices = Vec::new();
        let state = states::normalize(STATES, user_states, self.word.as_deref());
        notices.extend(state.unknown_state_notice("aliyun/invocation"));
        let mut job = state.into_job(base);
        job.request_id = self.request_id;
        let mut exit_codes = "unknown";
        match results {
            None => {
                job.tasks = self
                    .nodes
                    .into_iter()
                    .map(|node| node_task(node, None).0)
                    .collect();
                if job.state == State::Failed {
                    explain_failure_to_run(&mut job);
                }
            }
            Some(results) => {
                let unread = apply_results(&mut job, self.nodes, results);
                let mut tasks = job.tasks.iter();
                job.ended = !tasks.any(|task| State::ACTIVE.contains(&task.state));
                match unread {
                    None => exit_codes = "known",
                    Some(unread) => {
                        let (reference, reason) = (&job.reference, &unread.reason);
                        let text = format!("{reference}: could not read all exit codes: {reason}");
                        notices.push(Notice::new(NoticeCode::ExitCodesUnread, text));
                        if job.state == State::Unknown {
                            resolve_unread(&mut job, unread, trust_finished);
                        }
                    }
                }
            }
        }
        note_unknown_words(&job.tasks, &mut notices);
        job.details = Some(Arc::new(InvocationDetails {
            exit_codes,
            ..self.command
        }));
        (job, notices)
    }
}

/// Determines the state of a finished invocation without a failed node, of which exit codes are missing.
fn resolve_unread(job: &mut Job, unread: Unread, trust_finished: bool) {
    let Unread { reason, cause } = unread;
    let message = format!("the command finished, but its exit codes could not be read: {reason}");
    // Otherwise, a later poll may be able to read the results, which can show a failure.
    let can_trust = cause.is_none_or(states::is_permanent);
    let trusts = trust_finished && can_trust && job.tasks.iter().all(may_have_finished);
    match cause.filter(|_| !trusts) {
        Some(cause) => states::leave_unread(job, cause, message),
        None => {
            job.reason = Some("exit codes unavailable".into());
            job.message = Some(message);
            if trusts {
                job.state = State::Succeeded;
            }
        }
    }
}

/// Determines the state of a finished invocation from its nodes. Returns why exit codes are missing, if any are.
fn apply_results(job: &mut Job, nodes: Vec<Node>, results: Results) -> Option<Unread> {
    let has_no_nodes = nodes.is_empty();
    let is_unreadable = nodes.iter().any(|node| node.is_unreadable)
        || results.nodes.iter().any(|result| result.is_unreadable);
    let (tasks, outcomes): (Vec<_>, Vec<_>) = node_tasks(nodes, results.nodes).into_iter().unzip();
    job.tasks.extend(tasks);
    if job.tasks.iter().all(|task| task.finished_at.is_some()) {
        job.finished_at = job.tasks.iter().filter_map(|task| task.finished_at).max();
    }
    let failed = outcomes
        .iter()
        .position(|outcome| *outcome == ExitOutcome::Failed);
    let unread = outcomes
        .iter()
        .position(|outcome| *outcome == ExitOutcome::Unknown);
    let is_partial = has_no_nodes && results.is_total_unreadable;
    let unread = results.unread.or_else(|| {
        let reason = match unread {
            Some(_) if is_unreadable => "a field that can show a failure is unreadable".to_owned(),
            None if is_partial => "the number of nodes could not be read".to_owned(),
            Some(at) => format!("{} reported none", label(&job.tasks[at])),
            None if outcomes.is_empty() => "no node is reported".to_owned(),
            None => return None,
        };
        Some(Unread {
            reason,
            cause: None,
        })
    });
    let unread = unread.map(|unread| Unread {
        cause: is_unreadable
            .then_some(Category::InvalidResponse)
            .or(unread.cause),
        ..unread
    });
    let outcome = match (failed, &unread) {
        (Some(_), _) => ExitOutcome::Failed,
        (None, None) => ExitOutcome::Succeeded,
        (None, Some(_)) => ExitOutcome::Unknown,
    };
    job.state = outcome.state();
    if let Some(at) = failed {
        let task = &job.tasks[at];
        let text = task.message.as_deref().map(str::trim);
        let text = text.filter(|text| !text.is_empty());
        let reason = task.reason.clone().unwrap_or_default();
        let text = text.map_or_else(String::new, |text| format!(": {text}"));
        job.message = Some(format!("{}: {reason}{text}", label(task)));
        job.exit_code = task.exit_code;
        job.reason = Some(reason.into());
    } else if job.state == State::Succeeded {
        job.exit_code = Some(0);
    }
    unread
}

/// Returns the nodes with their results, then the results of nodes that are not listed.
fn node_tasks(nodes: Vec<Node>, results: Vec<NodeResult>) -> Vec<(Task, ExitOutcome)> {
    let mut by_node: HashMap<Option<String>, Vec<NodeResult>> = HashMap::new();
    let mut extra = Vec::new();
    let listed: HashSet<Option<String>> = nodes.iter().map(|node| node.id.clone()).collect();
    for result in results {
        if listed.contains(&result.id) {
            by_node.entry(result.id.clone()).or_default().push(result);
        } else {
            extra.push(result);
        }
    }
    let mut tasks = Vec::new();
    for node in nodes {
        let reported = by_node.remove(&node.id).unwrap_or_default();
        // If a node has several results, the worst one is used.
        let worst =
            reported
                .into_iter()
                .min_by_key(|result| match node_outcome(&node, Some(result)) {
                    ExitOutcome::Failed => 0,
                    ExitOutcome::Unknown => 1,
                    ExitOutcome::Succeeded => 2,
                });
        tasks.push(node_task(node, worst));
    }
    for result in extra {
        let node = Node {
            id: result.id.clone(),
            word: result.word.clone(),
            is_unreadable: false,
        };
        tasks.push(node_task(node, Some(result)));
    }
    tasks
}

/// Converts a node and its result to a task and an outcome.
fn node_task(node: Node, result: Option<NodeResult>) -> (Task, ExitOutcome) {
    let outcome = node_outcome(&node, result.as_ref());
    // Unrecognized states are reported once for the whole response.
    let mut state = states::normalize(STATES, &[], node.word.as_deref());
    if is_word(node.word.as_deref(), "Finished") {
        (state.state, state.ended) = (outcome.state(), true);
    }
    let details = result.as_ref().map(|result| NodeDetails {
        success: result.success,
        record_status: result.word.as_deref().map(|word| word.trim().to_owned()),
    });
    let exit_code = result.as_ref().and_then(|result| result.exit_code);
    let success = result.as_ref().and_then(|result| result.success);
    let reason = (outcome == ExitOutcome::Failed).then(|| match (exit_code, success) {
        (Some(0), Some(false)) => "exit code 0, Success is false".to_owned(),
        (Some(code), _) if code != 0 => format!("exit code {code}"),
        (None, Some(false)) => "Success is false".to_owned(),
        _ => "failed to run".to_owned(),
    });
    let (message, finished_at) = match result {
        Some(result) => (result.message.value.0, result.finished_at),
        None => (None, None),
    };
    let task = Task {
        node: node.id.clone(),
        id: node.id,
        kind: "node".to_owned(),
        reason,
        message,
        exit_code: exit_code.filter(|_| state.ended),
        finished_at: finished_at.filter(|_| state.ended),
        details: details.map(|details| Arc::new(details) as Arc<dyn Details>),
        ..state.into_task()
    };
    (task, outcome)
}

/// Returns `true` if the node's state is `Finished` or not known.
fn may_have_finished(task: &Task) -> bool {
    task.state_raw.is_none() || is_word(task.state_raw.as_deref(), "Finished")
}

fn node_outcome(node: &Node, result: Option<&NodeResult>) -> ExitOutcome {
    let word_of_result = result.and_then(|result| result.word.as_deref());
    let words = [node.word.as_deref(), word_of_result];
    if words.iter().any(|word| is_word(*word, "Failed")) {
        return ExitOutcome::Failed;
    }
    // A node that still runs, or whose state word is not known, has not ended.
    let has_ended = |word: &Option<&str>| {
        word.is_none() || is_word(*word, "Finished") || is_word(*word, "Stopped")
    };
    let Some(result) = result.filter(|_| words.iter().all(has_ended)) else {
        return ExitOutcome::Unknown;
    };
    let is_unreadable = node.is_unreadable || result.is_unreadable;
    let is_stopped = words.iter().any(|word| is_word(*word, "Stopped"));
    match (result.exit_code, result.success) {
        (Some(code), _) if code != 0 => ExitOutcome::Failed,
        (_, Some(false)) => ExitOutcome::Failed,
        (Some(_), _) if !is_stopped && !is_unreadable => ExitOutcome::Succeeded,
        _ => ExitOutcome::Unknown,
    }
}

/// Sets the reason of a command that could not be run to the first node on which it could not.
fn explain_failure_to_run(job: &mut Job) {
    if let Some(task) = job.tasks.iter().find(|task| task.state == State::Failed) {
        job.reason = Some("failed to run".into());
        job.message = Some(format!("{}: failed to run", label(task)));
    }
}

fn label(task: &Task) -> String {
    match &task.id {
        Some(id) => format!("node {id}"),
        None => "a node without an id".to_owned(),
    }
}

fn note_unknown_words(tasks: &[Task], notices: &mut Vec<Notice>) {
    let words: BTreeSet<&str> = tasks
        .iter()
        .filter_map(|task| task.state_raw.as_deref())
        .collect();
    for word in words {
        let state = states::normalize(STATES, &[], Some(word));
        notices.extend(state.unknown_state_notice("aliyun node"));
    }
}
