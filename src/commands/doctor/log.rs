//! Records the network activity of one account.

use std::sync::{Arc, Mutex};

use super::super::context::CommandContext;
use super::super::notices::NoticeLog;
use crate::error::Problem;
use crate::http::{KeyStates, Transport, TransportEvent};
use crate::settings::Settings;
use crate::sync::lock;

/// Network events, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<TransportEvent>>>);

impl Log {
    /// Returns all events so far.
    pub(super) fn all(&self) -> Vec<TransportEvent> {
        lock(&self.0).clone()
    }

    fn record(&self, event: &TransportEvent) {
        if !matches!(event, TransportEvent::Trace(_)) {
            let mut all = lock(&self.0);
            all.push(event.clone());
        }
    }
}

/// Creates a transport that records its events and shares the states of keys. It does not retry, unless the
/// command line sets the number of attempts: the first failure is the one to report.
///
/// # Errors
/// Returns a usage error in an option or in a setting of `[http]`.
pub(super) fn transport(
    context: &CommandContext,
    settings: &Settings,
    log: &Log,
    keys: &KeyStates,
) -> Result<Arc<Transport>, Problem> {
    let mut limits = context.global.client_options(settings.file())?;
    limits.session = context.session.clone();
    limits.key_states = keys.clone();
    if context.global.max_attempts.is_none() {
        limits.max_attempts = 1;
    }
    let (log, trace) = (log.clone(), context.event_sink(&NoticeLog::default()));
    let sink = move |event: TransportEvent| {
        log.record(&event);
        // The checks report the same as a notice.
        if !matches!(event, TransportEvent::Notice(..)) {
            trace(event);
        }
    };
    let variables = settings.environment().network();
    Transport::new(
        limits,
        &variables,
        Arc::clone(&context.clock),
        Arc::new(sink),
    )
}
