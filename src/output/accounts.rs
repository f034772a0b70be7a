//! Writes the credential and endpoint of each account, as a paragraph or as a row.

use std::io::{self, BufWriter, Write};

use serde_json::{Value, json};

use super::catalog::write;
use super::style::{styled, write_labelled};
use super::{Format, OutputOptions, RenderContext, escape};
use crate::output::document::{AccountStatus, AuthState, AuthStatus};

/// Width of the labels of a paragraph.
const LABELS: usize = 15;

/// Writes the credential and endpoint of each account.
///
/// # Errors
/// Returns errors of the writer, and errors of an expression as invalid data.
pub fn write_accounts(
    out: &mut dyn Write,
    accounts: &AuthStatus,
    options: &OutputOptions,
    context: &RenderContext,
) -> io::Result<()> {
    if options.query.is_none() && options.format == Format::Table {
        return paragraphs(out, accounts, context);
    }
    let rows = accounts.accounts.iter().map(row).collect();
    write(out, accounts, rows, options, context)
}

fn row(account: &AccountStatus) -> Value {
    json!({
        "cloud": account.cloud,
        "profile": account.profile,
        "status": account.status,
        "source": account.source,
        "location": account.location,
        "key": account.key,
        "region": account.region,
        "endpoint": account.endpoint,
        "expires_at": account.expires_at,
        "problem": account.problem.as_ref().map(|problem| &problem.message),
    })
}

fn paragraphs(
    out: &mut dyn Write,
    accounts: &AuthStatus,
    context: &RenderContext,
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
        writeln!(out, "\n{}: {status}", styled("1", &escape(&name), context))?;
        for (label, text) in lines(account) {
            let label = format!("  {label:<11}  ");
            write_labelled(&mut out, &label, LABELS, &text, context)?;
        }
    }
    out.flush()
}

fn lines(account: &AccountStatus) -> Vec<(&'static str, String)> {
    let source = account
        .source
        .as_ref()
        .map(|source| match &account.location {
            Some(location) => format!("{source} ({location})"),
            None => source.clone(),
        });
    // A missing setting is not a failure, but its hint is shown.
    let problem = account.problem.as_ref();
    let is_failure = account.status == AuthState::Broken;
    let is_named = !matches!(
        account.key.as_deref(),
        Some("certificate" | "role" | "token")
    );
    let key = match is_named {
        true if account.is_user => "user",
        true if account.certificate_renewal.is_some() => "certificate",
        _ => "key",
    };
    let fields = [
        ("source", source),
        (key, account.key.clone()),
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
    let fields = fields
        .into_iter()
        .filter_map(|(label, text)| Some((label, text?)));
    let passed = account.skipped_sources.iter();
    let passed = passed.map(|skipped| ("skipped", format!("{}: {}", skipped.source, skipped.why)));
    let notices = account.notices.iter();
    let notices = notices.map(|notice| ("note", notice.message.clone()));
    fields.chain(passed).chain(notices).collect()
}
