mod arrays;
mod every_field;
mod jobs;
mod lists;

use super::JOB;
use crate::test_support::kinds::check_kind;

check_kind!(
    &JOB,
    essential: [
        "JobInfos", "JobInfos[]", "JobInfos[].JobId", "JobInfos[].State",
        "Jobs", "Jobs[]", "Jobs[].JobId", "Jobs[].State",
    ],
    evidence: [
        "JobInfos[].IsArrayJob", "JobInfos[].ArrayProperties",
        "JobInfos[].ArrayProperties.IndexStart", "JobInfos[].ArrayProperties.IndexEnd",
        "JobInfos[].ArrayProperties.IndexStep", "Jobs[].IsArrayJob",
    ]
);
