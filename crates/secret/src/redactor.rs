use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use serde_json::{Map, Value};

use super::filter::Filter;
use super::{Secret, SecretMasker};

/// Minimum number of signatures that are remembered: far more than requests can be in flight.
const MIN_SIGNATURES: usize = 32;

/// Masks the secrets of a run: those of all its accounts, and the signatures of the last requests.
///
/// A response is decoded unchanged. Everything that is shown of it is first masked with [`Redactor::masks`].
#[derive(Debug, Default)]
pub struct Redactor(RwLock<Masks>);

/// The current secrets. Free text is masked with [`Masks::text`], names with [`Masks::name`], and values that
/// programs use with [`Masks::value`].
#[derive(Debug, Default)]
pub struct Masks {
    secrets: SecretMasker,
    signatures: VecDeque<Signature>,
    /// Filter for the secrets and signatures that are found in other spellings, including signatures that were
    /// dropped since it was built.
    filter: Filter,
}

/// A signature with its masker, so that its spellings are computed only once and not again with every later
/// request.
#[derive(Debug)]
struct Signature {
    secret: Secret,
    masker: SecretMasker,
}

impl Redactor {
    /// Adds secrets to mask.
    pub fn add<'a>(&self, secrets: impl IntoIterator<Item = &'a Secret>) {
        let mut masks = self.write();
        masks.secrets.add(secrets);
        masks.update_filter();
    }

    /// Masks the signature of a request until many more requests were sent, since anyone who reads it can send that
    /// request again for a while.
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
        masks.filter.add(masker.folded());
        masks.signatures.push_back(Signature {
            secret: signature.clone(),
            masker,
        });
        if masks.filter.is_full() {
            masks.update_filter();
        }
    }

    /// Returns the current secrets, to mask many texts.
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
    /// Masks secrets in free text. Short secrets are masked only as whole words.
    pub fn text(&self, text: &mut String) {
        self.each(text, SecretMasker::mask_text);
    }

    /// Masks secrets in a name or a reason. Secrets that are ordinary words never change it.
    pub fn name(&self, name: &mut String) {
        self.each(name, SecretMasker::mask_name);
    }

    /// Masks secrets in a key of a document: only secrets that cannot be an ordinary word or short name.
    pub fn key(&self, key: &mut String) {
        self.each(key, SecretMasker::mask_key);
    }

    /// Masks secrets in the keys of an object; returns whether a key changed. Keys that become equal are numbered,
    /// so that no value of the document is lost.
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

    /// Masks secrets in a value that programs use, such as an id: only secrets that cannot be an ordinary word,
    /// number or id.
    pub fn value(&self, value: &mut String) {
        self.each(value, SecretMasker::mask_value);
    }

    /// Returns `true` if a text may contain a secret; `false` for most texts without one, and for most of their
    /// parts.
    pub fn may_mask(&self, text: &str) -> bool {
        self.filter.may_contain_secret(text) || self.maskers().any(|masker| masker.has_needle(text))
    }

    /// Returns the number of bytes of a text that can be masked and shown before more of it arrives: all except an
    /// end that may begin a secret.
    pub fn complete_length(&self, text: &str) -> usize {
        let lengths = self.maskers().map(|masker| masker.complete_length(text));
        let length = lengths.min().unwrap_or(text.len());
        let masked = |text: &str| {
            let mut text = text.to_owned();
            self.text(&mut text);
            text
        };
        let (start, end) = text.split_at(length);
        // If masking the whole text gives another result than masking both parts, neither part is shown yet.
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
        let signatures = self.signatures.iter();
        let signatures = signatures.flat_map(|signature| signature.masker.folded());
        self.filter = self.filter.rebuilt(self.secrets.folded().chain(signatures));
    }
}

#[cfg(test)]
mod tests {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};

    use super::*;

    #[test]
    fn only_the_most_recent_signatures_are_masked() {
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

    /// Returns a number that looks random, the same in every run of the test.
    fn random(seed: u64) -> u64 {
        let mixed = (seed + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    #[test]
    fn texts_that_repeat_characters_are_not_searched_for_signatures() {
        use base64::Engine as _;
        use base64::engine::general_purpose::STANDARD;
        let bytes = |n: u64| (0..4).flat_map(move |part| random(4 * n + part).to_be_bytes());
        let hex = |n| bytes(n).map(|byte| format!("{byte:02x}")).collect();
        let base64 = |n| STANDARD.encode(bytes(n).take(20).collect::<Vec<_>>());
        let sorts: [&dyn Fn(u64) -> String; 2] = [&hex, &base64];
        let characters = || (b'!'..=b'~').map(char::from);
        let runs = characters().map(|c| c.to_string().repeat(40));
        let padded = (0..1000).map(|n| format!("train-{n:016}"));
        let pairs = characters().flat_map(|a| characters().map(move |b| format!("{a}{b}")));
        let pairs: Vec<_> = pairs.map(|pair| pair.repeat(20)).collect();
        let single: Vec<_> = runs.chain(padded).collect();
        for signature in sorts {
            let redactor = Redactor::default();
            for n in 0..2 * MIN_SIGNATURES as u64 {
                redactor.add_signature(&Secret::new(signature(n)));
            }
            let masks = redactor.masks();
            let searched = |texts: &[String]| {
                let texts = texts.iter();
                texts.filter(|text| masks.may_mask(text)).count()
            };
            assert_eq!(searched(&single), 0);
            let pairs = (searched(&pairs), pairs.len());
            assert!(pairs.0 * 50 < pairs.1, "{pairs:?}");
        }
    }
}
