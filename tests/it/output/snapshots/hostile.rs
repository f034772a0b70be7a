//! Documented responses in which every free text is hostile, in every output format.

use joblens::model::Job;
use joblens::output::document::Envelope;
use joblens::output::{
    DetailLevel, Format, OutputOptions, PageOptions, RenderContext, Zone, write, write_pages,
};
use serde_json::Value;

use super::documented::documented_but;
use crate::support::yaml;

/// Texts that would move a cursor, set a title, change the reading direction, begin a row, or be a formula, a
/// command of a CI system or markup.
const TEXTS: [&str; 3] = [
    "=HYPERLINK(\"http://x\")\u{1b}[2J\u{1b}]0;title\u{7}\r\n::error::x\u{202e}dcba\u{200f}\u{2028}\u{9b}31m",
    "::set-output name=x::y\n##[group]##vso[task.x]\t| a | <b> `c` [l](http://x) \\ \u{feff}'\"",
    "\n+1 \r-1 @SUM(A1) ${x} $(rm) %0A %s {{x}} \u{202e}训练\u{202c} 👩‍🚀 \u{0}\u{7f}",
];

/// Returns `true` if a value affects how a response is read, so that it is not replaced: ids, states, levels, kinds,
/// times and codes.
fn is_read(key: &str) -> bool {
    const READ: [&str; 13] = [
        "id",
        "state",
        "status",
        "time",
        "code",
        "type",
        "seen",
        "level",
        "count",
        "timestamp",
        "unit",
        "number",
        "codedesc",
    ];
    let key = key.to_ascii_lowercase();
    READ.iter().any(|part| key.ends_with(part))
}

fn spoil(text: &str, value: &mut Value, key: &str) {
    match value {
        Value::String(old) if !is_read(key) && old.parse::<f64>().is_err() => {
            *old = text.to_owned()
        }
        Value::Array(items) => items.iter_mut().for_each(|item| spoil(text, item, key)),
        Value::Object(fields) => {
            for (key, value) in fields {
                spoil(text, value, key);
            }
        }
        _ => {}
    }
}

/// Returns the resources of the documented responses with every free text replaced by this one.
fn hostile(text: &'static str) -> Vec<Job> {
    let jobs: Vec<Job> = documented_but(move |response| spoil(text, response, ""))
        .into_iter()
        .map(|(_, job)| job)
        .collect();
    let spoiled = serde_json::to_string(&jobs).unwrap();
    let written = serde_json::to_string(text).unwrap();
    let times = spoiled.matches(&written[1..written.len() - 1]).count();
    assert!(times > 100, "only {times} texts were spoiled");
    jobs
}

fn long() -> &'static str {
    static LONG: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    LONG.get_or_init(|| "长 ".repeat(5_000))
}

fn moves_a_cursor(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn assert_harmless(form: &str, shown: &str) {
    for line in shown.trim_start_matches('\u{feff}').lines() {
        let line = match form {
            "Tsv" => line.replace('\t', ""),
            _ => line.to_owned(),
        };
        assert!(!line.contains(moves_a_cursor), "{form}: {line:?}");
        assert!(!line.trim_start().starts_with("::"), "{form}: {line:?}");
        for mark in ["##[", "##vso["] {
            assert!(!line.contains(mark), "{form}: {line:?}");
        }
    }
}

const FORMATS: [Format; 9] = [
    Format::Table,
    Format::Wide,
    Format::Json,
    Format::Jsonl,
    Format::Yaml,
    Format::Csv,
    Format::Tsv,
    Format::Markdown,
    Format::Name,
];

fn context(width: Option<usize>, jobs: &[Job]) -> RenderContext {
    RenderContext {
        width,
        color: false,
        now: jobs[0].observed_at.unwrap(),
        zone: Zone::Utc,
    }
}

fn shown(format: Format, jobs: &[Job], width: Option<usize>) -> String {
    let form = OutputOptions {
        format,
        columns: None,
        headers: true,
        query: None,
    };
    let envelope = Envelope::new("get", jobs.to_vec(), vec![], vec![]);
    let mut out = Vec::new();
    write(&mut out, &envelope, &form, &context(width, jobs)).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn hostile_texts_stay_in_their_cell_in_every_output_format() {
    for text in TEXTS {
        assert_snapshot_in_place(&hostile(text), &[40, 80, 160]);
    }
}

#[test]
fn very_long_texts_stay_in_their_cell_in_every_output_format() {
    // One of each kind, since measuring a million wide characters is slow.
    let mut kinds = std::collections::BTreeSet::new();
    let mut jobs = hostile(long());
    jobs.retain(|job| job.message.is_some() || job.cloud != "huawei");
    jobs.retain(|job| kinds.insert(format!("{}/{}", job.cloud, job.kind)));
    assert_eq!(jobs.len(), 5);
    assert_snapshot_in_place(&jobs, &[80]);
}

fn assert_snapshot_in_place(jobs: &[Job], widths: &[usize]) {
    for format in FORMATS {
        for width in [None, Some(80)] {
            let shown = shown(format, jobs, width);
            assert_harmless(&format!("{format:?}"), &shown);
            assert_rows(format, jobs, &shown, width);
        }
    }
    for width in widths {
        let mut out = Vec::new();
        write_pages(
            &mut out,
            jobs,
            &context(Some(*width), jobs),
            PageOptions::new(DetailLevel::Limited),
        )
        .unwrap();
        assert_harmless("page", &String::from_utf8(out).unwrap());
    }
}

/// Checks that no text begins a row, ends a cell or is lost.
fn assert_rows(format: Format, jobs: &[Job], shown: &str, width: Option<usize>) {
    let lines = shown.lines().count();
    match format {
        Format::Table | Format::Wide if width.is_none() => assert_eq!(lines, jobs.len() + 1),
        Format::Table | Format::Wide => assert!(lines > jobs.len()),
        Format::Name => assert_eq!(lines, jobs.len()),
        Format::Markdown => {
            assert_eq!(lines, jobs.len() + 2);
            let cells = |line: &str| line.matches('|').count();
            assert!(shown.lines().all(|line| cells(line) == 7), "{shown}");
        }
        Format::Csv => {
            let text = shown.trim_start_matches('\u{feff}');
            let mut reader = csv::Reader::from_reader(text.as_bytes());
            let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
            assert_eq!(rows.len(), jobs.len());
            for cell in rows.iter().flatten() {
                let is_number = cell.parse::<f64>().is_ok();
                let begins = cell.trim_start().starts_with(['=', '+', '-', '@']);
                assert!(is_number || !begins, "{cell:?}");
            }
        }
        Format::Tsv => {
            assert_eq!(lines, jobs.len() + 1);
            let cells = |line: &str| line.matches('\t').count();
            let headers = cells(shown.lines().next().unwrap());
            assert!(shown.lines().all(|line| cells(line) == headers));
        }
        Format::Json => {
            let read: Value = serde_json::from_str(shown).unwrap();
            assert_eq!(read["jobs"], serde_json::to_value(jobs).unwrap());
        }
        Format::Yaml => {
            let read = yaml::json_of(shown);
            assert_eq!(read["jobs"], serde_json::to_value(jobs).unwrap());
        }
        Format::Jsonl => {
            assert_eq!(lines, jobs.len() + 1);
            for (line, job) in shown.lines().zip(jobs) {
                let read: Value = serde_json::from_str(line).unwrap();
                assert_eq!(read["message"], serde_json::json!(job.message));
                assert_eq!(read["events"], serde_json::json!(job.events));
            }
        }
    }
}
