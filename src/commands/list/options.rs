use std::collections::HashMap;

use clap::Args;

use super::super::lookup::AccountId;
use super::super::since::{CurrentTime, parse_since};
use super::target::ListTarget;
use super::words;
use crate::error::{Problem, comma_hint};
use crate::kind::{Kind, UnlistedField};
use crate::model::State;
use crate::output::{Format, Zone};
use crate::providers::Filter;
use crate::settings::{SettingsFile, invalid_value};

/// List resources in a scope, or in every configured profile
#[derive(Debug, Args)]
#[command(
    visible_alias = "ls",
    before_help = "Examples:\n  \
        joblens list aliyun/job/ehpc-hz-FYUr32 --active -o name | joblens wait - -t 2h\n  \
        joblens list sugon huawei -s failed,canceled --since 1d --limit none",
    after_help = "A scope is a reference prefix, such as aliyun/job/CLUSTER, huawei/image-job or \
        tencent/service/CLUSTER/NAMESPACE; a cloud name alone lists its clusters, and the jobs that are in no cluster. \
        Without a scope, the jobs of all configured profiles are listed, active ones first; huawei/job cannot be listed, \
        and aliyun/invocation, which needs a request for each job, is listed only if you name its scope: --state, --active \
        and --sort-by then examine its first 20 jobs, or as many as --limit if that is more.\n\
        Exit codes: 0 success, even if nothing was found · 2 usage error · 3 not found · 4 authentication or permission · \
        5 service or network error · 130/143 interrupted · 141 output closed"
)]
pub(in crate::commands) struct Arguments {
    /// Scopes to list [default: all configured profiles]; - reads scopes from stdin, %1 is row 1 of the last list
    #[arg(value_name = "SCOPE")]
    pub scopes: Vec<String>,
    /// Filter by state (comma-separated): pending, starting, running, stopping, succeeded, failed,
    /// canceled, unknown
    #[arg(short, long, value_name = "STATE", value_delimiter = ',')]
    state: Vec<String>,
    /// List only active resources (pending, starting, running, stopping)
    #[arg(long)]
    active: bool,
    /// Filter by name or ID glob, e.g. 'train-*'
    #[arg(long, value_name = "GLOB")]
    name: Option<String>,
    /// Filter by user; "me" is the job_user of the profile
    #[arg(short, long, value_name = "USER")]
    user: Option<String>,
    /// Filter by queue
    #[arg(long, value_name = "QUEUE")]
    queue: Option<String>,
    /// Filter by labels, as in kubectl: app=web,tier!=db (Kubernetes only)
    #[arg(short = 'l', long, value_name = "SELECTOR")]
    selector: Option<String>,
    /// List only resources created since TIME: a duration (2h), a date, or an RFC 3339 time such as
    /// 2026-01-02T03:04:05Z
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,
    /// List the jobs in clusters instead of the clusters [default: without SCOPE or with a filter]; of a kind alone,
    /// list those of all namespaces
    #[arg(short = 'R', long)]
    pub(super) recursive: bool,
    /// Maximum results per scope, or in total with --sort-by; "none" for no limit [default: 100 for table, wide, markdown; 20 for aliyun/invocation; otherwise none]
    #[arg(long, value_name = "N", allow_hyphen_values = true)]
    limit: Option<String>,
}

/// The parsed options, checked before the first call.
#[derive(Debug, Clone)]
pub(super) struct ListOptions {
    /// The filter for jobs.
    pub filter: Filter,
    /// The users of the accounts, if their own jobs are requested.
    pub users: HashMap<AccountId, String>,
    /// Also list the jobs in clusters.
    pub recursive: bool,
    limit: Limit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Limit {
    /// No limit was given.
    Default,
    /// At most this many.
    AtMost(usize),
    /// No limit.
    All,
    /// At most this many, and all active jobs in addition.
    CappedWithActive(usize),
}

/// The value that means the user of the profile.
const CURRENT_USER: &str = "me";

/// The default limit of rows per scope in formats for people.
const PAGE_FOR_PEOPLE: usize = 100;

impl Arguments {
    /// # Errors
    /// Returns a usage error that names the option.
    pub(super) fn options(
        &self,
        current: &CurrentTime,
        zone: Zone,
        file: &SettingsFile,
    ) -> Result<ListOptions, Problem> {
        let mut states = self
            .state
            .iter()
            .map(|word| words::state(word, file))
            .collect::<Result<Vec<_>, _>>()?;
        if self.active {
            states.extend(State::ACTIVE);
        }
        let since = self.since.as_deref();
        let name = given("--name", self.name.as_ref())?;
        let filter = Filter {
            states,
            name: name.as_deref().map(words::pattern).transpose()?,
            user: given("--user", self.user.as_ref())?,
            queue: given("--queue", self.queue.as_ref())?,
            since: since
                .map(|text| parse_since(text, current, zone))
                .transpose()?,
            selector: self.selector()?,
            ..Filter::default()
        };
        Ok(ListOptions {
            recursive: self.recursive
                || self.scopes.is_empty()
                || filter.selector.is_some()
                || words::is_filtered(&filter),
            users: HashMap::new(),
            filter,
            limit: self.limit.as_deref().map_or(Ok(Limit::Default), limit)?,
        })
    }

