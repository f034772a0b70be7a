use std::sync::Arc;

use clap::Args;

use super::lookup::{Lookup, LookupPlan, LookupResult, Options};
use super::references::AllowedTargets;
use super::{CommandContext, runtime};
use crate::error::Problem;

/// What a command that looks things up once is asked for.
#[derive(Debug, Args)]
pub(super) struct LookupArgs {
    /// References to get; @latest selects the newest in a scope, - reads references from stdin
    #[arg(value_name = "REF")]
    pub references: Vec<String>,
    /// Include the raw API response (JSON and YAML only)
    #[arg(long)]
    pub vendor: bool,
    /// Don't mask secrets in the output
    #[arg(long)]
    pub show_secrets: bool,
    /// Treat a Finished invocation as succeeded when its exit codes are unavailable
    #[arg(long)]
    pub trust_finished: bool,
}

impl LookupArgs {
    /// True when nothing of it was given.
    pub(super) fn is_empty(&self) -> bool {
        let flags = [self.vendor, self.show_secrets, self.trust_finished];
        self.references.is_empty() && !flags.contains(&true)
    }

    /// How the things are looked up.
    pub(super) fn options(&self) -> Options {
        Options {
            raw: self.vendor,
            show_secrets: self.show_secrets,
            trust_finished: self.trust_finished,
            allowed: AllowedTargets {
                latest: true,
                ..AllowedTargets::default()
            },
        }
    }

    /// The references, read and checked before any account is connected.
    ///
    /// # Errors
    /// Usage errors: no reference, or all references that are wrong.
    pub(super) fn plan(
        &self,
        session: &CommandContext,
        options: Options,
    ) -> Result<LookupPlan, Vec<Problem>> {
        if self.references.is_empty() {
            return Err(vec![Problem::usage("no references given").with_hint(
                "pass a reference such as aliyun/job/CLUSTER/JOB, or - to read from stdin",
            )]);
        }
        let settings = session.settings().map_err(|problem| vec![problem])?;
        LookupPlan::parse(session, settings, &self.references, options)
    }

    /// Everything that the look needs. Nothing is sent.
    ///
    /// # Errors
    /// Wrong use: nothing was named, or all that is wrong with what was.
    pub(super) fn lookup(
        &self,
        session: &CommandContext,
        options: Options,
    ) -> Result<Arc<Lookup>, Vec<Problem>> {
        self.plan(session, options)?
            .connect(session, None)
            .map(Arc::new)
    }
}

/// Looks all references up, all clouds at the same time.
pub(super) fn outcomes(lens: &Arc<Lookup>) -> Vec<LookupResult> {
    let runtime = runtime();
    let outcomes = runtime.block_on(lens.outcomes());
    // A DNS call that still hangs must not hold up the answer.
    runtime.shutdown_background();
    outcomes
}
