//! Checks the service addresses of a profile. Errors in them are reported even if they are not needed.

use std::borrow::Cow;

use crate::credentials::check_endpoint;
use crate::error::Problem;
use crate::http::Endpoint;
use crate::settings::{Profile, STS_ENDPOINT, SettingSpec};

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
        let text = match spec.key {
            STS_ENDPOINT => with_scheme(text),
            _ => text.into(),
        };
        Endpoint::parse(&text, PATHS, allow_http)
            .map_err(|problem| profile.unusable(spec.key, problem))?;
    }
    Ok(())
}

/// Adds `https://` to a host name: the vendors' tools write only that of the service for roles. A single word without
/// a dot is not a host name.
pub(super) fn with_scheme(address: &str) -> Cow<'_, str> {
    match !address.contains("://") && address.contains('.') {
        true => format!("https://{address}").into(),
        false => address.into(),
    }
}
