//! Lists the references of a gate for reports: those that failed, are pending, or passed.

use super::test_case::cases;
use crate::output::document::Envelope;

/// References of a gate, joined by a separator.
#[derive(Debug, Default)]
pub(super) struct References {
    /// The list.
    pub text: String,
    /// The number of references that did not fit.
    pub omitted: usize,
}

/// Returns the references of a gate that `failed`, are `pending` or `passed`, in at most `max_bytes` in total;
/// failed ones have priority.
pub(super) fn references(
    envelope: &Envelope,
    separator: char,
    max_bytes: usize,
) -> [(&'static str, References); 3] {
    let cases = cases(envelope);
    let mut left = max_bytes;
    ["failed", "pending", "passed"].map(|key| {
        let mut list = References::default();
        let listed = cases.iter().filter(|case| case.is_listed);
        for case in listed.filter(|case| case.key() == key) {
            let length = case.reference.len() + 1;
            if list.omitted > 0 || length > left {
                list.omitted += 1;
                continue;
            }
            left -= length;
            if !list.text.is_empty() {
                list.text.push(separator);
            }
            list.text.push_str(case.reference);
        }
        (key, list)
    })
}

#[cfg(test)]
mod tests {
    use super::super::test_case::tests::{envelope, job};
    use super::*;
    use crate::error::Problem;
    use crate::gate::Verdict;
    use crate::model::State;

    #[test]
    fn a_list_of_failed_references_is_cut_with_the_number_omitted() {
        let jobs = (0..5).map(|n| job(&n.to_string(), State::Failed, "unmet"));
        let envelope = envelope(jobs.collect(), vec![], Verdict::Failed, 1);
        let one = "aliyun@prod/job/ehpc-hz-FYUr32/0".len();
        let [(key, list), ..] = references(&envelope, ',', 2 * (one + 1));
        assert_eq!((key, list.omitted), ("failed", 3));
        assert_eq!(list.text.split(',').count(), 2);
        assert_eq!(references(&envelope, ',', 10_000)[0].1.omitted, 0);
    }

    #[test]
    fn only_references_and_typed_texts_of_one_word_are_listed() {
        let listed = |input: Option<&str>| {
            let mut problem = Problem::usage("wrong");
            problem.input = input.map(str::to_owned);
            let envelope = envelope(vec![], vec![problem], Verdict::Undecided, 2);
            let [_, (key, list), _] = references(&envelope, ',', 10_000);
            assert_eq!((key, list.omitted), ("pending", 0));
            list.text
        };
        assert_eq!(listed(Some("aliyun/jab/c/1")), "aliyun/jab/c/1");
        for unlisted in ["aliyun/job/c/1\nCI=", "a,b", "a b", "'a'"] {
            assert_eq!(listed(Some(unlisted)), "");
        }
        assert_eq!(listed(None), "");
    }
}
