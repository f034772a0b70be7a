use super::{Transport, TransportEvent};
use crate::error::Problem;
use crate::sync::lock;

/// A request in flight. It is reported to the event sink of the run until it is dropped.
pub(super) struct RequestProgress<'a> {
    transport: &'a Transport,
    cloud: &'static str,
    number: u64,
}

impl<'a> RequestProgress<'a> {
    /// Creates the progress of a request that has not been sent yet; `number` is the number of the request.
    pub(super) fn new(transport: &'a Transport, cloud: &'static str, number: u64) -> Self {
        Self {
            transport,
            cloud,
            number,
        }
    }

    /// Reports that an attempt begins; `is_throttled` if the cloud throttled the previous one.
    pub(super) fn attempt(&self, attempt: u32, is_throttled: bool) {
        self.transport.emit(TransportEvent::Sending {
            number: self.number,
            cloud: self.cloud,
            attempt,
            is_throttled,
        });
    }

    /// Records why the last attempt failed, until the request ends.
    pub(super) fn failed(&self, problem: &Problem) {
        lock(&self.transport.failed_attempts).insert(self.number, problem.clone());
    }
}

impl Drop for RequestProgress<'_> {
    fn drop(&mut self) {
        lock(&self.transport.failed_attempts).remove(&self.number);
        self.transport.emit(TransportEvent::Finished(self.number));
    }
}
