//! Reads access keys from the file of scnet-cli.

use crate::credentials::file::{CredentialFile, FileField, FileProfile, Format};
use crate::credentials::{CredentialSource, SourceResult};
use crate::lenient;
use crate::model::{Notice, NoticeCode};
use crate::secret::quotable;

/// The credential files; scnet-cli is the only tool that has one.
pub static SOURCES: [CredentialSource; 1] = [CredentialSource::File(CredentialFile {
    name: "scnet",
    paths: &[".scnet/config.json"],
    format: Format::JsonMap,
    fields: &[
        FileField::required("user", "user"),
        FileField::key("access_key", "access_key"),
        FileField::key("secret_key", "secret_key"),
        FileField::optional("default_cluster_id", "cluster_id"),
    ],
    resolve: |profile| {
        let mut result = profile.resolve()?;
        if let SourceResult::Found(found) = &mut result {
            found.notices.extend(overrides(profile));
        }
        Ok(result)
    },
    hint: "fix it, or move it away and log in with scnet again",
    ..CredentialFile::PLAIN
})];

/// Returns a notice if the profile overrides hosts. The overrides are not used, because it is not documented which
/// services these hosts serve.
fn overrides(profile: &FileProfile<'_>) -> Option<Notice> {
    let document = lenient::parse_shown(profile.file.text.as_bytes())?;
    let name = profile.name.unwrap_or_default();
    let all = document["profiles"][name]["base_overrides"].as_object()?;
    let filled = all
        .iter()
        .filter(|(_, host)| host.as_str().is_some_and(|host| !host.is_empty()));
    let names: Vec<_> = filled.map(|(name, _)| quotable(name)).collect();
    let message = format!(
        "{} has base_overrides ({}) for profile '{}', which are not used; set auth_endpoint, \
         platform_endpoint and endpoint in [sugon.default] if it uses its own hosts",
        profile.file.path.display(),
        names.join(", "),
        quotable(name)
    );
    (!names.is_empty()).then(|| Notice::new(NoticeCode::OverridesNotUsed, message))
}
