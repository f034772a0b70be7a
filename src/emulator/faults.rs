//! Selects the faults of requests.

use crate::sync::lock;
use std::sync::Mutex;
use std::time::Duration;

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Long name of the affected cloud; `None` for all.
    pub cloud: Option<&'static str>,
    /// The cloud's name of the affected operation; `None` for all.
    pub operation: Option<String>,
    /// Effect on the response.
    pub effect: Effect,
    /// Number of requests that pass before the fault begins.
    pub skip: u64,
    /// Number of requests that are affected after that; `None` for all.
    pub times: Option<u64>,
    /// Delay before a retry, sent in `retry-after` in whole seconds, rounded up.
    pub retry_after: Option<Duration>,
    /// Start of the fault, relative to the emulator's start on the wall clock.
    pub from: Duration,
    /// End of the fault, relative to the emulator's start; `None` for never.
    pub until: Option<Duration>,
}

impl Fault {
    fn is_active(&self, since_start: Duration) -> bool {
        since_start >= self.from && self.until.is_none_or(|until| since_start < until)
    }
}

/// The effect of a fault on a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// The cloud's response for "rate limited".
    Throttle,
    /// The cloud's response for a rejected credential.
    Refuse,
    /// The cloud's error response with this HTTP status.
    Status(u16),
    /// A gateway's HTML page with this HTTP status.
    Html(u16),
    /// Half of the announced body, then the end of the connection.
    Truncate,
    /// Half of the announced body, then a reset of the connection.
    Reset,
    /// The normal response after this delay.
    Slow(Duration),
    /// One byte every 100 ms, without end.
    Drip,
    /// Status 200 and no body.
    Empty,
    /// Status 302 with this address.
    Redirect(String),
}

impl Effect {
    /// Returns the name in scenario files.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Throttle => "throttle",
            Self::Refuse => "refuse",
            Self::Status(_) => "status",
            Self::Html(_) => "html",
            Self::Truncate => "truncate",
            Self::Reset => "reset",
            Self::Slow(_) => "slow",
            Self::Drip => "drip",
            Self::Empty => "empty",
            Self::Redirect(_) => "redirect",
        }
    }
}

/// The faults of a scenario, with the number of requests that each has seen.
#[derive(Debug)]
pub struct Faults {
    faults: Vec<Fault>,
    hits: Mutex<Vec<u64>>,
}

impl Faults {
    /// Creates faults that have seen no request yet.
    pub fn new(faults: Vec<Fault>) -> Self {
        let hits = Mutex::new(vec![0; faults.len()]);
        Self { faults, hits }
    }

    /// Returns the fault that affects this request, if any.
    ///
    /// Faults are tried in the order of the scenario. A request that one fault affects is not
    /// counted by the following ones, so a list of faults describes a sequence of events. Requests
    /// outside the time of a fault do not count for its `skip` and `times`.
    pub fn next_for(&self, cloud: &str, operation: &str, since_start: Duration) -> Option<&Fault> {
        let mut hits = lock(&self.hits);
        self.faults
            .iter()
            .zip(hits.iter_mut())
            .filter(|(fault, _)| {
                fault.is_active(since_start)
                    && fault.cloud.is_none_or(|name| name == cloud)
                    && fault
                        .operation
                        .as_deref()
                        .is_none_or(|name| name == operation)
            })
            .find_map(|(fault, count)| {
                let before = *count;
                *count += 1;
                let hit = before.checked_sub(fault.skip)?;
                fault.times.is_none_or(|times| hit < times).then_some(fault)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(effect: Effect) -> Fault {
        Fault {
            cloud: None,
            operation: None,
            effect,
            skip: 0,
            times: None,
            retry_after: None,
            from: Duration::ZERO,
            until: None,
        }
    }

    fn words(faults: &Faults, requests: &[(&str, &str)]) -> Vec<&'static str> {
        requests
            .iter()
            .map(|(cloud, operation)| {
                faults
                    .next_for(cloud, operation, Duration::ZERO)
                    .map_or("-", |fault| fault.effect.as_str())
            })
            .collect()
    }

    #[test]
    fn faults_of_a_list_take_effect_one_after_the_other() {
        let faults = Faults::new(vec![
            Fault {
                times: Some(2),
                ..fault(Effect::Throttle)
            },
            Fault {
                skip: 1,
                times: Some(1),
                ..fault(Effect::Reset)
            },
        ]);
        assert_eq!(
            words(&faults, &[("aliyun", "A"); 6]),
            ["throttle", "throttle", "-", "reset", "-", "-"]
        );
    }

    #[test]
    fn a_fault_affects_only_its_own_operation_and_cloud() {
        let faults = Faults::new(vec![
            Fault {
                operation: Some("A".into()),
                ..fault(Effect::Empty)
            },
            Fault {
                cloud: Some("huawei"),
                ..fault(Effect::Drip)
            },
        ]);
        assert_eq!(
            words(
                &faults,
                &[
                    ("aliyun", "A"),
                    ("aliyun", "B"),
                    ("huawei", "B"),
                    ("huawei", "A")
                ]
            ),
            ["empty", "-", "drip", "empty"]
        );
    }

    #[test]
    fn a_fault_takes_effect_and_is_counted_only_within_its_time_window() {
        let faults = Faults::new(vec![Fault {
            times: Some(2),
            from: Duration::from_secs(10),
            until: Some(Duration::from_secs(70)),
            ..fault(Effect::Empty)
        }]);
        let hit = |seconds| {
            faults
                .next_for("aliyun", "A", Duration::from_secs(seconds))
                .is_some()
        };
        assert_eq!(
            [0, 9, 10, 70, 69, 30].map(hit),
            [false, false, true, false, true, false]
        );
    }
}
