//! Reads fields from text as the commands of schedulers print it.

use serde_json::{Map, Value};

const JOB_NAME: &str = "JobName";

/// Names of Slurm whose values the owner of a job writes, or that can contain spaces for another reason.
const OWNER_NAMES: [&str; 11] = [
    "AdminComment",
    "Command",
    "Comment",
    "Extra",
    JOB_NAME,
    "StdErr",
    "StdIn",
    "StdOut",
    "SubmitLine",
    "SystemComment",
    "WorkDir",
];

/// Names of Slurm that end a value with spaces if all fields are on one line.
const SLURM_NAMES: [&str; 72] = [
    "JobId",
    "ArrayJobId",
    "ArrayTaskId",
    "ArrayTaskThrottle",
    "HetJobId",
    "HetJobOffset",
    "HetJobIdSet",
    "JobName",
    "UserId",
    "GroupId",
    "MCS_label",
    "Priority",
    "Nice",
    "Account",
    "QOS",
    "WCKey",
    "JobState",
    "Reason",
    "FailedNode",
    "Dependency",
    "Requeue",
    "Restarts",
    "BatchFlag",
    "Reboot",
    "ExitCode",
    "DerivedExitCode",
    "RunTime",
    "TimeLimit",
    "TimeMin",
    "SubmitTime",
    "EligibleTime",
    "AccrueTime",
    "StartTime",
    "EndTime",
    "Deadline",
    "PreemptEligibleTime",
    "PreemptTime",
    "SuspendTime",
    "SecsPreSuspend",
    "LastSchedEval",
    "Partition",
    "AllocNode:Sid",
    "ReqNodeList",
    "ExcNodeList",
    "NodeList",
    "BatchHost",
    "SchedNodeList",
    "NumNodes",
    "NumCPUs",
    "NumTasks",
    "CPUs/Task",
    "ReqTRES",
    "AllocTRES",
    "TRES",
    "Gres",
    "Reservation",
    "Licenses",
    "Network",
    "Command",
    "SubmitLine",
    "WorkDir",
    "AdminComment",
    "SystemComment",
    "Comment",
    "Extra",
    "StdErr",
    "StdIn",
    "StdOut",
    "BatchScript",
    "Power",
    "MailUser",
    "MailType",
];

/// Reads fields of Slurm (`JobState=FAILED ExitCode=1:0`) and of PBS (`Exit_status = 1`, one per line). A name or a
/// comment can contain such a field, so a repeated field is unreadable.
pub(in crate::providers::aliyun) fn text_fields(text: &str, names: &[&str]) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut add = |name: &str, value: &str| {
        let mut names = names.iter();
        let Some(name) = names.find(|known| known.eq_ignore_ascii_case(name)) else {
            return;
        };
        let value = match fields.contains_key(*name) {
            true => Value::Array(Vec::new()),
            false => value.into(),
        };
        fields.insert((*name).to_owned(), value);
    };
    for (name, value) in TextRecord::read(text).fields {
        add(name, value);
    }
    fields
}

/// The fields and the other words of a text.
#[derive(Default)]
pub(in crate::providers::aliyun) struct TextRecord<'t> {
    /// Names and values, without the fields that the owner of a job writes.
    pub fields: Vec<(&'t str, &'t str)>,
    /// The words of all lines that belong to no field.
    pub prose: Vec<&'t str>,
}

impl<'t> TextRecord<'t> {
    pub fn read(text: &'t str) -> Self {
        let is_name = |name: &str| !name.contains(|c: char| c == '=' || c.is_whitespace());
        let text = text.trim();
        let has_lines = text.contains('\n');
        let mut record = Self::default();
        for line in text.lines() {
            let field = line.split_once(" = ");
            match field.map(|(name, value)| (name.trim(), value.trim())) {
                Some(field) if is_name(field.0) => record.fields.push(field),
                // A name or a comment can contain any word.
                Some(_) => record.read_words(line, has_lines, false),
                None => record.read_words(line, has_lines, true),
            }
        }
        record
    }

    /// Reads `JobState=FAILED ExitCode=1:0`. `has_lines` is true if the text has several lines, so that a line does not
    /// contain all fields.
    fn read_words(&mut self, line: &'t str, has_lines: bool, has_prose: bool) {
        let mut is_owner_text = false;
        for (index, word) in line.split_whitespace().enumerate() {
            let field = word.split_once('=');
            let ends_owner_text = field.is_some_and(|(name, _)| SLURM_NAMES.contains(&name));
            if is_owner_text && !ends_owner_text {
                continue;
            }
            is_owner_text = field.is_some_and(|(name, _)| OWNER_NAMES.contains(&name));
            match field {
                // The rest of the line is the value. A name is not alone on a line.
                Some((name, _)) if is_owner_text && has_lines && index == 0 && name != JOB_NAME => {
                    return;
                }
                Some(_) if is_owner_text => {}
                // An option, such as `--signal=B:USR1@120`.
                Some((name, _)) if name.starts_with('-') => {}
                Some(field) => self.fields.push(field),
                None if has_prose => self.prose.push(word),
                None => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_read_from_the_text_of_slurm_and_pbs() {
        let read =
            |text: &str| Value::Object(text_fields(text, &["JobState", "ExitCode", "comment"]));
        let slurm = "JobId=1 JobName=a = b\n  JobState=FAILED exitcode=1:0 DerivedExitCode=2:0";
        assert_eq!(
            read(slurm),
            json!({"JobState": "FAILED", "ExitCode": "1:0"})
        );
        let pbs =
            "Job Id: 1.manager\n    comment = job killed: x=1 exceeded\n    Exit_status = 1\n";
        assert_eq!(read(pbs), json!({"comment": "job killed: x=1 exceeded"}));
        let repeated = "JobName=x ExitCode=0:0\nExitCode=1:0";
        assert_eq!(read(repeated), json!({"ExitCode": []}));
        assert_eq!(
            read("JobId=1 Comment=a = b ExitCode=1:0"),
            json!({"ExitCode": "1:0"})
        );
        assert_eq!(read("no fields"), json!({}));
    }

    #[test]
    fn words_that_the_owner_of_a_job_writes_are_not_fields() {
        let state = || ("JobState", "COMPLETED");
        let id = || ("JobId", "2");
        for (text, expected) in [
            (
                "JobId=2 JobName=last_status=failed x failed\n JobState=COMPLETED",
                vec![id(), state()],
            ),
            (
                "JobId=2\n SubmitLine=sbatch --signal=B:USR1@120 run.sh ExitCode=1:0\n JobState=COMPLETED",
                vec![id(), state()],
            ),
            (
                "JobId=2 Comment=grid lr=0.1 last_status=failed JobState=COMPLETED",
                vec![id(), state()],
            ),
            (
                "Command=/home/u/run.sh --exit-code=1 WorkDir=/a b=c JobState=COMPLETED\n",
                vec![state()],
            ),
            ("JobState=COMPLETED --signal=9", vec![state()]),
            // A field on the same line may be one of the comment.
            (
                "Comment=a JobState=COMPLETED JobState=COMPLETED",
                vec![state(), state()],
            ),
        ] {
            let record = TextRecord::read(text);
            assert_eq!(record.fields, expected, "{text}");
            assert_eq!(record.prose, Vec::<&str>::new(), "{text}");
        }
        assert_eq!(TextRecord::read("job failed a=b").prose, ["job", "failed"]);
    }
}
