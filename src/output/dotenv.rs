use std::io::{self, Write};

use super::references::references;
use super::test_case::verdict;
use crate::output::document::Envelope;

/// GitLab rejects files larger than 5 KiB; the remainder is for the other variables.
const MAX_REFERENCE_BYTES: usize = 4700;

/// Writes variables for later jobs of a GitLab pipeline.
///
/// GitLab accepts neither spaces nor quotes nor line breaks in a value, so references are separated by commas, and
/// the reason is only in other reports. `JOBLENS_FAILED_OMITTED` and so on count the references that do not fit.
///
/// # Errors
/// Returns errors of the writer.
pub fn write(out: &mut dyn Write, envelope: &Envelope) -> io::Result<()> {
    let mut text = format!(
        "JOBLENS_VERDICT={}\nJOBLENS_EXIT={}\n",
        verdict(envelope).as_str(),
        envelope.exit.code
    );
    for (key, list) in references(envelope, ',', MAX_REFERENCE_BYTES) {
        let key = key.to_ascii_uppercase();
        text += &format!("JOBLENS_{key}={}\n", list.text);
        if list.omitted > 0 {
            text += &format!("JOBLENS_{key}_OMITTED={}\n", list.omitted);
        }
    }
    out.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::test_case::tests::{envelope, job};
    use super::*;
    use crate::gate::Verdict;
    use crate::model::State;

    fn written(envelope: &Envelope) -> String {
        let mut out = Vec::new();
        write(&mut out, envelope).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn contains_verdict_exit_code_and_the_references_of_each_outcome() {
        let jobs = vec![
            job("5", State::Succeeded, "met"),
            job("6", State::Failed, "unmet"),
            job("7", State::Canceled, "unmet"),
        ];
        assert_eq!(
            written(&envelope(jobs, vec![], Verdict::Failed, 1)),
            "JOBLENS_VERDICT=failed\nJOBLENS_EXIT=1\n\
             JOBLENS_FAILED=aliyun@prod/job/ehpc-hz-FYUr32/6,aliyun@prod/job/ehpc-hz-FYUr32/7\n\
             JOBLENS_PENDING=\nJOBLENS_PASSED=aliyun@prod/job/ehpc-hz-FYUr32/5\n"
        );
        assert_eq!(
            written(&envelope(vec![], vec![], Verdict::Undecided, 124)),
            "JOBLENS_VERDICT=undecided\nJOBLENS_EXIT=124\nJOBLENS_FAILED=\nJOBLENS_PENDING=\n\
             JOBLENS_PASSED=\n"
        );
    }

    #[test]
    fn stays_within_the_limits_of_gitlab_and_counts_the_rest() {
        let jobs = (0..1000).map(|n| job(&n.to_string(), State::Failed, "unmet"));
        let text = written(&envelope(jobs.collect(), vec![], Verdict::Failed, 1));
        assert!(text.len() < 5 * 1024, "{} bytes", text.len());
        let value = |key: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(key));
            line.unwrap().to_owned()
        };
        let omitted: usize = value("JOBLENS_FAILED_OMITTED=").parse().unwrap();
        assert_eq!(value("JOBLENS_FAILED=").split(',').count() + omitted, 1000);
        assert!(!text.contains([' ', '"', '\'', '#']));
        assert!(text.lines().all(|line| line.contains('=')));
    }
}
