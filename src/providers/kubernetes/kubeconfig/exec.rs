//! Prepares exec plugins: programs that print a credential (`client.authentication.k8s.io`).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Entry;
use super::cluster::data_of;
use crate::credentials::{CredentialProgram, FoundCredential};
use crate::error::Problem;
use crate::secret::{Secret, quotable};

const VERSIONS: [&str; 2] = [
    "client.authentication.k8s.io/v1",
    "client.authentication.k8s.io/v1beta1",
];

/// The environment variable with the input of a plugin.
const EXEC_INFO: &str = "KUBERNETES_EXEC_INFO";

/// The extension of a cluster that is passed to plugins.
const EXTENSION: &str = "client.authentication.k8s.io/exec";

/// Builds the request of the plugin of a user.
///
/// # Errors
/// `missing_credentials`: the `exec` entry cannot be used.
pub(super) fn program(
    plugin: Entry<'_>,
    cluster: Option<Entry<'_>>,
    credential: FoundCredential,
) -> Result<CredentialProgram, Problem> {
    let version = plugin.text("apiVersion")?;
    let version = version.ok_or_else(|| plugin.problem("has exec without apiVersion"))?;
    if !VERSIONS.contains(&version) {
        let problem = plugin.problem(&format!("has exec with apiVersion {}", quotable(version)));
        return Err(problem.with_hint(format!("update the plugin to {}", VERSIONS[0])));
    }
    match plugin.text("interactiveMode")? {
        Some("Never" | "IfAvailable") => {}
        Some("Always") => {
            let problem =
                plugin.problem("has exec with interactiveMode Always: it must prompt for input");
            return Err(
                problem.with_hint("log in beforehand, and use a plugin that does not prompt")
            );
        }
        Some(mode) => {
            let message = format!("has exec with interactiveMode {}", quotable(mode));
            return Err(plugin.problem(&message));
        }
        None if version == VERSIONS[0] => {
            return Err(plugin.problem("has exec without interactiveMode, which v1 requires"));
        }
        None => {}
    }
    let command = plugin.text("command")?;
    let command = command.ok_or_else(|| plugin.problem("has exec without command"))?;
    let command = match command.contains('/') {
        true => plugin
            .path("command")?
            .map_or_else(String::new, |path| path.display().to_string()),
        false => command.to_owned(),
    };
    let mut spec = Map::from_iter([("interactive".to_owned(), json!(false))]);
    if let Some(cluster) = cluster.filter(|_| plugin.flag("provideClusterInfo").is_ok_and(|is| is))
    {
        spec.insert("cluster".to_owned(), cluster_info(cluster)?);
    }
    let info = json!({"kind": "ExecCredential", "apiVersion": version, "spec": spec});
    let variables = plugin.pairs("env")?.into_iter();
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    Ok(CredentialProgram {
        other_values: credential,
        command,
        arguments: plugin
            .texts("args")?
            .into_iter()
            .map(str::to_owned)
            .collect(),
        environment: variables
            .chain([(EXEC_INFO.to_owned(), info.to_string())])
            .collect(),
        install_hint: plugin
            .text("installHint")?
            .map(|hint| hint.split_whitespace().collect::<Vec<_>>().join(" ")),
        check,
    })
}

/// Builds the cluster information for a plugin that requests it.
fn cluster_info(cluster: Entry<'_>) -> Result<Value, Problem> {
    let ca = data_of(
        cluster,
        "certificate-authority-data",
        "certificate-authority",
    )?;
    let ca = ca.map(|ca| json!(ca.expose()));
    let text = |key| Ok::<_, Problem>(cluster.text(key)?.map(|text| json!(text)));
    let flag = |key| Ok::<_, Problem>(cluster.flag(key)?.then_some(json!(true)));
    let extensions = cluster.value("extensions").and_then(Value::as_array);
    let config = extensions.into_iter().flatten();
    let mut config = config
        .filter(|one| one["name"] == EXTENSION)
        .map(|one| one["extension"].clone());
    let fields = [
        ("server", text("server")?),
        ("tls-server-name", text("tls-server-name")?),
        (
            "insecure-skip-tls-verify",
            flag("insecure-skip-tls-verify")?,
        ),
        ("certificate-authority-data", ca),
        ("proxy-url", text("proxy-url")?),
        ("disable-compression", flag("disable-compression")?),
        ("config", config.next()),
    ];
    let fields = fields.into_iter();
    let set = fields.filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Ok(Value::Object(set.collect()))
}

/// Checks the output of a plugin.
fn check(program: &CredentialProgram, printed: &BTreeMap<String, Secret>) -> Result<(), String> {
    let value = |name: &str| printed.get(name).map(Secret::expose);
    let environment = program.environment.iter();
    let mut info = environment.filter(|(name, _)| name == EXEC_INFO);
    let info: Option<Value> = info
        .next_back()
        .and_then(|(_, info)| serde_json::from_str(info).ok());
    let version = info.as_ref().and_then(|info| info["apiVersion"].as_str());
    if value("kind").is_some_and(|kind| kind != "ExecCredential") {
        return Err("printed no ExecCredential".to_owned());
    }
    if value("apiVersion") != version {
        let printed = quotable(value("apiVersion").unwrap_or("nothing")).into_owned();
        let version = version.unwrap_or_default();
        return Err(format!("printed apiVersion {printed}, expected {version}"));
    }
    match ["token", "clientCertificateData", "clientKeyData"].map(|name| value(name).is_some()) {
        [_, true, false] => Err("printed a certificate without its key".to_owned()),
        [_, false, true] => Err("printed a key without its certificate".to_owned()),
        [false, false, false] => Err("printed neither a token nor a certificate".to_owned()),
        _ => Ok(()),
    }
}
