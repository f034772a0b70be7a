//! Selects a profile of a tool's file and reads its fields.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::file::{CredentialFile, FileProfile, Format};
use super::ini::Ini;
use super::tool_files::{SourceFile, SourceResult, ToolFiles};
use crate::collect::CollectExt as _;
use crate::error::{Category, Problem};
use crate::lenient::{self, List, Text};
use crate::model::{Notice, NoticeCode};
use crate::secret::quotable;

impl CredentialFile {
    /// Reads the profile with this name, or the one that the tool itself would use.
    ///
    /// # Errors
    /// A usage error if the named profile does not exist; `missing_credentials` for damaged files and for profiles
    /// that cannot be used here; `unauthenticated` for expired keys.
    pub(super) fn load(
        &'static self,
        files: &ToolFiles,
        named: Option<&str>,
    ) -> Result<SourceResult, Problem> {
        let is_true = |name: &&&str| {
            let text = files.selected_profile(name);
            text.is_some_and(|text| text.eq_ignore_ascii_case("true"))
        };
        if let (Some(name), None) = (self.off_variables.iter().find(is_true), named) {
            return Ok(SourceResult::Empty(format!("{name} is true")));
        }
        if let Format::JsonFiles { folder, ends } = self.format {
            let end = ends[usize::from(files.wants_only_region())];
            return self.load_from_folder(files, named, folder, end);
        }
        let mut file = None;
        let mut variable = self.path_variable;
        for path in self.paths {
            file = files.open(variable.take(), path)?;
            if file.is_some() {
                break;
            }
        }
        if let (None, Some(path)) = (&file, self.shared_path) {
            file = match files.open_shared(path) {
                // An unreadable file of another user on a shared machine is not an error.
                Err(problem) if named.is_none() => return Ok(SourceResult::Empty(problem.message)),
                opened => opened?,
            };
        }
        match file {
            Some(file) => self.read(&file, files, named),
            None => Ok(SourceResult::NotPresent),
        }
    }

    fn read(
        &'static self,
        file: &SourceFile,
        files: &ToolFiles,
        named: Option<&str>,
    ) -> Result<SourceResult, Problem> {
        let selected = self.selected(files);
        let chosen = named.or(selected.map(|(_, name)| name));
        let (current, profiles) = match self.format {
            Format::JsonList => {
                let document: Document<List<Value>> = json(file, self.hint)?;
                let profiles = document.profiles.0.into_iter();
                let named = profiles.map(|profile| (name_of(&profile), profile));
                (document.current, named.collect::<Vec<_>>())
            }
            Format::JsonMap => {
                let document: Document<BTreeMap<String, Value>> = json(file, self.hint)?;
                (document.current, document.profiles.into_iter().collect())
            }
            Format::IniSections => return self.read_section(file, files, named),
            Format::IniSection { name, inherits } => {
                return self.read_only_section(file, files, named, name, inherits);
            }
            Format::JsonFiles { .. } => return Ok(SourceResult::NotPresent),
        };
        let name = chosen.or(current.trimmed()).unwrap_or("default");
        let is_named = |(known, _): &&(String, Value)| known == name && !name.is_empty();
        let Some((_, profile)) = profiles.iter().find(is_named) else {
            let names = profiles.iter().map(|(name, _)| name.as_str());
            let names: Vec<_> = names.filter(|name| !name.is_empty()).collect();
            let reason = format!("{} has {}", file.path.display(), no_profile(name, &names));
            return match self.current_hint {
                Some(hint) if chosen.is_none() && !profiles.is_empty() => {
                    Err(Problem::new(Category::MissingCredentials, reason).with_hint(hint))
                }
                _ => without_profile(reason, named, selected),
            };
        };
        let location = format!("for profile '{}'", quotable(name));
        let Some(values) = profile.as_object() else {
            let what = format!("is invalid: expected an object {location}");
            return Err(file.problem(&what, self.hint));
        };
        let fields = self.json_fields(file, values, &location)?;
        let mut resolved = self.resolve(file, files, Some(name), location, fields)?;
        // The tools also use the first one.
        if profiles.iter().filter(is_named).count() > 1
            && let Some(credential) = resolved.found_mut()
        {
            let (path, name) = (file.path.display(), quotable(name));
            let message = format!("{path} has several profiles '{name}'; the first is used");
            let notice = Notice::new(NoticeCode::DuplicateProfile, message);
            credential.notices.push(notice);
        }
        Ok(resolved)
    }

