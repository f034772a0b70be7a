//! The release: its archive, its installation, and the gates of CI systems.

mod action;
mod archive;
mod gitlab;
mod kubernetes;
mod notifications;
mod workflows;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::{CommandExt as _, ExitStatusExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::support::emulated::Emulated;
use crate::support::yaml;

/// The scenario that the READMEs use.
const BUILT_IN: &str = include_str!("../../../src/emulator/default.toml");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// Parses the only document of a YAML file of the project.
fn yaml(path: &str) -> Value {
    yaml::json_of(&read(path))
}

/// Returns the YAML block of the README that contains a text.
fn readme_block(text: &str) -> Value {
    let readme = read("README.md");
    let mut blocks = readme.split("```yaml\n").skip(1);
    let block = blocks.find_map(|rest| {
        rest.split("```")
            .next()
            .filter(|block| block.contains(text))
    });
    yaml::json_of(block.unwrap())
}

/// Writes a program that runs this build's binary.
fn write_stub(path: &Path) {
    let script = format!("#!/bin/sh\nexec {} \"$@\"\n", env!("CARGO_BIN_EXE_joblens"));
    fs::write(path, script).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

/// A folder with releases, whose only archive contains a program that runs this build.
struct Release {
    folder: tempfile::TempDir,
    sha256: String,
}

impl Release {
    const VERSION: &'static str = "0.1.0";

    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let name = format!(
            "joblens-{}-{}-unknown-linux-musl",
            Self::VERSION,
            std::env::consts::ARCH
        );
        let release = folder.path().join(format!("v{}", Self::VERSION));
        fs::create_dir_all(release.join(&name)).unwrap();
        write_stub(&release.join(&name).join("joblens"));
        let script =
            format!("tar -czf {name}.tar.gz {name} && sha256sum {name}.tar.gz | cut -d ' ' -f 1");
        let output = Command::new("sh")
            .args(["-c", &script])
            .current_dir(&release)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        let sha256 = String::from_utf8(output.stdout).unwrap().trim().to_owned();
        Self { folder, sha256 }
    }

    /// Returns the URL of the releases.
    fn url(&self) -> String {
        format!("file://{}", self.folder.path().display())
    }
}

/// Runs shell scripts in a separate folder with emulated clouds.
struct Runner {
    home: tempfile::TempDir,
    emulated: Option<Emulated>,
    /// Folders of programs that precede those of the system.
    path: Vec<PathBuf>,
}

impl Runner {
    fn new(emulated: Option<Emulated>) -> Self {
        let home = tempfile::tempdir().unwrap();
        Self {
            home,
            emulated,
            path: Vec::new(),
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// Returns the text of a file; empty if it is missing.
    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// Runs a script like CI systems; returns the exit code and the whole output.
    fn run(&self, script: &str, variables: &[(String, String)]) -> (i32, String) {
        let folders = self.path.iter().map(|folder| folder.display().to_string());
        let folders: Vec<String> = folders.chain(["/usr/bin:/bin".to_owned()]).collect();
        let emulated = self.emulated.iter().flat_map(Emulated::environment);
        let output = Command::new("bash")
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
            .current_dir(self.home.path())
            .env_clear()
            .env("CI", "true")
            .env("HOME", self.home.path())
            .env("PATH", folders.join(":"))
            .envs(emulated)
            .envs(variables.iter().cloned())
            .process_group(0)
            .output()
            .unwrap();
        let text = [output.stdout, output.stderr].concat();
        let status = output.status;
        let code = status.code().or(status.signal().map(|signal| 128 + signal));
        let code = code.unwrap();
        (code, String::from_utf8(text).unwrap())
    }
}

/// Returns the text of a scalar.
fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
