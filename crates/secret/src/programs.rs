//! Recognizes programs that take a secret with a short option, whose name does not show that it is a secret.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::quoting::is_variable;

/// Position of the value of an option.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Only in the same word: `-pVALUE`.
    Joined,
    /// In the same word or in the next one.
    Either,
}

/// Programs and their options that take a secret.
const PROGRAMS: [(&str, &[&str], Form); 18] = [
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
    (
        "beeline cqlsh psexec rabbitmqadmin rdesktop twine useradd usermod",
        &["-p"],
        Form::Either,
    ),
    ("mosquitto_pub mosquitto_sub", &["-P"], Form::Either),
    ("kadmin", &["-w"], Form::Either),
    (
        "openssl",
        &["-passin", "-passout", "-pass", "-k", "-K"],
        Form::Either,
    ),
    ("xfreerdp wfreerdp", &["/p:"], Form::Joined),
    // In these programs the options have other meanings.
    (
        "ssh scp sftp rsync mkdir cp docker podman nc ncat kubectl psql git sudo env python python3 bash sh",
        &[],
        Form::Either,
    ),
];

/// Short options without a value that often precede another short option.
const FLAGS: &str = "sSfkLvgiIxXtTnNqQ";

type Options = (&'static [&'static str], Form);

static PROGRAMS_BY_NAME: LazyLock<HashMap<&str, Options>> = LazyLock::new(|| {
    let rows = PROGRAMS.into_iter();
    rows.flat_map(|(names, options, form)| {
        names.split(' ').map(move |name| (name, (options, form)))
    })
    .collect()
});

/// Options of commands with this name, such as `docker login`.
const LOGIN: Options = (&["-p"], Form::Either);

/// Programs with a command or short option, and the number of arguments between it and a secret.
const SECRET_ARGUMENTS: [(&str, &str, usize); 18] = [
    ("expect", "send", 0),
    // After the user, or after the file and the user, in which case the user is masked as well.
    ("htpasswd", "-b", 1),
    ("mc", "add", 3),
    ("mc", "set", 3),
    ("mcli", "set", 3),
    ("ngrok", "add-authtoken", 0),
    ("ngrok", "authtoken", 0),
    ("nmcli", "password", 0),
    ("openssl", "passwd", 0),
    ("rabbitmqctl", "add_user", 1),
    ("rabbitmqctl", "authenticate_user", 1),
    ("rabbitmqctl", "change_password", 1),
    ("rclone", "obscure", 0),
    ("redis-cli", "AUTH", 0),
    ("redis-cli", "auth", 0),
    ("snyk", "auth", 0),
    ("vault", "login", 0),
    ("wandb", "login", 0),
];

/// Programs that take `USER/PASSWORD@DATABASE`.
const ORACLE: [&str; 5] = ["expdp", "impdp", "rman", "sqlldr", "sqlplus"];

/// The state of the command whose words are read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Program {
    /// Its name in [`SECRET_ARGUMENTS`].
    name: Option<&'static str>,
    /// The arguments after this number of others are secrets.
    secrets_after: Option<usize>,
    takes_connect_string: bool,
    options: Option<Options>,
}

/// The position of a secret in a command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// At this byte of the word.
    At(usize),
    /// In the next word.
    Next,
}

impl Program {
    /// Reads a word, which may be the name of a program, and returns the position of a secret.
    pub(super) fn read(&mut self, word: &str) -> Option<Value> {
        let skipped = word.len() - word.trim_start_matches(['"', '\'', '(', '$', '`']).len();
        let trimmed = word[skipped..].trim_end_matches(['"', '\'', ';', ')', '`']);
        if ["|", "||", "&&", "&"].contains(&word) {
            self.end_command();
            return None;
        }
        let found = self.value(trimmed);
        let is_operator = word.starts_with(['<', '>']) || word.starts_with("2>");
        if found.is_none() && !trimmed.starts_with('-') && !trimmed.is_empty() && !is_operator {
            let name = trimmed.rsplit('/').next().unwrap_or_default();
            if let Some(count) = self.secrets_after {
                // The value of an option is counted as an argument, so that arguments after it are masked.
                self.secrets_after = Some(count.saturating_sub(1));
                let is_secret = count == 0 && !is_variable(word.trim_end_matches([';', ')']));
                return is_secret.then_some(Value::At(0));
            }
            self.takes_connect_string |= ORACLE.contains(&name);
            let mut programs = SECRET_ARGUMENTS.iter().map(|(program, ..)| *program);
            self.name = programs.find(|program| *program == name).or(self.name);
            if name == "login" {
                self.options = Some(LOGIN);
            } else if let Some(options) = PROGRAMS_BY_NAME.get(name) {
                self.options = Some(*options);
            }
        }
        let is_command = |&&(program, command, _): &&(&str, &str, usize)| {
            Some(program) == self.name && is_called(command, trimmed)
        };
        if let Some((.., count)) = SECRET_ARGUMENTS.iter().find(is_command) {
            self.secrets_after = Some(*count);
        }
        if word.ends_with(';') {
            self.end_command();
        }
        match found? {
            Value::At(at) => Some(Value::At(at + skipped)),
            Value::Next => Some(Value::Next),
        }
    }

    /// Ends a command. The commands within a script for `expect` belong to it.
    pub(super) fn end_command(&mut self) {
        *self = Self {
            name: self.name.filter(|name| *name == "expect"),
            ..Self::default()
        };
    }

    fn value(&self, word: &str) -> Option<Value> {
        if let Some(at) = password_of_connect_string(word)
            && (self.takes_connect_string || word.contains(ORACLE_DRIVER))
        {
            return Some(Value::At(at));
        }
        if is_windows_password(word) {
            return Some(Value::At(WINDOWS_PASSWORD.len()));
        }
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
            // `-sSu VALUE` and `-sSuVALUE`: combined short options.
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

/// Prefix of the option with which many programs of Windows take a password.
const WINDOWS_PASSWORD: &str = "/p:";

/// Accepts `/p:V`, but neither `/p:NAME=V`, which sets a property, nor a path.
fn is_windows_password(word: &str) -> bool {
    let value = word.strip_prefix(WINDOWS_PASSWORD).unwrap_or_default();
    !value.is_empty() && !value.contains('=') && !value.starts_with('/')
}

/// Prefix of the URLs of Oracle's JDBC drivers.
const ORACLE_DRIVER: &str = "jdbc:oracle:";

/// Returns the position of the password in `USER/PASSWORD@DATABASE`, which can follow a name and `=` or `:`.
fn password_of_connect_string(word: &str) -> Option<usize> {
    let (user, password) = word.split_once('/')?;
    let user = user.rsplit(['=', ':']).next().unwrap_or_default();
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$' | '#' | '.');
    let is_user = user.starts_with(char::is_alphabetic) && user.chars().all(is_name);
    let is_path = word.contains('=') && !word.starts_with("userid=");
    (is_user && !is_path && !password.is_empty()).then(|| word.len() - password.len())
}

/// Returns `true` if a word is the command, or combined short options that contain the option.
fn is_called(command: &str, word: &str) -> bool {
    let options = command.strip_prefix('-').zip(word.strip_prefix('-'));
    word == command
        || options.is_some_and(|(option, cluster)| {
            cluster.contains(option) && cluster.bytes().all(|byte| byte.is_ascii_alphabetic())
        })
}
