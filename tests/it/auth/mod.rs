//! Selection of the account: variables, settings, files of the clouds' own tools, named profiles.

mod clocks;
mod commands;
mod credentials;
mod damaged;
mod encodings;
mod hints;
mod order;
mod partial;
mod pasted;
mod places;
mod precedence;
mod prompts;
mod renewals;
mod roles;
mod selected;
mod signals;
mod status;
mod token_cache;
mod tokens;
mod tool_formats;
mod untrusted;
mod unusable;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::support::{Joblens, ReceivedRequest, Server, joblens, json};

/// All secrets of the fixtures. No output may contain any of them.
const TOOL_SECRETS: [&str; 26] = [
    "cli-default-secret-a1",
    "cli-prod-secret-b2",
    "cli-prod-token-c3",
    "cli-sso-secret-d4",
    "cli-sso-token-e5",
    "cli-sso-access-f6",
    "cli-stale-secret-g7",
    "cli-stale-token-h8",
    "cli-role-secret-i9",
    "cli-role-external-id-b1",
    "sdk-role-secret-c2",
    "sdk-default-secret-j1",
    "sdk-prod-secret-k2",
    "tccli-default-secret-l3",
    "tccli-lab-secret-m4",
    "tccli-lab-token-n5",
    "tccli-lab-refresh-o6",
    "tcsdk-default-secret-p7",
    "hwsdk-basic-secret-q8",
    "hwcli-default-secret-s1",
    "hwcli-lab-token-u3",
    "hwcli-lab-secret-t2",
    "hwsdk-global-secret-r9",
    "scnet-default-secret-y7",
    "scnet-llm-key-z8",
    "scnet-lab-secret-a9",
];

const JOB: &str = "aliyun/job/ehpc-hz-1/5";
const INSTANCE: &str = "sugon/instance/i1";
const IMAGE_JOB: &str = "huawei/image-job/7";
const SERVICE: &str = "tencent/service/cls-1/default/web";

/// A file written by its tool: its path below HOME and its fixture.
struct ToolFile {
    path: &'static str,
    fixture: &'static str,
}

const ALIYUN_CLI: ToolFile = file(".aliyun/config.json", "aliyun/tools/config.json");
const ALIYUN_SDK: ToolFile = file(".alibabacloud/credentials", "aliyun/tools/credentials");
const TCCLI: ToolFile = file(
    ".tccli/default.credential",
    "tencent/tools/default.credential",
);
const TCCLI_LAB: ToolFile = file(".tccli/lab.credential", "tencent/tools/lab.credential");
const TCCLI_CVM: ToolFile = file(".tccli/cvm.credential", "tencent/tools/cvm.credential");
const TENCENT_SDK: ToolFile = file(".tencentcloud/credentials", "tencent/tools/credentials");
const HUAWEI_SDK: ToolFile = file(".huaweicloud/credentials", "huawei/tools/credentials");
const KOOCLI: ToolFile = file(".hcloud/config.json", "huawei/tools/config.json");

const SCNET: ToolFile = file(".scnet/config.json", "sugon/tools/config.json");

const fn file(place: &'static str, fixture: &'static str) -> ToolFile {
    ToolFile {
        path: place,
        fixture,
    }
}

impl ToolFile {
    fn text(&self) -> String {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
        fs::read_to_string(folder.join(self.fixture)).unwrap()
    }
}

/// A home folder, and a server that replaces all clouds and rejects every request.
struct Sandbox {
    home: tempfile::TempDir,
    server: Server,
}

impl Sandbox {
    fn new() -> Self {
        Self {
            home: tempfile::tempdir().unwrap(),
            server: Server::answering(json(r#"{"code": 1, "message": "no"}"#)),
        }
    }

    /// Creates a home folder with these tools' files, which contain regions next to the keys of the CLIs.
    fn with(files: &[&ToolFile]) -> Self {
        let sandbox = Self::new();
        for file in files {
            sandbox.write(file.path, &file.text());
            if file.path.starts_with(".tccli") {
                let beside = |text: &str| text.replace(".credential", ".configure");
                let fixture = beside(file.fixture);
                let configure = ToolFile {
                    path: "",
                    fixture: fixture.leak(),
                };
                sandbox.write(&beside(file.path), &configure.text());
            }
        }
        sandbox
    }

    fn write(&self, place: &str, text: &str) -> PathBuf {
        let path = self.home.path().join(place);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        path
    }

    /// Writes the config file; `ORIGIN` in it is replaced by the server.
    fn configure(&self, toml: &str) {
        let toml = toml.replace("ORIGIN", &self.server.origin());
        self.write(".config/joblens/config.toml", &toml);
    }

    /// Returns a run with this home folder. Variables contain everything except the keys that a profile `default`
    /// needs.
    fn joblens(&self, arguments: &[&str]) -> Joblens {
        let home = self.home.path().to_str().unwrap();
        let origin = self.server.origin();
        TOOL_SECRETS
            .iter()
            .fold(joblens(arguments), |run, secret| run.with_secret(secret))
            .env("HOME", home)
            .env("JOBLENS_ALIYUN_ENDPOINT", &origin)
            .env("JOBLENS_ALIYUN_STS_ENDPOINT", &origin)
            .env("JOBLENS_ALIYUN_METADATA_ENDPOINT", &origin)
            .env("JOBLENS_HUAWEI_METADATA_ENDPOINT", &origin)
            .env("JOBLENS_TENCENT_METADATA_ENDPOINT", &origin)
            .env("JOBLENS_HUAWEI_ENDPOINT", &origin)
            .env("JOBLENS_TENCENT_ENDPOINT", &origin)
            .env("JOBLENS_SUGON_ENDPOINT", &origin)
            .env("JOBLENS_SUGON_AUTH_ENDPOINT", &origin)
    }

    fn get(&self, reference: &str) -> Joblens {
        self.joblens(&["get", "-o", "json", "--max-attempts", "1", reference])
    }

    /// Returns the id of the key that signed the last request.
    fn signed_by(&self) -> String {
        key_of(self.server.received().last().expect("a request arrived"))
    }
}

fn key_of(got: &ReceivedRequest) -> String {
    if let Some(id) = got.header("accesskey") {
        return id.to_owned();
    }
    let header = got.header("authorization").unwrap_or_default();
    let text = format!("{header}&{}", got.target());
    ["Credential=", "Access=", "SecretId=", "AccessKeyId="]
        .iter()
        .find_map(|name| Some(text.split_once(name)?.1))
        .map(|rest| rest.split([',', '&', ' ']).next().unwrap().to_owned())
        .unwrap_or_else(|| panic!("no user signed {text}"))
}
