//! The output for every documented response, stored as readable files.

mod complete;
mod documented;
mod events;
mod formats;
mod hostile;
mod pages;
mod snapshot;

use documented::{documented, model};

#[test]
fn every_documented_response_becomes_its_stored_model() {
    for (name, job) in documented() {
        assert_eq!(serde_json::to_value(&job).unwrap(), model(name), "{name}");
    }
}
