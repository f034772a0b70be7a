mod arrays;
mod every_field;
mod jobs;
mod lists;

use super::JOB;
use crate::providers::test_support;

test_support::kinds::check_kind!(&JOB);
