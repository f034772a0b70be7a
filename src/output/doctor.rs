//! What is well between this machine and the clouds, and what is not: a line for each check.

use std::io::{self, BufWriter, Write};

use super::catalog::{TextTable, write};
use super::text::wrap;
use super::{Format, OutputOptions, RenderContext, Zone, escape};
use crate::output::document::{AccountCheck, Check, CheckStatus, DoctorReport, HostInfo};

/// Columns before the texts of a check.
const LABELS: usize = 22;

/// Writes a diagnosis.
///
/// # Errors
/// Those of the writer, and as invalid data what an expression could not do.
pub fn write_diagnosis(
    out: &mut dyn Write,
    diagnosis: &DoctorReport,
    form: &OutputOptions,
    screen: &RenderContext,
) -> io::Result<()> {
    if form.query.is_none() && form.format == Format::Table {
        return DoctorWriter::new(out, screen).diagnosis(diagnosis);
    }
    let own = |text: &str| Some(text.to_owned());
    let cells = |account: Option<&AccountCheck>, check: &Check| {
        vec![
            account.map(|account| account.cloud.to_owned()),
            account.map(|account| account.profile.clone()),
            own(check.name.as_str()),
            own(check.status.as_str()),
            Some(check.message.clone()),
            check.hint.clone(),
        ]
    };
    let machine = vec![
        None,
        None,
        own("joblens"),
        own(CheckStatus::Ok.as_str()),
        Some(host_line(&diagnosis.machine)),
        None,
    ];
    let mut rows = vec![machine];
    rows.extend(diagnosis.checks.iter().map(|check| cells(None, check)));
    for account in &diagnosis.accounts {
        rows.extend(
            account
                .checks
                .iter()
                .map(|check| cells(Some(account), check)),
        );
    }
    let sheet = TextTable {
        names: vec!["cloud", "profile", "check", "status", "message", "hint"],
        rows,
    };
    write(out, diagnosis, &sheet, form, screen)
}

/// `0.1.0 on linux x86_64, 2026-01-02 11:04:05 +08:00`
fn host_line(machine: &HostInfo) -> String {
    let time = Zone::Local.clock(machine.time);
    let HostInfo {
        version, os, arch, ..
    } = machine;
    format!("{version} on {os} {arch}, {time}")
}

/// A page for people.
struct DoctorWriter<'a> {
    out: BufWriter<&'a mut dyn Write>,
    context: &'a RenderContext,
}

impl<'a> DoctorWriter<'a> {
    fn new(out: &'a mut dyn Write, screen: &'a RenderContext) -> Self {
        let out = BufWriter::new(out);
        Self {
            out,
            context: screen,
        }
    }

    fn diagnosis(mut self, diagnosis: &DoctorReport) -> io::Result<()> {
        writeln!(self.out, "joblens {}", host_line(&diagnosis.machine))?;
        self.checks(&diagnosis.checks)?;
        for account in &diagnosis.accounts {
            let (bold, plain) = self.paint("\u{1b}[1m");
            let name = format!("{} {}", account.cloud, account.profile);
            let name = escape(&name).into_owned();
            let status = self.painted(account.status, account.status.as_str());
            writeln!(self.out, "\n{bold}{name}{plain}: {status}")?;
            self.checks(&account.checks)?;
        }
        if let Some(sum) = sum(&diagnosis.accounts) {
            writeln!(self.out, "\n{sum}")?;
        }
        self.out.flush()
    }

    fn checks(&mut self, checks: &[Check]) -> io::Result<()> {
        for check in checks {
            let status = format!("{:<4}", check.status.as_str());
            let status = self.painted(check.status, &status);
            let label = format!("  {status}  {:<14}", check.name.as_str());
            self.lines(&label, &check.message)?;
            if let Some(hint) = &check.hint {
                self.lines(&format!("        {:<14}", "try"), hint)?;
            }
        }
        Ok(())
    }

    /// A text beside its label, in as many lines as it takes.
    fn lines(&mut self, label: &str, text: &str) -> io::Result<()> {
        let room = self.context.width;
        let room = room.map_or(usize::MAX, |width| width.saturating_sub(LABELS));
        let blank = " ".repeat(LABELS);
        let parts = wrap(&escape(text), room, usize::MAX);
        for (number, part) in parts.iter().enumerate() {
            let before = if number == 0 { label } else { &blank };
            writeln!(self.out, "{before}{part}")?;
        }
        Ok(())
    }

    fn painted(&self, status: CheckStatus, text: &str) -> String {
        let (colour, plain) = self.paint(match status {
            CheckStatus::Ok => "\u{1b}[32m",
            CheckStatus::Warn => "\u{1b}[33m",
            CheckStatus::Fail => "\u{1b}[31m",
        });
        format!("{colour}{text}{plain}")
    }

    fn paint<'c>(&self, colour: &'c str) -> (&'c str, &'static str) {
        match self.context.colour {
            true => (colour, "\u{1b}[0m"),
            false => ("", ""),
        }
    }
}

/// `4 accounts: 2 ok, 1 warn, 1 fail`; none without accounts.
fn sum(accounts: &[AccountCheck]) -> Option<String> {
    let count = |status| accounts.iter().filter(|one| one.status == status).count();
    let counts = [CheckStatus::Ok, CheckStatus::Warn, CheckStatus::Fail]
        .map(|status| (count(status), status.as_str()))
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect::<Vec<_>>();
    let noun = if accounts.len() == 1 {
        "account"
    } else {
        "accounts"
    };
    (!accounts.is_empty()).then(|| format!("{} {noun}: {}", accounts.len(), counts.join(", ")))
}

#[cfg(test)]
mod tests;
