//! Secrets that a program has written into its log.

use super::*;

/// Lines of a log, each with a secret that begins with `s3cr3t`.
const LOG: &str = r#"
[[job]]
ref = "kubernetes/pod/ci/p"
states = [{ after = "0s", state = "Running" }, { after = "300ms", state = "Succeeded" }]
log = [
  { after = "0s", line = "mysql -uroot -ps3cr3t-1 db" },
  { after = "0s", line = "run --password s3cr3t-2 now" },
  { after = "0s", line = "api_key: s3cr3t-3" },
  { after = "0s", line = "client-key-data: s3cr3t-4" },
  { after = "0s", line = "-----BEGIN PRIVATE KEY-----" },
  { after = "0s", line = "s3cr3t5AAAAAAAA" },
  { after = "100ms", line = "s3cr3t6AAAAAAAA" },
  { after = "100ms", line = "-----END PRIVATE KEY-----" },
  { after = "100ms", line = "epoch 1: loss 0.5" },
]
"#;

#[test]
fn secrets_in_a_log_are_not_recorded_and_its_other_lines_are() {
    let emulated = Emulated::start(LOG);
    for arguments in [
        &["logs", "kubernetes/pod/ci/p", "-f"][..],
        &["logs", "kubernetes/pod/ci/p"],
    ] {
        let (_parent, folder) = folder();
        let run = emulated.joblens(&with(arguments, "--record", &folder));
        let recorded = run.run();
        assert_eq!(recorded.code, 0, "{}", recorded.stderr);
        assert!(recorded.stdout.contains("s3cr3t6"), "{}", recorded.stdout);
        assert_private(&folder, &["s3cr3t"]);
        let replayed = replay(arguments, &folder);
        let expected = "mysql -uroot -p*** db\nrun --password *** now\napi_key: ***\nclient-key-data: ***\n\
            ***\n***\n***\n***\nepoch 1: loss 0.5\n";
        assert_eq!(replayed.stdout, expected, "{}", replayed.stderr);
    }
}
