//! A strict parser of the text formats of Prometheus: 0.0.4, or OpenMetrics 1.0 if the text ends in `# EOF`.

use std::collections::{BTreeMap, BTreeSet};

/// The metrics with one name.
#[derive(Debug, Default)]
pub struct Family {
    pub name: String,
    pub kind: String,
    pub samples: Vec<Sample>,
}

/// One line with a value.
#[derive(Debug)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

/// Parses the families of a text, in order.
///
/// # Panics
/// If a scraper would reject the text or warn about it.
pub fn parse(text: &str) -> Vec<Family> {
    assert!(text.is_empty() || text.ends_with('\n'));
    let is_open = text.ends_with("# EOF\n");
    let text = text.strip_suffix("# EOF\n").unwrap_or(text);
    let mut families: Vec<Family> = Vec::new();
    let mut series = BTreeSet::new();
    for line in text.lines() {
        assert!(!line.contains(char::is_control), "{line:?}");
        if let Some(metadata) = line.strip_prefix("# ") {
            let (word, rest) = metadata.split_once(' ').unwrap();
            let (name, value) = rest.split_once(' ').unwrap();
            assert!(!value.is_empty(), "{line}");
            match word {
                "HELP" => {
                    let is_new = families.iter().all(|family| family.name != name);
                    assert!(is_new, "{name} comes twice");
                    families.push(Family {
                        name: name.to_owned(),
                        ..Family::default()
                    });
                }
                "TYPE" => {
                    let family = families.last_mut().unwrap();
                    assert_eq!(family.name, name);
                    let known = ["gauge", "counter", if is_open { "info" } else { "gauge" }];
                    assert!(known.contains(&value), "{line}");
                    family.kind = value.to_owned();
                }
                "UNIT" => assert!(is_open && name.ends_with(&format!("_{value}")), "{line}"),
                _ => panic!("{line}"),
            }
            continue;
        }
        let family = families.last_mut().unwrap();
        let sample = sample(line);
        let suffix = match (family.kind.as_str(), is_open) {
            ("counter", true) => "_total",
            ("info", true) => "_info",
            _ => "",
        };
        assert_eq!(sample.name, format!("{}{suffix}", family.name), "{line}");
        let is_total = sample.name.ends_with("_total");
        assert_eq!(is_total, family.kind == "counter", "{line}");
        let identity = (sample.name.clone(), sample.labels.clone());
        assert!(series.insert(identity), "{line} comes twice");
        family.samples.push(sample);
    }
    families
}

fn sample(line: &str) -> Sample {
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let end = line.find(|c| !is_name(c)).unwrap();
    let (name, mut rest) = line.split_at(end);
    assert!(name.starts_with("joblens_"), "{line}");
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, after) = rest.split_once("=\"").unwrap();
            assert!(!label.is_empty() && label.chars().all(is_name), "{line}");
            let (value, after) = quoted(after);
            assert!(!value.is_empty(), "{line}");
            assert!(labels.insert(label.to_owned(), value).is_none(), "{line}");
            match after.strip_prefix(',') {
                Some(more) => rest = more,
                None => {
                    rest = after.strip_prefix('}').unwrap();
                    break;
                }
            }
        }
    }
    let value = rest.strip_prefix(' ').unwrap();
    Sample {
        name: name.to_owned(),
        labels,
        value: value.parse().unwrap(),
    }
}

/// Returns the value of a label up to its closing quote, and the rest of the text.
fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, c)) = characters.next() {
        match c {
            '"' => return (value, &text[at + 1..]),
            '\\' => match characters.next().unwrap().1 {
                'n' => value.push('\n'),
                c @ ('\\' | '"') => value.push(c),
                c => panic!("\\{c} in {text}"),
            },
            c => value.push(c),
        }
    }
    panic!("no end: {text}")
}

/// Returns the value of the only sample with this name and with a label of this value.
pub fn value(families: &[Family], name: &str, label: &str) -> Option<f64> {
    let samples = families.iter().flat_map(|family| &family.samples);
    let has_label = |sample: &&Sample| sample.labels.values().any(|value| value == label);
    let mut found = samples
        .filter(|sample| sample.name == name)
        .filter(has_label);
    let first = found.next()?;
    assert!(
        found.next().is_none(),
        "{name} has several samples with {label}"
    );
    Some(first.value)
}
