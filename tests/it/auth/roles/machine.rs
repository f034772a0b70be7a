use super::*;

#[test]
fn the_aliyun_machine_role_is_fetched_for_a_profile_that_selects_it() {
    const NAMED: [&str; 2] = ["/latest/api/token", "STS.machineKey45"];
    for (source, role) in [
        ("metadata", None),
        ("metadata:Named", Some("Named")),
        ("aliyun-cli:ecs", Some("CliEcsRole")),
        ("aliyun-cli:ecs-any", None),
        ("alibabacloud:ecs", Some("SdkEcsRole")),
    ] {
        let roles = Roles::with(&[&ALIYUN_CLI, &ALIYUN_SDK]);
        roles.sandbox.configure(&format!(
            "[aliyun.lone]\nendpoint = 'ORIGIN'\nmetadata_endpoint = 'ORIGIN'\nregion = 'cn-x'\nsource = '{source}'\n"
        ));
        let run = roles
            .get("aliyun@lone/job/ehpc-hz-1/5")
            .env("ALIBABA_CLOUD_ECS_METADATA", "NotForNamedOnes")
            .run();
        let path = role.map(|role| format!("{}{role}", ROLE_OF_MACHINE[1]));
        match &path {
            Some(path) => assert_eq!(roles.steps(), [NAMED[0], path, NAMED[1]], "{source}"),
            None => assert_eq!(roles.steps(), ROLE_OF_MACHINE, "{source}: {}", run.stderr),
        }
        let got = roles.sandbox.server.received();
        assert_eq!(
            got[0].header("x-aliyun-ecs-metadata-token-ttl-seconds"),
            Some("21600")
        );
        assert_eq!(
            got[1].header("x-aliyun-ecs-metadata-token"),
            Some("metadata-token-h7")
        );
        let token = got.last().unwrap().header("x-acs-security-token");
        assert_eq!(token, Some("issued-machine-token-g6"));
    }
}

#[test]
fn tencent_and_huawei_machine_roles_are_fetched_for_profiles_that_select_them() {
    let role = format!("{TENCENT_ROLES}MachineRole");
    let named = format!("{TENCENT_ROLES}Named");
    let tencent = [TENCENT_ROLES, &role, "AKIDmachineKey67"];
    let huawei = [HUAWEI_STEPS[0], HUAWEI_STEPS[1], "HSTMACHINEKEY0089"];
    for (reference, source, steps) in [
        (SERVICE, "metadata", &tencent[..]),
        (SERVICE, "tccli:cvm", &tencent),
        (SERVICE, "metadata:Named", &[&named, tencent[2]]),
        (IMAGE_JOB, "metadata", &huawei),
    ] {
        let roles = Roles::with(&[&TCCLI_CVM]);
        let (cloud, _) = reference.split_once('/').unwrap();
        roles.sandbox.configure(&format!(
            "[{cloud}.lone]\nendpoint = 'ORIGIN'\nmetadata_endpoint = 'ORIGIN'\nregion = 'r1'\nsource = '{source}'\n{}",
            if cloud == "huawei" { "project_id = 'p'\n" } else { "" }
        ));
        let run = roles
            .get(&reference.replacen(cloud, &format!("{cloud}@lone"), 1))
            .run();
        assert_eq!(roles.steps(), steps, "{source}: {}", run.stderr);
        let last = roles.sandbox.server.received().pop().unwrap();
        let token = last.header("x-security-token").unwrap_or(last.target());
        assert!(token.contains("issued-machine-token-g6"), "{token}");
    }
    let roles = Roles::with(&[&TCCLI_CVM]);
    roles.get(SERVICE).env("TCCLI_PROFILE", "cvm").run();
    assert_eq!(roles.steps(), tencent);
    assert!(
        roles.sandbox.server.received()[2]
            .target()
            .contains("Region=ap-shanghai")
    );
}

#[test]
fn metadata_is_a_usage_error_for_a_cloud_without_it() {
    let roles = Roles::with(&[]);
    let run = roles
        .get(INSTANCE)
        .env("JOBLENS_SUGON_SOURCE", "metadata")
        .run();
    assert_eq!(run.code, 2);
    let error = run.error();
    let message = error["message"].as_str().unwrap();
    assert!(
        message.contains("has the unknown value 'metadata'"),
        "{message}"
    );
    assert_eq!(error["hint"], "sugon supports scnet");
    assert!(roles.steps().is_empty());
}

