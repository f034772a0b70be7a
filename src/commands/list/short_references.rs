//! Stores the rows of a list, so that `%1` names the first one.

use std::io::{self, IsTerminal as _};

use super::super::completion_cache::ListedReferences;
use super::super::context::CommandContext;
use super::super::shell_session::ShellSession;
use crate::output::document::Envelope;

/// Stores the shown rows for the next command of the shell session; for a streamed list, those of its pages, and for
/// the output of an expression none.
pub(super) fn record_rows(
    context: &CommandContext,
    envelope: &Envelope,
    streamed: Option<&ListedReferences>,
) {
    if !io::stdout().is_terminal() {
        return;
    }
    let Some(session) = ShellSession::interactive(&context.environment) else {
        return;
    };
    if context.output_options.query.is_some() {
        return session.record_filtered_list();
    }
    let content = &envelope.content;
    let scopes = content.scopes.iter().map(|scope| &*scope.scope);
    let jobs = content.jobs.iter().map(|job| &*job.reference);
    let rows = match streamed {
        Some(shown) => shown.all().collect(),
        None => scopes.chain(jobs).collect(),
    };
    session.record_list(rows);
}
