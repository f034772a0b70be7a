//! Reads the keys and values of a config file and checks the whole file.

use std::collections::BTreeMap;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::super::{CREDENTIAL_COMMAND, SOURCE, SettingRole, SettingsSchema};
use super::{Entries, HTTP, HTTP_KEYS, STATES, SettingValue, SettingsFile, syntax};
use crate::error::{Problem, closest_match};
use crate::secret::{Secret, quotable};

/// Keys whose value can be a list of strings, which means the same as one string with commas.
const LISTS: [&str; 1] = ["ai_hosts"];

const IN_A_PROFILE: &str = "settings belong in the table of a profile, such as [aliyun.default]";

/// Keys whose value can be `true` or `false` without quotes.
const FLAGS: [&str; 2] = ["insecure_skip_verify", "token_cache"];

/// Returns `; did you mean 'NAME'?` with the closest name; an empty text if no name is close.
pub(super) fn closest_suggestion<'a>(
    names: impl IntoIterator<Item = &'a str>,
    word: &str,
) -> String {
    let near = closest_match(names, word);
    near.map_or_else(String::new, |near| format!("; did you mean '{near}'?"))
}

/// Joins the strings of a list with commas; `None` if an element is not a string.
fn joined(items: &DeArray<'_>) -> Option<String> {
    let text = |item: &Spanned<DeValue<'_>>| match item.get_ref() {
        DeValue::String(text) => Some(text.to_string()),
        _ => None,
    };
    let texts: Option<Vec<String>> = items.iter().map(text).collect();
    Some(texts?.join(","))
}

pub(super) type Table<'a> = DeTable<'a>;

/// Reads the text of a config file.
pub(super) struct SettingsParser<'a> {
    pub path: &'a Path,
    pub text: &'a str,
    /// Position of each line end in the text.
    pub newlines: Vec<usize>,
    /// The keys that the profiles of each cloud can have.
    pub schemas: &'a [&'static SettingsSchema],
    /// The kinds whose states can be mapped.
    pub kinds: &'a [String],
}

