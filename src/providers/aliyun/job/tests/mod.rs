mod arrays;
mod every_field;
mod jobs;
mod lists;

use super::JOB;
use crate::test_support::kinds::check_kind;

check_kind!(&JOB);
