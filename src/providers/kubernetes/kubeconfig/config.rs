//! Reads kubeconfig files and merges them as kubectl does: of entries with the same name, the first is used,
//! and fields are not combined.

use std::collections::HashSet;
use std::env::split_paths;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};

use super::document;
use crate::credentials::ToolFiles;
use crate::error::{Category, Problem};
use crate::model::Notice;
use crate::secret::quotable;

/// Maximum size of a file, in bytes.
pub(super) const MAX_BYTES: u64 = 10 << 20;

/// The hint for a file that is damaged.
const HINT: &str = "fix the kubeconfig, or choose another with KUBECONFIG";

/// The existing kubeconfig files, in their order.
pub(super) struct Kubeconfig {
    files: Vec<ConfigFile>,
    /// The searched location, for messages.
    pub searched: String,
    /// True if a setting or `KUBECONFIG` specifies the files.
    pub is_named: bool,
}

struct ConfigFile {
    path: PathBuf,
    document: Value,
    /// Notices, such as that other users can read the file.
    notices: Vec<Notice>,
}

/// A cluster, user or context in a file, or an object in one.
#[derive(Clone, Copy)]
pub(super) struct Entry<'a> {
    pub path: &'a Path,
    pub name: &'a str,
    fields: Option<&'a Map<String, Value>>,
    /// The field that contains it, such as `cluster`.
    field: &'static str,
}

impl Kubeconfig {
    /// Reads the file in the settings, or else the files in `KUBECONFIG`, or else `~/.kube/config`.
    ///
    /// # Errors
    /// `missing_credentials`: a file is damaged or cannot be read, or the one in the settings does not exist.
    pub fn load(files: &ToolFiles) -> Result<Self, Problem> {
        let listed = files.paths("KUBECONFIG").unwrap_or_default();
        let paths: Vec<PathBuf> = match files.named_path() {
            Some(path) => vec![path.to_path_buf()],
            None if listed.is_empty() => {
                let home = files.home().into_iter();
                home.map(|home| home.join(".kube/config")).collect()
            }
            None => {
                let paths = split_paths(listed).filter(|path| !path.as_os_str().is_empty());
                paths.map(absolute).collect()
            }
        };
        let mut config = Self {
            files: Vec::new(),
            is_named: files.named_path().is_some() || !listed.is_empty(),
            searched: match (files.named_path(), listed) {
                (Some(path), _) => path.display().to_string(),
                (None, listed) if listed.is_empty() => "~/.kube/config".to_owned(),
                (None, listed) => format!("KUBECONFIG={}", quotable(&listed.to_string_lossy())),
            },
        };
        for path in paths {
            if config.files.iter().any(|known| known.path == path) {
                continue;
            }
            if let Some(file) = files.read(&path, MAX_BYTES)? {
                let read = document::parse(&file.text);
                let document = read.map_err(|message| file.problem(&message, HINT))?;
                if !matches!(document, Value::Null | Value::Object(_)) {
                    return Err(file.problem("is not a kubeconfig", HINT));
                }
                if let Some(message) = wrong_type(&document) {
                    return Err(file.problem(&message, HINT));
                }
                if let Some(name) = duplicate_name(&document) {
                    let message = format!("has the name '{}' twice in a list", quotable(name));
                    return Err(file.problem(&message, HINT));
                }
                config.files.push(ConfigFile {
                    path,
                    document,
                    notices: file.notices(),
                });
            }
        }
        Ok(config)
    }

    /// Returns `true` if at least one of the files exists.
    pub fn exists(&self) -> bool {
        !self.files.is_empty()
    }

    /// Returns the notices about the file of an entry that contains a secret.
    pub fn notices(&self, entry: Entry<'_>) -> Vec<Notice> {
        let mut files = self.files.iter().filter(|file| file.path == entry.path);
        files
            .next()
            .map_or_else(Vec::new, |file| file.notices.clone())
    }

