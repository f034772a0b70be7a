use super::super::invocation::{Results, ResultsPage, Status};
use super::{assert_model, fixture, invocation, job, read_jobs};
use crate::model::State;
use crate::providers::api::DecodeError;

#[test]
fn documented_responses_become_their_models() {
    for (name, id) in [
        ("describe-serverless-jobs", "10_3"),
        ("describe-serverless-jobs-every-field", "10_3"),
        ("describe-serverless-jobs-failed", "5"),
        ("describe-serverless-jobs-pending", "6"),
    ] {
        let body = fixture(&format!("job/{name}.json"));
        let (job, notices) = read_jobs(&body, job(id), &[]).unwrap();
        assert_eq!(notices, [], "{name}");
        assert_model(&format!("job/{name}.model.json"), job);
    }
}

#[test]
fn an_empty_list_of_jobs_means_that_the_job_is_missing() {
    let body = fixture("job/describe-serverless-jobs-none.json");
    let miss = read_jobs(&body, job("5"), &[]).unwrap_err();
    let request_id = "3F405162-1335-436C-A1D7-6C044FE7336B".to_owned();
    let DecodeError::Failed(miss) = miss else {
        panic!("{miss:?}")
    };
    assert_eq!(miss.request_id, Some(request_id));
    assert_eq!(miss.message, "the cluster has no serverless job 5");
}

#[test]
fn json_and_xml_responses_of_an_invocation_become_the_same_model() {
    for status in ["json", "wrapped.json", "xml"] {
        for results in ["json", "xml"] {
            let id = "c-hz01v8x80o3";
            let body = fixture(&format!("invocation/list-invocation-status.{status}"));
            let status = Status::decode(&body, id).unwrap();
            assert!(status.is_finished());
            let body = fixture(&format!(
                "invocation/list-invocation-status.ListInvocationResults.{results}"
            ));
            let mut all = Results::default();
            assert!(!all.add(ResultsPage::decode(&body, id).unwrap()));
            let (job, notices) = status.into_job(invocation(id), &[], Some(all), false);
            assert_eq!(notices, []);
            assert_eq!(job.state, State::Failed);
            assert_model("invocation/list-invocation-status.model.json", job);
        }
    }
}
