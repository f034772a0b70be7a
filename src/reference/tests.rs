use super::*;
use proptest::prelude::*;

static JOB: Template = Template {
    cloud: "aliyun",
    cloud_short: "ali",
    kind: "job",
    kind_short: "job",
    segments: &[
        Segment {
            name: "CLUSTER",
            setting: Some("cluster"),
        },
        Segment {
            name: "JOB",
            setting: None,
        },
    ],
    ranges: true,
    sample: "aliyun/job/ehpc-hz-FYUr32/5",
};
static SERVICE: Template = Template {
    cloud: "tencent",
    cloud_short: "qcloud",
    kind: "service",
    kind_short: "svc",
    segments: &[
        Segment {
            name: "CLUSTER",
            setting: Some("cluster"),
        },
        Segment {
            name: "NAMESPACE",
            setting: Some("namespace"),
        },
        Segment {
            name: "SERVICE",
            setting: None,
        },
    ],
    ranges: false,
    sample: "tencent/service/cls-xxxxx/default/web",
};

static INSTANCE: Template = Template {
    cloud: "sugon",
    cloud_short: "scnet",
    kind: "instance",
    kind_short: "inst",
    segments: &[Segment {
        name: "INSTANCE",
        setting: None,
    }],
    ranges: false,
    sample: "sugon/instance/8a85c1f2",
};

static TEMPLATES: [&Template; 3] = [&JOB, &SERVICE, &INSTANCE];

fn setting(cloud: &str, profile: &str, key: &str) -> Option<String> {
    match (cloud, profile, key) {
        ("aliyun", "prod", "cluster") => Some("c-prod".into()),
        ("tencent", _, "namespace") => Some("default".into()),
        ("tencent", "full", "cluster") => Some("cls-1".into()),
        _ => None,
    }
}

fn reader() -> Reader<'static> {
    Reader {
        templates: &TEMPLATES,
        reserved: &["aliyun/scheduler-job"],
        default_profile: "default",
        setting: &setting,
    }
}

fn read(input: &str) -> Result<Vec<Reference>, Problem> {
    reader().read(input)
}

fn scope(input: &str) -> Scope {
    match reader().read_any(input) {
        Ok(Target::Scope(scope)) => scope,
        other => panic!("{input}: {other:?}"),
    }
}

fn no_scope(input: &str) -> Problem {
    reader().read_any(input).expect_err(input)
}

