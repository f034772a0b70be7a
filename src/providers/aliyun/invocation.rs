//! Commands on the nodes of a cluster. Reads ListInvocationStatus, and ListInvocationResults once a command has
//! finished.

mod commands;
mod logs;
mod outcome;
mod status;

use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::Serialize;

use super::products::EHPC;
use super::{Api, CLOUD_NAME, CLUSTER, cluster_of, document};
use crate::http::Method;
use crate::kind::OutcomeRule;
use crate::providers::get_result::TRUST_FINISHED;
use crate::providers::prelude::*;
use commands::PAGE_SIZE;
use status::{RESULTS_PAGE_SIZE, STATES, is_word};

pub(super) use commands::decode as decode_commands;
pub(super) use status::{Results, ResultsPage, Status};

/// Commands on the nodes of a cluster.
pub static INVOCATION: Kind = Kind {
    summary: "Command that runs on the nodes of an E-HPC cluster",
    has_events: false,
    list: Some(ListSpec {
        unlisted: &[
            UnlistedField::User,
            UnlistedField::Queue,
            UnlistedField::CreatedAt,
        ],
        default_limit: Some(20),
        ..ListSpec::new(LIST, ListOrder::Undated)
    }),
    logs: LogSupport::Operation(logs::LOGS),
    flags: &[TRUST_FINISHED],
    ..Kind::new(
        Template::new(
            CLOUD_NAME,
            Name::new("invocation", "inv"),
            &[CLUSTER, Segment::required("COMMAND")],
            "aliyun/invocation/ehpc-hz-FYUr32/c-hz01v8x80o3",
        ),
        &[
            StateTable {
                allows_user_states: true,
                outcome_rules: &[OutcomeRule {
                    word: "Finished",
                    when: [
                        "all nodes: exit code 0",
                        "a node: another exit code",
                        "exit codes unavailable; --trust-finished treats it as succeeded",
                    ],
                }],
                ..StateTable::new("job", STATES)
            },
            StateTable {
                outcome_rules: &[OutcomeRule {
                    word: "Finished",
                    when: ["exit code 0", "another exit code", "no exit code"],
                }],
                ..StateTable::new("node", STATES)
            },
        ],
        STATUS,
    )
    .with_details(
        &[schema_of::<InvocationDetails>],
        &[schema_of::<NodeDetails>],
    )
};

const STATUS: Operation = Operation::new(
    "ListInvocationStatus",
    "E-HPC 2018-04-12 ListInvocationStatus, ListInvocationResults",
    "ehpc:ListInvocationStatus, ehpc:ListInvocationResults",
);

const LIST: Operation = Operation::new(
    "ListCommands",
    "E-HPC 2018-04-12 ListCommands, then a request for each",
    "ehpc:ListCommands, ehpc:ListInvocationStatus, ehpc:ListInvocationResults",
);

const RESULTS: &str = "ListInvocationResults";

/// `details` of an `aliyun/invocation`.
#[derive(Debug, Clone, Default, JsonSchema, Serialize, Deserialize)]
#[serde(default, rename_all(deserialize = "PascalCase"))]
#[schemars(rename = "AliyunInvocation", !default)]
pub struct InvocationDetails {
    #[serde(skip_serializing)]
    #[schemars(skip)]
    command_id: Text,
    /// `known` if every node's exit code was read, else `unknown`.
    #[serde(skip_deserializing)]
    #[schemars(!skip_deserializing)]
    pub exit_codes: &'static str,
    /// Command, with secrets in its arguments masked; only lists report it.
    #[serde(rename(deserialize = "CommandContent"))]
    pub content: Text,
    /// Maximum run time in seconds; only lists report it.
    #[serde(rename(deserialize = "Timeout"))]
    pub timeout_seconds: Int,
    /// Working directory; only lists report it.
    pub working_dir: Text,
}

/// `details` of a node of an invocation; null until its result is read.
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize)]
#[schemars(rename = "AliyunNode")]
pub struct NodeDetails {
    /// Whether the cloud reports success; false with exit code 0 counts as failed.
    pub success: Option<bool>,
    /// State word of the result, which can differ from that of the status.
    pub record_status: Option<String>,
}

/// The operations on commands.
pub(super) struct Invocations;

#[async_trait]
impl KindOps<Api> for Invocations {
    async fn get(&self, api: &Api, lookup: GetRequest<'_>) -> Result<GetResult, Problem> {
        get(api, lookup, InvocationDetails::default()).await
    }

    /// A second request reads the results of a finished command.
    fn confirms_end(&self, _reference: &Reference) -> bool {
        true
    }

