use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{CloudKeys, Environment, Part};
use crate::error::Problem;
use crate::model::State;
use crate::secret::Secret;

/// A value of a profile, as the file gives it.
#[derive(Debug, Clone)]
pub(super) enum Entry {
    /// The value itself.
    Text(Secret),
    /// `KEY_env = "NAME"`: key and name of a variable.
    Variable(String, String),
    /// `KEY_file = "PATH"`: key and path of a file.
    Path(String, String),
}

type Entries = BTreeMap<String, Entry>;

/// The settings file, checked as a whole.
#[derive(Debug, Clone, Default)]
pub struct File {
    path: PathBuf,
    profiles: BTreeMap<(String, String), Entries>,
    wire: BTreeMap<String, String>,
    states: BTreeMap<String, Vec<(String, State)>>,
}

/// Keys of `[wire]`.
pub const WIRE_KEYS: [&str; 6] = [
    "connect_timeout",
    "request_timeout",
    "max_body",
    "max_attempts",
    "concurrency",
    "allow_http",
];

/// Keys that may be true or false without quotes.
const FLAGS: [&str; 1] = ["insecure_skip_verify"];

impl File {
    /// Where the settings file is looked for, and whether somebody named it; none where nothing
    /// tells of a home.
    pub fn place(config: Option<PathBuf>, environment: &Environment) -> (Option<PathBuf>, bool) {
        let named = config.or_else(|| environment.get("JOBLENS_CONFIG").map(PathBuf::from));
        if named.is_some() {
            return (named, true);
        }
        let base = environment.get("XDG_CONFIG_HOME").map(PathBuf::from);
        let base = base.or_else(|| Some(PathBuf::from(environment.get("HOME")?).join(".config")));
        let path = base.map(|base| base.join("joblens").join("config.toml"));
        (path, false)
    }

    /// Reads a file; one that nobody named may be missing.
    pub(super) fn read(
        path: &Path,
        named: bool,
        clouds: &[CloudKeys],
        kinds: &[String],
    ) -> Result<Self, Problem> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound && !named => {
                return Ok(Self::default());
            }
            Err(error) => {
                let shown = path.display();
                return Err(Problem::usage(format!(
                    "the settings file {shown} cannot be read ({})",
                    error.kind()
                ))
                .hint("check --config and JOBLENS_CONFIG"));
            }
        };
        let reader = Reader {
            path,
            text: &text,
            clouds,
            kinds,
        };
        let file = reader.read()?;
        if reader.holds_secret(&file) {
            refuse_readable_by_others(path)?;
        }
        Ok(file)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn has_profile(&self, cloud: &str, name: &str) -> bool {
        self.profiles
            .contains_key(&(cloud.to_owned(), name.to_owned()))
    }

    pub(super) fn entries(&self, cloud: &str, name: &str) -> impl Iterator<Item = (&str, &Entry)> {
        self.profiles
            .get(&(cloud.to_owned(), name.to_owned()))
            .into_iter()
            .flatten()
            .map(|(key, entry)| (key.as_str(), entry))
    }

    /// Names of the profiles of a cloud.
    pub fn profiles<'a>(&'a self, cloud: &'a str) -> impl Iterator<Item = &'a str> {
        self.profiles
            .keys()
            .filter(move |(of, _)| of == cloud)
            .map(|(_, name)| name.as_str())
    }

    /// A value of `[wire]` as text.
    pub fn wire(&self, key: &str) -> Option<&str> {
        self.wire.get(key).map(String::as_str)
    }

    /// The user's state words of a kind (`aliyun/job`).
    pub fn states(&self, kind: &str) -> &[(String, State)] {
        self.states.get(kind).map_or(&[], Vec::as_slice)
    }
}

/// # Errors
/// Wrong use, with the command that mends it.
fn refuse_readable_by_others(path: &Path) -> Result<(), Problem> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(path).map_or(0, |data| data.permissions().mode());
        if mode & 0o077 != 0 {
            let shown = path.display();
            return Err(Problem::usage(format!(
                "the settings file {shown} holds a secret and others can read it (mode {:03o})",
                mode & 0o777
            ))
            .hint(format!("run: chmod 600 '{shown}'")));
        }
    }
    Ok(())
}

type Table<'a> = DeTable<'a>;

struct Reader<'a> {
    path: &'a Path,
    text: &'a str,
    clouds: &'a [CloudKeys],
    kinds: &'a [String],
}

