mod mistakes;
mod scopes;

use super::*;
use crate::error::Problem;
use crate::kind::{ListOrder, ListSpec, Operation, Segment, Template};
use proptest::prelude::*;

const fn listable(template: Template) -> Kind {
    let operation = Operation::new("", "", "");
    Kind {
        list: Some(ListSpec::new(operation, ListOrder::NewestFirst)),
        ..Kind::from_template(template)
    }
}

static JOB: Kind = listable(Template {
    cloud: "aliyun",
    cloud_short: "ali",
    kind: "job",
    kind_short: "job",
    segments: &[
        Segment::with_setting("CLUSTER", "cluster"),
        Segment::required("JOB"),
    ],
    scope_segments: 1,
    ranges: true,
    sample: "aliyun/job/ehpc-hz-FYUr32/5",
});
static SERVICE: Kind = listable(Template {
    cloud: "tencent",
    cloud_short: "qcloud",
    kind: "service",
    kind_short: "svc",
    segments: &[
        Segment::with_setting("CLUSTER", "cluster"),
        Segment::with_setting("NAMESPACE", "namespace"),
        Segment::required("SERVICE"),
    ],
    scope_segments: 1,
    ranges: false,
    sample: "tencent/service/cls-xxxxx/default/web",
});

static INSTANCE: Kind = listable(Template {
    cloud: "sugon",
    cloud_short: "scnet",
    kind: "instance",
    kind_short: "inst",
    segments: &[Segment::required("INSTANCE")],
    scope_segments: 0,
    ranges: false,
    sample: "sugon/instance/8a85c1f2",
});

static KINDS: [&Kind; 3] = [&JOB, &SERVICE, &INSTANCE];

fn setting(cloud: &str, profile: &str, key: &str) -> Result<Option<String>, Problem> {
    match (cloud, profile, key) {
        ("aliyun", "prod", "cluster") => Ok(Some("c-prod".into())),
        ("aliyun", "broken", "cluster") => Err(Problem::usage("cluster cannot be used")),
        ("tencent", _, "namespace") => Ok(Some("default".into())),
        ("tencent", "full", "cluster") => Ok(Some("cls-1".into())),
        _ => Ok(None),
    }
}

#[test]
fn an_unusable_setting_is_an_error_and_not_a_missing_segment() {
    for input in ["aliyun@broken/job/5", "aliyun@broken/job/"] {
        let problem = parser().parse_target(input).unwrap_err();
        assert_eq!(problem.message, "cluster cannot be used");
        assert_eq!(problem.input.as_deref(), Some(input));
    }
    assert!(parser().parse_target("aliyun@broken/job/C/5").is_ok());
}

fn parser() -> ReferenceParser<'static> {
    ReferenceParser {
        kinds: &KINDS,
        default_profile: "default",
        setting: &setting,
    }
}

fn parse(input: &str) -> Result<Vec<Reference>, Problem> {
    match parser().parse(input)? {
        Target::Jobs(references) => Ok(references),
        other => panic!("{input}: {other:?}"),
    }
}

fn listed(input: &str) -> Result<String, Problem> {
    match parser().parse_list_target(input)? {
        Target::Scope(scope) => Ok(scope.to_string()),
        Target::Cloud(cloud) => Ok(cloud.to_string()),
        other => panic!("{input}: {other:?}"),
    }
}

fn scope(input: &str) -> Scope {
    match parser().parse_target(input) {
        Ok(Target::Scope(scope)) => scope,
        other => panic!("{input}: {other:?}"),
    }
}

fn no_scope(input: &str) -> Problem {
    parser().parse_target(input).expect_err(input)
}

