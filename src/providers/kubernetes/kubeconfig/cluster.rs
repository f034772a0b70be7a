//! Reads the cluster of a context: its API server and the trusted certificates.

use url::Url;

use super::{Entry, INSECURE, Kubeconfig, SERVER, Values};
use crate::crypto::base64;
use crate::error::Problem;
use crate::http::{check_ca, check_proxy_url, is_server_name};
use crate::secret::{Secret, quotable};
use crate::settings::{CA_DATA, FileTypes, MAX_PEM_BYTES, PROXY_URL, TLS_SERVER_NAME, open_bytes};

const CA_FILE: &str = "certificate-authority";
const CA: &str = "certificate-authority-data";
const TLS_NAME: &str = "tls-server-name";
const PROXY: &str = "proxy-url";
const SKIPS_VERIFICATION: &str = "insecure-skip-tls-verify";

/// Returns the cluster settings of a context.
///
/// # Errors
/// `missing_credentials`: the settings cannot be used.
pub(super) fn values(config: &Kubeconfig, context: Entry<'_>) -> Result<Values, Problem> {
    let name = context.text("cluster")?;
    let name = name.ok_or_else(|| context.problem("has no cluster"))?;
    let cluster = config.cluster(name).ok_or_else(|| {
        let message = format!(
            "names the cluster '{}', which does not exist",
            quotable(name)
        );
        context.problem(&message)
    })?;
    let server = cluster.text("server")?;
    let server = server
        .ok_or_else(|| cluster.problem("has no server"))?
        .trim();
    let server = match server.split_once("://") {
        Some((scheme, rest)) => format!("{}://{rest}", scheme.to_ascii_lowercase()),
        None => format!("http://{server}"),
    };
    let is_http = |url: &Url| ["http", "https"].contains(&url.scheme()) && url.has_host();
    if !Url::parse(&server).is_ok_and(|url| is_http(&url)) {
        return Err(cluster.problem("has a server that is not a URL of http or https"));
    }
    let mut values = vec![(SERVER, Secret::new(&server))];
    let ca = data_of(cluster, CA, CA_FILE)?;
    if let Some(error) = ca.as_ref().and_then(|ca| check_ca(ca).err()) {
        let message = error.message.replacen(CA_DATA, "that", 1);
        return Err(cluster.problem(&format!("has a {CA_FILE} {message}")));
    }
    let is_insecure = cluster.flag(SKIPS_VERIFICATION)?;
    if is_insecure && ca.is_some() {
        let message =
            format!("has {SKIPS_VERIFICATION} and {CA_FILE}, which are mutually exclusive");
        return Err(cluster.problem(&message));
    }
    if is_insecure {
        values.push((
            INSECURE,
            Secret::new(better_context(config, context, &server)?),
        ));
    }
    values.extend(ca.map(|ca| (CA_DATA, ca)));
    // As with kubectl, the proxy resolves the name of the server.
    let proxy = cluster.text(PROXY)?;
    if let Some(Err(fault)) = proxy.map(|url| check_proxy_url(PROXY, url)) {
        let problem = cluster.problem(&format!("cannot be used: {}", fault.message));
        return Err(Problem {
            hint: fault.hint,
            ..problem
        });
    }
    let proxy = proxy.map(|url| match url.strip_prefix("socks5://") {
        Some(rest) => format!("socks5h://{rest}"),
        None => url.to_owned(),
    });
    values.extend(proxy.map(|url| (PROXY_URL, Secret::new(url))));
    let name = cluster.text(TLS_NAME)?;
    if let Some(name) = name.filter(|name| !is_server_name(name)) {
        let message = format!(
            "has a {TLS_NAME} that is not a host name: '{}'",
            quotable(name)
        );
        return Err(cluster.problem(&message));
    }
    values.extend(name.map(|name| (TLS_SERVER_NAME, Secret::new(name))));
    Ok(values)
}

/// Returns PEM text as Base64, from `data_key` or from the file that `file_key` specifies.
///
/// # Errors
/// `missing_credentials`: both fields are set, or the file cannot be read.
pub(super) fn data_of(
    entry: Entry<'_>,
    data_key: &str,
    file_key: &str,
) -> Result<Option<Secret>, Problem> {
    let (data, path) = (entry.text(data_key)?, entry.path(file_key)?);
    match (data, path) {
        (Some(_), Some(_)) => {
            let message = format!("has {file_key} and {data_key}, which are mutually exclusive");
            Err(entry.problem(&message))
        }
        (Some(data), None) => {
            let data = data.split_ascii_whitespace().collect::<String>();
            Ok(Some(Secret::new(data)))
        }
        (None, Some(path)) => {
            let read = open_bytes(&path, FileTypes::Regular, MAX_PEM_BYTES).map_err(|fault| {
                entry.problem(&format!(
                    "has {file_key} {}, which {}",
                    path.display(),
                    fault.reason()
                ))
            });
            Ok(Some(Secret::new(base64(&read?.0))))
        }
        (None, None) => Ok(None),
    }
}

/// Returns a context with the same server and user whose cluster has a CA; empty if there is none.
fn better_context(
    config: &Kubeconfig,
    context: Entry<'_>,
    server: &str,
) -> Result<String, Problem> {
    let origin = |url: &str| {
        Url::parse(url)
            .ok()
            .map(|url| url.origin().ascii_serialization())
    };
    let wanted = (origin(server), context.text("user")?);
    let is_better = |other: &Entry<'_>| {
        let cluster = other.text("cluster").ok().flatten();
        let cluster = cluster.and_then(|name| config.cluster(name));
        cluster.is_some_and(|cluster| {
            let text = |key| cluster.text(key).ok().flatten();
            let has_ca = text(CA).or(text(CA_FILE)).is_some();
            let user = other.text("user").ok().flatten();
            has_ca && (text("server").and_then(origin), user) == wanted
        })
    };
    let found = config.contexts().find(is_better);
    Ok(found.map_or_else(String::new, |found| found.name.to_owned()))
}
