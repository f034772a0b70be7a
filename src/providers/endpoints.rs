//! Addresses of a profile that may not be needed: a mistake in them is reported nevertheless.

use crate::credentials::check_endpoint;
use crate::error::Problem;
use crate::http::Endpoint;
use crate::settings::{Profile, SettingSpec};

/// Paths that the address of a service may end in.
const PATHS: &[&str] = &["/ai", "/v3"];

/// Checks the addresses of services in addition to `endpoint`, which is always needed.
///
/// # Errors
/// Usage, naming the setting that is not an address.
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
        // The vendor's tools write the host alone; a single word is none.
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
