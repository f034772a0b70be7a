use std::time::Duration;

use super::warnings::Warnings;
use super::{Cause, Goal, Open, Rules, Standing};
use crate::error::{Category, Problem};
use crate::model::{Job, State};

/// One look at a thing.
#[derive(Debug, Clone, Copy)]
pub enum Look<'a> {
    /// It was read.
    Job(&'a Job),
    /// It could not be read, or does not exist.
    Failed(&'a Problem),
}

/// Two looks that miss a thing must lie so far apart before it is believed.
const MISSING_APART: Duration = Duration::from_secs(15);

/// What the looks at one thing have shown so far.
///
/// All times count from the start of the gate on a monotonic clock.
#[derive(Debug, Clone, Default)]
pub struct Track {
    /// The thing reports events only.
    stateless: bool,
    /// A stateless thing was confirmed to exist.
    confirmed: bool,
    last: Option<Seen>,
    observed: Vec<State>,
    has_run: bool,
    ended: Option<Ended>,
    missing: Option<Missing>,
    trouble: Option<Trouble>,
    warnings: Option<Warnings>,
}

#[derive(Debug, Clone)]
struct Seen {
    state: State,
    word: Option<String>,
    /// Why the state cannot be told although the word is known.
    doubt: Option<String>,
    ended: bool,
    /// When this state was first seen.
    since: Duration,
    /// When the thing was last read.
    at: Duration,
}

/// An end that was seen; what comes after it no longer counts.
#[derive(Debug, Clone)]
struct Ended {
    state: State,
    why: Option<String>,
}

#[derive(Debug, Clone)]
struct Missing {
    first: Duration,
    last: Duration,
}

#[derive(Debug, Clone)]
struct Trouble {
    category: Category,
    message: String,
    since: Duration,
}

impl Track {
    /// A thing that was not looked at yet; `stateless` when its kind reports events only.
    pub fn new(stateless: bool) -> Self {
        Self {
            stateless,
            ..Self::default()
        }
    }

    /// True while a stateless thing still has to be confirmed to exist.
    pub fn needs_confirmation(&self) -> bool {
        self.stateless && !self.confirmed
    }

    /// The thing was confirmed to exist.
    pub fn confirm(&mut self) {
        self.confirmed = true;
    }

    /// The state that was last read, if any.
    pub fn state(&self) -> Option<State> {
        self.last.as_ref().map(|seen| seen.state)
    }

    /// Since when the state that was last read has been seen.
    pub fn since(&self) -> Option<Duration> {
        self.last.as_ref().map(|seen| seen.since)
    }

    /// Since when the thing could not be read, while it cannot.
    pub fn unreadable_since(&self) -> Option<Duration> {
        self.trouble.as_ref().map(|trouble| trouble.since)
    }

    /// True when an end was seen.
    pub fn has_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// Takes in a look.
    pub fn see(&mut self, look: Look<'_>, at: Duration) {
        match look {
            Look::Job(job) => self.see_job(job, at),
            Look::Failed(problem) if problem.category == Category::NotFound => {
                self.trouble = None;
                let first = self.missing.as_ref().map_or(at, |missing| missing.first);
                self.missing = Some(Missing { first, last: at });
            }
            Look::Failed(problem) => {
                let since = self.trouble.as_ref().map_or(at, |trouble| trouble.since);
                self.trouble = Some(Trouble {
                    category: problem.category,
                    message: problem.message.clone(),
                    since,
                });
            }
        }
    }

    fn see_job(&mut self, job: &Job, at: Duration) {
        (self.missing, self.trouble) = (None, None);
        let since = match &self.last {
            Some(seen) if seen.state == job.state => seen.since,
            _ => at,
        };
        self.last = Some(Seen {
            state: job.state,
            word: job.state_raw.clone(),
            doubt: (job.reason.as_deref() == Some(Job::SUBTASKS_UNREAD))
                .then(|| job.message.clone().unwrap_or_default()),
            ended: job.ended,
            since,
            at,
        });
        if !self.observed.contains(&job.state) {
            self.observed.push(job.state);
        }
        let runs = matches!(
            job.state,
            State::Running | State::Stopping | State::Succeeded
        );
        self.has_run |= runs || job.started_at.is_some();
        if job.ended && job.state.is_end() && self.ended.is_none() {
            self.ended = Some(Ended {
                state: job.state,
                why: job.message.clone().or_else(|| job.reason.clone()),
            });
        }
        match &mut self.warnings {
            None => self.warnings = Some(Warnings::first(&job.events, at)),
            Some(warnings) => warnings.see(&job.events, at),
        }
    }

    /// How the thing stands at a moment.
    pub fn standing(&self, rules: &Rules, at: Duration) -> Standing {
        if let Some(standing) = self.ended_standing(&rules.goal) {
            return standing;
        }
        if let (Goal::NoWarnings(_), Some(text)) = (&rules.goal, self.new_warning()) {
            return Standing::No(format!("new warning: {text}"));
        }
        if let Some(trouble) = &self.trouble {
            return Standing::Open(self.troubled(trouble, rules, at));
        }
        if let Some(missing) = &self.missing {
            return Standing::Open(self.missed(missing, rules));
        }
        let Some(seen) = &self.last else {
            return open(Cause::Time, "not checked yet");
        };
        match &rules.goal {
            Goal::NoWarnings(quiet) => self.quiet_standing(*quiet),
            // An end whose state cannot be told is an end all the same.
            Goal::Ended if seen.ended => Standing::Yes,
            Goal::Ended => self.on_the_way(seen, rules, at),
            Goal::States(_) if seen.state == State::Unknown => unknown(seen, rules),
            Goal::States(states) if self.has_reached(states, seen.state) => Standing::Yes,
            Goal::States(_) => self.on_the_way(seen, rules, at),
        }
    }

    /// The standing of a thing whose end was seen; `None` while it has not ended, or when its end
    /// decides nothing.
    fn ended_standing(&self, goal: &Goal) -> Option<Standing> {
        let ended = self.ended.as_ref()?;
        let bad = matches!(ended.state, State::Failed | State::Canceled);
        let reached = match goal {
            Goal::Ended => true,
            Goal::NoWarnings(_) if bad => false,
            Goal::NoWarnings(_) => return None,
            Goal::States(states) => {
                states.contains(&ended.state) || (!bad && self.has_reached(states, ended.state))
            }
        };
        Some(match reached {
            true => Standing::Yes,
            false => {
                let why = ended
                    .why
                    .as_deref()
                    .map_or_else(String::new, |why| format!(": {why}"));
                Standing::No(format!("{}{why}", ended.state))
            }
        })
    }

    /// True when one of the states was seen, or must have been passed between two looks.
    fn has_reached(&self, states: &[State], now: State) -> bool {
        states.iter().any(|state| {
            // Every job is pending, starting and running on its way to success; stopping it need not
            // be, and what is stopping may never have run.
            let on_every_way = matches!(state, State::Pending | State::Starting | State::Running)
                && now != State::Stopping;
            *state == now
                || (!state.is_end() && self.observed.contains(state))
                || (on_every_way && rank(now) > rank(*state))
        })
    }

    fn new_warning(&self) -> Option<&str> {
        self.warnings.as_ref()?.new_one()
    }

    fn quiet_standing(&self, quiet: Duration) -> Standing {
        if self.needs_confirmation() {
            return open(Cause::Time, "not confirmed to exist");
        }
        let (Some(seen), Some(warnings)) = (&self.last, &self.warnings) else {
            return open(Cause::Time, "not looked at yet");
        };
        if let Some(text) = warnings.undated() {
            let why = format!(
                "cannot tell whether the warning '{text}' still occurs: the response has no readable time for it"
            );
            return open(Cause::Time, &why);
        }
        let time = seen.at.saturating_sub(warnings.quiet_since());
        match time >= quiet {
            true => Standing::Yes,
            false => open(Cause::Time, &format!("quiet for {} s", time.as_secs())),
        }
    }

    fn on_the_way(&self, seen: &Seen, rules: &Rules, at: Duration) -> Standing {
        let never_ran = !self.has_run && matches!(seen.state, State::Pending | State::Starting);
        match rules.start_timeout {
            Some(limit) if never_ran && at >= limit => Standing::Open(Open {
                cause: Cause::Time,
                settled: true,
                why: format!("not started after {} s ({})", at.as_secs(), seen.state),
            }),
            _ => open(Cause::Time, seen.state.word()),
        }
    }

    fn troubled(&self, trouble: &Trouble, rules: &Rules, at: Duration) -> Open {
        let (cause, settled) = match trouble.category {
            Category::NoCredentials | Category::Refused | Category::Permission => {
                (Cause::Credentials, true)
            }
            Category::Clock => (Cause::Credentials, false),
            Category::Rejected | Category::Usage => (Cause::Service, true),
            _ => {
                let outage = at.saturating_sub(trouble.since);
                (
                    Cause::Service,
                    rules.max_outage.is_some_and(|limit| outage >= limit),
                )
            }
        };
        Open {
            cause,
            settled,
            why: trouble.message.clone(),
        }
    }

    fn missed(&self, missing: &Missing, rules: &Rules) -> Open {
        let apart = missing.last.saturating_sub(missing.first);
        let believed = apart >= MISSING_APART && missing.last >= rules.missing_grace;
        let why = match &self.last {
            Some(seen) => format!("disappeared (was {})", seen.state),
            None => "not found".to_owned(),
        };
        Open {
            cause: Cause::Missing,
            settled: believed && !rules.waits_for_missing,
            why,
        }
    }
}

fn open(cause: Cause, why: &str) -> Standing {
    Standing::Open(Open {
        cause,
        settled: false,
        why: why.to_owned(),
    })
}

/// A state that cannot be told: a word that no table knows, or an end whose outcome is unreadable.
fn unknown(seen: &Seen, rules: &Rules) -> Standing {
    // A cloud that says more than its subtasks bear out has reported no strange word.
    if let Some(doubt) = &seen.doubt {
        return open(Cause::Time, doubt);
    }
    let word = seen.word.as_deref().unwrap_or("none");
    match (seen.ended, rules.unknown_fails) {
        (true, _) => open(
            Cause::Service,
            &format!("ended, but state '{word}' does not say how"),
        ),
        (false, true) => Standing::No(format!("unrecognized state '{word}'")),
        (false, false) => open(Cause::Time, &format!("unrecognized state '{word}'")),
    }
}

/// Order of a life; the ends stand last.
fn rank(state: State) -> u8 {
    match state {
        State::Pending => 1,
        State::Starting => 2,
        State::Running => 3,
        State::Stopping => 4,
        State::Succeeded => 5,
        State::Failed | State::Canceled | State::Unknown => 0,
    }
}

#[cfg(test)]
mod tests;
