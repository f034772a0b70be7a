//! Detects whether two responses are about the same job, since a later job can reuse its id.

use std::borrow::Cow;

use super::lookup::with_reference;
use crate::error::{Category, Problem};
use crate::kind::{IdReuse, Kind};
use crate::model::{Job, Time};
use crate::reference::Reference;

/// Times of rows and lookups that differ by more than this are different times.
const MAX_ROUNDING_SECONDS: i64 = 60;

/// What distinguishes a job from another one with the same reference.
#[derive(Debug, Clone, Default)]
pub(super) struct JobIdentity<'a> {
    uid: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    created_at: Option<Time>,
    is_array: bool,
    from_list: bool,
}

impl<'a> JobIdentity<'a> {
    /// Returns the identity of a job in a response.
    pub fn of(job: &'a Job) -> Self {
        Self {
            uid: job.uid.as_deref().map(Cow::Borrowed),
            name: job.name.as_deref().map(Cow::Borrowed),
            created_at: job.created_at,
            is_array: job.array.is_some(),
            from_list: job.from_list,
        }
    }

    /// Returns the identity of a row that could not be read.
    pub fn of_unreadable_row() -> Self {
        Self {
            from_list: true,
            ..Self::default()
        }
    }

    /// Copies the borrowed values.
    pub fn into_owned(self) -> JobIdentity<'static> {
        JobIdentity {
            uid: self.uid.map(owned),
            name: self.name.map(owned),
            created_at: self.created_at,
            is_array: self.is_array,
            from_list: self.from_list,
        }
    }

    /// Returns when the job was created, if known.
    pub fn created_at(&self) -> Option<Time> {
        self.created_at
    }

    /// Returns `true` if a later response for the same reference is about another job.
    pub fn is_different_job(&self, read: &JobIdentity<'_>, kind: &Kind) -> bool {
        is_different_job(self, read, reuse_of(kind))
    }

    /// Returns `true` if both are certainly the same job.
    pub fn is_same(&self, read: &JobIdentity<'_>) -> bool {
        match self.uid.as_ref().zip(read.uid.as_ref()) {
            Some((known, read)) => known == read,
            None => {
                let times = self.created_at.zip(read.created_at);
                times.is_some_and(|(known, read)| are_close(known, read))
            }
        }
    }
}

impl JobIdentity<'static> {
    /// Records a later response about the same job. A field that the response lacks keeps its last value.
    pub fn update(&mut self, read: JobIdentity<'_>) {
        replace_if_known(&mut self.uid, read.uid);
        replace_if_known(&mut self.name, read.name);
        // The time of an array job is not compared, so it does not replace one that is.
        let is_comparable = self.created_at.is_some() && !self.is_array;
        if read.created_at.is_some() && !(read.is_array && is_comparable) {
            (self.created_at, self.is_array) = (read.created_at, read.is_array);
        }
    }
}

/// What all responses about a job have shown of its identity.
#[derive(Debug, Default)]
pub(super) struct KnownIdentity {
    /// As shown by lookups.
    lookup: Option<JobIdentity<'static>>,
    /// As shown by rows of lists, whose times can be less exact.
    row: Option<JobIdentity<'static>>,
    /// The last response was about another job.
    is_replaced: bool,
}

impl KnownIdentity {
    /// Returns `true` if a response is about another job than the earlier ones. Records its fields if it is not.
    pub fn is_replaced_by(&mut self, read: &Job, kind: &Kind) -> bool {
        let read = JobIdentity::of(read);
        let mut known = self.lookup.iter().chain(&self.row);
        let is_different_job = known.any(|known| known.is_different_job(&read, kind));
        let own = match read.from_list {
            true => &mut self.row,
            false => &mut self.lookup,
        };
        // A response that cannot be compared does not show that the job is back.
        let is_back = || {
            let known = own.as_ref();
            known.is_some_and(|known| is_back(known, &read, reuse_of(kind)))
        };
        self.is_replaced = is_different_job || (self.is_replaced && !is_back());
        if !self.is_replaced {
            match own {
                Some(known) => known.update(read),
                None => *own = Some(read.into_owned()),
            }
        }
        self.is_replaced
    }

