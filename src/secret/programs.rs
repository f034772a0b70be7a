//! Programs that take a secret with a short option, which says nothing by its name.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::quoting::is_variable;

/// How an option takes its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// In the same word only: `-pVALUE`.
    Joined,
    /// In the same word or in the next one.
    Either,
}

/// Programs and their options that take a secret.
const PROGRAMS: [(&str, &[&str], Form); 16] = [
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
        &["-u", "-U", "--user", "--proxy-user", "-b"],
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
    (
        "sqlcmd bcp isql tsql zip unzip ipmitool",
        &["-P"],
        Form::Either,
    ),
    ("ossutil ossutil64 obsutil", &["-k"], Form::Either),
    ("coscmd", &["-s"], Form::Either),
    (
        "snmpwalk snmpbulkwalk snmpget snmpset",
        &["-A", "-X"],
        Form::Either,
    ),
    ("beeline", &["-p"], Form::Either),
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

/// Short options without a value that often stand before another one.
const FLAGS: &str = "sSfkLvgiIxXtTnNqQ";

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

/// Programs and the word after which they take a secret as an argument.
const LOGINS: [(&str, &str); 7] = [
    ("ngrok", "add-authtoken"),
    ("ngrok", "authtoken"),
    ("redis-cli", "AUTH"),
    ("redis-cli", "auth"),
    ("snyk", "auth"),
    ("vault", "login"),
    ("wandb", "login"),
];

/// What a short option of the program that is being read means.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Program {
    /// The one of [`LOGINS`] that is being read.
    login: Option<&'static str>,
    /// Its next argument is a secret.
    takes_secret: bool,
    /// The last word was an option.
    is_after_option: bool,
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
        let is_operator = word.starts_with(['<', '>']) || word.starts_with("2>");
        if found.is_none() && !bare.starts_with('-') && !bare.is_empty() && !is_operator {
            let name = bare.rsplit('/').next().unwrap_or_default();
            if self.takes_secret {
                // It may be the value of an option as well.
                self.takes_secret = self.is_after_option;
                self.is_after_option = false;
                return (!is_variable(word.trim_end_matches([';', ')']))).then_some(Value::At(0));
            }
            let login = LOGINS.iter().find(|(program, _)| *program == name);
            self.login = login.map(|(program, _)| *program).or(self.login);
            self.takes_secret = LOGINS
                .iter()
                .any(|&(program, command)| Some(program) == self.login && command == name);
            if name == "login" {
                self.options = Some(LOGIN);
            } else if let Some(options) = PROGRAMS_BY_NAME.get(name) {
                self.options = Some(*options);
            }
        }
        self.is_after_option = bare.starts_with('-');
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
            // `-sSu VALUE` and `-sSuVALUE`: short options that stand together.
            if is_short(option)
                && form == Form::Either
                && let Some(flags) = word.strip_prefix('-')
                && let Some((flags, value)) = flags.split_once(&option[1..])
            {
                let is_cluster = match value {
                    "" => flags.bytes().all(|flag| flag.is_ascii_alphabetic()),
                    _ => flags.chars().all(|flag| FLAGS.contains(flag)),
                };
                let at = word.len() - value.len();
                match (is_cluster && (1..=5).contains(&flags.len()), value) {
                    (true, "") => return Some(Value::Next),
                    (true, _) => return Some(Value::At(at)),
                    (false, _) => {}
                }
            }
        }
        None
    }
}
