//! What a process writes, read on a separate thread.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::sync::lock;

/// More is not kept of what a process writes.
pub(super) const MAX_OUTPUT_BYTES: usize = 1 << 16;
/// A process that has written this much is ended.
const MAX_READ_BYTES: usize = 64 << 20;
/// What a process has left behind may keep its outputs open, and is not waited for any longer.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);

/// What a process writes to one of its outputs.
pub(super) struct Output {
    pub bytes: Arc<Mutex<Vec<u8>>>,
    is_flooded: Arc<AtomicBool>,
    closed: Receiver<()>,
}

impl Output {
    /// Reads an output on a separate thread, to its end.
    ///
    /// # Errors
    /// The system has no more threads.
    pub fn read(mut output: Option<impl Read + Send + 'static>) -> io::Result<Self> {
        let bytes: Arc<Mutex<Vec<u8>>> = Arc::default();
        let (close, closed) = mpsc::channel();
        let is_flooded: Arc<AtomicBool> = Arc::default();
        let (written, flooded) = (Arc::clone(&bytes), Arc::clone(&is_flooded));
        thread::Builder::new().spawn(move || {
            let (mut part, mut count) = ([0; 4096], 0);
            // What came before an error is all there is.
            while let Some(length) = output
                .as_mut()
                .and_then(|output| output.read(&mut part).ok())
                && length > 0
            {
                let mut bytes = lock(&written);
                let kept = length.min(MAX_OUTPUT_BYTES.saturating_sub(bytes.len()));
                bytes.extend_from_slice(&part[..kept]);
                count += length;
                if count > MAX_READ_BYTES {
                    flooded.store(true, Ordering::Relaxed);
                    break;
                }
            }
            // Nobody listens any longer when the process took too long.
            let _ = close.send(());
        })?;
        Ok(Self {
            bytes,
            is_flooded,
            closed,
        })
    }

    /// True once far more was written than is kept; nothing more is read.
    pub fn is_flooded(&self) -> bool {
        self.is_flooded.load(Ordering::Relaxed)
    }

    /// All of it, once the process has ended.
    pub fn finish(&self) -> Vec<u8> {
        let _ = self.closed.recv_timeout(OUTPUT_TIMEOUT);
        lock(&self.bytes).clone()
    }
}
