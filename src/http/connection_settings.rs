//! Checks the settings of a profile that its connections need.

use rustls::pki_types::ServerName;

use super::proxies::check_proxy_url;
use super::tls::check_tls_files;
use crate::error::Problem;
use crate::settings::{PROXY_URL, Profile, TLS_SERVER_NAME};

/// Checks the name of the server and the proxy of a profile, and reads its TLS files, so that one that cannot be used
/// is reported before the first request. Pipes are skipped, since they can be read only once.
///
/// # Errors
/// A usage error if the name is not a host name, if the proxy is not a URL, or as [`check_tls_files`].
pub fn check_connection_settings(profile: &Profile) -> Result<(), Problem> {
    let name = profile.get(TLS_SERVER_NAME);
    if name.is_some_and(|name| !is_server_name(name)) {
        let hint = "use a name in the server's certificate, without https:// and port";
        let problem = profile.invalid(TLS_SERVER_NAME, "is not a host name");
        return Err(problem.with_hint(hint));
    }
    if let Some(url) = profile.get(PROXY_URL) {
        check_proxy_url(PROXY_URL, url).map_err(|fault| profile.unusable(PROXY_URL, fault))?;
    }
    check_tls_files(profile)
}

/// Returns `true` if the certificate of a server can contain this name.
pub fn is_server_name(name: &str) -> bool {
    ServerName::try_from(name).is_ok()
}
