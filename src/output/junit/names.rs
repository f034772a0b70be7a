//! Names of test cases: viewers treat two cases with the same name as one test, and count them once.

use std::collections::{HashMap, HashSet};

use super::super::test_case::TestCase;
use super::super::text::truncate_chars;
use super::{MAX_ATTRIBUTE_CHARS, attribute};

/// Returns distinct names of all cases, in order and ready for an attribute.
///
/// The name of a case is that of its job: `sweep`. If several jobs share it, the id is appended: `sweep (10_3)`. If
/// clusters or profiles share both, the reference is appended.
pub(super) fn names(cases: &[TestCase<'_>]) -> Vec<String> {
    let forms: Vec<[String; 3]> = cases.iter().map(forms).collect();
    let mut levels = vec![0; cases.len()];
    // A longer form can be the name of another job, so compare each level with all others.
    for _ in 1..3 {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for (forms, level) in forms.iter().zip(&levels) {
            *counts.entry(&forms[*level]).or_default() += 1;
        }
        let shared = |level: usize, forms: &[String; 3]| counts[forms[level].as_str()] > 1;
        let raised = forms.iter().zip(&levels);
        levels = raised
            .map(|(forms, level)| match shared(*level, forms) {
                true => (level + 1).min(2),
                false => *level,
            })
            .collect();
    }
    let mut taken = HashSet::new();
    let chosen = forms.iter().zip(levels);
    chosen
        .map(|(forms, level)| numbered(&forms[level], &mut taken))
        .collect()
}

/// Returns the name, the name with the id, and the name with the reference.
fn forms(case: &TestCase<'_>) -> [String; 3] {
    let (name, id) = (case.name(), case.id());
    let with = |suffix: &str| {
        let suffix = format!(" ({})", attribute(suffix));
        let max_chars = MAX_ATTRIBUTE_CHARS.saturating_sub(suffix.chars().count());
        truncate_chars(&attribute(&name), max_chars).into_owned() + &suffix
    };
    let reference = with(case.reference);
    let short = match name == id {
        true => reference.clone(),
        false => with(&id),
    };
    [attribute(&name), short, reference]
}

/// Returns the name, with a number if even its longest form is taken.
fn numbered(name: &str, taken: &mut HashSet<String>) -> String {
    let all = (1..).map(|number| match number {
        1 => name.to_owned(),
        number => format!("{name} #{number}"),
    });
    let mut free = all.filter(|name| taken.insert(name.clone()));
    free.next().expect("there are more numbers than cases")
}

#[cfg(test)]
mod tests {
    use super::super::super::test_case::tests::envelope;
    use super::super::super::test_case::{CaseOutcome, cases};
    use super::*;
    use crate::gate::Verdict;
    use crate::model::Job;
    use proptest::prelude::*;

    fn named(jobs: &[(&str, &str)]) -> Vec<String> {
        let jobs = jobs.iter().map(|(reference, name)| Job {
            reference: (*reference).to_owned(),
            name: Some((*name).to_owned()),
            ..Job::default()
        });
        let envelope = envelope(jobs.collect(), vec![], Verdict::Passed, 0);
        names(&cases(&envelope))
    }

    #[test]
    fn a_name_that_several_jobs_share_is_followed_by_the_id() {
        let names = named(&[
            ("aliyun/job/c/10_3", "扫描"),
            ("aliyun/job/c/10_4", "扫描"),
            ("aliyun/job/c/11", "train"),
        ]);
        assert_eq!(names, ["扫描 (10_3)", "扫描 (10_4)", "train"]);
    }

    #[test]
    fn an_id_that_several_clusters_or_profiles_share_is_followed_by_the_reference() {
        let references = ["aliyun/job/c1/5", "aliyun/job/c2/5", "aliyun@prod/job/c1/5"];
        let names = named(&references.map(|reference| (reference, "sweep")));
        assert_eq!(
            names,
            references.map(|reference| format!("sweep ({reference})"))
        );
        let unnamed = named(&references.map(|reference| (reference, "")));
        assert_eq!(
            unnamed,
            references.map(|reference| format!("5 ({reference})"))
        );
    }

    #[test]
    fn a_name_that_equals_another_name_with_its_id_stays_distinct() {
        let names = named(&[
            ("aliyun/job/c/1", "a"),
            ("aliyun/job/c/2", "a"),
            ("aliyun/job/c/3", "a (1)"),
        ]);
        assert_eq!(names[1], "a (2)");
        assert_ne!(names[0], names[2]);
    }

    #[test]
    fn truncated_names_stay_distinct() {
        let long = "名".repeat(2 * MAX_ATTRIBUTE_CHARS);
        let names = named(&[("aliyun/job/c/1", &long), ("aliyun/job/c/2", &long)]);
        assert!(
            names[0].ends_with("… (1)") && names[1].ends_with("… (2)"),
            "{names:?}"
        );
        assert!(names[0].chars().count() <= MAX_ATTRIBUTE_CHARS);
    }

    proptest! {
        #[test]
        fn names_are_always_distinct(
            jobs in prop::collection::vec(("[ab/]{0,3}", "[ab()/ ]{0,6}"), 0..8),
        ) {
            let cases: Vec<TestCase<'_>> = jobs.iter().map(|(reference, _)| TestCase {
                reference,
                is_listed: true,
                job: None,
                unchecked: None,
                outcome: CaseOutcome::NotNeeded,
            }).collect();
            let unnamed: HashSet<String> = names(&cases).into_iter().collect();
            prop_assert_eq!(unnamed.len(), jobs.len());
            let jobs: Vec<(&str, &str)> = jobs.iter().map(|(a, b)| (a.as_str(), b.as_str())).collect();
            let distinct: HashSet<String> = named(&jobs).into_iter().collect();
            prop_assert_eq!(distinct.len(), jobs.len());
        }
    }
}
