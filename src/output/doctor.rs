//! Writes the results of all checks between this machine and the clouds, one line per check.

use std::io::{self, BufWriter, Write};

use chrono::FixedOffset;
use serde_json::{Value, json};

use super::catalog::write;
use super::style::{styled, write_labelled};
use super::{Format, OutputOptions, RenderContext, Zone, escape};
use crate::output::document::{AccountCheck, Check, CheckStatus, DoctorReport, HostInfo};

/// Width of the labels of a check.
const LABELS: usize = 22;

/// Writes a report of all checks.
///
/// # Errors
/// Returns errors of the writer, and errors of an expression as invalid data.
pub fn write_diagnosis(
    out: &mut dyn Write,
    diagnosis: &DoctorReport,
    options: &OutputOptions,
    context: &RenderContext,
) -> io::Result<()> {
    if options.query.is_none() && options.format == Format::Table {
        let checks = diagnosis.checks.iter().map(DoctorPart::Check);
        let accounts = diagnosis.accounts.iter().map(DoctorPart::Account);
        let mut parts = std::iter::once(DoctorPart::Host(&diagnosis.machine))
            .chain(checks)
            .chain(accounts)
            .chain([DoctorPart::Summary(&diagnosis.accounts)]);
        return parts.try_for_each(|part| write_doctor_part(out, part, context));
    }
    let mut rows = vec![json!({
        "cloud": null,
        "profile": null,
        "check": "joblens",
        "status": CheckStatus::Ok,
        "message": host_line(&diagnosis.machine),
        "hint": null,
    })];
    rows.extend(diagnosis.checks.iter().map(|check| row(None, check)));
    for account in &diagnosis.accounts {
        let checks = account.checks.iter();
        rows.extend(checks.map(|check| row(Some(account), check)));
    }
    write(out, diagnosis, rows, options, context)
}

fn row(account: Option<&AccountCheck>, check: &Check) -> Value {
    json!({
        "cloud": account.map(|account| account.cloud),
        "profile": account.map(|account| &account.profile),
        "check": check.name,
        "status": check.status,
        "message": check.message,
        "hint": check.hint,
    })
}

/// Returns for example `0.1.0 on linux x86_64, 2026-01-02 11:04:05 +08:00`.
fn host_line(machine: &HostInfo) -> String {
    let HostInfo {
        version,
        os,
        arch,
        utc_offset_seconds,
        ..
    } = machine;
    let zone = FixedOffset::east_opt(*utc_offset_seconds).map_or(Zone::Utc, Zone::Fixed);
    let time = zone.clock(machine.time);
    format!("{version} on {os} {arch}, {time}")
}

/// A part of the report for people, in the order in which the parts are written.
#[derive(Debug, Clone, Copy)]
pub enum DoctorPart<'a> {
    /// The program and the machine.
    Host(&'a HostInfo),
    /// A check that is the same for every account.
    Check(&'a Check),
    /// An account with its checks.
    Account(&'a AccountCheck),
    /// How many accounts passed; nothing without accounts.
    Summary(&'a [AccountCheck]),
}

/// Writes a part of the report for people.
///
/// # Errors
/// Returns errors of the writer.
pub fn write_doctor_part<'a>(
    out: &'a mut dyn Write,
    part: DoctorPart<'_>,
    context: &'a RenderContext,
) -> io::Result<()> {
    let out = BufWriter::new(out);
    DoctorWriter { out, context }.write_part(part)
}

struct DoctorWriter<'a> {
    out: BufWriter<&'a mut dyn Write>,
    context: &'a RenderContext,
}

impl DoctorWriter<'_> {
    fn write_part(mut self, part: DoctorPart<'_>) -> io::Result<()> {
        match part {
            DoctorPart::Host(machine) => writeln!(self.out, "joblens {}", host_line(machine))?,
            DoctorPart::Check(check) => self.checks(std::slice::from_ref(check))?,
            DoctorPart::Account(account) => {
                let name = format!("{} {}", account.cloud, account.profile);
                let name = styled("1", &escape(&name), self.context);
                let status = self.painted(account.status, account.status.as_str());
                writeln!(self.out, "\n{name}: {status}")?;
                self.checks(&account.checks)?;
            }
            DoctorPart::Summary(accounts) => {
                if let Some(sum) = sum(accounts) {
                    writeln!(self.out, "\n{sum}")?;
                }
            }
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
                self.lines(&format!("        {:<14}", "hint"), hint)?;
            }
        }
        Ok(())
    }

    fn lines(&mut self, label: &str, text: &str) -> io::Result<()> {
        write_labelled(&mut self.out, label, LABELS, text, self.context)
    }

    fn painted(&self, status: CheckStatus, text: &str) -> String {
        let style = match status {
            CheckStatus::Ok => "32",
            CheckStatus::Warn => "33",
            CheckStatus::Fail => "31",
        };
        styled(style, text, self.context)
    }
}

/// Returns for example `4 accounts: 2 ok, 1 warn, 1 fail`; `None` without accounts.
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
