//! Limits and ignored signals that a run begins with.

use super::Joblens;

impl Joblens {
    /// Ends the run when it takes more address space than this.
    pub fn memory_mib(mut self, mib: u64) -> Self {
        self.prelude.push(format!("ulimit -v {}", mib * 1024));
        self
    }

    /// Opens no more files at once than this.
    pub fn open_files(mut self, limit: u64) -> Self {
        self.prelude.push(format!("ulimit -n {limit}"));
        self
    }

    /// Starts no more processes and threads than this at once, of all that its user has.
    pub fn processes(mut self, limit: u64) -> Self {
        // The option's name depends on the shell.
        let limited = format!("ulimit -u {limit} 2>/dev/null || ulimit -p {limit}");
        self.prelude.push(limited);
        self
    }

    /// Writes no files larger than this many blocks of the shell.
    pub fn file_blocks(mut self, blocks: u64) -> Self {
        self.prelude.push(format!("ulimit -f {blocks}"));
        self
    }

    /// Starts with a stack of this many KiB.
    pub fn stack_kib(mut self, kib: u64) -> Self {
        self.prelude.push(format!("ulimit -s {kib}"));
        self
    }

    /// Ignores a signal from the start, as `nohup` does for `HUP`.
    pub fn ignoring(mut self, signal: &str) -> Self {
        self.prelude.push(format!("trap '' {signal}"));
        self
    }
}
