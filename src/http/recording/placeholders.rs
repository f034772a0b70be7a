//! What is recorded in place of secrets.

use crate::secret::Secret;

/// The placeholders of secrets: those of different secrets differ, as programs that compare them expect.
#[derive(Debug)]
pub(super) struct Placeholders {
    /// That of the first secret; the others end in `.2` and so on.
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

    /// The placeholder of a secret.
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
