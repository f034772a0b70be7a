//! Reads the user of a context: certificate, token or exec plugin, and impersonation.

use serde_json::json;

use super::cluster::data_of;
use super::{Entry, IMPERSONATION, Kubeconfig, exec};
use crate::credentials::{FoundCredential, SourceFile, SourceResult, ToolFiles};
use crate::error::Problem;
use crate::secret::{Secret, quotable_path};

/// Maximum size of a token file, in bytes.
const MAX_TOKEN_BYTES: u64 = 1 << 20;

/// Adds the credential of a user.
///
/// # Errors
/// `missing_credentials`: the entry of the user cannot be used.
pub(super) fn load(
    files: &ToolFiles,
    config: &Kubeconfig,
    context: Entry<'_>,
    user: Entry<'_>,
    mut credential: FoundCredential,
) -> Result<SourceResult, Problem> {
    let certificate = data_of(user, "client-certificate-data", "client-certificate")?;
    let key = data_of(user, "client-key-data", "client-key")?;
    let has_certificate = certificate.is_some();
    match (certificate, key) {
        (Some(certificate), Some(key)) => credential.values.extend([
            ("client_certificate_data", certificate),
            ("client_key_data", key),
        ]),
        (Some(_), None) => return Err(user.problem("has client-certificate and no client-key")),
        (None, _) => {}
    }
    if ["token", "client-key-data"]
        .iter()
        .any(|key| user.value(key).is_some())
    {
        credential.notices.extend(config.notices(user));
    }
    let (token, file) = token(files, user)?.unzip();
    if let Some(file) = file.flatten() {
        let context = credential.profile.unwrap_or_default();
        let path = quotable_path(&file.path);
        credential.notices.extend(file.notices());
        credential.profile = Some(format!("{context}, tokenFile {path}"));
    }
    credential.values.extend(impersonation(user)?);
    let is_password = user.text("username")?.is_some() || user.text("password")?.is_some();
    if is_password && token.is_some() {
        return Err(user.problem("has a token and a password, which are mutually exclusive"));
    }
    if is_password {
        return Err(user.problem("has a password, which Kubernetes does not accept since 1.19"));
    }
    let has_token = token.is_some();
    credential
        .values
        .extend(token.map(|token| ("token", token)));
    if user.value("auth-provider").is_some() && !has_token && !has_certificate {
        let problem = user.problem("has an auth-provider, which is not supported");
        return Err(problem.with_hint("use an exec plugin, such as kubelogin"));
    }
    match user.object("exec")? {
        Some(plugin) if !has_token && !has_certificate => {
            let cluster = context
                .text("cluster")?
                .and_then(|name| config.cluster(name));
            let program = exec::program(plugin, cluster, credential)?;
            Ok(SourceResult::Program(Box::new(program)))
        }
        // kubectl would prompt for a user name.
        _ if !has_token && !has_certificate => {
            let problem = user.problem("has no token, certificate or exec plugin");
            Err(problem.with_hint("log in, or download a new kubeconfig"))
        }
        _ => Ok(SourceResult::Found(credential)),
    }
}

/// Returns the token: that of `tokenFile` with the file, if it exists, or else `token`.
fn token(
    files: &ToolFiles,
    user: Entry<'_>,
) -> Result<Option<(Secret, Option<SourceFile>)>, Problem> {
    let token = user.text("token")?;
    let token = token.map(|token| (Secret::new(token.trim()), None));
    let Some(path) = user.path("tokenFile")? else {
        return Ok(token);
    };
    let file = files.read(&path, MAX_TOKEN_BYTES)?;
    if file.is_none() && token.is_some() {
        return Ok(token);
    }
    let shown = path.display();
    let file =
        file.ok_or_else(|| user.problem(&format!("has tokenFile {shown}, which does not exist")))?;
    match file.text.trim() {
        "" => Err(user.problem(&format!("has tokenFile {shown}, which is empty"))),
        token => Ok(Some((Secret::new(token), Some(file)))),
    }
}

/// Returns the impersonation headers of the user, as a value of the profile.
///
/// # Errors
/// `missing_credentials`: the impersonation fields cannot be used.
pub(super) fn impersonation(user: Entry<'_>) -> Result<Option<(&'static str, Secret)>, Problem> {
    let mut headers: Vec<(String, &str)> = Vec::new();
    for (key, name) in [("as", "Impersonate-User"), ("as-uid", "Impersonate-Uid")] {
        headers.extend(user.text(key)?.map(|value| (name.to_owned(), value)));
    }
    let groups = user.texts("as-groups")?;
    headers.extend(
        groups
            .iter()
            .map(|group| ("Impersonate-Group".to_owned(), *group)),
    );
    for (key, values) in user.text_lists("as-user-extra")? {
        let name = format!("Impersonate-Extra-{}", escaped(key));
        headers.extend(values.into_iter().map(|value| (name.clone(), value)));
    }
    if headers.is_empty() {
        return Ok(None);
    }
    if user.text("as")?.is_none() {
        return Err(user.problem("has groups or extra values to impersonate and no user (as)"));
    }
    Ok(Some((
        IMPERSONATION,
        Secret::new(json!(headers).to_string()),
    )))
}

/// Returns a key as part of a header name: lowercase, with unsupported characters percent-encoded.
fn escaped(key: &str) -> String {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$&'*+-.^_`|~".contains(byte);
    key.bytes()
        .fold(String::new(), |name, byte| match is_token(&byte) {
            true => name + &char::from(byte.to_ascii_lowercase()).to_string(),
            false => format!("{name}%{byte:02X}"),
        })
}
