//! Variables that select a tool's profile that does not exist.

use super::*;
use crate::support::emulated::Emulated;
use crate::support::jobs::WORLD;

#[test]
fn a_missing_profile_selected_by_a_variable_is_an_error_in_every_command() {
    let emulated = Emulated::start(WORLD);
    for file in [&ALIYUN_CLI, &ALIYUN_SDK] {
        let sandbox = Sandbox::with(&[file]);
        for variable in [
            "ALIBABACLOUD_PROFILE",
            "ALIBABA_CLOUD_PROFILE",
            "ALICLOUD_PROFILE",
        ] {
            let message = format!("{variable} is 'nobody': ");
            let hint = format!("fix or unset {variable}");
            for (arguments, expected) in [
                (&["list"][..], 4),
                (&["doctor"], 4),
                (&["auth", "status"], 4),
                (&["get", JOB], 4),
            ] {
                let run = joblens(arguments)
                    .env("HOME", sandbox.home.path().to_str().unwrap())
                    .env("JOBLENS_KUBERNETES_ENDPOINT", &emulated.origin)
                    .env("JOBLENS_KUBERNETES_TOKEN", "joblens-emulator-token")
                    .env(variable, "nobody")
                    .run();
                let shown = (run.stdout + &run.stderr)
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ");
                assert_eq!(run.code, expected, "{arguments:?}: {shown}");
                for part in [&message, "has no profile 'nobody'; available: ", &hint] {
                    assert!(shown.contains(part), "{arguments:?}: {part}: {shown}");
                }
            }
        }
    }
}

#[test]
fn a_selected_profile_may_be_in_the_file_of_another_tool() {
    let sandbox = Sandbox::with(&[&ALIYUN_CLI]);
    sandbox.write(
        ".alibabacloud/credentials",
        "[other]\naccess_key_id = LTAIother\naccess_key_secret = sdk-prod-secret-k2\n",
    );
    let run = sandbox.get(JOB).env("ALIBABA_CLOUD_PROFILE", "other");
    run.env("JOBLENS_ALIYUN_REGION", "cn-x").run();
    assert_eq!(sandbox.signed_by(), "LTAIother");
}
