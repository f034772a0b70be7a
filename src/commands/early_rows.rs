//! Prints rows of `get` while later ones are pending.

use std::borrow::Cow;
use std::io::{self, IsTerminal as _, Write as _};

use super::context::CommandContext;
use super::lookup::LookupResult;
use crate::model::Job;
use crate::output::document::Envelope;
use crate::output::{Row, RowWriter, TableWriter};
use crate::reference::Reference;

/// Prints results in the order of the references, in formats with independent rows.
pub(super) struct EarlyRows<'a> {
    context: &'a CommandContext,
    references: &'a [Reference],
    rows: Option<Rows<'a>>,
    /// The number of printed results, including errors; `jobs` counts only the jobs.
    results: usize,
    jobs: usize,
    written: io::Result<()>,
}

enum Rows<'a> {
    Table(TableWriter),
    Records(RowWriter<'a>),
}

impl<'a> EarlyRows<'a> {
    /// Creates the printer. If rows must be sorted, it prints nothing before the end.
    pub(super) fn new(context: &'a CommandContext, references: &'a [Reference]) -> Self {
        let options = &context.output_options;
        let render_context = context.render_context(io::stdout().is_terminal());
        let rows = match TableWriter::new(options) {
            Some(table) => Some(Rows::Table(table)),
            None => RowWriter::new(options, render_context).map(Rows::Records),
        };
        let needs_all_rows = context.sort.is_some() || options.query.is_some();
        Self {
            context,
            references,
            rows: rows.filter(|_| !needs_all_rows),
            results: 0,
            jobs: 0,
            written: Ok(()),
        }
    }

    /// Prints the new results up to the first pending one.
    pub(super) fn print(&mut self, results: &[Option<LookupResult>]) {
        let ready = results.iter().take_while(|result| result.is_some());
        let ready = ready.count();
        let is_new = ready > self.results && ready < results.len();
        if !is_new || self.rows.is_none() || results.len() != self.references.len() {
            return;
        }
        let rows = results.iter().zip(self.references);
        let rows = rows.filter_map(|(result, reference)| {
            Some(match result {
                Some(Ok(job)) => row(job),
                Some(Err(_)) => return None,
                None => Row {
                    reference: reference.to_string(),
                    job: None,
                    unreadable_reason: None,
                },
            })
        });
        let rows: Vec<Row<'_>> = rows.collect();
        let jobs = results[..ready].iter().flatten();
        let jobs = jobs.filter(|result| result.is_ok()).count();
        self.results = ready;
        self.write(&rows, jobs);
    }

    /// Prints the remaining rows, the errors and the notices. Returns the exit code.
    pub(super) fn finish(mut self, envelope: Envelope) -> u8 {
        if self.results == 0 {
            return self.context.print_envelope(envelope);
        }
        self.context.progress.stop();
        self.context.print_messages(&envelope);
        let rows: Vec<Row<'_>> = envelope.content.jobs.iter().map(row).collect();
        self.write(&rows, rows.len());
        if let (Some(Rows::Records(records)), true) = (&mut self.rows, self.written.is_ok()) {
            let incomplete = envelope.incomplete();
            self.written = records.end(&mut io::stdout().lock(), &envelope, incomplete.as_deref());
        }
        self.context
            .exit_code_after_write(self.written, envelope.exit.code)
    }

    /// Writes the first `count` rows, except those already written.
    fn write(&mut self, rows: &[Row<'_>], count: usize) {
        let Some(writer) = self.rows.as_mut().filter(|_| self.written.is_ok()) else {
            return;
        };
        let mut out = io::stdout().lock();
        let render_context = self.context.render_context(out.is_terminal());
        let new = self.jobs..count;
        self.written = self.context.progress.suspend(|| {
            match writer {
                Rows::Table(table) => table.write(&mut out, rows, count, &render_context)?,
                Rows::Records(records) => {
                    let jobs = rows[new].iter().filter_map(|row| row.job.as_deref());
                    for job in jobs {
                        records.jobs(&mut out, std::slice::from_ref(job))?;
                    }
                }
            }
            out.flush()
        });
        self.jobs = count;
    }
}

fn row(job: &Job) -> Row<'_> {
    Row {
        reference: job.reference.clone(),
        job: Some(Cow::Borrowed(job)),
        unreadable_reason: None,
    }
}
