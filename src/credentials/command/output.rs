//! Reads the output of a process on a separate thread.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use crate::sync::lock;

/// Maximum number of bytes that are kept of a process's output.
pub(super) const MAX_OUTPUT_BYTES: usize = 1 << 16;
/// A process that writes more bytes than this is killed.
const MAX_READ_BYTES: usize = 64 << 20;
/// Timeout for the end of the output after the process has ended, since its descendants may keep the output open.
const OUTPUT_TIMEOUT: Duration = Duration::from_secs(1);

/// An output stream of a process.
pub(super) struct Output {
    pub bytes: Arc<Mutex<Vec<u8>>>,
    is_flooded: Arc<AtomicBool>,
    closed: Receiver<()>,
}

impl Output {
    /// Starts a thread that reads an output to its end.
    ///
    /// # Errors
    /// The system cannot start another thread.
    pub fn read(mut output: Option<impl Read + Send + 'static>) -> io::Result<Self> {
        let bytes: Arc<Mutex<Vec<u8>>> = Arc::default();
        let (close, closed) = mpsc::channel();
        let is_flooded: Arc<AtomicBool> = Arc::default();
        let (written, flooded) = (Arc::clone(&bytes), Arc::clone(&is_flooded));
        thread::Builder::new().spawn(move || {
            let (mut part, mut count) = ([0; 4096], 0);
            // An error ends the output.
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
            // If the process timed out, the receiver no longer exists.
            let _ = close.send(());
        })?;
        Ok(Self {
            bytes,
            is_flooded,
            closed,
        })
    }

    /// Returns `true` if the process wrote far more than is kept. Nothing more is read then.
    pub fn is_flooded(&self) -> bool {
        self.is_flooded.load(Ordering::Relaxed)
    }

    /// Returns the whole output after the process has ended.
    pub fn finish(&self) -> Vec<u8> {
        let _ = self.closed.recv_timeout(OUTPUT_TIMEOUT);
        lock(&self.bytes).clone()
    }
}
