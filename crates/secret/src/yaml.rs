//! Masks secrets in lines of YAML.

use crate::{MASK, field_sensitivity};

/// Masks the values of secrets in lines such as `password: x`, including values of several lines; values next to
/// the name of a secret, as in `name: DB_PASSWORD`; and all data of a Kubernetes Secret.
pub fn mask_yaml(text: &str) -> String {
    let mut masker = Masker {
        is_kubernetes_secret: text.lines().any(|line| line.trim() == "kind: Secret"),
        ..Masker::default()
    };
    let mut masked = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        masker.line(line, &mut masked);
    }
    masked
}

/// The meaning of the lines below a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Block {
    /// The value of a secret. It is masked.
    Value,
    /// Content below the name of a secret: fields with names, or values, which are masked.
    Fields,
    /// The data of a Kubernetes Secret. Every value is masked.
    Data,
}

#[derive(Debug, Default)]
struct Masker {
    is_kubernetes_secret: bool,
    /// The last block, with the column of its key.
    block: Option<(Block, usize)>,
    /// The column of the last `name` whose value is the name of a secret.
    named: Option<usize>,
}

/// A line with a key.
struct Field<'a> {
    /// The column of the key.
    column: usize,
    /// The part of the line before the value.
    head: &'a str,
    key: &'a str,
    value: &'a str,
}

impl Masker {
    fn line(&mut self, line: &str, masked: &mut String) {
        let text = line.trim_end();
        let end = &line[text.len()..];
        let indent = text.len() - text.trim_start().len();
        if text.is_empty() {
            masked.push_str(line);
            return;
        }
        // The items of a list can have the same indent as its key.
        let is_item = text[indent..].starts_with("- ");
        let is_below = |(block, column): &(Block, usize)| {
            indent > *column || (is_item && indent == *column && *block != Block::Value)
        };
        self.block = self.block.filter(is_below);
        let block = self.block.map(|(block, _)| block);
        if block == Some(Block::Value) {
            return;
        }
        let Some(field) = field(text) else {
            match block {
                Some(_) => {
                    masked.push_str(&text[..indent]);
                    masked.push_str(if is_item { "- " } else { "" });
                    masked.push_str(MASK);
                    masked.push_str(end);
                }
                None => masked.push_str(line),
            }
            return;
        };
        let is_secret = self.is_secret(&field, block);
        let has_value = !field.value.is_empty();
        match is_secret && has_value {
            true => {
                masked.push_str(field.head);
                masked.push_str(MASK);
                masked.push_str(end);
            }
            false => masked.push_str(line),
        }
        let is_data = self.is_kubernetes_secret && ["data", "stringData"].contains(&field.key);
        if is_data {
            self.block = Some((Block::Data, field.column));
        } else if is_secret {
            let block = match has_value {
                true => Block::Value,
                false => Block::Fields,
            };
            // The data of a Secret continues after each of its values.
            if block == Block::Value || self.block.is_none() {
                self.block = self.block.filter(|(block, _)| *block == Block::Data);
                self.block = self.block.or(Some((block, field.column)));
            }
        }
    }

    /// Returns `true` if the value of a field is a secret.
    fn is_secret(&mut self, field: &Field<'_>, block: Option<Block>) -> bool {
        let is_secret_name = |name: &str, value: &str| {
            let sensitivity = field_sensitivity(name);
            sensitivity.is_some_and(|one| value.is_empty() || one.covers(value))
        };
        if field.key == "name" {
            let is_secret = is_secret_name(unquoted(field.value), "");
            self.named = is_secret.then_some(field.column);
            return block == Some(Block::Data);
        }
        let is_named = field.key == "value" && self.named == Some(field.column);
        is_named || block == Some(Block::Data) || is_secret_name(field.key, field.value)
    }
}

/// Parses the key and the value of a line.
fn field(line: &str) -> Option<Field<'_>> {
    let mut content = line.trim_start();
    while let Some(rest) = content.strip_prefix("- ") {
        content = rest.trim_start();
    }
    let (key, rest) = content.split_once(':')?;
    let key = unquoted(key);
    let is_key = |c: char| c.is_alphanumeric() || "_-./".contains(c);
    if key.is_empty() || !key.chars().all(is_key) {
        return None;
    }
    let value = rest.trim_start();
    if !rest.is_empty() && value.len() == rest.len() {
        return None;
    }
    Some(Field {
        column: line.len() - content.len(),
        head: &line[..line.len() - value.len()],
        key,
        value,
    })
}

fn unquoted(text: &str) -> &str {
    text.trim_matches(['"', '\''])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_lines_of_a_secret_value_are_masked() {
        for (text, masked) in [
            (
                "password: hunter2\nuser: bob\n",
                "password: ***\nuser: bob\n",
            ),
            ("password: a hunter2\n", "password: ***\n"),
            (
                "db:\n  \"dbPassword\": 'a: hunter2'\n",
                "db:\n  \"dbPassword\": ***\n",
            ),
            (
                "token: |-\n  hunter2\n\n  hunter2\nnext: 1",
                "token: ***\n\nnext: 1",
            ),
            (
                "token: hunter2\n  hunter2\r\nnext: 1",
                "token: ***\nnext: 1",
            ),
            ("token:\n  hunter2\nnext: 1", "token:\n  ***\nnext: 1"),
            (
                "tokens:\n- hunter2\n- hunter2\nx: 1",
                "tokens:\n- ***\n- ***\nx: 1",
            ),
            ("- token: hunter2\n  name: x", "- token: ***\n  name: x"),
            (
                "secret:\n  secretName: x\n  y: z\na: b",
                "secret:\n  secretName: x\n  y: z\na: b",
            ),
        ] {
            assert_eq!(mask_yaml(text), masked, "{text}");
        }
    }

    #[test]
    fn the_value_of_an_environment_variable_with_a_secret_name_is_masked() {
        let text = "env:\n- name: DB_PASSWORD\n  value: hunter2\n- name: HOME\n  value: /root\n";
        assert_eq!(mask_yaml(text), text.replace("hunter2", "***"));
    }

    #[test]
    fn all_data_of_a_kubernetes_secret_is_masked() {
        let text = "kind: Secret\ndata:\n  db: hunter2\n  key: |\n    hunter2\n  z: hunter2\ntype: Opaque\n";
        let masked =
            "kind: Secret\ndata:\n  db: ***\n  key: ***\n    ***\n  z: ***\ntype: Opaque\n";
        assert_eq!(mask_yaml(text), masked);
        let other = "kind: ConfigMap\ndata:\n  mode: fast\n";
        assert_eq!(mask_yaml(other), other);
    }

    #[test]
    fn text_without_secret_yaml_values_is_unchanged() {
        for text in [
            "",
            "no healthy upstream",
            "see https://a.example/token: x",
            "the token: hunter2",
            "apiVersion: v1\nkind: Job\n",
            "tokens: 5\n",
        ] {
            assert_eq!(mask_yaml(text), text);
        }
    }
}
