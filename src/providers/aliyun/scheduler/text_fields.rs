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
    for (name, value) in all_text_fields(text) {
        add(name, value);
    }
    fields
}

/// Returns the names and values of all fields of a text.
pub(in crate::providers::aliyun) fn all_text_fields(text: &str) -> Vec<(&str, &str)> {
    let is_name = |name: &str| !name.contains(|c: char| c == '=' || c.is_whitespace());
    let mut fields = Vec::new();
    for line in text.lines() {
        let field = line.split_once(" = ");
        match field.map(|(name, value)| (name.trim(), value.trim())) {
            Some(field) if is_name(field.0) => fields.push(field),
            _ => {
                let words = line.split_whitespace();
                fields.extend(words.filter_map(|word| word.split_once('=')));
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
