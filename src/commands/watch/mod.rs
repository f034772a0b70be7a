mod options;

use std::io::{self, IsTerminal as _};
use std::sync::Arc;

pub(super) use options::Arguments;

use super::Session;
use super::follow::{self, Display, Plan};
use super::look_up::{Lens, Options};
use super::poll::PACE;
use super::references::Allowed;
use crate::error::Problem;

/// Follows what was named until the end, and returns the exit code.
pub(super) fn run(session: &Session, arguments: &Arguments) -> u8 {
    match prepare(session, arguments) {
        Ok((lens, plan)) => {
            let display = Display::open(&session.form, is_live(session));
            follow::run(session, lens, plan, display)
        }
        Err(problems) => session.refuse("watch", problems),
    }
}

fn prepare(session: &Session, arguments: &Arguments) -> Result<(Arc<Lens>, Plan), Vec<Problem>> {
    let one = |problem| vec![problem];
    let plan = arguments.plan(session.form.format).map_err(one)?;
    if session.sort.is_some() {
        let problem =
            Problem::usage("watch keeps the order of the references, so --sort-by has no place")
                .hint("joblens get REF… --sort-by COLUMN");
        return Err(one(problem));
    }
    let options = Options {
        trust_finished: arguments.trust_finished,
        allowed: Allowed {
            scopes: true,
            newest: true,
        },
        ..Options::default()
    };
    let settings = session.settings().map_err(one)?;
    let inputs = &arguments.references;
    let lens = Lens::prepare(session, settings, inputs, options, Some(PACE))?;
    if lens.references.is_empty() && lens.scopes.is_empty() && lens.newest.is_empty() {
        return Err(one(Problem::usage("nothing to watch").hint(
            "name a reference, such as aliyun/job/CLUSTER/JOB, a scope, such as aliyun/job/CLUSTER/, or - for standard input",
        )));
    }
    Ok((Arc::new(lens), plan))
}

/// True when a table can be drawn in place.
fn is_live(session: &Session) -> bool {
    io::stdout().is_terminal() && session.may_redraw()
}
