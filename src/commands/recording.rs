//! Implements `--record` and `--replay`.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::sync::Arc;

use super::context::CommandContext;
use super::global::GlobalArgs;
use crate::error::{Category, Problem};
use crate::http::{Recorder, Replay, Session, Transport};
use crate::model::SkippedSource;
use crate::output;
use crate::providers::{Client, RECORDING_MASKS};
use crate::secret::{MASK, Secret, mask_arguments, quotable, quotable_path};
use crate::settings::{Profile, RecordedProfile, Settings, SettingsSchema};

/// Whether the requests of a command can be recorded and replayed.
#[derive(Debug, Clone, Copy)]
pub(super) enum RecordingSupport {
    /// The recording of another command can be replayed: `joblens wait --replay` of a recorded `get`.
    AnyCommand,
    /// Only recordings of the same command can be replayed. Most of these commands send no requests, so a wrong
    /// recording would not be noticed, and `metrics` continues if the lookup of a job fails.
    SameCommand,
    /// Neither, for this reason.
    Unavailable(&'static str),
}

/// Returns the recording or replay that the options request.
///
/// # Errors
/// Returns a usage error if the command cannot be recorded, the folder of a recording cannot be created, or a
/// recording cannot be read or was made with another command.
pub(super) fn session(
    global: &GlobalArgs,
    command: &str,
    support: RecordingSupport,
    arguments: &[OsString],
) -> Result<Session, Problem> {
    let option = match (&global.record, &global.replay) {
        (None, None) => return Ok(Session::Live),
        (Some(_), Some(_)) => {
            return Err(Problem::usage(
                "--record and --replay are mutually exclusive",
            ));
        }
        (Some(_), None) => "--record",
        (None, Some(_)) => "--replay",
    };
    if let RecordingSupport::Unavailable(reason) = support {
        let message = format!("{option} is not available for {command}: {reason}");
        let hint = "use it with a command that sends requests, such as get, list, wait or doctor";
        return Err(Problem::usage(message).with_hint(hint));
    }
    // The path of the program is not recorded.
    let rest = arguments.iter().skip(1);
    let rest = rest.map(|word| word.to_string_lossy().into_owned());
    let mut words: Vec<String> = std::iter::once("joblens".to_owned()).chain(rest).collect();
    mask_jq_variables(&mut words);
    mask_arguments(&mut words);
    match (&global.record, &global.replay) {
        (Some(folder), _) => {
            Recorder::create(folder, command, words, RECORDING_MASKS).map(Session::Record)
        }
        (None, Some(folder)) => {
            let replay = Replay::open(folder, RECORDING_MASKS)?;
            if matches!(support, RecordingSupport::SameCommand) {
                check_command(&replay, command, folder)?;
            }
            Ok(Session::Replay(replay))
        }
        (None, None) => Ok(Session::Live),
    }
}

/// Checks that a recording was made with this command.
///
/// # Errors
/// Returns a usage error if the recording was made with another command.
fn check_command(replay: &Replay, command: &str, folder: &Path) -> Result<(), Problem> {
    let recorded = replay.command_name();
    if recorded == command {
        return Ok(());
    }
    let (folder, recorded) = (quotable_path(folder), quotable(recorded));
    let message =
        format!("the recording {folder} was made with '{recorded}', not with '{command}'");
    Err(Problem::usage(message).with_hint("run the recorded command, or record again"))
}

/// Returns the error of a replay that would otherwise succeed although a request had no recorded response: its options
/// differ from those of the recorded run, or that run was killed.
pub(super) fn incomplete_replay(session: &Session, problems: &[Problem]) -> Option<Problem> {
    let is_incomplete = problems.is_empty() && session.lacks_responses();
    is_incomplete.then(|| {
        let message = "the recording has no response to some requests of this run";
        Problem::new(Category::InvalidArgument, message)
            .with_hint("run the recorded command, or record again")
    })
}

/// Masks the values of `--arg NAME VALUE` and `--argjson NAME VALUE`, which can be secrets.
fn mask_jq_variables(words: &mut [String]) {
    let options = words.iter().enumerate();
    let options = options.filter(|(_, word)| matches!(word.as_str(), "--arg" | "--argjson"));
    let values: Vec<usize> = options.map(|(at, _)| at + 2).collect();
    for at in values {
        if let Some(value) = words.get_mut(at) {
            MASK.clone_into(value);
        }
    }
}

impl CommandContext {
    /// Refuses to record output with visible secrets.
    ///
    /// # Errors
    /// Returns a usage error.
    pub(super) fn check_recording(&self, shows_secrets: bool) -> Result<(), Problem> {
        match &self.session {
            Session::Record(_) if shows_secrets => Err(Problem::usage(
                "--record and --show-secrets are mutually exclusive",
            )
            .with_hint("a recording contains no secrets: omit one of them")),
            _ => Ok(()),
        }
    }

