use std::io::{self, Write};

use super::{Form, Format, Records, Screen};
use crate::model::{Job, Report, Scope};

/// Writes the rows of an answer as they come, in the forms whose rows stand by themselves: `jsonl`,
/// `csv`, `tsv` and `name`.
pub struct Rows<'a> {
    form: &'a Form,
    screen: Screen,
    records: Records,
}

impl<'a> Rows<'a> {
    /// Rows in this form; `None` for a form that needs all rows at once.
    pub fn new(form: &'a Form, screen: Screen) -> Option<Self> {
        let stands_alone = matches!(
            form.format,
            Format::Jsonl | Format::Csv | Format::Tsv | Format::Name
        );
        stands_alone.then(|| Self {
            form,
            screen,
            records: Records::default(),
        })
    }

    /// Writes things.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn jobs(&mut self, out: &mut dyn Write, jobs: &[Job]) -> io::Result<()> {
        for job in jobs {
            match self.form.format {
                Format::Jsonl => self.records.job(out, self.screen.now, job)?,
                _ => writeln!(out, "{}", job.reference)?,
            }
        }
        Ok(())
    }

    /// Writes places.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn scopes(&mut self, out: &mut dyn Write, scopes: &[Scope]) -> io::Result<()> {
        for scope in scopes {
            match self.form.format {
                Format::Jsonl => self.records.scope(out, self.screen.now, scope)?,
                _ => writeln!(out, "{}", scope.scope)?,
            }
        }
        Ok(())
    }

    /// Writes what comes after the rows: what failed and the summary, where the form has them, or
    /// why the list is not all there is. The rows of `report` itself are not written.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn end(
        &mut self,
        out: &mut dyn Write,
        report: &Report,
        incomplete: Option<&str>,
    ) -> io::Result<()> {
        match self.form.format {
            Format::Jsonl => self.records.end(out, self.screen.now, report)?,
            Format::Name => {
                if let Some(reason) = incomplete {
                    writeln!(out, "#!incomplete: {}", super::escape(reason))?;
                }
            }
            _ => {}
        }
        out.flush()
    }
}
