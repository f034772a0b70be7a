//! A page about one thing, for a person: the likely cause first, then everything that is known.

mod cause;
mod command_line;
mod containers;
mod details;
mod ending;
mod events;
mod header;
mod page;
mod tasks;
mod volumes;
mod warnings;
mod wrap;

use std::io::{self, BufWriter, Write};

use super::Screen;
use crate::model::Job;
use page::Page;

/// Writes a page for each job, with a rule before each where there are several.
///
/// # Errors
/// Those of the writer.
pub fn write(out: &mut dyn Write, jobs: &[Job], screen: &Screen) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let mut page = Page::new(&mut out, screen);
    for (number, job) in jobs.iter().enumerate() {
        if number > 0 {
            page.gap()?;
        }
        if jobs.len() > 1 {
            page.rule(&job.reference)?;
        }
        cause::write(&mut page, job)?;
        header::write(&mut page, job)?;
        tasks::write(&mut page, job)?;
        details::write(&mut page, job)?;
        events::write(&mut page, job)?;
    }
    out.flush()
}

#[cfg(test)]
mod tests;
