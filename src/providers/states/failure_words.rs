//! Recognizes texts that describe a failure, such as messages and end reasons.

mod tables;

use tables::{
    CHINESE_COUNTS, CHINESE_FAILURE_WORDS, CHINESE_FILLERS, CHINESE_NEGATIONS, CHINESE_SETTINGS,
    COUNTS, EXIT_FILLERS, EXIT_PHRASES, EXIT_WORDS, FAILURE_PHRASES, FAILURE_WORDS, NAME_WORDS,
    NEGATABLE_PHRASES, NEGATIONS, SETTINGS, UNSET, WHOLE_FAILURE_WORDS,
};

/// Returns `true` if a text describes a failure, in words or by an exit code. `no error` and `exit code 0` do not.
pub(in crate::providers) fn describes_failure(text: &str) -> bool {
    let lower = text.to_lowercase();
    let separated = separate_words(text).to_lowercase();
    let mut chinese = CHINESE_FAILURE_WORDS.iter();
    has_word(&lower, is_failure_word)
        || has_word(&separated, is_name_word)
        || has_phrase(&separated, FAILURE_PHRASES, |_, _| false)
        || has_phrase(&separated, NEGATABLE_PHRASES, is_negated)
        || has_bad_exit_code(&lower)
        || chinese.any(|word| contains_without_negation(&lower, word))
}

/// Returns the words of a text in lower case, and its numbers.
fn words(lower: &str) -> impl Iterator<Item = &str> {
    let words = lower.split(|character: char| !character.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty())
}

fn is_failure_word(word: &str) -> bool {
    let mut known = FAILURE_WORDS.iter();
    let is_whole = WHOLE_FAILURE_WORDS.contains(&word);
    let is_part = known.any(|known| word.starts_with(known) || word.ends_with(known));
    word != "default" && (is_whole || is_part)
}

fn is_name_word(word: &str) -> bool {
    NAME_WORDS.contains(&word)
}

/// Inserts a blank before each upper-case letter that follows a lower-case one: `JobHanged` becomes `Job Hanged`.
fn separate_words(text: &str) -> String {
    let mut separated = String::with_capacity(text.len());
    let mut is_lower = false;
    for character in text.chars() {
        if is_lower && character.is_uppercase() {
            separated.push(' ');
        }
        is_lower = character.is_lowercase();
        separated.push(character);
    }
    separated
}

/// Returns `true` if a text contains a word for a failure that is not negated.
fn has_word(lower: &str, is_failure: impl Fn(&str) -> bool) -> bool {
    let (mut before, mut end) = ("", 0);
    words(lower).any(|word| {
        let before = std::mem::replace(&mut before, word);
        let start = end + lower[end..].find(word).unwrap_or_default();
        end = start + word.len();
        if !is_failure(word) || NEGATIONS.contains(&before) {
            return false;
        }
        let after = &lower[end..];
        let next = after.trim_start_matches(['-', '_', ' ']);
        let is_tolerated =
            next.starts_with("toleran") || next.starts_with("detection") || is_setting(word, next);
        // The flag of another word can be a part of a message: `AssertionError: False`.
        let is_unset = word.starts_with("preempt") && has_value(after, UNSET);
        let is_none = counts_none(after_count(after)) || is_unset;
        !is_tolerated && !is_none && !follows_none(&lower[..start], word)
    })
}

/// Returns `true` if a text contains one of the phrases, unless `is_excluded` for the text before and after it.
fn has_phrase(lower: &str, phrases: &[&str], is_excluded: impl Fn(&str, &str) -> bool) -> bool {
    let is_start = |at: &usize| !lower[..*at].ends_with(|c: char| c.is_ascii_alphanumeric());
    phrases.iter().any(|phrase| {
        let first = phrase.split(' ').next().unwrap_or_default();
        let starts = lower.match_indices(first).map(|(at, _)| at);
        starts.filter(is_start).any(|at| {
            let after = after_phrase(&lower[at..], phrase);
            after.is_some_and(|after| !is_excluded(&lower[..at], after))
        })
    })
}

/// Returns the text after a phrase. Its words can also be joined by dashes or underscores, and the last one can be a
/// plural.
fn after_phrase<'a>(text: &'a str, phrase: &str) -> Option<&'a str> {
    let is_separator = |c: char| c.is_whitespace() || c == '-' || c == '_';
    let mut rest = text;
    for (index, word) in phrase.split(' ').enumerate() {
        let next = rest.trim_start_matches(is_separator);
        if index > 0 && next.len() == rest.len() {
            return None;
        }
        rest = next.strip_prefix(word)?;
    }
    let rest = rest.strip_prefix('s').unwrap_or(rest);
    (!rest.starts_with(|c: char| c.is_ascii_alphanumeric())).then_some(rest)
}

