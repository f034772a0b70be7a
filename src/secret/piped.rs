//! Secrets that a shell text hands to the standard input of a program.

use super::quoting::is_variable;

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

/// Where the secret stands in a text that begins with `echo` or `printf`, as in
/// `echo SECRET | docker login --password-stdin`; `None` where the text is not piped to a program that reads
/// one, or where it is a variable only.
pub(super) fn piped_secret(word: &str, rest: &str) -> Option<(usize, usize)> {
    let program = word.trim_start_matches(['"', '\'', '(', '$', '`']);
    if !matches!(program, "echo" | "printf") {
        return None;
    }
    let pipe = rest.match_indices('|').map(|(at, _)| at).find(|at| {
        let after = &rest[at + 1..];
        let command = after.split(['|', ';', '\n']).next().unwrap_or_default();
        let command = command.split("&&").next().unwrap_or_default();
        READERS.iter().any(|reader| command.contains(reader))
    })?;
    let said = &rest[word.len()..pipe];
    let ends_before = ["\n", "; ", "&& "].iter().any(|end| said.contains(end));
    let secret = said.trim();
    let from = pipe - said.trim_start().len();
    let is_secret = !secret.is_empty() && !is_variable(secret) && !ends_before;
    is_secret.then_some((from, from + secret.len()))
}

/// Where the text of a here-string begins in a word, as in `<<<SECRET`; at its end where it is the next word.
pub(super) fn here_string(word: &str, rest: &str) -> Option<usize> {
    let at = word.find("<<<")? + 3;
    let value = rest[at..].split_whitespace().next().unwrap_or_default();
    (!is_variable(value.trim_end_matches([';', ')']))).then_some(at)
}
