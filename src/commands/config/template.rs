//! The text of a first settings file.

use std::fmt::Write as _;

use crate::providers::{self, CLOUDS, Cloud};
use crate::settings::{
    CREDENTIAL_COMMAND, METADATA, SOURCE, SettingRole, SettingSpec, SettingsSchema, WIRE_KEYS,
};

const HEAD: &str = "\
## Settings of joblens. Everything here is commented out: remove the # before what you set; lines
## with ## explain. A table is a profile: [CLOUD.default] is used by references without @PROFILE,
## [CLOUD.NAME] by CLOUD@NAME/… and -p NAME; a profile that is named uses its own settings only.
## Instead of KEY = \"value\" write KEY_env = \"NAME\" to take the value from a variable, or
## KEY_file = \"path\" to take it from a file; so no secret needs to lie here. A file that holds a
## secret must be readable by you alone (mode 0600). Paths start at this file's folder or with ~/.
## For the profile default, the variables named beside a key win over this file, and so does
## JOBLENS_<CLOUD>_<KEY> for every key that is no secret.
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
        "https://host or https://host:port, where it is not the public one",
    ),
    doc_with_example(
        "utc_offset",
        "\"+08:00\"",
        "zone of the cloud's times that come without one",
    ),
    doc("ca_file", "private CA besides the system's store, PEM"),
    doc("client_cert", "certificate that this client shows, PEM"),
    doc("client_key", "its private key, PEM, readable by you alone"),
    doc_with_example(
        "insecure_skip_verify",
        "false",
        "true: do not check the server's certificate; never for the public clouds",
    ),
    doc(
        "source",
        "take the credential from one of these, or from TOOL:PROFILE",
    ),
    doc_with_example(
        "credential_command",
        "[\"pass\", \"show\", \"NAME\"]",
        "program that prints the credential",
    ),
    doc(
        "metadata_endpoint",
        "with source = \"metadata\": the documented address, or one of this machine",
    ),
    doc_with_example(
        "token_cache",
        "false",
        "true: keep tokens that were fetched on disk, readable by you alone",
    ),
    doc(
        "region",
        "region of the account, such as cn-hangzhou, cn-north-4, ap-guangzhou",
    ),
    doc("cluster", "cluster where none is named"),
    doc("namespace", "namespace where none is named"),
    doc("access_key_id", "id of the access key"),
    doc("access_key_secret", "secret of the access key"),
    doc("secret_access_key", "secret of the access key"),
    doc("access_key", "id of the access key"),
    doc("secret_id", "id of the API key"),
    doc("secret_key", "secret of the API key"),
    doc("security_token", "of a temporary key"),
    doc("token", "token, in place of a key or of a temporary key"),
    doc("project_id", "project of the region"),
    doc("sts_endpoint", "where a role is assumed"),
    doc("role_arn", "role to assume with the key"),
    doc("role_session_name", "name under which the role is assumed"),
    doc("iam_endpoint", "where tokens are fetched"),
    doc("user", "user name"),
    doc("password", "password of the user"),
    doc("domain", "account that the user belongs to"),
    doc(
        "cluster_id",
        "computing region, where the account has several",
    ),
    doc("auth_endpoint", "where tokens are fetched"),
    doc(
        "platform_endpoint",
        "where the centres of a region are asked for",
    ),
    doc_with_example(
        "ai_hosts",
        "[\"ai.example.com\"]",
        "AI hosts outside the domain of platform_endpoint that may receive the token",
    ),
    doc_with_example("connect_timeout", "\"5s\"", "time to open a connection"),
    doc_with_example(
        "request_timeout",
        "\"30s\"",
        "time for one attempt of a call",
    ),
    doc_with_example("max_body", "\"64MiB\"", "largest answer that is read"),
    doc_with_example("max_attempts", "4", "how often a call is sent at most"),
    doc_with_example(
        "concurrency",
        "8",
        "calls in flight at once, for each cloud",
    ),
    doc_with_example("allow_http", "false", "allow plain HTTP beyond loopback"),
];

/// A settings file with every key of every cloud, all commented out.
pub(super) fn text() -> String {
    let mut text = HEAD.to_owned();
    for cloud in CLOUDS.map(Cloud::settings_schema) {
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
        "## another account: joblens get {0}@prod/…\n# [{0}.prod]",
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
            METADATA => "metadata (the role of the machine)",
            name => name,
        });
        let tools: Vec<&str> = tools.collect();
        return line_for(spec.key, &tools.join(", "));
    }
    // Every setting has a variable of ours, which the head of the file tells of.
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
        "\n## What holds when nothing is set; options such as --max-body win.\n# [wire]\n",
    );
    for key in WIRE_KEYS {
        let _ = writeln!(text, "# {}", line_for(key, ""));
    }
}

fn states(text: &mut String) {
    text.push_str(
        "\n## State words that joblens does not know (see: joblens states), never to succeeded.\n",
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
        for cloud in CLOUDS.map(Cloud::settings_schema) {
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
        assert!(
            of("tencent").ends_with("; tccli, tencentcloud, metadata (the role of the machine)")
        );
        assert!(of("sugon").ends_with("; scnet"), "{}", of("sugon"));
    }
}
