//! The details page of one resource: the likely cause first, then all data.

mod command_line;
mod containers;
mod details;
mod events;
mod exit_status;
mod header;
mod page;
mod summary;
mod tasks;
mod volumes;
mod warnings;

use std::io::{self, BufWriter, Write};

use super::RenderContext;
use crate::model::Job;
use page::PageWriter;

/// How much of a page is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DetailLevel {
    /// All failed tasks, some of the others, and the newest events; the rest is counted.
    Limited,
    /// Everything.
    All,
}

/// The last lines of a log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogTail {
    /// The canonical reference of the job.
    pub reference: String,
    /// The task and container that wrote it; empty for the log of the whole job.
    pub label: String,
    /// The lines.
    pub lines: Vec<String>,
}

/// The content of pages in addition to the jobs.
#[derive(Debug, Clone, Copy)]
pub struct PageOptions<'a> {
    /// How much is shown.
    pub extent: DetailLevel,
    /// The log tails of failed jobs.
    pub log_tails: &'a [LogTail],
}

impl PageOptions<'_> {
    /// Returns options for pages without logs.
    pub fn new(extent: DetailLevel) -> Self {
        Self {
            extent,
            log_tails: &[],
        }
    }
}

/// Writes a page for each job, with a rule before each if there are several.
///
/// # Errors
/// Returns errors of the writer.
pub fn write(
    out: &mut dyn Write,
    jobs: &[Job],
    context: &RenderContext,
    options: PageOptions<'_>,
) -> io::Result<()> {
    let PageOptions { extent, log_tails } = options;
    let mut out = BufWriter::new(out);
    let mut page = PageWriter::new(&mut out, context);
    for (number, job) in jobs.iter().enumerate() {
        if number > 0 {
            page.blank_line()?;
        }
        if jobs.len() > 1 {
            page.rule(&job.reference)?;
        }
        let log_tail = log_tails.iter().find(|log| log.reference == job.reference);
        summary::write(&mut page, job, log_tail)?;
        header::write(&mut page, job)?;
        tasks::write(&mut page, job, extent)?;
        details::write(&mut page, job)?;
        events::write(&mut page, job, extent)?;
    }
    out.flush()
}

#[cfg(test)]
mod tests;
