//! The credential that a profile's `credential_command` prints.

use super::chain::{CredentialChain, ResolvedCredential};
use super::command::CommandOutput;
use super::program::{CommandError, invocation};
use crate::error::{Category, Problem};
use crate::model::{Notice, NoticeCode, Time};
use crate::secret::{quotable, quotable_path};
use crate::settings::{Origin, Profile, SettingsSchema, SourcedValue, Values, is_same_word};

/// Names by which commands print when a credential ends.
const EXPIRY_KEYS: [&str; 4] = ["expires_at", "expiration", "sts_expiration", "expired_time"];

impl CredentialChain {
    /// What the command of the config file printed, by the cloud's keys or its variables.
    pub(super) fn load_from_command(
        &self,
        cloud: &SettingsSchema,
        profile: &Profile,
        words: &[String],
    ) -> Result<ResolvedCredential, Problem> {
        let key = (cloud.cloud.to_owned(), profile.name.clone());
        let invocation = invocation(&self.settings, words);
        let commands = &self.cache.commands;
        let printed = invocation.and_then(|invocation| commands.output(key, &invocation));
        let program = words.first().map_or("", String::as_str);
        let problem = |why: &str| {
            let message = format!(
                "credential_command of profile '{}' ({}) ({}) {why}",
                profile.name,
                profile.cloud,
                quotable(program)
            );
            Problem::new(Category::MissingCredentials, message)
                .with_account(profile.cloud, &profile.name)
        };
        let ids: Vec<&str> = cloud.credential_keys().map(|spec| spec.key).collect();
        let ids = ids.join(", ");
        let hint = format!("it must print JSON or key=value lines with {ids} within 30 s");
        let printed = printed.map_err(|failure| {
            let next = match failure {
                CommandError::NotRun(_) => {
                    let program = match program.contains('/') {
                        true => self.settings.beside_the_file(program),
                        false => program.into(),
                    };
                    format!("fix its path, or install {}", quotable_path(&program))
                }
                CommandError::Insecure(ref insecure) => insecure.hint.clone(),
                CommandError::Other(_) => hint.clone(),
            };
            problem(&failure.to_string()).with_hint(next)
        })?;
        let reader = OutputReader {
            cloud,
            profile,
            program,
        };
        let resolved = reader.read(printed);
        if !resolved.values.keys().any(|key| cloud.is_credential(key)) {
            return Err(problem("printed no credential").with_hint(hint));
        }
        Ok(resolved)
    }
}

/// Reads what the program of a profile's `credential_command` printed.
struct OutputReader<'a> {
    cloud: &'a SettingsSchema,
    profile: &'a Profile,
    program: &'a str,
}

impl OutputReader<'_> {
    /// The settings and the expiry among the printed names; other names are ignored.
    fn read(&self, printed: CommandOutput) -> ResolvedCredential {
        let mut resolved = ResolvedCredential {
            values: Values::new(),
            expires_at: None,
            notices: Vec::new(),
        };
        for (name, text) in printed {
            let mut specs = self.cloud.keys.iter();
            if let Some(spec) = specs.find(|spec| spec.matches_output_key(&name)) {
                let origin = Origin::Command(self.program.to_owned());
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

    fn invalid_time(&self, name: &str) -> Notice {
        let message = format!(
            "credential_command of profile '{}' ({}) printed an invalid time in {name}; use 2026-01-31T12:00:00Z or Unix seconds",
            self.profile.name, self.profile.cloud
        );
        Notice::new(NoticeCode::CredentialEndUnread, message)
    }
}
