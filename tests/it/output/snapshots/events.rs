//! Output of `joblens events` for each documented response, and for all of them together.

use joblens::model::{Job, Time};
use joblens::output::document::Timeline;
use joblens::output::{Format, OutputOptions, RenderContext, Zone, write_timeline};

use super::documented::documented;
use super::snapshot::assert_snapshot;

fn written(jobs: &[Job], format: Format, width: Option<usize>, color: bool) -> String {
    let context = RenderContext {
        width,
        color,
        now: Time::from_rfc3339("2024-05-20T12:00:00Z").unwrap(),
        zone: Zone::Utc,
    };
    let form = OutputOptions {
        format,
        columns: None,
        headers: true,
        query: None,
    };
    let timeline = Timeline::from_jobs("events", jobs, Vec::new(), Vec::new());
    let mut out = Vec::new();
    write_timeline(&mut out, &timeline, None, &form, &context).unwrap();
    String::from_utf8(out).unwrap()
}

/// Returns the output for each response after its name.
fn each(format: Format, width: Option<usize>, color: bool) -> String {
    let all = documented();
    all.iter()
        .map(|(name, job)| {
            let page = written(std::slice::from_ref(job), format, width, color);
            format!("== {name}\n{page}\n")
        })
        .collect()
}

#[test]
fn events_of_each_response_on_terminals_and_pipes_match_snapshots() {
    for (name, width, color) in [
        ("80", Some(80), false),
        ("80-color", Some(80), true),
        ("160", Some(160), false),
        ("160-color", Some(160), true),
        ("pipe", None, false),
    ] {
        let page = each(Format::Table, width, color);
        assert_snapshot(&format!("events/each-{name}.txt"), &page);
    }
}

#[test]
fn events_of_each_response_in_machine_formats_match_snapshots() {
    for (name, format) in [
        ("json", Format::Json),
        ("jsonl", Format::Jsonl),
        ("yaml", Format::Yaml),
        ("csv", Format::Csv),
        ("tsv", Format::Tsv),
        ("markdown", Format::Markdown),
    ] {
        assert_snapshot(
            &format!("events/each-{name}.txt"),
            &each(format, None, false),
        );
    }
}

#[test]
fn events_of_all_responses_in_one_timeline_match_snapshots() {
    let all: Vec<Job> = documented().into_iter().map(|(_, job)| job).collect();
    for (name, format, width) in [
        ("80", Format::Table, Some(80)),
        ("160", Format::Table, Some(160)),
        ("pipe", Format::Table, None),
        ("name", Format::Name, None),
    ] {
        let page = written(&all, format, width, false);
        assert_snapshot(&format!("events/together-{name}.txt"), &page);
    }
}
