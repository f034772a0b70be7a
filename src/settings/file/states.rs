//! Reads the states that the user maps words of a cloud to.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::parser::{SettingsParser, Table, closest_suggestion};
use crate::error::Problem;
use crate::model::State;
use crate::secret::quotable;

impl SettingsParser<'_> {
    /// Reads `[states]`: the states of the words that a kind does not know.
    ///
    /// # Errors
    /// A usage error for an unknown kind or state, a word that occurs twice, or the state `succeeded`.
    pub(super) fn states(
        &self,
        table: &Table<'_>,
    ) -> Result<BTreeMap<String, Vec<(String, State)>>, Problem> {
        let mut states = BTreeMap::new();
        for (kind, value) in table.iter() {
            let name: &str = kind.get_ref();
            if !self.kinds.iter().any(|known| known == name) {
                let known = self.kinds.join(", ");
                let message = format!(
                    "unknown kind '{}'; expected one of: {known}",
                    quotable(name)
                );
                return Err(self.error_at(kind.span().start, &message));
            }
            let words = self.table(value, kind.span().start, &format!("states.\"{name}\""))?;
            let mut mapped: Vec<(String, State)> = Vec::new();
            for (word, value) in words.iter() {
                let at = word.span().start;
                let state = match value.get_ref() {
                    DeValue::String(text) => State::parse(text),
                    _ => None,
                };
                let state = state.ok_or_else(|| {
                    let known = State::ALL.map(State::as_str);
                    let known = known
                        .into_iter()
                        .filter(|state| *state != State::Succeeded.as_str());
                    let text = value.get_ref().as_str().unwrap_or_default();
                    let closest = closest_suggestion(known.clone(), text);
                    let hint = format!("use one of: {}", Vec::from_iter(known).join(", "));
                    self.error_at(at, &format!("unknown state '{}'{closest}", quotable(text)))
                        .with_hint(hint)
                })?;
                if state == State::Succeeded {
                    let problem = self.error_at(at, "states cannot be mapped to succeeded");
                    return Err(problem.with_hint(
                        "only states that joblens recognizes are a success; use another state",
                    ));
                }
                let text: &str = word.get_ref();
                let is_same = |known: &str| known.trim().eq_ignore_ascii_case(text.trim());
                if mapped.iter().any(|(known, _)| is_same(known)) {
                    let message = format!("'{}' is mapped more than once", quotable(text));
                    return Err(self.error_at(at, &message));
                }
                mapped.push((text.to_owned(), state));
            }
            states.insert(name.to_owned(), mapped);
        }
        Ok(states)
    }
}
