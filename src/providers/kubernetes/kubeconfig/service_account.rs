//! Reads the service account of a pod.

use super::{SERVER, Values};
use crate::credentials::{FoundCredential, SourceResult, ToolFiles};
use crate::crypto::base64;
use crate::error::Problem;
use crate::secret::Secret;
use crate::settings::CA_DATA;

/// The directory with the files of the service account, relative to `/`.
const FOLDER: &str = "var/run/secrets/kubernetes.io/serviceaccount";

/// Returns the connection to the cluster of the pod that joblens runs in; `NotPresent` outside a pod.
///
/// # Errors
/// `missing_credentials`: a file exists but cannot be read.
pub(super) fn load(files: &ToolFiles) -> Result<SourceResult, Problem> {
    let variable = |name| files.variable(name).filter(|value| !value.is_empty());
    let host = variable("KUBERNETES_SERVICE_HOST");
    let address = host.zip(variable("KUBERNETES_SERVICE_PORT"));
    let Some((host, port)) = address else {
        return Ok(SourceResult::NotPresent);
    };
    let Some(token) = files.open_shared(&format!("{FOLDER}/token"))? else {
        return Ok(SourceResult::NotPresent);
    };
    let host = match host.contains(':') {
        true => format!("[{host}]"),
        false => host.to_owned(),
    };
    let mut values: Values = vec![
        (SERVER, Secret::new(format!("https://{host}:{port}"))),
        ("token", Secret::new(token.text.trim())),
        ("user", Secret::new("serviceaccount")),
    ];
    if let Some(ca) = files.open_shared(&format!("{FOLDER}/ca.crt"))? {
        values.push((CA_DATA, Secret::new(base64(ca.text.as_bytes()))));
    }
    // As with kubectl, the variable takes precedence over the file.
    if let Some(namespace) = variable("POD_NAMESPACE") {
        values.push(("namespace", Secret::new(namespace)));
    } else if let Some(namespace) = files.open_shared(&format!("{FOLDER}/namespace"))? {
        values.push(("namespace", Secret::new(namespace.text.trim())));
    }
    Ok(SourceResult::Found(FoundCredential {
        profile: None,
        path: token.path,
        values,
        expires_at: None,
        notices: Vec::new(),
    }))
}
