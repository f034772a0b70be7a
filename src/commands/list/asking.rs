//! Asking one place, a page at a time.

use std::ops::ControlFlow;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot};

use super::super::look_up::{BUDGET, Lens, addressed_to};
use super::options::Plan;
use super::scopes::Place;
use crate::error::Problem;
use crate::http::Deadline;
use crate::model::{Job, Scope};
use crate::output::Format;
use crate::providers::{self, Ask, Boxed, Cut, Drained, Found, Page};
use crate::reference;

/// What one page brings.
pub(super) enum Rows {
    /// Things.
    Things(Vec<Job>),
    /// Places that hold things.
    Places(Vec<Scope>),
}

impl Rows {
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Things(jobs) => jobs.len(),
            Self::Places(scopes) => scopes.len(),
        }
    }

    /// How many have no creation time that can be read.
    pub(super) fn count_undated(&self) -> usize {
        match self {
            Self::Things(jobs) => jobs.iter().filter(|one| one.created_at.is_none()).count(),
            Self::Places(scopes) => scopes.iter().filter(|one| one.created_at.is_none()).count(),
        }
    }
}

/// What comes from a place.
pub(super) enum News {
    /// A page. The next one is asked for when `taken` was dropped.
    Page {
        rows: Rows,
        problems: Vec<Problem>,
        total: Option<u64>,
        taken: oneshot::Sender<()>,
    },
    /// No more will come.
    End(Ending),
}

/// News with the number of the place.
pub(super) type Sender = mpsc::UnboundedSender<(usize, News)>;

/// How one place is asked.
pub(super) struct Asking {
    /// Number of the place among those that are asked.
    pub number: usize,
    pub place: Place,
    pub lens: Arc<Lens>,
    pub plan: Arc<Plan>,
    pub format: Format,
    /// What was asked for is sorted before it is cut.
    pub sorts: bool,
}

impl Asking {
    /// Asks for all pages and sends what they bring; nobody listens any more when the command is
    /// about to end.
    pub(super) async fn run(self, sender: Sender) {
        let drained = match &self.place {
            Place::Things(scope) => self.things(scope, &sender).await,
            Place::Places(cloud) => self.places(cloud, &sender).await,
        };
        let end = match drained {
            Ok(Drained { cut: None, .. }) => Ending::Whole,
            Ok(Drained { cut: Some(cut), .. }) => Ending::Cut(cut),
            Err(problem) => Ending::Failed(Box::new(self.addressed(problem))),
        };
        let _ = sender.send((self.number, News::End(end)));
    }

    async fn things(&self, scope: &reference::Scope, sender: &Sender) -> Result<Drained, Problem> {
        let client = self.lens.client_of(&self.place.account())?;
        let ask = self.lens.ask_kind(scope.template, Deadline::after(BUDGET));
        let kind = providers::kind(scope.template);
        let limit = self.plan.limit_for(kind, self.format, self.sorts);
        let now = self.lens.now()?;
        let mut on_page = |page: Page<Found>| {
            let rows = page.rows.into_iter();
            let things = rows.map(|found| self.lens.finish(found, now)).collect();
            self.send(sender, Rows::Things(things), page.problems, page.total)
        };
        let filter = &self.plan.filter;
        providers::drain(&*client, scope, filter, &ask, limit, &mut on_page)
            .await
            .unwrap_or_else(|| {
                let (cloud, kind) = (scope.template.cloud, scope.template.kind);
                Err(Problem::usage(format!("{cloud}/{kind} cannot be listed")))
            })
    }

    async fn places(
        &self,
        cloud: &reference::CloudScope,
        sender: &Sender,
    ) -> Result<Drained, Problem> {
        let client = self.lens.client_of(&self.place.account())?;
        let ask = Ask::plain(Deadline::after(BUDGET));
        // Clouds filter no places, so that a filter must see all of them.
        let limit = self.plan.limit_for_places(self.format);
        let limit = limit.filter(|_| self.plan.asked_for.is_none());
        let mut on_page = |page: Page<Scope>| {
            let mut rows = page.rows;
            rows.retain(|scope| self.plan.lets_place_pass(scope));
            for scope in &mut rows {
                providers::redact_scope(scope, self.lens.wire.redactor());
            }
            self.send(sender, Rows::Places(rows), page.problems, page.total)
        };
        providers::drain_scopes(&*client, &cloud.profile, &ask, limit, &mut on_page)
            .await
            .unwrap_or_else(|| Err(Problem::usage("its things lie in no clusters")))
    }