    /// Returns the variable that selects a profile, and the profile.
    fn selected<'a>(&self, files: &'a ToolFiles) -> Option<(&'static str, &'a str)> {
        let mut variables = self.profile_variables.iter();
        variables.find_map(|name| Some((*name, files.selected_profile(name)?)))
    }

    /// Reads the profile of a tool that has one file per profile.
    fn load_from_folder(
        &'static self,
        files: &ToolFiles,
        named: Option<&str>,
        folder: &str,
        end: &str,
    ) -> Result<SourceResult, Problem> {
        let chosen = self.selected(files);
        let name = named.or(chosen.map(|(_, name)| name)).unwrap_or("default");
        let names = files.list(folder, end)?;
        if !names.iter().any(|known| known == name) {
            let reason = format!("~/{folder} has {}", no_profile(name, &names));
            return match (named, chosen) {
                (Some(_), _) => Err(Problem::usage(reason)),
                // A user who selected this profile does not want a key of another tool.
                (None, Some((variable, _))) => {
                    let message = format!("{variable} is '{}': {reason}", quotable(name));
                    let next = self.current_hint.unwrap_or(self.hint);
                    let hint = format!("fix or unset {variable}, or {next}");
                    Err(Problem::new(Category::MissingCredentials, message).with_hint(hint))
                }
                (None, None) if names.is_empty() => Ok(SourceResult::NotPresent),
                (None, None) => Ok(SourceResult::Empty(reason)),
            };
        }
        let Some(file) = files.open(None, &format!("{folder}/{name}{end}"))? else {
            return Ok(SourceResult::NotPresent);
        };
        let document: BTreeMap<String, Value> = json(&file, self.hint)?;
        let fields = self.json_fields(&file, &document.into_iter().collect(), "")?;
        self.resolve(&file, files, Some(name), String::new(), fields)
    }

    fn read_section(
        &'static self,
        file: &SourceFile,
        files: &ToolFiles,
        named: Option<&str>,
    ) -> Result<SourceResult, Problem> {
        let ini = Ini::read(file, self.hint);
        let selected = self.selected(files);
        let chosen = named.or(selected.map(|(_, name)| name));
        let name = chosen.unwrap_or("default");
        let Some(keys) = ini.inheriting_section(name)? else {
            let names: Vec<_> = ini.names().collect();
            let reason = format!("{} has {}", file.path.display(), no_profile(name, &names));
            return without_profile(reason, named, selected);
        };
        let without_comment = |text: &str| text.split('#').next().unwrap_or_default().to_owned();
        let fields = self.text_fields(|name| keys.get(name).map(|text| without_comment(text)));
        let location = format!("in [{}]", quotable(name));
        self.resolve(file, files, Some(name), location, fields)
    }

    fn read_only_section(
        &'static self,
        file: &SourceFile,
        files: &ToolFiles,
        named: Option<&str>,
        section: &str,
        inherits: bool,
    ) -> Result<SourceResult, Problem> {
        let ini = Ini::read(file, self.hint);
        if let Some(named) = named.filter(|named| *named != section) {
            let reason = no_profile(named, &[section]);
            return Err(Problem::usage(format!(
                "{} has {reason}",
                file.path.display()
            )));
        }
        let keys = match inherits {
            true => ini.inheriting_section(section)?,
            false => ini.section(section)?.cloned(),
        };
        let fields = self.text_fields(|name| keys.as_ref()?.get(name).cloned());
        self.resolve(file, files, None, format!("in [{section}]"), fields)
    }

    fn resolve(
        &'static self,
        file: &SourceFile,
        files: &ToolFiles,
        name: Option<&str>,
        location: String,
        fields: BTreeMap<&'static str, String>,
    ) -> Result<SourceResult, Problem> {
        let profile = FileProfile {
            spec: self,
            file,
            files,
            name,
            location,
            fields,
        };
        if files.wants_only_region() {
            let values = (self.region)(&profile)?;
            return Ok(profile.with_credential(values.unwrap_or_default(), None));
        }
        (self.resolve)(&profile)
    }

    fn text_fields(
        &self,
        value: impl Fn(&str) -> Option<String>,
    ) -> BTreeMap<&'static str, String> {
        let fields = self.fields.iter();
        let filled = fields.filter_map(|field| {
            let text = value(field.name)?.trim().to_owned();
            (!text.is_empty()).then_some((field.name, text))
        });
        filled.collect_map()
    }

    /// Returns the known fields and ignores others. The problem contains no text of the file.
    fn json_fields(
        &self,
        file: &SourceFile,
        values: &serde_json::Map<String, Value>,
        location: &str,
    ) -> Result<BTreeMap<&'static str, String>, Problem> {
        let mut fields = BTreeMap::new();
        for field in self.fields {
            let Some(value) = values.get(field.name) else {
                continue;
            };
            let text: Text = lenient::decode(value.to_string().as_bytes()).map_err(|_| {
                let what = format!("is invalid: expected text at {} {location}", field.name);
                file.problem(what.trim_end(), self.hint)
            })?;
            fields.extend(text.trimmed().map(|text| (field.name, text.to_owned())));
        }
        Ok(fields)
    }
}

/// Parses JSON. The problem contains no text of the file.
///
/// # Errors
/// `missing_credentials` if it is not a valid `T`.
pub(crate) fn json<T: DeserializeOwned>(file: &SourceFile, hint: &str) -> Result<T, Problem> {
    lenient::decode(file.text.as_bytes())
        .map_err(|expected| file.problem(&format!("is invalid: expected {expected}"), hint))
}

#[derive(Deserialize)]
#[serde(bound = "P: Default + Deserialize<'de>")]
struct Document<P> {
    #[serde(default)]
    current: Text,
    #[serde(default)]
    profiles: P,
}

fn name_of(profile: &Value) -> String {
    let name = profile.get("name").and_then(Value::as_str);
    name.unwrap_or_default().trim().to_owned()
}

/// Returns the result that a file does not contain the named or selected profile.
fn without_profile(
    reason: String,
    named: Option<&str>,
    selected: Option<(&'static str, &str)>,
) -> Result<SourceResult, Problem> {
    match (named, selected) {
        (Some(_), _) => Err(Problem::usage(reason)),
        // Several tools use the variable, and another one may have the profile.
        (None, Some((variable, name))) => Ok(SourceResult::NoSuchProfile {
            variable,
            profile: name.to_owned(),
            reason,
        }),
        (None, None) => Ok(SourceResult::Empty(reason)),
    }
}

/// Describes a profile that a tool does not have, with the profiles that it has.
fn no_profile(name: &str, names: &[impl AsRef<str>]) -> String {
    let names: Vec<_> = names.iter().map(|name| quotable(name.as_ref())).collect();
    let known = match names.is_empty() {
        true => "none".to_owned(),
        false => names.join(", "),
    };
    format!("no profile '{}'; available: {known}", quotable(name))
}
