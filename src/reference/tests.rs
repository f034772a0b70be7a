use super::*;
use crate::error::Problem;
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
    scope_segments: 1,
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
    scope_segments: 1,
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
    scope_segments: 0,
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
    match reader().read(input)? {
        Target::Things(things) => Ok(things),
        other => panic!("{input}: {other:?}"),
    }
}

fn listed(input: &str) -> Result<String, Problem> {
    match reader().read_list(input)? {
        Target::Scope(scope) => Ok(scope.to_string()),
        Target::Cloud(cloud) => Ok(cloud.to_string()),
        other => panic!("{input}: {other:?}"),
    }
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
        ("tencent@full/service/c/", "tencent@full/service/c/"),
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
        ("tencent/service/", "", "CLUSTER is missing"),
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
        "write aliyun/job/CLUSTER/; joblens list aliyun shows what there is; \
         or set cluster in [aliyun.default] of the settings file"
    );
}

#[test]
fn a_scope_makes_the_references_of_its_things() {
    let scope = scope("aliyun@prod/job/c x/");
    let reference = scope.reference(&["10_1-5"]).unwrap();
    assert_eq!(reference.to_string(), "aliyun@prod/job/c%20x/10_1%2D5");
    let again = scope.reference_of(&reference.to_string()).unwrap();
    assert_eq!(again.segments, reference.segments);
    assert_eq!(reference.input, reference.to_string());
    assert_eq!(reference.segment("CLUSTER"), Some("c x"));
    assert_eq!(scope.segment("CLUSTER"), Some("c x"));
    assert_eq!(scope.segment("JOB"), None);
    for id in ["", ".", "..", "a\nb", "\u{1b}[2J"] {
        assert!(scope.reference(&[id]).is_none(), "{id:?}");
    }
    assert!(scope.reference(&[]).is_none());
    assert!(scope.reference(&["a", "b"]).is_none());
    for other in [
        "aliyun/job/c/5",
        "aliyun@prod/job/c%20x/",
        "aliyun@prod/job/c%20x/5/6",
        "",
    ] {
        assert!(scope.reference_of(other).is_none(), "{other:?}");
    }
}

#[test]
fn a_scope_may_be_wider_than_all_but_the_id() {
    let cluster = scope("tencent/service/c/");
    assert_eq!(cluster.segments, ["c"]);
    assert_eq!(cluster.segment("NAMESPACE"), None);
    let web = cluster.reference(&["n x", "web"]).unwrap();
    assert_eq!(web.to_string(), "tencent/service/c/n%20x/web");
    assert_eq!(
        cluster.reference_of(&web.input).unwrap().segments,
        web.segments
    );
    assert!(cluster.reference(&["web"]).is_none());
    assert!(cluster.reference(&["..", "web"]).is_none());
}

#[test]
fn a_list_takes_clouds_and_scopes_with_and_without_their_slash() {
    for (input, canonical) in [
        ("aliyun", "aliyun/"),
        ("ALI@prod/", "aliyun@prod/"),
        ("aliyun@default", "aliyun/"),
        ("sugon", "sugon/"),
        ("aliyun/job/c", "aliyun/job/c/"),
        ("aliyun/job/c/", "aliyun/job/c/"),
        ("aliyun@prod/job", "aliyun@prod/job/c-prod/"),
        ("sugon/instance", "sugon/instance/"),
        ("sugon/instance/", "sugon/instance/"),
        ("tencent/service/c", "tencent/service/c/"),
        ("tencent/service/c/n", "tencent/service/c/n/"),
        (
            "tencent@full/service",
            "tencent@full/service/cls-1/default/",
        ),
    ] {
        assert_eq!(listed(input).unwrap(), canonical, "{input}");
        assert_eq!(listed(canonical).unwrap(), canonical);
    }
}

