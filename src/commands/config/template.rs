//! The template of the config file.

use std::fmt::Write as _;

use crate::providers::{self, CLOUDS, Cloud};
use crate::settings::{CREDENTIAL_COMMAND, HTTP_KEYS, METADATA, SOURCE, SettingRole, SettingSpec};

const HEAD: &str = "\
## joblens configuration. Uncomment (remove the #) the settings you need; lines with ## are comments.
## A table is a profile: [CLOUD.default] applies to references without @PROFILE, [CLOUD.NAME] to
## CLOUD@NAME/… and -p NAME; a named profile uses only its own settings.
## KEY_env = \"NAME\" reads a value from an environment variable and KEY_file = \"path\" from a file, so
## that no secret has to be stored here. A file with a secret must be readable only by you (mode
## 0600). Paths are relative to this file's folder, or start with ~/.
## For the profile default, the variables listed after a key override this file, and so does
## JOBLENS_<CLOUD>_<KEY> for every key that is not a secret.
";

/// For each key, an example value in TOML and a description.
const KEY_DOCS: &str = r#"
endpoint = ""  ## https://host or https://host:port, if it is not the public endpoint
utc_offset = "+08:00"  ## UTC offset for times that the cloud returns without one
ca_file = ""  ## additional CA certificates, PEM
client_cert = ""  ## client certificate, PEM
client_key = ""  ## private key of client_cert, PEM, mode 0600
insecure_skip_verify = false  ## true: do not verify the server certificate; rejected for public clouds
source = ""  ## credential source: one of these, or TOOL:PROFILE
credential_command = ["pass", "show", "NAME"]  ## command that prints the credential
metadata_endpoint = ""  ## with source = "metadata": the documented address, or a loopback address
token_cache = false  ## true: cache fetched tokens on disk (mode 0600)
region = ""  ## region, e.g. cn-hangzhou, cn-north-4, ap-guangzhou
cluster = ""  ## default cluster of references
namespace = ""  ## default namespace of references
access_key_id = ""  ## access key ID
access_key_secret = ""  ## access key secret
secret_access_key = ""  ## access key secret
access_key = ""  ## access key ID
secret_id = ""  ## API key ID
secret_key = ""  ## API key secret
security_token = ""  ## token of a temporary key
token = ""  ## token, instead of an access key or with a temporary key
project_id = ""  ## project ID of the region
sts_endpoint = ""  ## STS endpoint for assuming a role
role_arn = ""  ## role to assume with the key
role_session_name = ""  ## session name of the assumed role
workspace = ""  ## workspace of lists of training jobs
context = ""  ## kubeconfig context
kubeconfig = ""  ## kubeconfig file, instead of KUBECONFIG and ~/.kube/config
proxy_url = ""  ## proxy of the API server: http, https or socks5h URL
tls_server_name = ""  ## name in the certificate of the API server, if it is not its host
client_certificate_data = ""  ## client certificate, Base64 of PEM
client_key_data = ""  ## private key of client_certificate_data, Base64 of PEM
eci_endpoint = ""  ## endpoint of ECI, which has the logs of serverless jobs
dlc_endpoint = ""  ## endpoint of PAI-DLC
instant_endpoint = ""  ## endpoint of E-HPC Instant
workspace_endpoint = ""  ## endpoint of AIWorkSpace
tione_endpoint = ""  ## endpoint of TI-ONE, which has training tasks
batch_endpoint = ""  ## endpoint of Batch
modelarts_endpoint = ""  ## endpoint of ModelArts, which has training jobs
iam_endpoint = ""  ## endpoint that issues tokens
user = ""  ## user name
job_user = ""  ## user whose jobs list -u me lists
password = ""  ## user password
domain = ""  ## account (domain) of the user
platform_token = ""  ## token of the platform, which lists jobs of all regions
cluster_id = ""  ## computing region, if the account has several, or that of the token
scheduler_id = ""  ## scheduler of jobs
auth_endpoint = ""  ## endpoint that issues tokens
platform_endpoint = ""  ## endpoint that lists the hosts of a region
ai_hosts = ["ai.example.com"]  ## hosts outside the domain of platform_endpoint that may receive the token
connect_timeout = "5s"  ## connection timeout
request_timeout = "30s"  ## timeout of each request attempt
max_body = "64MiB"  ## maximum response size
max_attempts = 4  ## maximum attempts per request
concurrency = 8  ## maximum concurrent requests per account
allow_http = false  ## allow plain HTTP to hosts other than localhost
"#;

/// Returns a config file with all keys of all clouds, commented out.
pub(super) fn text() -> String {
    let mut text = HEAD.to_owned();
    for cloud in CLOUDS {
        profiles(&mut text, cloud);
    }
    http(&mut text);
    states(&mut text);
    text
}

