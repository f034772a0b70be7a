//! Shows a details page on a terminal through a pager.

use std::io::{self, Write as _};
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::runtime::block_on;
use super::shutdown::spawn_blocking_detached;
use super::signals::{Signals, exit_at_once};
use crate::error::{Stop, file_error_text};
use crate::settings::Environment;

/// The variables that name a pager; the first one has priority.
const VARIABLES: [&str; 2] = ["JOBLENS_PAGER", "PAGER"];
/// The default pager.
const DEFAULT_PAGER: &str = "less";
/// Variables of pagers, with the values that git and gh set. less exits at once if the page fits (F), shows
/// colors (R), and leaves the page on the terminal (X).
const PAGER_ENVIRONMENT: [(&str, &str); 2] = [("LESS", "FRX"), ("LV", "-c")];

/// A command that displays its stdin.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pager {
    /// The variable that names the pager; `None` for the default one, which need not exist.
    variable: Option<&'static str>,
    command: Vec<String>,
    environment: Vec<(&'static str, &'static str)>,
}

impl Pager {
    /// Returns the pager from the environment; `None` for an empty value and for `cat`.
    pub(super) fn new(environment: &Environment) -> Option<Self> {
        let mut named = VARIABLES.iter().map(|name| (*name, environment.raw(name)));
        let named = named.find_map(|(name, value)| Some((name, value?)));
        let command = named.map_or(DEFAULT_PAGER, |(_, command)| command);
        // A value with invalid shell quoting is used as the name of a program.
        let words = shlex::split(command).unwrap_or_else(|| vec![command.to_owned()]);
        let is_none = words.is_empty() || words == ["cat"];
        let unset = |(name, _): &(&str, &str)| environment.raw(name).is_none();
        (!is_none).then(|| Self {
            variable: named.map(|(name, _)| name),
            command: words,
            environment: PAGER_ENVIRONMENT.into_iter().filter(unset).collect(),
        })
    }

    /// Shows a text until the pager exits. If the pager cannot be run, writes the text to stdout, and passes a
    /// warning to `warn` if a variable names the pager.
    ///
    /// # Errors
    /// Returns the error of writing to stdout.
    pub(super) fn show(self, text: Vec<u8>, warn: impl FnOnce(String)) -> io::Result<()> {
        let spawned = Command::new(&self.command[0])
            .args(&self.command[1..])
            .envs(self.environment)
            .stdin(Stdio::piped())
            .spawn();
        match spawned {
            Ok(pager) => {
                block_on(shown(pager, text));
                Ok(())
            }
            Err(error) => {
                if let Some(variable) = self.variable {
                    let (pager, reason) = (&self.command[0], file_error_text(&error));
                    warn(format!(
                        "warning: {variable}: cannot run '{pager}' ({reason})"
                    ));
                }
                io::stdout().lock().write_all(&text)
            }
        }
    }
}

/// Sends a text to a pager and waits until it exits. The pager handles Ctrl-C; other
/// signals end both processes.
async fn shown(mut pager: Child, text: Vec<u8>) {
    let mut signals = Signals::new();
    let id = Pid::from_child(&pager);
    let mut ended = spawn_blocking_detached(move || {
        if let Some(mut input) = pager.stdin.take() {
            // The user can quit the pager before it has read everything.
            let _ = input.write_all(&text);
        }
        // The exit code does not show whether all of the output was displayed.
        let _ = pager.wait();
    });
    loop {
        let stop = tokio::select! {
            biased;
            _ = &mut ended => return,
            stop = signals.next() => stop,
        };
        if stop != Stop::Interrupted {
            // The pager can have exited already.
            let _ = kill_process(id, Signal::TERM);
            let _ = ended.await;
            exit_at_once(stop);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pager(variables: &[(&str, &str)]) -> Option<Pager> {
        let variables = variables.iter();
        let variables = variables.map(|(name, value)| (name.to_string(), value.to_string()));
        Pager::new(&Environment::new(variables))
    }

    fn words(variables: &[(&str, &str)]) -> Vec<String> {
        pager(variables).expect("a pager").command
    }

    #[test]
    fn joblens_pager_takes_precedence_over_pager_and_the_default_is_less() {
        let both = [("JOBLENS_PAGER", "most -s"), ("PAGER", "more")];
        assert_eq!(words(&both), ["most", "-s"]);
        assert_eq!(words(&both[1..]), ["more"]);
        assert_eq!(words(&[]), ["less"]);
        assert_eq!(words(&[("PAGER", "'a b' c")]), ["a b", "c"]);
        assert_eq!(words(&[("PAGER", "it's")]), ["it's"]);
    }

    #[test]
    fn an_empty_pager_variable_or_cat_means_no_pager() {
        for none in ["", " ", "cat"] {
            assert_eq!(pager(&[("JOBLENS_PAGER", none), ("PAGER", "more")]), None);
            assert_eq!(pager(&[("PAGER", none)]), None);
        }
    }

    #[test]
    fn less_options_are_set_unless_the_user_has_set_them() {
        let names = |variables: &[(&str, &str)]| {
            let environment = pager(variables).expect("a pager").environment;
            environment
                .iter()
                .map(|(name, _)| *name)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&[]), ["LESS", "LV"]);
        assert_eq!(names(&[("LESS", "")]), ["LV"]);
    }
}
