//! Keys of a profile that determine how its hosts are reached and trusted.

use super::{Environment, Profile};
use crate::error::Problem;

/// Keys whose values are paths.
pub(super) const PATH_KEYS: [&str; 4] = ["ca_file", "client_cert", "client_key", "kubeconfig"];

/// A key that must be set in the table of one profile, so that a forgotten variable does not affect all of them.
pub(super) const FILE_ONLY_KEY: &str = "insecure_skip_verify";

/// Rejects a variable for a key that can be set only in the table of a profile.
///
/// # Errors
/// A usage error if the variable is set.
pub(super) fn reject_variable(cloud: &str, environment: &Environment) -> Result<(), Problem> {
    let name = format!("JOBLENS_{cloud}_{FILE_ONLY_KEY}").to_ascii_uppercase();
    if environment.get(&name).is_none() {
        return Ok(());
    }
    let message = format!("{name} is set, but {FILE_ONLY_KEY} cannot be set in the environment");
    Err(Problem::usage(message).with_hint(format!(
        "unset it; {FILE_ONLY_KEY} = true can only be set per profile in the config file, e.g. [{cloud}.lab]"
    )))
}

impl Profile {
    /// Checks network keys for invalid values and combinations, even if they are not used.
    pub(super) fn check_network(&self) -> Result<(), Problem> {
        self.bool(FILE_ONLY_KEY)?;
        self.utc_offset_seconds(0)?;
        match (self.get("client_cert"), self.get("client_key")) {
            (Some(_), None) => Err(self.requires("client_cert", "client_key")),
            (None, Some(_)) => Err(self.requires("client_key", "client_cert")),
            _ => Ok(()),
        }
    }

    fn requires(&self, key: &str, other: &str) -> Problem {
        let problem = self.invalid(key, &format!("requires {other}"));
        problem.with_hint(format!("set {other} as well, or remove {key}"))
    }
}
