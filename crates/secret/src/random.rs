//! Recognizes texts that look like secrets, by how often their characters change as in random texts.

/// Shorter runs of letters and digits can be a part of any name.
const MIN_KEY_LENGTH: usize = 16;

/// Minimum length of a run of letters in both cases that is not a word, even without a digit.
const MIN_KEY_LENGTH_WITHOUT_DIGITS: usize = 24;

/// Minimum length of a text of letters, digits and Base64 characters that can be random.
const MIN_RANDOM_LENGTH: usize = 20;

/// Minimum number of changes between upper case, lower case and digits. Words, numbers and names such as
/// `Team-A-Production-2026` change less often.
const MIN_RANDOM_CHANGES: usize = 8;

/// Returns `true` if a short word may also be a secret: letters and digits that alternate often.
pub fn looks_random(word: &str) -> bool {
    const MIN_LENGTH: usize = 8;
    const MIN_CHANGES: usize = 3;
    looks_like_secret(word)
        || word.split(|c: char| !c.is_ascii_alphanumeric()).any(|run| {
            run.len() >= MIN_LENGTH
                && run.bytes().any(|byte| byte.is_ascii_digit())
                && count_changes(run) >= MIN_CHANGES
        })
}

/// Returns `true` if a text is or contains something that looks like a key.
pub(super) fn looks_like_secret(text: &str) -> bool {
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=_-".contains(c);
    // In a sentence, the key may be followed by a comma or be in quotes.
    let text = text.trim_matches(|c| !is_base64(c));
    let is_whole = text.len() >= MIN_RANDOM_LENGTH && text.chars().all(is_base64);
    let runs = || text.split(|c: char| !c.is_ascii_alphanumeric());
    let has_key = runs().any(|run| {
        let has = |is: fn(&u8) -> bool| run.as_bytes().iter().any(is);
        let has_digits = has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
        let has_cases = has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase);
        (run.len() >= MIN_KEY_LENGTH && has_digits)
            || (run.len() >= MIN_KEY_LENGTH_WITHOUT_DIGITS && has_cases)
    });
    let changes = || runs().map(count_changes).sum::<usize>();
    has_key || (is_whole && changes() >= MIN_RANDOM_CHANGES)
}

/// Returns how often a run changes between upper case, lower case and digits.
fn count_changes(run: &str) -> usize {
    let sort = |byte: &u8| match byte {
        b'0'..=b'9' => 0,
        b'A'..=b'Z' => 1,
        _ => 2,
    };
    let pairs = run.as_bytes().windows(2);
    pairs
        .filter(|pair| sort(&pair[0]) != sort(&pair[1]))
        .count()
}
