//! Recognizes texts that describe a failure, such as messages and end reasons.

mod tables;

use tables::{
    CHINESE_COUNTS, CHINESE_FAILURE_WORDS, CHINESE_FEATURES, CHINESE_FILLERS, CHINESE_NEGATIONS,
    CHINESE_PARTS, CHINESE_SETTINGS, CHINESE_SWITCHES, CHINESE_UNITS, COUNTS, DURATIONS, ENDS,
    EXIT_FILLERS, EXIT_PHRASES, EXIT_WORDS, FAILURE_PHRASES, FAILURE_WORDS, FLAGS, NAME_WORDS,
    NEGATABLE_PHRASES, NEGATIONS, NONE, PARTS, SETTINGS, UNSET, WHOLE_FAILURE_WORDS,
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
    let mut end = 0;
    words(lower).any(|word| {
        let start = end + lower[end..].find(word).unwrap_or_default();
        end = start + word.len();
        if !is_failure(word) {
            return false;
        }
        let (before, after) = (&lower[..start], &lower[end..]);
        let next = after.trim_start_matches(['-', '_', ' ']);
        let is_tolerated =
            next.starts_with("toleran") || next.starts_with("detection") || is_setting(word, next);
        let is_named = after.starts_with(['"', ':', '：', '=']) && starts_clause(before);
        let is_duration = word == "timeout" && is_named && has_duration(after);
        let is_none = has_value(after_count(after), NONE) || is_unset(word, before, after);
        let is_excluded = is_tolerated || is_duration || is_none || has_negation(before);
        !is_excluded && !follows_none(before, word) && !is_last_count(before, word, after)
    })
}

/// Returns the last word of a text, or an empty text if the text ends with another character.
fn last_word(text: &str) -> &str {
    let mut words = text.rsplit(|c: char| !c.is_ascii_alphanumeric());
    words.next().unwrap_or_default()
}

/// Returns `true` if a text ends with a negation: `without any`, but not `evicted: no,`.
fn has_negation(before: &str) -> bool {
    let is_separator = ['-', '_', ' '];
    let before = before.trim_end_matches(is_separator);
    let words = [" any", " fatal"];
    let before = strip_last(before, &words).unwrap_or(before);
    NEGATIONS.contains(&last_word(before.trim_end_matches(is_separator)))
}

/// Returns `true` if a word is the name of a flag, or its beginning as in `abort_on_nan`, that is not set.
fn is_unset(word: &str, before: &str, after: &str) -> bool {
    // The value of another word can be a part of a message: `AssertionError: False`.
    let is_question = before.ends_with("is_") || before.ends_with("has_");
    let is_flag = FLAGS.iter().any(|flag| word.starts_with(flag));
    let name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let is_name = is_question || is_flag || is_name_word(word);
    is_name && has_value(after.trim_start_matches(name), UNSET)
}

/// Returns `true` if a text is at the beginning of a sentence or of one of its parts.
fn starts_clause(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '"']);
    before.is_empty() || before.ends_with(ENDS) || before.ends_with(['{', '(', '（'])
}

/// Returns `true` if a text begins with the value of a setting such as `: 3600s`.
fn has_duration(after: &str) -> bool {
    let value = after.trim_start_matches(['"', ':', '：', '=', '为', ' ']);
    let unit = value.trim_start_matches(|c: char| c.is_ascii_digit());
    let mut units = DURATIONS.iter();
    unit.len() < value.len()
        && units.any(|known| {
            let rest = unit.strip_prefix(known);
            rest.is_some_and(|rest| ends_value(rest.trim_start_matches('"'), ' '))
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
            after.is_some_and(|after| {
                let next = after.trim_start_matches(['-', '_', ' ']);
                !is_setting(phrase, next) && !is_excluded(&lower[..at], after)
            })
        })
    })
}

