//! Reads the environment of the process.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::error::Problem;
use crate::secret::{mask_arguments, masked_id};

/// The environment at the start of the process.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    pub(super) variables: HashMap<String, String>,
    /// Variables whose value is not UTF-8.
    unreadable: Arc<[UnreadableVariable]>,
}

/// A variable whose value is not UTF-8. It is an error only if the variable is read as text.
#[derive(Debug)]
struct UnreadableVariable {
    name: String,
    value: OsString,
    is_read: AtomicBool,
}

impl Environment {
    /// Creates an environment from these variables.
    pub fn new(variables: impl IntoIterator<Item = (String, String)>) -> Self {
        let variables = variables.into_iter().collect();
        let unreadable = Arc::default();
        Self {
            variables,
            unreadable,
        }
    }

    /// Creates an environment from the variables of the process. Ignores variables whose name is not UTF-8.
    pub fn from_os(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let (mut readable, mut unreadable) = (HashMap::new(), Vec::new());
        for (name, value) in variables {
            match (name.into_string(), value.into_string()) {
                (Ok(name), Ok(value)) => drop(readable.insert(name, value)),
                (Ok(name), Err(value)) => unreadable.push(UnreadableVariable {
                    name,
                    value,
                    is_read: AtomicBool::new(false),
                }),
                (Err(_), _) => {}
            }
        }
        Self {
            variables: readable,
            unreadable: unreadable.into(),
        }
    }

    /// Returns a copy of which no variable was read yet, so that [`Self::check`] reports only those that one account
    /// needs.
    pub fn unread(&self) -> Self {
        let unreadable = self.unreadable.iter().map(|one| UnreadableVariable {
            name: one.name.clone(),
            value: one.value.clone(),
            is_read: AtomicBool::new(false),
        });
        Self {
            variables: self.variables.clone(),
            unreadable: unreadable.collect(),
        }
    }

    /// Returns `true` if the value of any variable is not UTF-8.
    pub(crate) fn has_unreadable(&self) -> bool {
        !self.unreadable.is_empty()
    }

    /// Returns a variable's value for a path or a list of paths, which need not be UTF-8.
    pub fn os(&self, name: &str) -> Option<&OsStr> {
        let mut unreadable = self.unreadable.iter();
        let unreadable = unreadable.find(|one| one.name == name);
        match unreadable {
            Some(one) => Some(&one.value),
            None => self.get(name).map(|value| OsStr::new(value.trim())),
        }
    }

    /// Checks that all variables read so far are valid UTF-8. An invalid one would count as not set, and another
    /// account or network path would be used.
    ///
    /// # Errors
    /// A usage error that names the variable.
    pub fn check(&self) -> Result<(), Problem> {
        let mut unreadable = self.unreadable.iter();
        match unreadable.find(|one| one.is_read.load(Ordering::Relaxed)) {
            None => Ok(()),
            Some(one) => {
                let message = format!("environment variable {} is not valid UTF-8", one.name);
                Err(Problem::usage(message).with_hint("set it to text in UTF-8, or unset it"))
            }
        }
    }

    fn mark_read(&self, is_wanted: impl Fn(&str) -> bool) {
        for one in self.unreadable.iter().filter(|one| is_wanted(&one.name)) {
            one.is_read.store(true, Ordering::Relaxed);
        }
    }

    /// Returns all variables with secrets and key ids masked; `is_id` selects those that contain a key id.
    pub fn masked(&self, is_id: impl Fn(&str) -> bool) -> impl Iterator<Item = (String, String)> {
        self.variables.iter().map(move |(name, value)| {
            if is_id(name) {
                return (name.clone(), masked_id(value));
            }
            let mut pair = [format!("{name}={value}")];
            mask_arguments(&mut pair);
            let value = pair[0].split_once('=').map_or("", |(_, value)| value);
            (name.clone(), value.to_owned())
        })
    }

    /// Returns a variable's value, which can be empty.
    pub fn raw(&self, name: &str) -> Option<&str> {
        self.mark_read(|unreadable| unreadable == name);
        self.variables.get(name).map(String::as_str)
    }

    /// Returns `true` if the process runs in a CI system: `CI` is set, and not to `false` or `0`.
    pub fn is_ci(&self) -> bool {
        self.get("CI")
            .is_some_and(|value| !matches!(value, "false" | "0"))
    }

    /// Returns a variable's value; an empty one counts as not set.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.raw(name).filter(|value| !value.trim().is_empty())
    }

    /// Returns the names of the variables that are set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.variables.keys().map(String::as_str);
        names.filter(|name| self.get(name).is_some())
    }

    /// Returns the home folder; `None` if HOME is not set or relative, since the settings would depend on the
    /// current folder.
    pub fn home(&self) -> Option<PathBuf> {
        let home = self.get("HOME").map(PathBuf::from);
        home.filter(|home| home.is_absolute())
    }

    /// Returns the cache folder: `$XDG_CACHE_HOME/joblens`, else `~/.cache/joblens`; `None` without a home folder.
    pub fn cache_folder(&self) -> Option<PathBuf> {
        let named = self.get("XDG_CACHE_HOME").map(PathBuf::from);
        // The XDG specification requires to ignore a relative path.
        let base = named.filter(|path| path.is_absolute());
        let base = base.or_else(|| Some(self.home()?.join(".cache")));
        base.map(|base| base.join("joblens"))
    }

    /// Returns the variables that configure proxies, in either case, and CA certificates.
    pub fn network(&self) -> Vec<(String, String)> {
        let is_proxy = |name: &str| name.to_ascii_uppercase().ends_with("_PROXY");
        let is_ca = |name: &str| name == "SSL_CERT_FILE" || name == "SSL_CERT_DIR";
        self.mark_read(|name| is_ca(name) || is_proxy(name));
        self.variables
            .iter()
            .filter(|(name, value)| is_ca(name) || (is_proxy(name) && !value.trim().is_empty()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt as _;

    use super::*;
    use crate::error::Category;

    #[test]
    fn a_variable_that_is_not_utf_8_is_an_error_only_after_it_was_read() {
        let environment = Environment::from_os([
            ("OTHER".into(), OsString::from_vec(b"\xff".to_vec())),
            (
                "JOBLENS_PROFILE".into(),
                OsString::from_vec(b"\xc9\xfa".to_vec()),
            ),
            (
                "HTTPS_PROXY".into(),
                OsString::from_vec(b"http://us\xe9r".to_vec()),
            ),
            ("HOME".into(), "/home/me".into()),
        ]);
        assert!(environment.home().is_some());
        assert_eq!(environment.check(), Ok(()));
        let copy = environment.clone();
        assert_eq!(copy.get("JOBLENS_PROFILE"), None);
        let problem = environment.check().unwrap_err();
        assert_eq!(problem.category, Category::Usage);
        assert!(
            problem
                .message
                .contains("JOBLENS_PROFILE is not valid UTF-8")
        );

        let name = OsString::from("HTTPS_PROXY");
        let environment = Environment::from_os([(name, OsString::from_vec(vec![0xff]))]);
        environment.network();
        assert!(environment.check().is_err());
    }
}
