use std::os::unix::fs::PermissionsExt as _;

use super::*;

#[test]
fn a_file_with_a_secret_that_others_can_read_is_reported() {
    let home = tempfile::tempdir().unwrap();
    let readable = |name: &str, user: &str, mode: u32| {
        let text = format!(
            "contexts: [{{name: a, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {user}}}]\n\
             clusters: [{{name: c, cluster: {{server: 'https://k8s.example'}}}}]\n"
        );
        write(home.path(), ".kube/config", &text);
        write(home.path(), ".kube/token", "t");
        for each in [".kube/config", ".kube/token"] {
            let mode = if each.ends_with(name) { mode } else { 0o600 };
            let mode = fs::Permissions::from_mode(mode);
            fs::set_permissions(home.path().join(each), mode).unwrap();
        }
        let found = found(load(&files(home.path(), &[]), Some("a")));
        let expected = format!("{name} contains a secret and is readable by others");
        found
            .notices
            .iter()
            .any(|notice| notice.message.contains(&expected))
    };
    let certificate = "{client-certificate-data: Q1JU, client-key-data: S0VZ}";
    assert!(readable("config", "{token: t}", 0o644));
    assert!(!readable("config", "{token: t}", 0o600));
    assert!(readable("config", certificate, 0o640));
    assert!(!readable("config", "{tokenFile: token}", 0o644));
    assert!(readable("token", "{tokenFile: token}", 0o644));
}
