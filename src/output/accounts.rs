//! What each cloud would be asked with: a paragraph for each account, or a row.

use std::io::{self, BufWriter, Write};

use super::catalog::write;
use super::cell::Cell;
use super::column::Column;
use super::style::{styled, write_labelled};
use super::{Format, OutputOptions, RenderContext, escape};
use crate::model::Time;
use crate::output::document::{AccountStatus, AuthState, AuthStatus};

/// Columns before the texts of a paragraph.
const LABELS: usize = 15;

static COLUMNS: [Column<AccountStatus>; 10] = [
    Column::new("cloud", |account, _| account.cloud.into()),
    Column::new("profile", |account, _| Cell::from(&account.profile)),
    Column::new("status", |account, _| account.status.as_str().into()),
    Column::new("source", |account, _| account.source.as_deref().into()),
    Column::new("place", |account, _| account.place.as_deref().into()),
    Column::new("key", |account, _| account.key.as_deref().into()),
    Column::new("region", |account, _| account.region.as_deref().into()),
    Column::new("endpoint", |account, _| account.endpoint.as_deref().into()),
    // In UTC for people as well: it is compared with what the cloud's console shows.
    Column::new("expires_at", |account, _| {
        account.expires_at.map(Time::rfc3339).into()
    }),
    Column::new("problem", |account, _| {
        let problem = account.problem.as_ref();
        problem.map(|problem| &problem.message).into()
    }),
];

/// Writes what each cloud would be asked with.
///
/// # Errors
/// Those of the writer, and as invalid data what an expression could not do.
pub fn write_accounts(
    out: &mut dyn Write,
    accounts: &AuthStatus,
    form: &OutputOptions,
    screen: &RenderContext,
) -> io::Result<()> {
    if form.query.is_none() && form.format == Format::Table {
        return paragraphs(out, accounts, screen);
    }
    write(out, accounts, &COLUMNS, &accounts.accounts, form, screen)
}

fn paragraphs(
    out: &mut dyn Write,
    accounts: &AuthStatus,
    screen: &RenderContext,
) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    let file = accounts.settings_file.as_deref().unwrap_or("none");
    writeln!(out, "config file: {}", escape(file))?;
    for account in &accounts.accounts {
        let name = format!("{} {}", account.cloud, account.profile);
        let status = match account.status {
            AuthState::NotConfigured => "not configured",
            other => other.as_str(),
        };
        writeln!(out, "\n{}: {status}", styled("1", &escape(&name), screen))?;
        for (label, text) in lines(account) {
            let label = format!("  {label:<11}  ");
            write_labelled(&mut out, &label, LABELS, &text, screen)?;
        }
    }
    out.flush()
}

fn lines(account: &AccountStatus) -> Vec<(&'static str, String)> {
    let source = account.source.as_ref().map(|source| match &account.place {
        Some(place) => format!("{source} ({place})"),
        None => source.clone(),
    });
    // What nobody has set is no failure, and what to set is said all the same.
    let problem = account.problem.as_ref();
    let is_failure = account.status == AuthState::Broken;
    let one = [
        ("source", source),
        ("key", account.key.clone()),
        ("region", account.region.clone()),
        ("endpoint", account.endpoint.clone()),
        ("expires", account.expires_at.map(|at| at.rfc3339())),
        ("token cache", account.token_cache.clone()),
        (
            "problem",
            problem
                .filter(|_| is_failure)
                .map(|problem| problem.message.clone()),
        ),
        ("try", problem.and_then(|problem| problem.hint.clone())),
    ];
    let one = one
        .into_iter()
        .filter_map(|(label, text)| Some((label, text?)));
    let passed = account.passed_over.iter();
    let passed = passed.map(|one| ("skipped", format!("{}: {}", one.source, one.why)));
    let notices = account.notices.iter();
    let notices = notices.map(|notice| ("note", notice.message.clone()));
    one.chain(passed).chain(notices).collect()
}
