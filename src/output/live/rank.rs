//! The order of the rows that are shown if not all fit.

use super::ReadStatus;
use crate::model::{Job, State};

/// Why a row is shown before others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rank {
    /// The job failed, ended with an unknown result, disappeared or cannot be read.
    Failed,
    /// The job has not ended.
    Active,
    /// The job succeeded or was canceled.
    Ended,
}

impl Rank {
    /// Returns the rank of the last job that was read, if any.
    pub(super) fn of(job: Option<&Job>, status: ReadStatus) -> Self {
        match (job, status) {
            (Some(job), _) if job.ended => match job.state {
                State::Succeeded | State::Canceled => Self::Ended,
                _ => Self::Failed,
            },
            (_, ReadStatus::Failed | ReadStatus::Gone) => Self::Failed,
            (_, ReadStatus::Polled) => Self::Active,
        }
    }
}

/// Returns the numbers of the rows to show if only `max_rows` rows fit: failures first, but active jobs get three
/// quarters of the rows, since failures take several lines. If all fit, they are in the given order.
pub(super) fn first_by_rank(ranks: &[Rank], max_rows: usize) -> Vec<usize> {
    if ranks.len() <= max_rows {
        return (0..ranks.len()).collect();
    }
    let of = |rank| (0..ranks.len()).filter(move |number| ranks[*number] == rank);
    let for_active = of(Rank::Active).count().min(max_rows * 3 / 4);
    let failures = of(Rank::Failed).take(max_rows - for_active);
    let rest = of(Rank::Active).chain(of(Rank::Ended));
    failures.chain(rest).take(max_rows).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_come_first_and_leave_rows_to_active_jobs() {
        let (failed, active, ended) = (Rank::Failed, Rank::Active, Rank::Ended);
        let first = |ranks: &[Rank], rows| first_by_rank(ranks, rows);
        assert_eq!(first(&[ended, active, failed], 3), [0, 1, 2]);
        assert_eq!(first(&[ended, active, failed], 2), [2, 1]);
        assert_eq!(first(&[ended, active, failed], 1), [2]);
        assert_eq!(first(&[ended, active, failed], 0), [0; 0]);
        let mixed = [active, failed, active, failed, active, failed, active];
        assert_eq!(first(&mixed, 4), [1, 0, 2, 4]);
        assert_eq!(first(&[failed, failed, ended, failed], 3), [0, 1, 3]);
        assert_eq!(first(&[ended, ended, failed, ended], 3), [2, 0, 1]);
    }

    #[test]
    fn a_job_that_is_not_read_again_is_a_failure_unless_it_ended_well() {
        let job = |state: State| Job {
            state,
            ended: state.is_end(),
            ..Job::default()
        };
        for (state, status, expected) in [
            (State::Running, ReadStatus::Polled, Rank::Active),
            (State::Running, ReadStatus::Gone, Rank::Failed),
            (State::Running, ReadStatus::Failed, Rank::Failed),
            (State::Succeeded, ReadStatus::Gone, Rank::Ended),
            (State::Canceled, ReadStatus::Polled, Rank::Ended),
            (State::Failed, ReadStatus::Polled, Rank::Failed),
        ] {
            assert_eq!(Rank::of(Some(&job(state)), status), expected, "{state:?}");
        }
        assert_eq!(Rank::of(None, ReadStatus::Polled), Rank::Active);
        assert_eq!(Rank::of(None, ReadStatus::Failed), Rank::Failed);
    }
}
