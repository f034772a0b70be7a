use clap::error::Error;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches};

use crate::kind::KindFlag;
use crate::providers;
use crate::sort::SortExt as _;

/// Kind-specific switches, as options of a command that looks up jobs.
#[derive(Debug, Clone, Default)]
pub(super) struct KindFlags {
    /// The names of the given switches.
    pub given: Vec<&'static str>,
}

impl Args for KindFlags {
    fn augment_args(command: Command) -> Command {
        all().into_iter().fold(command, |command, flag| {
            let arg = Arg::new(flag.name).long(flag.name).help(flag.help);
            command.arg(arg.action(ArgAction::SetTrue))
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for KindFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let names = all().into_iter().map(|flag| flag.name);
        let given = names.filter(|name| matches.get_flag(name)).collect();
        Ok(Self { given })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// Returns every switch once, even if several kinds have it.
fn all() -> Vec<&'static KindFlag> {
    let flags = providers::kinds().flat_map(|kind| kind.flags);
    let mut flags: Vec<&KindFlag> = flags.collect();
    flags.order_by_key(|flag| flag.name);
    flags.dedup_by_key(|flag| flag.name);
    flags
}
