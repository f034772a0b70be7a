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
    let empty = "clusters: []\ncontexts: null\ncurrent-context: ''\n";
    write(root.path(), ".kube/config", empty);
    let named = [variables[0], variables[1], ("POD_NAMESPACE", "other")];
    let pod = found(load(&files(root.path(), &named), None));
    assert_eq!(get(&pod, "namespace"), text("other"));
    assert!(matches!(
        load(&files(root.path(), &[]), None),
        Ok(SourceResult::NotPresent)
    ));
}
