//! Reads credentials and regions from a profile of a tool's file.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::expiry::check_expiry;
use super::file::{FieldRequirement, FileField, FileProfile, KeyValues};
use super::imds::ImdsService;
use super::tool_files::{FoundCredential, SourceResult};
use crate::error::Problem;
use crate::lenient;
use crate::model::Time;
use crate::secret::Secret;

impl FileProfile<'_> {
    /// Returns the text of a field; `None` if it is empty.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// Parses a field that contains JSON.
    ///
    /// # Errors
    /// `missing_credentials` if it is not a valid `T`.
    pub(crate) fn parse<T: DeserializeOwned>(&self, name: &str) -> Result<T, Problem> {
        let text = Value::from(self.get(name).unwrap_or_default());
        lenient::decode(text.to_string().as_bytes()).map_err(|expected| {
            let expected = expected.split(" at line").next().unwrap_or_default();
            self.problem(&format!("is invalid: expected {expected} at {name}"))
        })
    }

    /// Returns a problem of these fields. `description` follows the path of the file, such as `has no access_key_id`.
    pub(crate) fn problem(&self, description: &str) -> Problem {
        let description = format!("{description} {}", self.location);
        self.file.problem(description.trim_end(), self.spec.hint)
    }

    /// Returns the key pair and its related values, by the cloud's own keys; `None` if the profile has none.
    ///
    /// # Errors
    /// `missing_credentials` if a part of it is missing.
    pub(crate) fn keys(&self) -> Result<Option<KeyValues>, Problem> {
        let fields = self.spec.fields.iter();
        let is_missing = |field: &&FileField| self.get(field.name).is_none();
        let mut keys = fields
            .clone()
            .filter(|field| field.requirement == FieldRequirement::Key);
        if keys.all(|field| is_missing(&field)) {
            return Ok(None);
        }
        let mut required = fields.filter(|field| field.requirement != FieldRequirement::Optional);
        match required.find(is_missing) {
            Some(field) => Err(self.problem(&format!("has no {}", field.name))),
            None => Ok(Some(self.values())),
        }
    }

    /// Returns the region, if the fields contain it.
    pub(crate) fn region(&self) -> KeyValues {
        let values = self.values().into_iter();
        values.filter(|(key, _)| *key == "region").collect()
    }

    /// Returns the values of the fields that are set.
    fn values(&self) -> KeyValues {
        let fields = self.spec.fields.iter();
        let filled = fields.filter_map(|field| Some((field.key?, self.get(field.name)?)));
        filled.map(|(key, text)| (key, Secret::new(text))).collect()
    }

    /// Returns the key pair, if there is one.
    ///
    /// # Errors
    /// As [`FileProfile::keys`].
    pub(crate) fn resolve(&self) -> Result<SourceResult, Problem> {
        Ok(match self.keys()? {
            Some(values) => self.with_credential(values, None),
            None => self.no_credentials(),
        })
    }

    /// Returns the result that the profile contains no credential.
    pub(crate) fn no_credentials(&self) -> SourceResult {
        let what = format!("no credentials {}", self.location);
        SourceResult::Empty(format!(
            "{} in {}",
            what.trim_end(),
            self.file.path.display()
        ))
    }

    /// Returns a credential with an expiry; see [`check_expiry`].
    ///
    /// # Errors
    /// As [`check_expiry`].
    pub(crate) fn with_expiring_credential(
        &self,
        values: KeyValues,
        expires_at: Option<Time>,
        subject: &str,
        renew: &str,
    ) -> Result<SourceResult, Problem> {
        let now = self.files.now();
        let notice = expires_at.map(|at| check_expiry(subject, at, now, renew));
        let notice = notice.transpose()?.flatten();
        let mut found = self.credential(values, expires_at);
        found.notices.extend(notice);
        Ok(SourceResult::Found(found))
    }

    /// Returns a credential.
    pub(crate) fn with_credential(
        &self,
        values: KeyValues,
        expires_at: Option<Time>,
    ) -> SourceResult {
        SourceResult::Found(self.credential(values, expires_at))
    }

    fn credential(&self, values: KeyValues, expires_at: Option<Time>) -> FoundCredential {
        FoundCredential {
            profile: self.name.map(str::to_owned),
            path: self.file.path.clone(),
            values,
            expires_at,
            notices: self.file.notices(),
        }
    }

    /// Returns the role of the machine with the region of the profile.
    pub(crate) fn instance_role(&self, service: &ImdsService, role: Option<&str>) -> SourceResult {
        let mut values = service.values(self.files, role);
        values.extend(self.region());
        self.with_credential(values, None)
    }
}
