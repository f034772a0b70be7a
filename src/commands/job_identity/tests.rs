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
        let found = reuses.map(|reuse| {
            is_different_job(&JobIdentity::of(&known), &JobIdentity::of(&read), reuse)
        });
        assert_eq!(found, expected, "case {number}");
    }
}

/// Returns the job in a response of a lookup, with its name and the minute of its creation.
fn response(name: Option<&str>, minute: Option<i64>) -> Job {
    Job {
        name: name.map(str::to_owned),
        created_at: minute.and_then(|minute| Time::from_unix(1_700_000_000 + 60 * minute)),
        ..Job::default()
    }
}

#[test]
fn a_known_field_is_kept_while_responses_lack_it() {
    let kind = |name: &str| {
        let kind = crate::providers::kinds().find(|kind| kind.to_string() == name);
        kind.expect("a kind with this name")
    };
    let (numbered, requeued) = (kind("aliyun/job"), kind("aliyun/hpc-job"));
    type Response = (Option<&'static str>, Option<i64>, bool);
    let cases: [(&Kind, &[Response]); 9] = [
        (
            numbered,
            &[
                (None, Some(1), false),
                (None, None, false),
                (None, Some(9), true),
            ],
        ),
        (
            numbered,
            &[
                (None, None, false),
                (None, Some(1), false),
                (None, Some(9), true),
            ],
        ),
        // A response without the time does not show that the job is back.
        (
            numbered,
            &[
                (None, Some(1), false),
                (None, Some(9), true),
                (None, None, true),
                (None, Some(1), false),
            ],
        ),
        (
            requeued,
            &[
                (Some("a"), Some(1), false),
                (None, None, false),
                (Some("b"), Some(9), true),
            ],
        ),
        (
            requeued,
            &[
                (Some("a"), Some(1), false),
                (None, Some(1), false),
                (Some("b"), Some(9), true),
            ],
        ),
        (
            requeued,
            &[
                (Some("a"), None, false),
                (Some("b"), Some(9), true),
                (Some("a"), Some(1), false),
            ],
        ),
        (
            requeued,
            &[(None, Some(1), false), (Some("b"), Some(9), true)],
        ),
        // It was requeued.
        (
            requeued,
            &[
                (Some("a"), Some(1), false),
                (None, None, false),
                (Some("a"), Some(9), false),
            ],
        ),
        (
            requeued,
            &[
                (None, None, false),
                (Some("a"), Some(1), false),
                (Some("b"), Some(1), false),
            ],
        ),
    ];
    for (number, (kind, responses)) in cases.into_iter().enumerate() {
        let mut known = KnownIdentity::default();
        for (name, minute, expected) in responses {
            let is_replaced = known.is_replaced_by(&response(*name, *minute), kind);
            assert_eq!(is_replaced, *expected, "case {number}: {name:?} {minute:?}");
        }
    }
}

#[test]
fn a_lookup_is_compared_with_the_last_lookup_even_after_a_row() {
    let kind = crate::providers::kinds().find(|kind| kind.to_string() == "aliyun/job");
    let kind = kind.expect("aliyun/job is a kind");
    let mut known = KnownIdentity::default();
    let row = Job {
        from_list: true,
        ..response(Some("a"), Some(9))
    };
    assert!(!known.is_replaced_by(&response(Some("a"), Some(1)), kind));
    assert!(
        !known.is_replaced_by(&row, kind),
        "its time can be less exact"
    );
    assert!(known.is_replaced_by(&response(Some("a"), Some(9)), kind));
}
