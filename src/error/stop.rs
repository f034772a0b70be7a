use super::{Category, Problem, exit_code};

/// Why a command is stopped before it has all results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// By SIGINT.
    Interrupted,
    /// By SIGQUIT.
    Quit,
    /// By SIGTERM or SIGHUP.
    Terminated,
    /// A replay needs more responses than the recording has.
    EndOfRecording,
}

impl Stop {
    /// Returns why a recorded run was stopped, by its exit code; `None` if no signal ended it.
    pub fn of_recorded_run(code: u8) -> Option<Self> {
        match code {
            exit_code::INTERRUPTED => Some(Self::Interrupted),
            exit_code::TERMINATED => Some(Self::Terminated),
            _ => None,
        }
    }

    /// Returns the exit code of a command that is stopped.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Interrupted => exit_code::INTERRUPTED,
            Self::Quit => exit_code::QUIT,
            Self::Terminated => exit_code::TERMINATED,
            // As for a request without a recorded response.
            Self::EndOfRecording => exit_code::SERVICE,
        }
    }

    /// Returns `true` if a signal stops the command.
    pub fn is_signal(self) -> bool {
        self != Self::EndOfRecording
    }

    /// Returns the error of a replay that is stopped at the end of the recording; `None` after a signal.
    pub fn problem(self) -> Option<Problem> {
        (!self.is_signal()).then(|| {
            let message = "the recording ends before this run does";
            Problem::new(Category::InvalidArgument, message)
                .with_hint("run the recorded command, or record again")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replay_is_stopped_like_the_recorded_run_only_after_a_signal() {
        let stopped = (0..=u8::MAX).filter_map(Stop::of_recorded_run);
        let codes: Vec<u8> = stopped.map(Stop::exit_code).collect();
        assert_eq!(codes, [130, 143]);
        assert!(Stop::Interrupted.problem().is_none());
        let problem = Stop::EndOfRecording.problem().unwrap();
        assert_eq!(
            problem.category.exit_code(),
            Stop::EndOfRecording.exit_code()
        );
    }
}
