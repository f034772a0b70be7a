//! Merges the errors about the credentials of an account, which every request of the account would repeat.

use std::collections::{HashMap, HashSet};

use crate::error::{Category, Problem};
use crate::providers;
use crate::reference::{CloudScope, DEFAULT_PROFILE};

/// The errors with the same cause, at the position of the first one.
struct Merged<'a> {
    problem: &'a Problem,
    references: HashSet<&'a str>,
    count: usize,
}

/// Returns the errors to print. If the credentials of an account are missing or rejected for several scopes, their
/// common error is returned once, for the whole account.
///
/// Takes linear time, because there can be an error for each of many thousands of rows.
pub(super) fn merge_account_problems(problems: &[Problem]) -> Vec<Problem> {
    let mut merged: Vec<Merged<'_>> = Vec::new();
    let mut known = HashMap::new();
    for problem in problems {
        let at = match cause(problem) {
            Some(cause) => *known.entry(cause).or_insert(merged.len()),
            None => merged.len(),
        };
        if at == merged.len() {
            merged.push(Merged {
                problem,
                references: HashSet::new(),
                count: 0,
            });
        }
        let same = &mut merged[at];
        same.count += 1;
        same.references.extend(problem.reference.as_deref());
        // A response explains more than a request that was not sent after it.
        if same.problem.http_status.is_none() && problem.http_status.is_some() {
            same.problem = problem;
        }
    }
    merged.into_iter().map(Merged::into_problem).collect()
}

/// The accounts whose credentials are known to be missing or rejected, with the error.
#[derive(Debug, Default)]
pub(super) struct AccountErrors(HashMap<[Option<String>; 4], u64>);

impl AccountErrors {
    /// Counts an error. Returns how many errors of the account with the same cause came before; `None` for an error
    /// that is not about the credentials of an account.
    pub(super) fn count(&mut self, problem: &Problem) -> Option<u64> {
        let cause = cause(problem)?.map(|part| part.map(str::to_owned));
        let count = self.0.entry(cause).or_default();
        *count += 1;
        Some(*count - 1)
    }
}

/// Returns what the errors with the same cause have in common; `None` for an error that is not about the credentials
/// of an account.
fn cause(problem: &Problem) -> Option<[Option<&str>; 4]> {
    let account = [Some(problem.cloud.as_deref()?), problem.profile.as_deref()];
    let is_unsent = problem.operation.is_none() && problem.http_status.is_none();
    let (message, hint) = (Some(problem.message.as_str()), problem.hint.as_deref());
    let error = match problem.category {
        // The products of a cloud have different codes and messages for the same rejected key.
        Category::Unauthenticated if hint.is_some() => [None, hint],
        Category::Unauthenticated => [problem.code.as_deref().or(message), None],
        Category::MissingCredentials if is_unsent => [message, hint],
        _ => return None,
    };
    Some([account[0], account[1], error[0], error[1]])
}

impl Merged<'_> {
    fn into_problem(self) -> Problem {
        let mut problem = self.problem.clone();
        if self.count == 1 {
            return problem;
        }
        problem.reference = account_scope(&problem);
        (problem.input, problem.span) = (None, None);
        let others = self.references.len().saturating_sub(1);
        if problem.category == Category::Unauthenticated && others > 0 {
            let are_scopes = self.references.iter().all(|one| one.ends_with('/'));
            let noun = match (are_scopes, others) {
                (true, 1) => "scope",
                (true, _) => "scopes",
                (false, 1) => "reference",
                (false, _) => "references",
            };
            problem.message += &format!(" (also for {others} other {noun})");
        }
        problem
    }
}

