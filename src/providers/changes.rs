//! Collects the jobs that watch streams report as changed.

use std::collections::HashSet;
use std::sync::Mutex;

use tokio::sync::Notify;

use crate::sync::lock;

/// The jobs that streams have reported as changed since the last poll.
#[derive(Debug, Default)]
pub struct Changes {
    references: Mutex<HashSet<String>>,
    reported: Notify,
}

impl Changes {
    /// Reports that these jobs have changed, by their references.
    pub fn report<'a>(&self, references: impl IntoIterator<Item = &'a String>) {
        lock(&self.references).extend(references.into_iter().cloned());
        self.reported.notify_one();
    }

    /// Waits until at least one job is reported, and takes the references of all reported jobs.
    pub async fn next(&self) -> HashSet<String> {
        loop {
            let references = std::mem::take(&mut *lock(&self.references));
            if !references.is_empty() {
                return references;
            }
            self.reported.notified().await;
        }
    }
}