/// Returns `true` if the text before or after a phrase negates it.
fn is_negated(before: &str, after: &str) -> bool {
    let previous = words(before).last().unwrap_or_default();
    let is_never = previous == "never" && before.ends_with("never ");
    let after = after_count(after);
    let is_none = counts_none(after) || has_value(after, UNSET);
    NEGATIONS.contains(&previous) || is_never || is_none || is_count(before)
}

/// Returns `true` if a word and the text after it are the name of a setting.
fn is_setting(word: &str, next: &str) -> bool {
    let mut settings = SETTINGS.iter();
    settings.any(|(setting, follow)| {
        let mut follow = follow.iter();
        word == *setting && follow.any(|follow| next.starts_with(follow))
    })
}

/// Returns `true` if the number 0 follows, as in `failed: 0, succeeded: 8`. `failed: 0/4 nodes are available` is not a
/// count of failures.
fn counts_none(after: &str) -> bool {
    has_value(after, &["0", "无", "none"])
}

/// Returns the text after a word such as `count`, or the whole text if there is no such word.
fn after_count(after: &str) -> &str {
    let next = after.trim_start_matches(['-', '_', ' ']);
    let is_next = |count: &&&str| words(next).next() == Some(**count) && next.starts_with(**count);
    let count = COUNTS.iter().find(is_next);
    count.map_or(after, |count| &next[count.len()..])
}

/// Returns `true` if a text begins with a colon or an equals sign and one of these values.
fn has_value(after: &str, values: &[&str]) -> bool {
    let Some(value) = after.strip_prefix([':', '=', '：']) else {
        return false;
    };
    let value = value.trim_start();
    let is_end = |rest: &str| {
        rest.is_empty()
            || rest.starts_with([',', ';', ')', ']', '}', '|', '\n', '，', '；', '。', '）'])
    };
    let mut values = values.iter();
    values.any(|known| value.strip_prefix(known).is_some_and(is_end))
}

/// Returns `true` after the number 0, as in `0 errors` and `0 failed`, but not in `worker-0: error` and `worker-0
/// failed`.
fn follows_none(before: &str, word: &str) -> bool {
    (word.ends_with('s') || word == "failed") && is_count(before)
}

/// Returns `true` for a text that ends with the number 0, which is not a part of a name such as `worker-0`.
fn is_count(before: &str) -> bool {
    before.strip_suffix("0 ").is_some_and(|before| {
        !before.ends_with(|c: char| c.is_alphanumeric() || "-_#.:".contains(c))
    })
}

/// Returns `true` if a text contains an exit code or a signal other than 0, such as `exit code 137`.
fn has_bad_exit_code(lower: &str) -> bool {
    let mut lower = lower.to_owned();
    for (phrase, word) in EXIT_PHRASES {
        lower = lower.replace(phrase, word);
    }
    let mut is_code_expected = false;
    words(&lower).any(|word| {
        if EXIT_WORDS.contains(&word) {
            is_code_expected = true;
            return false;
        }
        if let Some(is_zero) = is_zero(word) {
            return std::mem::take(&mut is_code_expected) && !is_zero;
        }
        is_code_expected &= EXIT_FILLERS.contains(&word);
        false
    })
}

/// Returns `true` if a number, such as `137` or `0x89`, is 0; `None` for other words.
fn is_zero(word: &str) -> Option<bool> {
    let (digits, radix) = match word.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (word, 10),
    };
    let is_number = digits.chars().all(|digit| digit.is_digit(radix));
    is_number.then(|| digits.chars().all(|digit| digit == '0'))
}

/// Returns `true` if a text contains a Chinese word that is not negated.
fn contains_without_negation(text: &str, word: &str) -> bool {
    let mut matches = text.match_indices(word);
    matches.any(|(at, _)| {
        let mut before = &text[..at];
        let after = &text[at + word.len()..];
        let mut settings = CHINESE_SETTINGS.iter();
        let is_setting = settings.any(|(setting, previous, next)| {
            let is_before = previous.iter().any(|word| before.ends_with(word));
            *setting == word && (is_before || next.iter().any(|word| after.starts_with(word)))
        });
        if is_setting {
            return false;
        }
        let fillers = || CHINESE_FILLERS.iter();
        while let Some(rest) = fillers().find_map(|filler| before.strip_suffix(filler)) {
            before = rest;
        }
        let mut negations = CHINESE_NEGATIONS.iter();
        let counted = CHINESE_COUNTS
            .iter()
            .find_map(|count| after.strip_prefix(count));
        let is_none = counts_none(counted.unwrap_or(after)) || has_value(after, &["否"]);
        !is_none && !negations.any(|negation| before.ends_with(negation))
    })
}

#[cfg(test)]
mod tests;