    /// Returns the label selector, whose requirements contain only ASCII characters.
    fn selector(&self) -> Result<Option<String>, Problem> {
        let selector = given("--selector", self.selector.as_ref())?;
        match selector.as_deref().and_then(comma_hint) {
            Some(hint) => {
                let text = selector.unwrap_or_default();
                let reason = "expected requirements such as app=web,tier!=cache";
                Err(invalid_value("--selector", &text, reason).with_hint(hint))
            }
            None => Ok(selector),
        }
    }
}

impl ListOptions {
    /// Returns options for all jobs, including those in clusters: at most this many
    /// per scope, and its active ones in addition.
    pub(super) fn capped(max_jobs: usize) -> Self {
        Self {
            filter: Filter::default(),
            users: HashMap::new(),
            recursive: true,
            limit: Limit::CappedWithActive(max_jobs),
        }
    }

    /// Returns `true` if the jobs of the profile's user are requested.
    pub(super) fn requests_own_jobs(&self) -> bool {
        self.filter.user.as_deref() == Some(CURRENT_USER)
    }

    /// Returns the filter for the jobs of an account.
    pub(super) fn filter_for(&self, account: &AccountId) -> Filter {
        let user = self.users.get(account).cloned();
        Filter {
            user: user.or_else(|| self.filter.user.clone()),
            ..self.filter.clone()
        }
    }

    /// Returns the maximum number of jobs of a kind per scope in a format. Returns `None` to list all of them,
    /// as for sorting before the limit applies.
    pub(super) fn limit_for(&self, kind: &Kind, format: Format, sorts: bool) -> Option<usize> {
        match self.limit {
            Limit::All => None,
            Limit::AtMost(limit) => Some(limit).filter(|_| !sorts),
            Limit::CappedWithActive(limit) => kind.list_limit().or(Some(limit)),
            Limit::Default => kind
                .list_limit()
                .or_else(|| human_limit(format))
                .filter(|_| !sorts),
        }
    }

    /// Returns the maximum number of resources of a kind that are looked up per scope, if its list requires it: a
    /// filter and the order can require more lookups than results.
    pub(super) fn max_lookups(&self, kind: &Kind) -> Option<usize> {
        let usual = kind.list_limit()?;
        match self.limit {
            Limit::All => None,
            Limit::AtMost(limit) => Some(limit.max(usual)),
            Limit::CappedWithActive(_) | Limit::Default => Some(usual),
        }
    }

    /// Returns `true` if the default limit can omit active jobs of a kind that its list can find.
    pub(super) fn may_leave_out_active(&self, kind: &Kind) -> bool {
        matches!(self.limit, Limit::Default | Limit::CappedWithActive(_))
            && self.filter.states.is_empty()
            && kind.list_limit().is_none()
            && !kind.unlisted_fields().contains(&UnlistedField::State)
    }

    /// Returns `true` if the user set the limit, so that no more was requested.
    pub(super) fn has_limit(&self) -> bool {
        matches!(self.limit, Limit::AtMost(_))
    }

