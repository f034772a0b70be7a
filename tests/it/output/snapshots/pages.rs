//! The page of `describe` for every documented response.

use joblens::model::Job;
use joblens::output::{DetailLevel, PageOptions, RenderContext, Zone, write_pages};

use super::documented::documented;
use super::snapshot::assert_snapshot;

fn page(job: &Job, width: usize, color: bool) -> String {
    let context = RenderContext {
        width: Some(width),
        color,
        now: job.observed_at.unwrap(),
        zone: Zone::Utc,
    };
    let mut out = Vec::new();
    write_pages(
        &mut out,
        std::slice::from_ref(job),
        &context,
        PageOptions::new(DetailLevel::Limited),
    )
    .unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn describe_pages_of_the_documented_responses_match_snapshots() {
    for (name, job) in documented() {
        for width in [80, 160] {
            let plain = page(&job, width, false);
            assert_snapshot(&format!("{name}.{width}.txt"), &plain);
            assert!(!plain.contains('\u{1b}'));
            assert_snapshot(
                &format!("{name}.{width}.color.txt"),
                &page(&job, width, true),
            );
        }
    }
}
