//! What each cloud would be asked with: a paragraph for each account, or a row.

use std::io::{self, BufWriter, Write};

use super::catalog::{TextTable, write};
use super::text::wrap;
use super::{Format, OutputOptions, RenderContext, escape};
use crate::model::{AccountStatus, AuthState, AuthStatus};

/// Columns before the texts of a paragraph.
const LABELS: usize = 15;

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
    let sheet = TextTable {
        names: vec![
            "cloud",
            "profile",
            "status",
            "source",
            "place",
            "key",
            "region",
            "endpoint",
            "expires_at",
            "problem",
        ],
        rows: accounts.accounts.iter().map(cells).collect(),
    };
    write(out, accounts, &sheet, form, screen)
}

fn cells(account: &AccountStatus) -> Vec<Option<String>> {
    vec![
        Some(account.cloud.to_owned()),
        Some(account.profile.clone()),
        Some(account.status.as_str().to_owned()),
        account.source.clone(),
        account.place.clone(),
        account.key.clone(),
        account.region.clone(),
        account.endpoint.clone(),
        account.expires_at.map(|at| at.rfc3339()),
        account
            .problem
            .as_ref()
            .map(|problem| problem.message.clone()),
    ]
}

fn paragraphs(
    out: &mut dyn Write,
    accounts: &AuthStatus,
    screen: &RenderContext,
) -> io::Result<()> {
    let (bold, plain) = match screen.colour {
        true => ("\u{1b}[1m", "\u{1b}[0m"),
        false => ("", ""),
    };
    let mut out = BufWriter::new(out);
    let file = accounts.settings_file.as_deref().unwrap_or("none");
    writeln!(out, "config file: {}", escape(file))?;
    for account in &accounts.accounts {
        let name = format!("{} {}", account.cloud, account.profile);
        let status = match account.status {
            AuthState::NotConfigured => "not configured",
            other => other.as_str(),
        };
        writeln!(out, "\n{bold}{}{plain}: {status}", escape(&name))?;
        for (label, text) in lines(account) {
            let room = screen.width;
            let room = room.map_or(usize::MAX, |width| width.saturating_sub(LABELS));
            let parts = wrap(&escape(&text), room, usize::MAX);
            for (number, part) in parts.into_iter().enumerate() {
                let label = if number == 0 { label } else { "" };
                writeln!(out, "  {label:<11}  {part}")?;
            }
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
