//! Replaces secrets in a recording by placeholders.

use crate::secret::Secret;

/// Placeholders of secrets. Different secrets have different placeholders, since the program compares secrets.
#[derive(Debug)]
pub(super) struct Placeholders {
    /// Placeholder of the first secret; `.2`, `.3` and so on are appended for the others.
    first: String,
    secrets: Vec<Secret>,
}

impl Placeholders {
    pub(super) fn new(first: &str) -> Self {
        Self {
            first: first.to_owned(),
            secrets: Vec::new(),
        }
    }

    /// Returns the placeholder of a secret.
    pub(super) fn of(&mut self, secret: &Secret) -> String {
        let known = self.secrets.iter().position(|known| known == secret);
        let index = known.unwrap_or_else(|| {
            self.secrets.push(secret.clone());
            self.secrets.len() - 1
        });
        match index {
            0 => self.first.clone(),
            _ => format!("{}.{}", self.first, index + 1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn different_secrets_have_different_placeholders() {
        let mut placeholders = Placeholders::new("***");
        let found = ["hunter2", "s3cret", "hunter2", "third"];
        let found = found.map(|secret| placeholders.of(&Secret::new(secret)));
        assert_eq!(found, ["***", "***.2", "***", "***.3"]);
    }
}
