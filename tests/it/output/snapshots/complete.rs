//! Checks that a page shows every value of the model.

use joblens::model::{Job, Reason, Time};
use joblens::output::{DetailLevel, PageOptions, RenderContext, Zone, escape, write_pages};
use serde_json::Value;

use super::documented::documented;

/// Returns `true` if the page shows a value in another form.
fn is_repeated(key: &str, text: &str) -> bool {
    match key {
        // The input is the reference; kinds have blanks; events name their task by its title.
        "input" | "kind" | "task" => true,
        // The word warning is sufficient; the cloud's word is shown only if it does not correspond to the state.
        "level" | "level_raw" | "state_raw" => true,
        // If the cloud reports no state, none is shown.
        "state" => text == "unknown",
        "propagation" => text == "None",
        // Derived from parts, which show it themselves.
        "reason" => text.starts_with("exit code ") || text == Reason::SUBTASKS_UNREAD,
        "message" => text.contains(": exit code ") || text.contains(" more)"),
        _ => false,
    }
}

fn texts(value: &Value, key: &str, into: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => into.push((key.to_owned(), text.clone())),
        Value::Array(list) => list.iter().for_each(|value| texts(value, key, into)),
        Value::Object(map) => map.iter().for_each(|(key, value)| texts(value, key, into)),
        _ => {}
    }
}

#[test]
fn every_text_and_time_of_a_job_is_on_its_describe_page() {
    let mut missing = Vec::new();
    for (name, job) in documented() {
        let page = page(&job);
        let mut all = Vec::new();
        texts(&serde_json::to_value(&job).unwrap(), "", &mut all);
        for (key, text) in all {
            let time = Time::from_rfc3339(&text).filter(|time| time.rfc3339() == text);
            let shown = match time {
                Some(_) => text.replace('T', " ").replace('Z', " +00:00"),
                None => escape(text.trim()).into_owned(),
            };
            if !page.contains(&shown) && !is_repeated(&key, &text) {
                missing.push(format!("{name}: {key} {text}"));
            }
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// Returns a page that is wide enough to need no line breaks.
fn page(job: &Job) -> String {
    let context = RenderContext {
        width: Some(10_000),
        color: false,
        now: job.observed_at.unwrap(),
        zone: Zone::Utc,
    };
    let mut out = Vec::new();
    write_pages(
        &mut out,
        std::slice::from_ref(job),
        &context,
        PageOptions::new(DetailLevel::All),
    )
    .unwrap();
    String::from_utf8(out).unwrap()
}
