use super::*;

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
    let references = parser().parse_target("aliyun/job/c/10_1-2").unwrap();
    assert!(matches!(references, Target::Jobs(references) if references.len() == 2));
    for input in ["aliyun/job/c/", "sugon/instance/", "aliyun/job/c/5/"] {
        let message = parse(input).unwrap_err().message;
        assert!(message.starts_with("this is a scope"), "{message}");
    }
}

#[test]
fn an_invalid_scope_is_marked_at_its_invalid_part() {
    for (input, part, message) in [
        ("aliyun/", "", "missing kind"),
        ("aliyun//", "", "missing kind"),
        ("aliyun/job/", "", "missing CLUSTER"),
        ("tencent/service/", "", "missing CLUSTER"),
        ("aliyun/job//", "", "empty segment"),
        (
            "aliyun/job/a%2/",
            "a%2",
            "'%' must be followed by two hex digits of UTF-8 text (%25 is a percent sign)",
        ),
        (
            "aliyun/job/c/5/",
            "5/",
            "too many segments: expected aliyun/job/CLUSTER/ (1), got 2",
        ),
        (
            "sugon/instance/5/",
            "5/",
            "too many segments: expected sugon/instance/ (0), got 1",
        ),
    ] {
        let problem = no_scope(input);
        assert_eq!(problem.message, message, "{input}");
        assert_eq!(&input[problem.span.unwrap()], part, "{input}");
    }
    assert_eq!(parse("aliyun//c/5").unwrap_err().span, Some(7..7));
    assert_eq!(
        no_scope("aliyun/job/").hint.unwrap(),
        "expected aliyun/job/CLUSTER/; to see what exists: joblens list aliyun; \
         or set cluster in [aliyun.default] of the config file"
    );
}

#[test]
fn a_scope_creates_and_recognizes_the_references_of_its_jobs() {
    let scope = scope("aliyun@prod/job/c%20x/");
    let reference = scope.reference(&["10_1-5"]).unwrap();
    assert_eq!(reference.to_string(), "aliyun@prod/job/c%20x/10_1%2D5");
    let again = scope.reference_of(&reference.to_string()).unwrap();
    assert_eq!(again.segments, reference.segments);
    assert_eq!(*reference.input, reference.to_string());
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
fn a_scope_may_leave_out_more_segments_than_the_id() {
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
fn a_list_accepts_clouds_and_scopes_with_and_without_their_slash() {
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
fn an_invalid_scope_of_a_list_is_an_error_with_a_hint() {
    for (input, part, message) in [
        ("", "", "empty scope"),
        (" ", " ", "empty scope"),
        ("/", "", "missing cloud"),
        ("azure", "azure", "unknown cloud 'azure'"),
        ("aliyun//", "", "missing kind"),
        ("aliyun/jbo", "jbo", "unknown kind 'jbo' for aliyun"),
        ("aliyun/job", "", "missing CLUSTER"),
        (
            "aliyun/job/c//",
            "/",
            "too many segments: expected aliyun/job/CLUSTER/ (1), got 2",
        ),
        (
            "aliyun/job/c/5",
            "5",
            "this is a single resource; expected a scope",
        ),
        (
            "sugon/instance/5/",
            "5",
            "this is a single resource; expected a scope",
        ),
        (
            "aliyun/job/c/5/6",
            "5/6",
            "too many segments: expected aliyun/job/CLUSTER/ (1), got 3",
        ),
    ] {
        let problem = listed(input).unwrap_err();
        assert_eq!(problem.message, message, "{input}");
        assert_eq!(&input[problem.span.unwrap()], part, "{input}");
    }
    let hint = |input| listed(input).unwrap_err().hint.unwrap();
    assert!(hint("aliyun@x/job").contains("to see what exists: joblens list aliyun@x"));
    assert_eq!(
        hint("ali/job/c/5/"),
        "to get it: joblens get ali/job/c/5; to list its scope: joblens list ali/job/c/"
    );
}

#[test]
fn latest_has_a_complete_scope_and_an_encoded_id_is_an_ordinary_reference() {
    let newest = |input: &str| match parser().parse_target(input).expect(input) {
        Target::Latest(scope) => scope.to_string(),
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
    let missing = parser().parse("tencent/service/n/@latest").unwrap_err();
    assert_eq!(missing.message, "missing CLUSTER");
    let reference = &parse("aliyun/job/c/%40latest").unwrap()[0];
    assert_eq!(
        (reference.id(), &*reference.to_string()),
        ("@latest", "aliyun/job/c/%40latest")
    );
}
