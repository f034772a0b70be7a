//! The access key of a profile or of the machine's role, with which requests are signed or roles assumed.

use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::instance_role::SERVICE;
use super::sign::Signer;
use crate::collect::CollectExt as _;
use crate::credentials::temporary_key::TemporaryKey;
use crate::credentials::{Credential, CredentialCache, KeySource, Storable, StoredFields};
use crate::error::Problem;
use crate::http::{self, Transport};
use crate::secret::Secret;
use crate::settings::Profile;

/// Prefix of the ids of temporary keys.
const TEMPORARY_KEY_PREFIX: &str = "STS.";

/// Settings of a credential whose values are masked.
const SECRET_KEYS: [&str; 3] = ["access_key_id", "access_key_secret", "security_token"];

/// Creates the signing credential from the key pair of a profile.
///
/// # Errors
/// A missing or invalid setting.
pub(super) fn credential_cache<S>(
    profile: &Profile,
    transport: &Arc<Transport>,
) -> Result<CredentialCache<S>, Problem>
where
    S: http::Signer + From<Signer> + 'static,
{
    let source = KeySource {
        from_profile,
        issued,
        label,
        imds: &SERVICE,
    };
    CredentialCache::from_key_source(&source, profile, transport)
}

/// Returns the name of the credential in messages.
pub(super) fn label(profile: &Profile) -> String {
    profile.credential_label("access_key_id", "key")
}

/// Returns the secrets to mask in responses.
pub(super) fn secrets(profile: &Profile) -> impl Iterator<Item = &Secret> {
    profile.secrets(&SECRET_KEYS)
}

/// Returns the key pair that a profile contains, with the token if it is temporary.
fn from_profile<S: From<Signer>>(profile: &Profile) -> Result<Credential<S>, Problem> {
    let secret = profile.secret("access_key_secret");
    let (Some(id), Some(secret)) = (profile.get("access_key_id"), secret) else {
        return Err(profile.missing(
            "access key",
            &["access_key_id", "access_key_secret"],
            &[
                "ALIBABA_CLOUD_ACCESS_KEY_ID",
                "ALIBABA_CLOUD_ACCESS_KEY_SECRET",
            ],
        ));
    };
    if id.starts_with(TEMPORARY_KEY_PREFIX) && profile.secret("security_token").is_none() {
        return Err(missing_token(profile));
    }
    let signer = Signer {
        access_key_id: id.to_owned(),
        access_key_secret: secret.clone(),
        security_token: profile.secret("security_token").cloned(),
    };
    Ok(credential(signer, None))
}

/// Creates the problem of a temporary key without a token.
fn missing_token(profile: &Profile) -> Problem {
    profile.missing("security token", &["access_key_id", "security_token"], &[])
}

/// Creates the credential from a key pair that STS or the metadata service issued.
pub(super) fn issued<S: From<Signer>>(key: TemporaryKey) -> Credential<S> {
    let signer = Signer {
        access_key_id: key.id,
        access_key_secret: key.secret,
        security_token: Some(key.token),
    };
    credential(signer, Some(key.expires_at))
}

fn credential<S: From<Signer>>(signer: Signer, expires_at: Option<DateTime<Utc>>) -> Credential<S> {
    let token = signer.security_token.as_ref();
    let secrets = std::iter::once(&signer.access_key_secret).chain(token);
    let id = Secret::key_id(&signer.access_key_id);
    Credential {
        secrets: std::iter::once(id).chain(secrets.cloned()).collect(),
        signer: S::from(signer),
        expires_at,
    }
}

impl Storable for Signer {
    fn parts(&self) -> StoredFields {
        let secrets = [
            ("access_key_secret", Some(&self.access_key_secret)),
            ("security_token", self.security_token.as_ref()),
        ];
        let secrets = secrets
            .into_iter()
            .filter_map(|(name, secret)| Some((name.to_owned(), secret?.expose().to_owned())));
        let id = ("access_key_id".to_owned(), self.access_key_id.clone());
        secrets.chain([id]).collect_map()
    }

    fn from_parts(parts: &StoredFields) -> Option<Credential<Self>> {
        let is_plain =
            |text: &&String| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        let part = |name: &str| parts.get(name).filter(is_plain);
        let signer = Self {
            access_key_id: part("access_key_id")?.clone(),
            access_key_secret: Secret::new(part("access_key_secret")?),
            security_token: Some(Secret::new(part("security_token")?)),
        };
        Some(credential(signer, None))
    }
}
