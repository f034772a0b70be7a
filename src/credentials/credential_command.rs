//! The command that provides the credential of a profile, for messages about it while it runs.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use super::chain::CredentialChain;
use super::program::timed_out;
use super::tool_files::{CredentialProgram, SourceResult};
use crate::error::{Category, Problem};
use crate::secret::{quotable, quotable_path};
use crate::settings::Profile;

/// The hint for a command that was killed because the command of joblens has a shorter timeout.
pub(super) const LONGER_TIMEOUT: &str =
    "it was killed when the timeout of this run ended: pass a longer --timeout";

/// A `credential_command`, or a program that a tool's file configures. Its text is its name in messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CredentialCommand {
    name: String,
    cloud: &'static str,
    profile: String,
}

impl CredentialCommand {
    /// Returns the problem of a command that was still running when the time of the run was up, after `elapsed`.
    pub fn timed_out(&self, elapsed: Duration) -> Problem {
        let message = format!("{self} {}", timed_out(elapsed));
        Problem::new(Category::MissingCredentials, message)
            .with_hint(LONGER_TIMEOUT)
            .with_account(self.cloud, &self.profile)
    }
}

impl fmt::Display for CredentialCommand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// Returns the name of the `credential_command` of a profile in messages; `program` is its first word.
pub(super) fn command_name(profile: &Profile, program: &str) -> String {
    format!(
        "credential_command of profile '{}' ({}) ({})",
        profile.name,
        profile.cloud(),
        quotable(program)
    )
}

/// Returns the name in messages of a program that a tool's file configures.
pub(super) fn program_name(program: &CredentialProgram) -> String {
    let path = program.other_values.path.display();
    let name = quotable_path(Path::new(&program.command));
    format!("{name} (configured in {path})")
}

impl CredentialChain {
    /// Returns the command that provides the credential of a profile; `None` if no program is run for it.
    pub fn command(&self, profile: &Profile) -> Option<CredentialCommand> {
        let words = self.settings.file().command(profile.cloud(), &profile.name);
        let name = match words {
            Some(words) => command_name(profile, words.first().map_or("", String::as_str)),
            None => match self.custom_source(profile) {
                Ok(Some(SourceResult::Program(program))) => program_name(&program),
                _ => return None,
            },
        };
        Some(CredentialCommand {
            name,
            cloud: profile.cloud(),
            profile: profile.name.clone(),
        })
    }
}
