use std::io::{self, Write};

use super::case::{failed, verdict};
use crate::model::Report;

/// GitLab refuses files above 5 KiB; the rest is for the other variables.
const MOST_FOR_FAILED: usize = 4800;

/// Writes what later jobs of a GitLab pipeline get as variables.
///
/// GitLab takes neither blanks nor quotes nor line breaks in a value, so commas separate the
/// references. `JOBLENS_FAILED_OMITTED` is there when not all of them fit.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut dyn Write, report: &Report) -> io::Result<()> {
    let (failed, omitted) = failed(report, ',', MOST_FOR_FAILED);
    let mut text = format!(
        "JOBLENS_VERDICT={}\nJOBLENS_EXIT={}\nJOBLENS_FAILED={failed}\n",
        verdict(report).word(),
        report.exit.code
    );
    if omitted > 0 {
        text += &format!("JOBLENS_FAILED_OMITTED={omitted}\n");
    }
    out.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::super::case::tests::{job, report};
    use super::*;
    use crate::model::{State, Verdict};

    fn written(report: &Report) -> String {
        let mut out = Vec::new();
        write(&mut out, report).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn tells_verdict_exit_code_and_what_failed() {
        let jobs = vec![
            job("5", State::Succeeded, "yes"),
            job("6", State::Failed, "no"),
            job("7", State::Canceled, "no"),
        ];
        assert_eq!(
            written(&report(jobs, vec![], Verdict::Fails, 1)),
            "JOBLENS_VERDICT=fails\nJOBLENS_EXIT=1\n\
             JOBLENS_FAILED=aliyun@prod/job/ehpc-hz-FYUr32/6,aliyun@prod/job/ehpc-hz-FYUr32/7\n"
        );
        assert_eq!(
            written(&report(vec![], vec![], Verdict::Undecided, 124)),
            "JOBLENS_VERDICT=undecided\nJOBLENS_EXIT=124\nJOBLENS_FAILED=\n"
        );
    }

    #[test]
    fn stays_within_the_limits_of_gitlab_and_counts_the_rest() {
        let jobs = (0..1000).map(|n| job(&n.to_string(), State::Failed, "no"));
        let text = written(&report(jobs.collect(), vec![], Verdict::Fails, 1));
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
