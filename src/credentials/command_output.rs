//! The credential that a profile's `credential_command` prints.

use super::chain::{CredentialChain, ResolvedCredential};
use super::program::{CommandError, invocation};
use crate::error::{Category, Problem};
use crate::model::{Notice, NoticeCode, Time};
use crate::secret::{quotable, quotable_path};
use crate::settings::{Origin, Profile, SettingsSchema, SourcedValue, Values, is_same_word};

/// Names by which commands print when a credential ends.
const EXPIRY_KEYS: [&str; 3] = ["expires_at", "expiration", "sts_expiration"];

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
        let mut values = Values::new();
        let mut expires_at = None;
        let mut notices = Vec::new();
        for (name, text) in printed {
            let origin = Origin::Command(program.to_owned());
            match cloud
                .keys
                .iter()
                .find(|spec| spec.matches_output_key(&name))
            {
                Some(spec) => {
                    values.insert(spec.key, SourcedValue { text, origin });
                }
                None if EXPIRY_KEYS.iter().any(|known| is_same_word(known, &name)) => {
                    let text = text.expose();
                    let number = text.parse().ok().and_then(Time::from_unix);
                    expires_at = number.or_else(|| Time::from_rfc3339(text));
                    if expires_at.is_none() {
                        let message = format!(
                            "credential_command of profile '{}' ({}) printed an invalid time in {name}; use 2026-01-31T12:00:00Z or Unix seconds",
                            profile.name, profile.cloud
                        );
                        notices.push(Notice::new(NoticeCode::CredentialEndUnread, message));
                    }
                }
                None => {}
            }
        }
        if !values.keys().any(|key| cloud.is_credential(key)) {
            return Err(problem("printed no credential").with_hint(hint));
        }
        Ok(ResolvedCredential {
            values,
            expires_at,
            notices,
        })
    }
}
