//! Recognizes secrets that a shell script passes to the standard input of a program.

use std::cell::LazyCell;

use super::quoting::is_variable;
use super::urls::beginning;

/// Options and programs that read a secret from standard input.
const READERS: [&str; 8] = [
    "-stdin",
    "--stdin",
    "--with-token",
    "--passphrase-fd",
    "pass stdin",
    "chpasswd",
    "sudo -S",
    "smbpasswd",
];

/// Programs that send their input to a server.
const CLIENTS: [&str; 8] = [
    "nc",
    "ncat",
    "netcat",
    "openssl",
    "redis-cli",
    "socat",
    "telnet",
    "valkey-cli",
];

/// Commands to servers that precede a secret.
const LOGINS: [&str; 2] = ["AUTH ", "PASS "];

/// Maximum number of bytes in which the program is searched, so that many `echo` in a long text are read in linear
/// time.
const MAX_COMMAND_LEN: usize = 2048;

/// Returns the position of the secret in a text that begins with `echo` or `printf`, as in `echo SECRET | docker
/// login --password-stdin` and `printf 'AUTH SECRET' | nc h 6379`; `None` if the text is not piped to a program
/// that reads a secret, or if it is only a variable.
pub(super) fn piped_secret(word: &str, rest: &str) -> Option<(usize, usize)> {
    let program = word.trim_start_matches(['"', '\'', '(', '$', '`']);
    if !matches!(program, "echo" | "printf") {
        return None;
    }
    let rest = beginning(rest, MAX_COMMAND_LEN);
    let logins = LazyCell::new(|| LOGINS.map(|login| rest.find(login)));
    let mut pipes = rest.match_indices('|').map(|(at, _)| at);
    let (start, pipe) = pipes.find_map(|pipe| {
        let after = &rest[pipe + 1..];
        let command = after.split(['|', ';', '\n']).next().unwrap_or_default();
        let command = command.split("&&").next().unwrap_or_default();
        if READERS.iter().any(|reader| command.contains(reader)) {
            return Some((word.len(), pipe));
        }
        let client = command.split_whitespace().next()?.rsplit('/').next()?;
        let login = || {
            let mut starts = logins.iter().flatten().map(|at| at + LOGINS[0].len());
            Some((starts.find(|start| *start <= pipe)?, pipe))
        };
        CLIENTS.contains(&client).then(login)?
    })?;
    let part = &rest[start..pipe];
    let ends_before = ["\n", "; ", "&& "].iter().any(|end| part.contains(end));
    let secret = part.trim();
    let from = pipe - part.trim_start().len();
    let is_secret = !secret.is_empty() && !is_variable(secret) && !ends_before;
    is_secret.then_some((from, from + secret.len()))
}

/// Returns the position of the text of a here-string in a word, as in `<<<SECRET`; the end of the word if the text
/// is the next word.
pub(super) fn here_string(word: &str, rest: &str) -> Option<usize> {
    // A text search has a setup cost that is too high for most words.
    memchr::memchr(b'<', word.as_bytes())?;
    let at = word.find("<<<")? + 3;
    let value = rest[at..].split_whitespace().next().unwrap_or_default();
    (!is_variable(value.trim_end_matches([';', ')']))).then_some(at)
}
