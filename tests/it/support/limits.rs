//! Limits and ignored signals that apply from the start of a run.

use super::Joblens;

impl Joblens {
    /// Limits the address space of the run.
    pub fn memory_mib(mut self, mib: u64) -> Self {
        self.prelude.push(format!("ulimit -v {}", mib * 1024));
        self
    }

    /// Limits the number of open files.
    pub fn open_files(mut self, limit: u64) -> Self {
        self.prelude.push(format!("ulimit -n {limit}"));
        self
    }

    /// Limits the number of processes and threads of the run's user.
    pub fn processes(mut self, limit: u64) -> Self {
        // The option's name depends on the shell.
        let limited = format!("ulimit -u {limit} 2>/dev/null || ulimit -p {limit}");
        self.prelude.push(limited);
        self
    }

    /// Limits the size of written files, in blocks of the shell.
    pub fn file_blocks(mut self, blocks: u64) -> Self {
        self.prelude.push(format!("ulimit -f {blocks}"));
        self
    }

    /// Sets the stack size in KiB.
    pub fn stack_kib(mut self, kib: u64) -> Self {
        self.prelude.push(format!("ulimit -s {kib}"));
        self
    }

    /// Ignores a signal from the start, like `nohup` for `HUP`.
    pub fn ignoring(mut self, signal: &str) -> Self {
        self.prelude.push(format!("trap '' {signal}"));
        self
    }
}
