//! Credentials: a recording contains none of them, and a replay needs none.

use super::*;
use crate::config::settings::Config;
use crate::support::jobs;

#[test]
fn fetched_tokens_are_not_recorded_and_not_needed_for_a_replay() {
    let emulated = Emulated::start(jobs::WORLD);
    let origin = &emulated.origin;
    let config = Config::new(&format!(
        "[sugon.default]\nauth_endpoint = '{origin}'\nplatform_endpoint = '{origin}'\n\
         user = 'bob'\naccess_key = 'testid'\nsecret_key = 'testsecret'\n\
         [huawei.default]\nregion = 'cn-north-4'\nendpoint = '{origin}'\niam_endpoint = '{origin}'\n\
         user = 'testid'\npassword = 'testsecret'\ndomain = '公司'\ntoken_cache = true\n\
         [aliyun.default]\nregion = 'cn-hangzhou'\nendpoint = '{origin}'\nsts_endpoint = '{origin}'\n\
         credential_command = ['printf', 'access_key_id=testid\\naccess_key_secret=testsecret\\n']\n\
         role_arn = 'acs:ram::1:role/reader'\n\
         [tencent.default]\nregion = 'ap-guangzhou'\nendpoint = '{origin}'\nmetadata_endpoint = '{origin}'\n\
         source = 'metadata'\n"
    ));
    let (_parent, folder) = folder();
    let references = [jobs::JOB, jobs::INSTANCE, jobs::IMAGE_JOB, jobs::SERVICE];
    let record = with(&references, "--record", &folder);
    let cache = config.folder.path().to_str().unwrap();
    let recorded = config.get(&record).env("XDG_CACHE_HOME", cache).run();
    assert_eq!(recorded.code, 0, "{}", recorded.stderr);
    let kept = config.folder.path().join("joblens/tokens");
    assert!(
        !kept.exists(),
        "all that a run depends on is in its recording"
    );
    // Prefixes of the emulator's tokens.
    assert_private(&folder, &["testsecret", "MII", "eyJ", "testtoken"]);
    let all = files(&folder).iter().fold(String::new(), |all, path| {
        all + &fs::read_to_string(path).unwrap()
    });
    for operation in [
        "GetUserTokens",
        "KeystoneCreateUserTokenByPassword",
        "AssumeRole",
        "MetadataCredentials",
    ] {
        assert!(all.contains(operation), "{operation}");
    }
    let arguments = [&["get", "-o", "json"], &references[..]].concat();
    assert_same(&arguments, &recorded, &replay(&arguments, &folder));
}

#[test]
fn tokens_of_one_response_stay_distinct_in_a_recording() {
    let emulated = Emulated::start(jobs::WORLD);
    let origin = &emulated.origin;
    let config = Config::new(&format!(
        "[sugon.default]\nauth_endpoint = '{origin}'\nplatform_endpoint = '{origin}'\n\
         user = 'bob'\naccess_key = 'testid'\nsecret_key = 'testsecret'\n"
    ));
    let (_parent, folder) = folder();
    // A list of instances needs the token of a region; a list of jobs also needs the token of the platform.
    let scopes = ["list", "sugon/instance/", "sugon/job/", "-o", "json"];
    let path = config.path();
    let options = with(&scopes, "--config", Path::new(&path));
    let options = with(&options, "--record", &folder);
    let recorded = joblens(&options).run();
    assert_eq!(recorded.code, 0, "{}", recorded.stderr);
    assert_private(&folder, &["testsecret", "eyJ"]);
    assert_same(&scopes, &recorded, &replay(&scopes, &folder));
}

#[test]
fn a_replay_shows_the_recorded_error_of_an_unusable_account() {
    let emulated = Emulated::start(WORLD);
    let config = Config::new(&format!(
        "[aliyun.default]\nregion = 'cn-hangzhou'\nendpoint = '{}'\ncluster = 'c'\n\
         credential_command = ['false']\n[aliyun.tool]\nsource = 'aliyun-cli:none'\n",
        emulated.origin
    ));
    config.write("kubeconfig", "not a kubeconfig", 0o600);
    let (path, kubeconfig) = (config.path(), config.folder.path().join("kubeconfig"));
    for arguments in [
        &["get", FAILED, IMAGE][..],
        &["list", "aliyun", "huawei"],
        &["list", "aliyun@tool/"],
        &["metrics", "aliyun/job/", "huawei/image-job/"],
        &["doctor", "aliyun@tool", "kubernetes"],
        // The reference lacks the namespace, which would come from the kubeconfig.
        &["get", "kubernetes/job/main"],
        &["metrics", "kubernetes/job/"],
    ] {
        let (_parent, folder) = folder();
        let options = with(arguments, "--config", Path::new(&path));
        let run = joblens(&with(&options, "--record", &folder))
            .envs(
                emulated
                    .environment()
                    .into_iter()
                    .filter(|(name, _)| name.contains("HUAWEI") || name.contains("CONFIG")),
            )
            .env("KUBECONFIG", kubeconfig.to_str().unwrap())
            .env("PATH", "/usr/bin:/bin");
        let recorded = run.run();
        assert_eq!(recorded.code, 4, "{arguments:?} {}", recorded.stderr);
        assert_private(&folder, &[]);
        assert_same(arguments, &recorded, &replay(arguments, &folder));
    }
}

#[test]
fn a_replayed_error_names_the_key_like_the_recorded_run() {
    let emulated = Emulated::start(jobs::WORLD);
    let (_parent, folder) = folder();
    let arguments = ["get", jobs::IMAGE_JOB, jobs::JOB, "-p", "default"];
    let run = emulated.joblens(&with(&arguments, "--record", &folder));
    let recorded = run
        .env("HUAWEICLOUD_SDK_AK", "HUAWEIWRONGKEY0089")
        .env("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI5tWrongKey3Qk")
        .run();
    assert_eq!(recorded.code, 4, "{}", recorded.stderr);
    assert!(recorded.stderr.contains("HUAW…089"), "{}", recorded.stderr);
    assert_private(&folder, &["HUAWEIWRONGKEY0089", "LTAI5tWrongKey3Qk"]);
    assert_same(&arguments, &recorded, &replay(&arguments, &folder));
}

#[test]
fn an_account_does_not_share_the_rejected_secret_of_another_in_a_replay() {
    let emulated = Emulated::start(
        "[[job]]\nref = 'aliyun/job/c/5'\n\
         states = [{after='0s', state='Running'}, {after='1s', state='Succeeded'}]\n",
    );
    let origin = &emulated.origin;
    let table = |name: &str, secret: &str| {
        format!(
            "[aliyun.{name}]\nregion = 'cn-hangzhou'\nendpoint = '{origin}'\n\
             access_key_id = 'testid'\naccess_key_secret = '{secret}'\n"
        )
    };
    let config = Config::new(&(table("default", "testsecret") + &table("old", "wrong-secret-5")));
    let (_parent, folder) = folder();
    let wait = ["wait", "aliyun@old/job/c/5", "aliyun/job/c/5", "-t", "1m"];
    let arguments = [&wait[..], &["--interval", "100ms", "--no-fail-fast"]].concat();
    let path = config.path();
    let options = with(&arguments, "--config", Path::new(&path));
    let recorded = joblens(&with(&options, "--record", &folder)).run();
    assert_eq!(recorded.code, 4, "{}", recorded.stderr);
    assert!(recorded.stdout.contains("succeeded"), "{}", recorded.stdout);
    assert_private(&folder, &["testsecret", "wrong-secret-5"]);
    assert_same(&arguments, &recorded, &replay(&arguments, &folder));
}
