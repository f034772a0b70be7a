//! Credentials in the files of tccli and of the vendor's SDKs (tccli 3.1, SDK for Python 3.1).

use serde::Deserialize;

use super::super::lenient::{Int, OptionalObject, Text};
use crate::credentials::file::{
    Ini, found, found_values, json, no_such_profile, non_empty, present_values,
};
use crate::credentials::imds;
use crate::credentials::{CredentialSource, FoundCredential, SourceFile, SourceResult, ToolFiles};
use crate::error::{Category, Problem};
use crate::model::Time;
use crate::secret::quotable;
use crate::settings::METADATA;

/// The tool's own files before those of the SDKs, which hold no region.
pub static SOURCES: [CredentialSource; 3] = [
    CredentialSource {
        name: "tccli",
        load: from_cli_config,
    },
    CredentialSource {
        name: "tencentcloud",
        load: from_sdk_file,
    },
    CredentialSource {
        name: METADATA,
        load: imds::read,
    },
];

const REPAIR_CLI: &str = "fix it, or move it away and run: tccli configure";
const REPAIR_SDK: &str = "fix it, or move it away";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Credential {
    #[serde(default)]
    secret_id: Text,
    #[serde(default)]
    secret_key: Text,
    #[serde(default)]
    token: Text,
    #[serde(default, rename = "role-arn")]
    role_arn: Text,
    #[serde(default, rename = "type")]
    kind: Text,
    #[serde(default)]
    expires_at: Int,
}

/// One entry per service besides, of any shape.
#[derive(Deserialize)]
struct Configure {
    #[serde(default, rename = "_sys_param")]
    system: OptionalObject<System>,
    /// The region in very old files; in all others the service of that name.
    #[serde(default)]
    region: serde_json::Value,
}

impl Configure {
    fn region(&self) -> Option<&str> {
        let system = self.system.0.as_deref();
        let region = system.and_then(|system| system.region.trimmed());
        let old = || self.region.as_str().map(str::trim);
        region.or_else(|| old().filter(|text| !text.is_empty()))
    }
}

#[derive(Default, Deserialize)]
struct System {
    #[serde(default)]
    region: Text,
}

/// `~/.tccli/PROFILE.credential` and `PROFILE.configure`.
fn from_cli_config(desk: &ToolFiles, named: Option<&str>) -> Result<SourceResult, Problem> {
    const FOLDER: &str = ".tccli";
    const END: &str = ".credential";
    const CHOICE: &str = "TCCLI_PROFILE";
    let chosen = named.or(desk.selected_profile(CHOICE));
    let name = chosen.unwrap_or("default");
    let names = desk.list(FOLDER, END);
    if !names.iter().any(|known| known == name) {
        let known = match names.is_empty() {
            true => "none".to_owned(),
            false => names.join(", "),
        };
        let shown = quotable(name);
        let why = format!("~/{FOLDER} has no profile '{shown}'; available: {known}");
        return match (named, chosen) {
            (Some(_), _) => Err(Problem::usage(why)),
            // Whoever chose it meant no key that another tool has.
            (None, Some(_)) => {
                let message = format!("{CHOICE} is '{shown}': {why}");
                let hint = format!("fix or unset {CHOICE}, or run: tccli configure");
                Err(Problem::new(Category::MissingCredentials, message).with_hint(hint))
            }
            (None, None) if names.is_empty() => Ok(SourceResult::NotPresent),
            (None, None) => Ok(SourceResult::Empty(why)),
        };
    }
    let Some(page) = desk.open(None, &format!("{FOLDER}/{name}{END}"))? else {
        return Ok(SourceResult::NotPresent);
    };
    let credential: Credential = json(&page, REPAIR_CLI)?;
    let beside = desk.open(None, &format!("{FOLDER}/{name}.configure"))?;
    let configure = beside
        .map(|page| json::<Configure>(&page, REPAIR_CLI))
        .transpose()?;
    let region = configure.as_ref().and_then(Configure::region);
    if credential.kind.trimmed() == Some("cvm-role") {
        let mut values = imds::source(desk, None, None);
        values.extend(present_values(&[("region", region)]));
        return Ok(SourceResult::Found(FoundCredential {
            // It holds no secret.
            notices: Vec::new(),
            ..found(&page, Some(name), values, None)
        }));
    }
    credential.resolve(&page, name, region, desk.now())
}