    /// Returns the name of the context that kubectl uses.
    pub fn current_context(&self) -> Option<&str> {
        let names = self
            .files
            .iter()
            .map(|file| text(file.document.get("current-context")));
        names.flatten().find(|name| !name.is_empty())
    }

    pub fn context(&self, name: &str) -> Option<Entry<'_>> {
        self.entries("contexts", "context")
            .find(|entry| entry.name == name)
    }

    pub fn contexts(&self) -> impl Iterator<Item = Entry<'_>> {
        self.entries("contexts", "context")
    }

    pub fn cluster(&self, name: &str) -> Option<Entry<'_>> {
        self.entries("clusters", "cluster")
            .find(|entry| entry.name == name)
    }

    pub fn user(&self, name: &str) -> Option<Entry<'_>> {
        self.entries("users", "user")
            .find(|entry| entry.name == name)
    }

    fn entries(&self, list: &'static str, field: &'static str) -> impl Iterator<Item = Entry<'_>> {
        self.files.iter().flat_map(move |file| {
            let entries = file.document.get(list).and_then(Value::as_array);
            entries.into_iter().flatten().filter_map(move |entry| {
                Some(Entry {
                    path: &file.path,
                    name: text(entry.get("name"))?,
                    fields: entry.get(field).and_then(Value::as_object),
                    field,
                })
            })
        })
    }
}

impl<'a> Entry<'a> {
    /// Returns the text of a field; `None` if it is absent or empty.
    ///
    /// # Errors
    /// `missing_credentials`: the field has another type.
    pub fn text(&self, key: &str) -> Result<Option<&'a str>, Problem> {
        match self.value(key) {
            None => Ok(None),
            Some(value) => match text(Some(value)) {
                Some(text) => Ok(Some(text).filter(|text| !text.is_empty())),
                None => Err(self.problem(&format!("has a value at {key} that is not text"))),
            },
        }
    }

    /// Returns the value of a boolean field.
    ///
    /// # Errors
    /// `missing_credentials`: the field is neither true nor false.
    pub fn flag(&self, key: &str) -> Result<bool, Problem> {
        match self.value(key) {
            None | Some(Value::Bool(false)) => return Ok(false),
            Some(Value::Bool(true)) => return Ok(true),
            Some(_) => {}
        }
        match self
            .text(key)?
            .unwrap_or_default()
            .to_ascii_lowercase()
            .as_str()
        {
            "true" | "yes" | "on" | "y" => Ok(true),
            "" | "false" | "no" | "off" | "n" => Ok(false),
            _ => Err(self.problem(&format!("has a value at {key} that is not true or false"))),
        }
    }

    /// Returns a field as it is in the file, unless it is null.
    pub fn value(&self, key: &str) -> Option<&'a Value> {
        self.fields?.get(key).filter(|value| !value.is_null())
    }

    /// Returns the object in a field as an entry.
    ///
    /// # Errors
    /// `missing_credentials`: the field has another type.
    pub fn object(&self, key: &'static str) -> Result<Option<Entry<'a>>, Problem> {
        match self.value(key) {
            None => Ok(None),
            Some(Value::Object(fields)) => Ok(Some(Entry {
                fields: Some(fields),
                ..*self
            })),
            Some(_) => Err(self.problem(&format!("has a value at {key} that is not an object"))),
        }
    }

    /// Returns the texts in a list.
    ///
    /// # Errors
    /// `missing_credentials`: the field has another type.
    pub fn texts(&self, key: &str) -> Result<Vec<&'a str>, Problem> {
        let problem = || self.problem(&format!("has a value at {key} that is not a list of texts"));
        let list = match self.value(key) {
            None => return Ok(Vec::new()),
            Some(list) => list.as_array().ok_or_else(problem)?,
        };
        let texts = list.iter().map(|value| match value {
            Value::Null => Some(""),
            value => text(Some(value)),
        });
        texts.collect::<Option<_>>().ok_or_else(problem)
    }

    /// Returns the lists of texts in an object, by name.
    ///
    /// # Errors
    /// `missing_credentials`: the field or one of the lists has another type.
    pub fn text_lists(&self, key: &'static str) -> Result<Vec<(&'a str, Vec<&'a str>)>, Problem> {
        let Some(object) = self.object(key)? else {
            return Ok(Vec::new());
        };
        let names = object.fields.into_iter().flat_map(Map::keys);
        names
            .map(|name| Ok((name.as_str(), object.texts(name)?)))
            .collect()
    }

    /// Returns the names and values in a list of objects with `name` and `value`.
    ///
    /// # Errors
    /// `missing_credentials`: the field has another type.
    pub fn pairs(&self, key: &str) -> Result<Vec<(&'a str, &'a str)>, Problem> {
        let problem = || {
            self.problem(&format!(
                "has a value at {key} that is not a list of names and values"
            ))
        };
        let list = match self.value(key) {
            None => return Ok(Vec::new()),
            Some(list) => list.as_array().ok_or_else(problem)?,
        };
        let pair = |item: &'a Value| {
            let value = item.get("value").filter(|value| !value.is_null());
            let value = value.map_or(Some(""), |value| text(Some(value)));
            Some((text(item.get("name"))?, value?))
        };
        list.iter()
            .map(pair)
            .collect::<Option<_>>()
            .ok_or_else(problem)
    }

    /// Returns a path. A relative one is resolved from the directory of the file.
    ///
    /// # Errors
    /// As [`Entry::text`].
    pub fn path(&self, key: &str) -> Result<Option<PathBuf>, Problem> {
        let path = self.text(key)?;
        let path = path.map(|path| self.path.with_file_name("").join(path));
        Ok(path.map(|path| path.components().collect()))
    }

    /// Builds a problem of this entry; `what` follows its name in the message.
    pub fn problem(&self, message: &str) -> Problem {
        let message = format!(
            "{}: {} '{}' {message}",
            self.path.display(),
            self.field,
            quotable(self.name)
        );
        Problem::new(Category::MissingCredentials, message).with_hint(HINT)
    }
}

