use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::{Map, Value};

use super::filter::Filter;
use super::{Secret, SecretMasker};

/// How many signatures are remembered at least: far more than there are requests in flight.
const MIN_SIGNATURES: usize = 32;

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
    signatures: VecDeque<Signature>,
    /// For the secrets and signatures that are found in any spelling, and for signatures that were
    /// forgotten since it was last built.
    filter: Filter,
}

/// The spellings of a signature are found out once, not again with every later request.
#[derive(Debug)]
struct Signature {
    secret: Secret,
    masker: SecretMasker,
}

impl Redactor {
    /// Masks these secrets from now on.
    pub fn add<'a>(&self, secrets: impl IntoIterator<Item = &'a Secret>) {
        let mut masks = self.write();
        masks.secrets.add(secrets);
        masks.update_filter();
    }

    /// Masks the signature of a request until many more were sent. A reader of it can send that
    /// one request again for a while.
    pub fn add_signature(&self, signature: &Secret) {
        let mut masks = self.write();
        if masks
            .signatures
            .iter()
            .any(|known| known.secret == *signature)
        {
            return;
        }
        if masks.signatures.len() == 2 * MIN_SIGNATURES {
            masks.signatures.drain(..MIN_SIGNATURES);
            masks.update_filter();
        }
        let masker = SecretMasker::of_signature(signature);
        masks.filter = masks.filter.union(masker.filter());
        masks.signatures.push_back(Signature {
            secret: signature.clone(),
            masker,
        });
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
    /// Masks secrets in free text. Short secrets are masked where they are whole words.
    pub fn text(&self, text: &mut String) {
        self.each(text, SecretMasker::mask_text);
    }

    /// Masks secrets in a name or a reason, which a secret that is an ordinary word never changes.
    pub fn name(&self, name: &mut String) {
        self.each(name, SecretMasker::mask_name);
    }

    /// Masks secrets in a key of a document: only secrets that no word and no short name can be.
    pub fn key(&self, key: &mut String) {
        self.each(key, SecretMasker::mask_key);
    }

    /// Masks secrets in the keys of an object; true when that changed one. Keys that are the same then are
    /// reported apart by a number, so that nothing of the document is lost.
    pub fn keys(&self, map: &mut Map<String, Value>) -> bool {
        let masked = |key: &str| {
            let mut name = key.to_owned();
            self.key(&mut name);
            name
        };
        let is_kept = |key: &String| !self.may_mask(key) || masked(key) == *key;
        if map.keys().all(is_kept) {
            return false;
        }
        for (key, value) in std::mem::take(map) {
            let name = masked(&key);
            let mut unique = name.clone();
            let mut number = 1_usize;
            while map.contains_key(&unique) {
                number += 1;
                unique = format!("{name} ({number})");
            }
            map.insert(unique, value);
        }
        true
    }

    /// Masks secrets in a value that is more than text, such as an id: only secrets that cannot be
    /// an ordinary word, number or id.
    pub fn value(&self, value: &mut String) {
        self.each(value, SecretMasker::mask_value);
    }

    /// False for most texts that nothing is masked in, and for most of their parts.
    pub fn may_mask(&self, text: &str) -> bool {
        self.filter.may_contain_secret(text) || self.maskers().any(|masker| masker.has_needle(text))
    }

    /// How many bytes of a text can be masked and shown before more of it comes: all but an end that may
    /// be the beginning of a secret.
    pub fn complete_length(&self, text: &str) -> usize {
        let lengths = self.maskers().map(|masker| masker.complete_length(text));
        let length = lengths.min().unwrap_or(text.len());
        let masked = |text: &str| {
            let mut text = text.to_owned();
            self.text(&mut text);
            text
        };
        let (start, end) = text.split_at(length);
        // Where what comes first hides what follows, neither is shown by itself.
        match end.is_empty() || masked(text) == masked(start) + &masked(end) {
            true => length,
            false => 0,
        }
    }

    fn each(&self, text: &mut String, apply: fn(&SecretMasker, &mut String)) {
        if self.may_mask(text) {
            self.maskers().for_each(|masker| apply(masker, text));
        }
    }

    fn maskers(&self) -> impl Iterator<Item = &SecretMasker> {
        let signatures = self.signatures.iter().map(|signature| &signature.masker);
        [&self.secrets].into_iter().chain(signatures)
    }

    fn update_filter(&mut self) {
        let filters = self.maskers().map(SecretMasker::filter);
        self.filter = filters.fold(Filter::default(), |all, filter| all.union(filter));
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};

    use super::*;

    #[test]
    fn signatures_are_masked_as_long_as_their_requests_matter() {
        let redactor = Redactor::default();
        let signature = |n: usize| {
            let part = |salt: &str| {
                let mut hasher = DefaultHasher::new();
                (n, salt).hash(&mut hasher);
                hasher.finish()
            };
            Secret::new(format!("{:016x}{:016x}", part("a"), part("b")))
        };
        for n in 0..=2 * MIN_SIGNATURES {
            redactor.add_signature(&signature(n));
            redactor.add_signature(&signature(n));
        }
        let shown = |n: usize| {
            let mut text = format!("bad: {}", signature(n).expose());
            redactor.text(&mut text);
            text
        };
        for n in 0..MIN_SIGNATURES {
            assert_eq!(shown(n), format!("bad: {}", signature(n).expose()), "{n}");
        }
        for n in MIN_SIGNATURES..=2 * MIN_SIGNATURES {
            assert_eq!(shown(n), "bad: ***", "{n}");
        }
    }
}