    /// Returns the maximum number of scopes per cloud in a format; `None` for all of them.
    pub(super) fn limit_for_scopes(&self, format: Format) -> Option<usize> {
        match self.limit {
            Limit::AtMost(limit) => Some(limit),
            Limit::All | Limit::CappedWithActive(_) => None,
            Limit::Default => human_limit(format),
        }
    }
}

impl ListOptions {
    /// Returns the filter fields that the rows of a scope do not have, in words; empty if there are none.
    pub(super) fn unsupported_by(&self, target: &ListTarget) -> String {
        let kinds = target.listed_kinds();
        let unlisted = kinds[0].unlisted_fields().iter().filter(|unlisted| {
            let mut kinds = kinds.iter();
            self.filter.filters_on(**unlisted)
                && kinds.all(|kind| kind.unlisted_fields().contains(unlisted))
        });
        let mut words: Vec<&str> = unlisted.map(|unlisted| unlisted.as_str()).collect();
        let has_selector = |kind: &&Kind| kind.list.as_ref().is_some_and(|list| list.has_selector);
        if self.filter.selector.is_some() && !kinds.iter().any(has_selector) {
            words.push("labels");
        }
        words.join(" or ")
    }
}

fn human_limit(format: Format) -> Option<usize> {
    is_human_format(format).then_some(PAGE_FOR_PEOPLE)
}

/// Returns `true` if people read the format.
pub(super) fn is_human_format(format: Format) -> bool {
    matches!(format, Format::Table | Format::Wide | Format::Markdown)
}

/// Trims a text, and rejects a blank one, which would never match.
fn given(option: &str, text: Option<&String>) -> Result<Option<String>, Problem> {
    match text.map(|text| text.trim()) {
        Some("") => Err(invalid_value(option, "", "the value is empty")),
        text => Ok(text.map(str::to_owned)),
    }
}

fn limit(text: &str) -> Result<Limit, Problem> {
    match text.trim() {
        "none" => Ok(Limit::All),
        number => match number.parse() {
            Ok(number) if number > 0 => Ok(Limit::AtMost(number)),
            _ => {
                let expected = "expected a number from 1, or none";
                let problem = invalid_value("--limit", text, expected);
                Err(problem.with_hint("e.g. --limit 500, or --limit none for all"))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use chrono::{DateTime, FixedOffset};
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    fn plan(line: &str) -> Result<ListOptions, Problem> {
        let words = std::iter::once("list").chain(line.split_whitespace());
        let current = CurrentTime {
            now: DateTime::from_timestamp(1_700_000_000, 0).unwrap(),
            clocks: Arc::default(),
        };
        Line::parse_from(words)
            .arguments
            .options(&current, Zone::Utc, &SettingsFile::default())
    }

    fn parse_error(line: &str) -> String {
        plan(line).unwrap_err().to_string()
    }

    #[test]
    fn state_options_are_combined_in_all_spellings() {
        use State::{Failed, Pending, Running, Starting, Stopping};
        let states = |line| plan(line).unwrap().filter.states;
        assert_eq!(
            states("-s failed,Running -s starting"),
            [Failed, Running, Starting]
        );
        assert_eq!(states("--active"), [Pending, Starting, Running, Stopping]);
        assert_eq!(states("-s failed --active").len(), 5);
        assert!(parse_error("-s runing").contains("invalid value 'runing' for --state"));
    }

    #[test]
    fn the_default_limit_is_100_for_people_and_none_for_programs() {
        let of = |line: &str, cheap: bool, format| {
            let kind = crate::providers::kinds().find(|kind| kind.list_limit().is_none() == cheap);
            plan(line).unwrap().limit_for(kind.unwrap(), format, false)
        };
        assert_eq!(of("", true, Format::Table), Some(100));
        assert_eq!(of("", true, Format::Jsonl), None);
        assert_eq!(of("", false, Format::Jsonl), Some(20));
        assert_eq!(of("--limit 7", false, Format::Table), Some(7));
        assert_eq!(of("--limit none", true, Format::Markdown), None);
        for wrong_one in ["--limit 0", "--limit all", "--limit -1"] {
            let words = wrong_one.replace(' ', "=");
            assert!(
                parse_error(&words).contains("a number from 1"),
                "{wrong_one}"
            );
        }
    }

    #[test]
    fn an_invalid_filter_value_is_a_usage_error() {
        assert!(parse_error("--name=train-[").contains("--name"));
        for option in ["--name", "--user", "--queue", "--selector"] {
            let message = format!("invalid value '' for {option}: the value is empty");
            assert!(parse_error(&format!("{option}=")).contains(&message));
        }
        assert!(parse_error("--since=yesterday").contains("--since"));
    }

    #[test]
    fn filters_are_described_in_words() {
        let described_in = |zone, line| words::describe_filter(&plan(line).unwrap().filter, zone);
        let described = |line| described_in(Zone::Utc, line);
        assert_eq!(described(""), None);
        assert_eq!(described("--active").as_deref(), Some("active"));
        assert_eq!(
            described("-s failed,canceled --name train-* -u lin --queue gpu --since 2h").as_deref(),
            Some(
                "state failed or canceled, name train-*, user lin, queue gpu, since 2023-11-14T20:13:20Z"
            )
        );
        let shanghai = Zone::Fixed(FixedOffset::east_opt(8 * 3600).unwrap());
        assert_eq!(
            described_in(shanghai, "--since 2h").as_deref(),
            Some("since 2023-11-15T04:13:20+08:00")
        );
    }
}