/// The lists of a kubeconfig.
const LISTS: [&str; 3] = ["clusters", "users", "contexts"];

/// Describes a field of the document with a wrong type. Without this check, its contexts would not be found.
fn wrong_type(document: &Value) -> Option<String> {
    let is_other = |name: &&str, is_valid: fn(&Value) -> bool| {
        let value = document.get(*name).filter(|value| !value.is_null());
        value.is_some_and(|value| !is_valid(value))
    };
    let message = |name: &str, expected| format!("has a value at {name} that is not {expected}");
    let name = "current-context";
    if is_other(&name, Value::is_string) {
        return Some(message(name, "text"));
    }
    let mut lists = LISTS.iter();
    if let Some(list) = lists.find(|name| is_other(name, Value::is_array)) {
        return Some(message(list, "a list"));
    }
    let is_object = |value: &Value| value.is_object() || value.is_null();
    let are_objects = |value: &Value| {
        value
            .as_array()
            .is_none_or(|list| list.iter().all(is_object))
    };
    let mut lists = LISTS.iter();
    let list = lists.find(|name| {
        let value = document.get(**name);
        value.is_some_and(|value| !are_objects(value))
    })?;
    Some(message(list, "a list of objects"))
}

/// Returns a name that occurs twice in a list.
fn duplicate_name(document: &Value) -> Option<&str> {
    let lists = LISTS.iter();
    lists
        .filter_map(|list| document.get(list)?.as_array())
        .find_map(|list| {
            let mut known = HashSet::new();
            let names = list.iter().filter_map(|entry| text(entry.get("name")));
            names.into_iter().find(|name| !known.insert(*name))
        })
}

/// Returns the text of a scalar.
fn text(value: Option<&Value>) -> Option<&str> {
    value?.as_str()
}

fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}
