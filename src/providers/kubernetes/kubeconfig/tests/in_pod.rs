use super::*;

#[test]
fn a_pod_without_a_kubeconfig_uses_its_service_account() {
    let root = tempfile::tempdir().unwrap();
    let variables = [
        ("KUBERNETES_SERVICE_HOST", "fd00::1"),
        ("KUBERNETES_SERVICE_PORT", "443"),
    ];
    let outside = load(&files(root.path(), &variables), None);
    assert!(matches!(outside, Ok(SourceResult::NotPresent)));
    let folder = "var/run/secrets/kubernetes.io/serviceaccount";
    write(root.path(), &format!("{folder}/token"), "tok\n");
    write(root.path(), &format!("{folder}/ca.crt"), "CA");
    write(root.path(), &format!("{folder}/namespace"), "ci");
    let pod = found(load(&files(root.path(), &variables), None));
    assert_eq!(get(&pod, SERVER), text("https://[fd00::1]:443"));
    assert_eq!(get(&pod, "token"), text("tok"));
    assert_eq!(get(&pod, "namespace"), text("ci"));
    assert_eq!(get(&pod, CA_DATA), text("Q0E="));
    let named = [variables[0], variables[1], ("POD_NAMESPACE", "other")];
    let pod = found(load(&files(root.path(), &named), None));
    assert_eq!(get(&pod, "namespace"), text("other"));
    assert!(matches!(
        load(&files(root.path(), &[]), None),
        Ok(SourceResult::NotPresent)
    ));
}

#[test]
fn a_kubeconfig_without_a_context_is_not_replaced_by_the_service_account() {
    let root = tempfile::tempdir().unwrap();
    let folder = "var/run/secrets/kubernetes.io/serviceaccount";
    write(root.path(), &format!("{folder}/token"), "tok");
    let pod = [
        ("KUBERNETES_SERVICE_HOST", "10.0.0.1"),
        ("KUBERNETES_SERVICE_PORT", "443"),
    ];
    let load = |kubeconfig: &str, pod: &[(&str, &str)]| {
        let variables = [pod, &[("KUBECONFIG", kubeconfig)]].concat();
        load(&files(root.path(), &variables), None)
    };
    assert!(matches!(load("", &pod), Ok(SourceResult::Found(_))));
    let refused = |kubeconfig: &str, message: &str, hint: &str| {
        let problem = load(kubeconfig, &pod).unwrap_err();
        assert_eq!(problem.category, Category::MissingCredentials);
        let rest = "; the service account of the pod is not used in its place";
        assert_eq!(problem.message, format!("{message}{rest}"));
        let hint = format!("fix the kubeconfig, or {hint} to use the service account of the pod");
        assert_eq!(problem.hint, Some(hint));
        let outside = load(kubeconfig, &[]).unwrap();
        assert!(matches!(outside, SourceResult::Empty(reason) if reason == message));
    };
    let missing = "no kubeconfig found (KUBECONFIG=/nope:/neither)";
    refused("/nope:/neither", missing, "unset KUBECONFIG");
    refused(
        ":",
        "no kubeconfig found (KUBECONFIG=:)",
        "unset KUBECONFIG",
    );
    let skeleton = "clusters: []\ncontexts: null\ncurrent-context: ''\n";
    for text in ["", skeleton, "contexts: [{name: a, context: {cluster: c}}]"] {
        write(root.path(), ".kube/config", text);
        let what = "~/.kube/config has no current-context";
        refused("", what, "remove that file");
        let path = root.path().join(".kube/config");
        let path = path.to_str().unwrap();
        let what = format!("KUBECONFIG={path} has no current-context");
        refused(path, &what, "unset KUBECONFIG");
    }
}
