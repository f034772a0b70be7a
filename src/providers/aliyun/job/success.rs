//! Checks whether the container groups of a job confirm its success.

use crate::model::Container;
use crate::providers::prelude::*;
use crate::sort::SortExt as _;

use super::cause::label;

/// Exit codes of a container that was stopped by SIGKILL or SIGTERM.
const STOPPED: [i64; 2] = [137, 143];

/// Changes the state of a succeeded job that a container group contradicts. The job has failed if a group or
/// its main container has; its state is unknown if a group has not ended or its state cannot be read. Groups
/// that are being deleted, and failed ones that a retry of the job has replaced, are ignored. Missing groups do
/// not contradict a success, because the cloud deletes them.
pub(super) fn confirm(job: &mut Job) {
    if job.state != State::Succeeded {
        return;
    }
    for task in &mut job.tasks {
        if task.state == State::Succeeded {
            task.exit_code = failed_code(&task.containers).or(task.exit_code);
        }
    }
    let is_replaced = replaced(&job.tasks);
    let tasks = std::mem::take(&mut job.tasks).into_iter().enumerate();
    let (earlier, current): (Vec<_>, Vec<_>) =
        tasks.partition(|(at, task)| is_replaced[*at] || task.state == State::Stopping);
    job.tasks = current.into_iter().map(|(_, task)| task).collect();
    let open = job.tasks.iter().find(|task| is_open(task.state));
    let open = open.map(|task| {
        let word = task.state_raw.as_deref().unwrap_or("without a state");
        format!("the job has succeeded, but {} is {word}", label(task))
    });
    if open.is_some() {
        job.unread_cause = Some(Category::InvalidResponse);
    }
    states::confirm_success(job, states::FailureCause::default());
    if job.state == State::Unknown {
        job.exit_code = None;
        job.message = open.or_else(|| job.message.take());
    }
    for (at, task) in earlier {
        job.tasks.insert(at, task);
    }
}

/// Returns `true` for a state that a group of a succeeded job cannot have.
fn is_open(state: State) -> bool {
    use State::{Pending, Running, Starting, Unknown};
    matches!(state, Pending | Starting | Running | Unknown)
}

/// Returns the exit code of a main container that failed. A container that was stopped while another one ended
/// with 0 is a sidecar at the end of its group.
fn failed_code(containers: &[Container]) -> Option<i64> {
    let main = || containers.iter().filter(|container| !container.init);
    let is_done = main().any(|container| container.exit_code == Some(0));
    let is_stopped = |container: &Container, code| {
        let reason = container.reason.as_deref().map(str::trim);
        is_done && STOPPED.contains(&code) && reason != Some("OOMKilled")
    };
    main().find_map(|container| {
        let code = container.exit_code.filter(|code| *code != 0)?;
        (!is_stopped(container, code)).then_some(code)
    })
}

