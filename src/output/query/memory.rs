//! A bound on the memory that an expression takes.

use std::cell::Cell;
use std::process::{self, Command, Stdio};
use std::{fs, str};

use jaq_core::Error;
use jaq_json::Val;

/// An expression may take this many times the memory that the document takes, and this much in any case.
const MAX_RATIO: u64 = 3;
const MIN_BYTES: u64 = 256 << 20;

/// Bytes that are made between two looks at the memory of the process. Where it takes a program to look,
/// there are fewer looks.
const CHECK_INTERVAL: usize = if cfg!(target_os = "linux") {
    1 << 20
} else {
    32 << 20
};
/// Bytes of a value without its text.
const VALUE_SIZE: usize = 64;

thread_local! {
    /// The limit in bytes; 0 for none.
    static LIMIT: Cell<u64> = const { Cell::new(0) };
    /// Bytes made since the last look.
    static MADE: Cell<usize> = const { Cell::new(0) };
}

/// Sets the limit of this thread, where the document is all that takes memory now.
pub(super) fn set_limit() {
    LIMIT.set(resident().map_or(0, |bytes| (bytes * MAX_RATIO).max(bytes + MIN_BYTES)));
}

/// Counts a value that was made.
///
/// # Errors
/// The process takes more memory than the limit.
pub(super) fn count(value: &Val) -> Result<(), Error<Val>> {
    count_bytes(match value {
        Val::TStr(text) | Val::BStr(text) => VALUE_SIZE + text.len(),
        _ => VALUE_SIZE,
    })
}

/// As [`count`], for a number of bytes.
///
/// # Errors
/// As those of [`count`].
pub(super) fn count_bytes(bytes: usize) -> Result<(), Error<Val>> {
    let made = MADE.get().saturating_add(bytes);
    if made < CHECK_INTERVAL {
        MADE.set(made);
        return Ok(());
    }
    MADE.set(0);
    let limit = LIMIT.get();
    match resident() {
        Some(bytes) if limit > 0 && bytes > limit => {
            let limit = limit >> 20;
            Err(Error::str(format!(
                "the expression takes more than {limit} MiB of memory"
            )))
        }
        _ => Ok(()),
    }
}

/// Bytes of memory that the process takes; `None` where the system does not report it.
fn resident() -> Option<u64> {
    resident_by_proc().or_else(resident_by_ps)
}

fn resident_by_proc() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib << 10)
}

/// Uses `ps`, on systems without `/proc`, such as macOS.
fn resident_by_ps() -> Option<u64> {
    let mut command = Command::new("/bin/ps");
    command.args(["-o", "rss=", "-p", &process::id().to_string()]);
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    let kib: u64 = str::from_utf8(&output.ok()?.stdout)
        .ok()?
        .trim()
        .parse()
        .ok()?;
    Some(kib << 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ps_and_proc_report_how_many_bytes_are_used() {
        // Not every machine has both, and other tests take memory meanwhile.
        for bytes in [resident_by_proc(), resident_by_ps()].into_iter().flatten() {
            assert!((1 << 20..1 << 36).contains(&bytes), "{bytes}");
        }
        assert!(resident().is_some());
    }
}
