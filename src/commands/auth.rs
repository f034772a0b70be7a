use std::sync::Arc;

use clap::{Args, Subcommand};

use super::context::{CommandContext, CommandResult};
use super::list::nothing_configured;
use super::lookup::{Pacing, transport};
use super::notices::NoticeLog;
use super::recording::{
    record_failed_account, record_profile, record_skipped_sources, without_kept_tokens,
};
use crate::credentials::CredentialChain;
use crate::error::{Category, Problem, exit_code};
use crate::http::{Transport, check_connection_settings, validate_tls};
use crate::output;
use crate::output::document::{AccountStatus, AuthState, AuthStatus, Envelope};
use crate::providers::{CLOUDS, Client, Cloud};
use crate::reference::DEFAULT_PROFILE;
use crate::secret::{masked_id, quotable};
use crate::settings::{Profile, SettingRole, SettingSpec, Settings, unwritable_token_folder};

/// Show the credentials each cloud would use
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  joblens auth status\n  joblens auth status -p prod -o json")]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: AuthCommand,
}

#[derive(Debug, Subcommand)]
enum AuthCommand {
    /// Show the credential source, key (masked), region and endpoint of each profile
    #[command(
        before_help = "Examples:\n  joblens auth status\n  joblens auth status -p prod -o json",
        after_help = "Makes no network requests and shows no secrets. Runs credential_command if configured.\n\
        Exit codes: 0 all configured profiles are usable · 2 invalid config · 4 a profile is not usable, or none is configured"
    )]
    Status,
}

/// Shows the credential and settings that each profile would use. Sends nothing.
pub(super) fn run(context: &CommandContext, arguments: &Arguments) -> CommandResult {
    match arguments.what {
        AuthCommand::Status => status(context),
    }
}

const STATUS: &str = "auth status";

fn status(context: &CommandContext) -> CommandResult {
    // Checked before any `credential_command` is run.
    context.check_catalog_format(STATUS)?;
    let accounts = auth_status(context)?;
    let code = context.print_catalog(STATUS, |out, form, render_context| {
        output::write_accounts(out, &accounts, form, render_context)
    })?;
    let mut states = accounts.accounts.iter().map(|account| account.status);
    let is_unusable = states.clone().any(|state| state == AuthState::Broken)
        || states.all(|state| state == AuthState::NotConfigured);
    Ok(match is_unusable {
        true if code == exit_code::OK => exit_code::CREDENTIALS,
        _ => code,
    })
}

fn auth_status(context: &CommandContext) -> Result<AuthStatus, Problem> {
    let settings = context.settings()?;
    let transport = transport(context, &settings, &NoticeLog::default(), Pacing::default())?;
    let credentials = context.credentials(&settings);
    let only = context.chosen_profile(&settings);
    let mut accounts = Vec::new();
    for cloud in CLOUDS {
        let mut names: Vec<&str> = settings.file().profiles(cloud.name()).collect();
        names.retain(|name| *name != DEFAULT_PROFILE);
        names.insert(0, DEFAULT_PROFILE);
        names.retain(|name| only.is_none_or(|only| only == *name));
        let checked = |name| {
            let status = with_checked_files(account(&credentials, cloud, name, &transport));
            if let Some(problem) = &status.problem {
                record_failed_account(&transport, &settings, cloud.schema, name, problem);
            }
            status
        };
        let accounts_of = names.into_iter().map(checked);
        accounts.extend(accounts_of);
    }
    if let (Some(only), true) = (only, accounts.is_empty()) {
        return Err(nothing_configured(&settings, Some(only), "show"));
    }
    let path = settings.file().existing_path();
    Ok(AuthStatus {
        schema: Envelope::SCHEMA,
        command: STATUS,
        settings_file: path.map(|path| path.display().to_string()),
        accounts,
    })
}

/// Returns the status of the account, which is broken if a TLS file of its profile cannot be used. `doctor` checks
/// these files separately.
fn with_checked_files(account: ResolvedAccount) -> AccountStatus {
    let ResolvedAccount {
        mut status,
        profile,
        client,
    } = account;
    if let (Some(profile), Some(_)) = (profile, client)
        && let Err(problem) = check_connection_settings(&profile)
    {
        status.status = AuthState::Broken;
        status.problem = Some(problem);
    }
    status
}

/// An account with its settings and client.
pub(super) struct ResolvedAccount {
    /// The credential and settings that it would use.
    pub status: AccountStatus,
    /// Its settings, unless they cannot be used.
    pub profile: Option<Profile>,
    /// The client, unless it cannot be created.
    pub client: Option<Box<dyn Client>>,
}