    /// Sends a page, and waits until it was taken.
    fn send(
        &self,
        sender: &Sender,
        rows: Rows,
        problems: Vec<Problem>,
        total: Option<u64>,
    ) -> Boxed<'static, ControlFlow<()>> {
        let (taken, is_taken) = oneshot::channel();
        let page = News::Page {
            rows,
            problems,
            total,
            taken,
        };
        let sent = sender.send((self.number, page));
        Box::pin(async move {
            match sent {
                Ok(()) => {
                    // It is dropped, never sent.
                    let _ = is_taken.await;
                    ControlFlow::Continue(())
                }
                Err(_) => ControlFlow::Break(()),
            }
        })
    }

    fn addressed(&self, problem: Problem) -> Problem {
        let permission = self.place.kind().map(|kind| kind.list_permission);
        let mut problem = addressed_to(problem, &self.place.account(), permission);
        self.lens.wire.redact(&mut problem);
        problem.reference = Some(self.place.scope());
        problem.input = Some(self.place.input().to_owned());
        problem
    }
}

/// Why a filter makes no sense for a place.
pub(super) fn untells(place: &Place, untold: &str) -> String {
    match place {
        Place::Places(_) => format!("clusters have no {untold}"),
        Place::Things(_) => format!("its list tells no {untold}"),
    }
}

/// How to get what a filter cannot.
pub(super) fn instead(place: &Place) -> String {
    match place {
        Place::Places(_) => format!("for its things: joblens list {}", place.form_below()),
        Place::Things(_) => format!(
            "a look at each tells more: joblens list {} -o name | joblens get - -o wide",
            place.scope()
        ),
    }
}

/// What one place came to.
pub(super) struct Listed {
    /// What was asked.
    pub place: Place,
    /// How many were found.
    pub found: usize,
    /// How many of these have no creation time that can be read.
    pub undated: usize,
    /// How many rows the cloud counts, where it says so.
    pub total: Option<u64>,
    /// Rows of which nothing could be told.
    pub problems: Vec<Problem>,
    /// How it ended.
    pub end: Ending,
}

/// How asking one place ended.
pub(super) enum Ending {
    /// Not yet.
    Open,
    /// With the last page.
    Whole,
    /// The cloud may have more.
    Cut(Cut),
    /// Something went wrong.
    Failed(Box<Problem>),
    /// It was not asked: what is wanted does not lie there.
    Skipped(String),
}

impl Listed {
    /// Nothing came yet.
    pub(super) fn new(place: Place) -> Self {
        Self {
            place,
            found: 0,
            undated: 0,
            total: None,
            problems: Vec::new(),
            end: Ending::Open,
        }
    }

    /// A place that was not asked, as its rows do not tell what the filter asks for.
    pub(super) fn skipped((place, untold): &(Place, String)) -> Self {
        let (why, next) = (untells(place, untold), instead(place));
        Self {
            end: Ending::Skipped(format!("not asked, since {why}; {next}")),
            ..Self::new(place.clone())
        }
    }

    /// True when this is all there is.
    pub(super) fn is_complete(&self) -> bool {
        self.problems.is_empty() && matches!(self.end, Ending::Whole)
    }

    /// True when the cloud gave all that was asked of it, be it not all there is.
    pub(super) fn is_answered(&self) -> bool {
        matches!(self.end, Ending::Whole | Ending::Cut(_))
    }

    /// What ended it before its end.
    pub(super) fn failure(&self) -> Option<&Problem> {
        match &self.end {
            Ending::Failed(problem) => Some(problem),
            _ => None,
        }
    }

    /// Everything that went wrong.
    pub(super) fn all_problems(&self) -> impl Iterator<Item = &Problem> {
        self.problems.iter().chain(self.failure())
    }
}
