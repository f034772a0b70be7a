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

    /// Copies the borrowed values.
    pub fn into_owned(self) -> JobIdentity<'static> {
        let owned = |text: Cow<'a, str>| Cow::Owned(text.into_owned());
        JobIdentity {
            uid: self.uid.map(owned),
            name: self.name.map(owned),
            created_at: self.created_at,
            is_array: self.is_array,
            from_list: self.from_list,
        }
    }

    /// Reports whether it can distinguish the job from another one.
    pub fn is_known(&self) -> bool {
        self.uid.is_some() || self.created_at.is_some()
    }

    /// Returns when the job was created, if known.
    pub fn created_at(&self) -> Option<Time> {
        self.created_at
    }

    /// Reports whether a later response for the same reference is about another job.
    pub fn is_other(&self, read: &JobIdentity<'_>, kind: &Kind) -> bool {
        // The name of a deleted object of a watched kind can be used again. Its creation time never changes.
        let reuse = match kind.is_watched {
            true => IdReuse::Numbered,
            false => kind.id_reuse,
        };
        is_other(self, read, reuse)
    }

    /// Reports whether both are certainly the same job.
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

/// Reports whether a response is about another job than an earlier response for the same reference.
pub(super) fn is_other_job(known: &Job, read: &Job, kind: &Kind) -> bool {
    JobIdentity::of(known).is_other(&JobIdentity::of(read), kind)
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

/// Reports whether the responses are about different jobs. Times in rows can be less exact than in lookups: between a
/// row and a lookup, the name must differ as well.
fn is_other(known: &JobIdentity<'_>, read: &JobIdentity<'_>, reuse: IdReuse) -> bool {
    if differ(known.uid.as_ref(), read.uid.as_ref()) {
        return true;
    }
    // The times of an array job can be those of some of its subtasks.
    let times = known.created_at.zip(read.created_at);
    let times = times.filter(|_| !known.is_array && !read.is_array);
    let is_named_otherwise = differ(known.name.as_ref(), read.name.as_ref());
    let is_newer =
        times.is_some_and(
            |(known_at, read_at)| match known.from_list == read.from_list {
                true => known_at != read_at,
                false => !are_close(read_at, known_at) && is_named_otherwise,
            },
        );
    // A row without the time that earlier rows had cannot show that it is the same job.
    let lacks_time = known.created_at.is_some() && read.created_at.is_none();
    let is_unproved = lacks_time && known.from_list == read.from_list && is_named_otherwise;
    match reuse {
        IdReuse::Never => false,
        IdReuse::Numbered => is_newer || is_unproved,
        IdReuse::NumberedAndRequeued => (is_newer || is_unproved) && is_named_otherwise,
    }
}

/// Reports whether both values exist and differ.
fn differ<T: PartialEq>(known: Option<T>, read: Option<T>) -> bool {
    known.zip(read).is_some_and(|(known, read)| known != read)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Edit = fn(&mut Job);

    #[test]
    fn another_job_is_recognized_by_its_uid_or_its_time_of_creation() {
        let known = Job {
            name: Some("train".to_owned()),
            user: Some("lin".to_owned()),
            uid: Some("u-1".to_owned()),
            created_at: Time::from_unix(1_700_000_000),
            ..Job::default()
        };
        let created: Edit = |job| job.created_at = Time::from_unix(1_700_000_060);
        let created_and_named: Edit = |job| {
            job.created_at = Time::from_unix(1_700_000_060);
            job.name = Some("other".to_owned());
        };
        let cases: [(Edit, [bool; 3]); 12] = [
            (
                |job| {
                    job.created_at = None;
                    job.name = Some("other".to_owned());
                },
                [false, true, true],
            ),
            (|_| (), [false; 3]),
            (|job| job.uid = Some("u-2".to_owned()), [true; 3]),
            (|job| job.uid = None, [false; 3]),
            (|job| job.created_at = None, [false; 3]),
            (|job| job.name = Some("other".to_owned()), [false; 3]),
            (created, [false, true, false]),
            (created_and_named, [false, true, true]),
            (
                |job| {
                    job.created_at = Time::from_unix(1_700_000_001);
                    job.from_list = true;
                },
                [false; 3],
            ),
            (
                |job| {
                    job.created_at = Time::from_unix(1_700_003_600);
                    job.from_list = true;
                },
                [false; 3],
            ),
            (
                |job| {
                    job.created_at = Time::from_unix(1_700_000_061);
                    job.name = Some("other".to_owned());
                    job.from_list = true;
                },
                [false, true, true],
            ),
            (
                |job| {
                    job.created_at = Time::from_unix(1_700_000_060);
                    job.name = Some("other".to_owned());
                    job.from_list = true;
                },
                [false; 3],
            ),
        ];
        for (number, (edit, expected)) in cases.into_iter().enumerate() {
            let mut read = known.clone();
            edit(&mut read);
            let reuses = [
                IdReuse::Never,
                IdReuse::Numbered,
                IdReuse::NumberedAndRequeued,
            ];
            let found = reuses
                .map(|reuse| is_other(&JobIdentity::of(&known), &JobIdentity::of(&read), reuse));
            assert_eq!(found, expected, "case {number}");
        }
    }
}