    /// Lists one page of a cluster's commands and looks up each one that can match the filter, because the list
    /// reports no states. Fails if the problem of a lookup affects all of them; a problem of a single command
    /// is on the page.
    async fn list(&self, api: &Api, list: ListRequest<'_>) -> Result<Page, Problem> {
        let (page, size) = (list.cursor.page.to_string(), PAGE_SIZE.to_string());
        let query = [
            ("ClusterId", cluster_of(list.scope.segment("CLUSTER"))),
            ("PageNumber", &page),
            ("PageSize", &size),
        ];
        let decode = |body: &[u8]| decode_commands(body, list.options.show_secrets);
        let request = api.request(&EHPC, LIST.name, Method::Get, &query);
        let response = api.call(request, list.options, decode).await?;
        let (commands, total) = response.data;
        let named = Page::from_rows(
            list.cursor,
            total,
            commands,
            |command| Some((list.scope.reference(&[command.id()?])?, command)),
            |(reference, _)| reference.to_string(),
        );
        let wanted = list.filter.without_states();
        // Rows contain no raw responses.
        let options = RequestOptions {
            raw: false,
            ..list.options.clone()
        };
        let rows = named.rows.into_iter();
        let lookups =
            rows.map(|(reference, command)| list_row(api, reference, command, &wanted, &options));
        let mut page = Page {
            notices: response.unreadable.into_iter().collect(),
            rows_without_id: named.rows_without_id,
            repeated_rows: named.repeated_rows,
            next: named.next,
            total: named.total,
            ..Page::default()
        };
        for outcome in join_all(lookups).await {
            match outcome {
                Ok(result) => page.rows.push(result),
                Err(problem) if is_of_the_account(problem.category) => return Err(problem),
                Err(problem) => page.problems.push(problem),
            }
        }
        Ok(page)
    }

    async fn read_log(&self, api: &Api, request: LogRequest<'_>) -> Result<LogChunk, Problem> {
        logs::read(api, request).await
    }
}

/// Returns `true` for the state word of a node that has ended. Before that, its exit code and output are not valid.
fn is_final(word: Option<&str>) -> bool {
    ["Finished", "Failed", "Stopped"]
        .iter()
        .any(|end| is_word(word, end))
}

/// Looks up a command of the list, unless its row already shows that it does not match.
async fn list_row(
    api: &Api,
    reference: Reference,
    command: InvocationDetails,
    filter: &Filter,
    options: &RequestOptions,
) -> Result<GetResult, Problem> {
    let job = command
        .clone()
        .into_bare_job(job_at(&reference, api.region()));
    if !filter.matches(&job, false) {
        return Ok(GetResult {
            job,
            notices: Vec::new(),
        });
    }
    let lookup = GetRequest {
        reference: &reference,
        options,
    };
    let result = get(api, lookup, command).await;
    result.map_err(|mut problem| {
        problem.reference = Some(reference.to_string());
        problem.input = Some(reference.input.to_string());
        problem
    })
}

/// Returns `true` for a problem that affects all lookups of the account.
fn is_of_the_account(category: Category) -> bool {
    matches!(
        category,
        Category::MissingCredentials
            | Category::Unauthenticated
            | Category::PermissionDenied
            | Category::ClockSkew
    )
}

/// Looks up a command. `command` contains the fields from the list, if it was listed.
async fn get(
    api: &Api,
    lookup: GetRequest<'_>,
    command: InvocationDetails,
) -> Result<GetResult, Problem> {
    let GetRequest { reference, options } = lookup;
    let query = [
        ("ClusterId", cluster_of(reference.segment("CLUSTER"))),
        ("CommandId", reference.id()),
    ];
    let decode = |body: &[u8]| {
        let status = Status::decode(body, reference.id())?;
        Ok::<_, String>((status, raw_document(body, options)))
    };
    let request = api.request(&EHPC, STATUS.name, Method::Get, &query);
    let response = api.call(request, options, decode).await?;
    let (status, document) = response.data;
    let (mut pages, mut unreadable) = (Vec::new(), Vec::from_iter(response.unreadable));
    let results = match status.is_finished() {
        true => Some(results(api, lookup, &mut pages, &mut unreadable).await),
        false => None,
    };
    let at = job_at(reference, api.region());
    let status = status.with_command(command);
    let (mut job, mut notices) = status.into_job(
        at,
        &options.states,
        results,
        options.has_flag(&TRUST_FINISHED),
    );
    notices.append(&mut unreadable);
    raw::attach(&mut job, &mut notices, options, || {
        if pages.is_empty() {
            return document;
        }
        let pages: Option<Vec<_>> = pages.into_iter().collect();
        Some(json!({STATUS.name: document?, RESULTS: pages?}))
    });
    Ok(GetResult { job, notices })
}

/// Returns the raw response; `None` if it was not requested or is nested too deeply.
fn raw_document(body: &[u8], options: &RequestOptions) -> Option<Value> {
    options.raw.then(|| document::read(body, options)).flatten()
}

/// Reads the results of a finished invocation, as far as possible. Adds the raw responses to `documents` if
/// they are requested, and notices about unreadable fields to `unreadable`.
async fn results(
    api: &Api,
    lookup: GetRequest<'_>,
    documents: &mut Vec<Option<Value>>,
    unreadable: &mut Vec<Notice>,
) -> Results {
    let GetRequest { reference, options } = lookup;
    let mut results = Results::default();
    loop {
        let number = results.next_page().to_string();
        let size = RESULTS_PAGE_SIZE.to_string();
        let query = [
            ("ClusterId", cluster_of(reference.segment("CLUSTER"))),
            ("CommandId", reference.id()),
            ("PageNumber", &number),
            ("PageSize", &size),
        ];
        let decode = |body: &[u8]| {
            if options.raw {
                documents.push(document::read(body, options));
            }
            ResultsPage::decode(body, reference.id())
        };
        let request = api.request(&EHPC, RESULTS, Method::Get, &query);
        match api.call(request, options, decode).await {
            Ok(page) => {
                unreadable.extend(page.unreadable);
                if !results.add(page.data) {
                    return results;
                }
            }
            Err(problem) => {
                results.fail(&problem);
                return results;
            }
        }
    }
}

#[cfg(test)]
mod tests;
