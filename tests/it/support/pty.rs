//! A pseudo terminal, as CI systems that run steps on one give it.

use std::fs::File;
use std::io::Read as _;
use std::thread::{self, JoinHandle};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// A pseudo terminal of 24 rows and 100 columns.
pub struct Terminal {
    /// What a program gets as its outputs.
    pub user: File,
    shown: JoinHandle<Vec<u8>>,
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
        let shown = thread::spawn(move || {
            let mut shown = Vec::new();
            let mut part = [0; 4096];
            // The last program that closes the terminal makes this fail.
            while let Ok(length @ 1..) = controller.read(&mut part) {
                shown.extend_from_slice(&part[..length]);
            }
            shown
        });
        Self { user, shown }
    }

    /// All that was written, once every program has closed the terminal.
    pub fn shown(self) -> String {
        drop(self.user);
        String::from_utf8(self.shown.join().unwrap()).unwrap()
    }
}
