//! Recognizes texts that describe a failure, such as messages and end reasons.

/// Prefixes and suffixes of words that describe a failure.
const FAILURE_WORDS: &[&str] = &[
    "abnormal",
    "aborted",
    "crash",
    "crashed",
    "died",
    "error",
    "errors",
    "evicted",
    "exceeded",
    "exception",
    "failed",
    "failure",
    "fault",
    "killed",
    "lost",
    "nonzeroexit",
    "outofmemory",
    "panic",
    "preempted",
    "sigabrt",
    "sigbus",
    "sigfpe",
    "sigill",
    "sigint",
    "sigkill",
    "sigsegv",
    "sigterm",
    "timeout",
    "unsuccessful",
];

/// Several words that describe a failure.
const FAILURE_PHRASES: &[&str] = &["no space left", "not succeed", "out of memory"];

/// Several words that describe a failure, unless a word before them negates them.
const NEGATABLE_PHRASES: &[&str] = &[
    "canceled by the user",
    "canceled by user",
    "cancelled by the user",
    "cancelled by user",
    "interrupted by the user",
    "interrupted by user",
    "manually stopped",
    "manually terminated",
    "non zero exit",
    "non-zero exit",
    "nonzero exit",
    "stopped by the user",
    "stopped by user",
    "stopped manually",
    "terminated by the user",
    "terminated by user",
];

/// Words that describe a failure, but only as a whole word: `failover` and `preemptible` do not.
const WHOLE_FAILURE_WORDS: &[&str] = &[
    "fail",
    "fails",
    "oom",
    "preempt",
    "preempting",
    "preemption",
    "preemptions",
    "preempts",
];

/// Words after one that describes a failure that make it the name of a setting, such as `preemption policy`.
const SETTINGS: &[(&str, &[&str])] = &[
    ("preemption", &["disabled", "enabled", "policy"]),
    ("sigint", &["handler"]),
    ("sigterm", &["handler"]),
];

/// Words that describe a failure as a whole word, also as a part of a name such as `JobHanged`: `unchanged` and
/// `hangzhou` do not.
const HANG_WORDS: &[&str] = &["hang", "hanged", "hanging", "hangs", "hung"];

/// Words after which an exit code or the number of a signal follows.
const EXIT_WORDS: &[&str] = &[
    "exit",
    "exitcode",
    "exited",
    "exits",
    "exitstatus",
    "returncode",
    "signal",
];

/// Words between one of [`EXIT_WORDS`] and the number.
const EXIT_FILLERS: &[&str] = &[
    "a", "by", "code", "is", "number", "of", "status", "value", "was", "with",
];

/// Other forms of [`EXIT_WORDS`].
const EXIT_PHRASES: &[(&str, &str)] = &[
    ("return code", "returncode"),
    ("return_code", "returncode"),
    ("退出状态码", " exit "),
    ("退出代码", " exit "),
    ("退出码", " exit "),
    ("返回码", " exit "),
    ("信号", " signal "),
];

/// Chinese words that describe a failure.
const CHINESE_FAILURE_WORDS: &[&str] = &[
    "失败",
    "异常",
    "故障",
    "错误",
    "超时",
    "崩溃",
    "不成功",
    "内存不足",
    "空间不足",
    "被终止",
    "被驱逐",
    "被抢占",
    "被杀",
    "被中断",
    "已中断",
    "训练中断",
    "任务中断",
    "作业中断",
    "手动停止",
    "手动终止",
    "用户停止",
    "用户终止",
    "失联",
    "抢占",
    "挂死",
];

/// Chinese words of [`CHINESE_FAILURE_WORDS`] that do not describe a failure before or after other words, such as
/// `抢占式实例` (spot instance): the word, what precedes it, and what follows it.
const CHINESE_SETTINGS: &[(&str, &[&str], &[&str])] = &[
    (
        "抢占",
        &["可", "可以", "支持", "允许", "非", "不"],
        &["式", "型", "策略", "实例", "调度"],
    ),
    ("手动停止", &["可", "可以", "支持", "允许"], &[]),
    ("手动终止", &["可", "可以", "支持", "允许"], &[]),
];

/// Words that negate the failure word after them.
const NEGATIONS: &[&str] = &["no", "not", "without", "zero"];

/// Chinese negations; one of [`CHINESE_FILLERS`] may follow before the failure word.
const CHINESE_NEGATIONS: &[&str] = &["无", "未", "没有", "不存在"];

/// Words between a negation and what it negates: `未发现异常`.
const CHINESE_FILLERS: &[&str] = &["发生", "出现", "发现", "检测到", "任何", "被"];

/// Words between a failure and the number of its occurrences: `失败节点数：0`.
const CHINESE_COUNTS: &[&str] = &[
    "节点数",
    "任务数",
    "作业数",
    "进程数",
    "容器数",
    "实例数",
    "次数",
    "个数",
    "数量",
    "数",
];

/// Words between a failure and the number of its occurrences: `preemption count: 0`.
const COUNTS: &[&str] = &["count", "counts"];

/// Values of a flag that is not set.
const UNSET: &[&str] = &["false", "否"];

/// Returns `true` if a text describes a failure, in words or by an exit code. `no error` and `exit code 0` do not.
pub(in crate::providers) fn describes_failure(text: &str) -> bool {
    let lower = text.to_lowercase();
    let mut chinese = CHINESE_FAILURE_WORDS.iter();
    has_word(&lower, is_failure_word)
        || has_word(&separate_words(text).to_lowercase(), is_hang_word)
        || FAILURE_PHRASES.iter().any(|phrase| lower.contains(phrase))
        || NEGATABLE_PHRASES
            .iter()
            .any(|phrase| has_phrase(&lower, phrase))
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

fn is_hang_word(word: &str) -> bool {
    HANG_WORDS.contains(&word)
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

/// Returns `true` if a text contains a phrase that is not negated.
fn has_phrase(lower: &str, phrase: &str) -> bool {
    let mut matches = lower.match_indices(phrase);
    matches.any(|(at, _)| {
        let before = &lower[..at];
        let previous = words(before).last().unwrap_or_default();
        let is_never = previous == "never" && before.ends_with("never ");
        let after = &lower[at + phrase.len()..];
        let after = after_count(after.strip_prefix('s').unwrap_or(after));
        let is_none = counts_none(after) || has_value(after, UNSET);
        !NEGATIONS.contains(&previous) && !is_never && !is_none && !is_count(before)
    })
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
