//! Snapshots: text files below `fixtures/pages/` that are compared byte by byte.

use std::fs;

use super::documented::fixture;

/// Compares an output with its file, or writes the file if `JOBLENS_BLESS` is 1.
///
/// Escape characters are written as `\e`, so that the file is readable.
pub fn assert_snapshot(name: &str, output: &str) {
    let shown = output.replace('\u{1b}', "\\e");
    let path = fixture(&format!("pages/{name}"));
    if std::env::var("JOBLENS_BLESS").is_ok_and(|value| value == "1") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &shown).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        shown == kept,
        "{}\n{}\nJOBLENS_BLESS=1 rewrites it",
        path.display(),
        difference(&kept, &shown)
    );
}

/// Returns the lines from the first to the last difference, those of the file before those of the output.
fn difference(kept: &str, shown: &str) -> String {
    let (kept, shown): (Vec<_>, Vec<_>) = (kept.lines().collect(), shown.lines().collect());
    let pairs = kept.iter().zip(&shown);
    let same = pairs.take_while(|(a, b)| a == b).count();
    let (kept, shown) = (&kept[same..], &shown[same..]);
    let pairs = kept.iter().rev().zip(shown.iter().rev());
    let tail = pairs.take_while(|(a, b)| a == b).count();
    let lines = |mark: &str, lines: &[&str]| -> String {
        let lines = &lines[..lines.len() - tail];
        lines
            .iter()
            .map(|line| format!("{mark} {line}\n"))
            .collect()
    };
    format!(
        "from line {}:\n{}{}",
        same + 1,
        lines("-", kept),
        lines("+", shown)
    )
}

#[test]
fn a_difference_lists_stored_lines_before_new_lines() {
    let difference = difference("a\nb\nc\nd\n", "a\nx\nd\n");
    assert_eq!(difference, "from line 2:\n- b\n- c\n+ x\n");
}
