use super::super::cause::exit_description;
use crate::model::Container;

/// Exit codes with the same meaning in nearly every program and shell.
const EXIT_CODES: [(i64, &str); 5] = [
    (1, "application error"),
    (2, "usage error or application error"),
    (126, "the command cannot be executed"),
    (127, "command not found"),
    (
        255,
        "exit status out of range, such as exit -1 or a failed ssh",
    ),
];

/// Offsets between exit codes and signal numbers: shells add 128, PBS adds 256.
const SIGNAL_OFFSETS: [i64; 2] = [256, 128];

/// The highest signal number.
const MAX_SIGNAL: i64 = 64;

const SIGTERM: i64 = 15;

/// The signals of Linux: number, name, and usual meaning.
const SIGNALS: [(i64, &str, &str); 19] = [
    (1, "SIGHUP", "terminal closed"),
    (2, "SIGINT", "interrupted (Ctrl-C)"),
    (3, "SIGQUIT", "quit requested"),
    (
        4,
        "SIGILL",
        "illegal instruction: possibly built for another CPU",
    ),
    (5, "SIGTRAP", "debugger trap"),
    (6, "SIGABRT", "aborted by the program or its runtime"),
    (
        7,
        "SIGBUS",
        "bus error: shared memory or a mapped file is exhausted",
    ),
    (8, "SIGFPE", "arithmetic error, e.g. division by zero"),
    (9, "SIGKILL", "killed"),
    (10, "SIGUSR1", "user-defined signal"),
    (11, "SIGSEGV", "segmentation fault: bad memory access"),
    (12, "SIGUSR2", "user-defined signal"),
    (13, "SIGPIPE", "broken pipe: the output was closed"),
    (14, "SIGALRM", "timer expired"),
    (
        15,
        "SIGTERM",
        "terminated (by a user, a time limit or an eviction)",
    ),
    (16, "SIGSTKFLT", "stack fault"),
    (24, "SIGXCPU", "CPU time limit exceeded"),
    (25, "SIGXFSZ", "file size limit exceeded"),
    (31, "SIGSYS", "forbidden system call"),
];

/// Describes how something ended and what that means: `exited with 137: killed (SIGKILL), out of memory`.
///
/// `words` are the cloud's texts about it, which can mention a lack of memory.
pub(super) fn describe_exit(
    exit_code: Option<i64>,
    signal: Option<i64>,
    words: &[Option<&str>],
) -> Option<String> {
    describe(exit_code, signal, words, false)
}

/// Describes the end of a container. Does not guess why it was stopped if that is explained elsewhere.
pub(super) fn describe_container(container: &Container, is_explained: bool) -> Option<String> {
    let words = [
        container.reason.as_deref(),
        container.detail_status.as_deref(),
        container.message.as_deref(),
    ];
    describe(container.exit_code, container.signal, &words, is_explained)
}

fn describe(
    exit_code: Option<i64>,
    signal: Option<i64>,
    words: &[Option<&str>],
    is_explained: bool,
) -> Option<String> {
    // An exit code such as 137 already contains the signal.
    let is_in_code = signal.is_some() && signal == exit_code.and_then(signal_in);
    let ended = exit_description(exit_code, signal.filter(|_| !is_in_code))?;
    Some(match explain_exit(exit_code, signal, words, is_explained) {
        Some(meaning) => format!("{ended}: {meaning}"),
        None => ended,
    })
}

/// Describes a failed or canceled part. An exit code of 0 is omitted, since it explains nothing.
pub(super) fn describe_failure(exit_code: Option<i64>, words: &[Option<&str>]) -> Option<String> {
    describe_exit(exit_code.filter(|code| *code != 0), None, words)
}

fn explain_exit(
    exit_code: Option<i64>,
    signal: Option<i64>,
    words: &[Option<&str>],
    is_explained: bool,
) -> Option<String> {
    let number = signal_of(exit_code, signal);
    let known = SIGNALS.iter().find(|(n, ..)| Some(*n) == number);
    if let Some((number, name, usual)) = known {
        let more = match number {
            9 if is_out_of_memory(exit_code, signal, words) => ", out of memory",
            9 if is_explained => "",
            9 => ", most likely out of memory or kill -9",
            _ => "",
        };
        return match is_explained && *number == SIGTERM {
            true => Some(format!("terminated ({name})")),
            false => Some(format!("{usual} ({name}){more}")),
        };
    }
    let code = exit_code?;
    let known = EXIT_CODES.iter().find(|(n, _)| *n == code);
    known.map(|(_, usual)| (*usual).to_owned())
}

fn signal_in(exit_code: i64) -> Option<i64> {
    let signals = SIGNAL_OFFSETS.map(|offset| exit_code.checked_sub(offset));
    let mut signals = signals.into_iter().flatten();
    signals.find(|signal| (1..=MAX_SIGNAL).contains(signal))
}

