//! The output for every documented response, stored as readable files.

mod complete;
mod documented;
mod events;
mod forms;
mod hostile;
mod pages;
mod snapshot;

use documented::{documented, model};

#[test]
fn a_documented_answer_becomes_the_model_beside_it() {
    for (name, job) in documented() {
        assert_eq!(serde_json::to_value(&job).unwrap(), model(name), "{name}");
    }
}
