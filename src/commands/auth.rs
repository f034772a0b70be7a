use std::sync::Arc;

use clap::{Args, Subcommand};

use super::CommandContext;
use super::lookup::{NoticeLog, transport};
use crate::error::{Category, Problem};
use crate::http::{Transport, validate_tls};
use crate::model::SkippedSource;
use crate::output;
use crate::output::document::{AccountStatus, AuthState, AuthStatus, Envelope};
use crate::providers::{CLOUDS, Client, Cloud};
use crate::reference::DEFAULT_PROFILE;
use crate::secret::{masked_id, quotable};
use crate::settings::{METADATA, Profile, SettingRole, Settings, table_header};

/// Show the credentials each cloud would use
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  joblens auth status\n  joblens auth status -p prod -o json")]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: AuthCommand,
}

#[derive(Debug, Subcommand)]
enum AuthCommand {
    /// Show the credential source, key (masked), region and endpoint of each profile
    #[command(
        after_help = "Makes no network requests and shows no secrets. Runs credential_command if configured.\n\
        Exit codes: 0 all configured profiles are usable · 2 invalid config · 4 a profile is not usable"
    )]
    Status,
}

/// Shows what every profile would use. Nothing is sent.
pub(super) fn run(session: &CommandContext, arguments: &Arguments) -> u8 {
    match arguments.what {
        AuthCommand::Status => status(session),
    }
}

const STATUS: &str = "auth status";

fn status(session: &CommandContext) -> u8 {
    let accounts = match auth_status(session) {
        Ok(accounts) => accounts,
        Err(problem) => return session.usage_error(STATUS, vec![problem]),
    };
    let told = session.print_catalog(STATUS, |out, form, screen| {
        output::write_accounts(out, &accounts, form, screen)
    });
    let is_broken = |account: &AccountStatus| account.status == AuthState::Broken;
    match accounts.accounts.iter().any(is_broken) {
        true if told == 0 => Category::MissingCredentials.exit_code(),
        _ => told,
    }
}

fn auth_status(session: &CommandContext) -> Result<AuthStatus, Problem> {
    let settings = session.settings()?;
    let wire = transport(session, &settings, &NoticeLog::default(), None)?;
    let only = session.chosen_profile(&settings);
    let mut accounts = Vec::new();
    for cloud in CLOUDS {
        let mut names: Vec<&str> = settings.file().profiles(cloud.name).collect();
        names.retain(|name| *name != DEFAULT_PROFILE);
        names.insert(0, DEFAULT_PROFILE);
        names.retain(|name| only.is_none_or(|only| only == *name));
        let accounts_of = names
            .into_iter()
            .map(|name| account_status(&settings, cloud, name, &wire).0);
        accounts.extend(accounts_of);
    }
    if let (Some(only), true) = (only, accounts.is_empty()) {
        let message = format!("unknown profile '{only}'");
        let hint = format!(
            "add {} to the config file, e.g. {}",
            table_header("CLOUD", only),
            table_header(CLOUDS[0].name, only)
        );
        return Err(Problem::new(Category::MissingCredentials, message).with_hint(hint));
    }
    let path = settings.file().existing_path();
    Ok(AuthStatus {
        schema: Envelope::SCHEMA,
        command: STATUS,
        settings_file: path.map(|path| path.display().to_string()),
        accounts,
    })
}

/// What a profile would use, and what asks the cloud with it. Nothing is sent.
pub(super) fn account_status(
    settings: &Settings,
    cloud: &'static Cloud,
    name: &str,
    wire: &Arc<Transport>,
) -> (AccountStatus, Option<Box<dyn Client>>) {
    let keys = cloud.settings_schema();
    let survey = settings.inspect_sources(&keys, name);
    let passed_over = survey.skipped_sources.into_iter();
    let passed_over = passed_over.map(|one| SkippedSource {
        source: one.source,
        why: one.why,
    });
    let mut account = AccountStatus {
        cloud: cloud.name,
        profile: name.to_owned(),
        status: AuthState::Broken,
        source: None,
        place: None,
        key: None,
        region: None,
        endpoint: None,
        expires_at: None,
        token_cache: None,
        problem: None,
        passed_over: passed_over.collect(),
        notices: Vec::new(),
    };
    let profile = match survey.profile {
        Ok(profile) => profile,
        Err(problem) => {
            account.problem = Some(problem);
            return (account, None);
        }
    };
    let mut parts = keys.credential_keys();
    let part = parts.find(|spec| profile.origin(spec.key).is_some());
    let origin = profile.origin(part.map_or(METADATA, |part| part.key));
    if let Some(origin) = origin {
        let words = origin.label();
        account.source = Some(match profile.role() {
            Some(role) => format!("{words}, role {}", quotable(role)),
            None => words.into_owned(),
        });
        account.place = Some(origin.location());
    }
    account.key = origin.map(|_| key(&keys, &profile));
    let shown = |key: &str| profile.get(key).map(|text| quotable(text).into_owned());
    account.region = shown("region");
    account.endpoint = shown("endpoint");
    account.expires_at = profile.expires_at;
    account.notices.clone_from(&profile.notices);
    match cloud.client(&profile, wire) {
        Ok(client) => {
            account.status = AuthState::Ready;
            account.endpoint = client.endpoint().or(account.endpoint);
            let credential = client.credential();
            account.expires_at = credential.expires_at.or(account.expires_at);
            let kept_in = credential.kept_in;
            account.token_cache = kept_in.map(|folder| folder.display().to_string());
            let endpoint = account.endpoint.as_deref().unwrap_or_default();
            if let Err(problem) = validate_tls(&profile, endpoint) {
                account.status = AuthState::Broken;
                account.problem = Some(problem);
                return (account, None);
            }
            (account, Some(client))
        }
        Err(problem) => {
            let is_set =
                origin.is_some() || settings.file().profiles(cloud.name).any(|one| one == name);
            if !is_set && problem.category == Category::MissingCredentials {
                account.status = AuthState::NotConfigured;
            }
            account.problem = Some(problem);
            (account, None)
        }
    }
}

/// The id of the key, masked, or the word for a credential without one.
fn key(keys: &crate::settings::SettingsSchema, profile: &Profile) -> String {
    if profile.uses_instance_role() {
        return "role".to_owned();
    }
    let mut ids = keys
        .credential_keys()
        .filter(|spec| spec.role == SettingRole::Id);
    let id = ids.find_map(|spec| profile.get(spec.key));
    id.map_or_else(|| "token".to_owned(), masked_id)
}
