//! The two forms of files in which the clouds' tools keep credentials: JSON and INI.

use std::collections::BTreeMap;

use serde::de::DeserializeOwned;

use super::lenient;
use crate::error::Problem;
use crate::model::Time;
use crate::secret::Secret;
use crate::settings::{Findings, Page, Reading};

/// Reads JSON; no text of the file gets into the problem.
pub fn json<T: DeserializeOwned>(page: &Page, hint: &str) -> Result<T, Problem> {
    lenient::decode(page.text.as_bytes())
        .map_err(|expected| page.problem(&format!("is damaged: expected {expected}"), hint))
}

/// Sections by name, each with its keys in small letters.
pub type Sections = BTreeMap<String, BTreeMap<String, String>>;

/// Reads INI as Python's configparser and Go's ini do: `[section]`, `key = value` or `key: value`,
/// whole lines after `#` or `;` are comments. Quotes stay part of a value.
pub fn ini(page: &Page, hint: &str) -> Result<Sections, Problem> {
    let mut sections = Sections::new();
    let mut section: Option<String> = None;
    for (number, line) in page.text.lines().enumerate() {
        let line = line.trim();
        let wrong = |expected: &str| {
            let what = format!("is damaged: expected {expected} at line {}", number + 1);
            page.problem(&what, hint)
        };
        if line.is_empty() || line.starts_with(['#', ';']) {
            continue;
        }
        if let Some(rest) = line.strip_prefix('[') {
            let name = rest.strip_suffix(']').ok_or_else(|| wrong("]"))?.trim();
            sections.entry(name.to_owned()).or_default();
            section = Some(name.to_owned());
            continue;
        }
        let (key, value) = line
            .split_once(['=', ':'])
            .ok_or_else(|| wrong("key = value"))?;
        let section = section.as_ref().ok_or_else(|| wrong("a [section]"))?;
        let keys = sections.entry(section.clone()).or_default();
        keys.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
    }
    Ok(sections)
}

/// A value that is there and not empty.
pub fn filled<'a>(keys: &'a BTreeMap<String, String>, key: &str) -> Option<&'a str> {
    keys.get(key)
        .map(String::as_str)
        .filter(|text| !text.is_empty())
}

/// The profile that a tool does not have, among those that it has.
pub fn no_such_profile<'a>(
    page: &Page,
    name: &str,
    names: impl IntoIterator<Item = &'a str>,
) -> String {
    let names: Vec<&str> = names.into_iter().collect();
    let known = match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    };
    format!(
        "{} has no profile “{name}”; it has {known}",
        page.path.display()
    )
}

/// What a file holds, as far as it is there; `profile` is the tool's own, where it has some.
pub fn found(
    page: &Page,
    profile: Option<&str>,
    values: &[(&'static str, Option<&str>)],
    expires_at: Option<Time>,
) -> Reading {
    Reading::Found(findings(page, profile, known(values), expires_at))
}

/// The values that are there.
pub fn known(values: &[(&'static str, Option<&str>)]) -> Vec<(&'static str, Secret)> {
    let filled = values.iter();
    let filled = filled.filter_map(|(key, value)| Some((*key, Secret::new((*value)?))));
    filled.collect()
}

/// What a file holds.
pub fn findings(
    page: &Page,
    profile: Option<&str>,
    values: Vec<(&'static str, Secret)>,
    expires_at: Option<Time>,
) -> Findings {
    Findings {
        profile: profile.map(str::to_owned),
        path: page.path.clone(),
        values,
        expires_at,
        notices: page.notices(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Time;
    use crate::settings::{Desk, Environment};

    fn read(text: &str) -> Result<Sections, Problem> {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join("f"), text).unwrap();
        let path = home.path().to_str().unwrap().to_owned();
        let environment = Environment::new([("HOME".to_owned(), path)]);
        let desk = Desk::new(environment, Time::from_unix(1_700_000_000).unwrap());
        ini(&desk.page(None, "f").unwrap().unwrap(), "mend it")
    }

    #[test]
    fn reads_sections_with_keys_in_either_writing() {
        let text = "\u{feff}# by hand\r\n[ default ]\r\nAK = a=b\r\nsk: c\r\n; end\r\nempty =\r\n[other]\r\n";
        let sections = read(text).unwrap();
        let keys = &sections["default"];
        assert_eq!(
            (filled(keys, "ak"), filled(keys, "sk")),
            (Some("a=b"), Some("c"))
        );
        assert_eq!(filled(keys, "empty"), None);
        assert!(sections["other"].is_empty());
    }

    #[test]
    fn a_line_that_is_none_of_its_own_is_named_and_not_shown() {
        for (text, expected) in [
            ("[a]\nhunter2", "expected key = value at line 2"),
            ("[hunter2", "expected ] at line 1"),
            ("hunter2 = x", "expected a [section] at line 1"),
        ] {
            let problem = read(text).unwrap_err();
            assert!(problem.message.ends_with(expected), "{}", problem.message);
            assert!(!problem.message.contains("hunter2"), "{}", problem.message);
        }
    }
}
