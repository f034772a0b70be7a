//! Distinguishes the values of secrets from the words of a sentence.

/// Shorter values with digits or symbols are codes and versions, such as `x509` and `v1.2`.
const MIN_VALUE_LENGTH: usize = 6;

/// Shorter words after `Bearer` are words of a sentence.
const MIN_TOKEN_LENGTH: usize = 8;

/// Words of a sentence are shorter.
const MIN_TOKEN_LETTERS: usize = 16;
const MIN_VALUE_LETTERS: usize = 20;

/// Names of algorithms and protocols that end in a number.
const ALGORITHMS: [&str; 8] = [
    "base", "ed", "error", "hmac", "oauth", "sha", "utf", "version",
];

/// Words that follow the name of an option or a variable in a sentence.
const PROSE: &str = " a above absent ambiguous an and are argument arguments as at be because before below but by can \
    cannot changed conflicts contains corrupt could defined denied deprecated detected did disabled does duplicate \
    either empty enabled equals error exceeded exist exists expected expects expired failed failure flag flags for \
    forbidden found from given had has have if ignored in incomplete incorrect instead into invalid is it its length \
    malformed match may mismatch missing mount mounted must needed needs never nil no none not null of ok on once only \
    option options or out override parameter parameters parsed provided read rejected removed required requires \
    revoked run set short should specified string supplied than that the this to together too true unauthorized \
    undefined unexpected unknown unrecognized unset unsupported unused use used using valid value values variable was \
    were when will with without would wrong ";

/// Returns `true` if a text after the name of a secret is its value and not a word of a sentence.
pub(super) fn is_value(text: &str) -> bool {
    // A word before a colon belongs to the sentence, such as `x509: certificate has expired`.
    if text.ends_with(':') {
        return false;
    }
    // Other scripts belong to a sentence: `长度应为8-26位`.
    let value = trimmed(&text[..ascii_length(text)]);
    if is_placeholder(value) || is_path(value) || is_date(value) || is_algorithm(value) {
        return false;
    }
    if is_field(value) || is_host(value) {
        return false;
    }
    let has = |is: fn(char) -> bool| value.contains(is);
    let is_symbol = |c: char| "!@#$%^&*+~|?".contains(c);
    match has(|c| c.is_ascii_digit()) {
        true if has(char::is_alphabetic) => value.len() >= MIN_VALUE_LENGTH,
        true => value.len() >= MIN_VALUE_LENGTH && value.bytes().all(|byte| byte.is_ascii_digit()),
        false if has(is_symbol) => value.len() >= MIN_VALUE_LENGTH,
        false => has_random_letters(value, MIN_VALUE_LETTERS),
    }
}

/// Returns the length of the beginning of a text that is ASCII.
pub(super) fn ascii_length(text: &str) -> usize {
    text.find(|c: char| !c.is_ascii()).unwrap_or(text.len())
}

/// Accepts `RequestId=7f9c4d8e` and `code=401`, which follow the name of a secret in a sentence.
fn is_field(value: &str) -> bool {
    value.split_once('=').is_some_and(|(name, value)| {
        let is_name = name
            .bytes()
            .all(|byte| byte.is_ascii_alphabetic() || b"_-".contains(&byte));
        is_name && !name.is_empty() && !value.trim_matches('=').is_empty()
    })
}

/// Accepts `auth.example.com:443` and `secret/db-01`.
fn is_host(value: &str) -> bool {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    let has_port = value
        .rsplit_once(':')
        .is_some_and(|(host, port)| host.contains('.') && is_port(port));
    let is_word = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_lowercase())
            && part
                .bytes()
                .all(|byte| !byte.is_ascii_uppercase() && byte != b'+')
    };
    let is_short = value.len() < MIN_TOKEN_LETTERS;
    has_port || (is_short && value.contains('/') && value.split('/').all(is_word))
}