/// Resolves the settings and the credential of a profile, and creates its client. Sends nothing.
pub(super) fn account(
    credentials: &CredentialChain,
    cloud: &'static Cloud,
    name: &str,
    transport: &Arc<Transport>,
) -> ResolvedAccount {
    let settings = credentials.settings();
    let mut account = ResolvedAccount {
        status: AccountStatus {
            cloud: cloud.name(),
            profile: name.to_owned(),
            status: AuthState::Broken,
            source: None,
            location: None,
            key: None,
            region: None,
            endpoint: None,
            expires_at: None,
            certificate_renewal: None,
            is_user: false,
            token_cache: None,
            problem: None,
            skipped_sources: Vec::new(),
            notices: Vec::new(),
        },
        profile: None,
        client: None,
    };
    let plain = settings
        .plain_profile(cloud.schema, name)
        .and_then(|plain| {
            match cloud.check_settings(&plain, transport) {
                // No command is run for an account that cannot be used.
                Err(problem) if credentials.command(&plain).is_some() => Err(problem),
                _ => Ok(plain),
            }
        });
    let profile = plain.and_then(|plain| {
        let (profile, skipped) = credentials.inspect_sources(plain);
        record_skipped_sources(transport, cloud.name(), name, &skipped);
        account.status.skipped_sources = skipped;
        profile.map(|profile| without_kept_tokens(transport, profile))
    });
    if let Some(skipped) = settings.recorded_skipped_sources(cloud.name(), name) {
        account.status.skipped_sources = skipped;
    }
    match profile {
        Ok(profile) => {
            account.describe(&profile);
            account.create_client(settings, cloud, &profile, transport);
            account.profile = Some(profile);
        }
        Err(problem) => {
            record_failed_account(transport, settings, cloud.schema, name, &problem);
            account.status.problem = Some(problem);
        }
    }
    account
}

impl ResolvedAccount {
    /// Adds the settings of the profile to the status.
    fn describe(&mut self, profile: &Profile) {
        let status = &mut self.status;
        if let Some(origin) = profile.source() {
            let words = origin.label();
            status.source = Some(match profile.role() {
                Some(role) => format!("{words}, role {}", quotable(role)),
                None => words.into_owned(),
            });
            status.location = Some(origin.source_location());
            status.key = key(profile);
            status.is_user = id(profile).is_some_and(|spec| spec.id_name() == "user");
        }
        let shown = |key: &str| profile.get(key).map(|text| quotable(text).into_owned());
        status.region = shown("region");
        status.endpoint = shown("endpoint");
        status.expires_at = profile.expires_at;
        status.notices.clone_from(&profile.notices);
    }

    /// Creates the client, or adds the problem to the status.
    fn create_client(
        &mut self,
        settings: &Settings,
        cloud: &Cloud,
        profile: &Profile,
        transport: &Arc<Transport>,
    ) {
        let status = &mut self.status;
        let client = cloud.client(profile, transport);
        let known = client.as_deref().ok();
        record_profile(transport, profile, known);
        let client = client.and_then(|client| {
            status.endpoint = client.api().endpoint().or(status.endpoint.take());
            let credential = client.api().credential();
            status.expires_at = credential.expires_at.or(status.expires_at);
            status.certificate_renewal = credential.certificate_renewal;
            let is_certificate = status.certificate_renewal.is_some();
            status.is_user &= !is_certificate || profile.secret("token").is_some();
            let token_folder = credential.token_folder;
            let notice = token_folder.as_deref().and_then(unwritable_token_folder);
            status.notices.extend(notice);
            status.token_cache = token_folder.map(|folder| folder.display().to_string());
            validate_tls(profile, status.endpoint.as_deref().unwrap_or_default())?;
            Ok(client)
        });
        // A recording contains no keys and certificates, so a replay uses the result of their check in the recorded
        // run.
        let client = match settings.recorded_problem(cloud.name(), &profile.name) {
            Some(problem) => Err(problem),
            None => client,
        };
        match client {
            Ok(client) => {
                status.status = AuthState::Ready;
                self.client = Some(client);
            }
            Err(problem) => {
                record_failed_account(transport, settings, profile.schema, &profile.name, &problem);
                let is_set =
                    status.source.is_some() || settings.has_table(cloud.name(), &profile.name);
                if !is_set && problem.category == Category::MissingCredentials {
                    status.status = AuthState::NotConfigured;
                }
                status.problem = Some(problem);
            }
        }
    }
}

/// Returns the setting that contains the id of the credential.
fn id(profile: &Profile) -> Option<&'static SettingSpec> {
    let mut ids = profile.schema.credential_keys();
    let is_id = |role| matches!(role, SettingRole::Id | SettingRole::Name);
    ids.find(|spec| is_id(spec.role) && profile.get(spec.key).is_some())
}

/// Returns the masked id of the key or name of the user (not masked if it is a name only), or `role`, `token` or
/// `certificate` for a credential without an id; `None` for another secret without an id.
fn key(profile: &Profile) -> Option<String> {
    if profile.uses_instance_role() {
        return Some("role".to_owned());
    }
    let id = id(profile).and_then(|spec| Some((spec.role, profile.get(spec.key)?)));
    let is_set = |word: &&str| {
        let mut secrets = profile.schema.credential_keys();
        secrets.any(|spec| spec.key.contains(word) && profile.get(spec.key).is_some())
    };
    let has_client_cert =
        profile.schema.client_cert_is_credential && profile.client_cert_origin().is_some();
    let known = ["token", "certificate"].into_iter().find(is_set);
    let known = known.or(has_client_cert.then_some("certificate"));
    match id {
        Some((SettingRole::Name, name)) => Some(quotable(name).into_owned()),
        Some((_, id)) => Some(masked_id(id)),
        None => known.map(str::to_owned),
    }
}
