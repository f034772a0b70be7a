//! Builds the credential of a profile: a token, a client certificate, or both.

use super::certificate::{certificate_end, identity};
use super::kubeconfig::{CONTEXT, IMPERSONATION, INSECURE, KUBECONFIG, SERVER};
use super::signer::Signer;
use crate::credentials::Credential;
use crate::error::Problem;
use crate::reference::DEFAULT_PROFILE;
use crate::secret::{Secret, quotable, quotable_path};
use crate::settings::{Origin, PROXY_URL, Profile, table_header};

/// Returns the credential of a profile. It can be empty if the profile comes from a kubeconfig.
pub(super) fn credential(profile: &Profile) -> Result<Credential<Signer>, Problem> {
    let token = profile.secret("token").cloned();
    let identity = identity(profile);
    let has_files = profile.client_cert_origin().is_some();
    let is_given = token.is_some() || identity.is_some() || has_files;
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
        expires_at: certificate_end(profile),
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

/// Returns the label of the credential: `token (environment)`, or `certificate of kubernetes-admin
/// (kubeconfig context prod)`.
pub(super) fn label(profile: &Profile) -> String {
    let keys = [
        ("token", "token"),
        ("client_certificate_data", "certificate"),
    ];
    let configured = keys
        .into_iter()
        .find(|(key, _)| profile.secret(key).is_some());
    if let (None, Some(origin)) = (configured, profile.client_cert_origin()) {
        return format!("certificate ({})", origin.label());
    }
    let (key, description) = configured.unwrap_or((SERVER, "no credential"));
    let user = profile
        .get("user")
        .map(|user| format!(" of {}", quotable(user)));
    let origin = profile
        .origin(key)
        .map(|origin| format!(" ({})", origin.label()));
    let is_plain = profile
        .get(SERVER)
        .is_some_and(|url| url.starts_with("http:"));
    let reason = match key == SERVER && is_plain {
        true => ": none is sent over http",
        false => "",
    };
    format!(
        "{description}{}{reason}{}",
        user.unwrap_or_default(),
        origin.unwrap_or_default()
    )
}

/// Returns the problem of a token that is set without an endpoint. A token in a variable overrides the
/// kubeconfig.
pub(super) fn no_endpoint(profile: &Profile) -> Problem {
    let variables = ["JOBLENS_KUBERNETES_ENDPOINT"];
    let mut problem = profile.missing("endpoint", &["token", "endpoint"], &variables);
    if let Some(Origin::Variable(_)) = profile.origin("token") {
        // The hint ends with the variable to unset.
        let hint = problem.hint.unwrap_or_default();
        problem.hint = Some(format!("{hint} to use the kubeconfig"));
    }
    problem
}

/// Returns the problem of a profile without a context, with the reasons why no kubeconfig has one.
pub(super) fn no_context(profile: &Profile) -> Problem {
    let variables = ["JOBLENS_KUBERNETES_ENDPOINT", "JOBLENS_KUBERNETES_TOKEN"];
    let mut problem = profile.missing_alone("kubeconfig context", &[CONTEXT], &variables);
    // Other profiles use the current context only if they are configured to.
    if profile.name != DEFAULT_PROFILE {
        return problem;
    }
    let reasons = profile.skipped_sources.iter();
    let reasons: Vec<&str> = reasons
        .map(|reason| reason.strip_prefix("kubeconfig: ").unwrap_or(reason))
        .collect();
    let reason = match reasons.is_empty() {
        true => "no kubeconfig found in KUBECONFIG or ~/.kube/config".to_owned(),
        false => reasons.join("; "),
    };
    problem.message += &format!(": {reason}");
    let hint = problem.hint.unwrap_or_default();
    let others = hint.strip_prefix("set ").unwrap_or(&hint);
    problem.hint = Some(format!(
        "set KUBECONFIG to a file with a current-context, or {others}"
    ));
    problem
}

/// Returns the hint to check the proxy of a profile, with the location where it is set.
pub(super) fn proxy_hint(origin: &Origin) -> String {
    match origin {
        Origin::Tool { path, .. } => {
            format!("check proxy-url of the cluster in {}", quotable_path(path))
        }
        origin => format!("check {PROXY_URL} ({})", origin.source_location()),
    }
}

/// Rejects a context whose cluster certificate is not verified, unless the profile allows it.
pub(super) fn check_verification(profile: &Profile) -> Result<(), Problem> {
    let better = match profile.get(INSECURE) {
        Some(better) if profile.get("insecure_skip_verify") != Some("true") => better,
        _ => return Ok(()),
    };
    let origin = profile.origin(INSECURE).map(|origin| origin.label());
    let message = format!(
        "the {} does not verify the certificate of its server (insecure-skip-tls-verify)",
        origin.as_deref().unwrap_or(KUBECONFIG)
    );
    let setting = format!(
        "insecure_skip_verify = true in {} of the config file",
        table_header(profile.cloud(), &profile.name)
    );
    let hint = match better {
        "" => format!("set {setting}"),
        better => format!("use the context {}, or set {setting}", quotable(better)),
    };
    let problem = Problem::usage(message).with_hint(hint);
    Err(problem.with_account(profile.cloud(), &profile.name))
}
