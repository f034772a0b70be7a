use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use crate::error::{Category, Problem};
use crate::http::{Deadline, Wire};
use crate::model::{Job, Notice, Time};
use crate::providers::{self, Ask, CLOUDS, Client, mask_job};
use crate::reference::Reference;
use crate::settings::{CloudKeys, Settings};

/// A look-up spends at most this much time in all.
const BUDGET: Duration = Duration::from_secs(60);

/// How things are looked up, for all references of a run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Options {
    /// Keep the clouds' own documents.
    pub vendor: bool,
    /// Show secrets that travel in answers.
    pub show_secrets: bool,
    /// Take a finished invocation whose exit codes cannot be read as succeeded.
    pub trust_finished: bool,
}

/// What became of one reference.
pub(super) type Outcome = Result<Job, Problem>;

/// The legal settings of a cloud.
pub(super) fn cloud_keys(cloud: &str) -> Option<CloudKeys> {
    providers::cloud(cloud).map(|cloud| CloudKeys {
        cloud: cloud.name,
        keys: cloud.keys,
    })
}

/// The legal settings of all clouds.
pub(super) fn all_cloud_keys() -> Vec<CloudKeys> {
    CLOUDS
        .iter()
        .map(|cloud| CloudKeys {
            cloud: cloud.name,
            keys: cloud.keys,
        })
        .collect()
}

/// Looks all references up, side by side, and answers in their order.
///
/// A reference whose account cannot be used fails by itself and hides no other.
pub(super) async fn look_up(
    references: &[Reference],
    settings: &Settings,
    wire: &Arc<Wire>,
    options: Options,
) -> (Vec<Outcome>, Vec<Notice>) {
    let clients = connect(references, settings, wire);
    let mut places: HashMap<&str, Arc<Semaphore>> = HashMap::new();
    let mut running = JoinSet::new();
    let mut outcomes: Vec<Option<Outcome>> = Vec::new();
    for (number, reference) in references.iter().enumerate() {
        let client = match &clients[&account_of(reference)] {
            Ok(client) => Arc::clone(client),
            Err(problem) => {
                outcomes.push(Some(Err(addressed(problem.clone(), reference))));
                continue;
            }
        };
        outcomes.push(None);
        let place = places
            .entry(reference.template.cloud)
            .or_insert_with(|| Arc::new(Semaphore::new(wire.limits().concurrency)));
        let place = Arc::clone(place);
        let wire = Arc::clone(wire);
        let reference = reference.clone();
        let kind = format!("{}/{}", reference.template.cloud, reference.template.kind);
        let states = settings.file().states(&kind).to_vec();
        running.spawn(async move {
            let _place = place
                .acquire()
                .await
                .expect("the semaphore is never closed");
            let ask = Ask {
                vendor: options.vendor,
                show_secrets: options.show_secrets,
                trust_finished: options.trust_finished,
                states,
                deadline: Deadline::after(BUDGET),
            };
            let found = client.look_up(&reference, &ask).await;
            (number, settle(found, &reference, &wire, options))
        });
    }
    let mut notices: Vec<Notice> = Vec::new();
    while let Some(joined) = running.join_next().await {
        let (number, outcome) = joined.expect("a look-up neither panics nor is it cancelled");
        outcomes[number] = Some(outcome.map(|(job, told)| {
            for notice in told {
                if !notices.contains(&notice) {
                    notices.push(notice);
                }
            }
            job
        }));
    }
    let outcomes = outcomes
        .into_iter()
        .map(|outcome| outcome.expect("every reference was answered or failed"))
        .collect();
    (outcomes, notices)
}

type Account = (&'static str, String);

fn account_of(reference: &Reference) -> Account {
    (reference.template.cloud, reference.profile.clone())
}

/// One client for each account that the references name.
fn connect(
    references: &[Reference],
    settings: &Settings,
    wire: &Arc<Wire>,
) -> HashMap<Account, Result<Arc<dyn Client>, Problem>> {
    let mut clients = HashMap::new();
    for reference in references {
        clients.entry(account_of(reference)).or_insert_with(|| {
            let cloud = providers::cloud(reference.template.cloud)
                .expect("every template belongs to a cloud of the registry");
            let keys = CloudKeys {
                cloud: cloud.name,
                keys: cloud.keys,
            };
            let profile = settings.profile(&keys, &reference.profile)?;
            (cloud.connect)(&profile, wire).map(Arc::from)
        });
    }
    clients
}

fn settle(
    found: Result<providers::Found, Problem>,
    reference: &Reference,
    wire: &Wire,
    options: Options,
) -> Result<(Job, Vec<Notice>), Problem> {
    let mut found = found.map_err(|problem| addressed(problem, reference))?;
    let now = Time::new(wire.now()).ok_or_else(|| {
        let problem = Problem::new(
            Category::Clock,
            "this machine's clock is beyond the year 9999",
        );
        addressed(problem, reference)
    })?;
    found.job.settle(now);
    if !options.show_secrets {
        mask_job(&mut found.job);
    }
    Ok((found.job, found.notices))
}

fn addressed(mut problem: Problem, reference: &Reference) -> Problem {
    problem.reference = Some(reference.to_string());
    problem.input = Some(reference.input.clone());
    problem
        .cloud
        .get_or_insert_with(|| reference.template.cloud.to_owned());
    problem
        .profile
        .get_or_insert_with(|| reference.profile.clone());
    problem
}

/// Notices that come from the wire while calls are under way.
#[derive(Debug, Clone, Default)]
pub(super) struct Collected(Arc<Mutex<Vec<Notice>>>);

impl Collected {
    /// Keeps a notice, unless it was kept before.
    pub(super) fn keep(&self, notice: Notice) {
        let mut notices = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !notices.contains(&notice) {
            notices.push(notice);
        }
    }

    /// Takes what was kept.
    pub(super) fn take(&self) -> Vec<Notice> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
