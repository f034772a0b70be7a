use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::super::look_up::{BUDGET, Lens};
use super::super::poll::obeyed_hint;
use crate::error::{Category, Problem};
use crate::http::Deadline;
use crate::providers::{self, Filter, Page, at_once};
use crate::reference::{Reference, Scope};

/// The time between two looks at what is in a scope.
const PAUSE: Duration = Duration::from_secs(10);
/// At most so many things of a scope are looked through at a time, the newest first where the cloud
/// can sort.
const MOST_LISTED: usize = 1000;

/// Scopes that are followed: what is on its way when they are first listed, and what appears later.
pub(super) struct Scopes {
    followed: Vec<Followed>,
    running: JoinSet<(usize, Listed)>,
    lens: Arc<Lens>,
    every: Duration,
}

struct Followed {
    scope: Scope,
    /// Only what is the newest in it now is followed.
    newest: bool,
    next_at: Duration,
    busy: bool,
    /// No list of it will ever come, or none is needed any more.
    dead: bool,
    /// References that were listed before; `None` before the first list.
    known: Option<HashSet<String>>,
    problem: Option<Problem>,
}

type Listed = Result<Brought, Box<Problem>>;

/// What a list has brought of a scope.
enum Brought {
    All(Vec<Row>),
    Newest(Reference),
}

/// A thing of a list.
struct Row {
    /// Canonical reference.
    reference: String,
    ended: bool,
}

/// What a list has brought.
pub(super) enum News {
    /// Things that are new in a scope.
    Appeared(Vec<Reference>),
    /// A scope cannot be listed, for the first time since it last could; true when it never will be.
    Trouble(Box<Problem>, bool),
}

impl Scopes {
    pub(super) fn new(lens: &Arc<Lens>, interval: Option<Duration>) -> Self {
        let all = lens.scopes.iter().map(|scope| (scope, false));
        let newest = lens.newest.iter().map(|(_, scope)| (scope, true));
        let followed = all.chain(newest).map(|(scope, newest)| Followed {
            scope: scope.clone(),
            newest,
            next_at: Duration::ZERO,
            busy: false,
            dead: false,
            known: None,
            problem: None,
        });
        Self {
            followed: followed.collect(),
            running: JoinSet::new(),
            lens: Arc::clone(lens),
            every: interval.unwrap_or(PAUSE),
        }
    }

    /// True when nothing can appear any more.
    pub(super) fn are_over(&self) -> bool {
        self.followed.iter().all(|followed| followed.dead)
    }

    pub(super) fn is_busy(&self) -> bool {
        !self.running.is_empty()
    }

    pub(super) fn next_due(&self) -> Option<Duration> {
        let idle = self.followed.iter().filter(|one| !one.busy && !one.dead);
        idle.map(|followed| followed.next_at).min()
    }

    /// Why scopes cannot be listed at the moment.
    pub(super) fn problems(&self) -> impl Iterator<Item = &Problem> {
        self.followed
            .iter()
            .filter_map(|followed| followed.problem.as_ref())
    }

    /// Asks for the lists that are due.
    pub(super) fn start_due(&mut self, now: Duration) {
        for (number, followed) in self.followed.iter_mut().enumerate() {
            if !followed.busy && !followed.dead && followed.next_at <= now {
                followed.busy = true;
                let (lens, scope) = (Arc::clone(&self.lens), followed.scope.clone());
                let newest = followed.newest;
                self.running.spawn(async move {
                    let listed = match newest {
                        true => newest_of(&lens, &scope).await,
                        false => list(&lens, &scope).await,
                    };
                    (number, listed)
                });
            }
        }
    }

    /// Waits for the next list.
    pub(super) async fn next(&mut self, now: impl Fn() -> Duration) -> Option<News> {
        let (number, listed) = self
            .running
            .join_next()
            .await?
            .expect("a list neither panics nor is cancelled");
        let followed = &mut self.followed[number];
        followed.busy = false;
        match listed {
            Ok(Brought::Newest(reference)) => {
                followed.dead = true;
                followed.problem = None;
                Some(News::Appeared(vec![reference]))
            }
            Ok(Brought::All(rows)) => {
                followed.next_at = now() + self.every;
                followed.problem = None;
                Some(News::Appeared(followed.take(rows)))
            }
            Err(problem) => {
                let is_first = followed.problem.is_none();
                let wait = obeyed_hint(problem.retry_after, is_first).max(self.every);
                followed.next_at = now() + wait;
                followed.dead = is_final(problem.category);
                followed.problem = Some((*problem).clone());
                (is_first || followed.dead).then_some(News::Trouble(problem, followed.dead))
            }
        }
    }
}

impl Followed {
    /// The references of what is new. What had ended before the first list is no news.
    fn take(&mut self, rows: Vec<Row>) -> Vec<Reference> {
        let is_first = self.known.is_none();
        let known = self.known.get_or_insert_with(HashSet::new);
        rows.into_iter()
            .filter(|row| known.insert(row.reference.clone()))
            .filter(|row| !(is_first && row.ended))
            .filter_map(|row| self.scope.reference_of(&row.reference))
            .collect()
    }
}

async fn newest_of(lens: &Lens, scope: &Scope) -> Listed {
    let newest = lens.newest_of(scope).await;
    newest.map(Brought::Newest).map_err(Box::new)
}

async fn list(lens: &Lens, scope: &Scope) -> Listed {
    let framed = |mut problem: Problem| {
        problem.reference = Some(scope.to_string());
        problem.input = Some(scope.input.clone());
        Box::new(problem)
    };
    let client = lens.client_of_scope(scope).map_err(framed)?;
    let ask = lens.ask_kind(scope.template, Deadline::after(BUDGET));
    let mut all = Vec::new();
    let mut keep = |page: Page| {
        let told = page.rows.into_iter().map(|found| Row {
            reference: found.job.reference,
            ended: found.job.ended,
        });
        all.extend(told);
        // A look at the thing itself says better what is wrong with it.
        let untold = page.problems.into_iter().filter_map(|problem| {
            let reference = problem.reference?;
            let ended = false;
            Some(Row { reference, ended })
        });
        all.extend(untold);
        at_once(ControlFlow::Continue(()))
    };
    let all_of_them = Filter::default();
    let limit = providers::kind(scope.template).list_limit;
    let limit = limit.or(Some(MOST_LISTED));
    let drained = providers::drain(&*client, scope, &all_of_them, &ask, limit, &mut keep).await;
    match drained {
        Some(Ok(_)) => Ok(Brought::All(all)),
        Some(Err(problem)) => Err(framed(problem)),
        None => Err(framed(Problem::usage(format!(
            "{}/{} cannot be listed, so its scopes cannot be watched",
            scope.template.cloud, scope.template.kind
        )))),
    }
}

/// A failure that no later list can mend.
fn is_final(category: Category) -> bool {
    matches!(
        category,
        Category::Usage
            | Category::NoCredentials
            | Category::Refused
            | Category::Permission
            | Category::Rejected
            | Category::NotFound
    )
}
