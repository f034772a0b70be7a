//! Reads the credential that a profile's `credential_command` prints.

use std::path::Path;

use super::chain::{CredentialChain, ResolvedCredential};
use super::command::{CommandCache, CommandOutput};
use super::credential_command::{LONGER_TIMEOUT, command_name, program_name};
use super::expiry::{check_expiry, local_time};
use super::program::{CommandError, Invocation, invocation, not_run_hint, program_invocation};
use super::source::CredentialSource;
use super::tool_files::CredentialProgram;
use super::tool_sources::{origin, values};
use crate::crypto::base64;
use crate::error::Problem;
use crate::model::{Notice, NoticeCode, Time};
use crate::secret::{Secret, quotable, quotable_path};
use crate::settings::{Origin, Profile, RerunReason, SourcedValue, Values, is_same_word};

/// Names under which commands print the expiry of a credential.
const EXPIRY_KEYS: [&str; 5] = [
    "expires_at",
    "expiration",
    "sts_expiration",
    "expired_time",
    "expiration_timestamp",
];

impl CredentialChain {
    /// Runs the command of the config file, and reads its values by the cloud's keys or variables.
    pub(super) fn load_from_command(
        &self,
        profile: &Profile,
        words: &[String],
    ) -> Result<ResolvedCredential, Problem> {
        let command = self.profile_command(profile, invocation(&self.settings, words));
        let program = words.first().map_or("", String::as_str);
        let problem = |reason: &str| {
            let message = format!("{} {reason}", command_name(profile, program));
            profile.missing_credentials(message)
        };
        let ids: Vec<&str> = profile
            .schema
            .credential_keys()
            .map(|spec| spec.key)
            .collect();
        let ids = ids.join(", ");
        let hint = format!("it must print JSON or key=value lines with {ids} within 30 s");
        let printed = command.output().map_err(|failure| {
            let next = match failure {
                CommandError::NotRun(kind) => {
                    let path = match program.contains('/') {
                        true => self.settings.resolve_path(program),
                        false => program.into(),
                    };
                    not_run_hint(kind, &path)
                }
                CommandError::Insecure(ref insecure) => insecure.hint.clone(),
                CommandError::Format => hint.clone(),
                CommandError::CutShort(_) => LONGER_TIMEOUT.to_owned(),
                CommandError::Other(_) => format!("run the command by hand; {hint}"),
            };
            problem(&failure.to_string()).with_hint(next)
        })?;
        let reader = OutputReader {
            profile,
            program,
            origin: Origin::Command(program.to_owned()),
        };
        let mut resolved = reader.read(printed);
        if !resolved
            .values
            .keys()
            .any(|key| profile.schema.is_credential(key))
        {
            return Err(problem("printed no credential").with_hint(hint));
        }
        let name = command_name(profile, program);
        let rerun = |expired_at| command.rerun(expired_at);
        reader.check_expiry(&mut resolved, &name, &rerun)?;
        Ok(resolved)
    }

    /// Runs the program that a tool's file configures, and reads the credential.
    pub(super) fn load_from_program(
        &self,
        profile: &Profile,
        tool: &CredentialSource,
        program: &CredentialProgram,
    ) -> Result<ResolvedCredential, Problem> {
        let invocation = program_invocation(program, self.settings.environment());
        let command = self.profile_command(profile, invocation);
        let name = quotable_path(Path::new(&program.command));
        let origin = origin(tool, &program.other_values, Some(&name));
        let problem = |reason: &str, hint: String| {
            let message = format!("{} {reason}", program_name(program));
            profile.missing_credentials(message).with_hint(hint)
        };
        let printed = command.output().map_err(|failure| {
            let next = match &failure {
                CommandError::NotRun(kind) => {
                    let hint = || not_run_hint(*kind, Path::new(&program.command));
                    Some(program.install_hint.clone().unwrap_or_else(hint))
                }
                CommandError::Insecure(insecure) => Some(insecure.hint.clone()),
                CommandError::CutShort(_) => Some(LONGER_TIMEOUT.to_owned()),
                CommandError::Format | CommandError::Other(_) => None,
            };
            let next = next.unwrap_or_else(|| format!("run it by hand: {name}"));
            // The protocol of such programs allows no other format.
            let reason = match failure {
                CommandError::Format => "did not print JSON".to_owned(),
                failure => failure.to_string(),
            };
            problem(&reason, next)
        })?;
        (program.check)(program, &printed).map_err(|reason| {
            problem(
                &reason,
                format!(
                    "update {name}, or fix {}",
                    program.other_values.path.display()
                ),
            )
        })?;
        let reader = OutputReader {
            profile,
            program: &name,
            origin: origin.clone(),
        };
        let mut resolved = reader.read(printed);
        let rerun = |expired_at| {
            let printed = command.rerun(expired_at);
            printed.filter(|printed| (program.check)(program, printed).is_ok())
        };
        reader.check_expiry(&mut resolved, &name, &rerun)?;
        let other_values = program.other_values.clone();
        resolved.values.extend(values(other_values.values, &origin));
        resolved.notices.extend(other_values.notices);
        Ok(resolved)
    }