/// Returns the scope of everything in the account of a problem.
fn account_scope(problem: &Problem) -> Option<String> {
    let cloud = providers::cloud(problem.cloud.as_deref()?)?;
    let scope = CloudScope {
        cloud: cloud.name(),
        profile: problem.profile.as_deref().unwrap_or(DEFAULT_PROFILE).into(),
        input: String::new(),
    };
    Some(scope.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(profile: &str, scope: &str) -> Problem {
        let mut problem = Problem::new(Category::MissingCredentials, "missing access key")
            .with_account("aliyun", profile);
        problem.reference = Some(scope.to_owned());
        problem.input = Some("aliyun".to_owned());
        problem
    }

    fn unreadable(scope: &str) -> Problem {
        let problem = Problem::new(Category::InvalidResponse, "2 rows have no id");
        let mut problem = problem.with_account("sugon", "default");
        problem.reference = Some(scope.to_owned());
        problem
    }

    fn rejected(scope: &str, code: &str, hint: Option<&str>) -> Problem {
        let mut problem = Problem::new(Category::Unauthenticated, "wrong signature")
            .with_account("aliyun", "default");
        problem.reference = Some(scope.to_owned());
        problem.operation = Some("ListJobs".to_owned());
        problem.code = Some(code.to_owned());
        problem.http_status = Some(403);
        problem.hint = hint.map(str::to_owned);
        problem
    }

    fn skipped(scope: &str, code: &str, hint: Option<&str>) -> Problem {
        Problem {
            message: "skipped: authentication already failed: wrong signature".to_owned(),
            http_status: None,
            ..rejected(scope, code, hint)
        }
    }

    /// Returns the reference and the message of each error to print.
    fn printed(problems: &[Problem]) -> Vec<(String, String)> {
        let merged = merge_account_problems(problems).into_iter();
        merged
            .map(|one| (one.reference.unwrap(), one.message))
            .collect()
    }

    fn texts(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        let pairs = pairs.iter();
        pairs
            .map(|(reference, message)| ((*reference).to_owned(), (*message).to_owned()))
            .collect()
    }

    #[test]
    fn the_same_error_of_missing_credentials_is_printed_once() {
        let sent = Problem {
            operation: Some("ListJobs".to_owned()),
            ..problem("default", "aliyun/hpc-job/")
        };
        let problems = [
            problem("default", "aliyun/"),
            problem("prod", "aliyun@prod/dlc-job/"),
            problem("default", "aliyun/dlc-job/"),
            sent.clone(),
            problem("default", "aliyun/instant-job/"),
            sent,
            problem("prod", "aliyun@prod/instant-job/"),
            Problem {
                message: "other".to_owned(),
                ..problem("prod", "aliyun@prod/hpc-job/")
            },
            unreadable("sugon/instance/"),
            unreadable("sugon/job/"),
        ];
        let expected = [
            ("aliyun/", "missing access key"),
            ("aliyun@prod/", "missing access key"),
            ("aliyun/hpc-job/", "missing access key"),
            ("aliyun/hpc-job/", "missing access key"),
            ("aliyun@prod/hpc-job/", "other"),
            ("sugon/instance/", "2 rows have no id"),
            ("sugon/job/", "2 rows have no id"),
        ];
        assert_eq!(printed(&problems), texts(&expected));
    }

    #[test]
    fn rejected_credentials_of_an_account_are_printed_once_with_the_number_of_other_scopes() {
        let check = Some("check the key");
        let problems = [
            skipped("aliyun/", "A", check),
            rejected("aliyun/hpc-job/", "A", check),
            // Another product has another code.
            rejected("aliyun/dlc-job/", "B", check),
            skipped("aliyun/instant-job/", "B", check),
            rejected("aliyun/job/c/", "Expired", Some("renew the token")),
            Problem {
                profile: Some("prod".to_owned()),
                ..rejected("aliyun@prod/job/c/", "A", check)
            },
            rejected("aliyun/job/d/", "C", None),
            rejected("aliyun/job/e/", "D", None),
            rejected("aliyun/job/d/1", "C", None),
        ];
        let expected = [
            ("aliyun/", "wrong signature (also for 3 other scopes)"),
            ("aliyun/job/c/", "wrong signature"),
            ("aliyun@prod/job/c/", "wrong signature"),
            ("aliyun/", "wrong signature (also for 1 other reference)"),
            ("aliyun/job/e/", "wrong signature"),
        ];
        assert_eq!(printed(&problems), texts(&expected));
        let merged = merge_account_problems(&problems);
        assert_eq!(merged[0].http_status, Some(403));
    }

    #[test]
    fn errors_that_are_not_about_credentials_are_not_merged() {
        let denied = |scope: &str| Problem {
            category: Category::PermissionDenied,
            ..rejected(scope, "Denied", Some("grant the permission"))
        };
        let problems = [denied("aliyun/job/c/"), denied("aliyun/job/d/")];
        assert_eq!(printed(&problems).len(), 2);
    }
}
