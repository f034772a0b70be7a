use std::collections::{HashMap, HashSet};

use crate::model::{Job, Occurrence, Sieve, State, Time, What};

/// What of the timelines of things was told before, so that each entry is told once, and again when
/// it was seen more often.
pub(in crate::commands) struct Chronicle {
    sieve: Sieve,
    told: HashMap<String, HashMap<Key, Seen>>,
    /// The things whose first bad entry was told.
    marked: HashSet<String>,
}

/// What makes an entry the same in two looks: everything but how often and when it was last seen.
type Key = (
    What,
    Option<State>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<String>,
    Option<Time>,
);

type Seen = (Option<u64>, Option<Time>);

impl Chronicle {
    /// Nothing was told yet; only what passes the sieve will be.
    pub(in crate::commands) fn new(sieve: Sieve) -> Self {
        Self {
            sieve,
            told: HashMap::new(),
            marked: HashSet::new(),
        }
    }

    /// What has happened to a thing, oldest first, that was not told before or not so often.
    pub(super) fn fresh(&mut self, job: &Job) -> Vec<Occurrence> {
        let told = self.told.entry(job.reference.clone()).or_default();
        let mut fresh = Vec::new();
        // One answer may hold an entry more than once, which makes it no newer: it is compared with
        // the looks before, and not with itself.
        let mut seen: HashMap<Key, Seen> = HashMap::new();
        for mut one in Occurrence::all_of(job) {
            let key = key(&one);
            let now = (one.count, one.last_at);
            let is_fresh = told
                .get(&key)
                .is_none_or(|before| now.0 > before.0 || now.1 > before.1);
            let kept = seen.entry(key).or_insert(now);
            *kept = (kept.0.max(now.0), kept.1.max(now.1));
            if is_fresh && self.sieve.lets_pass(&one) {
                one.first_bad = one.first_bad && self.marked.insert(job.reference.clone());
                fresh.push(one);
            }
        }
        for (key, now) in seen {
            let kept = told.entry(key).or_insert(now);
            *kept = (kept.0.max(now.0), kept.1.max(now.1));
        }
        fresh
    }
}

fn key(one: &Occurrence) -> Key {
    // The start of a row moves when a cloud forgets its first sight; a change of state has one time.
    let at = one.happened_at.filter(|_| one.what != What::Event);
    (
        one.what,
        one.state,
        one.task.clone(),
        one.container.clone(),
        one.object.kind.clone(),
        one.object.name.clone(),
        one.reason.clone().filter(|_| one.what == What::Event),
        one.message.clone().filter(|_| one.what == What::Event),
        at,
    )
}