    fn profile_command(
        &self,
        profile: &Profile,
        invocation: Result<Invocation, CommandError>,
    ) -> ProfileCommand<'_> {
        ProfileCommand {
            invocation,
            outputs: &self.cache.commands,
            profile: (profile.cloud().to_owned(), profile.name.clone()),
        }
    }
}

/// The command of a profile, which runs once for all that need its output.
struct ProfileCommand<'a> {
    invocation: Result<Invocation, CommandError>,
    outputs: &'a CommandCache,
    /// Cloud and name.
    profile: (String, String),
}

impl ProfileCommand<'_> {
    /// Returns the output, after running the command unless it has already run.
    fn output(&self) -> Result<CommandOutput, CommandError> {
        let invocation = self.invocation.as_ref().map_err(Clone::clone)?;
        self.outputs.output(self.profile.clone(), invocation)
    }

    /// Runs the command again, because the credential that it printed expired at this time.
    fn rerun(&self, expired_at: Time) -> Option<CommandOutput> {
        let reason = RerunReason::Expired(expired_at);
        self.outputs.invalidate(self.profile.clone(), reason);
        self.output().ok()
    }
}

/// Reads the output of a profile's program.
struct OutputReader<'a> {
    profile: &'a Profile,
    program: &'a str,
    origin: Origin,
}

impl OutputReader<'_> {
    /// Returns the settings and the expiry in the output. Other names are ignored.
    fn read(&self, printed: CommandOutput) -> ResolvedCredential {
        let mut resolved = ResolvedCredential {
            values: Values::new(),
            expires_at: None,
            notices: Vec::new(),
        };
        for (name, text) in printed {
            let mut specs = self.profile.schema.keys.iter();
            if let Some(spec) = specs.find(|spec| spec.matches_output_key(&name)) {
                let origin = self.origin.clone();
                // PEM text is the only part of a credential with line breaks.
                let text = match text.expose().starts_with("-----BEGIN ") {
                    true => Secret::new(base64(text.expose().as_bytes())),
                    false => text,
                };
                resolved
                    .values
                    .insert(spec.key, SourcedValue { text, origin });
            } else if EXPIRY_KEYS.iter().any(|known| is_same_word(known, &name)) {
                let text = text.expose();
                let number = text.parse().ok().and_then(Time::from_unix);
                match number.or_else(|| Time::from_rfc3339(text)) {
                    Some(at) => resolved.expires_at = Some(at),
                    None => resolved.notices.push(self.invalid_time(&name)),
                }
            }
        }
        resolved
    }

    /// Reruns `command` if the credential that it printed has expired. If the new one has also expired, but only by
    /// the local clock, adds a notice.
    ///
    /// # Errors
    /// As [`check_expiry`].
    fn check_expiry(
        &self,
        resolved: &mut ResolvedCredential,
        command: &str,
        rerun: &dyn Fn(Time) -> Option<CommandOutput>,
    ) -> Result<(), Problem> {
        let now = local_time();
        if let Some(expired_at) = resolved.expires_at.filter(|at| *at <= now)
            && let Some(printed) = rerun(expired_at)
        {
            *resolved = self.read(printed);
        }
        let Some(at) = resolved.expires_at else {
            return Ok(());
        };
        let subject = format!("the credential that {command} printed");
        let renew = "have the command print a new one";
        let notice = check_expiry(&subject, at, now, renew)
            .map_err(|problem| problem.with_account(self.profile.cloud(), &self.profile.name))?;
        resolved.notices.extend(notice);
        Ok(())
    }

    fn invalid_time(&self, name: &str) -> Notice {
        let message = format!(
            "{} of profile '{}' ({}) printed an invalid time in {name}; use 2026-01-31T12:00:00Z or Unix seconds",
            quotable(self.program),
            self.profile.name,
            self.profile.cloud()
        );
        Notice::new(NoticeCode::CredentialEndUnread, message)
    }
}
