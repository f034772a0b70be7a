//! Counts the requests that were sent, for metrics.

use std::collections::BTreeMap;
use std::sync::Mutex;

use crate::error::Category;
use crate::sync::lock;

/// Number of requests of one operation of a cloud; every attempt counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestCount {
    /// Long name of the cloud.
    pub cloud: &'static str,
    /// The cloud's name of the operation.
    pub operation: &'static str,
    /// Number of requests sent.
    pub requests: u64,
    /// Number of failed requests by category.
    pub errors: BTreeMap<&'static str, u64>,
}

/// Requests and errors by cloud and operation.
#[derive(Debug, Default)]
pub(super) struct RequestCounts(Mutex<BTreeMap<(&'static str, &'static str), Counts>>);

#[derive(Debug, Default)]
struct Counts {
    requests: u64,
    errors: BTreeMap<&'static str, u64>,
}

impl RequestCounts {
    /// Counts an attempt that is sent.
    pub(super) fn record_request(&self, cloud: &'static str, operation: &'static str) {
        let mut counts = lock(&self.0);
        counts.entry((cloud, operation)).or_default().requests += 1;
    }

    /// Counts an attempt that failed.
    pub(super) fn record_error(
        &self,
        cloud: &'static str,
        operation: &'static str,
        category: Category,
    ) {
        let mut counts = lock(&self.0);
        let errors = &mut counts.entry((cloud, operation)).or_default().errors;
        *errors.entry(category.as_str()).or_default() += 1;
    }

    /// Returns all counts, sorted by cloud and operation.
    pub(super) fn all(&self) -> Vec<RequestCount> {
        let counts = lock(&self.0);
        let counts = counts
            .iter()
            .map(|((cloud, operation), count)| RequestCount {
                cloud,
                operation,
                requests: count.requests,
                errors: count.errors.clone(),
            });
        counts.collect()
    }
}