fn signal_of(exit_code: Option<i64>, signal: Option<i64>) -> Option<i64> {
    signal.or_else(|| signal_in(exit_code?))
}

/// Returns `true` if something was killed and the cloud names a lack of memory as the cause. A program that reports a
/// lack of memory itself, for example on an accelerator, exits in another way.
pub(super) fn is_out_of_memory(
    exit_code: Option<i64>,
    signal: Option<i64>,
    words: &[Option<&str>],
) -> bool {
    const SIGKILL: i64 = 9;
    // Without spaces and underscores: `OUT_OF_MEMORY`, `Out of memory`.
    const SIGNS: [&str; 5] = ["oomkill", "outofmemory", "内存超限", "内存不足", "内存溢出"];
    let is_memory_text = |text: &&str| {
        let text = text.to_ascii_lowercase();
        let joined = text.replace([' ', '_', '-'], "");
        let mut words = text.split(|c: char| !c.is_alphanumeric());
        // PBS: `job killed: mem 5242880kb exceeded limit 4194304kb`.
        let is_limit = text.contains("mem ") && text.contains("exceeded limit");
        SIGNS.iter().any(|sign| joined.contains(sign)) || words.any(|w| w == "oom") || is_limit
    };
    signal_of(exit_code, signal) == Some(SIGKILL) && words.iter().flatten().any(is_memory_text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(exit_code: Option<i64>, signal: Option<i64>, word: &str) -> String {
        describe_exit(exit_code, signal, &[None, Some(word)]).unwrap_or_default()
    }

    #[test]
    fn every_usual_exit_code_has_its_meaning() {
        for (code, meaning) in [
            (0, "exited with 0"),
            (3, "exited with 3"),
            (1, "exited with 1: application error"),
            (126, "exited with 126: the command cannot be executed"),
            (127, "exited with 127: command not found"),
            (130, "exited with 130: interrupted (Ctrl-C) (SIGINT)"),
            (
                134,
                "exited with 134: aborted by the program or its runtime (SIGABRT)",
            ),
            (
                135,
                "exited with 135: bus error: shared memory or a mapped file is exhausted (SIGBUS)",
            ),
            (
                139,
                "exited with 139: segmentation fault: bad memory access (SIGSEGV)",
            ),
            (
                143,
                "exited with 143: terminated (by a user, a time limit or an eviction) (SIGTERM)",
            ),
            (
                271,
                "exited with 271: terminated (by a user, a time limit or an eviction) (SIGTERM)",
            ),
            (256, "exited with 256"),
            (-11, "exited with -11"),
            (2127, "exited with 2127"),
            (i64::MIN, "exited with -9223372036854775808"),
        ] {
            assert_eq!(shown(Some(code), None, "Error"), meaning);
        }
    }

    #[test]
    fn out_of_memory_is_certain_only_if_the_cloud_reports_it() {
        assert_eq!(
            shown(Some(137), Some(9), "OOMKilled"),
            "exited with 137: killed (SIGKILL), out of memory"
        );
        assert_eq!(
            shown(Some(0), Some(15), "Completed"),
            "exited with 0, signal 15: terminated (by a user, a time limit or an eviction) (SIGTERM)"
        );
        assert_eq!(
            shown(Some(137), None, "Error"),
            "exited with 137: killed (SIGKILL), most likely out of memory or kill -9"
        );
        assert_eq!(
            shown(None, Some(9), "Memory cgroup out of memory"),
            "was terminated by signal 9: killed (SIGKILL), out of memory"
        );
    }

    #[test]
    fn words_of_clouds_for_out_of_memory_are_recognized() {
        for word in [
            "OOM",
            "OUT_OF_MEMORY",
            "worker-1: OOM (exit code 137)",
            "容器内存超限",
            "job killed: mem 5242880kb exceeded limit 4194304kb",
        ] {
            let text = shown(Some(265), None, word);
            assert_eq!(
                text, "exited with 265: killed (SIGKILL), out of memory",
                "{word}"
            );
        }
        let text = shown(Some(137), None, "no room in the zoom level");
        assert!(
            text.ends_with("most likely out of memory or kill -9"),
            "{text}"
        );
    }

    #[test]
    fn an_exit_code_of_0_explains_no_failure() {
        assert_eq!(describe_failure(Some(0), &[]), None);
        let failed = describe_failure(Some(127), &[]);
        assert_eq!(
            failed.as_deref(),
            Some("exited with 127: command not found")
        );
    }

    #[test]
    fn without_an_exit_code_or_a_signal_there_is_no_exit_description() {
        assert_eq!(describe_exit(None, None, &[Some("OOMKilled")]), None);
    }
}