#[test]
fn no_metadata_service_is_called_unless_a_profile_selects_it() {
    for files in [
        &[][..],
        &[&ALIYUN_CLI, &ALIYUN_SDK, &TCCLI, &TCCLI_CVM, &HUAWEI_SDK],
    ] {
        let roles = Roles::with(files);
        for arguments in [
            &[
                "get",
                "--max-attempts",
                "1",
                JOB,
                IMAGE_JOB,
                SERVICE,
                INSTANCE,
            ][..],
            &["list", "--max-attempts", "1"],
            &["auth", "status"],
        ] {
            let run = roles.sandbox.joblens(arguments);
            run.env("ALIBABA_CLOUD_ECS_METADATA", "SomeRole")
                .env("ALIBABA_CLOUD_ROLE_ARN", "acs:ram::1:role/stray")
                .env("ALIBABA_CLOUD_ROLE_SESSION_NAME", "stray")
                .run();
        }
        let paths = [
            "/latest/",
            "/meta-data/",
            "/openstack/",
            "/?Action=AssumeRole",
        ];
        for step in roles.sandbox.server.received() {
            let target = step.target();
            assert!(
                !paths.iter().any(|path| target.starts_with(path)),
                "{target}"
            );
        }
        assert_eq!(roles.steps().is_empty(), files.is_empty());
    }
}

#[test]
fn a_metadata_service_is_called_without_a_proxy() {
    let proxy = Server::answering(http("200 OK", "", b"from a proxy"));
    let roles = Roles::with(&[]);
    let run = roles.get(JOB).env("JOBLENS_ALIYUN_SOURCE", "metadata");
    let run = ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy"]
        .iter()
        .fold(run, |run, name| run.env(name, proxy.origin()));
    run.run();
    assert_eq!(roles.steps(), ROLE_OF_MACHINE);
    assert!(proxy.received().is_empty());
}

#[test]
fn a_metadata_service_that_hangs_times_out_as_unreachable_with_a_hint() {
    let roles = Roles {
        sandbox: Sandbox {
            // Keeps the connection open until the client closes it.
            server: Server::start(|_, _, stream| {
                let _ = stream.read(&mut [0]);
            }),
            ..Sandbox::new()
        },
        forms: Arc::default(),
    };
    roles
        .sandbox
        .configure("[http]\nrequest_timeout = '300ms'\n");
    let run = roles
        .get(JOB)
        .env("JOBLENS_ALIYUN_SOURCE", "metadata")
        .run();
    let error = run.error();
    assert_eq!((run.code, &error["category"]), (5, &"network".into()));
    let message = error["message"].as_str().unwrap();
    assert!(
        message.starts_with("the metadata service is unreachable: "),
        "{message}"
    );
    let hint = error["hint"].as_str().unwrap();
    assert!(
        hint.contains("may not be an instance") && hint.contains("RAM role"),
        "{hint}"
    );
    // The request for a token, and the request for the role without one.
    assert_eq!(roles.sandbox.server.received().len(), 2);
}

