use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError, RwLock};

use super::{Secret, SecretMasker};
use crate::sync::lock;

/// How many signatures are remembered: far more than there are requests in flight.
const MAX_SIGNATURES: usize = 32;

/// What must not be shown in a run: the secrets of all its accounts and the signatures of the last
/// requests.
///
/// A response is decoded as it came. Whatever is shown of it goes through here first: free text
/// through [`Redactor::text`], names through [`Redactor::name`], values that are more than text through
/// [`Redactor::value`].
#[derive(Debug, Default)]
pub struct Redactor {
    secrets: RwLock<SecretMasker>,
    signatures: Mutex<Signatures>,
}

#[derive(Debug, Default)]
struct Signatures {
    last: VecDeque<Secret>,
    masker: SecretMasker,
}

impl Redactor {
    /// Masks these secrets from now on.
    pub fn add<'a>(&self, secrets: impl IntoIterator<Item = &'a Secret>) {
        let held = self.secrets.write();
        held.unwrap_or_else(PoisonError::into_inner).add(secrets);
    }

    /// Masks the signature of a request until many more were sent. Whoever reads it can send that
    /// one request again for a while.
    pub fn add_signature(&self, signature: &Secret) {
        let mut held = lock(&self.signatures);
        if held.last.contains(signature) {
            return;
        }
        if held.last.len() == MAX_SIGNATURES {
            held.last.pop_front();
        }
        held.last.push_back(signature.clone());
        held.masker = SecretMasker::of_signatures(&held.last);
    }

    /// Masks secrets in free text. Short secrets are masked where they stand by themselves.
    pub fn text(&self, text: &mut String) {
        self.each(|masker| masker.scrub(text));
    }

    /// Masks secrets in a name or a reason, which a secret that is an ordinary word never changes.
    pub fn name(&self, name: &mut String) {
        self.each(|masker| masker.scrub_name(name));
    }

    /// Masks secrets in a key of a document: only secrets that no word and no short name can be.
    pub fn key(&self, key: &mut String) {
        self.each(|masker| masker.scrub_key(key));
    }

    /// Masks secrets in a value that is more than text, such as an id: only secrets that cannot be
    /// an ordinary word, number or id.
    pub fn value(&self, value: &mut String) {
        self.each(|masker| masker.scrub_value(value));
    }

    fn each(&self, mut apply: impl FnMut(&SecretMasker)) {
        apply(&self.secrets.read().unwrap_or_else(PoisonError::into_inner));
        apply(&lock(&self.signatures).masker);
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
