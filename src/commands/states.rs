use clap::Args;

use super::context::{CommandContext, CommandResult};
use super::introspect;
use crate::error::Problem;
use crate::kind::{Kind, StateTable};
use crate::model::State;
use crate::output;
use crate::output::document::{Envelope, MappingSource, StateMap, StateMapping};
use crate::providers::states::ExitOutcome;
use crate::settings::SettingsFile;

/// Show how each cloud's states map to joblens states
#[derive(Debug, Args)]
#[command(
    before_help = "Examples:\n  joblens states\n  joblens states aliyun/job",
    after_help = "Unlisted states map to unknown and never count as ended; state_raw keeps the original. Map them in \
    the config file: [states.\"aliyun/job\"] Suspended = \"stopping\""
)]
pub(super) struct Arguments {
    /// Limit to a cloud or kind
    #[arg(value_name = "CLOUD[/KIND]")]
    named: Option<String>,
}

/// Shows the mappings of status words to states: the built-in ones and those of the config file.
pub(super) fn run(context: &CommandContext, arguments: &Arguments) -> CommandResult {
    let words = state_map(context, arguments)?;
    context.print_catalog("states", |out, form, render_context| {
        output::write_states(out, &words, form, render_context)
    })
}

fn state_map(context: &CommandContext, arguments: &Arguments) -> Result<StateMap, Problem> {
    let kinds = introspect::kinds_of(arguments.named.as_deref())?;
    let settings = context.settings()?;
    let levels = kinds
        .iter()
        .flat_map(|kind| kind.states.iter().map(move |level| (*kind, level)));
    let words = levels.flat_map(|(kind, level)| state_mappings(kind, level, settings.file()));
    Ok(StateMap {
        schema: Envelope::SCHEMA,
        command: "states",
        states: words.collect(),
    })
}

fn is_same(own: &str, word: &str) -> bool {
    own.trim().eq_ignore_ascii_case(word)
}

/// Returns the mappings of one level: those of its table, then those of the config file.
fn state_mappings(kind: &Kind, level: &StateTable, file: &SettingsFile) -> Vec<StateMapping> {
    let (cloud, kind_name) = (kind.template.cloud, kind.template.kind);
    let mapping =
        |word: Option<&str>, state: State, ended: bool, note: Option<&str>| StateMapping {
            cloud,
            kind: kind_name,
            level: level.name,
            word: word.map(str::to_owned),
            state,
            ended,
            note: note.map(str::to_owned),
            source: MappingSource::BuiltIn,
        };
    if level.map.is_empty() {
        let note = Some("the cloud reports no state");
        return vec![mapping(None, State::Unknown, false, note)];
    }
    let own = match level.allows_user_states {
        true => file.states(&kind.to_string()),
        false => &[],
    };
    let mut words = Vec::new();
    for (text, state) in level.map {
        if let Some(split) = level.outcome_rules.iter().find(|split| split.word == *text) {
            let outcomes = ExitOutcome::ALL.into_iter().zip(split.when);
            words.extend(
                outcomes
                    .map(|(outcome, when)| mapping(Some(text), outcome.state(), true, Some(when))),
            );
            continue;
        }
        let is_mapped = own.iter().any(|(own, _)| is_same(own, text));
        let note = match level.notes.iter().find(|(noted, _)| noted == text) {
            _ if is_mapped => Some("recognized; cannot be mapped in the config file"),
            noted => noted.map(|(_, note)| *note),
        };
        let ended = state.is_end() && !level.is_endless;
        words.push(mapping(Some(text), *state, ended, note));
    }
    let is_known = |own: &str| level.map.iter().any(|(text, _)| is_same(own, text));
    let own = own.iter().filter(|(own, _)| !is_known(own));
    words.extend(own.map(|(own, state)| StateMapping {
        source: MappingSource::Settings,
        ..mapping(Some(own.trim()), *state, state.is_end(), None)
    }));
    words
}
