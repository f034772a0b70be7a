//! The page of `describe` for every documented answer.

use joblens::model::Job;
use joblens::output::{Screen, Zone, write_pages};

use crate::documented::documented;
use crate::kept::assert_kept;

fn page(job: &Job, width: usize, colour: bool) -> String {
    let screen = Screen {
        width: Some(width),
        colour,
        now: job.observed_at.unwrap(),
        zone: Zone::Utc,
    };
    let mut out = Vec::new();
    write_pages(&mut out, std::slice::from_ref(job), &screen).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn every_documented_answer_has_its_page() {
    for (name, job) in documented() {
        for width in [80, 160] {
            let plain = page(&job, width, false);
            assert_kept(&format!("{name}.{width}.txt"), &plain);
            assert!(!plain.contains('\u{1b}'));
            assert_kept(
                &format!("{name}.{width}.colour.txt"),
                &page(&job, width, true),
            );
        }
    }
}
