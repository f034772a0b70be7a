use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::filter::Filter;
use super::{Secret, SecretMasker};

/// How many signatures are remembered: far more than there are requests in flight.
const MAX_SIGNATURES: usize = 32;

/// What must not be shown in a run: the secrets of all its accounts and the signatures of the last
/// requests.
///
/// A response is decoded as it came. Whatever is shown of it goes through [`Redactor::masks`] first.
#[derive(Debug, Default)]
pub struct Redactor(RwLock<Masks>);

/// What is masked at present: free text through [`Masks::text`], names through [`Masks::name`], values
/// that are more than text through [`Masks::value`].
#[derive(Debug, Default)]
pub struct Masks {
    secrets: SecretMasker,
    signatures: SecretMasker,
    last_signatures: VecDeque<Secret>,
    /// For the secrets and signatures that are found in any spelling.
    filter: Filter,
}

impl Redactor {
    /// Masks these secrets from now on.
    pub fn add<'a>(&self, secrets: impl IntoIterator<Item = &'a Secret>) {
        let mut masks = self.write();
        masks.secrets.add(secrets);
        masks.update_filter();
    }

    /// Masks the signature of a request until many more were sent. Whoever reads it can send that
    /// one request again for a while.
    pub fn add_signature(&self, signature: &Secret) {
        let mut masks = self.write();
        if masks.last_signatures.contains(signature) {
            return;
        }
        if masks.last_signatures.len() == MAX_SIGNATURES {
            masks.last_signatures.pop_front();
        }
        masks.last_signatures.push_back(signature.clone());
        masks.signatures = SecretMasker::of_signatures(&masks.last_signatures);
        masks.update_filter();
    }

    /// What is masked at present, for many texts.
    pub fn masks(&self) -> impl Deref<Target = Masks> + '_ {
        let masks: RwLockReadGuard<'_, Masks> =
            self.0.read().unwrap_or_else(PoisonError::into_inner);
        masks
    }

    /// Masks secrets in one free text; see [`Masks::text`].
    pub fn text(&self, text: &mut String) {
        self.masks().text(text);
    }

    fn write(&self) -> RwLockWriteGuard<'_, Masks> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Masks {
    /// Masks secrets in free text. Short secrets are masked where they stand by themselves.
    pub fn text(&self, text: &mut String) {
        self.each(text, SecretMasker::scrub);
    }

    /// Masks secrets in a name or a reason, which a secret that is an ordinary word never changes.
    pub fn name(&self, name: &mut String) {
        self.each(name, SecretMasker::scrub_name);
    }

    /// Masks secrets in a key of a document: only secrets that no word and no short name can be.
    pub fn key(&self, key: &mut String) {
        self.each(key, SecretMasker::scrub_key);
    }

    /// Masks secrets in a value that is more than text, such as an id: only secrets that cannot be
    /// an ordinary word, number or id.
    pub fn value(&self, value: &mut String) {
        self.each(value, SecretMasker::scrub_value);
    }

    /// False for most texts that nothing is masked in, and for most of their parts.
    pub fn may_mask(&self, text: &str) -> bool {
        let maskers = [&self.secrets, &self.signatures];
        self.filter.may_hold_secret(text) || maskers.iter().any(|masker| masker.has_needle(text))
    }

    fn each(&self, text: &mut String, apply: fn(&SecretMasker, &mut String)) {
        if self.may_mask(text) {
            apply(&self.secrets, text);
            apply(&self.signatures, text);
        }
    }

    fn update_filter(&mut self) {
        self.filter = self.secrets.filter().union(self.signatures.filter());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto;

    #[test]
    fn signatures_are_masked_as_long_as_their_requests_matter() {
        let redactor = Redactor::default();
        let signature = |n: usize| Secret::new(crypto::sha256_hex(&n.to_le_bytes()));
        for n in 0..=MAX_SIGNATURES {
            redactor.add_signature(&signature(n));
            redactor.add_signature(&signature(n));
        }
        let shown = |n: usize| {
            let mut text = format!("bad: {}", signature(n).expose());
            redactor.text(&mut text);
            text
        };
        assert_eq!(shown(0), format!("bad: {}", signature(0).expose()));
        for n in 1..=MAX_SIGNATURES {
            assert_eq!(shown(n), "bad: ***", "{n}");
        }
    }
}