    /// Refuses to record or replay an exporter. It sends requests when it is scraped, and a recording does not
    /// contain the scrapes.
    ///
    /// # Errors
    /// Returns a usage error.
    pub(super) fn check_recording_of_exporter(&self) -> Result<(), Problem> {
        let option = match self.session {
            Session::Live => return Ok(()),
            Session::Record(_) => "--record",
            Session::Replay(_) => "--replay",
        };
        let message = format!(
            "{option} is not available with --listen: an exporter sends requests when it is scraped"
        );
        Err(Problem::usage(message).with_hint("omit --listen to print the metrics once"))
    }

    /// Ends the recording. An incomplete recording does not change the exit code.
    pub(super) fn finish_recording(&self, exit_code: u8) {
        let Session::Record(recorder) = &self.session else {
            return;
        };
        if let Some(reason) = recorder.finish(exit_code)
            && !self.global.quiet
        {
            let folder = self.global.record.as_deref();
            let folder = folder.map(quotable_path).unwrap_or_default();
            let line = format!("warning: the recording in {folder} is not complete ({reason})");
            // The command does not fail if stderr is closed.
            let _ = output::write_line(&mut io::stderr().lock(), &line);
        }
    }
}

/// Records the settings of a used account, with its client if there is one.
pub(super) fn record_profile(
    transport: &Arc<Transport>,
    profile: &Profile,
    client: Option<&dyn Client>,
) {
    if let Session::Record(recorder) = &transport.options().session {
        let known = client.and_then(|client| client.api().credential().expires_at);
        let expires_at = known.or(profile.expires_at);
        let placeholder = |secret: &Secret| recorder.placeholder(secret);
        let recorded = RecordedProfile::new(profile, expires_at, placeholder);
        let (cloud, name) = (profile.cloud(), &profile.name);
        recorder.update_settings(|settings| settings.add_profile(cloud, name, recorded));
    }
}

/// Records why an account cannot be used, with its settings if they can be read.
pub(super) fn record_failed_account(
    transport: &Arc<Transport>,
    settings: &Settings,
    schema: &'static SettingsSchema,
    name: &str,
    problem: &Problem,
) {
    let Session::Record(recorder) = &transport.options().session else {
        return;
    };
    let mut problem = problem.clone();
    transport.mask(&mut problem);
    let placeholder = |secret: &Secret| recorder.placeholder(secret);
    let plain = settings.plain_profile(schema, name).ok();
    let plain = plain.map(|plain| RecordedProfile::new(&plain, None, placeholder));
    recorder.update_settings(|settings| settings.add_failed(schema.cloud, name, &problem, plain));
}

/// Records the problems of accounts whose settings are needed to parse references.
pub(super) fn record_parse_problems(session: &Session, problems: &[Problem]) {
    let Session::Record(recorder) = session else {
        return;
    };
    for problem in problems {
        if let (Some(cloud), Some(profile)) = (&problem.cloud, &problem.profile) {
            let problem = Problem {
                reference: None,
                input: None,
                ..problem.clone()
            };
            recorder
                .update_settings(|settings| settings.add_parse_problem(cloud, profile, &problem));
        }
    }
}

/// Records the sources of credentials that are not used for an account.
pub(super) fn record_skipped_sources(
    transport: &Arc<Transport>,
    cloud: &str,
    name: &str,
    skipped: &[SkippedSource],
) {
    if let Session::Record(recorder) = &transport.options().session {
        recorder.update_settings(|settings| settings.add_skipped_sources(cloud, name, skipped));
    }
}

/// Ignores cached tokens of earlier runs if requests are recorded or replayed, since a recording must contain
/// everything that the run depends on.
pub(super) fn without_kept_tokens(transport: &Arc<Transport>, profile: Profile) -> Profile {
    let token_cache_dir = match transport.options().session.is_live() {
        true => profile.token_cache_dir,
        false => None,
    };
    Profile {
        token_cache_dir,
        ..profile
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_jq_variables_are_masked() {
        let words = "joblens get x --arg t SECRET --argjson p 7 --arg t";
        let mut words: Vec<String> = words.split(' ').map(str::to_owned).collect();
        mask_jq_variables(&mut words);
        let masked = "joblens get x --arg t *** --argjson p *** --arg t";
        assert_eq!(words.join(" "), masked);
    }
}
