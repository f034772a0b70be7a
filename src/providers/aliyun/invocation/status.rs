//! Reads the responses of ListInvocationStatus and ListInvocationResults.

use std::collections::HashSet;

use serde::de::DeserializeOwned;

use super::super::xml;
use super::InvocationDetails;
use crate::providers::get_result::summarize;
use crate::providers::lenient::WrappedList;
use crate::providers::prelude::*;

/// State words of an invocation and of its nodes. `Finished` means that the command ended with any outcome,
/// which is read from the exit codes.
pub(in super::super) const STATES: StateWords = &[
    ("Running", State::Running),
    ("Finished", State::Unknown),
    ("Failed", State::Failed),
    ("Stopped", State::Canceled),
];

/// Results per page, the maximum that the cloud allows.
pub(in super::super) const RESULTS_PAGE_SIZE: usize = 50;

/// Maximum number of pages.
const MAX_PAGES: usize = 200;

/// A response to ListInvocationStatus.
#[derive(Debug, Default)]
pub(in super::super) struct Status {
    /// The cloud's id of the request.
    pub(super) request_id: Option<String>,
    /// The state word of the whole command.
    pub(super) word: Option<String>,
    /// The nodes it runs on.
    pub(super) nodes: Vec<Node>,
    /// The fields from the list of commands.
    pub(super) command: InvocationDetails,
}