impl Credential {
    fn resolve(
        &self,
        page: &SourceFile,
        name: &str,
        region: Option<&str>,
        now: Time,
    ) -> Result<SourceResult, Problem> {
        let log_in = format!("run: tccli auth login --profile '{name}'");
        let is_temporary = match self.kind.trimmed() {
            None | Some("default") => false,
            Some("sso" | "oauth") => true,
            // It may be a secret that was pasted in the place of the type.
            Some(_) => {
                let what = "has an unknown type";
                let hint =
                    "use a profile with keys, or provide temporary keys with credential_command";
                return Err(page.problem(what, hint));
            }
        };
        if self.role_arn.trimmed().is_some() {
            let hint = "use a profile without role-arn, or provide the role's keys with credential_command";
            return Err(page.problem(
                "assumes a role (role-arn), which is not supported here",
                hint,
            ));
        }
        let (id, secret) = (self.secret_id.trimmed(), self.secret_key.trimmed());
        let missing = match (id, secret) {
            (Some(_), Some(_)) => None,
            (None, None) if !is_temporary => {
                let path = page.path.display();
                return Ok(SourceResult::Empty(format!("no credentials in {path}")));
            }
            (None, _) => Some("secretId"),
            (_, None) => Some("secretKey"),
        };
        if let Some(missing) = missing {
            let hint = if is_temporary { &log_in } else { REPAIR_CLI };
            return Err(page.problem(&format!("has no {missing}"), hint));
        }
        let ends_at = self.expires_at.not_zero().and_then(Time::from_unix);
        let ends_at = ends_at.filter(|_| is_temporary);
        if let Some(at) = ends_at.filter(|at| *at <= now) {
            let path = page.path.display();
            let message = format!("the credentials in {path} expired at {}", at.rfc3339());
            return Err(Problem::new(Category::Unauthenticated, message).with_hint(log_in));
        }
        let values = [
            ("secret_id", id),
            ("secret_key", secret),
            ("token", self.token.trimmed()),
            ("region", region),
        ];
        Ok(found_values(page, Some(name), &values, ends_at))
    }
}

/// `~/.tencentcloud/credentials`, else `/etc/tencentcloud/credentials`, section `[default]` alone.
fn from_sdk_file(desk: &ToolFiles, named: Option<&str>) -> Result<SourceResult, Problem> {
    let page = match desk.open(None, ".tencentcloud/credentials")? {
        None => match desk.open_shared("etc/tencentcloud/credentials") {
            // Somebody else's file on a machine that is shared stops nobody.
            Err(problem) if named.is_none() => return Ok(SourceResult::Empty(problem.message)),
            read => read?,
        },
        own => own,
    };
    let Some(page) = page else {
        return Ok(SourceResult::NotPresent);
    };
    let ini = Ini::read(&page, REPAIR_SDK);
    if let Some(named) = named.filter(|named| *named != "default") {
        return Err(Problem::usage(no_such_profile(&page, named, ["default"])));
    }
    // The SDK reads the section alone: nothing is inherited.
    let keys = ini.section("default")?;
    let key = |name| keys.and_then(|keys| non_empty(keys, name));
    let (id, secret) = (key("secret_id"), key("secret_key"));
    let missing = match (id, secret) {
        (Some(_), Some(_)) => {
            let values = [("secret_id", id), ("secret_key", secret)];
            return Ok(found_values(&page, None, &values, None));
        }
        (None, None) => {
            let path = page.path.display();
            return Ok(SourceResult::Empty(format!(
                "no credentials in [default] of {path}"
            )));
        }
        (None, _) => "secret_id",
        (_, None) => "secret_key",
    };
    Err(page.problem(&format!("has no {missing} in [default]"), REPAIR_SDK))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::credentials::FoundCredential;
    use crate::settings::Environment;

    fn write(root: &Path, place: &str, text: &str) {
        let path = root.join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn keys(id: &str) -> String {
        format!("[default]\nsecret_id = {id}\nsecret_key = k\n")
    }

    fn read(root: &Path) -> Result<SourceResult, Problem> {
        let home = root.join("home").to_str().unwrap().to_owned();
        let environment = Environment::new([("HOME".to_owned(), home)]);
        let now = Time::from_unix(1_700_000_000).unwrap();
        from_sdk_file(&ToolFiles::new(environment, now).below(root), None)
    }

    fn found_credential(root: &Path) -> FoundCredential {
        match read(root) {
            Ok(SourceResult::Found(findings)) => findings,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_machines_file_is_read_where_the_users_own_is_not_there() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        assert!(matches!(read(root), Ok(SourceResult::NotPresent)));
        write(root, "etc/tencentcloud/credentials", &keys("shared"));
        let findings = found_credential(root);
        assert_eq!(findings.values[0].1.expose(), "shared");
        assert!(findings.notices.is_empty(), "it is there for everybody");
        write(root, "home/.tencentcloud/credentials", &keys("own"));
        assert_eq!(found_credential(root).values[0].1.expose(), "own");
        // The first that exists is taken alone.
        write(root, "home/.tencentcloud/credentials", "[default]\n");
        assert!(matches!(read(root), Ok(SourceResult::Empty(_))));
    }

    #[test]
    fn a_file_of_the_machine_that_cannot_be_read_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        fs::create_dir_all(root.join("etc/tencentcloud/credentials")).unwrap();
        let Ok(SourceResult::Empty(why)) = read(root) else {
            panic!("nothing is found");
        };
        assert!(why.contains("cannot be read (not a regular file)"), "{why}");
    }
}