impl SettingsParser<'_> {
    pub(super) fn parse(&self) -> Result<SettingsFile, Problem> {
        let document = DeTable::parse(self.text).map_err(|error| {
            let syntax_error = syntax::explain(self.text, &error);
            Problem {
                hint: syntax_error.hint,
                ..self.error_at(syntax_error.offset, &syntax_error.message)
            }
        })?;
        let mut file = SettingsFile {
            path: self.path.to_path_buf(),
            ..SettingsFile::default()
        };
        for (key, value) in document.get_ref().iter() {
            let name: &str = key.get_ref();
            let table = self.table(value, key.span().start, name);
            let table = table.map_err(|problem| match name {
                "http" | "states" => problem.with_hint(format!("write it as a table: [{name}]")),
                _ => problem.with_hint(IN_A_PROFILE),
            })?;
            match name {
                HTTP => {
                    file.http = self.http(table)?;
                    self.record_positions(&mut file, [HTTP, ""], table);
                }
                STATES => {
                    file.states = self.states(table)?;
                    for (kind, words) in table.iter() {
                        let words = self.table(words, kind.span().start, STATES)?;
                        self.record_positions(&mut file, [STATES, kind.get_ref()], words);
                    }
                }
                cloud => self.profiles(cloud, key.span().start, table, &mut file)?,
            }
        }
        Ok(file)
    }

    fn profiles(
        &self,
        cloud: &str,
        at: usize,
        table: &Table<'_>,
        file: &mut SettingsFile,
    ) -> Result<(), Problem> {
        let Some(schema) = self.schemas.iter().find(|schema| schema.cloud == cloud) else {
            return Err(self.unknown_table(at, cloud));
        };
        for (name, value) in table.iter() {
            let profile: &str = name.get_ref();
            if profile.trim().is_empty() {
                let message = format!("a profile of {cloud} has an empty name");
                return Err(self.error_at(name.span().start, &message));
            }
            let table_name = format!("{cloud}.{profile}");
            let table = self
                .table(value, name.span().start, &table_name)
                .map_err(|problem| {
                    problem.with_hint(format!(
                        "settings belong in the table of a profile: [{cloud}.default]"
                    ))
                })?;
            let key = (cloud.to_owned(), profile.to_owned());
            if let Some(words) = self.command(schema, table)? {
                file.commands.insert(key.clone(), words);
            }
            file.profiles.insert(key, self.entries(schema, table)?);
            self.record_positions(file, [cloud, profile], table);
        }
        Ok(())
    }

    fn unknown_table(&self, at: usize, name: &str) -> Problem {
        let known: Vec<&str> = self.schemas.iter().map(|schema| schema.cloud).collect();
        let message = format!(
            "unknown table '{}'; expected one of: {}, http, states",
            quotable(name),
            known.join(", ")
        );
        let joined = known.iter().find_map(|cloud| {
            let profile = name
                .strip_prefix(cloud)?
                .strip_prefix(['-', '_', '/', ':', '@'])?;
            Some(format!("write [{cloud}.{}]", quotable(profile)))
        });
        let closest = closest_match(known.into_iter().chain([HTTP, STATES]), name);
        let hint = joined.or_else(|| Some(format!("did you mean '{}'?", closest?)));
        self.error_at(at, &message)
            .with_hint(hint.unwrap_or_else(|| IN_A_PROFILE.to_owned()))
    }

    /// Records the positions of the values of a table.
    fn record_positions(
        &self,
        file: &mut SettingsFile,
        [table, profile]: [&str; 2],
        keys: &Table<'_>,
    ) {
        let positions = keys.iter().map(|(key, value)| {
            let position = self.position(value.span().start);
            ([table, profile, key.get_ref()].map(str::to_owned), position)
        });
        file.positions.extend(positions);
    }

    /// Returns line and column of a position, from 1.
    fn position(&self, at: usize) -> (usize, usize) {
        let before = &self.text[..at.min(self.text.len())];
        let line = 1 + self.newlines.partition_point(|newline| *newline < at);
        let last = before.rsplit('\n').next();
        (line, 1 + last.map_or(0, |line| line.chars().count()))
    }

    /// Returns the words of `credential_command`. It excludes other credential keys, since a credential has one
    /// source.
    fn command(
        &self,
        schema: &SettingsSchema,
        table: &Table<'_>,
    ) -> Result<Option<Vec<String>>, Problem> {
        // An empty text counts as not set.
        let is_empty =
            |value: &DeValue<'_>| matches!(value, DeValue::String(text) if text.trim().is_empty());
        let mut sources = table.iter().filter(|(key, value)| {
            if is_empty(value.get_ref()) {
                return false;
            }
            let name: &str = key.get_ref();
            let base = name.strip_suffix("_env").or(name.strip_suffix("_file"));
            [CREDENTIAL_COMMAND, SOURCE].contains(&name)
                || schema.is_credential(name)
                || base.is_some_and(|base| base == SOURCE || schema.is_credential(base))
        });
        let command = table
            .iter()
            .find(|(key, _)| key.get_ref() == CREDENTIAL_COMMAND);
        let points = |key: &str| key == CREDENTIAL_COMMAND || key.starts_with(SOURCE);
        let all: Vec<_> = sources.by_ref().map(|(key, _)| key).collect();
        if let (Some(key_name), true) =
            (all.iter().find(|key| points(key.get_ref())), all.len() > 1)
        {
            let other_key = all.iter().find(|key| key.get_ref() != key_name.get_ref());
            let other_key = other_key.map_or("", |key| key.get_ref());
            let message = format!(
                "{} and {other_key} are mutually exclusive",
                key_name.get_ref()
            );
            let problem = self.error_at(key_name.span().start, &message);
            return Err(problem
                .with_hint("a profile has one source of its credential: remove one of the keys"));
        }
        let Some((key, value)) = command else {
            return Ok(None);
        };
        let word = |value: &Spanned<DeValue<'_>>| match value.get_ref() {
            DeValue::String(text) => Some(text.to_string()),
            _ => None,
        };
        let words: Option<Vec<String>> = match value.get_ref() {
            DeValue::Array(words) => words.iter().map(word).collect(),
            _ => None,
        };
        match words.filter(|words| words.first().is_some_and(|word| !word.trim().is_empty())) {
            Some(words) => Ok(Some(words)),
            None => Err(self.error_at(
                key.span().start,
                &format!("{CREDENTIAL_COMMAND} must be a list of strings, e.g. [\"pass\", \"show\", \"x\"]"),
            )),
        }
    }

    fn entries(&self, schema: &SettingsSchema, table: &Table<'_>) -> Result<Entries, Problem> {
        let mut entries = Entries::new();
        let mut bases: Vec<String> = Vec::new();
        for (key, value) in table.iter() {
            let at = key.span().start;
            let name: &str = key.get_ref();
            if name == CREDENTIAL_COMMAND {
                continue;
            }
            let text = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Boolean(flag) if FLAGS.contains(&name) => flag.to_string(),
                DeValue::Array(items) if LISTS.contains(&name) => {
                    joined(items).ok_or_else(|| {
                        self.error_at(at, &format!("{name} must be a list of strings"))
                    })?
                }
                _ if FLAGS.contains(&name) => {
                    return Err(self.error_at(at, &format!("{name} must be true or false")));
                }
                _ => return Err(self.error_at(at, &format!("{name} must be a string in quotes"))),
            };
            let (base, entry) = if schema.find(name).is_some() {
                (name, SettingValue::Text(Secret::new(text)))
            } else if let Some(base) = name
                .strip_suffix("_env")
                .filter(|b| schema.find(b).is_some())
            {
                (base, SettingValue::Variable(base.to_owned(), text))
            } else if let Some(base) = name
                .strip_suffix("_file")
                .filter(|b| schema.find(b).is_some())
            {
                (base, SettingValue::Path(base.to_owned(), text))
            } else {
                return Err(self.unknown_key(at, name, schema));
            };
            if bases.iter().any(|other| other == base) {
                let message = format!("{base} is set more than once");
                let hint = format!("keep one: {base}, {base}_env or {base}_file");
                return Err(self.error_at(at, &message).with_hint(hint));
            }
            bases.push(base.to_owned());
            entries.insert(name.to_owned(), entry);
        }
        Ok(entries)
    }

    fn unknown_key(&self, at: usize, name: &str, schema: &SettingsSchema) -> Problem {
        let closest = closest_suggestion(schema.all().map(|spec| spec.key), name);
        let all = schema
            .all()
            .map(|spec| spec.key)
            .collect::<Vec<_>>()
            .join(", ");
        self.error_at(
            at,
            &format!(
                "unknown key '{}' in {}{closest}",
                quotable(name),
                schema.cloud
            ),
        )
        .with_hint(format!(
            "keys of {}: {all}, each also as KEY_env and KEY_file; {CREDENTIAL_COMMAND}",
            schema.cloud
        ))
    }

    fn http(&self, table: &Table<'_>) -> Result<BTreeMap<String, String>, Problem> {
        let mut http = BTreeMap::new();
        for (key, value) in table.iter() {
            let name: &str = key.get_ref();
            if !HTTP_KEYS.contains(&name) {
                let closest = closest_suggestion(HTTP_KEYS, name);
                let message = format!("unknown key '{}' in [http]{closest}", quotable(name));
                let hint = format!("keys of [http]: {}", HTTP_KEYS.join(", "));
                return Err(self.error_at(key.span().start, &message).with_hint(hint));
            }
            let text = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Integer(number) => number.to_string(),
                // The check of the value describes the expected one.
                DeValue::Float(number) => number.to_string(),
                DeValue::Boolean(flag) => flag.to_string(),
                _ => {
                    return Err(self.error_at(
                        key.span().start,
                        &format!("{name} must be a string, a number or a boolean"),
                    ));
                }
            };
            http.insert(name.to_owned(), text);
        }
        Ok(http)
    }

    pub(super) fn table<'v, 't>(
        &self,
        value: &'v Spanned<DeValue<'t>>,
        at: usize,
        name: &str,
    ) -> Result<&'v Table<'t>, Problem> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(table),
            _ => {
                let name = quotable(name);
                Err(self.error_at(at, &format!("'{name}' must be a table")))
            }
        }
    }

    /// Returns `true` if the file itself contains a secret.
    pub(super) fn contains_secret(&self, file: &SettingsFile) -> bool {
        file.profiles.iter().any(|((cloud, _), entries)| {
            let schema = self.schemas.iter().find(|schema| schema.cloud == cloud);
            entries.iter().any(|(key, entry)| {
                matches!(entry, SettingValue::Text(_))
                    && schema
                        .and_then(|schema| schema.find(key))
                        .is_some_and(|spec| spec.role == SettingRole::Secret)
            })
        })
    }

    /// Returns a usage error at a position in the file. It contains no values of the file.
    pub(super) fn error_at(&self, at: usize, message: &str) -> Problem {
        let (line, column) = self.position(at);
        Problem::usage(format!(
            "{}:{line}:{column}: {message}",
            self.path.display()
        ))
    }
}