/// A node and its state word.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) id: Option<String>,
    pub(super) word: Option<String>,
    /// True if its id or state word could not be read.
    pub(super) is_unreadable: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct StatusResponse {
    request_id: Text,
    command_id: Checked<Text>,
    invoke_status: Text,
    invoke_instances: Required<WrappedList<Checked<NodeRow>>>,
    /// The format in older documentation and in XML.
    list_invocation_status_response: OptionalObject<StatusResponse>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct NodeRow {
    instance_id: Text,
    instance_invoke_status: Text,
}

/// Decodes JSON, or XML with this root, to the same type.
fn decode<T: DeserializeOwned>(body: &[u8], root: &str) -> Result<T, String> {
    match xml::is_xml(body) {
        true => lenient::decode_response(xml::json(body, root)?.as_bytes()),
        false => lenient::decode_response(body),
    }
}

impl Status {
    /// Decodes a response about `command`.
    ///
    /// # Errors
    /// What was expected, and where in the response.
    pub(in super::super) fn decode(body: &[u8], command: &str) -> Result<Self, String> {
        let response: StatusResponse = decode(body, "ListInvocationStatusResponse")?;
        let response = match response.list_invocation_status_response.0 {
            Some(inner) => *inner,
            None => response,
        };
        if response.request_id.0.is_none() && response.invoke_status.0.is_none() {
            return Err("RequestId or InvokeStatus".to_owned());
        }
        // A response without the id of a command can be about any command.
        if response.command_id.value.trimmed() != Some(command.trim()) {
            return Err("the requested CommandId".to_owned());
        }
        Ok(Self {
            request_id: response.request_id.0,
            word: response.invoke_status.0,
            nodes: nodes(response.invoke_instances)?,
            command: InvocationDetails::default(),
        })
    }

    /// Adds the fields from the list of commands.
    pub(in super::super) fn with_command(self, command: InvocationDetails) -> Self {
        Self { command, ..self }
    }

    /// Returns `true` if the command has finished, so that the results can be read.
    pub(in super::super) fn is_finished(&self) -> bool {
        is_word(self.word.as_deref(), "Finished")
    }
}

/// Returns `true` unless the id is that of the requested command or is missing.
fn is_of_another(id: &Checked<Text>, command: &str) -> bool {
    let other = id.value.trimmed().is_some_and(|id| id != command.trim());
    other || id.is_unreadable
}

/// Returns the nodes without identical duplicates.
fn nodes(listed: Required<WrappedList<Checked<NodeRow>>>) -> Result<Vec<Node>, String> {
    let mut seen = HashSet::new();
    let nodes = listed.rows("InvokeInstances", Some(0))?.into_iter();
    let nodes = nodes.map(|node| Node {
        is_unreadable: node.is_unreadable,
        id: node.value.instance_id.0,
        word: node.value.instance_invoke_status.0,
    });
    let nodes = nodes.filter(|node| {
        let key = (node.id.clone(), node.word.clone(), node.is_unreadable);
        node.id.is_none() || seen.insert(key)
    });
    Ok(nodes.collect())
}

/// Compares words, ignoring case and surrounding white space.
pub(super) fn is_word(word: Option<&str>, wanted: &str) -> bool {
    word.is_some_and(|word| word.trim().eq_ignore_ascii_case(wanted))
}

/// One page of a response to ListInvocationResults.
#[derive(Debug, Default)]
pub(in super::super) struct ResultsPage {
    total_count: Checked<Int>,
    pub(super) results: Vec<NodeResult>,
}

/// The result of a node.
#[derive(Debug)]
pub(super) struct NodeResult {
    pub(super) id: Option<String>,
    pub(super) word: Option<String>,
    pub(super) exit_code: Option<i64>,
    pub(super) success: Option<bool>,
    pub(super) message: Checked<Text>,
    pub(super) finished_at: Option<Time>,
    /// True if a field that shows its outcome could not be read.
    pub(super) is_unreadable: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ResultsResponse {
    request_id: Text,
    total_count: Checked<Int>,
    invocation_results: Required<WrappedList<ResultRow>>,
    list_invocation_results_response: OptionalObject<ResultsResponse>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct ResultRow {
    instance_id: Checked<Text>,
    command_id: Checked<Text>,
    invoke_record_status: Checked<Text>,
    exit_code: Checked<Int>,
    success: Checked<Flag>,
    message: Checked<Text>,
    finished_time: Timestamp,
}

impl ResultsPage {
    /// Decodes a page about `command`.
    ///
    /// # Errors
    /// What was expected, and where in the response.
    pub(in super::super) fn decode(body: &[u8], command: &str) -> Result<Self, String> {
        let response: ResultsResponse = decode(body, "ListInvocationResultsResponse")?;
        let response = match response.list_invocation_results_response.0 {
            Some(inner) => *inner,
            None => response,
        };
        if response.request_id.0.is_none() && response.invocation_results == Required::Missing {
            return Err("RequestId or InvocationResults".to_owned());
        }
        let results = response
            .invocation_results
            .rows("InvocationResults", Some(0))?;
        let mut ids = results.iter().map(|result| &result.command_id);
        if ids.any(|id| is_of_another(id, command)) {
            return Err("the requested CommandId".to_owned());
        }
        Ok(Self {
            total_count: response.total_count,
            results: results.into_iter().map(NodeResult::from).collect(),
        })
    }
}

impl From<ResultRow> for NodeResult {
    fn from(row: ResultRow) -> Self {
        Self {
            is_unreadable: row.instance_id.is_unreadable
                || row.invoke_record_status.is_unreadable
                || row.exit_code.is_unreadable
                || row.success.is_unreadable,
            id: row.instance_id.value.0,
            word: row.invoke_record_status.value.0,
            exit_code: row.exit_code.value.0,
            success: row.success.value.0,
            message: row.message,
            finished_at: row.finished_time.utc(),
        }
    }
}

/// The fields in which identical results of a node agree: id, word, exit code and `Success`.
type Seen = (Option<String>, Option<String>, Option<i64>, Option<bool>);

/// Why results of nodes could not be read.
#[derive(Debug)]
pub(super) struct Unread {
    pub(super) reason: String,
    /// The category of the error; `None` if the responses that were read lack results.
    pub(super) cause: Option<Category>,
}

/// The results of all pages read so far.
#[derive(Debug, Default)]
pub(in super::super) struct Results {
    /// The results, at least one for each node.
    pub(super) nodes: Vec<NodeResult>,
    /// Why some results could not be read.
    pub(super) unread: Option<Unread>,
    /// True if the total number of results could not be read.
    pub(super) is_total_unreadable: bool,
    seen: HashSet<Seen>,
    ids: HashSet<Option<String>>,
    /// The largest total of any page, because results are not removed.
    total: Option<usize>,
    pages: usize,
}

impl Results {
    /// Adds a page. Returns `true` if the next page must be requested.
    ///
    /// A page without new results is the last one, so that a server cannot cause an endless loop.
    pub(in super::super) fn add(&mut self, page: ResultsPage) -> bool {
        self.pages += 1;
        let size = page.results.len();
        let known = self.nodes.len();
        for result in page.results {
            // Identical results of a node are one result; a result with another outcome is kept.
            let (id, word) = (result.id.clone(), result.word.clone());
            let key = (id.clone(), word, result.exit_code, result.success);
            if self.seen.insert(key) {
                self.ids.insert(id);
                self.nodes.push(result);
            }
        }
        let total = page.total_count.value.unsigned();
        self.is_total_unreadable |= total.is_none();
        let total = total.and_then(|total| usize::try_from(total).ok());
        self.total = self.total.max(total);
        let total = self.total;
        let more = match total {
            Some(total) => self.pages * RESULTS_PAGE_SIZE < total,
            None => size >= RESULTS_PAGE_SIZE,
        };
        let has_next = more && self.nodes.len() > known && self.pages < MAX_PAGES;
        let missing = total.is_some_and(|total| self.ids.len() < total) || more;
        if !has_next && missing {
            self.unread = Some(Unread {
                reason: format!("only the first {} results were read", self.nodes.len()),
                cause: None,
            });
        }
        has_next
    }

    /// Records the problem of a request for a page.
    pub(in super::super) fn fail(&mut self, problem: &Problem) {
        self.unread = Some(Unread {
            reason: summarize(problem),
            cause: Some(problem.category),
        });
    }

    /// Returns the number of the next page, from 1.
    pub(in super::super) fn next_page(&self) -> usize {
        self.pages + 1
    }
}
