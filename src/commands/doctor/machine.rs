//! Checks that are the same for every account of this machine.

use std::path::Path;
use std::sync::Arc;

use chrono::Local;

use super::super::context::CommandContext;
use super::super::notices::NoticeLog;
use crate::error::Problem;
use crate::http::{CaCounts, ClientOptions, Transport};
use crate::model::Time;
use crate::output::document::{Check, CheckName, HostInfo};
use crate::secret::{mask_proxy_url, mask_user_info};
use crate::settings::{NO_FILE, Settings, SettingsFile};

/// Describes the program and its machine.
pub(super) fn host_info(context: &CommandContext, settings: Option<&Settings>) -> HostInfo {
    let path = settings.and_then(|settings| settings.file().existing_path());
    HostInfo {
        version: env!("CARGO_PKG_VERSION"),
        os: std::env::consts::OS,
        arch: std::env::consts::ARCH,
        time: Time::new((context.clock)()).expect("the current year is before 10000"),
        utc_offset_seconds: match context.session.utc_offset() {
            Some(offset) => offset.local_minus_utc(),
            None => Local::now().offset().local_minus_utc(),
        },
        settings_file: path.map(|path| path.display().to_string()),
    }
}

/// Returns the check for a failure before any account could be queried.
pub(super) fn broken(name: CheckName, problem: Problem) -> Check {
    let hint = problem.hint.as_deref().unwrap_or("fix this first");
    let hint = format!("{hint}; no account was checked");
    Check::fail(name, problem.category, problem.message).hint(Some(hint))
}

/// Returns the check of the config file: its path, or the path at which it would be.
pub(super) fn settings(context: &CommandContext, settings: &Settings) -> Check {
    let config = context.global.config.clone();
    let config_path = match settings.recorded_config_path() {
        Some(config_path) => Some(config_path.to_owned()),
        None => SettingsFile::locate(config, &context.environment).0,
    };
    let message = match (settings.file().existing_path(), config_path) {
        (Some(path), _) => path.display().to_string(),
        (None, Some(path)) if path == Path::new(NO_FILE) => {
            format!("no config file; JOBLENS_CONFIG or --config is {NO_FILE}")
        }
        (None, Some(path)) => format!("no config file; expected at {}", path.display()),
        (None, None) => "no config file; HOME is not set".to_owned(),
    };
    Check::ok(CheckName::Settings, message)
}

/// Checks proxies and CA certificates.
///
/// # Errors
/// Returns a failed check if no call can be sent.
pub(super) fn network(
    context: &CommandContext,
    settings: &Settings,
    options: &ClientOptions,
) -> Result<Vec<Check>, Box<Check>> {
    let sink = context.event_sink(&NoticeLog::default());
    let variables = settings.environment().network();
    let readable = settings.environment().check();
    readable.map_err(|problem| Box::new(broken(CheckName::Proxy, problem)))?;
    let transport = Transport::new(
        options.clone(),
        &variables,
        Arc::clone(&context.clock),
        sink,
    );
    let transport =
        transport.map_err(|problem| Box::new(broken(CheckName::Certificates, problem)))?;
    let certificates = certificates(settings, options, &transport.ca_counts());
    Ok(vec![
        proxy(&variables, &transport.proxy_problems()),
        certificates,
    ])
}

/// Shows the variables that configure proxies. `problems` are those of unusable
/// values, with which the calls that need them fail.
fn proxy(variables: &[(String, String)], problems: &[Problem]) -> Check {
    if let Some(first) = problems.first() {
        let messages: Vec<&str> = problems.iter().map(|problem| &*problem.message).collect();
        let hint = first.hint.as_deref().unwrap_or_default();
        return Check::warn(CheckName::Proxy, messages.join("; "), hint);
    }
    let is_used = |name: &str| {
        let name = name.to_ascii_uppercase();
        ["HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"].contains(&name.as_str())
    };
    let mut text: Vec<String> = variables
        .iter()
        .filter(|(name, _)| is_used(name))
        .map(|(name, value)| {
            let mask = match name.eq_ignore_ascii_case("NO_PROXY") {
                true => mask_user_info,
                false => mask_proxy_url,
            };
            format!("{name}={}", mask(value.trim()))
        })
        .collect();
    text.sort();
    let message = match text.is_empty() {
        true => "none; HTTPS_PROXY, HTTP_PROXY and ALL_PROXY are not set".to_owned(),
        false => text.join(", "),
    };
    Check::ok(CheckName::Proxy, message)
}

fn certificates(settings: &Settings, options: &ClientOptions, trusted: &CaCounts) -> Check {
    let variables = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter();
    let chosen: Vec<String> = variables
        .filter_map(|name| Some(format!("{name}={}", settings.environment().get(name)?)))
        .collect();
    let store = match chosen.is_empty() {
        true => "in the system's store".to_owned(),
        false => format!("by {}", chosen.join(", ")),
    };
    let mut message = format!("{} CA certificates {store}", trusted.system);
    if !options.ca_files.is_empty() {
        let files = options
            .ca_files
            .iter()
            .map(|path| path.display().to_string());
        let files = files.collect::<Vec<_>>().join(", ");
        message += &format!(", {} by --ca-file {files}", trusted.extra);
    }
    let (problem, hint) = match &trusted.error {
        Some(problem) => (format!(": {problem}"), FIX),
        None => (String::new(), INSTALL),
    };
    let count = trusted.system + trusted.extra;
    if count > 0 && trusted.error.is_none() {
        return Check::ok(CheckName::Certificates, message);
    }
    let effect = if count == 0 { NONE } else { "" };
    Check::warn(
        CheckName::Certificates,
        format!("{message}{problem}"),
        format!("{hint}{effect}"),
    )
}

const FIX: &str = "correct or unset the variable";
const INSTALL: &str = "install the package ca-certificates";
const NONE: &str = "; without CA certificates no https:// server can be verified";
