use super::*;

fn known() -> CompletionData {
    let profiles = [("aliyun", "default"), ("aliyun", "prod"), ("sugon", "prod")];
    let listed = [
        "aliyun/job/ehpc-a/1",
        "aliyun/job/ehpc-a/2",
        "aliyun@prod/job/ehpc-b/1",
        "aliyun/job/ehpc-c/",
        "huawei/image-job/17",
        "huawei/image-job/23",
    ];
    CompletionData {
        profiles: profiles
            .map(|(cloud, name)| (cloud, name.to_owned()))
            .to_vec(),
        chosen_profile: None,
        listed: listed.map(str::to_owned).to_vec(),
        rows: ["aliyun/job/ehpc-a/1", "", "huawei/image-job/17"]
            .map(str::to_owned)
            .to_vec(),
    }
}

fn values(found: Vec<CompletionCandidate>) -> Vec<String> {
    let values = found
        .iter()
        .map(|one| one.get_value().to_str().unwrap().to_owned());
    values.collect()
}

fn references(typed: &str) -> Vec<String> {
    values(known().references(OsStr::new(typed)))
}

#[test]
fn a_reference_is_completed_one_segment_at_a_time() {
    assert_eq!(references("al"), ["aliyun/", "aliyun@prod/"]);
    assert_eq!(references("aliyun@"), ["aliyun@default/", "aliyun@prod/"]);
    assert_eq!(references("ali@p"), ["ali@prod/"]);
    assert_eq!(
        references("aliyun/"),
        [
            "aliyun/job/",
            "aliyun/invocation/",
            "aliyun/hpc-job/",
            "aliyun/dlc-job/",
            "aliyun/instant-job/",
            "aliyun/scheduler-job/"
        ]
    );
    assert_eq!(references("hw@x/im"), ["hw@x/image-job/"]);
    assert_eq!(
        references("aliyun/job/"),
        ["aliyun/job/ehpc-a/", "aliyun/job/ehpc-c/"]
    );
    assert_eq!(references("aliyun@prod/job/"), ["aliyun@prod/job/ehpc-b/"]);
    assert_eq!(references("huawei/image-job/1"), ["huawei/image-job/17"]);
    assert_eq!(
        references("ali/job/ehpc-a/"),
        ["ali/job/ehpc-a/1", "ali/job/ehpc-a/2"]
    );
}

#[test]
fn an_id_prefix_is_completed_only_if_all_matches_are_in_one_scope() {
    assert_eq!(references("23"), ["huawei/image-job/23"]);
    // `1` matches ids in two clusters, `17` in one.
    assert!(references("1").is_empty());
    assert_eq!(references("17"), ["huawei/image-job/17"]);
    let mut known = known();
    known.listed = ["aliyun/job/a/10_3", "aliyun/job/a/10_4", "aliyun/job/b/"]
        .map(str::to_owned)
        .to_vec();
    let offered = values(known.references(OsStr::new("10_")));
    assert_eq!(offered, ["aliyun/job/a/10_3", "aliyun/job/a/10_4"]);
}

#[test]
fn each_cloud_and_profile_has_its_own_description() {
    let offered = known().references(OsStr::new(""));
    let about = offered
        .iter()
        .map(|one| one.get_help().unwrap().to_string());
    let about: Vec<String> = about.collect();
    assert_eq!(
        about[..3],
        [
            "default profile of aliyun",
            "profile prod of aliyun",
            "default profile of sugon"
        ]
    );
    let different: BTreeSet<&String> = about.iter().collect();
    assert_eq!(different.len(), about.len(), "{about:?}");
}

#[test]
fn a_completed_id_is_decoded_to_the_listed_id() {
    let mut known = known();
    known.listed = [
        "sugon/instance/a%2Fb",
        "sugon/instance/100%25",
        "sugon/instance/%E8%AE%AD%E7%BB%83%3A1",
        "aliyun/job/ehpc-a/7_1%2D5",
    ]
    .map(str::to_owned)
    .to_vec();
    for (typed, completed) in [
        ("sugon/instance/a", "sugon/instance/a%2Fb"),
        ("sugon/instance/100", "sugon/instance/100%25"),
        ("sugon/instance/100%", "sugon/instance/100%25"),
        ("sugon/instance/训", "sugon/instance/训练%3A1"),
        ("sugon/instance/训练:", "sugon/instance/训练:1"),
        (
            "sugon/instance/%E8%AE%AD",
            "sugon/instance/%E8%AE%AD%E7%BB%83%3A1",
        ),
        ("aliyun/job/ehpc-a/7", "aliyun/job/ehpc-a/7_1%2D5"),
        ("aliyun/job/ehpc%2Da/7", "aliyun/job/ehpc%2Da/7_1%2D5"),
        ("7_", "aliyun/job/ehpc-a/7_1%2D5"),
        ("训", "sugon/instance/训练%3A1"),
    ] {
        let offered = values(known.references(OsStr::new(typed)));
        assert_eq!(offered, [completed], "{typed}");
    }
    for typed in [
        "sugon/instance/x%",
        "sugon/instance/a/",
        "aliyun/job/ehpc-a/7_1-",
    ] {
        let offered = values(known.references(OsStr::new(typed)));
        assert!(offered.is_empty(), "{typed}: {offered:?}");
    }
}

