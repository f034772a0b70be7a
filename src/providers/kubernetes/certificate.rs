//! Checks the client certificate of a profile: that of a kubeconfig, or the files `client_cert` and `client_key`.

use chrono::{DateTime, Utc};

use super::kubeconfig::SERVER;
use crate::error::{Category, Problem};
use crate::http::{ClientIdentity, RequestError, Transport};
use crate::model::Time;
use crate::secret::{quotable, quotable_path};
use crate::settings::{Origin, Profile};

/// Returns the client certificate that a profile contains as data.
pub(super) fn identity(profile: &Profile) -> Option<ClientIdentity> {
    let data = |key| profile.secret(key).cloned();
    let pair = data("client_certificate_data").zip(data("client_key_data"));
    pair.map(|(certificate, key)| ClientIdentity::from_data(certificate, key))
}

/// Returns the end of the validity of the client certificate, if there is one that is sent and it can be read.
pub(super) fn certificate_end(profile: &Profile) -> Option<DateTime<Utc>> {
    let is_plain = |url: &str| url.trim().starts_with("http:");
    let is_sent = !profile.get("endpoint").is_some_and(is_plain);
    let files = || profile.get("client_cert").zip(profile.get("client_key"));
    let files = || files().filter(|_| is_sent);
    let files =
        || files().and_then(|(certificate, key)| ClientIdentity::from_files(certificate, key));
    identity(profile).or_else(files)?.expires_at()
}

/// Rejects a client certificate that cannot be used or has expired. Files are checked when they are used; if they have
/// expired and there is also a token, the server decides.
pub(super) fn check_certificate(profile: &Profile, transport: &Transport) -> Result<(), Problem> {
    match identity(profile) {
        Some(identity) => {
            let rejected = |error| rejected_identity(profile, error);
            identity.check().map_err(rejected)?;
        }
        None if profile.secret("token").is_some() => return Ok(()),
        None => {}
    }
    let end = certificate_end(profile).filter(|at| transport.is_past(*at));
    let Some(at) = end.and_then(Time::new) else {
        return Ok(());
    };
    let message = format!("the client certificate expired at {}", at.rfc3339());
    let problem = Problem::new(Category::Unauthenticated, message);
    Err(problem.with_hint(renewal_hint(profile)))
}

/// Returns the hint to renew the client certificate, with the location where it is set.
pub(super) fn renewal_hint(profile: &Profile) -> String {
    let (what, origin) = match profile.origin("client_certificate_data") {
        Some(Origin::Tool { .. }) => return "download a new kubeconfig of the cluster".to_owned(),
        None => (
            "the files of client_cert and client_key",
            profile.client_cert_origin(),
        ),
        origin => ("client_certificate_data and client_key_data", origin),
    };
    let location = origin.map(|origin| format!(" ({})", origin.fix_location()));
    format!("replace {what}{}", location.unwrap_or_default())
}

/// Returns the hint for a client certificate that the server rejected or that is missing, with the user and the file if
/// they are in a kubeconfig. Returns `None` if it is `client_cert`.
pub(super) fn rejection_hint(profile: &Profile) -> Option<String> {
    let origin = profile.origin("client_certificate_data");
    let Some(Origin::Tool { path, .. }) = origin.or_else(|| profile.origin(SERVER)) else {
        return origin.map(|_| renewal_hint(profile));
    };
    let path = quotable_path(path);
    let user = quotable(profile.get("user").unwrap_or_default());
    match origin {
        Some(_) => Some(format!(
            "download a new kubeconfig of the cluster: {path} has the rejected certificate (user '{user}')"
        )),
        None if profile.client_cert_origin().is_some() => None,
        None => Some(format!(
            "the user '{user}' in {path} has no client certificate: download a new kubeconfig, or set client_cert and client_key"
        )),
    }
}

/// Returns the hint for a credential that the server does not know, if it is `client_cert` alone.
pub(super) fn unauthorized_hint(profile: &Profile) -> Option<String> {
    let others = ["token", "client_certificate_data"];
    let has_other = others.iter().any(|key| profile.secret(key).is_some());
    let is_alone = !has_other && profile.client_cert_origin().is_some();
    is_alone.then(|| {
        format!(
            "the certificate is unknown to the server: {}",
            renewal_hint(profile)
        )
    })
}

/// Returns `true` if the profile has a client certificate that was not printed by a program.
pub(super) fn has_fixed_certificate(profile: &Profile) -> bool {
    let is_printed = |origin: &Origin| match origin {
        Origin::Tool { command, .. } => command.is_some(),
        origin => matches!(origin, Origin::Command(_)),
    };
    let origin = profile.origin("client_certificate_data");
    let origin = origin.or_else(|| profile.client_cert_origin());
    origin.is_some_and(|origin| !is_printed(origin))
}

/// Returns the problem of a client certificate that cannot be used, with the user and the file if it comes
/// from a kubeconfig.
fn rejected_identity(profile: &Profile, error: RequestError) -> Problem {
    let hint = error.hint.unwrap_or_default();
    let origin = profile.origin("client_certificate_data");
    let Some(Origin::Tool { path, .. }) = origin else {
        return Problem::new(error.category, error.message).with_hint(hint);
    };
    let message = error.message.replacen("client_", "client-", 1);
    let message = message.replacen("client-cert ", "client-certificate ", 1);
    let user = quotable(profile.get("user").unwrap_or_default());
    let message = format!("{}: user '{user}': {message}", path.display());
    Problem::new(Category::MissingCredentials, message)
        .with_hint("log in, or download a new kubeconfig; the key must have no passphrase")
}
