//! Keys of a profile that say how its hosts are reached and trusted.

use super::Profile;
use crate::error::Problem;

/// Keys whose values are paths.
pub(super) const PATH_KEYS: [&str; 3] = ["ca_file", "client_cert", "client_key"];

impl Profile {
    /// Keys of the network that make no sense.
    pub(super) fn check_network(&self) -> Result<(), Problem> {
        self.flag("insecure_skip_verify")?;
        match (self.get("client_cert"), self.get("client_key")) {
            (Some(_), None) => Err(self.wrong("client_cert", "needs client_key beside it")),
            (None, Some(_)) => Err(self.wrong("client_key", "needs client_cert beside it")),
            _ => Ok(()),
        }
    }
}