    /// Returns `true` if the last response was about another job.
    pub fn is_replaced(&self) -> bool {
        self.is_replaced
    }

    /// Returns `true` if this is certainly the same job.
    pub fn is_same(&self, read: &JobIdentity<'_>) -> bool {
        let mut known = self.lookup.iter().chain(&self.row);
        known.any(|known| known.is_same(read))
    }
}

/// Returns how ids of a kind are reused.
fn reuse_of(kind: &Kind) -> IdReuse {
    // The name of a deleted object of a watched kind can be used again. Its creation time never changes.
    match kind.is_watched {
        true => IdReuse::Numbered,
        false => kind.id_reuse,
    }
}

fn owned(text: Cow<'_, str>) -> Cow<'static, str> {
    Cow::Owned(text.into_owned())
}

fn replace_if_known(known: &mut Option<Cow<'static, str>>, read: Option<Cow<'_, str>>) {
    if let Some(read) = read.filter(|read| known.as_ref() != Some(read)) {
        *known = Some(owned(read));
    }
}

fn are_close(one: Time, other: Time) -> bool {
    one.seconds_since(other).abs() <= MAX_ROUNDING_SECONDS
}

/// Returns the problem that another job has the id of the previous one, which is gone.
pub(super) fn replaced(read: &Job, reference: &Reference) -> Problem {
    let created = read
        .created_at
        .map(|at| format!(", created at {}", at.rfc3339()));
    let message = format!(
        "this id now belongs to another job{}; the previous job is gone",
        created.unwrap_or_default()
    );
    let problem = Problem::new(Category::NotFound, message)
        .with_hint("its outcome is unknown: see the console of the cloud");
    with_reference(problem, reference)
}

/// Returns `true` if the responses are about different jobs. Times in rows can be less exact than in lookups: between a
/// row and a lookup, the name must differ as well.
fn is_different_job(known: &JobIdentity<'_>, read: &JobIdentity<'_>, reuse: IdReuse) -> bool {
    if differ(known.uid.as_ref(), read.uid.as_ref()) {
        return true;
    }
    let is_same_source = known.from_list == read.from_list;
    // The times of an array job can be those of some of its subtasks.
    let times = known.created_at.zip(read.created_at);
    let times = times.filter(|_| !known.is_array && !read.is_array);
    let is_named_otherwise = differ(known.name.as_ref(), read.name.as_ref());
    let is_newer = times.is_some_and(|(known_at, read_at)| match is_same_source {
        true => known_at != read_at,
        false => !are_close(read_at, known_at) && is_named_otherwise,
    });
    // If one of them lacks the time or the name, the rest must match to show that it is the same job.
    let lacks_time = known.created_at.is_some() != read.created_at.is_some();
    let is_unproved = lacks_time && is_same_source && is_named_otherwise;
    let lacks_name = is_same_source && known.name.is_some() != read.name.is_some();
    match reuse {
        IdReuse::Never => false,
        IdReuse::Numbered => is_newer || is_unproved,
        IdReuse::NumberedAndRequeued => {
            (is_newer && (is_named_otherwise || lacks_name)) || is_unproved
        }
    }
}

/// Returns `true` if a response shows that a job is back whose id belonged to another job before. `known` is from the
/// same source, and [`is_different_job`] is false.
fn is_back(known: &JobIdentity<'_>, read: &JobIdentity<'_>, reuse: IdReuse) -> bool {
    let has_name = known.name.is_some() && known.name == read.name;
    let is_timeless = known.is_array || read.is_array || reuse == IdReuse::NumberedAndRequeued;
    known.is_same(read) || (has_name && is_timeless)
}

/// Returns `true` if both values exist and differ.
fn differ<T: PartialEq>(known: Option<T>, read: Option<T>) -> bool {
    known.zip(read).is_some_and(|(known, read)| known != read)
}

#[cfg(test)]
mod tests;
