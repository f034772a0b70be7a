use std::sync::Arc;

use clap::Args;

use super::context::{CommandContext, CommandResult, program};
use super::lookup::{self, LookupOptions, LookupPlan};
use super::runtime::block_on;
use crate::emulator::{self, Emulator, Scenario};
use crate::error::{Problem, file_error_text};
use crate::output::Format;
use crate::settings::{Environment, Settings};

/// Try joblens against built-in emulated clouds (no account needed)
#[derive(Debug, Args)]
#[command(before_help = "Examples:\n  joblens demo\n  joblens demo -o json")]
pub(super) struct Arguments {}

/// One reference of each kind in the built-in scenario.
const REFERENCES: [&str; 6] = [
    "aliyun/job/ehpc-hz-FYUr32/train-7",
    "aliyun/job/ehpc-hz-FYUr32/10_3",
    "aliyun/invocation/ehpc-hz-FYUr32/c-hz01v8x80o4",
    "sugon/instance/7d3e1f60b2c94a58a1e0c4f29d8b6e35",
    "huawei/image-job/702371902345678848",
    "tencent/service/cls-xxxxx/default/test-web-service",
];

/// Starts the emulated clouds, gets one resource of each kind from them, and prints
/// the commands that do the same.
pub(super) fn run(context: &CommandContext, _: &Arguments) -> CommandResult {
    let envelope = block_on(async {
        let scenario = Scenario::built_in()?;
        let emulator = Emulator::start(scenario, 0, Arc::new(|_| {}))
            .await
            .map_err(|error| {
                vec![Problem::usage(format!(
                    "cannot start the emulator ({})",
                    file_error_text(&error)
                ))]
            })?;
        let environment = Environment::new(emulator::environment(&emulator.origin()));
        // --profile selects an account, but each emulated cloud has only the default
        // one, so name it explicitly.
        let references = REFERENCES.map(|reference| reference.replacen('/', "@default/", 1));
        let settings = Settings::from_environment(environment);
        let options = LookupOptions::default();
        let plan = LookupPlan::parse(context, settings, &references, options)?;
        let lookup = Arc::new(plan.into_lookup(context, None)?);
        let envelope = lookup::envelope("demo", lookup.get_all().await, None, &lookup);
        emulator.stop().await;
        Ok::<_, Vec<Problem>>(envelope)
    });
    Ok(match context.print_envelope(envelope?) {
        0 => context.print(
            manual_steps(),
            context.output_options.format != Format::Table,
        ),
        code => code,
    })
}

/// Returns the command lines that do the same.
fn manual_steps() -> String {
    let program = program();
    let references = REFERENCES.join(" \\\n    ");
    format!(
        "\nThese clouds were emulated on loopback. To do the same by hand, in two terminals:\n\n  \
         {program} emulate\n\n  \
         eval \"$({program} emulate --print-env)\"\n  \
         {program} get {references}\n"
    )
}