/// Returns the text after a phrase. Its words can also be joined by dashes or underscores, there can be an article
/// between them, and the last one can be a plural.
fn after_phrase<'a>(text: &'a str, phrase: &str) -> Option<&'a str> {
    let is_separator = |c: char| c.is_whitespace() || c == '-' || c == '_';
    let mut rest = text;
    for (index, word) in phrase.split(' ').enumerate() {
        let next = rest.trim_start_matches(is_separator);
        if index > 0 && next.len() == rest.len() {
            return None;
        }
        let next = next.strip_prefix(word).or_else(|| {
            let articles = ["the ", "an ", "a "];
            let article = articles
                .iter()
                .find(|article| next.starts_with(**article))?;
            next[article.len()..].strip_prefix(word)
        });
        rest = next?;
    }
    let rest = rest.strip_prefix('s').unwrap_or(rest);
    (!rest.starts_with(|c: char| c.is_ascii_alphanumeric())).then_some(rest)
}

/// Returns `true` if the text before or after a phrase negates it.
fn is_negated(before: &str, after: &str) -> bool {
    let after = after_count(after);
    let is_none = has_value(after, NONE) || has_value(after, UNSET);
    has_negation(before) || before.ends_with("never ") || is_none || is_count(before)
}

/// Returns `true` if a word and the text after it are the name of a setting.
fn is_setting(word: &str, next: &str) -> bool {
    let mut settings = SETTINGS.iter();
    settings.any(|(setting, follow)| {
        let mut follow = follow.iter();
        word == *setting && follow.any(|follow| next.starts_with(follow))
    })
}

/// Returns the text after a word such as `count`, or the whole text if there is no such word.
fn after_count(after: &str) -> &str {
    let next = after.trim_start_matches(['-', '_', ' ']);
    let is_next = |count: &&&str| words(next).next() == Some(**count) && next.starts_with(**count);
    let count = COUNTS.iter().find(is_next);
    count.map_or(after, |count| &next[count.len()..])
}

/// Returns `true` if a text begins with a colon or an equals sign and one of these values, as in `failed: 0, succeeded:
/// 8` and `"error":""`. `failed: 0/4 nodes are available` is not a count of failures.
fn has_value(after: &str, values: &[&str]) -> bool {
    let after = after.trim_start_matches(['"', '\'']);
    let Some(separator) = after.chars().next().filter(|c| ":=：".contains(*c)) else {
        return false;
    };
    let value = after[separator.len_utf8()..].trim_start();
    values.iter().any(|known| {
        let quoted = || {
            value
                .strip_prefix('"')?
                .strip_prefix(known)?
                .strip_prefix('"')
        };
        let rest = value.strip_prefix(known).or_else(quoted);
        rest.is_some_and(|rest| ends_value(rest, separator))
    })
}

/// Returns `true` if the text after a value does not belong to it: it is empty, or begins with a comma or with another
/// name and value, as in `fail=0 error=0`.
fn ends_value(rest: &str, separator: char) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let next = rest.strip_prefix(' ').unwrap_or_default();
    let value = next.trim_start_matches(is_name);
    let has_next = separator == '=' && value.len() < next.len() && value.starts_with('=');
    rest.is_empty() || rest.starts_with(ENDS) || has_next
}

/// Returns `true` after the number 0, as in `0 errors` and `0 failed`, but not in `worker-0: error` and `worker-0
/// failed`. There can be a part of the job between them: `no nodes failed`.
fn follows_none(before: &str, word: &str) -> bool {
    let end = before.trim_end_matches(' ');
    let part = last_word(end);
    let is_part = PARTS.contains(&part.trim_end_matches('s')) || part == "processes";
    let counted = if is_part {
        &end[..end.len() - part.len()]
    } else {
        before
    };
    let is_counted = word.ends_with('s') || word == "failed";
    is_counted && (is_count(counted) || is_part && has_negation(counted))
}

