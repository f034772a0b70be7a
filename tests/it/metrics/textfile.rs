//! Tests the file for the textfile collector of node_exporter.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{SCOPE, WORLD, number};
use crate::support::emulated::Emulated;
use crate::support::exposition::parse;

#[test]
fn a_textfile_that_is_a_link_is_written_through_it_if_its_target_exists() {
    let emulated = Emulated::start(WORLD);
    let folder = tempfile::tempdir().unwrap();
    let (link, target) = (folder.path().join("a.prom"), folder.path().join("b.prom"));
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let arguments = ["metrics", SCOPE, "--textfile", link.to_str().unwrap()];
    let run = emulated.joblens(&arguments).run();
    assert_eq!(run.code, 2, "{}", run.stderr);
    assert!(
        run.stderr.contains("cannot write") && !target.exists(),
        "{}",
        run.stderr
    );
    fs::write(&target, "").unwrap();
    let run = emulated.joblens(&arguments).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let text = fs::read_to_string(&target).unwrap();
    assert!(
        link.is_symlink() && text.contains("joblens_job_info"),
        "{text}"
    );
}

#[test]
fn a_textfile_that_is_a_link_to_another_directory_or_name_is_refused() {
    let emulated = Emulated::start(WORLD);
    let folder = tempfile::tempdir().unwrap();
    let elsewhere = folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let link = folder.path().join("a.prom");
    for target in [elsewhere.join("b.prom"), folder.path().join("passwd")] {
        fs::write(&target, "kept").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let run = emulated
            .joblens(&["metrics", SCOPE, "--textfile", link.to_str().unwrap()])
            .run();
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(
            run.stderr.contains("is a symbolic link to")
                && run
                    .stderr
                    .contains("hint: pass the path of the file itself"),
            "{}",
            run.stderr
        );
        assert_eq!(fs::read_to_string(&target).unwrap(), "kept");
        assert!(link.is_symlink());
        fs::remove_file(&link).unwrap();
    }
    assert!(emulated.accesses().is_empty());
}

#[test]
fn a_textfile_is_replaced_and_leaves_no_temporary_file() {
    let emulated = Emulated::start(WORLD);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("新/joblens.prom");
    fs::create_dir(folder.path().join("新")).unwrap();
    for _ in 0..2 {
        let textfile = ["metrics", SCOPE, "--textfile", path.to_str().unwrap()];
        let run = emulated.joblens(&textfile).run();
        assert_eq!(
            (run.code, run.stdout.as_str(), run.stderr.as_str()),
            (0, "", "")
        );
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(number(&parse(&text), "joblens_scope_up", SCOPE), 1.0);
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o444, 0o444, "{mode:o}");
    }
    for (name, part) in [
        ("joblens.txt", "ends in .prom"),
        ("新/joblens.prom/a.prom", "cannot write"),
        ("typo/joblens.prom", "typo/joblens.prom (No such file"),
    ] {
        let path = folder.path().join(name);
        let run = emulated
            .joblens(&["metrics", SCOPE, "--textfile", path.to_str().unwrap()])
            .run();
        assert_eq!(run.code, 2, "{}", run.stderr);
        assert!(run.stderr.contains(part), "{}", run.stderr);
    }
    assert!(!folder.path().join("typo").exists());
}
