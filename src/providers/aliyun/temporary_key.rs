//! The form in which services issue temporary key pairs.

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::sign::Signer;
use crate::credentials::Credential;
use crate::providers::lenient::Text;
use crate::secret::Secret;

/// What a service gave for a while.
pub(super) fn temporary_key<S: From<Signer>>(
    access_key_id: String,
    secret: Secret,
    token: Secret,
    expires_at: Option<DateTime<Utc>>,
) -> Credential<S> {
    Credential {
        secrets: vec![secret.clone(), token.clone()],
        signer: S::from(Signer {
            access_key_id,
            access_key_secret: secret,
            security_token: Some(token),
        }),
        expires_at,
    }
}

/// A temporary key pair as STS and the metadata service give it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct TemporaryKey {
    access_key_id: Text,
    access_key_secret: Text,
    security_token: Text,
    expiration: Text,
}

impl TemporaryKey {
    /// Takes it for use.
    ///
    /// # Errors
    /// What was expected and is not there.
    pub(super) fn to_credential<S: From<Signer>>(
        &self,
    ) -> Result<(Credential<S>, DateTime<Utc>), String> {
        let part = |name: &str, text: &Text| {
            let is_plain = |text: &&str| text.bytes().all(|byte| byte.is_ascii_graphic());
            let text = text.trimmed().filter(is_plain).map(str::to_owned);
            text.ok_or_else(|| format!("{name} of printable ASCII characters"))
        };
        let id = part("AccessKeyId", &self.access_key_id)?;
        let secret = Secret::new(part("AccessKeySecret", &self.access_key_secret)?);
        let token = Secret::new(part("SecurityToken", &self.security_token)?);
        let at = self.expiration.trimmed();
        let at = at.and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        let at = at.ok_or("a time in Expiration")?.to_utc();
        Ok((temporary_key(id, secret, token, Some(at)), at))
    }
}