fn profiles(text: &mut String, cloud: &Cloud) {
    let _ = writeln!(text, "\n# [{}.default]", cloud.name());
    let is_minimal = |spec: &&SettingSpec| cloud.minimal_keys.contains(&spec.key);
    let all: Vec<&SettingSpec> = cloud.schema.all().collect();
    let rest = all.iter().copied().filter(|spec| !is_minimal(spec));
    let is_credential = |spec: &&SettingSpec| {
        spec.role != SettingRole::Setting || spec.key == SOURCE || spec.key == CREDENTIAL_COMMAND
    };
    let (credentials, settings): (Vec<_>, Vec<_>) = rest.partition(is_credential);
    let minimal = cloud.minimal_keys.iter();
    for spec in minimal.filter_map(|key| all.iter().find(|spec| spec.key == *key)) {
        let _ = writeln!(text, "# {}", line(cloud, spec));
    }
    let _ = writeln!(
        text,
        "## alternatives to these credentials, and parts of them:"
    );
    for spec in credentials {
        let _ = writeln!(text, "# {}", line(cloud, spec));
    }
    let _ = writeln!(text, "# {}", line_for(CREDENTIAL_COMMAND, ""));
    let _ = writeln!(text, "## other settings:");
    for spec in settings {
        let _ = writeln!(text, "# {}", line(cloud, spec));
    }
    let _ = writeln!(
        text,
        "## another profile: joblens get {0}@prod/…\n# [{0}.prod]",
        cloud.name()
    );
    for spec in cloud
        .schema
        .keys
        .iter()
        .filter(|spec| spec.role != SettingRole::Setting)
    {
        let variable = format!("PROD_{}", spec.key.to_ascii_uppercase());
        let _ = writeln!(text, "# {}_env = \"{variable}\"", spec.key);
    }
}

fn line(cloud: &Cloud, spec: &SettingSpec) -> String {
    if spec.key == SOURCE {
        let tools = cloud.sources.iter().map(|tool| match tool.name() {
            METADATA => "metadata (the instance role)",
            name => name,
        });
        let tools: Vec<&str> = tools.collect();
        return line_for(spec.key, &tools.join(", "));
    }
    // Omit joblens's own variable of the setting: the head of the file describes how it is named.
    let variable = cloud.schema.variable(spec.key);
    let variables = spec.variables.iter();
    let mut variables: Vec<_> = variables
        .filter(|name| spec.role != SettingRole::Setting || **name != variable)
        .map(|name| format!("${name}"))
        .collect();
    // Several families of variables can share a variable.
    variables.dedup();
    line_for(spec.key, &variables.join(", "))
}

/// Returns the line of a key with an example value and a description.
fn line_for(key: &str, more: &str) -> String {
    let is_key = |line: &&str| line.split_once(" = ").is_some_and(|(name, _)| name == key);
    match (KEY_DOCS.lines().find(is_key), more) {
        (Some(line), "") => line.to_owned(),
        (Some(line), more) => format!("{line}; {more}"),
        (None, "") => format!("{key} = \"\""),
        (None, more) => format!("{key} = \"\"  ## {more}"),
    }
}

fn http(text: &mut String) {
    text.push_str(
        "\n## Defaults; command-line options such as --max-body take precedence.\n# [http]\n",
    );
    for key in HTTP_KEYS {
        let _ = writeln!(text, "# {}", line_for(key, ""));
    }
}

fn states(text: &mut String) {
    text.push_str(
        "\n## States that joblens does not recognize (see: joblens states); never map to succeeded.\n",
    );
    for kind in providers::kinds().filter(|kind| kind.has_states()) {
        let template = &kind.template;
        let name = format!("{}/{}", template.cloud, template.kind);
        let _ = writeln!(text, "# [states.\"{name}\"]\n# NewState = \"stopping\"");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_has_every_key_of_every_cloud_with_a_comment() {
        let text = text();
        for schema in CLOUDS.map(|cloud| cloud.schema) {
            let start = text
                .find(&format!("# [{}.default]\n", schema.cloud))
                .unwrap();
            let table = text[start..].split("\n\n").next().unwrap();
            for spec in schema.all() {
                let at = format!("\n# {} = ", spec.key);
                let line = table.split(&at).nth(1).and_then(|rest| rest.lines().next());
                let line = line.unwrap_or_else(|| panic!("{}.{}", schema.cloud, spec.key));
                assert!(line.contains("  ## "), "{}: {line}", spec.key);
                for variable in spec.variables {
                    let own = variable.starts_with("JOBLENS_") && spec.role == SettingRole::Setting;
                    assert!(own || line.contains(variable), "{variable}: {line}");
                }
            }
        }
    }

    #[test]
    fn the_template_lists_the_credential_sources_of_each_cloud() {
        let text = text();
        let of = |cloud: &str| {
            let table = text
                .split(&format!("# [{cloud}.default]\n"))
                .nth(1)
                .unwrap();
            let line = table.lines().find(|line| line.starts_with("# source = "));
            line.unwrap().to_owned()
        };
        assert!(of("tencent").ends_with("; tccli, tencentcloud, metadata (the instance role)"));
        assert!(of("sugon").ends_with("; scnet"), "{}", of("sugon"));
    }
}
