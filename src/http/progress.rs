use super::{Transport, TransportEvent};

/// A call that is on its way, reported to the sink of the run until it is dropped.
pub(super) struct RequestProgress<'a> {
    transport: &'a Transport,
    cloud: &'static str,
    number: u64,
}

impl<'a> RequestProgress<'a> {
    /// A call that was not sent yet; `number` is its own.
    pub(super) fn new(transport: &'a Transport, cloud: &'static str, number: u64) -> Self {
        Self {
            transport,
            cloud,
            number,
        }
    }

    /// An attempt begins; `is_throttled` when the cloud limited the one before.
    pub(super) fn attempt(&self, attempt: u32, is_throttled: bool) {
        self.transport.emit(TransportEvent::Sending {
            number: self.number,
            cloud: self.cloud,
            attempt,
            is_throttled,
        });
    }
}

impl Drop for RequestProgress<'_> {
    fn drop(&mut self) {
        self.transport.emit(TransportEvent::Finished(self.number));
    }
}
