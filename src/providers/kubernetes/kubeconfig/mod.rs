//! Reads the connection of a kubeconfig context as kubectl does, or in a pod without a kubeconfig that of the
//! service account.

mod cluster;
mod config;
mod document;
mod exec;
mod service_account;
mod user;

use crate::credentials::{
    CredentialSource, CustomSource, FoundCredential, SourceResult, ToolFiles,
};
use crate::error::{Category, Problem};
use crate::secret::{Secret, quotable};
pub(super) use crate::settings::SERVER;
use config::{Entry, Kubeconfig};

/// The setting for the context; in a profile, the key of the context in use.
pub(super) const CONTEXT: &str = "context";

/// The setting for a kubeconfig file to use instead of those in `KUBECONFIG`.
pub(super) const KUBECONFIG: &str = "kubeconfig";

/// The key that is set if the cluster of the context is not verified; its value is a verified context to use
/// instead, or empty.
pub(super) const INSECURE: &str = "insecure_context";

/// The key of the impersonation headers, a JSON list of pairs.
pub(super) const IMPERSONATION: &str = "impersonation";

/// The kubeconfig of the machine, or the service account of the pod.
pub(super) static SOURCES: [CredentialSource; 1] = [CredentialSource::Custom(CustomSource {
    name: KUBECONFIG,
    name_without_profile: "service account",
    profile_word: CONTEXT,
    selectors: [CONTEXT, KUBECONFIG],
    load,
})];

/// Values of a profile, with their keys.
type Values = Vec<(&'static str, Secret)>;

/// Reads the connection of the named context, or of the current one. Does not run an exec plugin.
///
/// # Errors
/// `missing_credentials`: there is no file, it is damaged, or its values cannot be used; usage: there is no context
/// with this name.
fn load(files: &ToolFiles, named: Option<&str>) -> Result<SourceResult, Problem> {
    let config = Kubeconfig::load(files)?;
    let is_chosen = named.is_some() || files.named_path().is_some();
    let name = match named.or_else(|| config.current_context()) {
        Some(name) => name,
        None if is_chosen && !config.exists() => {
            return Err(no_file(no_current(&config)));
        }
        None if is_chosen => {
            return Err(Problem::usage(no_current(&config)).with_hint("set context"));
        }
        None => return load_service_account(files, &config),
    };
    let context = config
        .context(name)
        .ok_or_else(|| no_context(&config, name, named))?;
    let mut values = cluster::values(&config, context)?;
    let namespace = context.text("namespace")?.unwrap_or("default");
    values.push(("namespace", Secret::new(namespace)));
    let is_secure = values
        .iter()
        .any(|(key, url)| *key == SERVER && url.expose().starts_with("https:"));
    let mut credential = FoundCredential {
        profile: Some(name.to_owned()),
        path: context.path.to_path_buf(),
        values,
        expires_at: None,
        notices: Vec::new(),
    };
    let user_name = match context.text("user")? {
        Some(name) => name,
        None if is_secure => return Err(context.problem("has no user")),
        None => return Ok(SourceResult::Found(credential)),
    };
    let user = config.user(user_name).ok_or_else(|| {
        let message = format!(
            "names the user '{}', which does not exist",
            quotable(user_name)
        );
        context.problem(&message)
    })?;
    credential
        .values
        .push(("user", Secret::new(display_name(user_name))));
    // As with kubectl, a server without TLS receives no credential, only the impersonation headers.
    if !is_secure {
        credential.values.extend(user::impersonation(user)?);
        return Ok(SourceResult::Found(credential));
    }
    credential.path = user.path.to_path_buf();
    user::load(files, &config, context, user, credential)
}

/// Returns the service account of the pod, unless there is a kubeconfig: even without a usable context, it
/// can be intended for another cluster, whose jobs are not in the cluster of the pod.
fn load_service_account(files: &ToolFiles, config: &Kubeconfig) -> Result<SourceResult, Problem> {
    let credential = service_account::load(files)?;
    if !config.is_named && !config.exists() {
        return Ok(credential);
    }
    let reason = no_current(config);
    if matches!(credential, SourceResult::NotPresent) {
        return Ok(SourceResult::Empty(reason));
    }
    let next = match config.is_named {
        true => "unset KUBECONFIG",
        false => "remove that file",
    };
    let message = format!("{reason}; the service account of the pod is not used in its place");
    let hint = format!("fix the kubeconfig, or {next} to use the service account of the pod");
    Err(Problem::new(Category::MissingCredentials, message).with_hint(hint))
}

/// Returns the name of a user for messages. Characters that credentials cannot contain are replaced.
fn display_name(name: &str) -> String {
    let is_shown = |c: char| c.is_alphanumeric() || (c.is_ascii_graphic() && !"\"'`".contains(c));
    let chars = name.chars().map(|c| if is_shown(c) { c } else { '_' });
    chars.collect()
}

fn no_current(config: &Kubeconfig) -> String {
    match config.exists() {
        true => format!("{} has no current-context", config.searched),
        false => format!("no kubeconfig found ({})", config.searched),
    }
}

/// Returns the problem of a kubeconfig that does not exist.
fn no_file(message: String) -> Problem {
    Problem::new(Category::MissingCredentials, message).with_hint(
        "create the file, or set KUBECONFIG or kubeconfig in the config file to one that exists",
    )
}

/// Returns the problem of a context that does not exist, with the existing ones in the hint.
fn no_context(config: &Kubeconfig, name: &str, named: Option<&str>) -> Problem {
    const MAX_NAMES: usize = 20;
    if !config.exists() {
        let reason = no_current(config);
        return no_file(format!("{reason} with the context '{}'", quotable(name)));
    }
    let names: Vec<_> = config
        .contexts()
        .map(|context| quotable(context.name))
        .collect();
    let shown = names
        .iter()
        .take(MAX_NAMES)
        .cloned()
        .collect::<Vec<_>>()
        .join(", ");
    let hint = match names.len() {
        0 => "kubectl config get-contexts shows the contexts".to_owned(),
        count if count > MAX_NAMES => format!("{count} contexts, such as {shown}"),
        _ => format!("available: {shown}"),
    };
    let (shown, searched) = (quotable(name), &config.searched);
    let problem = match named {
        Some(_) => Problem::usage(format!("{searched} has no context '{shown}'")),
        None => {
            let message = format!("the current-context '{shown}' of {searched} does not exist");
            Problem::new(Category::MissingCredentials, message)
        }
    };
    problem.with_hint(hint)
}

#[cfg(test)]
mod tests;
