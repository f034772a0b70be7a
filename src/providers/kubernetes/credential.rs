//! The credential of a profile: a token, a client certificate, or both.

use super::kubeconfig::{IMPERSONATION, SERVER};
use super::signer::Signer;
use crate::credentials::Credential;
use crate::error::Problem;
use crate::http::ClientIdentity;
use crate::secret::{Secret, quotable};
use crate::settings::Profile;

/// The certificate of a profile that is presented to the server.
pub(super) fn identity(profile: &Profile) -> Option<ClientIdentity> {
    let data = |key| profile.secret(key).cloned();
    let pair = data("client_certificate_data").zip(data("client_key_data"));
    pair.map(|(certificate, key)| ClientIdentity::from_data(certificate, key))
}

/// What proves who a profile is. A kubeconfig may contain none of it.
pub(super) fn credential(profile: &Profile) -> Result<Credential<Signer>, Problem> {
    let token = profile.secret("token").cloned();
    let identity = identity(profile);
    let is_given = token.is_some() || identity.is_some() || profile.get("client_cert").is_some();
    if !is_given && profile.get(SERVER).is_none() {
        return Err(profile.missing("token", &["token"], &["JOBLENS_KUBERNETES_TOKEN"]));
    }
    let headers = profile.get(IMPERSONATION).map(serde_json::from_str);
    let headers: Vec<(String, String)> = headers
        .transpose()
        .expect("the headers of a kubeconfig are a list of pairs")
        .unwrap_or_default();
    let key = profile.secret("client_key_data").cloned();
    Ok(Credential {
        secrets: token.iter().cloned().chain(key).collect(),
        expires_at: identity.as_ref().and_then(ClientIdentity::expires_at),
        signer: Signer {
            token: token.map(|token| Secret::new(format!("Bearer {}", token.expose()))),
            identity,
            headers: headers
                .into_iter()
                .map(|(name, value)| (name, Secret::new(value)))
                .collect(),
        },
    })
}

/// `token (environment)`, or `certificate of kubernetes-admin (kubeconfig context prod)`.
pub(super) fn label(profile: &Profile) -> String {
    let keys = [
        ("token", "token"),
        ("client_certificate_data", "certificate"),
    ];
    let held = keys
        .into_iter()
        .find(|(key, _)| profile.secret(key).is_some());
    let (key, what) = held.unwrap_or((SERVER, "no credential"));
    let user = profile
        .get("user")
        .map(|user| format!(" of {}", quotable(user)));
    let origin = profile
        .origin(key)
        .map(|origin| format!(" ({})", origin.label()));
    let is_plain = profile
        .get(SERVER)
        .is_some_and(|url| url.starts_with("http:"));
    let why = match key == SERVER && is_plain {
        true => ": none is sent over http",
        false => "",
    };
    format!(
        "{what}{}{why}{}",
        user.unwrap_or_default(),
        origin.unwrap_or_default()
    )
}