/// Returns `true` for `failed` between two numbers, the second of which is 0: `passed 100 failed 0`.
fn is_last_count(before: &str, word: &str, after: &str) -> bool {
    let number = last_word(before.trim_end_matches([',', ' ']));
    let is_last = after
        .strip_prefix(" 0")
        .is_some_and(|rest| ends_value(rest, ' '));
    word == "failed" && is_last && number.parse::<u64>().is_ok()
}

/// Returns `true` for a text that ends with the number 0, such as `0` or `0/8`, which is not a part of a name such as
/// `worker-0` or `worker 0`.
fn is_count(before: &str) -> bool {
    let Some(number) = before.strip_suffix(' ') else {
        return false;
    };
    let total = number.trim_end_matches(|c: char| c.is_ascii_digit());
    let count = total
        .strip_suffix('/')
        .or_else(|| total.strip_suffix(" of "));
    count
        .unwrap_or(number)
        .strip_suffix('0')
        .is_some_and(|before| {
            let is_name = |c: char| c.is_alphanumeric() || "-_#.:/".contains(c);
            !before.ends_with(is_name) && !PARTS.contains(&last_word(before.trim_end()))
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
        if is_chinese_setting(word, before, after) || follows_chinese_none(before) {
            return false;
        }
        while let Some(rest) = strip_last(before, CHINESE_FILLERS) {
            before = rest;
        }
        let is_none = precedes_chinese_none(after) || has_value(after, &["否"]);
        !is_none && strip_last(before, CHINESE_NEGATIONS).is_none()
    })
}

fn strip_first<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    words.iter().find_map(|word| text.strip_prefix(word))
}

fn strip_last<'a>(text: &'a str, words: &[&str]) -> Option<&'a str> {
    words.iter().find_map(|word| text.strip_suffix(word))
}

/// Returns `true` if a Chinese word is a part of the name or the value of a setting, such as `超时时间：3600秒` or
/// `内存溢出保护已启用`.
fn is_chinese_setting(word: &str, before: &str, after: &str) -> bool {
    let is_named = CHINESE_SETTINGS.iter().any(|(setting, previous, next)| {
        let is_before = strip_last(before, previous).is_some();
        *setting == word && (is_before || strip_first(after, next).is_some())
    });
    let is_switched = strip_first(after, CHINESE_FEATURES).is_some_and(|rest| {
        let rest = rest.strip_prefix('已').unwrap_or(rest);
        strip_first(rest, CHINESE_SWITCHES).is_some()
    });
    let duration = after.strip_prefix("时间").filter(|_| word == "超时");
    let is_duration = duration.is_some_and(has_duration) && starts_clause(before);
    is_named || is_switched || is_duration
}

/// Returns `true` after the number 0, as in `0个失败` and `0 个任务失败`, but not in `第0个失败`.
fn follows_chinese_none(before: &str) -> bool {
    let before = strip_last(before, CHINESE_PARTS).unwrap_or(before);
    let count = strip_last(before.trim_end(), CHINESE_UNITS);
    count.is_some_and(|count| {
        let rest = count.trim_end().strip_suffix('0');
        let is_name = |c: char| c.is_ascii_alphanumeric() || "-_#.:/第".contains(c);
        rest.is_some_and(|rest| !rest.ends_with(is_name))
    })
}

/// Returns `true` before the number 0 or another empty value, as in `失败 0 个` and `错误信息：无`.
fn precedes_chinese_none(after: &str) -> bool {
    let after = strip_first(after, CHINESE_COUNTS).unwrap_or(after);
    let value = after.trim_start_matches([':', '：', '=', '为', ' ']);
    let is_zero = value.strip_prefix('0').is_some_and(|rest| {
        let rest = strip_first(rest.trim_start_matches(' '), CHINESE_UNITS).unwrap_or(rest);
        ends_value(rest, ' ')
    });
    is_zero || has_value(after, NONE)
}

#[cfg(test)]
mod tests;
