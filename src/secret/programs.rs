//! Programs that take a secret with a short option, which says nothing by its name.

use std::collections::HashMap;
use std::sync::LazyLock;

/// How an option takes its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// In the same word only: `-pVALUE`.
    Joined,
    /// In the same word or in the next one.
    Either,
}

/// Programs and their options that take a secret.
const PROGRAMS: [(&str, &[&str], Form); 12] = [
    (
        "mysql mysqldump mysqladmin mysqlimport mysqlslap mariadb mariadb-dump 7z 7za 7zr rar unrar",
        &["-p"],
        Form::Joined,
    ),
    (
        "sshpass mongo mongosh mongodump mongorestore",
        &["-p"],
        Form::Either,
    ),
    (
        "curl",
        &["-u", "-U", "--user", "--proxy-user"],
        Form::Either,
    ),
    ("wget2 lftp ncftp", &["-u"], Form::Either),
    ("http https xh xhs", &["-a", "--auth"], Form::Either),
    ("redis-cli valkey-cli", &["-a"], Form::Either),
    (
        "ldapsearch ldapadd ldapmodify ldapdelete ldapwhoami ldappasswd",
        &["-w"],
        Form::Either,
    ),
    ("smbclient rpcclient", &["-U"], Form::Either),
    ("sqlcmd bcp isql tsql zip unzip", &["-P"], Form::Either),
    (
        "openssl",
        &["-passin", "-passout", "-pass", "-k", "-K"],
        Form::Either,
    ),
    ("xfreerdp wfreerdp", &["/p:"], Form::Joined),
    // The options of these mean something else.
    (
        "ssh scp sftp rsync mkdir cp docker podman nc ncat kubectl psql git sudo env python python3 bash sh",
        &[],
        Form::Either,
    ),
];

type Options = (&'static [&'static str], Form);

static PROGRAMS_BY_NAME: LazyLock<HashMap<&str, Options>> = LazyLock::new(|| {
    let rows = PROGRAMS.into_iter();
    rows.flat_map(|(names, options, form)| {
        names.split(' ').map(move |name| (name, (options, form)))
    })
    .collect()
});

/// Options of `docker login` and others with a command of this name.
const LOGIN: Options = (&["-p"], Form::Either);

/// What a short option of the program that is being read means.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Program {
    options: Option<Options>,
}

/// What a word of a command line holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// The secret begins at this byte of the word.
    At(usize),
    /// The next word is the secret.
    Next,
}

impl Program {
    /// Takes notice of a word that may be a program, and returns where a secret stands.
    pub(super) fn read(&mut self, word: &str) -> Option<Value> {
        let skipped = word.len() - word.trim_start_matches(['"', '\'', '(', '$', '`']).len();
        let bare = word[skipped..].trim_end_matches(['"', '\'', ';', ')', '`']);
        if ["|", "||", "&&", "&"].contains(&word) {
            *self = Self::default();
            return None;
        }
        let found = self.value(bare);
        if found.is_none() && !bare.starts_with('-') {
            let name = bare.rsplit('/').next().unwrap_or_default();
            if name == "login" {
                self.options = Some(LOGIN);
            } else if let Some(options) = PROGRAMS_BY_NAME.get(name) {
                self.options = Some(*options);
            }
        }
        if word.ends_with(';') {
            *self = Self::default();
        }
        match found? {
            Value::At(at) => Some(Value::At(at + skipped)),
            Value::Next => Some(Value::Next),
        }
    }

    fn value(&self, word: &str) -> Option<Value> {
        let (options, form) = self.options?;
        let is_short = |option: &str| option.len() == 2;
        for option in options {
            if word == *option {
                return (form == Form::Either).then_some(Value::Next);
            }
            if let Some(value) = word.strip_prefix(option) {
                let is_joined = is_short(option) || value.starts_with('=') || option.ends_with(':');
                let at = word.len() - value.trim_start_matches('=').len();
                if is_joined && at < word.len() {
                    return Some(Value::At(at));
                }
            }
            // `-sSu VALUE`: short options that stand together.
            let is_cluster = is_short(option)
                && form == Form::Either
                && word.len() <= 5
                && word.starts_with('-')
                && word[1..].bytes().all(|byte| byte.is_ascii_alphabetic())
                && word.ends_with(&option[1..]);
            if is_cluster {
                return Some(Value::Next);
            }
        }
        None
    }
}
