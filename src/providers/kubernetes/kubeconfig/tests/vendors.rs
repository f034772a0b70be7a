use super::*;

/// The shortened certificate in the samples.
const PLACEHOLDER: &str =
    "LS0tLS1CRUdJTiBDRVJUSUZJQ0FURS0tLS0tCk1JSS4uLgotLS0tLUVORCBDRVJUSUZJQ0FURS0tLS0tCg==";

#[test]
fn an_insecure_cce_context_names_the_verified_one_and_an_ack_plugin_is_read() {
    let home = tempfile::tempdir().unwrap();
    let text_of = |name: &str| {
        let text = String::from_utf8(crate::providers::test_support::read(name)).unwrap();
        text.replace(PLACEHOLDER, &CA_CERTIFICATE)
    };
    write(
        home.path(),
        ".kube/config",
        &text_of("kubernetes/kubeconfig/cce.json"),
    );
    let files = files(home.path(), &[]);
    assert_eq!(
        get(&found(load(&files, None)), INSECURE),
        text("externalTLSVerify")
    );
    let verified = found(load(&files, Some("externalTLSVerify")));
    assert_eq!(get(&verified, INSECURE), None);
    assert!(get(&verified, CA_DATA).is_some());
    write(
        home.path(),
        ".kube/config",
        &text_of("kubernetes/kubeconfig/ack-exec.yaml"),
    );
    let plugin = program(load(&files, None));
    assert_eq!(plugin.command, "ack-ram-tool");
    assert_eq!(
        get(&plugin.other_values, "user"),
        text("272000000000000001")
    );
}