fn canonical(input: &str) -> Vec<String> {
    read(input)
        .expect(input)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn takes_short_names_and_prints_long_ones() {
    assert_eq!(canonical("ALI/Job/c/5"), ["aliyun/job/c/5"]);
    assert_eq!(canonical("qcloud/svc/c/n/s"), ["tencent/service/c/n/s"]);
    assert_eq!(canonical("aliyun@default/job/c/5"), ["aliyun/job/c/5"]);
    assert_eq!(canonical("aliyun@prod/job/c/5"), ["aliyun@prod/job/c/5"]);
    assert_eq!(
        canonical("aliyun/job/c/a%2fb%20你"),
        ["aliyun/job/c/a%2Fb%20%E4%BD%A0"]
    );
}

#[test]
fn fills_what_is_missing_on_the_left_from_the_profile() {
    assert_eq!(canonical("aliyun@prod/job/5"), ["aliyun@prod/job/c-prod/5"]);
    assert_eq!(
        read("tencent/service/web").unwrap_err().message,
        "CLUSTER is missing"
    );
    assert!(
        read("aliyun/job/5")
            .unwrap_err()
            .hint
            .unwrap()
            .contains("[aliyun.default]")
    );
}

#[test]
fn expands_ranges_on_the_raw_text_only() {
    assert_eq!(
        canonical("aliyun/job/c/10_1-9:4"),
        [
            "aliyun/job/c/10_1",
            "aliyun/job/c/10_5",
            "aliyun/job/c/10_9"
        ]
    );
    assert_eq!(
        canonical("aliyun/job/c/10_1%2D5"),
        ["aliyun/job/c/10_1%2D5"]
    );
    assert_eq!(
        canonical("tencent/service/c/n/10_1-5"),
        ["tencent/service/c/n/10_1-5"]
    );
    for wrong in [
        "10_5-1",
        "10_1-5:0",
        "10_1-20000",
        "10_1-99999999999999999999",
    ] {
        assert!(read(&format!("aliyun/job/c/{wrong}")).is_err(), "{wrong}");
    }
}

#[test]
fn points_at_the_wrong_part() {
    let spans = [
        ("aliyn/job/c/5", "aliyn"),
        ("aliyun/jbo/c/5", "jbo"),
        ("aliyun/job/c/..", ".."),
        ("aliyun/job/c/%2e%2E", "%2e%2E"),
        ("aliyun/job/c/a%2", "a%2"),
        ("aliyun/job/c/5/6/7", "6/7"),
        ("aliyun/job/c/", ""),
        ("aliyun/job//5", ""),
        ("aliyun@/job/c/5", ""),
    ];
    for (input, part) in spans {
        let problem = read(input).unwrap_err();
        assert_eq!(&input[problem.span.unwrap()], part, "{input}");
    }
    let hint = read("aliyun/jbo/c/5").unwrap_err().hint.unwrap();
    assert_eq!(
        hint,
        "write aliyun/job/CLUSTER/JOB, such as aliyun/job/ehpc-hz-FYUr32/5"
    );
    let reserved = read("aliyun/scheduler-job/c/5").unwrap_err().message;
    assert!(reserved.contains("reserved"), "{reserved}");
}

#[test]
fn a_trailing_slash_makes_a_scope() {
    for (input, canonical) in [
        ("ali/JOB/c/", "aliyun/job/c/"),
        ("aliyun@default/job/a%2fb/", "aliyun/job/a%2Fb/"),
        ("aliyun@prod/job/", "aliyun@prod/job/c-prod/"),
        ("scnet/inst/", "sugon/instance/"),
        ("qcloud/svc/c/n/", "tencent/service/c/n/"),
        (
            "tencent@full/service/",
            "tencent@full/service/cls-1/default/",
        ),
        ("tencent@full/service/n/", "tencent@full/service/cls-1/n/"),
    ] {
        let scope = scope(input);
        assert_eq!(scope.to_string(), canonical);
        assert_eq!(scope.input, input);
    }
    let things = reader().read_any("aliyun/job/c/10_1-2").unwrap();
    assert!(matches!(things, Target::Things(things) if things.len() == 2));
    for input in ["aliyun/job/c/", "sugon/instance/", "aliyun/job/c/5/"] {
        let message = read(input).unwrap_err().message;
        assert!(message.starts_with("this is a scope"), "{message}");
    }
}

#[test]
fn a_wrong_scope_points_at_its_wrong_part() {
    for (input, part, message) in [
        ("aliyun/", "", "the kind is missing"),
        ("aliyun//", "", "the kind is missing"),
        ("aliyun/job/", "", "CLUSTER is missing"),
        ("tencent/service/n/", "", "CLUSTER is missing"),
        ("aliyun/job//", "", "a segment is empty"),
        (
            "aliyun/job/a%2/",
            "a%2",
            "a “%” is not followed by two hex digits of UTF-8 text",
        ),
        (
            "aliyun/job/c/5/",
            "5/",
            "2 segments where aliyun/job/CLUSTER/ has 1",
        ),
        (
            "sugon/instance/5/",
            "5/",
            "1 segments where sugon/instance/ has 0",
        ),
    ] {
        let problem = no_scope(input);
        assert_eq!(problem.message, message, "{input}");
        assert_eq!(&input[problem.span.unwrap()], part, "{input}");
    }
    assert_eq!(
        no_scope("aliyun/job/").hint.unwrap(),
        "write aliyun/job/CLUSTER/; or set cluster in [aliyun.default] of the settings file"
    );
}

#[test]
fn a_scope_makes_the_references_of_its_things() {
    let scope = scope("aliyun@prod/job/c x/");
    let reference = scope.reference("10_1-5").unwrap();
    assert_eq!(reference.to_string(), "aliyun@prod/job/c%20x/10_1%2D5");
    assert_eq!(reference.input, reference.to_string());
    assert_eq!(reference.segment("CLUSTER"), Some("c x"));
    assert_eq!(scope.segment("CLUSTER"), Some("c x"));
    assert_eq!(scope.segment("JOB"), None);
    for id in ["", ".", "..", "a\nb", "\u{1b}[2J"] {
        assert!(scope.reference(id).is_none(), "{id:?}");
    }
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_as_the_same(
        profile in "[a-zA-Z0-9你%@ ._-]{1,8}",
        segments in proptest::collection::vec("[^\\p{Cc}]{1,12}|[0-9]_[0-9]-[0-9](:[0-9])?", 2),
    ) {
        prop_assume!(segments.iter().all(|s| s != "." && s != ".."));
        let one = Reference { template: &JOB, profile, segments, input: String::new() };
        let printed = one.to_string();
        prop_assert!(printed.is_ascii());
        let again = read(&printed).unwrap();
        prop_assert_eq!(again.len(), 1);
        prop_assert_eq!(&again[0].segments, &one.segments);
        prop_assert_eq!(&again[0].profile, &one.profile);
        prop_assert_eq!(again[0].to_string(), printed);
    }

    #[test]
    fn a_printed_scope_reads_back_as_the_same(
        profile in "[a-zA-Z0-9你%@ ._-]{1,8}",
        segments in proptest::collection::vec("[^\\p{Cc}]{1,12}", 2),
        id in "\\PC{0,12}",
    ) {
        prop_assume!(segments.iter().all(|s| s != "." && s != ".."));
        let one = Scope { template: &SERVICE, profile, segments, input: String::new() };
        let printed = one.to_string();
        prop_assert!(printed.is_ascii());
        let again = scope(&printed);
        prop_assert_eq!(&again, &Scope { input: printed, ..one });
        if let Some(thing) = again.reference(&id) {
            let read = read(&thing.input).unwrap();
            prop_assert_eq!(read.len(), 1);
            prop_assert_eq!(&read[0].segments, &thing.segments);
        }
    }

    #[test]
    fn no_text_makes_it_panic(input in "\\PC{0,40}") {
        let _ = read(&input);
        let _ = reader().read_any(&input);
    }
}
