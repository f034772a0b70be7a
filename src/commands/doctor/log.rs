//! What happened on the wire of one account.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::Utc;

use super::super::Session;
use super::super::look_up::Collected;
use crate::error::Problem;
use crate::http::{Happening, Wire};
use crate::settings::Settings;

/// What happened, in its order.
#[derive(Debug, Clone, Default)]
pub(super) struct Log(Arc<Mutex<Vec<Happening>>>);

impl Log {
    /// All that happened so far.
    pub(super) fn all(&self) -> Vec<Happening> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn keep(&self, happening: &Happening) {
        if !matches!(happening, Happening::Trace(_)) {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.push(happening.clone());
        }
    }
}

/// A wire that keeps what happens on it. A call is sent once, unless the command line says more: the
/// first fault is what is looked for.
///
/// # Errors
/// Wrong use of an option or of a setting of the wire.
pub(super) fn wire(
    session: &Session,
    settings: &Settings,
    log: &Log,
) -> Result<Arc<Wire>, Problem> {
    let mut limits = session.global.limits(settings.file())?;
    if session.global.max_attempts.is_none() {
        limits.max_attempts = 1;
    }
    let (log, trace) = (log.clone(), session.sink(&Collected::default()));
    let sink = move |happening: Happening| {
        log.keep(&happening);
        trace(happening);
    };
    let proxies = settings.environment().proxies();
    Wire::new(limits, &proxies, Arc::new(Utc::now), Arc::new(sink))
}
