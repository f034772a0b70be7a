//! Texts that look like secrets, since their characters change as those of random texts do.

/// A shorter run of letters and digits may be a part of any name.
const MIN_KEY_LENGTH: usize = 16;

/// A run of letters in both cases that is not shorter is not a word, even without a digit.
const MIN_KEY_LENGTH_WITHOUT_DIGITS: usize = 24;

/// A text of letters, digits and the signs of base64 that is not shorter may be random.
const MIN_RANDOM_LENGTH: usize = 20;

/// Words, numbers and names such as `Team-A-Production-2026` change less often between capitals, small
/// letters and digits.
const MIN_RANDOM_CHANGES: usize = 8;

/// True for a short word that may be a secret as well: letters and digits that change places often.
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

/// True for a text that is, or contains, what looks like a key.
pub(super) fn looks_like_secret(text: &str) -> bool {
    let is_base64 = |c: char| c.is_ascii_alphanumeric() || "+/=_-".contains(c);
    // In a sentence it is followed by a comma, or in quotes.
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

/// How often a run goes on with another sort of character: capitals, small letters and digits.
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
