//! The archive of a release, built with this binary instead of a static one.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::{read, root, write_stub};
use crate::support::in_parallel;

const TARGET: &str = "x86_64-unknown-linux-musl";

/// Builds the archive in a folder with a umask; returns its bytes.
fn build(folder: &Path, umask: &str) -> Vec<u8> {
    write_stub(&folder.join("stub"));
    let script = format!(
        "umask {umask}; exec packaging/build.sh --target {TARGET} --binary {0}/stub --out {0}/out",
        folder.display()
    );
    let output = Command::new("bash")
        .args(["-c", &script])
        .current_dir(root())
        .env("CARGO_NET_OFFLINE", "true")
        .env("SOURCE_DATE_EPOCH", "1764288000")
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let name = format!("joblens-{}-{TARGET}.tar.gz", env!("CARGO_PKG_VERSION"));
    let sums = fs::read_to_string(folder.join("out/SHA256SUMS")).unwrap();
    assert!(sums.ends_with(&format!("  {name}\n")), "{sums}");
    fs::read(folder.join("out").join(name)).unwrap()
}

/// Returns the files of an archive, without their common folder.
fn files(archive: &Path) -> BTreeSet<String> {
    let output = Command::new("tar")
        .arg("-tzf")
        .arg(archive)
        .output()
        .unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    let files = listed
        .lines()
        .filter_map(|line| Some(line.split_once('/')?.1));
    let files = files.filter(|file| !file.is_empty() && !file.ends_with('/'));
    files.map(str::to_owned).collect()
}

#[test]
fn archives_are_reproducible_and_contain_all_required_files() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let archives = std::sync::Mutex::new(Vec::new());
    in_parallel([("022", 0), ("077", 1)], |(umask, at)| {
        let archive = build(folders[at].path(), umask);
        archives.lock().unwrap().push(archive);
    });
    let archives = archives.into_inner().unwrap();
    assert_eq!(archives[0], archives[1]);
    let archive = folders[0].path().join("archive");
    fs::write(&archive, &archives[0]).unwrap();
    let files = files(&archive);
    for file in [
        "CHANGELOG.md",
        "LICENSE",
        "README.md",
        "README.zh-CN.md",
        "THIRD-PARTY-NOTICES.txt",
        "completions/_joblens",
        "completions/joblens.bash",
        "completions/joblens.fish",
        "completions/joblens.ps1",
        "joblens",
        "man/man1/joblens-wait.1",
        "man/man1/joblens.1",
        "rust-standard-library.html",
    ] {
        assert!(files.contains(file), "{file} is missing: {files:?}");
    }
    check_notices(folders[0].path(), &archive);
    check_container(&files);
}

/// Checks that every crate of the binary has a licence text, and that an MIT licence without a file names its
/// author.
fn check_notices(folder: &Path, archive: &Path) {
    let output = Command::new("tar")
        .args([
            "-xzf",
            archive.to_str().unwrap(),
            "--strip-components=1",
            "-C",
        ])
        .arg(folder)
        .output()
        .unwrap();
    assert!(output.status.success());
    let notices = fs::read_to_string(folder.join("THIRD-PARTY-NOTICES.txt")).unwrap();
    let (list, texts) = notices.split_once("\n====").unwrap();
    let crates = list
        .lines()
        .filter_map(|line| line.split_once(" v")?.1.split_once(": ").map(|_| line));
    let crates: Vec<&str> = crates.collect();
    assert!(crates.len() > 100, "{list}");
    for line in crates {
        let (name, rest) = line.split_once(" v").unwrap();
        let version = rest.split_once(": ").unwrap().0;
        assert!(
            texts.contains(&format!("{name} {version}")),
            "{name} has no text"
        );
    }
    assert!(texts.contains("\nCopyright (c) Michael Färber"));
    assert!(texts.contains("\nmusl\n"));
    assert!(
        !list.contains("joblens v") && !list.contains("(*)"),
        "{list}"
    );
}

/// Checks that the archive contains the files that the image uses, and that the build context contains the files
/// that the build needs.
fn check_container(files: &BTreeSet<String>) {
    let dockerfile = read("Dockerfile");
    let words = dockerfile.split_whitespace();
    let copied: Vec<&str> = words
        .filter_map(|word| word.strip_prefix("/packages/"))
        .collect();
    assert!(copied.contains(&"joblens"));
    for file in copied.iter().filter(|file| !file.contains('*')) {
        assert!(files.contains(*file), "{file}");
    }
    assert!(dockerfile.contains("\nFROM scratch\n"));
    let ignored = read(".dockerignore");
    let sent: Vec<&str> = ignored
        .lines()
        .filter_map(|line| line.strip_prefix('!'))
        .collect();
    for path in &sent {
        assert!(root().join(path).exists(), "{path}");
    }
    let output = Path::new(env!("OUT_DIR")).join("../output");
    let output = fs::read_to_string(output).unwrap();
    let inputs = output
        .lines()
        .filter_map(|line| line.strip_prefix("cargo::rerun-if-changed="));
    let inputs: Vec<&str> = inputs.collect();
    assert!(inputs.contains(&"fixtures/schema"), "{inputs:?}");
    let manifest = [
        "Cargo.lock",
        "Cargo.toml",
        "benches",
        "crates",
        "packaging",
        "src",
        "README.md",
    ];
    for needed in manifest.into_iter().chain(inputs) {
        let is_sent = sent.iter().any(|path| Path::new(needed).starts_with(path));
        assert!(is_sent, "{needed}");
    }
}
