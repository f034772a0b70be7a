//! What ListCommands reports of commands.

use std::sync::Arc;

use serde::Deserialize;

use super::InvocationDetails;
use crate::model::Job;
use crate::providers::lenient::{self, Int, Required, Text, WrappedList};
use crate::secret::mask_arguments;

/// How many commands a page is asked to hold, each of which costs a request; the cloud gives 10
/// when nobody says how many, and 50 at most.
pub(in super::super) const PAGE_SIZE: usize = 10;

/// What ListCommands reports of one command.
#[derive(Debug, Default, Clone)]
pub(in super::super) struct Command {
    id: Option<String>,
    content: Option<String>,
    timeout_seconds: Option<i64>,
    working_dir: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct CommandsResponse {
    total_count: Int,
    commands: Required<WrappedList<CommandRow>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct CommandRow {
    command_id: Text,
    command_content: Text,
    timeout: Int,
    working_dir: Text,
}

/// Reads a page of a response to ListCommands: its commands, and how many there are in all.
///
/// # Errors
/// What was expected of the response, and where it was missed.
pub(in super::super) fn decode(
    body: &[u8],
    show_secrets: bool,
) -> Result<(Vec<Command>, Option<i64>), String> {
    let wire: CommandsResponse = lenient::decode_response(body)?;
    let total = wire.total_count.0;
    let rows = wire.commands.rows("Commands", total)?;
    let commands = rows.into_iter().map(|row| Command {
        id: row.command_id.trimmed().map(str::to_owned),
        content: row.command_content.0.map(|content| match show_secrets {
            true => content,
            false => masked(content),
        }),
        timeout_seconds: row.timeout.0,
        working_dir: row.working_dir.0,
    });
    Ok((commands.collect(), total))
}

fn masked(mut content: String) -> String {
    mask_arguments(std::slice::from_mut(&mut content));
    content
}

impl Command {
    /// The cloud's id.
    pub(in super::super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The job as far as the list alone shows it, without a state.
    pub(in super::super) fn into_bare_job(self, at: Job) -> Job {
        Job {
            details: Some(Arc::new(self.details("unknown"))),
            ..at
        }
    }

    pub(super) fn details(self, exit_codes: &'static str) -> InvocationDetails {
        InvocationDetails {
            exit_codes,
            content: self.content,
            timeout_seconds: self.timeout_seconds,
            working_dir: self.working_dir,
        }
    }
}
