//! Reads the responses of ListCommands.

use std::sync::Arc;

use serde::Deserialize;

use super::InvocationDetails;
use crate::lenient::{self, Int, Required, WrappedList};
use crate::model::Job;
use crate::secret::mask_text;

/// Commands per page. Each command requires a request, so this is the cloud's default of 10 instead of its
/// maximum of 50.
pub(in super::super) const PAGE_SIZE: usize = 10;

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct CommandsResponse {
    total_count: Int,
    commands: Required<WrappedList<InvocationDetails>>,
}

/// Decodes a page of ListCommands. Returns its commands and the total number of commands.
///
/// # Errors
/// What was expected, and where in the response.
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
    /// Returns the cloud's id of the command.
    pub(in super::super) fn id(&self) -> Option<&str> {
        self.command_id.trimmed()
    }

    /// Creates the job from the list only, without a state.
    pub(in super::super) fn into_bare_job(self, base: Job) -> Job {
        let exit_codes = "unknown";
        Job {
            details: Some(Arc::new(Self { exit_codes, ..self })),
            ..base
        }
    }
}
