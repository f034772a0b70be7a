//! Keeps the targets of `/probe` requests between scrapes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::polled_target::PolledTarget;
use crate::sync::lock;

/// Maximum number of probed targets.
pub(super) const MAX_TARGETS: usize = 1000;
/// A target that was not requested for this long is removed when a new target is requested.
const IDLE_TIMEOUT: Duration = Duration::from_secs(600);

/// The polled targets for each value of the parameter `target`.
#[derive(Default)]
pub(super) struct Probes(Mutex<HashMap<String, Probe>>);

struct Probe {
    targets: Vec<Arc<PolledTarget>>,
    requested_at: Instant,
}

impl Probes {
    /// Returns the polled targets of a probe, and creates them at its first request. Returns `None` if there are too
    /// many probes.
    pub(super) fn targets(
        &self,
        name: String,
        make: impl FnOnce() -> Vec<Arc<PolledTarget>>,
    ) -> Option<Vec<Arc<PolledTarget>>> {
        let mut probes = lock(&self.0);
        let now = Instant::now();
        if let Some(probe) = probes.get_mut(&name) {
            probe.requested_at = now;
            return Some(probe.targets.clone());
        }
        probes.retain(|_, probe| now - probe.requested_at < IDLE_TIMEOUT);
        if probes.len() >= MAX_TARGETS {
            return None;
        }
        let targets = make();
        let probe = Probe {
            targets: targets.clone(),
            requested_at: now,
        };
        probes.insert(name, probe);
        Some(targets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn idle_targets_are_removed_to_make_room_for_new_ones() {
        let probes = Probes::default();
        let ask = |name: usize| probes.targets(name.to_string(), Vec::new).is_some();
        assert!((0..MAX_TARGETS).all(ask));
        assert!(ask(0) && !ask(MAX_TARGETS));
        tokio::time::advance(IDLE_TIMEOUT / 2).await;
        assert!(ask(0) && !ask(MAX_TARGETS));
        tokio::time::advance(IDLE_TIMEOUT / 2).await;
        assert!(ask(MAX_TARGETS) && ask(0) && ask(1));
        assert_eq!(lock(&probes.0).len(), 3);
    }
}
