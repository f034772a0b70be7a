use super::*;
use crate::settings::Environment;

fn named(typed: &[&str], allowed: AllowedTargets) -> Result<ParsedTargets, Vec<Problem>> {
    let typed: Vec<String> = typed.iter().map(ToString::to_string).collect();
    let settings = Settings::load(None, Environment::new([]), &[], &[]).unwrap();
    let context = CommandContext::from_options(&[]);
    parse(&context, (&typed).into(), &settings, allowed)
}

#[test]
fn a_latest_target_keeps_its_position_without_duplicates() {
    let typed = ["aliyun/job/c/1", "ali/job/c/@latest", "aliyun/job/c/"];
    let all = [&typed[..], &typed[..]].concat();
    let named = named(&all, AllowedTargets::All).unwrap();
    assert_eq!(named.references().count(), 1);
    assert_eq!(named.scopes().count(), 1);
    assert!(matches!(
        &named.targets[..],
        [Target::Jobs(_), Target::Latest(_), Target::Scope(_)]
    ));
}

#[test]
fn a_text_with_too_few_segments_gets_the_form_of_a_scope_where_scopes_are_allowed() {
    let hint = |word, allowed| {
        named(&[word], allowed).unwrap_err()[0]
            .hint
            .clone()
            .unwrap()
    };
    let form = "; for all jobs of a scope: aliyun/job/CLUSTER/";
    for word in ["aliyun", "aliyun/job"] {
        let of_references = hint(word, AllowedTargets::References);
        assert_eq!(
            hint(word, AllowedTargets::All),
            format!("{of_references}{form}")
        );
        assert!(!of_references.contains(form), "{of_references}");
    }
    let settings = Settings::load(None, Environment::new([]), &[], &[]).unwrap();
    let problems = parse_monitored_text("aliyun/job", &settings, "default").unwrap_err();
    assert!(problems[0].hint.as_ref().unwrap().ends_with(form));
    for (word, expected) in [
        (
            "kubernetes/job",
            "for all jobs of this scope: kubernetes/job/",
        ),
        ("aliyun/job/c", "for all jobs of this scope: aliyun/job/c/"),
        ("huawei/job", "expected huawei/job/SERVICE/JOB"),
    ] {
        let hint = hint(word, AllowedTargets::All);
        assert!(hint.starts_with(expected), "{word}: {hint}");
        assert!(!hint.contains("of a scope"), "{word}: {hint}");
    }
}

#[test]
fn a_kind_without_a_list_cannot_be_listed_whatever_its_scope() {
    let settings = Settings::load(None, Environment::new([]), &[], &[]).unwrap();
    let context = CommandContext::from_options(&[]);
    let listed = |word: &str| parse_list(&context, &[word.to_owned()], &settings);
    for kind in providers::kinds() {
        let sample = kind.template.sample;
        let (scope, _) = sample.rsplit_once('/').unwrap();
        if kind.list.is_some() {
            assert!(listed(scope).is_ok(), "{scope}");
            continue;
        }
        let by_reference = format!("name its jobs by their references: {}", kind.template);
        let get = format!("to get it: joblens get {sample}");
        for (word, hint) in [
            (kind.to_string(), &by_reference),
            (format!("{kind}/"), &by_reference),
            (scope.to_owned(), &by_reference),
            (format!("{scope}/"), &by_reference),
            (sample.to_owned(), &get),
        ] {
            let [problem] = &listed(&word).unwrap_err()[..] else {
                panic!("one problem");
            };
            assert_eq!(
                problem.message,
                format!("{kind} cannot be listed"),
                "{word}"
            );
            assert_eq!(problem.hint.as_ref(), Some(hint), "{word}");
        }
        for input in [format!("{kind}/{LATEST}"), format!("{scope}/{LATEST}")] {
            let problems = named(&[&input], AllowedTargets::ReferencesAndLatest).unwrap_err();
            assert_eq!(problems[0].message, format!("{kind} cannot be listed"));
        }
        for input in [format!("{kind}/"), format!("{scope}/")] {
            let problems = named(&[&input], AllowedTargets::ReferencesAndLatest).unwrap_err();
            assert_eq!(problems[0].hint.as_ref(), Some(&by_reference), "{input}");
            let problems = parse_monitored_text(&input, &settings, "default").unwrap_err();
            assert_eq!(problems[0].message, format!("{kind} cannot be listed"));
        }
    }
}

#[test]
fn latest_is_an_error_where_not_allowed_but_an_encoded_id_is_valid() {
    let [problem] = &named(&["aliyun/job/c/@latest"], AllowedTargets::References).unwrap_err()[..]
    else {
        panic!("one problem");
    };
    let span = problem.span.clone().unwrap();
    assert_eq!(&problem.input.as_ref().unwrap()[span], LATEST);
    let named = named(&["aliyun/job/c/%40latest"], AllowedTargets::References).unwrap();
    assert_eq!(named.references().next().unwrap().id(), LATEST);
}
