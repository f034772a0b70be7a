//! The template of the config file.

use std::fmt::Write as _;

use super::super::lookup;
use crate::providers;
use crate::settings::{
    CREDENTIAL_COMMAND, METADATA, SOURCE, SettingRole, SettingSpec, SettingsSchema, WIRE_KEYS,
};

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

/// What a key is for, and an example of its value in TOML where a text in quotes would not do.
struct KeyDoc {
    key: &'static str,
    about: &'static str,
    value: &'static str,
}

const fn doc(key: &'static str, about: &'static str) -> KeyDoc {
    doc_with_example(key, "\"\"", about)
}

const fn doc_with_example(key: &'static str, value: &'static str, about: &'static str) -> KeyDoc {
    KeyDoc { key, about, value }
}

/// Keys without a word of their own are shown all the same.
const KEY_DOCS: [KeyDoc; 39] = [
    doc(
        "endpoint",
        "https://host or https://host:port, if it is not the public endpoint",
    ),
    doc_with_example(
        "utc_offset",
        "\"+08:00\"",
        "UTC offset for times that the cloud returns without one",
    ),
    doc("ca_file", "additional CA certificates, PEM"),
    doc("client_cert", "client certificate, PEM"),
    doc("client_key", "private key of client_cert, PEM, mode 0600"),
    doc_with_example(
        "insecure_skip_verify",
        "false",
        "true: do not verify the server certificate; rejected for public clouds",
    ),
    doc("source", "credential source: one of these, or TOOL:PROFILE"),
    doc_with_example(
        "credential_command",
        "[\"pass\", \"show\", \"NAME\"]",
        "command that prints the credential",
    ),
    doc(
        "metadata_endpoint",
        "with source = \"metadata\": the documented address, or a loopback address",
    ),
    doc_with_example(
        "token_cache",
        "false",
        "true: cache fetched tokens on disk (mode 0600)",
    ),
    doc(
        "region",
        "region, e.g. cn-hangzhou, cn-north-4, ap-guangzhou",
    ),
    doc("cluster", "default cluster of references"),
    doc("namespace", "default namespace of references"),
    doc("access_key_id", "access key ID"),
    doc("access_key_secret", "access key secret"),
    doc("secret_access_key", "access key secret"),
    doc("access_key", "access key ID"),
    doc("secret_id", "API key ID"),
    doc("secret_key", "API key secret"),
    doc("security_token", "token of a temporary key"),
    doc(
        "token",
        "token, instead of an access key or with a temporary key",
    ),
    doc("project_id", "project ID of the region"),
    doc("sts_endpoint", "STS endpoint for assuming a role"),
    doc("role_arn", "role to assume with the key"),
    doc("role_session_name", "session name of the assumed role"),
    doc("iam_endpoint", "endpoint that issues tokens"),
    doc("user", "user name"),
    doc("password", "user password"),
    doc("domain", "account (domain) of the user"),
    doc("cluster_id", "computing region, if the account has several"),
    doc("auth_endpoint", "endpoint that issues tokens"),
    doc(
        "platform_endpoint",
        "endpoint that lists the AI hosts of a region",
    ),
    doc_with_example(
        "ai_hosts",
        "[\"ai.example.com\"]",
        "AI hosts outside the domain of platform_endpoint that may receive the token",
    ),
    doc_with_example("connect_timeout", "\"5s\"", "connection timeout"),
    doc_with_example(
        "request_timeout",
        "\"30s\"",
        "timeout of each request attempt",
    ),
    doc_with_example("max_body", "\"64MiB\"", "maximum response size"),
    doc_with_example("max_attempts", "4", "maximum attempts per request"),
    doc_with_example("concurrency", "8", "maximum concurrent requests per cloud"),
    doc_with_example(
        "allow_http",
        "false",
        "allow plain HTTP to hosts other than localhost",
    ),
];

/// A config file with every key of every cloud, all commented out.
pub(super) fn text() -> String {
    let mut text = HEAD.to_owned();
    for cloud in lookup::all_cloud_keys() {
        profiles(&mut text, &cloud);
    }
    wire(&mut text);
    states(&mut text);
    text
}

fn profiles(text: &mut String, cloud: &SettingsSchema) {
    let _ = writeln!(text, "\n# [{}.default]", cloud.cloud);
    let (own, common): (Vec<_>, Vec<_>) = cloud.all().partition(|spec| cloud.keys.contains(spec));
    for spec in own.into_iter().chain(common) {
        let _ = writeln!(text, "# {}", line(cloud, spec));
    }
    let _ = writeln!(text, "# {}", line_for(CREDENTIAL_COMMAND, ""));
    let _ = writeln!(
        text,
        "## another profile: joblens get {0}@prod/…\n# [{0}.prod]",
        cloud.cloud
    );
    for spec in cloud
        .keys
        .iter()
        .filter(|spec| spec.role != SettingRole::Setting)
    {
        let variable = format!("PROD_{}", spec.key.to_ascii_uppercase());
        let _ = writeln!(text, "# {}_env = \"{variable}\"", spec.key);
    }
}

fn line(cloud: &SettingsSchema, spec: &SettingSpec) -> String {
    if spec.key == SOURCE {
        let tools = cloud.sources.iter().map(|tool| match tool.name {
            METADATA => "metadata (the instance role)",
            name => name,
        });
        let tools: Vec<&str> = tools.collect();
        return line_for(spec.key, &tools.join(", "));
    }
    // Every setting has a variable of ours, which the head of the file reports of.
    let own = cloud.variable(spec.key);
    let variables = spec.variables.iter();
    let mut variables: Vec<_> = variables
        .filter(|name| spec.role != SettingRole::Setting || **name != own)
        .map(|name| format!("${name}"))
        .collect();
    // Families of variables may share one.
    variables.dedup();
    line_for(spec.key, &variables.join(", "))
}

/// A key with an example of its value and what there is to say of it.
fn line_for(key: &str, more: &str) -> String {
    let word = KEY_DOCS.iter().find(|word| word.key == key);
    let value = word.map_or("\"\"", |word| word.value);
    let said = word.map(|word| word.about).into_iter();
    let said: Vec<_> = said.chain((!more.is_empty()).then_some(more)).collect();
    match said.is_empty() {
        true => format!("{key} = {value}"),
        false => format!("{key} = {value}  ## {}", said.join("; ")),
    }
}

fn wire(text: &mut String) {
    text.push_str(
        "\n## Defaults; command-line options such as --max-body take precedence.\n# [wire]\n",
    );
    for key in WIRE_KEYS {
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
        let _ = writeln!(text, "# [states.\"{name}\"]\n# Suspended = \"stopping\"");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_every_cloud_stands_there_with_a_word() {
        let text = text();
        for cloud in lookup::all_cloud_keys() {
            let start = text
                .find(&format!("# [{}.default]\n", cloud.cloud))
                .unwrap();
            let table = text[start..].split("\n\n").next().unwrap();
            for spec in cloud.all() {
                let at = format!("\n# {} = ", spec.key);
                let line = table.split(&at).nth(1).and_then(|rest| rest.lines().next());
                let line = line.unwrap_or_else(|| panic!("{}.{}", cloud.cloud, spec.key));
                assert!(line.contains("  ## "), "{}: {line}", spec.key);
                for variable in spec.variables {
                    let own = variable.starts_with("JOBLENS_") && spec.role == SettingRole::Setting;
                    assert!(own || line.contains(variable), "{variable}: {line}");
                }
            }
        }
    }

    #[test]
    fn the_sources_of_a_cloud_are_its_own() {
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
