use glob::Pattern;

use super::*;

#[test]
fn a_state_filter_keeps_a_row_without_a_state_word() {
    let reference = scope().reference(&["s"]).unwrap();
    let mut job = crate::providers::job_at(&reference, None);
    let filter = Filter {
        states: vec![State::Running],
        ..Filter::default()
    };
    for (state, word, is_kept) in [
        (State::Running, Some("Running"), true),
        (State::Failed, Some("Failed"), false),
        (State::Unknown, Some("Paused"), false),
        (State::Unknown, None, true),
    ] {
        (job.state, job.state_raw) = (state, word.map(str::to_owned));
        assert_eq!(filter.matches(&job, false), is_kept, "{word:?}");
        let is_uncompared = filter.uncompared(&job)[4];
        assert_eq!(is_kept && is_uncompared, is_kept && word.is_none());
    }
}

#[test]
fn a_filter_for_active_jobs_keeps_unknown_states_that_have_not_ended() {
    let reference = scope().reference(&["s"]).unwrap();
    let mut job = crate::providers::job_at(&reference, None);
    (job.state, job.state_raw) = (State::Unknown, Some("Suspended".to_owned()));
    let filter = Filter {
        states: State::ACTIVE.to_vec(),
        ..Filter::default()
    };
    for ended in [false, true] {
        job.ended = ended;
        assert_eq!(filter.matches(&job, false), !ended);
    }
}

#[test]
fn a_filter_keeps_a_row_without_the_field_only_if_fields_were_unreadable() {
    let reference = scope().reference(&["s"]).unwrap();
    let job = crate::providers::job_at(&reference, None);
    let (user, queue) = (Some("lin".to_owned()), Some("gpu".to_owned()));
    let name = Some(Pattern::new("train-*").unwrap());
    for (number, filter) in [
        Filter {
            user,
            ..Filter::default()
        },
        Filter {
            queue,
            ..Filter::default()
        },
        Filter {
            name,
            ..Filter::default()
        },
    ]
    .into_iter()
    .enumerate()
    {
        assert!(!filter.matches(&job, false), "{filter:?}");
        assert!(filter.matches(&job, true), "{filter:?}");
        let uncompared = filter.uncompared(&job);
        assert_eq!(uncompared.iter().position(|one| *one), Some(number + 1));
        let mut other = job.clone();
        (other.user, other.queue) = (Some("bob".to_owned()), Some("cpu".to_owned()));
        other.name = Some("test".to_owned());
        assert!(!filter.matches(&other, true), "{filter:?}");
        assert_eq!(filter.uncompared(&other), [false; 5]);
    }
}
