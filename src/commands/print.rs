//! Prints the output to stdout and messages to stderr, and derives the exit code from both.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::Arc;

use super::context::CommandContext;
use super::pager::Pager;
use super::shutdown;
use crate::error::{Category, Problem, exit_code, file_error_text};
use crate::model::{Job, Notice, NoticeCode};
use crate::output::document::{Envelope, Exit};
use crate::output::{self, Format, OutputOptions, PageOptions, RenderContext, Zone};

impl CommandContext {
    /// Prints a report and its errors, and returns the exit code.
    pub(super) fn print_envelope(&self, envelope: Envelope) -> u8 {
        self.print_with(envelope, |out, envelope, render_context| {
            output::write(out, envelope, &self.output_options, render_context)
        })
    }

    /// Prints a report like [`Self::print_envelope`], but as pages for people instead of tables, unless columns
    /// were chosen; on a terminal through a pager. Pages are not for programs, so their times are always local.
    pub(super) fn print_describe(
        &self,
        envelope: Envelope,
        options: PageOptions<'_>,
        pager: Option<Pager>,
    ) -> u8 {
        let is_table = matches!(self.output_options.format, Format::Table | Format::Wide);
        if !is_table || self.output_options.columns.is_some() {
            return self.print_envelope(envelope);
        }
        self.print_with(envelope, |out, envelope, render_context| {
            let zone = self.zone(Zone::Local);
            let render_context = RenderContext {
                zone,
                ..*render_context
            };
            let jobs = &envelope.content.jobs;
            let Some(pager) = pager.filter(|_| !jobs.is_empty()) else {
                return output::write_pages(out, jobs, &render_context, options);
            };
            let mut text = Vec::new();
            output::write_pages(&mut text, jobs, &render_context, options)?;
            pager.show(text, |warning| {
                if !self.global.quiet {
                    let _ = output::write_line(&mut io::stderr().lock(), &warning);
                }
            })
        })
    }

    /// Prints errors and notices, writes the report to stdout, and returns the exit code.
    pub(super) fn print_with(
        &self,
        mut envelope: Envelope,
        write: impl FnOnce(&mut dyn io::Write, &Envelope, &RenderContext) -> io::Result<()>,
    ) -> u8 {
        self.sort(&mut envelope.content.jobs);
        self.progress.stop();
        self.print_messages(&envelope);
        let stdout = io::stdout();
        let render_context = self.render_context(stdout.is_terminal());
        let written = write(&mut stdout.lock(), &envelope, &render_context);
        let code = self.exit_code_after_write(written, envelope.exit.code);
        // The process exits next: freeing thousands of containers would only take time.
        std::mem::forget(envelope);
        code
    }

    /// Returns the exit code of a command after writing its output.
    pub(super) fn exit_code_after_write(&self, written: io::Result<()>, code: u8) -> u8 {
        match written {
            Ok(()) => self.code_after_query(code),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => exit_code::BROKEN_PIPE,
            Err(error) => {
                self.print_problem(&write_problem(&error));
                exit_code::with_lost_output(code)
            }
        }
    }

    /// With `-e`, turns exit code 0 into 1 if the last output of the expression is null or false.
    pub(super) fn code_after_query(&self, code: u8) -> u8 {
        let query = self.output_options.query.as_ref();
        let query = query.filter(|_| self.global.jq_exit_status);
        match query.is_some_and(|query| !query.is_truthy()) {
            true if code == exit_code::OK => exit_code::FAILED,
            _ => code,
        }
    }

    /// Sorts jobs in the requested order.
    pub(super) fn sort(&self, jobs: &mut [Job]) {
        if let Some(sort) = &self.sort {
            sort.apply(jobs);
        }
    }

    /// Returns the last messages of a gate for stderr: the errors, and one line with
    /// the verdict, which comes last even with `-q`. With `--jq`, also returns the
    /// output for stdout, since a failure of the expression changes the exit code.
    pub(super) fn gate_output(&self, envelope: &mut Envelope, mut messages: Vec<u8>) -> GateOutput {
        self.sort(&mut envelope.content.jobs);
        let stderr_context = self.render_context(io::stderr().is_terminal());
        for problem in &envelope.errors {
            let _ = output::write_problem(&mut messages, problem, &stderr_context);
        }
        let options = &self.output_options;
        let query_output = options.query.is_some().then(|| {
            let mut query_output = Vec::new();
            let stdout_context = self.render_context(io::stdout().is_terminal());
            if let Err(error) = output::write(&mut query_output, envelope, options, &stdout_context)
            {
                let _ =
                    output::write_problem(&mut messages, &write_problem(&error), &stderr_context);
                envelope.lose_output();
            } else if self.code_after_query(envelope.exit.code) != envelope.exit.code {
                envelope.exit = Exit::new(exit_code::FAILED);
            }
            query_output
        });
        if let Some(gate) = &envelope.gate {
            let _ = output::write_verdict(&mut messages, gate);
        }
        GateOutput {
            query_output,
            messages,
        }
    }

