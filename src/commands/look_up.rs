use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::Utc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::{Session, references};
use crate::error::{Category, Problem};
use crate::http::{Deadline, Wire};
use crate::model::{Job, Notice, Report, State, Time};
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
type Outcome = Result<Job, Problem>;

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

/// Everything that a look-up needs, found and checked before the first call.
pub(super) struct LookUp {
    references: Vec<Reference>,
    settings: Settings,
    wire: Arc<Wire>,
    options: Options,
    told: Collected,
}

impl LookUp {
    /// Reads the references and checks settings and options. Nothing is sent.
    ///
    /// # Errors
    /// Wrong use: all references that are wrong, so that they can be mended at once.
    pub(super) fn prepare(
        session: &Session,
        settings: Settings,
        inputs: &[String],
        options: Options,
    ) -> Result<Self, Vec<Problem>> {
        let one = |problem| vec![problem];
        let limits = session.global.limits(settings.file()).map_err(one)?;
        let references = references::read(inputs, &settings, session.default_profile(&settings))?;
        let told = Collected::default();
        let sink = session.sink(&told);
        let proxies = settings.environment().proxies();
        let wire = Wire::new(limits, &proxies, Arc::new(Utc::now), sink).map_err(one)?;
        Ok(Self {
            references,
            settings,
            wire,
            options,
            told,
        })
    }

    /// Looks all references up, side by side, and answers in their order.
    ///
    /// A reference whose account cannot be used fails by itself and hides no other.
    pub(super) async fn report(self, command: &'static str) -> Report {
        let outcomes = self.outcomes().await;
        let (mut jobs, mut problems) = (Vec::new(), Vec::new());
        for outcome in outcomes {
            match outcome {
                Ok(job) => jobs.push(job),
                Err(problem) => problems.push(problem),
            }
        }
        Report::new(command, jobs, problems, self.told.take())
    }

    async fn outcomes(&self) -> Vec<Outcome> {
        let clients = connect(&self.references, &self.settings, &self.wire);
        let mut places: HashMap<&str, Arc<Semaphore>> = HashMap::new();
        let mut running = JoinSet::new();
        let mut outcomes: Vec<Option<Outcome>> = Vec::new();
        for (number, reference) in self.references.iter().enumerate() {
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
                .or_insert_with(|| Arc::new(Semaphore::new(self.wire.limits().concurrency)));
            let look = One {
                client,
                place: Arc::clone(place),
                wire: Arc::clone(&self.wire),
                told: self.told.clone(),
                states: self.settings.file().states(&kind_of(reference)).to_vec(),
                options: self.options,
                reference: reference.clone(),
            };
            running.spawn(async move { (number, look.outcome().await) });
        }
        while let Some(joined) = running.join_next().await {
            let (number, outcome) = joined.expect("a look-up neither panics nor is cancelled");
            outcomes[number] = Some(outcome);
        }
        outcomes
            .into_iter()
            .map(|outcome| outcome.expect("every reference was answered or failed"))
            .collect()
    }
}

/// The look-up of one reference.
struct One {
    client: Arc<dyn Client>,
    place: Arc<Semaphore>,
    wire: Arc<Wire>,
    told: Collected,
    states: Vec<(String, State)>,
    options: Options,
    reference: Reference,
}

impl One {
    async fn outcome(self) -> Outcome {
        let _place = self
            .place
            .acquire()
            .await
            .expect("the semaphore is never closed");
        let ask = Ask {
            vendor: self.options.vendor,
            show_secrets: self.options.show_secrets,
            trust_finished: self.options.trust_finished,
            states: self.states,
            // The time starts when its turn has come: a long list is not a slow look-up.
            deadline: Deadline::after(BUDGET),
        };
        let found = self.client.look_up(&self.reference, &ask).await;
        let mut found = found.map_err(|problem| addressed(problem, &self.reference))?;
        let now = Time::new(self.wire.now()).ok_or_else(|| {
            let message = "this machine's clock is outside the years 1 to 9999";
            addressed(Problem::new(Category::Clock, message), &self.reference)
        })?;
        found.job.settle(now);
        if !self.options.show_secrets {
            mask_job(&mut found.job);
        }
        found
            .notices
            .into_iter()
            .for_each(|notice| self.told.keep(notice));
        Ok(found.job)
    }
}

fn kind_of(reference: &Reference) -> String {
    format!("{}/{}", reference.template.cloud, reference.template.kind)
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

/// Notices of a run, each once.
#[derive(Debug, Clone, Default)]
pub(super) struct Collected(Arc<Mutex<Kept>>);

/// Notices in the order in which they came. An answer can hold a hundred thousand words that no
/// table knows, so that what was kept is not searched one by one.
#[derive(Debug, Default)]
struct Kept {
    notices: Vec<Notice>,
    known: HashSet<Notice>,
}

impl Collected {
    /// Keeps a notice, unless it was kept before.
    pub(super) fn keep(&self, notice: Notice) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.known.insert(notice.clone()) {
            kept.notices.push(notice);
        }
    }

    /// Takes what was kept.
    fn take(&self) -> Vec<Notice> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *kept).notices
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_thousand_notices_take_no_time_and_come_once_each() {
        let collected = Collected::default();
        for _ in 0..2 {
            for number in 0..100_000 {
                collected.keep(Notice::new("unknown_state", number.to_string()));
            }
        }
        assert_eq!(collected.take().len(), 100_000);
    }
}
