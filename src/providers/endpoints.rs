//! Addresses of a profile that may not be needed: a mistake in them is found all the same.

use super::imds;
use crate::error::Problem;
use crate::http::Endpoint;
use crate::settings::{Profile, SettingSpec};

/// Paths that the address of a service may end in.
const PATHS: &[&str] = &["/ai", "/v3"];

/// Checks the addresses of services besides `endpoint`, which is always needed.
///
/// # Errors
/// Usage, naming the setting that is not an address.
pub(super) fn check(
    profile: &Profile,
    keys: &[SettingSpec],
    allow_http: bool,
) -> Result<(), Problem> {
    imds::check_endpoint(profile)?;
    let keys = keys.iter().filter(|spec| spec.is_endpoint());
    for spec in keys {
        let Some(text) = profile.get(spec.key) else {
            continue;
        };
        // The vendors' tools write the host alone for some.
        let text = match text.contains("://") || spec.key != "sts_endpoint" {
            true => text.to_owned(),
            false => format!("https://{text}"),
        };
        Endpoint::parse(&text, PATHS, allow_http).map_err(|problem| {
            let what = format!("cannot be used: {}", problem.message);
            let named = profile.invalid(spec.key, &what);
            match problem.hint {
                Some(hint) => named.with_hint(hint),
                None => named,
            }
        })?;
    }
    Ok(())
}