#[test]
fn a_vendor_variable_disables_the_metadata_service_for_every_profile() {
    let roles = Roles::with(&[&ALIYUN_CLI, &ALIYUN_SDK]);
    for source in ["metadata", "aliyun-cli:ecs", "alibabacloud:ecs"] {
        roles.sandbox.configure(&format!(
            "[aliyun.lone]\nendpoint = 'ORIGIN'\nmetadata_endpoint = 'ORIGIN'\nsource = '{source}'\n"
        ));
        let run = roles
            .get("aliyun@lone/job/ehpc-hz-1/5")
            .env("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
            .run();
        let error = run.error();
        assert_eq!(
            (run.code, &error["category"]),
            (4, &"missing_credentials".into())
        );
        let hint = error["hint"].as_str().unwrap();
        assert!(
            hint.contains("unset ALIBABA_CLOUD_ECS_METADATA_DISABLED"),
            "{hint}"
        );
    }
    assert!(roles.steps().is_empty());
}

#[test]
fn an_invalid_error_code_of_the_metadata_service_is_not_shown() {
    let server = Server::start(|_, got, stream| {
        let response = match got.target() {
            target if target.ends_with('/') => http("200 OK", "", b"MachineRole"),
            _ => json(r#"{"Code":"issued-machine-secret-f5 \u001b[2J","AccessKeyId":"x"}"#),
        };
        let _ = stream.write_all(&response);
    });
    let sandbox = Sandbox {
        server,
        ..Sandbox::new()
    };
    let roles = Roles {
        sandbox,
        forms: Arc::default(),
    };
    let run = roles
        .get(JOB)
        .env("JOBLENS_ALIYUN_SOURCE", "metadata")
        .run();
    assert_eq!(run.error()["code"], serde_json::Value::Null);
    assert_eq!(run.code, 4, "{}", run.stderr);
}

#[test]
fn doctor_shows_the_machine_role_and_an_unreachable_metadata_service() {
    let roles = Roles::with(&[]);
    let doctor = || {
        let run = roles.sandbox.joblens(&["doctor", "aliyun"]);
        let run = run.env("JOBLENS_ALIYUN_REGION", "cn-x");
        keeping_issued(run.env("JOBLENS_ALIYUN_SOURCE", "metadata"))
    };
    let run = doctor().run();
    let expected = "role from metadata (this machine), region cn-x";
    assert!(run.stdout.contains(expected), "{}", run.stdout);
    assert_eq!(roles.steps(), ROLE_OF_MACHINE);
    let gone = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let run = doctor()
        .env("JOBLENS_ALIYUN_METADATA_ENDPOINT", address)
        .run();
    for expected in ["the metadata service is unreachable", "attach a RAM role"] {
        assert!(run.stdout.contains(expected), "{expected}: {}", run.stdout);
    }
    assert_eq!(roles.steps().len(), ROLE_OF_MACHINE.len());
}

#[test]
fn a_recording_contains_no_issued_credentials_and_replays_without_them() {
    const STS: &str = "access_key_id = 'FILEKEY'\naccess_key_secret = 'file-secret-w5'\nrole_arn = 'acs:ram::3:role/own'\nsts_endpoint = 'ORIGIN'";
    for (reference, settings) in [
        ("aliyun@lone/job/ehpc-hz-1/5", "source = 'metadata'"),
        ("aliyun@lone/job/ehpc-hz-1/5", STS),
        ("tencent@lone/service/c/n/s", "source = 'metadata'"),
        (
            "huawei@lone/image-job/7",
            "source = 'metadata'\nproject_id = 'p'",
        ),
    ] {
        let roles = Roles::with(&[]);
        let (cloud, _) = reference.split_once('@').unwrap();
        roles.sandbox.configure(&format!(
            "[{cloud}.lone]\nendpoint = 'ORIGIN'\nmetadata_endpoint = 'ORIGIN'\nregion = 'r1'\n{settings}\n"
        ));
        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("recording");
        let path = folder.to_str().unwrap();
        let recorded = keeping_issued(roles.sandbox.joblens(&["get", reference, "--record", path]));
        let recorded = recorded.run();
        let files = fs::read_dir(&folder).unwrap();
        let texts: Vec<String> = files
            .map(|file| fs::read_to_string(file.unwrap().path()).unwrap())
            .collect();
        assert!(texts.len() >= 3, "{settings}: {}", recorded.stderr);
        for secret in ISSUED
            .iter()
            .chain(&["file-secret-w5", "STS.", "AKIDmachine", "HSTMACHINE"])
        {
            let text = texts.iter().find(|text| text.contains(secret));
            assert_eq!(text, None, "{secret}");
        }
        let requests = roles.sandbox.server.received().len();
        let replayed = joblens(&["get", reference, "--replay", path]).run();
        assert_eq!(replayed.stdout, recorded.stdout, "{settings}");
        assert_eq!(replayed.stderr, recorded.stderr, "{settings}");
        assert_eq!(roles.sandbox.server.received().len(), requests);
    }
}