#[test]
fn row_numbers_are_offered_with_their_references() {
    assert_eq!(references("%"), ["%1", "%3"]);
    let offered = known().references(OsStr::new("%3"));
    assert_eq!(
        offered[0].get_help().unwrap().to_string(),
        "huawei/image-job/17"
    );
}

#[test]
fn an_unknown_cloud_kind_profile_or_id_has_no_completions() {
    for typed in [
        "azure/",
        "aliyun/jbo/",
        "aliyun@p/job/",
        "aliyun/job/x",
        "z",
    ] {
        assert!(references(typed).is_empty(), "{typed}");
    }
}

#[test]
fn accounts_are_completed_as_clouds_with_their_profiles() {
    let accounts = |typed| values(known().accounts(OsStr::new(typed)));
    assert_eq!(accounts("hua"), ["huawei"]);
    assert_eq!(accounts("aliyun@"), ["aliyun@default", "aliyun@prod"]);
}

#[test]
fn an_encoded_profile_name_is_decoded_to_the_same_name() {
    for (name, expected) in [
        ("prod-1", "prod-1"),
        ("生产 a", "生产 a"),
        ("a/b", "a%2Fb"),
        ("a%b", "a%25b"),
        ("产'$;线", "产%27%24%3B线"),
    ] {
        assert_eq!(encoded(name), expected);
        assert_eq!(percent_decode(&encoded(name)).as_deref(), Some(name));
    }
}

#[test]
fn scopes_are_completed_without_the_last_segment_of_a_reference() {
    let scopes = |typed| values(known().scopes(OsStr::new(typed)));
    assert_eq!(scopes("aliyun/job/ehpc-a"), ["aliyun/job/ehpc-a/"]);
    assert!(scopes("aliyun/job/ehpc-a/").is_empty());
    assert_eq!(
        scopes("huawei/"),
        ["huawei/image-job/", "huawei/training-job/"]
    );
    assert!(scopes("huawei/job/").is_empty());
    let references = |typed| values(known().references(OsStr::new(typed)));
    assert_eq!(references("hw/job/e"), ["hw/job/ecs/", "hw/job/evs/"]);
}

#[test]
fn a_profile_name_used_by_several_clouds_is_offered_once() {
    assert_eq!(values(known().profiles(OsStr::new("p"))), ["prod"]);
}

#[test]
fn references_without_a_profile_are_completed_for_the_chosen_profile() {
    let mut known = known();
    known.chosen_profile = Some("prod".to_owned());
    let references = |typed| values(known.references(OsStr::new(typed)));
    assert_eq!(references("aliyun/job/"), ["aliyun/job/ehpc-b/"]);
    assert_eq!(
        references("aliyun@default/job/"),
        ["aliyun@default/job/ehpc-a/", "aliyun@default/job/ehpc-c/"]
    );
    assert_eq!(references("17"), ["huawei@default/image-job/17"]);
}

#[test]
fn the_profile_is_taken_from_the_command_line() {
    let line = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
    let named = |text: &str| named_profile(&line(text));
    for text in [
        "-p prod get x",
        "get -pprod x",
        "get --profile=prod x",
        "-p prod logs -p x",
    ] {
        assert_eq!(
            named(&format!("joblens {text}")).as_deref(),
            Some("prod"),
            "{text}"
        );
    }
    for text in ["get x", "get -p x", "logs -p x y", "get --profiles=prod x"] {
        assert_eq!(named(&format!("joblens {text}")), None, "{text}");
    }
}

#[test]
fn the_path_of_the_settings_file_is_taken_from_the_command_line() {
    let line = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
    let named = |text| named_file(&line(text));
    assert_eq!(named("joblens --config a get x"), Some("a".into()));
    assert_eq!(named("joblens get --config=b -p x"), Some("b".into()));
    assert_eq!(named("joblens get --config b"), None);
}