/// Reports for each group whether it failed and was replaced. Each replacement is another group that was
/// created after its end.
fn replaced(tasks: &[Task]) -> Vec<bool> {
    let mut created: Vec<Time> = tasks.iter().filter_map(|task| task.created_at).collect();
    created.order_by_key(|time| *time);
    let mut failed: Vec<(Time, usize)> = Vec::new();
    for (at, task) in tasks.iter().enumerate() {
        let end = task.finished_at.filter(|_| task.state == State::Failed);
        // A group with a creation time after its end would replace itself.
        let end = end.filter(|end| task.created_at.is_none_or(|start| start <= *end));
        failed.extend(end.map(|end| (end, at)));
    }
    failed.order_by_key(|(end, _)| *end);
    let mut created = created.into_iter();
    let mut is_replaced = vec![false; tasks.len()];
    for (end, at) in failed {
        is_replaced[at] = created.any(|start| start > end);
    }
    is_replaced
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::model::{Job, State};
    use crate::providers::aliyun::tests::{job, read_jobs};

    fn read(groups: &Value) -> Job {
        let info = json!({"JobId": "5", "State": "Succeeded", "ContainerGroups": groups});
        let body = json!({"TotalCount": 1, "RequestId": "R", "JobInfos": [info]});
        let read = read_jobs(body.to_string().as_bytes(), job("5"), &[]);
        read.unwrap().0
    }

    fn group(status: &str, codes: &[i64]) -> Value {
        let container = |code: &i64| json!({"Name": "c", "CurrentState": {"State": "Terminated", "ExitCode": code}});
        let containers: Vec<_> = codes.iter().map(container).collect();
        json!({"ContainerGroupName": status, "Status": status, "Containers": containers})
    }

    fn state(groups: &[Value]) -> State {
        read(&json!(groups)).state
    }

    #[test]
    fn a_failed_group_makes_a_succeeded_job_failed() {
        let failed = read(&json!([group("Succeeded", &[0]), group("Failed", &[137])]));
        assert_eq!((failed.state, failed.exit_code), (State::Failed, Some(137)));
        assert!(failed.message.unwrap().contains("137"));
        for word in ["Failed", "Expired", "ScheduleFailed"] {
            assert_eq!(state(&[group(word, &[])]), State::Failed, "{word}");
        }
    }

    #[test]
    fn a_group_that_has_not_ended_leaves_a_success_undecided() {
        for word in ["Running", "Pending", "Restarting", "Zombie", ""] {
            let open = read(&json!([group("Succeeded", &[0]), group(word, &[])]));
            assert_eq!((open.state, open.ended), (State::Unknown, false), "{word}");
            assert_eq!(open.reason.as_deref(), Some(Job::SUBTASKS_UNREAD));
            assert!(open.message.unwrap().contains("the job has succeeded, but"));
        }
        assert_eq!(state(&[json!(null)]), State::Unknown);
        let groups = [group("Running", &[]), group("Failed", &[1])];
        assert_eq!(
            state(&groups),
            State::Failed,
            "a failure decides even if other parts are unknown"
        );
    }

    #[test]
    fn succeeded_terminating_or_missing_groups_confirm_a_success() {
        for groups in [json!([]), json!(null), json!({}), json!("")] {
            assert_eq!(read(&groups).state, State::Succeeded, "{groups}");
        }
        let good = group("Succeeded", &[0]);
        for other in ["Succeeded", "Terminating"] {
            assert_eq!(state(&[good.clone(), group(other, &[0])]), State::Succeeded);
        }
    }

    #[test]
    fn a_bad_exit_code_of_a_main_container_makes_a_succeeded_job_failed() {
        let codes = |codes: &[i64]| state(&[group("Succeeded", codes)]);
        assert_eq!(codes(&[137]), State::Failed);
        assert_eq!(codes(&[1]), State::Failed);
        assert_eq!(codes(&[0, 1]), State::Failed);
        assert_eq!(codes(&[143, 137]), State::Failed);
        assert_eq!(codes(&[0, 143]), State::Succeeded, "a side container");
        let mut memory = group("Succeeded", &[0, 137]);
        memory["Containers"][1]["CurrentState"]["Reason"] = json!("OOMKilled\n");
        assert_eq!(state(&[memory]), State::Failed);
        let mut init = group("Succeeded", &[0]);
        init["InitContainers"] = group("", &[1])["Containers"].clone();
        assert_eq!(state(&[init]), State::Succeeded);
    }

    #[test]
    fn a_failed_group_that_was_replaced_by_a_later_one_is_ignored() {
        let at = |minute: u32| format!("2026-01-02T03:{minute:02}:00Z");
        let timed = |status: &str, start: u32, end: u32| {
            let code = i64::from(status == "Failed");
            let mut group = group(status, &[code]);
            group["CreationTime"] = json!(at(start));
            group[format!("{status}Time")] = json!(at(end));
            group
        };
        let retried = [timed("Failed", 1, 2), timed("Failed", 3, 4)];
        let good = timed("Succeeded", 5, 6);
        assert_eq!(
            state(&[&retried[..], std::slice::from_ref(&good)].concat()),
            State::Succeeded
        );
        assert_eq!(state(&retried), State::Failed, "the last attempt failed");
        let parallel = [timed("Failed", 1, 2), timed("Failed", 1, 2), good.clone()];
        assert_eq!(
            state(&parallel),
            State::Failed,
            "one group replaces one other"
        );
        assert_eq!(state(&[timed("Failed", 1, 5), good.clone()]), State::Failed);
        assert_eq!(state(&[timed("Failed", 3, 2)]), State::Failed);
        assert_eq!(state(&[group("Failed", &[1]), good]), State::Failed);
        let bad = json!({"Status": "Failed", "FailedTime": at(2)});
        assert_eq!(state(&[bad]), State::Failed);
    }
}