impl Reader<'_> {
    fn read(&self) -> Result<File, Problem> {
        let document = DeTable::parse(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            self.wrong(at, "this is not TOML")
        })?;
        let mut file = File {
            path: self.path.to_path_buf(),
            ..File::default()
        };
        for (key, value) in document.get_ref().iter() {
            let name: &str = key.get_ref();
            let table = self.table(value, key.span().start, name)?;
            match name {
                "wire" => file.wire = self.wire(table)?,
                "states" => file.states = self.states(table)?,
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
        file: &mut File,
    ) -> Result<(), Problem> {
        let Some(keys) = self.clouds.iter().find(|keys| keys.cloud == cloud) else {
            let known = self
                .clouds
                .iter()
                .map(|keys| keys.cloud)
                .collect::<Vec<_>>()
                .join(", ");
            return Err(self.wrong(
                at,
                &format!("“{cloud}” is not known; known are {known}, wire and states"),
            ));
        };
        for (name, value) in table.iter() {
            let profile: &str = name.get_ref();
            let what = format!("{cloud}.{profile}");
            let entries = self.entries(keys, self.table(value, name.span().start, &what)?)?;
            file.profiles
                .insert((cloud.to_owned(), profile.to_owned()), entries);
        }
        Ok(())
    }

    fn entries(&self, keys: &CloudKeys, table: &Table<'_>) -> Result<Entries, Problem> {
        let mut entries = Entries::new();
        let mut bases: Vec<String> = Vec::new();
        for (key, value) in table.iter() {
            let at = key.span().start;
            let name: &str = key.get_ref();
            let text = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Boolean(flag) if FLAGS.contains(&name) => flag.to_string(),
                _ => return Err(self.wrong(at, &format!("{name} must be text in quotes"))),
            };
            let (base, entry) = if keys.find(name).is_some() {
                (name, Entry::Text(Secret::new(text)))
            } else if let Some(base) = name.strip_suffix("_env").filter(|b| keys.find(b).is_some())
            {
                (base, Entry::Variable(base.to_owned(), text))
            } else if let Some(base) = name
                .strip_suffix("_file")
                .filter(|b| keys.find(b).is_some())
            {
                (base, Entry::Path(base.to_owned(), text))
            } else {
                return Err(self.unknown_key(at, name, keys));
            };
            if bases.iter().any(|other| other == base) {
                return Err(self.wrong(at, &format!("{base} is given twice")));
            }
            bases.push(base.to_owned());
            entries.insert(name.to_owned(), entry);
        }
        Ok(entries)
    }

    fn unknown_key(&self, at: usize, name: &str, keys: &CloudKeys) -> Problem {
        let nearest = keys
            .all()
            .min_by_key(|spec| strsim::damerau_levenshtein(spec.key, name))
            .map_or("", |spec| spec.key);
        let all = keys
            .all()
            .map(|spec| spec.key)
            .collect::<Vec<_>>()
            .join(", ");
        self.wrong(
            at,
            &format!(
                "{} has no key “{name}”; the nearest is {nearest}",
                keys.cloud
            ),
        )
        .hint(format!(
            "keys of {}: {all}; each also as KEY_env and KEY_file",
            keys.cloud
        ))
    }

    fn wire(&self, table: &Table<'_>) -> Result<BTreeMap<String, String>, Problem> {
        let mut wire = BTreeMap::new();
        for (key, value) in table.iter() {
            let name: &str = key.get_ref();
            if !WIRE_KEYS.contains(&name) {
                let known = WIRE_KEYS.join(", ");
                return Err(self.wrong(
                    key.span().start,
                    &format!("wire has no key “{name}”; known are {known}"),
                ));
            }
            let text = match value.get_ref() {
                DeValue::String(text) => text.to_string(),
                DeValue::Integer(number) => number.to_string(),
                DeValue::Boolean(flag) => flag.to_string(),
                _ => {
                    return Err(self.wrong(
                        key.span().start,
                        &format!("{name} must be text, a number or true/false"),
                    ));
                }
            };
            wire.insert(name.to_owned(), text);
        }
        Ok(wire)
    }

    fn states(&self, table: &Table<'_>) -> Result<BTreeMap<String, Vec<(String, State)>>, Problem> {
        let mut states = BTreeMap::new();
        for (kind, value) in table.iter() {
            let name: &str = kind.get_ref();
            if !self.kinds.iter().any(|known| known == name) {
                let known = self.kinds.join(", ");
                let what = format!("there is no kind “{name}”; known are {known}");
                return Err(self.wrong(kind.span().start, &what));
            }
            let words = self.table(value, kind.span().start, &format!("states.\"{name}\""))?;
            let mut mapped = Vec::new();
            for (word, value) in words.iter() {
                let at = word.span().start;
                let state = match value.get_ref() {
                    DeValue::String(text) => State::from_word(text),
                    _ => None,
                };
                let state = state.ok_or_else(|| {
                    let known = State::ALL.map(State::word).join(", ");
                    self.wrong(at, &format!("not a state; known are {known}"))
                })?;
                if state == State::Succeeded {
                    return Err(self.wrong(
                        at,
                        "a word cannot be mapped to succeeded: a gate would pass on it",
                    ));
                }
                let text: &str = word.get_ref();
                mapped.push((text.to_owned(), state));
            }
            states.insert(name.to_owned(), mapped);
        }
        Ok(states)
    }

    fn table<'v, 't>(
        &self,
        value: &'v Spanned<DeValue<'t>>,
        at: usize,
        name: &str,
    ) -> Result<&'v Table<'t>, Problem> {
        match value.get_ref() {
            DeValue::Table(table) => Ok(table),
            _ => Err(self.wrong(at, &format!("“{name}” must be a table, such as [{name}]"))),
        }
    }

    fn holds_secret(&self, file: &File) -> bool {
        file.profiles.iter().any(|((cloud, _), entries)| {
            let keys = self.clouds.iter().find(|keys| keys.cloud == cloud);
            entries.iter().any(|(key, entry)| {
                matches!(entry, Entry::Text(_))
                    && keys
                        .and_then(|keys| keys.find(key))
                        .is_some_and(|spec| spec.part == Part::Secret)
            })
        })
    }

    /// Wrong use at a place of the file; no text of the file's values is shown.
    fn wrong(&self, at: usize, what: &str) -> Problem {
        let line = 1 + self.text[..at.min(self.text.len())].matches('\n').count();
        Problem::usage(format!("{}:{line}: {what}", self.path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::super::KeySpec;
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    const CLOUD: CloudKeys = CloudKeys {
        cloud: "aliyun",
        keys: &[
            KeySpec::setting("region", &[]),
            KeySpec::secret("access_key_secret", &[]),
        ],
    };

    fn read(toml: &str, mode: u32) -> Result<File, Problem> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.toml");
        fs::write(&path, toml).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        File::read(&path, true, &[CLOUD], &["aliyun/job".to_owned()])
    }

    #[test]
    fn an_error_names_the_line_and_never_a_value() {
        let cases = [
            (
                "[aliyun.default]\nregoin = 'hunter2'\n",
                ":2: aliyun has no key “regoin”; the nearest is region",
            ),
            ("\n[azure.default]\n", ":2: “azure” is not known"),
            (
                "[aliyun.default]\naccess_key_secret = hunter2\n",
                ":2: this is not TOML",
            ),
            ("[aliyun.default]\nregion = 5\n", ":2: region must be text"),
            (
                "[aliyun.a]\nregion='x'\nregion_env='Y'\n",
                ":3: region is given twice",
            ),
            ("[wire]\nretries = 3\n", ":2: wire has no key “retries”"),
            (
                "[states.\"aliyun/job\"]\nDone = 'succeeded'\n",
                ":2: a word cannot be mapped to succeeded",
            ),
            (
                "[states.\"aliyun/job\"]\nDone = 'done'\n",
                ":2: not a state",
            ),
            (
                "[states.\"aliyun/jbo\"]\nDone = 'failed'\n",
                ":1: there is no kind “aliyun/jbo”; known are aliyun/job",
            ),
            ("aliyun = 3\n", ":1: “aliyun” must be a table"),
        ];
        for (toml, message) in cases {
            let problem = read(toml, 0o600).unwrap_err();
            assert!(
                problem.message.contains(message),
                "{} / {message}",
                problem.message
            );
            assert!(!format!("{problem:?}").contains("hunter2"));
        }
    }

    #[test]
    fn a_file_with_a_secret_must_not_be_readable_by_others() {
        let secret = "[aliyun.default]\naccess_key_secret = 'x'\n";
        let problem = read(secret, 0o644).unwrap_err();
        assert!(problem.hint.unwrap().starts_with("run: chmod 600"));
        assert!(read(secret, 0o600).is_ok());
        assert!(read("[aliyun.default]\naccess_key_secret_env = 'X'\n", 0o644).is_ok());
    }

    #[test]
    fn keeps_the_users_state_words() {
        let file = read("[states.\"aliyun/job\"]\nSuspended = 'stopping'\n", 0o644).unwrap();
        assert_eq!(
            file.states("aliyun/job"),
            [("Suspended".to_owned(), State::Stopping)]
        );
        assert!(file.states("sugon/instance").is_empty());
    }
}
