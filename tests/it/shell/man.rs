//! The man pages.

use std::collections::BTreeMap;
use std::fs;

use crate::support::joblens;

/// Returns the pages by name.
fn pages() -> BTreeMap<String, String> {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("share/man1");
    let run = joblens(&["man", place.to_str().unwrap()]).run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let message = run.stdout.lines().count();
    let pages: BTreeMap<_, _> = fs::read_dir(&place)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    assert_eq!(pages.len(), message);
    pages
}

#[test]
fn each_command_has_a_page_that_names_its_options() {
    let pages = pages();
    let help = joblens(&["--help"]).run().stdout;
    let commands = help.split("Commands:").nth(1).unwrap();
    let commands = commands.lines().skip(1).take_while(|line| !line.is_empty());
    let mut names = Vec::new();
    for line in commands {
        // A continuation line is indented further.
        if let Some(name) = line
            .strip_prefix("  ")
            .filter(|rest| !rest.starts_with(' '))
        {
            names.push(name.split(' ').next().unwrap());
        }
    }
    assert!(
        names.contains(&"get") && names.contains(&"completion"),
        "{names:?}"
    );
    for name in names.into_iter().filter(|name| *name != "help") {
        let page = &pages[&format!("joblens-{name}.1")].replace('\\', "");
        let help = joblens(&[name, "--help"]).run().stdout;
        let options = help
            .split_whitespace()
            .filter(|word| word.starts_with("--"));
        let mut seen = 0;
        for option in options.map(|word| word.trim_matches(|c: char| !c.is_alphanumeric())) {
            let option = option.split(['=', '[', ',']).next().unwrap();
            assert!(page.contains(option), "{name}: {option}");
            seen += 1;
        }
        assert!(seen > 5, "{name} describes no options");
        for section in [".SH \"EXIT STATUS\"", ".SH EXAMPLES"] {
            assert!(page.contains(section), "{name}: {section}");
        }
        let lines: Vec<&str> = page.lines().collect();
        for pair in lines.windows(2).filter(|pair| pair[0].starts_with("fB--")) {
            assert!(
                !pair[1].trim().is_empty(),
                "{name}: {} has no text",
                pair[0]
            );
        }
    }
    assert!(pages.contains_key("joblens.1") && pages.contains_key("joblens-config-init.1"));
    assert!(
        !pages
            .keys()
            .any(|name| name.contains("__") || name.contains("man.1"))
    );
}

#[test]
fn every_page_has_exit_status_and_examples_and_a_text_for_every_option() {
    for (name, page) in pages() {
        let section = |heading: &str| {
            let heading = format!(".SH {heading}\n");
            page.find(&heading)
                .unwrap_or_else(|| panic!("{name} has no {heading}"))
        };
        assert!(
            section("DESCRIPTION") < section("\"EXIT STATUS\""),
            "{name}"
        );
        assert!(section("\"EXIT STATUS\"") < section("EXAMPLES"), "{name}");
        let examples = &page[section("EXAMPLES")..];
        assert!(examples.contains("joblens "), "{name}: {examples}");
        for option in page.split("\n.TP\n").skip(1) {
            let mut lines = option.lines();
            let (option, text) = (lines.next().unwrap(), lines.next().unwrap_or_default());
            let is_text = !text.is_empty() && !text.starts_with('.');
            assert!(is_text, "{name}: {option}: {text:?}");
        }
    }
}

#[test]
fn the_lines_of_the_examples_are_not_filled() {
    for (name, page) in pages() {
        let (_, examples) = page.split_once(".SH EXAMPLES\n.nf\n").unwrap();
        let (examples, _) = examples.split_once("\n.fi\n").unwrap();
        let lines: Vec<String> = examples
            .lines()
            .map(|line| line.replace("\\*(Aq", "'"))
            .map(|line| line.replace("\\-", "-").replace("\\\\", "\\"))
            .collect();
        let command = name.strip_suffix(".1").unwrap().replace('-', " ");
        let words = command.split(' ').skip(1).chain(["--help"]);
        let help = joblens(&words.collect::<Vec<_>>()).run().stdout;
        let (_, of_help) = help.split_once("Examples:\n").unwrap();
        let (of_help, _) = of_help.split_once("\n\n").unwrap();
        let of_help: Vec<&str> = of_help.lines().map(|line| &line[2..]).collect();
        assert_eq!(lines, of_help, "{name}");
    }
}

#[test]
fn man_pages_are_reproducible_and_dated_by_source_date_epoch() {
    let pages = pages();
    assert_eq!(pages, self::pages());
    let title = pages["joblens.1"]
        .lines()
        .find(|line| line.starts_with(".TH"));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        title.unwrap(),
        format!(".TH joblens 1 2026-11-27 \"joblens {version}\" joblens")
    );
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().to_str().unwrap();
    let run = joblens(&["man", place])
        .env("SOURCE_DATE_EPOCH", "86400")
        .run();
    assert_eq!(run.code, 0, "{}", run.stderr);
    let page = fs::read_to_string(folder.path().join("joblens-get.1")).unwrap();
    assert!(page.contains(".TH joblens-get 1 1970-01-02"), "{page}");
}

#[test]
fn a_man_folder_that_cannot_be_created_is_reported() {
    let run = joblens(&["man", "/proc/nowhere/man1"]).run();
    assert_eq!(run.code, 2);
    assert!(run.stderr.contains("/proc/nowhere/man1"), "{}", run.stderr);
}

#[test]
fn the_synopsis_is_the_usage_and_exit_codes_without_a_verdict_have_a_heading() {
    let pages = pages();
    let page = pages["joblens-wait.1"].replace('\\', "");
    let synopsis = page.split(".SH SYNOPSIS\n").nth(1).unwrap();
    let synopsis = synopsis.split(".SH").next().unwrap();
    assert!(synopsis.contains("[OPTIONS] [REF]..."), "{synopsis}");
    assert!(!synopsis.contains("--"), "{synopsis}");
    assert!(page.contains("No verdict:\n.br\n2 usage error\n"), "{page}");
}