/// Returns `true` if a text after `Bearer` is a token. In a header, it can also be short.
pub(super) fn is_token(text: &str, is_header: bool) -> bool {
    let value = trimmed(text);
    if is_placeholder(value) || is_parameter(value) || text.ends_with(':') {
        return false;
    }
    let has_digits = value.contains(|c: char| c.is_ascii_digit());
    let dots = value.matches('.').count();
    let min_dots = if is_header { 1 } else { 2 };
    match value.len() >= MIN_TOKEN_LENGTH {
        true => has_digits || dots >= min_dots || has_random_letters(value, MIN_TOKEN_LETTERS),
        false => is_header && has_digits,
    }
}

/// Returns `true` if a word follows the name of an option or a variable in a sentence.
pub(super) fn is_prose(word: &str) -> bool {
    let value = trimmed(word);
    let lower = value.to_ascii_lowercase();
    is_placeholder(value)
        || is_path(value)
        || !value.is_ascii()
        || PROSE.split(' ').any(|known| known == lower)
}

/// Returns `true` if a word at the beginning of `rest` is the last one of its line.
pub(super) fn is_last_word(word: &str, rest: &str) -> bool {
    let after = &rest[word.len()..];
    let after = after.trim_start_matches([' ', '\t', '\r']);
    after.is_empty() || after.starts_with('\n')
}

/// Returns the position of a JSON Web Token in a word: three parts in Base64, of which the first ones are objects.
pub(super) fn jwt(word: &str) -> Option<(usize, usize)> {
    let from = word.find("eyJ")?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let token = &word[from..];
    let length = token.find(|c| !is_part(c)).unwrap_or(token.len());
    token[..length]
        .contains('.')
        .then_some((from, from + length))
}

fn trimmed(text: &str) -> &str {
    let is_mark = |c: char| "\"'`,.;:!?()[]{}\\".contains(c) || "，。；：！？）".contains(c);
    text.trim_matches(is_mark)
}

/// Returns `true` if a text is a placeholder for a value: `$TOKEN`, `<password>`, `%s`, `***`.
fn is_placeholder(value: &str) -> bool {
    !value.contains(char::is_alphanumeric) || value.starts_with(['$', '<', '%', '*'])
}

fn is_path(value: &str) -> bool {
    let is_absolute = value
        .strip_prefix('/')
        .is_some_and(|path| path.contains('/') || path.len() < MIN_TOKEN_LETTERS);
    is_absolute || value.starts_with("./") || value.starts_with("~/") || value.contains("://")
}

fn is_date(value: &str) -> bool {
    let bytes = value.as_bytes();
    let is_digit = |at: usize| bytes[at].is_ascii_digit();
    bytes.len() >= 10 && (0..4).all(is_digit) && bytes[4] == b'-' && bytes[7] == b'-'
}

/// Accepts `SHA256` and `ERR_1045`, and names of algorithms in lower case.
fn is_algorithm(value: &str) -> bool {
    let name = value.trim_end_matches(|c: char| c.is_ascii_digit() || "-_.".contains(c));
    let is_upper = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    name.len() < value.len() && (is_upper || ALGORITHMS.contains(&name))
}

/// Accepts `realm="x"`, a parameter of a header.
fn is_parameter(value: &str) -> bool {
    value.split_once('=').is_some_and(|(name, value)| {
        let is_name = name
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        is_name && !value.trim_matches('=').is_empty()
    })
}

/// Returns `true` if a text has a run of letters that is longer than words, or whose case changes too often.
fn has_random_letters(value: &str, min_letters: usize) -> bool {
    const MIN_MIXED_LETTERS: usize = 12;
    let mut runs = value.split(|c: char| !c.is_ascii_alphabetic());
    runs.any(|run| {
        let pairs = run.as_bytes().windows(2);
        let is_change = |pair: &&[u8]| pair[0].is_ascii_lowercase() != pair[1].is_ascii_lowercase();
        let changes = pairs.filter(is_change).count();
        let is_mixed = run.len() >= MIN_MIXED_LETTERS && changes * 5 >= run.len() * 2;
        let is_name = changes > 1 && !is_mixed;
        is_mixed || (run.len() >= min_letters && !is_name)
    })
}
