//! A log that is followed while another job gets the id of its job.

use std::io::Write as _;
use std::process::Stdio;

use crate::support::emulated::{Emulated, passed_on};
use crate::support::jobs::JOB;
use crate::support::{Server, wait_until};

/// Starts a job that was created this long ago and writes this line again and again.
fn writing(age: &str, line: &str) -> Emulated {
    Emulated::start(&format!(
        "[[job]]\nref = '{JOB}'\nage = '{age}'\nstates = [{{ after = '0s', state = 'Running' }}]\n\
         log = [{{ after = '1s', line = '{line}', every = '1s', times = 9000 }}]\n"
    ))
}

#[test]
fn the_log_of_another_job_with_the_same_number_is_not_followed() {
    let emulated = [writing("2h", "first job"), writing("1h", "second job")];
    let origins = emulated.each_ref().map(|one| one.origin.clone());
    let server = Server::start(move |number, request, stream| {
        let origin = &origins[usize::from(number >= 12)];
        let response = passed_on(origin, &request.head, stream);
        let _ = stream.write_all(&response);
    });
    let follow = ["logs", "-f", "--interval", "10ms", "--tail", "1", JOB];
    let run = emulated[0].joblens(&follow);
    let run = run.env("JOBLENS_ALIYUN_ENDPOINT", server.origin());
    let run = run.start(Stdio::piped(), Stdio::piped());
    wait_until("there are 30 requests", || server.received().len() >= 30);
    run.signal("INT");
    let run = run.end();
    assert_eq!(run.code, 130, "{}", run.stderr);
    assert!(run.stdout.contains("first job"), "{}", run.stdout);
    assert!(!run.stdout.contains("second job"), "{}", run.stdout);
    let note = "note: this id now belongs to another job, created at ";
    assert!(run.stderr.contains(note), "{}", run.stderr);
}