    /// Returns a writer of a gate's report, or of the output of `--jq`. A report of thousands of jobs takes
    /// several times its memory as JSON, so the JSON is generated while it is written.
    pub(super) fn gate_writer(
        &self,
        envelope: &Arc<Envelope>,
        query_output: Option<Vec<u8>>,
    ) -> impl FnOnce(&mut dyn io::Write) -> io::Result<()> + Send + 'static {
        let stdout_context = self.render_context(io::stdout().is_terminal());
        let options = &self.output_options;
        let (format, columns, headers) = (options.format, options.columns.clone(), options.headers);
        let envelope = Arc::clone(envelope);
        move |out| {
            if let Some(query_output) = query_output {
                return out.write_all(&query_output);
            }
            let options = OutputOptions {
                format,
                columns,
                headers,
                query: None,
            };
            output::write(out, &envelope, &options, &stdout_context)
        }
    }

    /// Ends a gate of a single check, after its notices, and returns the exit code.
    pub(super) fn finish_gate(&self, mut envelope: Envelope) -> u8 {
        self.progress.stop();
        let mut messages = Vec::new();
        for notice in envelope.notices.iter().filter(|one| self.should_print(one)) {
            if !self.global.quiet {
                let _ = output::write_notice(&mut messages, notice);
            }
        }
        let gate_output = self.gate_output(&mut envelope, messages);
        let mut envelope = Arc::new(envelope);
        let write_report = self.gate_writer(&envelope, gate_output.query_output);
        if let Err(error) = shutdown::write_out(write_report) {
            self.print_problem(&write_problem(&error));
            Arc::make_mut(&mut envelope).lose_output();
        }
        let _ = io::stderr().write_all(&gate_output.messages);
        let code = envelope.exit.code;
        // The process exits next: freeing thousands of jobs would only take time.
        std::mem::forget(envelope);
        code
    }

    /// Ends a command with usage errors. A table without rows would look like a result.
    pub(super) fn usage_error(&self, command: &'static str, problems: Vec<Problem>) -> u8 {
        let envelope = Envelope::new(command, Vec::new(), problems, Vec::new());
        let envelope = envelope.without_requests();
        if !self.output_options.format.has_header() {
            return self.print_envelope(envelope);
        }
        self.progress.stop();
        self.print_messages(&envelope);
        envelope.exit.code
    }

    /// Prints a text that is not a report, to stderr if `to_stderr` is set. Returns the exit code.
    pub(super) fn print(&self, text: String, to_stderr: bool) -> u8 {
        let written = match to_stderr {
            true => io::stderr().write_all(text.as_bytes()),
            false => io::stdout().write_all(text.as_bytes()),
        };
        self.exit_code_after_write(written, exit_code::OK)
    }

    /// Prints the errors and the notices.
    pub(super) fn print_messages(&self, envelope: &Envelope) {
        for problem in &envelope.errors {
            self.print_problem(problem);
        }
        self.print_notices(&envelope.notices);
    }

    /// Prints notices, but not with `-q`.
    pub(super) fn print_notices(&self, notices: &[Notice]) {
        if self.global.quiet {
            return;
        }
        for notice in notices.iter().filter(|notice| self.should_print(notice)) {
            let write = || output::write_notice(&mut io::stderr().lock(), notice);
            let _ = self.progress.suspend(write);
        }
    }

    /// Returns `true` if to print a notice. Notices that only describe how a response
    /// was read are printed only with `-v`.
    pub(super) fn should_print(&self, notice: &Notice) -> bool {
        match notice.code {
            // It is part of a list's footer.
            NoticeCode::ListIncomplete => false,
            // Already printed when they were added.
            NoticeCode::InsecureSkipVerify | NoticeCode::PlaintextProxy => false,
            NoticeCode::AssumedUtcOffset | NoticeCode::EventsTruncated | NoticeCode::RetiredApi => {
                self.global.verbose
            }
            _ => true,
        }
    }

    pub(super) fn print_problem(&self, problem: &Problem) {
        let render_context = self.render_context(io::stderr().is_terminal());
        let write = || output::write_problem(&mut io::stderr().lock(), problem, &render_context);
        let _ = self.progress.suspend(write);
    }
}

/// The last output of a gate that is generated before anything is written.
pub(super) struct GateOutput {
    /// The output of `--jq`, for stdout.
    pub query_output: Option<Vec<u8>>,
    /// The messages for stderr.
    pub messages: Vec<u8>,
}

/// Returns the problem of output that could not be written or generated.
pub(super) fn write_problem(error: &io::Error) -> Problem {
    match error.kind() {
        io::ErrorKind::InvalidData => {
            Problem::new(Category::InvalidResponse, format!("--jq: {error}"))
                .with_hint("use -o json to see the whole document")
        }
        _ => Problem::usage(format!(
            "cannot write the output ({})",
            file_error_text(error)
        )),
    }
}
