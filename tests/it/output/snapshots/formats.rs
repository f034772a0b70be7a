//! Every output format that contains all documented responses.

use joblens::model::Job;
use joblens::output::document::Envelope;
use joblens::output::{Format, OutputOptions, RenderContext, Zone, write};

use super::documented::documented;
use super::snapshot::assert_snapshot;

fn shown(jobs: &[Job], format: Format, width: Option<usize>, color: bool) -> String {
    let form = OutputOptions {
        format,
        columns: None,
        headers: true,
        query: None,
    };
    let context = RenderContext {
        width,
        color,
        now: jobs.iter().filter_map(|job| job.observed_at).max().unwrap(),
        zone: Zone::Utc,
    };
    let envelope = Envelope::new("get", jobs.to_vec(), vec![], vec![]);
    let mut out = Vec::new();
    write(&mut out, &envelope, &form, &context).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn every_output_format_of_the_documented_responses_matches_snapshots() {
    let jobs: Vec<Job> = documented().into_iter().map(|(_, job)| job).collect();
    for (name, format) in [("table", Format::Table), ("wide", Format::Wide)] {
        for width in [80, 160] {
            let plain = shown(&jobs, format, Some(width), false);
            assert!(!plain.contains('\u{1b}'));
            assert_snapshot(&format!("forms/{name}.{width}.txt"), &plain);
            let colored = shown(&jobs, format, Some(width), true);
            assert_snapshot(&format!("forms/{name}.{width}.color.txt"), &colored);
        }
        let piped = shown(&jobs, format, None, false);
        assert_snapshot(&format!("forms/{name}.txt"), &piped);
    }
    for (name, format) in [
        ("json", Format::Json),
        ("jsonl", Format::Jsonl),
        ("yaml", Format::Yaml),
        ("csv", Format::Csv),
        ("tsv", Format::Tsv),
        ("md", Format::Markdown),
        ("txt", Format::Name),
    ] {
        let shown = shown(&jobs, format, None, false);
        assert_snapshot(&format!("forms/all.{name}"), &shown);
    }
}
