//! Checks that the workflows, the action and the template refer only to existing files and options, in scripts that
//! bash can parse.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::Value;

use super::{read, root, scalar, yaml};

const FILES: [&str; 5] = [
    ".github/workflows/ci.yml",
    ".github/workflows/fuzz.yml",
    ".github/workflows/release.yml",
    "action.yml",
    "examples/gitlab-ci.yml",
];

/// Collects every value of a key with this name, at any depth.
fn all<'a>(value: &'a Value, name: &str, found: &mut Vec<&'a Value>) {
    match value {
        Value::Object(entries) => {
            for (key, inner) in entries {
                if key == name {
                    found.push(inner);
                }
                all(inner, name, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| all(item, name, found)),
        _ => {}
    }
}

fn scripts(file: &str) -> Vec<String> {
    let document = yaml(file);
    let mut found = Vec::new();
    for key in ["run", "script", "before_script"] {
        all(&document, key, &mut found);
    }
    let lines = |value: &Value| match value.as_array() {
        Some(lines) => lines.iter().map(|line| scalar(line) + "\n").collect(),
        None => scalar(value),
    };
    found.into_iter().map(lines).collect()
}

#[test]
fn scripts_are_valid_bash_and_run_existing_executable_files() {
    for file in FILES {
        let scripts = scripts(file);
        assert!(!scripts.is_empty(), "{file}");
        for script in scripts {
            let output = Command::new("bash")
                .args(["-n", "-c", &script])
                .output()
                .unwrap();
            assert!(output.status.success(), "{file}: {script}");
            let words = script.split(|c: char| c.is_whitespace() || c == '"');
            let words = words.map(|word| {
                let word = word.trim_start_matches("../again/");
                word.trim_start_matches("$GITHUB_ACTION_PATH/")
            });
            for path in words.filter(|word| {
                ["packaging/", "fuzz/", ".ci/"]
                    .iter()
                    .any(|folder| word.starts_with(folder))
            }) {
                let mut found = glob::glob(root().join(path).to_str().unwrap()).unwrap();
                let found = found.next().unwrap_or_else(|| panic!("{file}: {path}"));
                let mode = fs::metadata(found.unwrap()).unwrap().permissions().mode();
                assert_ne!(mode & 0o111, 0, "{path} cannot be run");
            }
        }
    }
}

#[test]
fn external_actions_have_a_version_and_scripts_contain_no_expressions() {
    for file in FILES {
        let document = yaml(file);
        let mut uses = Vec::new();
        all(&document, "uses", &mut uses);
        for action in uses {
            let (name, version) = action.as_str().unwrap().split_once("@v").unwrap();
            assert!(name.starts_with("actions/"), "{file}: {name}");
            assert!(
                version.bytes().all(|byte| byte.is_ascii_digit()),
                "{file}: {version}"
            );
        }
        for script in scripts(file) {
            assert!(!script.contains("${{"), "{file}: {script}");
        }
    }
}

#[test]
fn every_target_of_a_release_can_be_installed() {
    let release = yaml(".github/workflows/release.yml");
    let matrix = release["jobs"]["build"]["strategy"]["matrix"]["include"]
        .as_array()
        .unwrap();
    let built: Vec<&str> = matrix
        .iter()
        .map(|one| one["target"].as_str().unwrap())
        .collect();
    assert_eq!(
        built,
        ["x86_64-unknown-linux-musl", "aarch64-unknown-linux-musl"]
    );
    let install = read("packaging/install.sh");
    for target in built {
        assert!(install.contains(&format!("target={target} ;;")), "{target}");
    }
    let needs = &release["jobs"]["publish"]["needs"];
    assert_eq!(needs, "build");
}

#[test]
fn binstall_uses_the_archive_name_of_the_build_script() {
    let manifest: toml::Table = read("Cargo.toml").parse().unwrap();
    let metadata = &manifest["package"]["metadata"]["binstall"];
    let text = |key: &str| metadata[key].as_str().unwrap();
    let named = |text: &str| {
        let values = [
            ("{ repo }", "https://git.example/team/joblens"),
            ("{ version }", "0.1.0"),
            ("{ name }", "joblens"),
            ("{ bin }", "joblens"),
            ("{ target }", "x86_64-unknown-linux-musl"),
            ("{ archive-suffix }", ".tar.gz"),
            ("{ binary-ext }", ""),
        ];
        let named = values.iter().fold(text.to_owned(), |text, (key, value)| {
            text.replace(key, value)
        });
        assert!(!named.contains('{'), "{named}");
        named
    };
    let name = "joblens-0.1.0-x86_64-unknown-linux-musl";
    let address =
        format!("https://git.example/team/joblens/releases/download/v0.1.0/{name}.tar.gz");
    assert_eq!(named(text("pkg-url")), address);
    assert_eq!(named(text("bin-dir")), format!("{name}/joblens"));
    assert!(read("packaging/build.sh").contains("name=joblens-$version-$target\n"));
    assert!(read("packaging/install.sh").contains("name=joblens-$version-$target\n"));
}