fn canonical(input: &str) -> Vec<String> {
    parse(input)
        .expect(input)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn accepts_short_names_and_prints_canonical_ones() {
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
fn fills_missing_leading_segments_from_the_profile() {
    assert_eq!(canonical("aliyun@prod/job/5"), ["aliyun@prod/job/c-prod/5"]);
    assert_eq!(
        parse("tencent/service/web").unwrap_err().message,
        "missing NAMESPACE/SERVICE"
    );
    let problem = parse("aliyun/job/5").unwrap_err();
    assert_eq!(problem.message, "missing JOB");
    assert_eq!(
        problem.hint.unwrap(),
        "expected aliyun/job/CLUSTER/JOB, e.g. aliyun/job/ehpc-hz-FYUr32/5; \
         to read '5' as JOB, set cluster in [aliyun.default] of the config file"
    );
    let problem = parse("tencent/service/n/s").unwrap_err();
    assert_eq!(problem.message, "missing SERVICE");
    let hint = problem.hint.unwrap();
    let read_as = "to read 'n/s' as NAMESPACE/SERVICE, set cluster in [tencent.default]";
    assert!(hint.contains(read_as), "{hint}");
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
        assert!(parse(&format!("aliyun/job/c/{wrong}")).is_err(), "{wrong}");
    }
}

#[test]
fn marks_the_invalid_part_of_a_reference() {
    let spans = [
        ("aliyn/job/c/5", "aliyn"),
        ("aliyun/jbo/c/5", "jbo"),
        ("aliyun/job/c/..", ".."),
        ("aliyun/job/c/%2e%2E", "%2e%2E"),
        ("aliyun/job/c/a%2", "a%2"),
        ("aliyun/job/c/5/6/7", "6/7"),
        ("aliyun/job/c/", "/"),
        ("aliyun/job//5", ""),
        ("aliyun@/job/c/5", ""),
    ];
    for (input, part) in spans {
        let problem = parse(input).unwrap_err();
        assert_eq!(&input[problem.span.unwrap()], part, "{input}");
    }
    let hint = parse("aliyun/jbo/c/5").unwrap_err().hint.unwrap();
    assert_eq!(hint, "did you mean 'aliyun/job/c/5'?");
}

proptest! {
    #[test]
    fn a_printed_reference_reads_back_unchanged(
        profile in "[a-zA-Z0-9你%@ ._-]{1,8}",
        segments in proptest::collection::vec("[^\\p{Cc}]{1,12}|[0-9]_[0-9]-[0-9](:[0-9])?|@latest", 2),
    ) {
        prop_assume!(segments.iter().all(|s| s != "." && s != ".."));
        let one = Reference { kind: &JOB, profile: profile.into(), segments, input: String::new().into() };
        let printed = one.to_string();
        prop_assert!(printed.is_ascii());
        let again = parse(&printed).unwrap();
        prop_assert_eq!(again.len(), 1);
        prop_assert_eq!(&again[0].segments, &one.segments);
        prop_assert_eq!(&again[0].profile, &one.profile);
        prop_assert_eq!(again[0].to_string(), printed);
    }

    #[test]
    fn a_printed_scope_reads_back_unchanged(
        profile in "[a-zA-Z0-9你%@ ._-]{1,8}",
        segments in proptest::collection::vec("[^\\p{Cc}]{1,12}|@latest", 1..3),
        id in "\\PC{0,12}|@latest",
    ) {
        prop_assume!(segments.iter().all(|s| s != "." && s != ".."));
        let one = Scope { kind: &SERVICE, profile: profile.into(), segments, input: String::new() };
        let printed = one.to_string();
        prop_assert!(printed.is_ascii());
        let again = scope(&printed);
        prop_assert_eq!(listed(&printed).unwrap(), printed.clone());
        prop_assert_eq!(&again, &Scope { input: printed, ..one });
        let below = ["n", &*id];
        let below = &below[again.segments.len() - 1..];
        if let Some(reference) = again.reference(below) {
            prop_assert_eq!(&again.reference_of(&reference.input).unwrap().segments, &reference.segments);
            let read = parse(&reference.input).unwrap();
            prop_assert_eq!(read.len(), 1);
            prop_assert_eq!(&read[0].segments, &reference.segments);
        }
    }

    #[test]
    fn no_text_makes_the_parser_panic(input in "\\PC{0,40}") {
        let _ = parser().parse(&input);
        let _ = parser().parse_target(&input);
        let _ = parser().parse_list_target(&input);
    }
}
