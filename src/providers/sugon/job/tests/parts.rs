//! Tests records of one subtask of an array job, and of one component of a heterogeneous job.

use super::*;

/// Reads a job with this id whose record has these fields, in addition to a success or a failure.
fn read(id: &str, origin: RecordSource, word: &str, more: Value) -> Job {
    let code = if word == "COMPLETED" { "0:0" } else { "1:0" };
    let mut record = json!({"JobState": word, "ExitCode": code});
    let fields = record.as_object_mut().unwrap();
    fields.extend(more.as_object().unwrap().clone());
    let data = match origin {
        RecordSource::Live => json!({"jobId": id, "jobStatus": "statC", "jobInitAttr": record}),
        RecordSource::History => {
            json!({"jobId": id, "jobState": "statC", "initContentAttr": record.to_string()})
        }
    };
    let body = json!({"code": "0", "data": data}).to_string();
    let (reference, options) = (reference(id), get_options());
    let lookup = lookup(&reference, &options);
    let found = decode_job(body.as_bytes(), origin, lookup, None, CHINA);
    found.unwrap().unwrap().job
}

#[test]
fn a_record_of_one_part_does_not_prove_the_success_of_the_whole_job() {
    for origin in [RecordSource::Live, RecordSource::History] {
        for part in [
            json!({"ArrayJobId": "77", "ArrayTaskId": "2"}),
            json!({"ArrayJobId": 77, "ArrayTaskId": 2}),
            json!({"ArrayTaskId": 2}),
            json!({"ArrayJobId": [77]}),
            json!({"HetJobId": 77, "HetJobOffset": 0}),
        ] {
            let job = read("77", origin, "COMPLETED", part.clone());
            assert_eq!((job.state, job.ended), (State::Unknown, false), "{part}");
            let message = job.message.unwrap();
            assert!(message.contains("one part of the job"), "{message}");
            let failed = read("77", origin, "FAILED", part);
            assert_eq!((failed.state, failed.ended), (State::Failed, true));
        }
        for (id, record) in [
            (
                "77",
                json!({"ArrayJobId": 0, "HetJobId": 0, "HetJobOffset": 0}),
            ),
            ("77_2", json!({"ArrayJobId": 77, "ArrayTaskId": 2})),
            ("77_2", json!({"ArrayTaskId": 2})),
            ("77+1", json!({"HetJobId": 77, "HetJobOffset": 1})),
            // The id of a subtask other than the last one.
            ("78", json!({"ArrayJobId": 77, "ArrayTaskId": 2})),
        ] {
            let job = read(id, origin, "COMPLETED", record);
            assert_eq!((job.state, job.ended), (State::Succeeded, true), "{id}");
        }
    }
}
