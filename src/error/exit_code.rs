//! The exit codes of all commands.

use super::Problem;

/// Success; with a gate, it passed.
pub const OK: u8 = 0;
/// A gate failed, or the output of the expression of `--jq` is null or false with `-e`.
pub const FAILED: u8 = 1;
/// The command line, a reference or a setting is invalid.
pub const USAGE: u8 = 2;
/// A resource does not exist.
pub const NOT_FOUND: u8 = 3;
/// Credentials are missing or were rejected.
pub const CREDENTIALS: u8 = 4;
/// A request failed, or the output is lost.
pub const SERVICE: u8 = 5;
/// A single check of a gate whose jobs are still active.
pub const PENDING: u8 = 8;
/// The time of a gate was up, as with the command `timeout`.
pub const TIMED_OUT: u8 = 124;
/// Ended by SIGINT. Like the next ones, 128 and the number of the signal, as in shells.
pub const INTERRUPTED: u8 = 130;
/// Ended by SIGQUIT, which no report shows.
pub const QUIT: u8 = 131;
/// The reader closed the output, as after SIGPIPE.
pub const BROKEN_PIPE: u8 = 141;
/// Ended by SIGTERM or SIGHUP.
pub const TERMINATED: u8 = 143;

/// The codes of requests, the most severe one last.
const BY_SEVERITY: [u8; 5] = [OK, NOT_FOUND, SERVICE, CREDENTIALS, USAGE];

/// Returns the exit code of a run with these problems and without a gate: that of the most severe one.
pub fn of<'a>(problems: impl IntoIterator<Item = &'a Problem>) -> u8 {
    let rank = |code: &u8| BY_SEVERITY.iter().position(|known| known == code);
    problems
        .into_iter()
        .map(|problem| problem.category.exit_code())
        .max_by_key(rank)
        .unwrap_or(OK)
}

/// Returns the exit code of a command whose output is lost: a program that reads the output must not take its absence
/// for success. An earlier failure is more specific.
pub fn with_lost_output(code: u8) -> u8 {
    match code {
        OK => SERVICE,
        code => code,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Category;

    #[test]
    fn the_most_severe_problem_determines_the_exit_code() {
        let of = |categories: &[Category]| {
            let problems: Vec<_> = categories.iter().map(|c| Problem::new(*c, "x")).collect();
            of(&problems)
        };
        assert_eq!(of(&[]), 0);
        assert_eq!(of(&[Category::NotFound]), 3);
        assert_eq!(of(&[Category::NotFound, Category::Network]), 5);
        assert_eq!(of(&[Category::Unauthenticated, Category::Network]), 4);
        assert_eq!(
            of(&[
                Category::InvalidResponse,
                Category::ClockSkew,
                Category::NotFound
            ]),
            4
        );
    }
}
