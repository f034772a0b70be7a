//! The key pair that everything begins with: of the profile, or of the machine; and the form in which
//! services give temporary ones.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Deserialize;

use super::machine;
use super::sign::Signer;
use crate::error::Problem;
use crate::http::{self, Wire};
use crate::providers::lenient::Text;
use crate::providers::login::{Issued, Keepable, Login, Parts};
use crate::providers::metadata;
use crate::secret::Secret;
use crate::settings::Profile;

/// Secret parts of a credential.
const SECRET_KEYS: [&str; 2] = ["access_key_secret", "security_token"];

/// The key pair of a profile as what signs with it.
///
/// # Errors
/// What is missing or wrong.
pub(super) fn login<S>(profile: &Profile, wire: &Arc<Wire>) -> Result<Login<S>, Problem>
where
    S: http::Signer + From<Signer> + 'static,
{
    match profile.is_of_machine() {
        true => Ok(Login::issued(machine::Machine::new(profile, wire)?)),
        false => Login::of(profile, written, label),
    }
}

/// How messages call it.
pub(super) fn label(profile: &Profile) -> String {
    match profile.is_of_machine() {
        true => metadata::label(profile),
        false => profile.credential_label("access_key_id", "key"),
    }
}

/// What is masked in answers.
pub(super) fn secrets(profile: &Profile) -> impl Iterator<Item = &Secret> {
    SECRET_KEYS.iter().filter_map(|key| profile.secret(key))
}

/// The key pair that stands in a profile, with the token of a temporary one.
fn written<S: From<Signer>>(profile: &Profile) -> Result<Issued<S>, Problem> {
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
    let token = profile.secret("security_token");
    Ok(Issued {
        signer: S::from(Signer {
            access_key_id: id.to_owned(),
            access_key_secret: secret.clone(),
            security_token: token.cloned(),
        }),
        secrets: std::iter::once(secret).chain(token).cloned().collect(),
        expires_at: None,
    })
}

const ID: &str = "access_key_id";

impl Keepable for Signer {
    fn parts(&self) -> Parts {
        let token = self.security_token.as_ref();
        let secret = [
            (SECRET_KEYS[0], Some(&self.access_key_secret)),
            (SECRET_KEYS[1], token),
        ];
        let secret = secret.into_iter();
        let secret = secret.filter_map(|(key, text)| Some((key, text?.expose())));
        let all = secret.chain([(ID, self.access_key_id.as_str())]);
        all.map(|(key, text)| (key.to_owned(), text.to_owned()))
            .collect()
    }

    fn from_parts(parts: &Parts) -> Option<Issued<Self>> {
        let part = |key: &str| parts.get(key).filter(|text| is_part(text));
        // A key without a token is given, not issued.
        let [secret, token] = [part(SECRET_KEYS[0])?, part(SECRET_KEYS[1])?].map(Secret::new);
        Some(Issued {
            secrets: vec![secret.clone(), token.clone()],
            signer: Self {
                access_key_id: part(ID)?.clone(),
                access_key_secret: secret,
                security_token: Some(token),
            },
            expires_at: None,
        })
    }
}

/// True for what can be a part of a temporary key.
fn is_part(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// A temporary key pair as STS and the metadata service give it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(super) struct Temporary {
    access_key_id: Text,
    access_key_secret: Text,
    security_token: Text,
    expiration: Text,
}

impl Temporary {
    /// Takes it for use.
    ///
    /// # Errors
    /// What was expected and is not there.
    pub(super) fn issued<S: From<Signer>>(&self) -> Result<(Issued<S>, DateTime<Utc>), String> {
        let part = |name: &str, text: &Text| {
            let text = text.trimmed().filter(|text| is_part(text));
            let text = text.map(str::to_owned);
            text.ok_or_else(|| format!("{name} of printable ASCII characters"))
        };
        let id = part("AccessKeyId", &self.access_key_id)?;
        let secret = Secret::new(part("AccessKeySecret", &self.access_key_secret)?);
        let token = Secret::new(part("SecurityToken", &self.security_token)?);
        let at = self.expiration.trimmed();
        let at = at.and_then(|text| DateTime::parse_from_rfc3339(text).ok());
        let at = at.ok_or("a time in Expiration")?.to_utc();
        let issued = Issued {
            secrets: vec![secret.clone(), token.clone()],
            signer: S::from(Signer {
                access_key_id: id,
                access_key_secret: secret,
                security_token: Some(token),
            }),
            expires_at: Some(at),
        };
        Ok((issued, at))
    }
}
