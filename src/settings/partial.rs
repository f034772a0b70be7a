//! Hints for a credential of which only some parts are set.

use super::SettingRole;
use super::profile::{Origin, Profile, table_header};

impl Profile {
    /// Returns a hint that names only the missing parts, for the source that contains the other parts; `None` if no
    /// part is set, or if another program writes the source.
    pub(super) fn completion_hint(&self, keys: &[&str]) -> Option<String> {
        let (set, absent) = self.set_and_absent(keys);
        let origin = self.origin(set.first()?)?;
        if absent.is_empty() {
            return None;
        }
        let missing = absent.join(" and ");
        match origin {
            Origin::Command(_) => {
                let location = origin.fix_location();
                Some(format!("{location} must print {missing} as well"))
            }
            Origin::File { .. } => {
                let table = table_header(self.cloud(), &self.name);
                Some(format!("add {missing} to {table} of the config file"))
            }
            Origin::Variable(name) => {
                let wanted = absent.iter().map(|key| self.variable_beside(name, key));
                let wanted: Vec<String> = wanted.collect();
                let used = set.iter().filter_map(|key| match self.origin(key) {
                    Some(Origin::Variable(used)) => Some(used.as_str()),
                    _ => None,
                });
                let used: Vec<&str> = used.collect();
                Some(format!(
                    "set {} as well, or unset {}",
                    wanted.join(" and "),
                    used.join(" and ")
                ))
            }
            Origin::Tool { .. } | Origin::Machine => None,
        }
    }

    /// Returns which of the keys are set, and the others. If no part of a credential is set, these are other parts of
    /// credentials, such as the token of a temporary key: their source is used without the parts of other sources.
    pub(super) fn set_and_absent<'k>(&self, keys: &[&'k str]) -> (Vec<&'k str>, Vec<&'k str>) {
        let is_set = |key: &&str| self.origin(key).is_some();
        let (mut set, absent): (Vec<&str>, Vec<&str>) = keys.iter().copied().partition(is_set);
        if set.is_empty() && keys.iter().all(|key| self.schema.is_credential(key)) {
            let others = self.schema.credential_keys();
            let others = others.filter(|spec| spec.role != SettingRole::Name);
            set.extend(others.map(|spec| spec.key).filter(is_set));
        }
        (set, absent)
    }

    /// Returns the variable of a key that is of the same tool as another variable, else its first one.
    fn variable_beside(&self, other: &str, key: &str) -> String {
        let variables = |key| self.schema.find(key).map_or(&[][..], |spec| spec.variables);
        let mut specs = self.schema.all();
        let family = specs.find_map(|spec| spec.variables.iter().position(|name| *name == other));
        let same = family.and_then(|family| variables(key).get(family));
        let name = same.or_else(|| variables(key).first());
        name.map_or_else(|| self.schema.variable(key), ToString::to_string)
    }
}
