//! Reads fields from text as the commands of schedulers print it.

use serde_json::{Map, Value};

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
    for line in text.lines() {
        let is_name = |name: &str| !name.contains(|c: char| c == '=' || c.is_whitespace());
        match line
            .split_once(" = ")
            .map(|(name, value)| (name.trim(), value.trim()))
        {
            Some((name, value)) if is_name(name) => add(name, value),
            _ => {
                let fields = line.split_whitespace();
                let fields = fields.filter_map(|field| field.split_once('='));
                fields.for_each(|(name, value)| add(name, value));
            }
        }
    }
    fields
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
            json!({"ExitCode": "1:0", "comment": "a"})
        );
        assert_eq!(read("no fields"), json!({}));
    }
}