#[test]
fn a_list_says_what_is_no_scope_and_what_to_do_instead() {
    for (input, part, message) in [
        ("", "", "a reference is empty"),
        ("/", "", "the cloud is missing"),
        ("azure", "azure", "there is no cloud “azure”"),
        ("aliyun//", "", "the kind is missing"),
        ("aliyun/jbo", "jbo", "aliyun has no kind “jbo”"),
        ("aliyun/job", "", "CLUSTER is missing"),
        (
            "aliyun/job/c//",
            "/",
            "2 segments where aliyun/job/CLUSTER/ has 1",
        ),
        (
            "aliyun/job/c/5",
            "5",
            "this names one thing; a scope, which holds many, was expected",
        ),
        (
            "sugon/instance/5/",
            "5",
            "this names one thing; a scope, which holds many, was expected",
        ),
        (
            "aliyun/job/c/5/6",
            "5/6",
            "3 segments where aliyun/job/CLUSTER/ has 1",
        ),
    ] {
        let problem = listed(input).unwrap_err();
        assert_eq!(problem.message, message, "{input}");
        assert_eq!(&input[problem.span.unwrap()], part, "{input}");
    }
    let hint = |input| listed(input).unwrap_err().hint.unwrap();
    assert!(hint("aliyun@x/job").contains("joblens list aliyun@x shows"));
    assert_eq!(
        hint("ali/job/c/5/"),
        "to look at it: joblens get ali/job/c/5; for all beside it: joblens list ali/job/c/"
    );
}

#[test]
fn the_newest_has_all_of_its_scope_and_stands_raw() {
    let newest = |input: &str| match reader().read_any(input).expect(input) {
        Target::Newest(scope) => scope.to_string(),
        other => panic!("{input}: {other:?}"),
    };
    assert_eq!(newest("ali/job/c/@latest"), "aliyun/job/c/");
    assert_eq!(newest("aliyun@prod/job/@latest"), "aliyun@prod/job/c-prod/");
    assert_eq!(newest("sugon/instance/@latest"), "sugon/instance/");
    assert_eq!(
        newest("tencent@full/service/@latest"),
        "tencent@full/service/cls-1/default/"
    );
    assert_eq!(
        newest("tencent@full/service/n/@latest"),
        "tencent@full/service/cls-1/n/"
    );
    let missing = reader().read("tencent/service/n/@latest").unwrap_err();
    assert_eq!(missing.message, "CLUSTER is missing");
    let thing = &read("aliyun/job/c/%40latest").unwrap()[0];
    assert_eq!(
        (thing.id(), &*thing.to_string()),
        ("@latest", "aliyun/job/c/%40latest")
    );
}

proptest! {
    #[test]
    fn what_is_printed_reads_back_as_the_same(
        profile in "[a-zA-Z0-9你%@ ._-]{1,8}",
        segments in proptest::collection::vec("[^\\p{Cc}]{1,12}|[0-9]_[0-9]-[0-9](:[0-9])?|@latest", 2),
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
        segments in proptest::collection::vec("[^\\p{Cc}]{1,12}|@latest", 1..3),
        id in "\\PC{0,12}|@latest",
    ) {
        prop_assume!(segments.iter().all(|s| s != "." && s != ".."));
        let one = Scope { template: &SERVICE, profile, segments, input: String::new() };
        let printed = one.to_string();
        prop_assert!(printed.is_ascii());
        let again = scope(&printed);
        prop_assert_eq!(listed(&printed).unwrap(), printed.clone());
        prop_assert_eq!(&again, &Scope { input: printed, ..one });
        let below = ["n", &*id];
        let below = &below[again.segments.len() - 1..];
        if let Some(thing) = again.reference(below) {
            prop_assert_eq!(&again.reference_of(&thing.input).unwrap().segments, &thing.segments);
            let read = read(&thing.input).unwrap();
            prop_assert_eq!(read.len(), 1);
            prop_assert_eq!(&read[0].segments, &thing.segments);
        }
    }

    #[test]
    fn no_text_makes_it_panic(input in "\\PC{0,40}") {
        let _ = reader().read(&input);
        let _ = reader().read_any(&input);
        let _ = reader().read_list(&input);
    }
}
