//! What ListCommands reports of commands.

use std::sync::Arc;

use serde::Deserialize;

use super::InvocationDetails;
use crate::lenient::{self, Int, Required, WrappedList};
use crate::model::Job;
use crate::secret::mask_text;

/// The page size that is requested, in commands, each of which costs a request; the cloud gives 10
/// by default, and 50 at most.
pub(in super::super) const PAGE_SIZE: usize = 10;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct CommandsResponse {
    total_count: Int,
    commands: Required<WrappedList<InvocationDetails>>,
}

/// Reads a page of a response to ListCommands: its commands, and how many there are in all.
///
/// # Errors
/// What was expected of the response, and where it was missed.
pub(in super::super) fn decode(
    body: &[u8],
    show_secrets: bool,
) -> Result<(Vec<InvocationDetails>, Option<i64>), String> {
    let response: CommandsResponse = lenient::decode_response(body)?;
    let total = response.total_count.0;
    let mut commands = response.commands.rows("Commands", total)?;
    if !show_secrets {
        for content in commands.iter_mut().filter_map(|row| row.content.0.as_mut()) {
            *content = mask_text(content);
        }
    }
    Ok((commands, total))
}

impl InvocationDetails {
    /// The cloud's id.
    pub(in super::super) fn id(&self) -> Option<&str> {
        self.command_id.trimmed()
    }

    /// The job as far as the list alone shows it, without a state.
    pub(in super::super) fn into_bare_job(self, at: Job) -> Job {
        let exit_codes = "unknown";
        Job {
            details: Some(Arc::new(Self { exit_codes, ..self })),
            ..at
        }
    }
}
