//! A pseudo terminal, as CI systems that run steps on one give it.

use std::fs::File;
use std::io::Read as _;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// A pseudo terminal of 24 rows and 100 columns.
pub struct Terminal {
    /// What a program gets as its outputs.
    pub user: File,
    reader: JoinHandle<()>,
    shown: Arc<(Mutex<Vec<u8>>, Condvar)>,
}

impl Terminal {
    pub fn open() -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
        let controller = openpt(flags).unwrap();
        grantpt(&controller).unwrap();
        unlockpt(&controller).unwrap();
        let name = ptsname(&controller, Vec::new()).unwrap();
        let name = name.into_string().unwrap();
        let user = File::options().read(true).write(true).open(name).unwrap();
        let size = Winsize {
            ws_row: 24,
            ws_col: 100,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&controller, size).unwrap();
        let mut controller = File::from(controller);
        let shown: Arc<(Mutex<Vec<u8>>, Condvar)> = Arc::default();
        let shared = Arc::clone(&shown);
        let reader = thread::spawn(move || {
            let mut part = [0; 4096];
            // The last program that closes the terminal makes this fail.
            while let Ok(length @ 1..) = controller.read(&mut part) {
                shared.0.lock().unwrap().extend_from_slice(&part[..length]);
                shared.1.notify_all();
            }
        });
        Self {
            user,
            reader,
            shown,
        }
    }

    /// Waits until this text was written.
    pub fn wait_for(&self, text: &str) {
        let (shown, changed) = &*self.shown;
        let is_missing = |shown: &mut Vec<u8>| !String::from_utf8_lossy(shown).contains(text);
        let shown = shown.lock().unwrap();
        let limit = Duration::from_secs(60);
        let (shown, waited) = changed
            .wait_timeout_while(shown, limit, is_missing)
            .unwrap();
        assert!(!waited.timed_out(), "{:?}", String::from_utf8_lossy(&shown));
    }

    /// All that was written, once every program has closed the terminal.
    pub fn shown(self) -> String {
        drop(self.user);
        self.reader.join().unwrap();
        let shown = self.shown.0.lock().unwrap();
        String::from_utf8(shown.clone()).unwrap()
    }
}
