//! Limits the memory of an expression.

use std::cell::Cell;
use std::process::{self, Command, Stdio};
use std::{fs, str};

use jaq_core::Error;
use jaq_json::Val;

/// The maximum memory of an expression relative to that of the document. At least
/// `MIN_BYTES` are allowed in addition.
const MAX_RATIO: u64 = 3;
const MIN_BYTES: u64 = 256 << 20;

/// The number of bytes created between two checks of the process's memory. Checks are
/// rarer if they need another program.
const CHECK_INTERVAL: usize = if cfg!(target_os = "linux") {
    1 << 20
} else {
    32 << 20
};
/// The size of a value without its text, in bytes.
const VALUE_SIZE: usize = 64;

thread_local! {
    /// The limit in bytes; 0 for none.
    static LIMIT: Cell<u64> = const { Cell::new(0) };
    /// The bytes created since the last check.
    static MADE: Cell<usize> = const { Cell::new(0) };
}

/// Sets the limit of this thread. Must be called while only the document takes memory.
pub(super) fn set_limit() {
    LIMIT.set(resident().map_or(0, |bytes| (bytes * MAX_RATIO).max(bytes + MIN_BYTES)));
}

/// Counts a created value.
///
/// # Errors
/// Returns an error if the process uses more memory than the limit.
pub(super) fn count(value: &Val) -> Result<(), Error<Val>> {
    count_bytes(match value {
        Val::TStr(text) | Val::BStr(text) => VALUE_SIZE + text.len(),
        _ => VALUE_SIZE,
    })
}

/// Counts a number of bytes like [`count`].
///
/// # Errors
/// Returns the same error as [`count`].
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

/// Returns the memory of the process in bytes; `None` if the system does not report it.
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

/// Uses `ps` on systems without `/proc`, such as macOS.
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
        // Not every machine has both, and other tests use memory at the same time.
        for bytes in [resident_by_proc(), resident_by_ps()].into_iter().flatten() {
            assert!((1 << 20..1 << 36).contains(&bytes), "{bytes}");
        }
        assert!(resident().is_some());
    }
}
