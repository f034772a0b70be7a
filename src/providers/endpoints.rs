//! Checks the service addresses of a profile. Errors in them are reported even if they are not needed.

use crate::credentials::check_endpoint;
use crate::error::Problem;
use crate::http::Endpoint;
use crate::settings::{Profile, SettingSpec};

/// Paths that a service address can end with.
const PATHS: &[&str] = &["/ai", "/v3"];

/// Checks the service addresses and `endpoint`, which is always needed.
///
/// # Errors
/// `usage`, with the name of the setting that is not an address.
pub(super) fn check(
    profile: &Profile,
    keys: &[SettingSpec],
    allow_http: bool,
) -> Result<(), Problem> {
    check_endpoint(profile)?;
    let keys = keys.iter().filter(|spec| spec.is_endpoint());
    for spec in keys {
        let Some(text) = profile.get(spec.key) else {
            continue;
        };
        // The vendor's tools write only the host name. A single word without a dot is not a host name.
        let is_host = spec.key == "sts_endpoint" && !text.contains("://") && text.contains('.');
        let text = match is_host {
            true => format!("https://{text}"),
            false => text.to_owned(),
        };
        Endpoint::parse(&text, PATHS, allow_http)
            .map_err(|problem| profile.unusable(spec.key, problem))?;
    }
    Ok(())
}
