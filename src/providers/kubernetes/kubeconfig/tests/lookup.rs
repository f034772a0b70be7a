//! Tests which file and context are used.

use super::*;

#[test]
fn the_first_kubeconfig_file_that_defines_a_name_takes_precedence() {
    let home = tempfile::tempdir().unwrap();
    write(
        home.path(),
        "one/config",
        "contexts: [{name: x, context: {cluster: c, user: u}}]\nusers: [{name: u, user: {tokenFile: t}}]\n",
    );
    write(home.path(), "one/t", "of-one");
    write(
        home.path(),
        "two",
        "current-context: x\nclusters: [{name: c, cluster: {server: 'https://two'}}]\n\
         users: [{name: u, user: {token: of-two, as: root}}]\n",
    );
    let path = |name: &str| home.path().join(name).display().to_string();
    let list = format!(
        ":{}::{}:{}:{}",
        path("none"),
        path("one/config"),
        path("two"),
        path("two")
    );
    let merged = found(load(&files(home.path(), &[("KUBECONFIG", &list)]), None));
    assert_eq!(get(&merged, SERVER), text("https://two"));
    assert_eq!(get(&merged, "token"), text("of-one"));
    assert_eq!(get(&merged, IMPERSONATION), None);
    write(home.path(), "twice", "users: [{name: u}, {name: u}]\n");
    let problem = load(&files(home.path(), &[("KUBECONFIG", &path("twice"))]), None).unwrap_err();
    assert!(
        problem.message.contains("has the name 'u' twice"),
        "{}",
        problem.message
    );
    for (document, message) in [
        (
            "contexts: some-text\ncurrent-context: c\n",
            "contexts that is not a list",
        ),
        ("clusters: {name: c}\n", "clusters that is not a list"),
        ("users: 1\n", "users that is not a list"),
        (
            "contexts: [text]\n",
            "contexts that is not a list of objects",
        ),
        (
            "users: [{name: u}, 1]\n",
            "users that is not a list of objects",
        ),
        ("current-context: [x]\n", "current-context that is not text"),
    ] {
        write(home.path(), "typed", document);
        let list = format!("{}:{}", path("two"), path("typed"));
        let problem = load(&files(home.path(), &[("KUBECONFIG", &list)]), None).unwrap_err();
        let message = format!("typed has a value at {message}");
        assert!(problem.message.ends_with(&message), "{}", problem.message);
    }
    let nulls = "contexts:\nclusters: null\nusers: ~\ncurrent-context:\n";
    write(home.path(), "nulls", nulls);
    let list = format!("{}:{}:{}", path("nulls"), path("one/config"), path("two"));
    found(load(&files(home.path(), &[("KUBECONFIG", &list)]), None));
    write(home.path(), "broken", "a: [\n");
    let list = format!("{}:{}", path("two"), path("broken"));
    let problem = load(&files(home.path(), &[("KUBECONFIG", &list)]), None).unwrap_err();
    assert!(
        problem.message.contains("broken is not valid YAML"),
        "{}",
        problem.message
    );
}

#[test]
fn a_named_context_without_any_kubeconfig_is_reported_as_a_missing_file() {
    let home = tempfile::tempdir().unwrap();
    for (variables, location) in [
        (&[][..], "~/.kube/config"),
        (&[("KUBECONFIG", "/nowhere")], "KUBECONFIG=/nowhere"),
    ] {
        let problem = load(&files(home.path(), variables), Some("prod")).unwrap_err();
        assert_eq!(problem.category, Category::MissingCredentials);
        assert_eq!(
            problem.message,
            format!("no kubeconfig found ({location}) with the context 'prod'")
        );
        assert!(!problem.hint.unwrap().contains("get-contexts"));
    }
}

#[test]
fn a_configured_kubeconfig_file_must_exist_and_contain_the_context() {
    let home = tempfile::tempdir().unwrap();
    let files = files(home.path(), &[]).with_path(Some("/nowhere/config"));
    let problem = load(&files, Some("a")).unwrap_err();
    assert_eq!(
        problem.message,
        "no kubeconfig found (/nowhere/config) with the context 'a'"
    );
    assert_eq!(problem.category, Category::MissingCredentials);
    let problem = load(&files, None).unwrap_err();
    assert_eq!(problem.message, "no kubeconfig found (/nowhere/config)");
    assert_eq!(problem.category, Category::MissingCredentials);
}
