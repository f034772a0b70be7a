//! A details page of one resource: the likely cause first, then everything that is known.

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
mod wrap;

use std::io::{self, BufWriter, Write};

use super::RenderContext;
use crate::model::Job;
use page::PageWriter;

/// How much of a page is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// All tasks that failed, some of the others, and the newest events; the rest is counted.
    Limited,
    /// Everything.
    All,
}

/// Writes a page for each job, with a rule before each where there are several.
///
/// # Errors
/// Those of the writer.
pub fn write(
    out: &mut dyn Write,
    jobs: &[Job],
    screen: &RenderContext,
    extent: Extent,
) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let mut page = PageWriter::new(&mut out, screen);
    for (number, job) in jobs.iter().enumerate() {
        if number > 0 {
            page.blank_line()?;
        }
        if jobs.len() > 1 {
            page.rule(&job.reference)?;
        }
        summary::write(&mut page, job)?;
        header::write(&mut page, job)?;
        tasks::write(&mut page, job, extent)?;
        details::write(&mut page, job)?;
        events::write(&mut page, job, extent)?;
    }
    out.flush()
}

#[cfg(test)]
mod tests;
