//! Access keys in the file of scnet-cli.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::lenient::Text;
use crate::credentials::file::{found_values, json, json_profile, no_such_profile};
use crate::credentials::{CredentialSource, SourceFile, SourceResult, ToolFiles};
use crate::error::Problem;
use crate::model::{Notice, NoticeCode};
use crate::secret::quotable;

/// The only tool there is.
pub static SOURCES: [CredentialSource; 1] = [CredentialSource {
    name: "scnet",
    load: from_cli_config,
}];

const REPAIR: &str = "fix it, or move it away and log in with scnet again";

#[derive(Deserialize)]
struct Config {
    #[serde(default)]
    current: Text,
    #[serde(default)]
    profiles: BTreeMap<String, serde_json::Value>,
}

#[derive(Deserialize)]
struct Profile {
    #[serde(default)]
    user: Text,
    #[serde(default)]
    access_key: Text,
    #[serde(default)]
    secret_key: Text,
    #[serde(default)]
    default_cluster_id: Text,
    #[serde(default)]
    base_overrides: serde_json::Value,
}

impl Profile {
    /// Hosts that the tool takes in the place of the usual ones; what each of them serves is not
    /// documented, so that none is used.
    fn overrides(&self, page: &SourceFile, name: &str) -> Option<Notice> {
        let all = self.base_overrides.as_object().into_iter().flatten();
        let filled = all.filter(|(_, host)| host.as_str().is_some_and(|host| !host.is_empty()));
        let names: Vec<_> = filled.map(|(name, _)| quotable(name)).collect();
        let name = quotable(name);
        let message = format!(
            "{} has base_overrides ({}) for profile '{name}', which are not used; set \
             auth_endpoint, platform_endpoint and endpoint in [sugon.default] if it has hosts of its own",
            page.path.display(),
            names.join(", ")
        );
        (!names.is_empty()).then(|| Notice::new(NoticeCode::OverridesNotUsed, message))
    }
}

/// `~/.scnet/config.json`.
fn from_cli_config(desk: &ToolFiles, named: Option<&str>) -> Result<SourceResult, Problem> {
    let Some(page) = desk.open(None, ".scnet/config.json")? else {
        return Ok(SourceResult::NotPresent);
    };
    let config: Config = json(&page, REPAIR)?;
    let name = named.or(config.current.trimmed()).unwrap_or("default");
    let Some(profile) = config.profiles.get(name) else {
        let names = config.profiles.keys().map(String::as_str);
        let why = no_such_profile(&page, name, names);
        return match named {
            Some(_) => Err(Problem::usage(why)),
            None => Ok(SourceResult::Empty(why)),
        };
    };
    let profile: Profile = json_profile(&page, name, profile, REPAIR)?;
    let (user, id) = (profile.user.trimmed(), profile.access_key.trimmed());
    let secret = profile.secret_key.trimmed();
    let missing = match (user, id, secret) {
        (Some(_), Some(_), Some(_)) => None,
        (_, None, None) => {
            let path = page.path.display();
            let why = format!("no credentials in {path} for profile '{}'", quotable(name));
            return Ok(SourceResult::Empty(why));
        }
        (None, _, _) => Some("user"),
        (_, None, _) => Some("access_key"),
        (_, _, None) => Some("secret_key"),
    };
    if let Some(missing) = missing {
        let what = format!("has no {missing} for profile '{}'", quotable(name));
        return Err(page.problem(&what, REPAIR));
    }
    let values = [
        ("user", user),
        ("access_key", id),
        ("secret_key", secret),
        ("cluster_id", profile.default_cluster_id.trimmed()),
    ];
    let mut reading = found_values(&page, Some(name), &values, None);
    if let SourceResult::Found(findings) = &mut reading {
        findings.notices.extend(profile.overrides(&page, name));
    }
    Ok(reading)
}
